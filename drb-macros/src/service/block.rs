//! A parameter that is the caller's block: `Block<(A, B), R>`, or an `Option` of one.

use super::{
    model::{Block, Yielded},
    params::{arguments, last_segment_is, refuse_reference},
};
use crate::{options::ParamOptions, report::Report, text::text, types};
use syn::{Signature, Type, spanned::Spanned};

/// With how many arguments a block can be called: as many as `YieldArgs` has tuples for.
const MOST: usize = 8;

/// Whether a parameter's type says that it is a block. Its name decides: a macro sees no more.
pub(super) fn is_block(ty: &Type) -> bool {
    last_segment_is(ty, "Block") || within_option(ty).is_some()
}

/// The block within an `Option`.
fn within_option(ty: &Type) -> Option<&Type> {
    match arguments(ty)?.as_slice() {
        [inner] if last_segment_is(ty, "Option") && last_segment_is(inner, "Block") => Some(inner),
        _ => None,
    }
}

/// Reads the type of a block.
pub(super) fn read(
    ty: &Type,
    options: &ParamOptions,
    sig: &Signature,
    report: &mut Report,
) -> Option<Block> {
    for key in options.keys() {
        let message = match key == "default" {
            true => format!(
                "`{key}` doesn't go with a block: write `Option<{}>`, which is `None` where the \
                 caller gives none",
                text(ty)
            ),
            false => format!("`{key}` doesn't go with a block, which is no argument: leave it out"),
        };
        report.at(key, message);
    }
    if sig.asyncness.is_none() {
        report.at(
            ty,
            "a method with a block waits for its caller each time that it calls the block: write \
             `async fn`",
        );
    }
    let inner = within_option(ty);
    let mut written = arguments(inner.unwrap_or(ty)).unwrap_or_default().into_iter();
    let unit: Type = syn::parse_quote_spanned!(ty.span()=> ());
    let sent = written.next().unwrap_or(&unit);
    let yielded = yielded(sent, report);
    let gives = owned(written.next().unwrap_or(&unit), report);
    Some(Block {
        yielded: yielded?,
        sent: types::type_with_lifetime(sent, "'static"),
        gives: gives?,
        optional: inner.is_some(),
    })
}

/// What the block is called with.
fn yielded(given: &Type, report: &mut Report) -> Option<Yielded> {
    match given {
        Type::Group(inner) => yielded(&inner.elem, report),
        Type::Tuple(tuple) => {
            if let Some(surplus) = tuple.elems.iter().nth(MOST) {
                let message = format!(
                    "a block is called with at most {MOST} arguments: put some of them into a \
                     struct that derives `DrbDumped`"
                );
                report.at(surplus, message);
                return None;
            }
            // Each mistake is told, not only the first.
            let owned: Vec<_> = tuple.elems.iter().map(|ty| owned(ty, report)).collect();
            owned.into_iter().collect::<Option<_>>().map(Yielded::Each)
        }
        Type::Path(_) if last_segment_is(given, "Vec") => match arguments(given)?.as_slice() {
            [one] => owned(one, report).map(Yielded::Any),
            _ => None,
        },
        other => {
            let one = match other {
                Type::Paren(inner) => text(&inner.elem),
                other => text(other),
            };
            report.at(
                other,
                format!(
                    "write out what the block is called with, because an alias hides it: a tuple, \
                     for one argument `({one},)`, or a `Vec<…>` for any number of them"
                ),
            );
            None
        }
    }
}

/// What crosses the wire owns what it holds.
fn owned(ty: &Type, report: &mut Report) -> Option<Type> {
    refuse_reference(ty, report)?;
    Some(types::type_with_lifetime(ty, "'static"))
}
