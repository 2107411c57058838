//! The fields of a struct or of a variant: how they are written and read.

use super::model::{Field, Fields, Form, Value};
use crate::{labels::Labels, names::generated};
use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::{Ident, Lifetime, Member, Path};

/// A field's name; a position is not one yet.
pub(super) fn name(field: &Field) -> Ident {
    match &field.member {
        Member::Named(name) => name.clone(),
        Member::Unnamed(index) => format_ident!("_{}", index.index),
    }
}

/// Where the fields of a struct or variant are: each has a number among all of the type's, which
/// names its variable.
pub(super) struct Numbered<'a> {
    pub(super) krate: &'a Path,
    pub(super) labels: &'a Labels,
    pub(super) first: usize,
    pub(super) fields: &'a Fields,
}

impl<'a> Numbered<'a> {
    pub(super) fn all(&self) -> impl Iterator<Item = (usize, &'a Field)> {
        (self.first..).zip(&self.fields.fields)
    }

    pub(super) fn travelling(&self) -> impl Iterator<Item = (usize, &'a Field)> {
        self.all().filter(|(_, field)| !field.skip)
    }

    /// The trait that a field has, which says its name where it is not fulfilled.
    pub(super) fn member(&self, field: &Field) -> TokenStream {
        let (krate, label) = (self.krate, self.labels.label(&name(field)));
        quote!(#krate::__private::Member<#label, Self>)
    }

    pub(super) fn count(&self) -> usize {
        self.fields.travelling().count()
    }
}

pub(super) fn variable(index: usize) -> Ident {
    format_ident!("field{}", index, span = Span::mixed_site())
}

/// The constant that says what a struct looks like.
pub(super) fn shape(
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
pub(super) fn dump_object(
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
pub(super) fn dump_items(
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
pub(super) fn load_newtype(fields: &Numbered<'_>) -> TokenStream {
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
pub(super) fn load_items(fields: &Numbered<'_>, path: TokenStream) -> TokenStream {
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

/// Loads the fields of a struct whose values follow in their order, and ends it. What is loaded moves into its
/// place at once.
pub(super) fn load_in_order(fields: &Numbered<'_>) -> TokenStream {
    let loader = generated("loader");
    let loads = fields.travelling().map(|(index, field)| {
        let (name, wire, ty) = (variable(index), &field.name, &field.ty);
        let trait_name = fields.member(field);
        quote! {
            let #name = <#ty as #trait_name>::load(#loader).map_err(|error| error.within(#wire))?;
        }
    });
    let places = fields.all().map(|(index, field)| {
        let (member, name) = (&field.member, variable(index));
        match &field.default {
            Some(default) if field.skip => quote!(#member: #default),
            _ => quote!(#member: #name),
        }
    });
    quote! {
        #(#loads)*
        #loader.end()?;
        let loaded = Self { #(#places),* };
    }
}

/// An expression that loads fields from a struct.
pub(super) fn load_object(
    value: &Value,
    fields: &Numbered<'_>,
    shape: &Ident,
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
    let loads = fields.travelling().map(|(index, field)| {
        let (name, wire, ty) = (variable(index), &field.name, &field.ty);
        let trait_name = fields.member(field);
        quote! {
            #name = ::core::option::Option::Some(
                <#ty as #trait_name>::load(#loader).map_err(|error| error.within(#wire))?,
            );
        }
    });
    let loads: Vec<_> = loads.collect();
    let positions: Vec<_> = (0..loads.len()).collect();
    let finish = fields.all().map(|(index, field)| {
        let (member, name, wire, ty) = (&field.member, variable(index), &field.name, &field.ty);
        let trait_name = fields.member(field);
        let absent = match (&field.default, default) {
            (Some(expression), _) => quote!(#expression),
            (None, true) => quote!(#default_value.#member),
            (None, false) => quote! {
                #krate::__private::missing(
                    &#shape, ::core::option::Option::Some(&#state), #wire, <#ty as #trait_name>::absent(),
                )?
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
    let finish: Vec<_> = finish.collect();
    let whole = Lifetime::new("'whole", Span::mixed_site());
    let in_order = Lifetime::new("'in_order", Span::mixed_site());
    quote! {{
        #defaults
        let mut #state: #krate::Fields = ::core::default::Default::default();
        #(#declare)*
        #whole: {
            #in_order: {
                if !#loader.begin(&#shape, &mut #state)? {
                    break #in_order;
                }
                #(
                    if !#loader.comes(&#shape, #positions, &mut #state) {
                        break #in_order;
                    }
                    #loads
                )*
                #loader.end()?;
                break #whole #path { #(#finish),* };
            }
            loop {
                match #loader.next_field(&#shape, &mut #state)? {
                    #(#positions => { #loads })*
                    _ => break,
                }
            }
            #loader.end()?;
            #path { #(#finish),* }
        }
    }}
}
