//! From the model to `Dump`, `Load` and `Outbound`.

use super::{
    bounds,
    fields::{
        Numbered, dump_items, dump_object, load_in_order, load_items, load_newtype, load_object,
        name, shape, variable,
    },
    model::{Body, Field, Fields, Form, Style, Value, Variant},
};
use crate::{
    labels::{Labelled, Labels},
    names::generated,
    outbound,
};
use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote};

pub(super) fn expand(value: &Value) -> TokenStream {
    let quiet = crate::lints::quiet();
    let Value { krate, name, .. } = value;
    let labels = labels(value);
    let mut either = bounds::generics(value, &quote!(#krate::Dump + #krate::Load));
    either.params.push(syn::parse_quote!(__DrbRemote));
    let (either_generics, _, either_where) = either.split_for_impl();
    let (shapes, dump, load) = match &value.body {
        Body::Struct { class, form, default, fields } => {
            struct_body(value, &labels, class, *form, *default, fields)
        }
        Body::Enum(variants) => enum_body(value, &labels, variants),
    };
    let (_, ty_generics, _) = value.generics.split_for_impl();
    let dump_generics = bounds::generics(value, &quote!(#krate::Dump + #krate::Load));
    let (impl_generics, _, where_clause) = dump_generics.split_for_impl();
    let outbound = bounds::outbound_generics(value, &quote!(#krate::Dump + #krate::Load));
    let outbound = outbound::by_value(krate, &outbound, &quote!(#name #ty_generics));
    let Labelled { labels: label_generics, filled, impl_generics: labelled_generics } =
        labels.of_trait(&dump_generics);
    let filled = quote!(<Self as __DrbValue #filled>);
    let dumper = generated("dumper");
    let loader = generated("loader");
    let items = generated("items");
    let another = another(value, &labels);
    quote! {
        #quiet
        const _: () = {
            #shapes

            // Its parameters are the fields' names: see `Member`.
            trait __DrbValue #label_generics: ::core::marker::Sized {
                fn dump(
                    &self,
                    dumper: &mut #krate::Dumper<'_>,
                ) -> ::core::result::Result<(), #krate::DumpError>;
                fn load(
                    loader: &mut #krate::Loader<'_>,
                ) -> ::core::result::Result<Self, #krate::LoadError>;
                fn load_onto(
                    items: &mut ::std::vec::Vec<Self>,
                    loader: &mut #krate::Loader<'_>,
                ) -> ::core::result::Result<(), #krate::LoadError>;
            }

            impl #labelled_generics __DrbValue #label_generics for #name #ty_generics
            #where_clause
            {
                fn dump(
                    &self,
                    #dumper: &mut #krate::Dumper<'_>,
                ) -> ::core::result::Result<(), #krate::DumpError> {
                    #dump
                }

                fn load(
                    #loader: &mut #krate::Loader<'_>,
                ) -> ::core::result::Result<Self, #krate::LoadError> {
                    #load
                }

                #[inline]
                fn load_onto(
                    #items: &mut ::std::vec::Vec<Self>,
                    #loader: &mut #krate::Loader<'_>,
                ) -> ::core::result::Result<(), #krate::LoadError> {
                    #another
                    let loaded = #krate::__private::apart(
                        || <Self as #krate::Load>::load(#loader),
                    )?;
                    #items.push(loaded);
                    ::core::result::Result::Ok(())
                }
            }

            #[automatically_derived]
            impl #impl_generics #krate::Dump for #name #ty_generics #where_clause {
                fn dump(
                    &self,
                    dumper: &mut #krate::Dumper<'_>,
                ) -> ::core::result::Result<(), #krate::DumpError> {
                    #filled::dump(self, dumper)
                }
            }

            #[automatically_derived]
            impl #impl_generics #krate::Load for #name #ty_generics #where_clause {
                fn load(
                    loader: &mut #krate::Loader<'_>,
                ) -> ::core::result::Result<Self, #krate::LoadError> {
                    #filled::load(loader)
                }

                #[inline]
                fn load_onto(
                    items: &mut ::std::vec::Vec<Self>,
                    loader: &mut #krate::Loader<'_>,
                ) -> ::core::result::Result<(), #krate::LoadError> {
                    #filled::load_onto(items, loader)
                }
            }

            #outbound

            #[automatically_derived]
            impl #either_generics #krate::Arg<#krate::Either<Self, __DrbRemote>>
                for #name #ty_generics #either_where
            {
                fn dump_arg(
                    self,
                    dumper: &mut #krate::Dumper<'_>,
                ) -> ::core::result::Result<(), #krate::DumpError> {
                    #krate::Dump::dump(&self, dumper)
                }
            }

            #[automatically_derived]
            impl #either_generics
                #krate::Arg<#krate::Either<#name #ty_generics, __DrbRemote>>
                for &#name #ty_generics #either_where
            {
                fn dump_arg(
                    self,
                    dumper: &mut #krate::Dumper<'_>,
                ) -> ::core::result::Result<(), #krate::DumpError> {
                    #krate::Dump::dump(self, dumper)
                }
            }
        };
    }
}

/// Loads a struct if it comes as most in a vector do, and is done then.
fn another(value: &Value, labels: &Labels) -> TokenStream {
    let Body::Struct { fields, .. } = &value.body else { return TokenStream::new() };
    if fields.style == Style::Tuple {
        return TokenStream::new();
    }
    let (krate, items, loader) = (&value.krate, generated("items"), generated("loader"));
    let load = load_in_order(&Numbered { krate: &value.krate, labels, first: 0, fields });
    quote! {
        if #loader.another(&__DRB_SHAPE)? {
            #load
            #krate::__private::push(#items, loaded);
            return ::core::result::Result::Ok(());
        }
    }
}

