//! The parameters of a method: their kinds, and the order in which Ruby allows them.

use super::{
    block,
    method::replace_self,
    model::{Kind, Param},
};
use crate::{options::ParamOptions, report::Report, text::text, types};
use syn::{
    FnArg, GenericArgument, Pat, PatIdent, PatType, PathArguments, Signature, Type, TypeReference,
    spanned::Spanned,
};

/// Reads the parameters behind the receiver.
pub(crate) fn read(
    sig: &Signature,
    options: Vec<ParamOptions>,
    this: Option<&Type>,
    report: &mut Report,
) -> Vec<Param> {
    let mut params = Vec::new();
    for (input, options) in sig.inputs.iter().zip(options) {
        match input {
            FnArg::Receiver(_) => {
                for key in options.keys() {
                    report.at(key, format!("`{key}` goes on a parameter, not on `self`"));
                }
            }
            FnArg::Typed(param) => params.extend(one(sig, param, options, this, report)),
        }
    }
    check_order(&params, report);
    params
}

fn one(
    sig: &Signature,
    param: &PatType,
    options: ParamOptions,
    this: Option<&Type>,
    report: &mut Report,
) -> Option<Param> {
    for attribute in &param.attrs {
        if attribute.path().is_ident("cfg") || attribute.path().is_ident("cfg_attr") {
            report.at(
                attribute,
                "a remote method takes the same arguments everywhere: put the `cfg` on the method",
            );
        }
    }
    let name = match &*param.pat {
        Pat::Ident(PatIdent { by_ref: None, subpat: None, ident, .. }) => ident.clone(),
        other => {
            report.at(
                other,
                "a parameter of a remote method needs a name, because callers see it: write a \
                 name here and take it apart in the body",
            );
            return None;
        }
    };
    let ty = replace_self(&param.ty, this, report);
    if block::is_block(&ty) {
        let kind = Kind::Block(Box::new(block::read(&ty, &options, sig, report)?));
        return Some(Param {
            name,
            kind,
            borrowed: false,
            loaded: ty.clone(),
            all: ty.clone(),
            ty,
        });
    }
    let kind = kind(options, report);
    if let Some(found) = types::impl_trait(&ty) {
        report.at(
            found,
            "a remote method cannot be generic: the caller's types are not known here; name the \
             type, or take `drb::Value`",
        );
        return None;
    }
    let (borrowed, all) = loaded(&ty, &kind, report)?;
    let loaded = match kind {
        Kind::Rest => rest_of(&all, report)?,
        Kind::KeywordRest => keyword_rest_of(&all, report)?,
        _ => all.clone(),
    };
    Some(Param { name, kind, ty, borrowed, loaded, all })
}

/// How a parameter is passed, from its options.
fn kind(options: ParamOptions, report: &mut Report) -> Kind {
    let default = options.default.expression();
    // Of these, one excludes the others; only `keyword` goes with `default`.
    let mut alone = [&options.context, &options.rest, &options.keywords, &options.keyword]
        .into_iter()
        .filter_map(|flag| flag.0.as_ref());
    let first = alone.next();
    let others = alone.chain(match &options.default.0 {
        Some((key, _)) if first.is_some_and(|first| first != "keyword") => Some(key),
        _ => None,
    });
    for other in others {
        if let Some(first) = first {
            report.at(other, format!("`{other}` doesn't go with `{first}`: leave out one of them"));
        }
    }
    match (first, default) {
        (Some(first), _) if first == "context" => Kind::Context,
        (Some(first), _) if first == "rest" => Kind::Rest,
        (Some(first), _) if first == "keywords" => Kind::KeywordRest,
        (Some(_), None) => Kind::KeywordRequired,
        (Some(_), Some(default)) => Kind::Keyword(Box::new(default)),
        (None, Some(default)) => Kind::Optional(Box::new(default)),
        (None, None) => Kind::Required,
    }
}

