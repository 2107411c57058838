//! The grammar of `#[drb(…)]` and `#[drb::service(…)]`: every option of every place.

use crate::{report::Report, text::text};
use proc_macro2::TokenStream;
use syn::{
    Attribute, Expr, ExprLit, Ident, Lit, LitStr, Path, Token,
    ext::IdentExt,
    parse::{Parse, ParseStream, Parser},
    punctuated::Punctuated,
    token,
};

/// Declares the options of one place, and reads them.
macro_rules! options {
    ($(#[$doc:meta])* $name:ident on $place:literal { $($field:ident = $key:literal : $kind:ty),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Default)]
        pub(crate) struct $name {
            $(pub(crate) $field: $kind,)*
        }

        impl Options for $name {
            const PLACE: &'static str = $place;
            const KEYS: &'static [&'static str] = &[$($key),*];

            fn set(&mut self, given: Given, report: &mut Report) -> bool {
                match given.key.unraw().to_string().as_str() {
                    $($key => self.$field.set(given, report),)*
                    _ => return false,
                }
                true
            }
        }
    };
}

options! {
    /// `#[drb::service(…)]` on an impl of a type's own methods.
    ServiceOptions on "a service" {
        krate = "crate": Where,
        class = "class": Text,
        also = "also": Paths,
    }
}

options! {
    /// `#[drb::service(…)]` on a struct or enum.
    ClassOptions on "a service's type" {
        krate = "crate": Where,
        class = "class": Text,
    }
}

options! {
    /// `#[drb::service(…)]` on a trait.
    ContractOptions on "a service trait" {
        krate = "crate": Where,
    }
}

options! {
    /// `#[drb(…)]` on a method.
    MethodOptions on "a method" {
        name = "name": Text,
        alias = "alias": Texts,
        skip = "skip": Flag,
        blocking = "blocking": Flag,
        no_cancel = "no_cancel": Flag,
    }
}

options! {
    /// `#[drb(…)]` on a parameter.
    ParamOptions on "a parameter" {
        context = "context": Flag,
        default = "default": Fallback,
        rest = "rest": Flag,
        keyword = "keyword": Flag,
        keywords = "keywords": Flag,
    }
}

options! {
    /// `#[drb(…)]` on a struct that derives `DrbDumped`.
    StructOptions on "a struct that derives `DrbDumped`" {
        krate = "crate": Where,
        class = "class": Text,
        as_struct = "as_struct": Flag,
        as_hash = "as_hash": Flag,
        rename_all = "rename_all": Text,
        default = "default": Flag,
    }
}

options! {
    /// `#[drb(…)]` on an enum that derives `DrbDumped`.
    EnumOptions on "an enum that derives `DrbDumped`" {
        krate = "crate": Where,
        rename_all = "rename_all": Text,
    }
}

options! {
    /// `#[drb(…)]` on a variant of an enum that derives `DrbDumped`.
    VariantOptions on "a variant" {
        name = "name": Text,
    }
}

options! {
    /// `#[drb(…)]` on a field of a type that derives `DrbDumped`.
    FieldOptions on "a field" {
        name = "name": Text,
        default = "default": Fallback,
        skip = "skip": Flag,
    }
}

impl ParamOptions {
    /// The options that are given.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &Ident> {
        let flags = [&self.context, &self.rest, &self.keyword, &self.keywords];
        let default = self.default.0.as_ref().map(|(key, _)| key);
        flags.into_iter().filter_map(|flag| flag.0.as_ref()).chain(default)
    }
}

options! {
    /// `#[drb(…)]` on a type that derives `DrbUndumped`.
    UndumpedOptions on "a type that derives `DrbUndumped`" {
        krate = "crate": Where,
    }
}

options! {
    /// `#[drb(…)]` on an enum that derives `DrbError`.
    ErrorOptions on "an enum that derives `DrbError`" {
        krate = "crate": Where,
    }
}

options! {
    /// `#[drb(…)]` on a struct that derives `DrbError`.
    ErrorStructOptions on "a struct that derives `DrbError`" {
        krate = "crate": Where,
        class = "class": Text,
    }
}

options! {
    /// `#[drb(…)]` on a variant of an enum that derives `DrbError`.
    ErrorVariantOptions on "a variant of an error" {
        class = "class": Text,
        other = "other": Flag,
    }
}

options! {
    /// `#[drb(…)]` on a field of a type that derives `DrbError`.
    ErrorFieldOptions on "a field of an error" {
        name = "name": Text,
        message = "message": Flag,
        default = "default": Fallback,
        skip = "skip": Flag,
    }
}

