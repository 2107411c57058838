//! From a method as it is written to the model, with the rules of a method that is exposed.

use super::{
    model::{Method, Run, WireName},
    params,
    stream::{self, Stream},
};
use crate::{
    names,
    options::{MethodOptions, Options, ParamOptions},
    report::Report,
    types,
};
use quote::{ToTokens, quote};
use syn::{
    Attribute, FnArg, GenericParam, Path, Receiver, ReturnType, Signature, Type, WherePredicate,
    spanned::Spanned, visit_mut::VisitMut,
};

/// A method as it is written, with its options taken off.
pub(crate) struct Draft<'a> {
    attrs: &'a [Attribute],
    sig: &'a Signature,
    pub(crate) options: MethodOptions,
    params: Vec<ParamOptions>,
}

impl<'a> Draft<'a> {
    /// Takes the options off the method and its parameters.
    pub(crate) fn take(
        attrs: &'a mut Vec<Attribute>,
        sig: &'a mut Signature,
        report: &mut Report,
    ) -> Self {
        let options = MethodOptions::take(attrs, report);
        let take = |input: &mut FnArg| match input {
            FnArg::Receiver(receiver) => ParamOptions::take(&mut receiver.attrs, report),
            FnArg::Typed(param) => ParamOptions::take(&mut param.attrs, report),
        };
        let params = sig.inputs.iter_mut().map(take).collect();
        Self { attrs, sig, options, params }
    }

    /// The model of the method, if it is exposed. `why_not` says why it isn't, where that can be
    /// said without looking at the method's inside.
    pub(crate) fn exposed(
        self,
        why_not: Option<&str>,
        this: Option<&Type>,
        krate: &Path,
        report: &mut Report,
    ) -> Option<Method> {
        let skipped = self.options.skip.is_set();
        let why_not = match why_not {
            _ if skipped => Some("it is skipped"),
            None if self.sig.receiver().is_none() => Some("it takes no `&self`"),
            why_not => why_not,
        };
        if let Some(why_not) = why_not {
            self.refuse_options("has no effect: the method is not exposed", why_not, report);
            return None;
        }
        let before = report.len();
        let exclusive = self.receiver(report)?;
        self.check_signature(report);
        let params = params::read(self.sig, self.params, this, report);
        let (result, stream) = result(self.sig, this, krate, report);
        let method = Method {
            name: self.sig.ident.clone(),
            attrs: self.attrs.iter().filter(|attribute| is_forwarded(attribute)).cloned().collect(),
            wire: match &self.options.name.0 {
                Some(text) => WireName { name: text.value(), tokens: text.to_token_stream() },
                None => WireName {
                    name: names::plain(&self.sig.ident),
                    tokens: self.sig.ident.to_token_stream(),
                },
            },
            aliases: (self.options.alias.0.iter())
                .map(|text| WireName { name: text.value(), tokens: text.to_token_stream() })
                .collect(),
            exclusive,
            lifetime: self.sig.receiver().and_then(|receiver| receiver.lifetime().cloned()),
            run: match (&self.sig.asyncness, &self.options.blocking.0) {
                (Some(_), _) => Run::Async,
                (None, Some(_)) => Run::Blocking,
                (None, None) => Run::InPlace,
            },
            no_cancel: self.options.no_cancel.0.clone(),
            generics: lifetimes(self.sig),
            predicates: predicates(self.sig, this),
            params,
            result,
            stream,
        };
        if let Some(stream) = &method.stream {
            check_stream(stream, &method, &self.options, report);
        }
        (report.len() == before).then_some(method)
    }

    /// Options on a method that is not exposed are a mistake.
    pub(crate) fn refuse_options(&self, what: &str, why: &str, report: &mut Report) {
        let mut refuse = |tokens: &dyn ToTokens, option: &str| {
            let message = format!("`{option}` {what}, {why}");
            report.at(tokens.to_token_stream(), message);
        };
        let options = &self.options;
        if let Some(name) = &options.name.0 {
            refuse(name, "name");
        }
        for alias in &options.alias.0 {
            refuse(alias, "alias");
        }
        if let Some(blocking) = &options.blocking.0 {
            refuse(blocking, "blocking");
        }
        if let Some(no_cancel) = &options.no_cancel.0 {
            refuse(no_cancel, "no_cancel");
        }
        for params in &self.params {
            for key in params.keys() {
                refuse(key, &key.to_string());
            }
        }
    }

    /// Whether the method takes `&mut self`.
    fn receiver(&self, report: &mut Report) -> Option<bool> {
        let receiver = self.sig.receiver()?;
        let reference = match receiver {
            Receiver { reference: Some(_), mutability, .. } => Some(mutability.is_some()),
            Receiver { colon_token: Some(_), ty, .. } => match &**ty {
                Type::Reference(reference) if is_self(&reference.elem) => {
                    Some(reference.mutability.is_some())
                }
                _ => None,
            },
            _ => None,
        };
        if reference.is_none() {
            report.at(
                receiver,
                "a remote method takes `&self` or `&mut self`, because the object stays where it \
                 is; write that, or put `#[drb(skip)]` on the method",
            );
        }
        reference
    }

