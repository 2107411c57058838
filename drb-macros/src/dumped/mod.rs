//! `#[derive(DrbDumped)]`: what crosses by value.

mod bounds;
mod expand;
mod fields;
mod model;

use crate::report::Report;
use model::Value;
use proc_macro2::TokenStream;
use syn::DeriveInput;

pub(crate) fn derive(item: TokenStream) -> TokenStream {
    let mut report = Report::default();
    let value = match syn::parse2::<DeriveInput>(item) {
        Ok(input) => Value::read(&input, &mut report),
        Err(error) => {
            report.add(error);
            None
        }
    };
    match value {
        Some(value) if report.is_empty() => expand::expand(&value),
        _ => report.into_tokens(),
    }
}
