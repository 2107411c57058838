//! The caller's side: the proxy.

use super::{
    super::{
        method::doc_or,
        model::{Kind, Method, Param, Service, Subject},
    },
    block::Block,
};
use crate::{names::generated, outbound, types};
use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{GenericParam, Generics, Ident, TypeParamBound, parse_quote};

pub(super) fn expand(service: &Service) -> TokenStream {
    let quiet = crate::lints::quiet();
    let Service { krate, proxy, vis, cfgs, name, .. } = service;
    let (impl_generics, ty_generics, where_clause) = service.generics.split_for_impl();
    let declared = declared(&service.generics);
    let doc = match service.subject {
        Subject::Type { .. } => format!("Calls the methods of a [`{name}`] that lives elsewhere."),
        Subject::Trait => {
            format!("Calls the methods of an object elsewhere that implements [`{name}`].")
        }
    };
    let types = service.generics.type_params().map(|param| &param.ident);
    let methods = service.methods.iter().map(|method| self::method(service, method));
    let traits = traits(service);
    quote_spanned! {Span::mixed_site()=>
        #(#cfgs)*
        #[doc = #doc]
        #quiet
        #vis struct #proxy #declared {
            remote: #krate::Remote,
            types: ::core::marker::PhantomData<(#(fn() -> ::core::marker::PhantomData<#types>,)*)>,
        }

        #(#cfgs)*
        #quiet
        #[automatically_derived]
        impl #impl_generics #proxy #ty_generics #where_clause {
            /// Calls the object that a server was started with, or the one that the URI names.
            ///
            /// # Errors
            /// The URI is malformed, or nobody listens there.
            pub async fn connect(uri: &str) -> ::core::result::Result<Self, #krate::Error>
            where
                Self: #krate::Proxy,
            {
                #krate::__private::connect(uri).await
            }

            #(#methods)*
        }

        #(#cfgs)*
        #quiet
        const _: () = {
            #traits
        };
    }
}

/// The type's generics as the proxy declares them: without bounds.
pub(super) fn declared(generics: &Generics) -> Generics {
    let mut generics = generics.clone();
    generics.where_clause = None;
    for param in &mut generics.params {
        if let GenericParam::Type(param) = param {
            param.bounds = std::mem::take(&mut param.bounds)
                .into_iter()
                .filter(|bound| {
                    matches!(bound, TypeParamBound::Trait(bound)
                    if matches!(bound.modifier, syn::TraitBoundModifier::Maybe(_)))
                })
                .collect();
            if param.bounds.is_empty() {
                param.colon_token = None;
            }
        }
    }
    generics
}