    fn check_signature(&self, report: &mut Report) {
        let sig = self.sig;
        if let (Some(asyncness), Some(_)) = (&sig.asyncness, &self.options.blocking.0) {
            report.at(
                asyncness,
                "an `async` method cannot be `blocking`: leave out `async` or `blocking`",
            );
        }
        if let Some(constness) = &sig.constness {
            report.at(
                constness,
                "a remote method cannot be `const`; leave it out, or put `#[drb(skip)]` on the \
                 method",
            );
        }
        if let Some(unsafety) = &sig.unsafety {
            report.at(
                unsafety,
                "a remote method cannot be `unsafe`: nobody can vouch for what a peer passes; put \
                 `#[drb(skip)]` on it",
            );
        }
        if let Some(abi) = &sig.abi {
            report.at(
                abi,
                "a remote method cannot be `extern`; leave it out, or put `#[drb(skip)]` on the \
                 method",
            );
        }
        if let Some(variadic) = &sig.variadic {
            report.at(variadic, "for any number of arguments write `#[drb(rest)] values: Vec<…>`");
        }
        for param in &sig.generics.params {
            if !matches!(param, GenericParam::Lifetime(_)) {
                report.at(
                    param,
                    "a remote method cannot be generic: the caller's types are not known here; \
                     name the type, or take `drb::Value`",
                );
            }
        }
    }
}

/// What doesn't go with a stream that may borrow from the object.
fn check_stream(stream: &Stream, method: &Method, options: &MethodOptions, report: &mut Report) {
    if method.exclusive {
        report.at(
            &stream.found,
            "the stream would have the object to itself for as long as it is read, because the \
                 method takes `&mut self`: take `&self`, or give a `drb::Stream<T>`, which \
                 `drb::Stream::new` makes of a stream that doesn't borrow",
        );
    }
    if let Some(blocking) = &options.blocking.0 {
        report.at(
            blocking,
            "`blocking` doesn't go with `impl Stream`, which is not read on the method's thread: \
                 give a `drb::Stream<T>`, which `drb::Stream::new` makes",
        );
    }
    if let Some((param, _)) = method.block() {
        report.at(
            &param.ty,
            "a method that gives a stream has no block of its own: its caller's is called with the \
                 items",
        );
    }
}

/// What the caller gets, and the stream that it is made of, if it is one.
fn result(
    sig: &Signature,
    this: Option<&Type>,
    krate: &Path,
    report: &mut Report,
) -> (Type, Option<Stream>) {
    let ReturnType::Type(_, ty) = &sig.output else { return (syn::parse_quote!(()), None) };
    let ty = replace_self(ty, this, report);
    let stream =
        types::impl_trait(&ty).and_then(|found| stream::read(sig, krate, &ty, found, report));
    match stream {
        Some((stream, given)) => (given, Some(stream)),
        None => (ty, None),
    }
}

/// Puts the type in the place of `Self`. A trait doesn't know it.
pub(crate) fn replace_self(ty: &Type, this: Option<&Type>, report: &mut Report) -> Type {
    let mut ty = ty.clone();
    match (this, types::self_type(&ty)) {
        (Some(this), _) => types::ReplaceSelf(this).visit_type_mut(&mut ty),
        (None, Some(found)) => report.at(
            found,
            "the caller of a trait's method doesn't know `Self` and its associated types; name \
             the type, or make it a type parameter of the trait",
        ),
        (None, None) => {}
    }
    ty
}

/// The method's generics without what is not a lifetime.
fn lifetimes(sig: &Signature) -> syn::Generics {
    let mut generics = sig.generics.clone();
    generics.params = (generics.params.into_iter())
        .filter(|param| matches!(param, GenericParam::Lifetime(_)))
        .collect();
    if let Some(clause) = &mut generics.where_clause {
        clause.predicates = std::mem::take(&mut clause.predicates)
            .into_iter()
            .filter(|predicate| matches!(predicate, WherePredicate::Lifetime(_)))
            .collect();
    }
    generics
}

/// What the method demands of the type's parameters.
fn predicates(sig: &Signature, this: Option<&Type>) -> Vec<WherePredicate> {
    let Some(clause) = &sig.generics.where_clause else { return Vec::new() };
    let mut predicates: Vec<_> = (clause.predicates.iter())
        .filter(|predicate| !matches!(predicate, WherePredicate::Lifetime(_)))
        .cloned()
        .collect();
    for predicate in &mut predicates {
        if let Some(this) = this {
            types::ReplaceSelf(this).visit_where_predicate_mut(predicate);
        }
        types::Lifetimes("'static".to_owned()).visit_where_predicate_mut(predicate);
    }
    predicates
}

/// What the proxy's method takes over from the method.
fn is_forwarded(attribute: &Attribute) -> bool {
    ["doc", "cfg", "deprecated", "allow", "warn", "deny", "forbid"]
        .iter()
        .any(|name| attribute.path().is_ident(name))
}

fn is_self(ty: &Type) -> bool {
    matches!(ty, Type::Path(path) if path.qself.is_none() && path.path.is_ident("Self"))
}

/// The docs of something generated that has none of its own.
pub(crate) fn doc_or(attrs: &[Attribute], text: String) -> Option<proc_macro2::TokenStream> {
    let documented = attrs.iter().any(|attribute| attribute.path().is_ident("doc"));
    (!documented).then(|| {
        let span = attrs.first().map_or_else(proc_macro2::Span::mixed_site, Spanned::span);
        let text = syn::LitStr::new(&text, span);
        quote!(#[doc = #text])
    })
}
