//! From the model to `MethodError`.

use super::model::{Field, Form, MethodError, Variant};
use crate::{
    labels::{Labelled, Labels},
    names::generated,
};
use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::{Ident, Member, parse_quote};

pub(super) fn expand(error: &MethodError) -> TokenStream {
    let quiet = crate::lints::quiet();
    let MethodError { krate, name, .. } = error;
    let mut generics = error.generics.clone();
    let params: Vec<_> = generics.type_params().map(|param| param.ident.clone()).collect();
    for param in params {
        generics.make_where_clause().predicates.push(parse_quote!(
            #param: #krate::Dump + #krate::Load + ::core::marker::Send + 'static
        ));
    }
    let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
    let exception = generated("exception");
    let numbered = numbered(&error.variants);
    let labels = labels(error);
    let raise = numbered.iter().map(|(first, variant)| raise(krate, &labels, *first, variant));
    let rescue = numbered.iter().map(|(first, variant)| rescue(krate, &labels, *first, variant));
    let Labelled { labels: label_generics, filled, impl_generics: labelled_generics } =
        labels.of_trait(&generics);
    let filled = quote!(<Self as __DrbMethodError #filled>);
    let refusal = match error.variants.iter().any(|variant| matches!(variant.form, Form::Other)) {
        true => TokenStream::new(),
        false => quote!(::core::result::Result::Err(#exception)),
    };
    quote! {
        #quiet
        const _: () = {
            // Its parameters are the fields' names: see `Member`.
            trait __DrbMethodError #label_generics: ::core::marker::Sized {
                fn raise(self) -> #krate::Exception;
                fn rescue(
                    exception: #krate::Exception,
                ) -> ::core::result::Result<Self, #krate::Exception>;
            }

            impl #labelled_generics __DrbMethodError #label_generics for #name #ty_generics
            #where_clause
            {
                fn raise(self) -> #krate::Exception {
                    match self {
                        #(#raise)*
                    }
                }

                fn rescue(
                    #exception: #krate::Exception,
                ) -> ::core::result::Result<Self, #krate::Exception> {
                    #(#rescue)*
                    #refusal
                }
            }

            #[automatically_derived]
            impl #impl_generics #krate::MethodError for #name #ty_generics #where_clause {
                type Raised = #krate::CallError<Self>;

                fn raise(self) -> #krate::Exception {
                    #filled::raise(self)
                }

                fn rescue(
                    exception: #krate::Exception,
                ) -> ::core::result::Result<Self, #krate::Exception> {
                    #filled::rescue(exception)
                }

                fn raised(self) -> #krate::CallError<Self> {
                    #krate::CallError::Method(self)
                }
            }
        };
    }
}

/// Each variant with the number of its first field among all. Variants of any class come last.
fn numbered(variants: &[Variant]) -> Vec<(usize, &Variant)> {
    let mut first = 0;
    let mut numbered: Vec<_> = (variants.iter())
        .map(|variant| {
            let of_variant = (first, variant);
            first += variant.fields.len();
            of_variant
        })
        .collect();
    numbered.sort_by_key(|(_, variant)| matches!(variant.form, Form::Other));
    numbered
}

fn variable(index: usize) -> Ident {
    format_ident!("field{}", index, span = Span::mixed_site())
}

/// The names of the fields, for errors.
fn labels(error: &MethodError) -> Labels {
    let fields = || error.variants.iter().flat_map(|variant| &variant.fields);
    let types =
        fields().flat_map(|field| [field.ty.to_token_stream(), field.default.to_token_stream()]);
    let around = [
        error.name.to_token_stream(),
        error.krate.to_token_stream(),
        error.generics.params.to_token_stream(),
        error.generics.where_clause.to_token_stream(),
    ];
    let mut labels = Labels::among(types.chain(around));
    fields().for_each(|field| labels.add(&name(field)));
    labels
}

/// A field's name; a position is not one yet.
fn name(field: &Field) -> Ident {
    match &field.member {
        Member::Named(name) => name.clone(),
        Member::Unnamed(index) => format_ident!("_{}", index.index),
    }
}

