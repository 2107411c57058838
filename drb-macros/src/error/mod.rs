//! `#[derive(DrbError)]`: the error of a method.

mod expand;
mod model;

use crate::report::Report;
use model::MethodError;
use proc_macro2::TokenStream;
use syn::DeriveInput;

pub(crate) fn derive(item: TokenStream) -> TokenStream {
    let mut report = Report::default();
    let error = match syn::parse2::<DeriveInput>(item) {
        Ok(input) => MethodError::read(&input, &mut report),
        Err(error) => {
            report.add(error);
            None
        }
    };
    match error {
        Some(error) if report.is_empty() => expand::expand(&error),
        _ => report.into_tokens(),
    }
}
