//! What a value is, once it has been read: the input of the expansion.

use crate::{
    names::{self, Case},
    options::{EnumOptions, FieldOptions, Options, StructOptions, VariantOptions},
    report::Report,
};
use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{
    Data, DataEnum, DataStruct, DeriveInput, Expr, Generics, Ident, LitStr, Member, Path, Type,
};

/// A type that crosses by value.
pub(crate) struct Value {
    /// The path of the crate `drb`.
    pub(crate) krate: Path,
    pub(crate) name: Ident,
    pub(crate) generics: Generics,
    pub(crate) body: Body,
}

pub(crate) enum Body {
    Struct {
        class: String,
        form: Form,
        /// Whether missing fields come from the `Default` of the struct.
        default: bool,
        fields: Fields,
    },
    Enum(Vec<Variant>),
}

/// What a struct is on Ruby's side.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Object,
    Struct,
    Hash,
}

pub(crate) struct Variant {
    pub(crate) ident: Ident,
    /// The symbol.
    pub(crate) name: String,
    pub(crate) fields: Fields,
}

/// The fields of a struct or of a variant.
pub(crate) struct Fields {
    pub(crate) style: Style,
    pub(crate) fields: Vec<Field>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    Named,
    Tuple,
    Unit,
}

pub(crate) struct Field {
    pub(crate) member: Member,
    /// The name on the wire.
    pub(crate) name: String,
    pub(crate) ty: Type,
    /// Whether it stays away from the wire.
    pub(crate) skip: bool,
    /// What stands for it where it did not arrive.
    pub(crate) default: Option<Expr>,
}

impl Fields {
    /// Those on the wire.
    pub(crate) fn travelling(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(|field| !field.skip)
    }
}

impl Value {
    pub(crate) fn read(input: &DeriveInput, report: &mut Report) -> Option<Self> {
        let (krate, body) = match &input.data {
            Data::Struct(data) => read_struct(input, data, report),
            Data::Enum(data) => read_enum(input, data, report),
            Data::Union(data) => {
                report.at(
                    data.union_token,
                    "a union cannot cross the wire: nobody knows which field of it is there; \
                     write an enum",
                );
                return None;
            }
        };
        Some(Self { krate, name: input.ident.clone(), generics: input.generics.clone(), body })
    }

    pub(crate) fn all_fields(&self) -> Vec<&Field> {
        match &self.body {
            Body::Struct { fields, .. } => fields.fields.iter().collect(),
            Body::Enum(variants) => {
                variants.iter().flat_map(|variant| &variant.fields.fields).collect()
            }
        }
    }
}

fn read_struct(input: &DeriveInput, data: &DataStruct, report: &mut Report) -> (Path, Body) {
    let options = StructOptions::read(&input.attrs, report);
    let form = match (&options.as_struct.0, &options.as_hash.0) {
        (Some(_), Some(second)) => {
            report.at(second, "`as_hash` doesn't go with `as_struct`: leave out one of them");
            Form::Hash
        }
        (Some(_), None) => Form::Struct,
        (None, Some(_)) => Form::Hash,
        (None, None) => Form::Object,
    };
    if let (Some(class), Form::Hash) = (&options.class.0, form) {
        report.at(class, "a Hash has no class of its own: leave out `class` or `as_hash`");
    }
    let class = class(&options.class.0, &input.ident, form, report);
    let case = Case::read(options.rename_all.0.as_ref(), report);
    let fields = read_fields(&data.fields, case, form, report);
    if fields.style == Style::Tuple {
        for key in [&options.as_struct, &options.as_hash, &options.default] {
            if let Some(key) = &key.0 {
                report.at(key, format!("`{key}` is for structs whose fields have names"));
            }
        }
        for text in [&options.class.0, &options.rename_all.0].into_iter().flatten() {
            report.at(
                text,
                "a tuple struct travels as an array, or as its only field, and has neither class \
                 nor names: give its fields names",
            );
        }
    }
    let body = Body::Struct { class, form, default: options.default.is_set(), fields };
    (options.krate.or_drb(), body)
}

/// Ruby's name of the class.
fn class(given: &Option<LitStr>, name: &Ident, form: Form, report: &mut Report) -> String {
    match given {
        Some(text) => {
            names::check_class(&text.value(), text, report);
            text.value()
        }
        None => {
            let class = names::plain(name);
            if form != Form::Hash {
                names::check_class(&class, name, report);
            }
            class
        }
    }
}

fn read_enum(input: &DeriveInput, data: &DataEnum, report: &mut Report) -> (Path, Body) {
    let options = EnumOptions::read(&input.attrs, report);
    let case = Case::read(options.rename_all.0.as_ref(), report).unwrap_or(Case::Snake);
    let mut variants: Vec<Variant> = Vec::new();
    for variant in &data.variants {
        let given = VariantOptions::read(&variant.attrs, report).name.0;
        let name = given.as_ref().map_or_else(|| case.apply(&variant.ident), LitStr::value);
        let tokens = name_tokens(&given, &variant.ident);
        if let Some(other) = variants.iter().find(|other| other.name == name) {
            report.at(tokens, format!("`{name}` is already the name of `{}`", other.ident));
        }
        let fields = read_fields(&variant.fields, None, Form::Hash, report);
        variants.push(Variant { ident: variant.ident.clone(), name, fields });
    }
    if variants.is_empty() {
        report.at(&input.ident, "an enum without variants has no value that could cross the wire");
    }
    (options.krate.or_drb(), Body::Enum(variants))
}

fn read_fields(
    fields: &syn::Fields,
    case: Option<Case>,
    form: Form,
    report: &mut Report,
) -> Fields {
    let style = match fields {
        syn::Fields::Named(_) => Style::Named,
        syn::Fields::Unnamed(_) => Style::Tuple,
        syn::Fields::Unit => Style::Unit,
    };
    let mut read: Vec<Field> = Vec::new();
    for (index, field) in fields.iter().enumerate() {
        let options = FieldOptions::read(&field.attrs, report);
        let skip = options.skip.is_set();
        if let (true, Some(text)) = (skip, &options.name.0) {
            report.at(text, "`name` has no effect on a field with `skip`, which doesn't travel");
        }
        let default = match options.default.expression() {
            None if skip => Some(syn::parse_quote!(::core::default::Default::default())),
            default => default,
        };
        let (member, name) = match &field.ident {
            Some(ident) => {
                let own = case.map_or_else(|| names::plain(ident), |case| case.apply(ident));
                let name = options.name.0.as_ref().map_or(own, LitStr::value);
                let tokens = name_tokens(&options.name.0, ident);
                if form != Form::Hash && !skip {
                    names::check_member(&name, &tokens, report);
                }
                if let Some(other) = read.iter().find(|other| other.name == name && !other.skip)
                    && !skip
                {
                    let other = other.member.to_token_stream();
                    report.at(tokens, format!("`{name}` is already the name of `{other}`"));
                }
                (Member::Named(ident.clone()), name)
            }
            None => {
                if let Some(text) = &options.name.0 {
                    report.at(text, "a field of a tuple has a position and no name");
                }
                if let (false, Some((key, _))) = (skip, &options.default.0) {
                    report.at(
                        key,
                        "a field of a tuple is always there: leave out `default`, or give the \
                         fields names",
                    );
                }
                (Member::from(index), index.to_string())
            }
        };
        read.push(Field { member, name, ty: field.ty.clone(), skip, default });
    }
    Fields { style, fields: read }
}

fn name_tokens(given: &Option<LitStr>, ident: &Ident) -> TokenStream {
    given.as_ref().map_or_else(|| quote!(#ident), ToTokens::to_token_stream)
}