/// What is loaded for a parameter, and whether the method takes a reference to it.
fn loaded(ty: &Type, kind: &Kind, report: &mut Report) -> Option<(bool, Type)> {
    let Type::Reference(TypeReference { mutability, elem, .. }) = ty else {
        if !matches!(kind, Kind::Context) {
            refuse_reference(ty, report)?;
        }
        return Some((false, types::type_with_lifetime(ty, "'static")));
    };
    if mutability.is_some() {
        report.at(
            ty,
            "a remote method cannot change its caller's value: take the value, and give the \
             changed one back",
        );
        return None;
    }
    let span = elem.span();
    let owned = match &**elem {
        Type::Path(path) if path.qself.is_none() && path.path.is_ident("str") => {
            syn::parse_quote_spanned!(span=> ::std::string::String)
        }
        Type::Slice(slice) => {
            let item = &slice.elem;
            syn::parse_quote_spanned!(span=> ::std::vec::Vec<#item>)
        }
        Type::TraitObject(_) => {
            report.at(elem, "an object of a trait cannot cross the wire: take its proxy");
            return None;
        }
        other => other.clone(),
    };
    if !matches!(kind, Kind::Context) {
        refuse_reference(elem, report)?;
    }
    Some((true, types::type_with_lifetime(&owned, "'static")))
}

/// There is nothing on the wire that a reference within a type could borrow from.
pub(super) fn refuse_reference(ty: &Type, report: &mut Report) -> Option<()> {
    let Some(found) = types::reference(ty) else { return Some(()) };
    let owned = match &*found.elem {
        Type::Path(path) if path.path.is_ident("str") => "String".to_owned(),
        Type::Slice(slice) => format!("Vec<{}>", text(&slice.elem)),
        other => text(other),
    };
    report.at(
        found,
        format!("a reference within another type cannot be loaded from a wire: write `{owned}`"),
    );
    None
}

/// The type of one of `rest`, from that of all.
fn rest_of(all: &Type, report: &mut Report) -> Option<Type> {
    let item = match arguments(all).as_deref() {
        Some([item]) if last_segment_is(all, "Vec") => Some((*item).clone()),
        _ => None,
    };
    if item.is_none() {
        report.at(all, "the type of a parameter marked `rest` is `Vec<…>` or `&[…]`");
    }
    item
}

/// The type of the value of one of `keywords`, from that of all.
fn keyword_rest_of(all: &Type, report: &mut Report) -> Option<Type> {
    let value = match arguments(all).as_deref() {
        Some([_, value, ..]) => Some((*value).clone()),
        Some([Type::Tuple(pair)]) if pair.elems.len() == 2 => pair.elems.last().cloned(),
        _ => None,
    };
    if value.is_none() {
        report.at(
            all,
            "the type of a parameter marked `keywords` is `BTreeMap<String, …>`, \
             `HashMap<String, …>` or `Vec<(String, …)>`",
        );
    }
    value
}

pub(super) fn last_segment_is(ty: &Type, name: &str) -> bool {
    let Type::Path(path) = ty else { return false };
    path.path.segments.last().is_some_and(|last| last.ident == name)
}

/// The type arguments of the last segment of a path.
pub(super) fn arguments(ty: &Type) -> Option<Vec<&Type>> {
    let Type::Path(path) = ty else { return None };
    let PathArguments::AngleBracketed(arguments) = &path.path.segments.last()?.arguments else {
        return None;
    };
    let types = arguments.args.iter().filter_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    });
    Some(types.collect())
}

/// Ruby's order: required ones, those with a default, `rest`, required ones again, keywords,
/// `keywords`. Those with a default stand together. `context` and the block may be anywhere, once.
fn check_order(params: &[Param], report: &mut Report) {
    let mut contexts = 0;
    let mut blocks = 0;
    let mut rest = false;
    let mut optional = false;
    let mut optional_over = false;
    let mut keyword = false;
    let mut keywords = false;
    for param in params {
        let name = &param.name;
        let travels = !matches!(param.kind, Kind::Context | Kind::Block(_));
        if keywords && travels {
            report.at(name, "`keywords` comes last: it takes all arguments by name that are left");
        } else if keyword && travels && !param.is_keyword() {
            report.at(name, "an argument by position comes before those by name (`keyword`)");
        }
        match &param.kind {
            Kind::Context => {
                contexts += 1;
                if contexts == 2 {
                    report.at(name, "there is one `context` of a call: leave out this one");
                }
            }
            Kind::Block(_) => {
                blocks += 1;
                if blocks == 2 {
                    report.at(&param.ty, "a call has one block: leave out this one");
                }
            }
            Kind::Required => optional_over |= optional,
            Kind::Optional(_) if rest => {
                report.at(name, "a parameter with a `default` comes before `rest`");
            }
            Kind::Optional(_) if optional_over => report.at(
                name,
                "parameters with a `default` stand together: otherwise nobody can tell which of \
                 them was left out",
            ),
            Kind::Optional(_) => optional = true,
            Kind::Rest if rest => {
                report.at(name, "there is one `rest`: it takes all arguments that are left");
            }
            Kind::Rest => rest = true,
            Kind::KeywordRequired | Kind::Keyword(_) => keyword = true,
            Kind::KeywordRest => keywords = true,
        }
    }
}
