use crate::report::Report;
use proc_macro2::TokenStream;
use quote::quote;
use syn::ItemImpl;

pub(super) fn service(_: TokenStream, item: ItemImpl, _: &mut Report) -> TokenStream {
    quote!(#item)
}
