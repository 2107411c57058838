//! From the model to `Dump`, `Load` and `Outbound`.

use super::{
    bounds,
    model::{Body, Field, Fields, Form, Style, Value, Variant},
};
use crate::{labels::Labels, names::generated};
use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::{Ident, Member, Path};

pub(super) fn expand(value: &Value) -> TokenStream {
    let quiet = crate::lints::quiet();
    let Value { krate, name, .. } = value;
    let labels = labels(value);
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
    let (outbound_generics, _, outbound_where) = outbound.split_for_impl();
    let mut labelled = dump_generics.clone();
    labels.declare(&mut labelled);
    let (labelled_generics, _, _) = labelled.split_for_impl();
    let mut only_labels = syn::Generics::default();
    labels.declare(&mut only_labels);
    let (trait_generics, trait_arguments, _) = only_labels.split_for_impl();
    let filled = labels.fill();
    let filled = quote!(<Self as __DrbValue<#(#filled),*>>);
    let dumper = generated("dumper");
    let loader = generated("loader");
    quote! {
        #quiet
        const _: () = {
            #shapes

            // Its parameters are the fields' names: see `Member`.
            trait __DrbValue #trait_generics: ::core::marker::Sized {
                fn dump(
                    &self,
                    dumper: &mut #krate::Dumper<'_>,
                ) -> ::core::result::Result<(), #krate::DumpError>;
                fn load(
                    loader: &mut #krate::Loader<'_>,
                ) -> ::core::result::Result<Self, #krate::LoadError>;
            }

            impl #labelled_generics __DrbValue #trait_arguments for #name #ty_generics
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
            }

            #[automatically_derived]
            impl #outbound_generics #krate::Outbound for #name #ty_generics #outbound_where {
                type Arrives = Self;

                fn send(
                    self,
                    dumper: &mut #krate::Dumper<'_>,
                ) -> ::core::result::Result<(), #krate::DumpError> {
                    #krate::Dump::dump(&self, dumper)
                }

                fn send_shared(
                    shared: ::std::sync::Arc<Self>,
                    dumper: &mut #krate::Dumper<'_>,
                ) -> ::core::result::Result<(), #krate::DumpError> {
                    #krate::Dump::dump(&*shared, dumper)
                }
            }
        };
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

/// A field's name; a position is not one yet.
fn name(field: &Field) -> Ident {
    match &field.member {
        Member::Named(name) => name.clone(),
        Member::Unnamed(index) => format_ident!("_{}", index.index),
    }
}

/// Where the fields of a struct or variant are: each has a number among all of the type's, which
/// names its variable.
struct Numbered<'a> {
    krate: &'a Path,
    labels: &'a Labels,
    first: usize,
    fields: &'a Fields,
}

impl<'a> Numbered<'a> {
    fn all(&self) -> impl Iterator<Item = (usize, &'a Field)> {
        (self.first..).zip(&self.fields.fields)
    }

    fn travelling(&self) -> impl Iterator<Item = (usize, &'a Field)> {
        self.all().filter(|(_, field)| !field.skip)
    }

