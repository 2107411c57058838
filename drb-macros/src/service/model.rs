//! What a service is, once it has been read: the input of the expansion.

use super::stream::Stream;
use proc_macro2::{Span, TokenStream};
use quote::format_ident;
use syn::{
    Attribute, Expr, Generics, Ident, Lifetime, LitStr, Path, Type, Visibility, WherePredicate,
};

/// A list of methods that can be called remotely, of a type or of a trait.
pub(crate) struct Service {
    /// The path of the crate `drb`.
    pub(crate) krate: Path,
    pub(crate) subject: Subject,
    /// The name of the type or trait.
    pub(crate) name: Ident,
    pub(crate) proxy: Ident,
    /// How visible the proxy is.
    pub(crate) vis: Visibility,
    /// The `cfg`s of the item.
    pub(crate) cfgs: Vec<Attribute>,
    /// Those of the item, without lifetimes.
    pub(crate) generics: Generics,
    pub(crate) methods: Vec<Method>,
    /// The traits whose methods the type offers as well.
    pub(crate) also: Vec<Path>,
}

/// Whose methods they are.
pub(crate) enum Subject {
    /// A type's own.
    Type {
        ty: Box<Type>,
        /// Ruby's name of the class, if it is given here.
        class: Option<LitStr>,
    },
    /// A trait's.
    Trait,
}

impl Service {
    /// Whether a method takes `&mut self`.
    pub(crate) fn is_exclusive(&self) -> bool {
        self.methods.iter().any(|method| method.exclusive)
    }
}

/// A method that is exposed.
pub(crate) struct Method {
    pub(crate) name: Ident,
    /// What the proxy's method takes over: docs, `cfg`, `deprecated`, lints.
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) wire: WireName,
    pub(crate) aliases: Vec<WireName>,
    /// Whether it takes `&mut self`.
    pub(crate) exclusive: bool,
    /// That of `&'a self`.
    pub(crate) lifetime: Option<Lifetime>,
    pub(crate) run: Run,
    /// The option that says that it isn't stopped, if it is given.
    pub(crate) no_cancel: Option<Ident>,
    /// Its lifetimes.
    pub(crate) generics: Generics,
    /// What it demands of the type's parameters.
    pub(crate) predicates: Vec<WherePredicate>,
    pub(crate) params: Vec<Param>,
    /// What the caller gets; `()` where none is written.
    pub(crate) result: Type,
    /// What is made of it if the method gives `impl Stream`.
    pub(crate) stream: Option<Stream>,
}

impl Method {
    pub(crate) fn cfgs(&self) -> impl Iterator<Item = &Attribute> {
        self.attrs.iter().filter(|attribute| attribute.path().is_ident("cfg"))
    }

    /// The parameters that are arguments on the wire.
    pub(crate) fn travelling(&self) -> impl Iterator<Item = &Param> {
        self.params.iter().filter(|param| !matches!(param.kind, Kind::Context | Kind::Block(_)))
    }

    /// The parameter that is the caller's block.
    pub(crate) fn block(&self) -> Option<(&Param, &Block)> {
        self.params.iter().find_map(|param| match &param.kind {
            Kind::Block(block) => Some((param, &**block)),
            _ => None,
        })
    }

    /// What the proxy's method is called that passes a block, where there is one without, too.
    pub(crate) fn name_with_block(&self) -> Ident {
        format_ident!("{}_with", crate::names::plain(&self.name), span = self.name.span())
    }
}

/// A method's name on the wire.
pub(crate) struct WireName {
    pub(crate) name: String,
    /// What to change if it is wrong.
    pub(crate) tokens: TokenStream,
}

/// Where a method runs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Run {
    InPlace,
    Async,
    Blocking,
}

/// A parameter, the receiver excepted.
pub(crate) struct Param {
    pub(crate) name: Ident,
    pub(crate) kind: Kind,
    /// The type as it is written.
    pub(crate) ty: Type,
    /// Whether the method takes a reference to what is loaded.
    pub(crate) borrowed: bool,
    /// What is loaded: for `rest` and `keywords` the type of one of them.
    pub(crate) loaded: Type,
    /// The type of all of `keywords`.
    pub(crate) all: Type,
}

/// How a parameter is passed.
pub(crate) enum Kind {
    Context,
    Required,
    Optional(Box<Expr>),
    Rest,
    KeywordRequired,
    Keyword(Box<Expr>),
    KeywordRest,
    Block(Box<Block>),
}

/// A block, as its type says.
pub(crate) struct Block {
    pub(crate) yielded: Yielded,
    /// The tuple or `Vec` of it.
    pub(crate) sent: Type,
    /// What it gives back.
    pub(crate) gives: Type,
    /// Whether the caller may give none.
    pub(crate) optional: bool,
}

/// What a block is called with.
pub(crate) enum Yielded {
    /// These.
    Each(Vec<Type>),
    /// Any number of them.
    Any(Type),
}

impl Param {
    /// The name on the wire.
    pub(crate) fn wire(&self) -> String {
        crate::names::plain(&self.name)
    }

    pub(crate) fn span(&self) -> Span {
        syn::spanned::Spanned::span(&self.ty)
    }

    pub(crate) fn is_keyword(&self) -> bool {
        matches!(self.kind, Kind::KeywordRequired | Kind::Keyword(_) | Kind::KeywordRest)
    }
}
