use crate::report::Report;
use proc_macro2::TokenStream;
use quote::quote;
use syn::ItemTrait;

pub(super) fn service(_: TokenStream, item: ItemTrait, _: &mut Report) -> TokenStream {
    quote!(#item)
}
