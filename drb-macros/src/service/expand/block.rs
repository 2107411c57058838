//! What a block adds to a method of the proxy: a closure as the last parameter.

use super::super::model::{self, Method, Param, Service, Yielded};
use crate::{text::text, types};
use proc_macro2::TokenStream;
use quote::quote;

/// The pieces of a proxy's method that a block changes.
pub(super) struct Block {
    /// What the method's docs say of it.
    pub(super) doc: String,
    pub(super) generics: TokenStream,
    pub(super) param: Option<TokenStream>,
    /// The second argument of `Call<…>`.
    pub(super) driver: TokenStream,
    pub(super) predicates: TokenStream,
    /// What ends the call's preparation.
    pub(super) call: TokenStream,
}

/// Without a block.
impl Default for Block {
    fn default() -> Self {
        Self {
            doc: String::new(),
            generics: TokenStream::new(),
            param: None,
            driver: TokenStream::new(),
            predicates: TokenStream::new(),
            call: quote!(call()),
        }
    }
}

impl Block {
    pub(super) fn of(
        service: &Service,
        method: &Method,
        param: &Param,
        block: &model::Block,
    ) -> Self {
        let krate = &service.krate;
        let (name, gives) = (&param.name, &block.gives);
        let result = types::type_with_lifetime(&method.result, "'static");
        let arrives = |ty| quote!(<#ty as #krate::Outbound>::Arrives);
        let each = block.yielded.types().map(arrives);
        let (inputs, arguments) = match &block.yielded {
            Yielded::Each(_) => {
                let each: Vec<_> = each.collect();
                (quote!(#(#each),*), quote!((#(#each,)*)))
            }
            Yielded::Any(_) => {
                let all = quote!(::std::vec::Vec<#(#each)*>);
                (all.clone(), all)
            }
        };
        let yielded = block.yielded.types();
        let yields = quote!(#krate::Yields<#gives, <#result as #krate::Returns>::Value, __DrbWay>);
        Self {
            doc: doc(param, block),
            generics: quote!(<__DrbClosure, __DrbGiven, __DrbWay>),
            param: Some(quote!(#name: __DrbClosure)),
            driver: quote! {
                , #krate::Yielding<
                    __DrbClosure,
                    #arguments,
                    __DrbGiven,
                    <__DrbGiven as #yields>::Answer,
                >
            },
            // The lifetime keeps what is not fulfilled from being told here once more: the server's
            // side tells it. And only a bound that is an `FnMut` itself lets the types of a
            // closure's parameters be inferred.
            predicates: quote! {
                where
                    #(for<'__drb_later> #yielded: #krate::Outbound,)*
                    for<'__drb_later> #result: #krate::Returns,
                    __DrbClosure: ::core::ops::FnMut(#inputs) -> __DrbGiven,
                    __DrbGiven: #yields,
            },
            call: quote!(call_with(#name)),
        }
    }
}

/// What the block gets and gives.
fn doc(param: &Param, block: &model::Block) -> String {
    let listed = |types: &[syn::Type]| -> String {
        let types: Vec<_> = types.iter().map(|ty| format!("`{}`", text(ty))).collect();
        types.join(", ")
    };
    let gets = match &block.yielded {
        Yielded::Each(types) if types.is_empty() => "without arguments".to_owned(),
        Yielded::Each(types) => format!("with {}", listed(types)),
        Yielded::Any(one) => format!("with any number of `{}`, as a `Vec`", text(one)),
    };
    let gives = match text(&block.gives).as_str() {
        "()" => "nothing".to_owned(),
        gives => format!("`{gives}`"),
    };
    format!("`{}` is called {gets}, and gives {gives}.", param.wire())
}
