//! Lints are for what a user has written, not for what is made of it.

use proc_macro2::TokenStream;
use quote::quote;

/// The attribute that silences lints in generated code, whatever the user's crate turns on.
pub(crate) fn quiet() -> TokenStream {
    quote! {
        #[allow(
            dead_code,
            deprecated,
            irrefutable_let_patterns,
            non_camel_case_types,
            non_snake_case,
            non_upper_case_globals,
            private_bounds,
            private_interfaces,
            type_alias_bounds,
            unreachable_code,
            unreachable_patterns,
            unreachable_pub,
            unused_mut,
            unused_qualifications,
            unused_variables,
            clippy::all,
            clippy::nursery,
            clippy::pedantic,
            clippy::restriction
        )]
    }
}
