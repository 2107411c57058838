//! What a service trait becomes, and what its impls find through it.
//!
//! An impl knows the trait only by the path that is written there, perhaps under another name and
//! from another crate. So all that it needs hangs on a hidden supertrait, which every type has.

use super::{
    super::{implementation::Implementation, model::Service},
    invoke, proxy, server,
};
use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{GenericParam, Generics, Ident, Path, Type, parse_quote, spanned::Spanned};

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

                const METHODS: &'static [#krate::__private::Method<Self::Cell>] = #table;
            }
        };
    }
}

/// A trait that a type implements, as a part of what the type offers.
pub(super) struct Part {
    krate: Path,
    this: Type,
    contract: Path,
    generics: Generics,
    /// The name by which the proxy is called.
    alias: Ident,
}

/// The traits beside that of an impl, or beside a type's own methods.
pub(super) fn parts(krate: &Path, this: &Type, also: &[Path]) -> Vec<Part> {
    let part = |(index, contract): (usize, &Path)| Part {
        krate: krate.clone(),
        this: this.clone(),
        contract: contract.clone(),
        generics: Generics::default(),
        alias: format_ident!("__DrbProxyOf{}", index),
    };
    also.iter().enumerate().map(part).collect()
}

/// The whole whitelist, and what it needs beside it: `own`, and that of each part.
pub(super) fn whole(
    krate: &Path,
    cell: &TokenStream,
    own: TokenStream,
    parts: &[Part],
) -> (TokenStream, TokenStream) {
    if parts.is_empty() {
        return (quote!(const { #own }), TokenStream::new());
    }
    let others = parts.iter().map(|part| {
        let known = part.known();
        quote_spanned!(part.span()=> #known::METHODS)
    });
    // A constant of its own, so that the names are compared even if nobody uses it.
    let whole = quote! {
        const __DRB_PARTS: &[&[#krate::__private::Method<#cell>]] = &[#own, #(#others),*];
        const __DRB_WHOLE: &[#krate::__private::Method<#cell>] =
            &#krate::__private::merge::<_, { #krate::__private::count(__DRB_PARTS) }>(__DRB_PARTS);
    };
    (quote!(__DRB_WHOLE), whole)
}

impl Part {
    /// Whatever is wrong with the trait is told at its path.
    fn span(&self) -> Span {
        Span::mixed_site().located_at(self.contract.span())
    }

    /// The proxy that calls the type through the trait.
    fn proxy(&self) -> TokenStream {
        let Self { this, alias, .. } = self;
        let params = self.generics.params.iter().map(|param| match param {
            GenericParam::Type(param) => &param.ident,
            GenericParam::Const(param) => &param.ident,
            GenericParam::Lifetime(param) => &param.lifetime.ident,
        });
        quote_spanned!(self.span()=> #alias<#(#params,)* #this>)
    }

    /// What the trait says of the type.
    fn known(&self) -> TokenStream {
        let Self { krate, this, .. } = self;
        let proxy = self.proxy();
        quote_spanned!(self.span()=> <#proxy as #krate::__private::Contract<#this>>)
    }

    /// The generics of the impls.
    fn generics(&self) -> Generics {
        let mut generics = self.generics.clone();
        generics.make_where_clause().predicates.push(super::shared(&self.this));
        generics
    }
}

/// What lets an object of the type stand for the trait's proxy.
impl ToTokens for Part {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let Self { krate, this, contract, alias, .. } = self;
        let proxy = self.proxy();
        let made = quote_spanned!(self.span()=> __MadeByDrbServiceOnTheTrait);
        let mut resolved = proxy::declared(&self.generics);
        resolved.params.push(GenericParam::Type(parse_quote!(__DrbSelf: #contract)));
        let generics = self.generics();
        let (impl_generics, _, where_clause) = generics.split_for_impl();
        let dump_arg = quote! {
            fn dump_arg(
                self,
                dumper: &mut #krate::Dumper<'_>,
            ) -> ::core::result::Result<(), #krate::DumpError> {
                #krate::__private::export(self, dumper)
            }
        };
        // The compiler cannot tell the proxy of an unknown instance from an `Option`.
        let optional = self.generics.params.is_empty().then(|| {
            quote! {
                #[automatically_derived]
                impl #krate::Arg<::core::option::Option<#proxy>> for #this #where_clause {
                    #dump_arg
                }
            }
        });
        tokens.extend(quote! {
            type #alias #resolved = __DrbSelf::#made;

            #[automatically_derived]
            impl #impl_generics #krate::Implements<#proxy> for #this #where_clause {}

            #[automatically_derived]
            impl #impl_generics #krate::Arg<#proxy> for #this #where_clause {
                #dump_arg
            }

            #optional
        });
    }
}

/// What an impl of a service trait becomes.
pub(in super::super) fn implementation(implementation: &Implementation) -> TokenStream {
    let quiet = crate::lints::quiet();
    let Implementation { krate, name, this, contract, class, cfgs, generics, also } =
        implementation;
    let main = Part {
        krate: krate.clone(),
        this: this.clone(),
        contract: contract.clone(),
        generics: generics.clone(),
        alias: format_ident!("__DrbProxyOf"),
    };
    let class = server::class_of(krate, this, class.as_ref(), &name.to_string());
    let (proxy, known) = (main.proxy(), main.known());
    let shared = main.generics();
    let (impl_generics, _, where_clause) = shared.split_for_impl();
    let parts = parts(krate, this, also);
    let (table, whole) = whole(krate, &quote!(#known::Cell), quote!(#known::METHODS), &parts);
    quote! {
        #(#cfgs)*
        #quiet
        const _: () = {
            #main
            #(#parts)*
            #whole

            #[automatically_derived]
            impl #impl_generics #krate::Service for #this #where_clause {
                type Cell = #known::Cell;
                type Proxy = #proxy;
                const CLASS: &'static str = #class;

                fn methods() -> &'static [#krate::__private::Method<Self::Cell>] {
                    #table
                }

                fn into_cell(self) -> Self::Cell {
                    ::core::convert::From::from(self)
                }
            }
        };
    }
}
