//! `Outbound` of the types that the macros make.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Generics, Path};

/// `Outbound` for a type that is dumped where it goes, and arrives as itself.
pub(crate) fn by_value(krate: &Path, generics: &Generics, this: &TokenStream) -> TokenStream {
    let (impl_generics, _, where_clause) = generics.split_for_impl();
    quote! {
        #[automatically_derived]
        impl #impl_generics #krate::Outbound for #this #where_clause {
            type Arrives = Self;

            fn send(
                self,
                dumper: &mut #krate::Dumper<'_>,
            ) -> ::core::result::Result<(), #krate::DumpError> {
                #krate::Dump::dump(&self, dumper)
            }

            // Where they are: none has to move for it.
            fn send_vec(
                items: ::std::vec::Vec<Self>,
                dumper: &mut #krate::Dumper<'_>,
            ) -> ::core::result::Result<(), #krate::DumpError> {
                #krate::Dump::dump_own_vec(items, dumper)
            }

            fn send_shared(
                shared: ::std::sync::Arc<Self>,
                dumper: &mut #krate::Dumper<'_>,
            ) -> ::core::result::Result<(), #krate::DumpError> {
                #krate::Dump::dump(&*shared, dumper)
            }
        }
    }
}