fn path(variant: &Variant) -> TokenStream {
    match &variant.ident {
        Some(ident) => quote!(Self::#ident),
        None => quote!(Self),
    }
}

/// An arm that makes the exception.
fn raise(krate: &syn::Path, labels: &Labels, first: usize, variant: &Variant) -> TokenStream {
    let path = path(variant);
    let whole = generated("error");
    if let Form::Other = variant.form {
        return quote!(#path(exception) => exception,);
    }
    let fields: Vec<_> = (first..).zip(&variant.fields).collect();
    let message = match fields.iter().find(|(_, field)| field.message) {
        Some((_, field)) => {
            let member = &field.member;
            let field = generated("field");
            quote! {
                match &#whole {
                    #path { #member: #field, .. } => ::std::string::ToString::to_string(#field),
                    _ => ::std::string::String::new(),
                }
            }
        }
        None => quote!(::std::string::ToString::to_string(&#whole)),
    };
    let exception = match &variant.form {
        Form::Class(class) => quote!(#krate::Exception::new(#class, #message)),
        Form::Remote(reason) => quote!(#krate::Exception::remote(#reason, #message)),
        Form::Other => TokenStream::new(),
    };
    let made = generated("exception");
    let bindings = fields.iter().filter(|(_, field)| !field.skip && !field.message);
    let bindings: Vec<_> = bindings.collect();
    let members = bindings.iter().map(|(index, field)| {
        let (member, variable) = (&field.member, variable(*index));
        quote!(#member: #variable)
    });
    let with = bindings.iter().map(|(index, field)| {
        let (name, ty, variable) = (&field.name, &field.ty, variable(*index));
        let label = labels.label(&self::name(field));
        quote! {
            // What cannot be dumped is left out: the error itself is more important.
            if let ::core::option::Option::Some(value) = <#ty as #krate::__private::Member<#label, Self>>::to_value(#variable) {
                #made = #made.with(#name, value);
            }
        }
    });
    quote! {
        #whole @ #path { .. } => {
            #[allow(unused_mut)]
            let mut #made = #exception;
            if let #path { #(#members,)* .. } = &#whole {
                #(#with)*
            }
            #made
        }
    }
}

/// Statements that give the error if the exception is of this variant.
fn rescue(krate: &syn::Path, labels: &Labels, first: usize, variant: &Variant) -> TokenStream {
    let path = path(variant);
    let exception = generated("exception");
    let is = match &variant.form {
        Form::Other => return quote!(::core::result::Result::Ok(#path(#exception))),
        Form::Class(class) => quote!(#exception.class == #class),
        Form::Remote(reason) => {
            quote!(#krate::__private::is_remote(&#exception, #reason))
        }
    };
    let fields: Vec<_> = (first..).zip(&variant.fields).collect();
    let load = fields.iter().map(|(index, field)| {
        let (name, ty, variable) = (&field.name, &field.ty, variable(*index));
        let label = labels.label(&self::name(field));
        let default = field.default.as_ref();
        if field.message {
            let message = match variant.form {
                Form::Remote(ref reason) => {
                    quote!(#krate::__private::remote_message(&#exception, #reason))
                }
                _ => quote!(::core::clone::Clone::clone(&#exception.message)),
            };
            return quote! {
                let #variable = ::core::option::Option::Some(
                    <#ty as ::core::convert::From<::std::string::String>>::from(#message),
                );
            };
        }
        if let (true, Some(default)) = (field.skip, default) {
            return quote!(let #variable = ::core::option::Option::Some(#default););
        }
        let absent = match default {
            Some(default) => quote!(::core::option::Option::Some(#default)),
            None => quote!(<#ty as #krate::__private::Member<#label, Self>>::absent()),
        };
        quote! {
            let #variable = match #exception.field(#name) {
                ::core::option::Option::Some(value) => <#ty as #krate::__private::Member<#label, Self>>::from_value(value),
                ::core::option::Option::None => #absent,
            };
        }
    });
    let variables: Vec<_> = fields.iter().map(|(index, _)| variable(*index)).collect();
    let members: Vec<_> = fields.iter().map(|(_, field)| &field.member).collect();
    quote! {
        if #is {
            #(#load)*
            // Without a field that has no default, it is an error that only looks like this one.
            return match (#(#variables,)*) {
                (#(::core::option::Option::Some(#variables),)*) => {
                    ::core::result::Result::Ok(#path { #(#members: #variables),* })
                }
                _ => ::core::result::Result::Err(#exception),
            };
        }
    }
}
