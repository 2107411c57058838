//! `#[drb::service]`.

mod block;
mod check;
mod class;
mod contract;
mod expand;
mod implementation;
mod inherent;
mod method;
mod model;
mod params;
mod stream;

use crate::report::Report;
use proc_macro2::TokenStream;
use quote::quote;
use syn::Item;

/// Whatever is wrong, the user's own item is always there: one mistake is one error.
pub(crate) fn service(options: TokenStream, item: TokenStream) -> TokenStream {
    let mut report = Report::default();
    let expanded = match syn::parse2::<Item>(item.clone()) {
        Ok(Item::Impl(item)) if item.trait_.is_some() => {
            implementation::service(options, item, &mut report)
        }
        Ok(Item::Impl(item)) => inherent::service(options, item, &mut report),
        Ok(Item::Trait(item)) => contract::service(options, item, &mut report),
        Ok(Item::Struct(item)) => {
            class::service(options, &item, &item.ident, &item.generics, &item.attrs, &mut report)
        }
        Ok(Item::Enum(item)) => {
            class::service(options, &item, &item.ident, &item.generics, &item.attrs, &mut report)
        }
        Ok(_) => {
            report.at(
                item.clone().into_iter().next(),
                "`#[drb::service]` goes on an `impl`, on a trait, on an `impl` of such a trait, \
                 or on a struct or enum",
            );
            item
        }
        Err(error) => {
            report.add(error);
            item
        }
    };
    let errors = report.into_tokens();
    quote!(#expanded #errors)
}
