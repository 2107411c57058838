//! The attribute and the derives of drb. Use them through the crate `drb`, which documents them.
//!
//! Each macro is a pipeline: *parse* (what is written), *model* (what it means, with the spans of
//! what was written), *check* (all mistakes at once), *expand* (what it becomes).

mod dumped;
mod error;
mod labels;
mod lints;
mod names;
mod options;
mod outbound;
mod report;
mod service;
mod text;
mod types;
mod undumped;

use proc_macro::TokenStream;

#[allow(missing_docs)] // Documented where `drb` re-exports it.
#[proc_macro_attribute]
pub fn service(options: TokenStream, item: TokenStream) -> TokenStream {
    service::service(options.into(), item.into()).into()
}

#[allow(missing_docs)] // Documented where `drb` re-exports it.
#[proc_macro_derive(DrbDumped, attributes(drb))]
pub fn derive_dumped(item: TokenStream) -> TokenStream {
    dumped::derive(item.into()).into()
}

#[allow(missing_docs)] // Documented where `drb` re-exports it.
#[proc_macro_derive(DrbUndumped, attributes(drb))]
pub fn derive_undumped(item: TokenStream) -> TokenStream {
    undumped::derive(item.into()).into()
}

#[allow(missing_docs)] // Documented where `drb` re-exports it.
#[proc_macro_derive(DrbError, attributes(drb))]
pub fn derive_error(item: TokenStream) -> TokenStream {
    error::derive(item.into()).into()
}
