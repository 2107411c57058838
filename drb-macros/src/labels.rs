//! Names of arguments and fields as type parameters, so that a compiler's error can say them: see
//! `drb_core::dispatch::Argument`.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use std::collections::{BTreeMap, HashSet};
use syn::{Generics, TypeParam, parse_quote};

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

    /// Adds the type parameters.
    pub(crate) fn declare(&self, generics: &mut Generics) {
        let distinct: HashSet<_> = self.labels.values().collect();
        let mut distinct: Vec<_> = distinct.into_iter().collect();
        distinct.sort();
        for label in distinct {
            let param: TypeParam = parse_quote!(#label);
            generics.params.push(param.into());
        }
    }

    /// What stands for them where they mean nothing.
    pub(crate) fn fill(&self) -> impl Iterator<Item = TokenStream> {
        let distinct: HashSet<_> = self.labels.values().collect();
        distinct.into_iter().map(|_| quote!(()))
    }
}
