//! All mistakes of an item, told in one go.

use proc_macro2::TokenStream;
use quote::ToTokens;
use std::fmt::Display;

/// Collects mistakes, each with the tokens that are to be changed.
#[derive(Default)]
pub(crate) struct Report {
    error: Option<syn::Error>,
    len: usize,
}

impl Report {
    /// `tokens` are wrong. The message says what to write instead.
    pub(crate) fn at(&mut self, tokens: impl ToTokens, message: impl Display) {
        self.add(syn::Error::new_spanned(tokens, message));
    }

    pub(crate) fn add(&mut self, error: syn::Error) {
        self.len += 1;
        match &mut self.error {
            Some(all) => all.combine(error),
            None => self.error = Some(error),
        }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The mistakes as what the compiler reports; nothing if there are none.
    pub(crate) fn into_tokens(self) -> TokenStream {
        self.error.map(|error| error.into_compile_error()).unwrap_or_default()
    }
}