    /// The trait that a field has, which says its name where it is not fulfilled.
    fn member(&self, field: &Field) -> TokenStream {
        let (krate, label) = (self.krate, self.labels.label(&name(field)));
        quote!(#krate::__private::Member<#label, Self>)
    }

    fn count(&self) -> usize {
        self.fields.travelling().count()
    }
}

fn variable(index: usize) -> Ident {
    format_ident!("field{}", index, span = Span::mixed_site())
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
            let shape = format_ident!("__DRB_SHAPE");
            let dump = dump_object(&fields, &shape, &dumper, |_, field| place(field));
            let load = load_object(value, &fields, &shape, class, default, quote!(Self));
            (
                self::shape(value, &shape, class, form, &fields),
                quote!(#dump #result),
                quote!(let loaded = #load; ::core::result::Result::Ok(loaded)),
            )
        }
    }
}

/// The constant that says what a struct looks like.
fn shape(
    value: &Value,
    name: &Ident,
    class: &str,
    form: Form,
    fields: &Numbered<'_>,
) -> TokenStream {
    let krate = &value.krate;
    let form = match form {
        Form::Object => quote!(Object),
        Form::Struct => quote!(Struct),
        Form::Hash => quote!(Hash),
    };
    let fields = fields.travelling().map(|(_, field)| {
        let (name, ivar) = (&field.name, format!("@{}", field.name));
        quote!(#krate::Field { name: #name, ivar: #ivar })
    });
    quote! {
        static #name: #krate::Shape = #krate::Shape {
            class: #class,
            form: #krate::Form::#form,
            fields: &[#(#fields),*],
        };
    }
}

/// Writes the fields as a struct, without its `Ok(())`.
fn dump_object(
    fields: &Numbered<'_>,
    shape: &Ident,
    dumper: &Ident,
    place: impl Fn(usize, &Field) -> TokenStream,
) -> TokenStream {
    let fields = fields.travelling().enumerate().map(|(position, (index, field))| {
        let (ty, trait_name, place) = (&field.ty, fields.member(field), place(index, field));
        quote! {
            #dumper.field(&#shape, #position)?;
            <#ty as #trait_name>::dump(#place, #dumper)?;
        }
    });
    quote! {
        #dumper.object(&#shape)?;
        #(#fields)*
        #dumper.end();
    }
}

/// Writes the fields one after the other, within an array that has begun.
fn dump_items(
    fields: &Numbered<'_>,
    dumper: &Ident,
    place: impl Fn(usize, &Field) -> TokenStream,
) -> TokenStream {
    let fields = fields.travelling().map(|(index, field)| {
        let (ty, trait_name, place) = (&field.ty, fields.member(field), place(index, field));
        quote!(<#ty as #trait_name>::dump(#place, #dumper)?;)
    });
    quote!(#(#fields)*)
}

/// An expression that loads the only field on the wire.
fn load_newtype(fields: &Numbered<'_>) -> TokenStream {
    let loader = generated("loader");
    let fields = fields.all().map(|(_, field)| {
        let (member, ty, trait_name) = (&field.member, &field.ty, fields.member(field));
        match &field.default {
            Some(default) if field.skip => quote!(#member: #default),
            _ => quote!(#member: <#ty as #trait_name>::load(#loader)?),
        }
    });
    quote!(::core::result::Result::Ok(Self { #(#fields),* }))
}

/// An expression that loads fields from an array that has begun; its length has been checked.
fn load_items(fields: &Numbered<'_>, path: TokenStream) -> TokenStream {
    let loader = generated("loader");
    let fields = fields.all().map(|(_, field)| {
        let (member, ty, trait_name) = (&field.member, &field.ty, fields.member(field));
        let Member::Unnamed(position) = member else { return TokenStream::new() };
        let position = position.index as usize;
        match &field.default {
            Some(default) if field.skip => quote!(#member: #default),
            _ => quote! {
                #member: <#ty as #trait_name>::load(#loader).map_err(|error| error.at(#position))?
            },
        }
    });
    quote!(#path { #(#fields),* })
}

/// An expression that loads fields from a struct.
fn load_object(
    value: &Value,
    fields: &Numbered<'_>,
    shape: &Ident,
    class: &str,
    default: bool,
    path: TokenStream,
) -> TokenStream {
    let krate = &value.krate;
    let loader = generated("loader");
    let default_value = generated("default");
    let state = generated("fields");
    let defaults =
        default.then(|| quote!(let #default_value: Self = ::core::default::Default::default();));
    let declare = fields.travelling().map(|(index, field)| {
        let (name, ty) = (variable(index), &field.ty);
        quote!(let mut #name: ::core::option::Option<#ty> = ::core::option::Option::None;)
    });
    let arms = fields.travelling().enumerate().map(|(position, (index, field))| {
        let (name, wire, ty) = (variable(index), &field.name, &field.ty);
        let trait_name = fields.member(field);
        quote! {
            ::core::option::Option::Some(#position) => {
                #name = ::core::option::Option::Some(
                    <#ty as #trait_name>::load(#loader).map_err(|error| error.within(#wire))?,
                );
            }
        }
    });
    let finish = fields.all().map(|(index, field)| {
        let (member, name, wire, ty) = (&field.member, variable(index), &field.name, &field.ty);
        let trait_name = fields.member(field);
        let absent = match (&field.default, default) {
            (Some(expression), _) => quote!(#expression),
            (None, true) => quote!(#default_value.#member),
            (None, false) => quote! {
                #krate::__private::missing(#class, #wire, <#ty as #trait_name>::absent())?
            },
        };
        if field.skip {
            return quote!(#member: #absent);
        }
        quote! {
            #member: match #name {
                ::core::option::Option::Some(loaded) => loaded,
                ::core::option::Option::None => #absent,
            }
        }
    });
    quote! {{
        #defaults
        #(#declare)*
        let mut #state = #loader.object(&#shape)?;
        loop {
            match #loader.field(&#shape, &mut #state)? {
                #(#arms)*
                ::core::option::Option::Some(_) => #loader.skip()?,
                ::core::option::Option::None => break,
            }
        }
        #loader.end()?;
        #path { #(#finish),* }
    }}
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
                let shape = format_ident!("__DRB_SHAPE_{}", ident);
                let class = format!("{enum_name}::{ident}");
                shapes.push(self::shape(value, &shape, &class, Form::Hash, &fields));
                (
                    2,
                    dump_object(&fields, &shape, &dumper, place),
                    load_object(value, &fields, &shape, &class, false, path.clone()),
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
