//! The server's side: the whitelist, and what makes the type a service.

use super::{
    super::model::{Kind, Method, Service, Subject, WireName},
    contract, invoke,
};
use crate::text::text;
use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{LitStr, Path, Type};

/// For an impl of a type's own methods.
pub(super) fn inherent(service: &Service) -> TokenStream {
    let quiet = crate::lints::quiet();
    let Service { krate, name, proxy, cfgs, .. } = service;
    let this = service.this();
    let generics = service.server_generics();
    let (impl_generics, _, where_clause) = generics.split_for_impl();
    let (_, proxy_generics, _) = service.generics.split_for_impl();
    let functions = service.methods.iter().map(|method| invoke::function(service, method));
    let cell = cell(service);
    let parts = contract::parts(krate, &this, &service.also);
    let (table, whole) = contract::whole(krate, &cell, table(service), &parts);
    let class = class(service, &name.to_string());
    let sharing = super::sharing(krate, &this, &service.generics);
    let implementation = quote_spanned! {Span::mixed_site()=>
        #[automatically_derived]
        impl #impl_generics #krate::Service for #this #where_clause {
            type Cell = #cell;
            type Proxy = #proxy #proxy_generics;
            const CLASS: &'static str = #class;

            fn methods() -> &'static [#krate::__private::Method<Self::Cell>] {
                #table
            }

            fn into_cell(self) -> Self::Cell {
                ::core::convert::From::from(self)
            }
        }

        #[automatically_derived]
        impl #impl_generics #krate::Implements<#proxy #proxy_generics> for #this #where_clause {}

        #[automatically_derived]
        impl #impl_generics #krate::Arg<#proxy #proxy_generics> for #this #where_clause {
            fn dump_arg(
                self,
                dumper: &mut #krate::Dumper<'_>,
            ) -> ::core::result::Result<(), #krate::DumpError> {
                #krate::__private::export(self, dumper)
            }
        }

        #[automatically_derived]
        impl #impl_generics #krate::Arg<::core::option::Option<#proxy #proxy_generics>> for #this
        #where_clause
        {
            fn dump_arg(
                self,
                dumper: &mut #krate::Dumper<'_>,
            ) -> ::core::result::Result<(), #krate::DumpError> {
                #krate::__private::export(self, dumper)
            }
        }
    };
    quote! {
        #(#cfgs)*
        #quiet
        const _: () = {
            #(#parts)*
            #sharing
            #(#functions)*
            #whole
            #implementation
        };
    }
}

/// How an object is held while it is exported.
pub(super) fn cell(service: &Service) -> TokenStream {
    let this = service.this();
    let krate = &service.krate;
    if service.is_exclusive() { quote!(#krate::Exclusive<#this>) } else { quote!(#this) }
}

/// Ruby's name of the class: that of `#[drb::service(class = …)]` on the impl, else on the type,
/// else the name of the type.
pub(super) fn class(service: &Service, name: &str) -> TokenStream {
    let class = match &service.subject {
        Subject::Type { class, .. } => class.as_ref(),
        Subject::Trait => None,
    };
    class_of(&service.krate, &service.this(), class, name)
}

/// The same for a type.
pub(super) fn class_of(
    krate: &Path,
    this: &Type,
    given: Option<&LitStr>,
    name: &str,
) -> TokenStream {
    if let Some(class) = given {
        return quote!(#class);
    }
    quote! {{
        // A constant of the type's own is preferred to that of the trait.
        use #krate::__private::Class as _;
        match <#this>::__DRB_CLASS {
            ::core::option::Option::Some(class) => class,
            ::core::option::Option::None => #name,
        }
    }}
}

/// The whitelist, sorted by name.
pub(super) fn table(service: &Service) -> TokenStream {
    let mut entries: Vec<(&WireName, &Method)> = (service.methods.iter())
        .flat_map(|method| {
            std::iter::once(&method.wire).chain(&method.aliases).map(move |wire| (wire, method))
        })
        .collect();
    entries.sort_by(|(a, _), (b, _)| a.name.cmp(&b.name));
    let entries = entries.into_iter().map(|(wire, method)| entry(service, wire, method));
    quote!(&[#(#entries),*])
}

fn entry(service: &Service, wire: &WireName, method: &Method) -> TokenStream {
    let krate = &service.krate;
    let cfgs = method.cfgs();
    let function = invoke::name(method);
    let turbofish = invoke::turbofish(service, method);
    let info = info(krate, wire, method);
    quote! {
        #(#cfgs)*
        #krate::__private::Method {
            info: #info,
            invoke: #function #turbofish,
        }
    }
}

/// What is known of a method, on both sides.
pub(super) fn info(krate: &Path, wire: &WireName, method: &Method) -> TokenStream {
    let name = &wire.name;
    let result = match &method.stream {
        Some(stream) => text(&stream.sent),
        None => text(&method.result),
    };
    let exclusive = method.exclusive;
    let no_cancel = method.no_cancel.is_some();
    let block = method.block().map(|(param, _)| param);
    let params = method.travelling().chain(block).map(|param| {
        let name = param.wire();
        let kind = match param.kind {
            Kind::Required | Kind::Context => quote!(Required),
            Kind::Optional(_) => quote!(Optional),
            Kind::Rest => quote!(Rest),
            Kind::KeywordRequired => quote!(KeywordRequired),
            Kind::Keyword(_) => quote!(Keyword),
            Kind::KeywordRest => quote!(KeywordRest),
            Kind::Block(_) => quote!(Block),
        };
        let ty = text(&param.ty);
        quote! {
            #krate::__private::ParamInfo {
                name: #name,
                kind: #krate::__private::ParamKind::#kind,
                ty: #ty,
            }
        }
    });
    quote! {
        #krate::__private::MethodInfo {
            name: #name,
            params: &[#(#params),*],
            result: #result,
            exclusive: #exclusive,
            no_cancel: #no_cancel,
        }
    }
}
