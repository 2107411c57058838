//! A result that is a stream: `impl Stream<Item = T>`, or a `Result` of one.

use super::params::{arguments, last_segment_is};
use crate::{report::Report, types};
use proc_macro2::Span;
use quote::ToTokens;
use syn::{
    AssocType, GenericArgument, Path, PathArguments, Signature, Type, TypeImplTrait,
    TypeParamBound, parse_quote_spanned, spanned::Spanned, visit_mut::VisitMut,
};

/// The stream that a method gives.
pub(crate) struct Stream {
    /// The result as it is written, but that the stream can be moved between threads.
    pub(crate) sent: Type,
    pub(crate) item: Type,
    /// Whether it is in a `Result`.
    pub(crate) fallible: bool,
    /// What to change if there can't be a stream.
    pub(crate) found: TypeImplTrait,
}

/// Reads a result with `impl Trait` in it: gives the stream, and the type that its caller gets.
pub(super) fn read(
    sig: &Signature,
    krate: &Path,
    result: &Type,
    found: &TypeImplTrait,
    report: &mut Report,
) -> Option<(Stream, Type)> {
    let Some(bound) = bound(found, "Stream") else {
        report.at(found, other(sig, found));
        return None;
    };
    let Some(item) = item(bound) else {
        report.at(found, "say what the items of the stream are: `impl Stream<Item = T>`");
        return None;
    };
    let fallible = match result {
        Type::ImplTrait(_) => false,
        _ if last_segment_is(result, "Result")
            && arguments(result)
                .is_some_and(|of| matches!(of.first(), Some(Type::ImplTrait(_)))) =>
        {
            true
        }
        _ => {
            report.at(
                found,
                "a stream within another type needs a type of its own: write `drb::Stream<T>`, which \
                 `drb::Stream::new` makes",
            );
            return None;
        }
    };
    let span = found.span();
    let mut given = result.clone();
    let stream = parse_quote_spanned!(span=> #krate::Stream<#item>);
    Replace(stream).visit_type_mut(&mut given);
    let mut sent = result.clone();
    promise_send(&mut sent);
    Some((Stream { sent, item: item.clone(), fallible, found: found.clone() }, given))
}

/// Writes `impl Stream<…>` as `impl Stream<…> + Send`: a server has to be able to move it between threads.
pub(super) fn promise_send(ty: &mut Type) {
    struct Promise;
    impl VisitMut for Promise {
        fn visit_type_impl_trait_mut(&mut self, found: &mut TypeImplTrait) {
            if bound(found, "Stream").is_some() {
                let span = Span::mixed_site().located_at(found.span());
                found.bounds.push(parse_quote_spanned!(span=> ::core::marker::Send));
            }
        }
    }
    Promise.visit_type_mut(ty);
}

/// What is to be written in the place of `impl Trait`.
fn other(sig: &Signature, found: &TypeImplTrait) -> &'static str {
    if bound(found, "Iterator").is_some() {
        return "an iterator cannot cross the wire: give a `Vec`, or `impl Stream<Item = T>` if its items \
                are to come one after the other";
    }
    let future = found.bounds.to_token_stream().to_string().contains("Future");
    if future && sig.asyncness.is_none() {
        "write `async fn` and the type of the result"
    } else {
        "the caller has to know the type of the result: name it"
    }
}

/// The bound with the name.
fn bound<'a>(found: &'a TypeImplTrait, name: &str) -> Option<&'a Path> {
    found.bounds.iter().find_map(|bound| match bound {
        TypeParamBound::Trait(bound) => {
            let last = bound.path.segments.last()?;
            (last.ident == name).then_some(&bound.path)
        }
        _ => None,
    })
}

fn item(bound: &Path) -> Option<&Type> {
    let PathArguments::AngleBracketed(arguments) = &bound.segments.last()?.arguments else {
        return None;
    };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::AssocType(AssocType { ident, ty, .. }) if ident == "Item" => Some(ty),
        _ => None,
    })
}

/// Puts a type in the place of `impl Trait`.
struct Replace(Type);

impl VisitMut for Replace {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        match ty {
            Type::ImplTrait(_) => *ty = self.0.clone(),
            _ => syn::visit_mut::visit_type_mut(self, ty),
        }
    }
}

impl Stream {
    /// Where mistakes with it are told.
    pub(crate) fn span(&self) -> Span {
        self.item.span()
    }

    /// Makes certain lifetimes `'static`.
    pub(super) fn make_static(&mut self, make: &mut types::MakeStatic<'_>) {
        make.visit_type_mut(&mut self.sent);
        make.visit_type_mut(&mut self.item);
    }
}
