//! `#[drb::service]` on an impl of a type's own methods: what is `pub` is exposed.

use super::{
    check, expand,
    method::Draft,
    model::{Service, Subject},
};
use crate::{
    options::{Options, Paths, ServiceOptions},
    report::Report,
    types,
};
use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote};
use std::collections::HashSet;
use syn::{Ident, ImplItem, ItemImpl, Path, Type, Visibility, parse_quote, visit_mut::VisitMut};

pub(super) fn service(
    options: TokenStream,
    mut item: ItemImpl,
    report: &mut Report,
) -> TokenStream {
    let service = read(options, &mut item, report);
    let generated = match service {
        Some(service) if report.is_empty() => expand::inherent(&service),
        _ => TokenStream::new(),
    };
    // `pub` says here what can be called from elsewhere, not only what other crates can name.
    quote!(#[allow(unreachable_pub)] #item #generated)
}

fn read(options: TokenStream, item: &mut ItemImpl, report: &mut Report) -> Option<Service> {
    let options = ServiceOptions::parse(options, report);
    let krate = options.krate.or_drb();
    let name = type_name(&item.self_ty, report);
    let this = types::type_with_lifetime(&item.self_ty, "'static");
    let mut methods: Vec<super::model::Method> = Vec::new();
    for member in &mut item.items {
        let ImplItem::Fn(function) = member else { continue };
        let why_not = match function.vis {
            Visibility::Public(_) => None,
            _ => Some("because it is not `pub`"),
        };
        let draft = Draft::take(&mut function.attrs, &mut function.sig, report);
        methods.extend(draft.exposed(why_not, Some(&this), &krate, report));
    }
    let lifetimes: HashSet<_> =
        item.generics.lifetimes().map(|param| param.lifetime.ident.clone()).collect();
    let mut make_static = types::MakeStatic(&lifetimes);
    for method in &mut methods {
        make_static.visit_type_mut(&mut method.result);
        if let Some(stream) = &mut method.stream {
            stream.make_static(&mut make_static);
        }
        for param in &mut method.params {
            make_static.visit_type_mut(&mut param.ty);
        }
    }
    let name = name?;
    if let Some(class) = &options.class.0 {
        crate::names::check_class(&class.value(), class, report);
    }
    let service = Service {
        krate,
        proxy: format_ident!("{}Proxy", name),
        name,
        subject: Subject::Type { ty: Box::new(this), class: options.class.0 },
        vis: parse_quote!(pub),
        cfgs: cfgs(&item.attrs),
        generics: types::without_lifetimes(&item.generics),
        methods,
        also: also(options.also, item, report),
    };
    check::names(&service, report);
    check::lifetimes(&service, report);
    check::streams(&service, report);
    Some(service)
}

/// The traits whose methods a type offers as well.
pub(super) fn also(given: Paths, item: &ItemImpl, report: &mut Report) -> Vec<Path> {
    if let Some(first) = given.0.first()
        && types::without_lifetimes(&item.generics).params.first().is_some()
    {
        report.at(
            first,
            "`also` is for a type without type parameters, because the compiler makes one list of \
             all methods: leave it out, or put the `impl` on an instance of the type",
        );
    }
    given.0.iter().map(|path| types::path_with_lifetime(path, "'static")).collect()
}

/// The name of the type that an impl is for, after which its proxy is called.
pub(super) fn type_name(ty: &Type, report: &mut Report) -> Option<Ident> {
    match ty {
        Type::Path(path) if path.qself.is_none() => {
            path.path.segments.last().map(|segment| segment.ident.clone())
        }
        Type::Paren(inner) => type_name(&inner.elem, report),
        Type::Group(inner) => type_name(&inner.elem, report),
        other => {
            report.at(
                other.to_token_stream(),
                "a service is a struct or an enum: its proxy is called after it",
            );
            None
        }
    }
}

pub(super) fn cfgs(attrs: &[syn::Attribute]) -> Vec<syn::Attribute> {
    attrs.iter().filter(|attribute| attribute.path().is_ident("cfg")).cloned().collect()
}
