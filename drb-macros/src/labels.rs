//! Names of arguments and fields as type parameters, so that a compiler's error can say them: see
//! `drb_core::dispatch::Argument`.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use syn::{GenericParam, Generics, parse_quote};

/// Type parameters that are called like the arguments of a method, or the fields of a type.
#[derive(Default)]
pub(crate) struct Labels {
    /// What the types among which they stand mention.
    taken: HashSet<String>,
    labels: BTreeMap<String, Ident>,
}

impl Labels {
    /// Leaves the names alone that the types mention.
    pub(crate) fn among(types: impl IntoIterator<Item = TokenStream>) -> Self {
        let mut labels = Self::default();
        types.into_iter().for_each(|tokens| labels.take(tokens));
        labels
    }

    fn take(&mut self, tokens: TokenStream) {
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    self.taken.insert(ident.to_string());
                }
                TokenTree::Group(group) => self.take(group.stream()),
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
        }
    }

    /// Adds a name.
    pub(crate) fn add(&mut self, name: &Ident) {
        let mut label = name.clone();
        while self.taken.contains(&label.to_string()) {
            label = quote::format_ident!("{}_", label);
        }
        self.labels.insert(name.to_string(), label);
    }

    /// The type parameter for a name that has been added.
    pub(crate) fn label(&self, name: &Ident) -> TokenStream {
        match self.labels.get(&name.to_string()) {
            Some(label) => label.to_token_stream(),
            None => quote!(()),
        }
    }

    /// The generics with the type parameters.
    pub(crate) fn added_to(&self, generics: &Generics) -> Generics {
        let mut generics = generics.clone();
        let params = self.distinct().map(|label| -> GenericParam { parse_quote!(#label) });
        generics.params.extend(params);
        generics
    }

    /// What stands for them where they mean nothing.
    pub(crate) fn fill(&self) -> impl Iterator<Item = TokenStream> {
        self.distinct().map(|_| quote!(()))
    }

    /// The pieces of a trait that has them as its parameters, and of its impl with `generics`.
    pub(crate) fn of_trait(&self, generics: &Generics) -> Labelled {
        let labelled = self.added_to(generics);
        let (impl_generics, _, _) = labelled.split_for_impl();
        let (labels, fill) = (self.distinct(), self.fill());
        Labelled {
            labels: quote!(<#(#labels),*>),
            filled: quote!(<#(#fill),*>),
            impl_generics: impl_generics.to_token_stream(),
        }
    }

    fn distinct(&self) -> impl Iterator<Item = &Ident> {
        self.labels.values().collect::<BTreeSet<_>>().into_iter()
    }
}

/// See [`Labels::of_trait`].
pub(crate) struct Labelled {
    /// As parameters and as arguments of the trait: `<key, by>`.
    pub(crate) labels: TokenStream,
    /// In their place where they mean nothing: `<(), ()>`.
    pub(crate) filled: TokenStream,
    /// Of the impl.
    pub(crate) impl_generics: TokenStream,
}
