//! `#[drb::service]` on a struct or an enum: options of the type.

use crate::{
    names,
    options::{ClassOptions, Options},
    report::Report,
};
use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Attribute, Generics, Ident};

/// Keeps the name of the class where the type's service finds it: see `__private::Class`.
pub(super) fn service(
    options: TokenStream,
    item: &dyn ToTokens,
    name: &Ident,
    generics: &Generics,
    attrs: &[Attribute],
    report: &mut Report,
) -> TokenStream {
    let quiet = crate::lints::quiet();
    let given = ClassOptions::parse(options.clone(), report);
    let item = item.to_token_stream();
    let Some(class) = given.class.0 else {
        if report.is_empty() {
            report.at(
                name,
                "on a type, `#[drb::service]` stands for options: write \
                 `#[drb::service(class = \"Foo::Bar\")]`; what is to be exposed goes into an \
                 `impl` with `#[drb::service]`",
            );
        }
        return item;
    };
    names::check_class(&class.value(), &class, report);
    let cfgs = super::inherent::cfgs(attrs);
    let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
    quote! {
        #item

        #(#cfgs)*
        #[doc(hidden)]
        #quiet
        #[automatically_derived]
        impl #impl_generics #name #ty_generics #where_clause {
            #[doc(hidden)]
            pub const __DRB_CLASS: ::core::option::Option<&'static str> =
                ::core::option::Option::Some(#class);
        }
    }
}