/// One method, or two where it may be called with a block or without.
fn method(service: &Service, method: &Method) -> TokenStream {
    match method.block() {
        Some((param, block)) if block.optional => {
            let with = method.name_with_block();
            let doc = format!("Passes no block; [`{with}`](Self::{with}) passes one.");
            let without = one(service, method, &method.name, &Block { doc, ..Block::default() });
            let with = one(service, method, &with, &Block::of(service, method, param, block));
            quote!(#without #with)
        }
        Some((param, block)) => {
            one(service, method, &method.name, &Block::of(service, method, param, block))
        }
        None => one(service, method, &method.name, &Block::default()),
    }
}

fn one(service: &Service, method: &Method, name: &Ident, block: &Block) -> TokenStream {
    let krate = &service.krate;
    let attrs = &method.attrs;
    let wire = &method.wire.name;
    let info = super::server::info(krate, &method.wire, method);
    let doc = doc_or(attrs, format!("Calls `{wire}`."));
    let Block { doc: block_doc, generics, param, driver, predicates, call: end } = block;
    let block_doc = (!block_doc.is_empty()).then(|| quote!(#[doc = ""] #[doc = #block_doc]));
    let result = types::type_with_lifetime(&method.result, "'static");
    let call = generated("call");
    let params = method.travelling().map(|param| parameter(krate, param)).chain(param.clone());
    let collects = method.travelling().filter_map(collect);
    let positional: Vec<_> = method.travelling().filter(|param| !param.is_keyword()).collect();
    let fixed = positional.iter().filter(|param| !matches!(param.kind, Kind::Rest)).count();
    let rests = positional.iter().filter(|param| matches!(param.kind, Kind::Rest));
    let rests = rests.map(|param| &param.name);
    let keywords: Vec<_> = method.travelling().filter(|param| param.is_keyword()).collect();
    let (keyword_count, keyword_arguments) = keyword_arguments(krate, &keywords, &call);
    let arguments = positional.iter().map(|param| {
        let (name, ty) = (&param.name, &param.loaded);
        match param.kind {
            Kind::Rest => quote! {
                for value in #name {
                    #call.arg::<#ty>(value);
                }
            },
            _ => quote!(#call.arg::<#ty>(#name);),
        }
    });
    quote_spanned! {Span::mixed_site()=>
        #(#attrs)*
        #doc
        #block_doc
        pub fn #name #generics (&self #(, #params)*) -> #krate::Call<#result #driver> #predicates {
            #(#collects)*
            static __DRB_SIGNATURE: #krate::__private::Signature =
                #krate::__private::Signature::new(#info);
            let mut #call =
                self.remote.begin_as(&__DRB_SIGNATURE, #fixed #(+ #rests.len())* #keyword_count);
            #(#arguments)*
            #keyword_arguments
            #call.#end
        }
    }
}

/// A parameter in the form that is natural for the caller.
fn parameter(krate: &syn::Path, param: &Param) -> TokenStream {
    let (name, ty) = (&param.name, &param.loaded);
    match param.kind {
        Kind::Rest => quote! {
            #name: impl ::core::iter::IntoIterator<Item = impl #krate::Arg<#ty>>
        },
        Kind::KeywordRest => quote! {
            #name: impl ::core::iter::IntoIterator<
                Item = (impl ::core::convert::AsRef<str>, impl #krate::Arg<#ty>),
            >
        },
        _ => quote!(#name: impl #krate::Arg<#ty>),
    }
}

/// The number of arguments comes before the arguments.
fn collect(param: &Param) -> Option<TokenStream> {
    let name = &param.name;
    matches!(param.kind, Kind::Rest | Kind::KeywordRest).then(|| {
        quote! {
            let #name = ::core::iter::Iterator::collect::<::std::vec::Vec<_>>(
                ::core::iter::IntoIterator::into_iter(#name),
            );
        }
    })
}

/// What arguments by name add to the number of arguments, and how they are written.
fn keyword_arguments(
    krate: &syn::Path,
    keywords: &[&Param],
    call: &Ident,
) -> (TokenStream, TokenStream) {
    let rest = keywords.iter().find(|param| matches!(param.kind, Kind::KeywordRest));
    let named: Vec<_> =
        keywords.iter().filter(|param| !matches!(param.kind, Kind::KeywordRest)).collect();
    let fixed = named.len();
    let dumper = generated("dumper");
    let dump = named.iter().map(|param| {
        let (name, wire, ty) = (&param.name, param.wire(), &param.loaded);
        quote! {
            #dumper.symbol(#wire)?;
            #krate::Arg::<#ty>::dump_arg(#name, #dumper)?;
        }
    });
    let (count, dump_rest) = match rest {
        Some(param) => {
            let (name, ty) = (&param.name, &param.loaded);
            let dump = quote! {
                for (name, value) in #name {
                    #dumper.symbol(::core::convert::AsRef::<str>::as_ref(&name))?;
                    #krate::Arg::<#ty>::dump_arg(value, #dumper)?;
                }
            };
            (quote!(#fixed + #name.len()), dump)
        }
        None => (quote!(#fixed), TokenStream::new()),
    };
    if keywords.is_empty() {
        return (TokenStream::new(), TokenStream::new());
    }
    let keyword_count = generated("keyword_count");
    let write = quote! {
        #call.keywords(#keyword_count, |#dumper| {
            #(#dump)*
            #dump_rest
            ::core::result::Result::Ok(())
        });
    };
    // Without any, Ruby sends nothing.
    match fixed {
        0 => (
            quote!(+ usize::from(#count > 0)),
            quote! {
                let #keyword_count = #count;
                if #keyword_count > 0 {
                    #write
                }
            },
        ),
        _ => (quote!(+ 1), quote!(let #keyword_count = #count; #write)),
    }
}

/// The traits of the proxy, in which it is a reference.
fn traits(service: &Service) -> TokenStream {
    let Service { krate, proxy, .. } = service;
    let mut generics = declared(&service.generics);
    let params: Vec<_> = generics.type_params().map(|param| param.ident.clone()).collect();
    let (impl_generics, ty_generics, _) = generics.split_for_impl();
    let plain = quote!(impl #impl_generics);
    let this = quote!(#proxy #ty_generics);
    let name = proxy.to_string();
    let derived = quote! {
        #[automatically_derived]
        #plain ::core::clone::Clone for #this {
            fn clone(&self) -> Self {
                Self {
                    remote: ::core::clone::Clone::clone(&self.remote),
                    types: ::core::marker::PhantomData,
                }
            }
        }

        #[automatically_derived]
        #plain ::core::fmt::Debug for #this {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.debug_tuple(#name).field(self.remote.reference()).finish()
            }
        }

        #[automatically_derived]
        #plain ::core::cmp::PartialEq for #this {
            fn eq(&self, other: &Self) -> bool {
                ::core::cmp::PartialEq::eq(&self.remote, &other.remote)
            }
        }

        #[automatically_derived]
        #plain ::core::cmp::Eq for #this {}

        #[automatically_derived]
        #plain ::core::hash::Hash for #this {
            fn hash<__DrbHasher: ::core::hash::Hasher>(&self, state: &mut __DrbHasher) {
                ::core::hash::Hash::hash(&self.remote, state);
            }
        }
    };
    for param in params {
        let predicate: syn::WherePredicate = parse_quote!(#param: 'static);
        generics.make_where_clause().predicates.push(predicate);
    }
    let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
    let this = quote!(#proxy #ty_generics);
    let outbound = outbound::by_value(krate, &generics, &this);
    quote! {
        #derived

        #[automatically_derived]
        impl #impl_generics #krate::Proxy for #this #where_clause {
            fn from_remote(remote: #krate::Remote) -> Self {
                Self { remote, types: ::core::marker::PhantomData }
            }

            fn remote(&self) -> &#krate::Remote {
                &self.remote
            }
        }

        #[automatically_derived]
        impl #impl_generics #krate::Dump for #this #where_clause {
            fn dump(
                &self,
                dumper: &mut #krate::Dumper<'_>,
            ) -> ::core::result::Result<(), #krate::DumpError> {
                #krate::Dump::dump(&self.remote, dumper)
            }
        }

        #[automatically_derived]
        impl #impl_generics #krate::Load for #this #where_clause {
            fn load(
                loader: &mut #krate::Loader<'_>,
            ) -> ::core::result::Result<Self, #krate::LoadError> {
                let remote = <#krate::Remote as #krate::Load>::load(loader)?;
                ::core::result::Result::Ok(<Self as #krate::Proxy>::from_remote(remote))
            }
        }

        #outbound
    }
}