/// The names of the fields, for errors.
pub(super) fn labels(value: &Value) -> Labels {
    let types = value
        .all_fields()
        .into_iter()
        .flat_map(|field| [field.ty.to_token_stream(), field.default.to_token_stream()]);
    let around = [
        value.name.to_token_stream(),
        value.krate.to_token_stream(),
        value.generics.params.to_token_stream(),
        value.generics.where_clause.to_token_stream(),
    ];
    let mut labels = Labels::among(types.chain(around));
    value.all_fields().into_iter().for_each(|field| labels.add(&name(field)));
    labels
}

fn struct_body(
    value: &Value,
    labels: &Labels,
    class: &str,
    form: Form,
    default: bool,
    fields: &Fields,
) -> (TokenStream, TokenStream, TokenStream) {
    let fields = Numbered { krate: &value.krate, labels, first: 0, fields };
    let dumper = generated("dumper");
    let place = |field: &Field| {
        let member = &field.member;
        quote!(&self.#member)
    };
    let result = quote!(::core::result::Result::Ok(()));
    match (fields.fields.style, fields.count()) {
        (Style::Tuple, 1) => {
            let dump = fields.travelling().map(|(_, field)| {
                let (ty, trait_name, place) = (&field.ty, fields.member(field), place(field));
                quote!(<#ty as #trait_name>::dump(#place, #dumper))
            });
            (TokenStream::new(), quote!(#(#dump)*), load_newtype(&fields))
        }
        (Style::Tuple, count) => {
            let dump = dump_items(&fields, &dumper, |_, field| place(field));
            let load = load_items(&fields, quote!(Self));
            let loader = generated("loader");
            let name = &value.name.to_string();
            let krate = &value.krate;
            (
                TokenStream::new(),
                quote! {
                    #dumper.array(#count)?;
                    #dump
                    #dumper.end();
                    #result
                },
                quote! {
                    let len = #loader.array()?;
                    #krate::__private::check_len(#name, #count, len)?;
                    let loaded = #load;
                    #loader.end()?;
                    ::core::result::Result::Ok(loaded)
                },
            )
        }
        _ => {
            let shape_name = format_ident!("__DRB_SHAPE");
            let dump = dump_object(&fields, &shape_name, &dumper, |_, field| place(field));
            let load = load_object(value, &fields, &shape_name, default, quote!(Self));
            (
                shape(value, &shape_name, class, form, &fields),
                quote!(#dump #result),
                quote!(let loaded = #load; ::core::result::Result::Ok(loaded)),
            )
        }
    }
}

fn enum_body(
    value: &Value,
    labels: &Labels,
    variants: &[Variant],
) -> (TokenStream, TokenStream, TokenStream) {
    let krate = &value.krate;
    let enum_name = value.name.to_string();
    let dumper = generated("dumper");
    let loader = generated("loader");
    let mut first = 0;
    let mut shapes = Vec::new();
    let mut dumps = Vec::new();
    let mut loads = Vec::new();
    for variant in variants {
        let fields = Numbered { krate, labels, first, fields: &variant.fields };
        first += variant.fields.fields.len();
        let (ident, symbol) = (&variant.ident, &variant.name);
        let bindings = fields.all().map(|(index, field)| {
            let (member, variable) = (&field.member, variable(index));
            if field.skip { quote!(#member: _) } else { quote!(#member: #variable) }
        });
        let place = |index: usize, _: &Field| {
            let variable = variable(index);
            quote!(#variable)
        };
        let path = quote!(Self::#ident);
        let (len, dump, load) = match variant.fields.style {
            Style::Unit => (1, quote!(), quote!(#path)),
            Style::Tuple => (
                1 + fields.count(),
                dump_items(&fields, &dumper, place),
                load_items(&fields, path.clone()),
            ),
            Style::Named => {
                let shape_name = format_ident!("__DRB_SHAPE_{}", ident);
                let class = format!("{enum_name}::{ident}");
                shapes.push(shape(value, &shape_name, &class, Form::Hash, &fields));
                (
                    2,
                    dump_object(&fields, &shape_name, &dumper, place),
                    load_object(value, &fields, &shape_name, false, path.clone()),
                )
            }
        };
        dumps.push(match variant.fields.style {
            Style::Unit => quote!(#path => #dumper.symbol(#symbol)?,),
            _ => quote! {
                #path { #(#bindings),* } => {
                    #dumper.array(#len)?;
                    #dumper.symbol(#symbol)?;
                    #dump
                    #dumper.end();
                }
            },
        });
        loads.push(quote! {
            #symbol => {
                #krate::__private::check_len(#symbol, #len, len)?;
                #load
            }
        });
    }
    (
        quote!(#(#shapes)*),
        quote! {
            match self {
                #(#dumps)*
            }
            ::core::result::Result::Ok(())
        },
        quote! {
            let (name, len, is_array) = #krate::__private::variant(#loader)?;
            let loaded = match &*name {
                #(#loads)*
                _ => return ::core::result::Result::Err(
                    #krate::__private::unknown_variant(#enum_name, name),
                ),
            };
            if is_array {
                #loader.end()?;
            }
            ::core::result::Result::Ok(loaded)
        },
    )
}
