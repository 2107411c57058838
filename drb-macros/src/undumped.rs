//! `#[derive(DrbUndumped)]`: what crosses by reference.

use crate::{
    options::{Options, UndumpedOptions},
    report::Report,
};
use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, parse_quote};

pub(crate) fn derive(item: TokenStream) -> TokenStream {
    let mut report = Report::default();
    let input = match syn::parse2::<DeriveInput>(item) {
        Ok(input) => input,
        Err(error) => return error.into_compile_error(),
    };
    let krate = UndumpedOptions::read(&input.attrs, &mut report).krate.or_drb();
    if !report.is_empty() {
        return report.into_tokens();
    }
    let name = &input.ident;
    let mut generics = input.generics.clone();
    // Whether an instance of a generic type is a service is known where it is used.
    if !generics.params.is_empty() {
        let (_, ty_generics, _) = input.generics.split_for_impl();
        let clause = generics.make_where_clause();
        clause.predicates.push(parse_quote!(#name #ty_generics: #krate::Service));
    }
    let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
    quote! {
        #[automatically_derived]
        impl #impl_generics #krate::Outbound for #name #ty_generics #where_clause {
            type Arrives = <Self as #krate::Service>::Proxy;

            fn send(
                self,
                dumper: &mut #krate::Dumper<'_>,
            ) -> ::core::result::Result<(), #krate::DumpError> {
                dumper.export(::std::sync::Arc::new(<Self as #krate::Service>::into_cell(self)))
            }

            fn send_shared(
                shared: ::std::sync::Arc<Self>,
                dumper: &mut #krate::Dumper<'_>,
            ) -> ::core::result::Result<(), #krate::DumpError> {
                <Self as #krate::Service>::export_shared(shared, dumper)
            }
        }
    }
}