/// The options of one place.
pub(crate) trait Options: Default {
    /// What they are written on.
    const PLACE: &'static str;
    /// What can be written.
    const KEYS: &'static [&'static str];

    /// Takes an option; `false` if it is none of this place.
    fn set(&mut self, given: Given, report: &mut Report) -> bool;

    /// Reads what stands in the parentheses of an attribute.
    fn parse(tokens: TokenStream, report: &mut Report) -> Self {
        let mut options = Self::default();
        options.extend(tokens, report);
        options
    }

    /// Reads the `#[drb(…)]` among the attributes.
    fn read(attributes: &[Attribute], report: &mut Report) -> Self {
        let mut options = Self::default();
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("drb")) {
            match attribute.meta.require_list() {
                Ok(list) => options.extend(list.tokens.clone(), report),
                Err(_) => {
                    report.at(attribute, format!("write `#[drb(…)]` with {}", Self::choice()))
                }
            }
        }
        options
    }

    /// Reads the `#[drb(…)]` among the attributes and removes them.
    fn take(attributes: &mut Vec<Attribute>, report: &mut Report) -> Self {
        let options = Self::read(attributes, report);
        attributes.retain(|attribute| !attribute.path().is_ident("drb"));
        options
    }

    fn extend(&mut self, tokens: TokenStream, report: &mut Report) {
        let all = match Punctuated::<Given, Token![,]>::parse_terminated.parse2(tokens) {
            Ok(all) => all,
            Err(error) => return report.add(error),
        };
        for given in all {
            let key = given.key.clone();
            if !self.set(given, report) {
                let (place, choice) = (Self::PLACE, Self::choice());
                report.at(&key, format!("unknown option `{key}` of {place}, expected {choice}"));
            }
        }
    }

    fn choice() -> String {
        match Self::KEYS {
            [] => "none".to_owned(),
            [one] => format!("`{one}`"),
            [all @ .., last] => format!("`{}` or `{last}`", all.join("`, `")),
        }
    }
}

/// One option as it is written: `key`, `key = value` or `also(path, path)`.
pub(crate) struct Given {
    key: Ident,
    value: Option<Expr>,
    paths: Vec<Path>,
}

impl Parse for Given {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let key = input.call(Ident::parse_any)?;
        if key == "also" && input.peek(token::Paren) {
            let content;
            syn::parenthesized!(content in input);
            let paths = Punctuated::<Path, Token![,]>::parse_terminated(&content)?;
            return Ok(Self { key, value: None, paths: paths.into_iter().collect() });
        }
        let value = match input.parse::<Option<Token![=]>>()? {
            Some(_) => Some(input.parse()?),
            None => None,
        };
        Ok(Self { key, value, paths: Vec::new() })
    }
}

impl Given {
    fn text(&self, report: &mut Report) -> Option<LitStr> {
        match &self.value {
            Some(Expr::Lit(ExprLit { lit: Lit::Str(text), .. })) => Some(text.clone()),
            Some(other) => {
                report.at(other, format!("`{}` takes a text in quotes", self.key));
                None
            }
            None => {
                report.at(&self.key, format!("write `{0} = \"…\"`", self.key));
                None
            }
        }
    }

    fn duplicate(&self, report: &mut Report) {
        report.at(&self.key, format!("`{}` is given twice", self.key));
    }
}

/// `key`.
#[derive(Default)]
pub(crate) struct Flag(pub(crate) Option<Ident>);

impl Flag {
    pub(crate) fn is_set(&self) -> bool {
        self.0.is_some()
    }

    fn set(&mut self, given: Given, report: &mut Report) {
        if self.is_set() {
            given.duplicate(report);
        }
        if let Some(value) = &given.value {
            report.at(value, format!("`{}` takes no value", given.key));
        }
        self.0 = Some(given.key);
    }
}

/// `key = "text"`.
#[derive(Default)]
pub(crate) struct Text(pub(crate) Option<LitStr>);

impl Text {
    fn set(&mut self, given: Given, report: &mut Report) {
        if self.0.is_some() {
            given.duplicate(report);
        }
        self.0 = given.text(report).or_else(|| self.0.take());
    }
}

/// `key = "text"`, any number of times.
#[derive(Default)]
pub(crate) struct Texts(pub(crate) Vec<LitStr>);

impl Texts {
    fn set(&mut self, given: Given, report: &mut Report) {
        self.0.extend(given.text(report));
    }
}

/// `key(a::Path, b::Path)`.
#[derive(Default)]
pub(crate) struct Paths(pub(crate) Vec<Path>);

impl Paths {
    fn set(&mut self, given: Given, report: &mut Report) {
        if given.paths.is_empty() {
            report.at(&given.key, format!("write `{}(Trait, OtherTrait)`", given.key));
        }
        for path in given.paths {
            if self.0.contains(&path) {
                report.at(&path, format!("`{}` is given twice", text(&path)));
            }
            self.0.push(path);
        }
    }
}

/// `key = ::a::path`.
#[derive(Default)]
pub(crate) struct Where(Option<Path>);

impl Where {
    /// The path, or that of the crate `drb`.
    pub(crate) fn or_drb(self) -> Path {
        self.0.unwrap_or_else(|| syn::parse_quote!(::drb))
    }

    fn set(&mut self, given: Given, report: &mut Report) {
        if self.0.is_some() {
            given.duplicate(report);
        }
        match given.value {
            Some(Expr::Path(path)) if path.qself.is_none() => self.0 = Some(path.path),
            Some(other) => {
                report.at(other, format!("`{0}` takes a path: `{0} = ::drb`", given.key))
            }
            None => report.at(&given.key, format!("write `{0} = ::drb`", given.key)),
        }
    }
}

/// `key`, which means `Default::default()`, or `key = expression`.
#[derive(Default)]
pub(crate) struct Fallback(pub(crate) Option<(Ident, Option<Expr>)>);

impl Fallback {
    pub(crate) fn is_set(&self) -> bool {
        self.0.is_some()
    }

    fn set(&mut self, given: Given, report: &mut Report) {
        if self.is_set() {
            given.duplicate(report);
        }
        self.0 = Some((given.key, given.value));
    }

    /// What stands for a value that did not arrive.
    pub(crate) fn expression(&self) -> Option<Expr> {
        let (_, value) = self.0.as_ref()?;
        Some(
            value.clone().unwrap_or_else(|| syn::parse_quote!(::core::default::Default::default())),
        )
    }
}
