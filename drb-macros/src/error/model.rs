//! What an error is, once it has been read: the input of the expansion.

use crate::{
    names,
    options::{ErrorFieldOptions, ErrorOptions, ErrorStructOptions, ErrorVariantOptions, Options},
    report::Report,
};
use quote::{ToTokens, quote};
use syn::{Attribute, Data, DeriveInput, Expr, Generics, Ident, LitStr, Member, Path, Type};

/// The error of a method.
pub(crate) struct MethodError {
    /// The path of the crate `drb`.
    pub(crate) krate: Path,
    pub(crate) name: Ident,
    pub(crate) generics: Generics,
    /// The variants; a struct is its only one.
    pub(crate) variants: Vec<Variant>,
}

pub(crate) struct Variant {
    /// `None` for a struct.
    pub(crate) ident: Option<Ident>,
    /// How it travels.
    pub(crate) form: Form,
    pub(crate) fields: Vec<Field>,
}

pub(crate) enum Form {
    /// As an exception of this class.
    Class(String),
    /// As `DRb::DRbRemoteError` with this reason.
    Remote(String),
    /// As the exception that it holds.
    Other,
}

pub(crate) struct Field {
    pub(crate) member: Member,
    /// The name on the wire.
    pub(crate) name: String,
    pub(crate) ty: Type,
    /// Whether it is the exception's message.
    pub(crate) message: bool,
    /// Whether it stays away from the wire.
    pub(crate) skip: bool,
    /// What stands for it where it did not arrive.
    pub(crate) default: Option<Expr>,
}

impl MethodError {
    pub(crate) fn read(input: &DeriveInput, report: &mut Report) -> Option<Self> {
        let (krate, variants) = match &input.data {
            Data::Struct(data) => {
                let options = ErrorStructOptions::read(&input.attrs, report);
                let form = form(&options.class.0, input.ident.to_string(), report);
                let fields = read_fields(&data.fields, report);
                (options.krate, vec![Variant { ident: None, form, fields }])
            }
            Data::Enum(data) => {
                let options = ErrorOptions::read(&input.attrs, report);
                let variants = data.variants.iter();
                let variants =
                    variants.map(|variant| read_variant(&input.ident, variant, report)).collect();
                check_classes(&data.variants, &variants, report);
                (options.krate, variants)
            }
            Data::Union(data) => {
                report.at(data.union_token, "an error is an enum or a struct");
                return None;
            }
        };
        if variants.is_empty() {
            report.at(&input.ident, "an enum without variants cannot be raised");
        }
        Some(Self {
            krate: krate.or_drb(),
            name: input.ident.clone(),
            generics: input.generics.clone(),
            variants,
        })
    }
}

fn form(class: &Option<LitStr>, reason: String, report: &mut Report) -> Form {
    match class {
        Some(class) => {
            names::check_class(&class.value(), class, report);
            Form::Class(class.value())
        }
        None => Form::Remote(reason),
    }
}

fn read_variant(name: &Ident, variant: &syn::Variant, report: &mut Report) -> Variant {
    let options = ErrorVariantOptions::read(&variant.attrs, report);
    let reason = format!("{name}::{}", names::plain(&variant.ident));
    let mut form = form(&options.class.0, reason, report);
    let fields = read_fields(&variant.fields, report);
    if let Some(other) = &options.other.0 {
        if let Some(class) = &options.class.0 {
            report
                .at(class, "`class` doesn't go with `other`, which takes exceptions of any class");
        }
        let single =
            matches!(&variant.fields, syn::Fields::Unnamed(fields) if fields.unnamed.len() == 1);
        if !single {
            let ident = &variant.ident;
            report.at(
                other,
                format!("`other` takes the exception as it is: write `{ident}(drb::Exception)`"),
            );
        }
        form = Form::Other;
    }
    Variant { ident: Some(variant.ident.clone()), form, fields }
}

/// A caller tells variants apart by their classes.
fn check_classes<'a>(
    sources: impl IntoIterator<Item = &'a syn::Variant>,
    variants: &Vec<Variant>,
    report: &mut Report,
) {
    for (index, (source, variant)) in sources.into_iter().zip(variants).enumerate() {
        let same = |other: &&Variant| match (&other.form, &variant.form) {
            (Form::Class(a), Form::Class(b)) => a == b,
            (Form::Other, Form::Other) => true,
            _ => false,
        };
        let Some(other) = variants.iter().take(index).find(same) else { continue };
        let name = other.ident.as_ref().map(Ident::to_string).unwrap_or_default();
        let tokens = option_tokens(&source.attrs).unwrap_or_else(|| source.ident.to_token_stream());
        report.at(
            tokens,
            match &variant.form {
                Form::Class(class) => format!(
                    "`{name}` already travels as `{class}`, and the caller could not tell them \
                     apart: give one of them another class, or none"
                ),
                _ => format!("`{name}` already takes all other exceptions"),
            },
        );
    }
}

/// What stands in the `#[drb(…)]`.
fn option_tokens(attrs: &[Attribute]) -> Option<proc_macro2::TokenStream> {
    let attribute = attrs.iter().find(|attribute| attribute.path().is_ident("drb"))?;
    Some(attribute.meta.require_list().ok()?.tokens.clone())
}

fn read_fields(fields: &syn::Fields, report: &mut Report) -> Vec<Field> {
    let mut read: Vec<Field> = Vec::new();
    for (index, field) in fields.iter().enumerate() {
        let options = ErrorFieldOptions::read(&field.attrs, report);
        let skip = options.skip.is_set();
        let own = match &field.ident {
            Some(ident) => names::plain(ident),
            None => format!("_{index}"),
        };
        let name = options.name.0.as_ref().map_or(own, LitStr::value);
        let tokens = match (&options.name.0, &field.ident) {
            (Some(text), _) => quote!(#text),
            (None, Some(ident)) => quote!(#ident),
            (None, None) => field.ty.to_token_stream(),
        };
        let message = options.message.is_set();
        if let (true, Some(text)) = (skip || message, &options.name.0) {
            report.at(text, "`name` has no effect: the field doesn't travel by its name");
        }
        if let (true, Some(skip)) = (message, &options.skip.0) {
            report.at(skip, "`skip` doesn't go with `message`: leave out one of them");
        }
        if message && read.iter().any(|other| other.message) {
            report.at(&tokens, "an exception has one `message`");
        }
        if !skip && !message {
            names::check_member(&name, &tokens, report);
            if matches!(name.as_str(), "mesg" | "bt" | "bt_locations" | "reason") {
                report.at(
                    &tokens,
                    format!(
                        "`{name}` is what Ruby's exceptions keep for themselves: write \
                         `#[drb(name = \"…\")]`"
                    ),
                );
            }
            if read.iter().any(|other| other.name == name) {
                report.at(&tokens, format!("`{name}` is already the name of a field"));
            }
        }
        let default = match options.default.expression() {
            None if skip => Some(syn::parse_quote!(::core::default::Default::default())),
            default => default,
        };
        let member = field.ident.clone().map_or_else(|| Member::from(index), Member::from);
        read.push(Field { member, name, ty: field.ty.clone(), message, skip, default });
    }
    read
}
