//! What a service trait becomes, and what its impls find through it.
//!
//! An impl knows the trait only by the path that is written there, perhaps under another name and
//! from another crate. So all that it needs hangs on a hidden supertrait, which every type has.

use super::{
    super::{implementation::Implementation, model::Service},
    invoke, proxy, server,
};
use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{GenericParam, Ident, parse_quote, spanned::Spanned};

/// The hidden supertrait's name.
pub(in super::super) fn name(service: &Service) -> Ident {
    format_ident!("__Drb{}", service.name)
}

/// The proxy and the hidden supertrait of a trait, and the whitelist of whoever implements it.
pub(in super::super) fn contract(service: &Service) -> TokenStream {
    let quiet = crate::lints::quiet();
    let Service { krate, vis, cfgs, proxy: proxy_name, .. } = service;
    let contract = name(service);
    let proxy = proxy::expand(service);
    let cell = server::cell(service);
    let functions = service.methods.iter().map(|method| invoke::function(service, method));
    let table = server::table(service);
    let (_, ty_generics, where_clause) = service.generics.split_for_impl();
    let mut declared = service.generics.clone();
    declared.where_clause = None;
    let mut blanket = service.generics.clone();
    blanket.params.push(parse_quote!(
        __DrbSelf: ?::core::marker::Sized
            + ::core::marker::Send
            + ::core::marker::Sync
            + 'static
    ));
    let (blanket_generics, _, blanket_where) = blanket.split_for_impl();
    let server = service.server_generics();
    let (server_generics, _, server_where) = server.split_for_impl();
    quote! {
        #proxy

        #(#cfgs)*
        #[doc(hidden)]
        #quiet
        #vis trait #contract #declared:
            ::core::marker::Send + ::core::marker::Sync + 'static
        #where_clause
        {
            type __MadeByDrbServiceOnTheTrait where Self: ::core::marker::Sized;
        }

        #(#cfgs)*
        #quiet
        const _: () = {
            #[automatically_derived]
            impl #blanket_generics #contract #ty_generics for __DrbSelf #blanket_where {
                type __MadeByDrbServiceOnTheTrait = #proxy_name #ty_generics
                where
                    Self: ::core::marker::Sized;
            }

            #(#functions)*

            #[automatically_derived]
            impl #server_generics #krate::__private::Contract<__DrbSelf>
                for #proxy_name #ty_generics
            #server_where
            {
                type Cell = #cell;

                fn methods() -> &'static [#krate::__private::Method<Self::Cell>] {
                    #table
                }
            }
        };
    }
}

/// What an impl of a service trait becomes.
pub(in super::super) fn implementation(implementation: &Implementation) -> TokenStream {
    let quiet = crate::lints::quiet();
    let Implementation { krate, name, this, contract, class, cfgs, generics } = implementation;
    let mut shared = generics.clone();
    shared.make_where_clause().predicates.push(super::shared(this));
    let (impl_generics, _, where_clause) = shared.split_for_impl();
    // Whatever is wrong with the trait is told at its path.
    let span = Span::mixed_site().located_at(contract.span());
    let proxy_type = quote_spanned!(span=> __MadeByDrbServiceOnTheTrait);
    let mut resolved = proxy::declared(generics);
    resolved.params.push(GenericParam::Type(parse_quote!(__DrbSelf: #contract)));
    let params: Vec<_> = generics
        .params
        .iter()
        .map(|param| match param {
            GenericParam::Type(param) => param.ident.clone(),
            GenericParam::Const(param) => param.ident.clone(),
            GenericParam::Lifetime(param) => param.lifetime.ident.clone(),
        })
        .collect();
    let class = server::class_of(krate, this, class.as_ref(), &name.to_string());
    let proxy = quote_spanned!(span=> __DrbProxyOf<#(#params,)* #this>);
    let known = quote_spanned!(span=> <#proxy as #krate::__private::Contract<#this>>);
    // The compiler cannot tell the proxy of an unknown instance from an `Option`.
    let optional = params.is_empty().then(|| {
        quote! {
            #[automatically_derived]
            impl #krate::Arg<::core::option::Option<#proxy>> for #this #where_clause {
                fn dump_arg(
                    self,
                    dumper: &mut #krate::Dumper<'_>,
                ) -> ::core::result::Result<(), #krate::DumpError> {
                    #krate::__private::export(self, dumper)
                }
            }
        }
    });
    quote! {
        #(#cfgs)*
        #quiet
        const _: () = {
            type __DrbProxyOf #resolved = __DrbSelf::#proxy_type;

            #[automatically_derived]
            impl #impl_generics #krate::Service for #this #where_clause {
                type Cell = #known::Cell;
                type Proxy = #proxy;
                const CLASS: &'static str = #class;

                fn methods() -> &'static [#krate::__private::Method<Self::Cell>] {
                    #known::methods()
                }

                fn into_cell(self) -> Self::Cell {
                    ::core::convert::From::from(self)
                }
            }

            #[automatically_derived]
            impl #impl_generics #krate::Implements<#proxy> for #this
            #where_clause {}

            #[automatically_derived]
            impl #impl_generics #krate::Arg<#proxy> for #this
            #where_clause
            {
                fn dump_arg(
                    self,
                    dumper: &mut #krate::Dumper<'_>,
                ) -> ::core::result::Result<(), #krate::DumpError> {
                    #krate::__private::export(self, dumper)
                }
            }

            #optional
        };
    }
}
