//! `#[drb::service]` on an impl of a trait that is one.

use super::{
    expand,
    inherent::{also, cfgs, type_name},
    method::Draft,
};
use crate::{
    names,
    options::{Options, ServiceOptions},
    report::Report,
    types,
};
use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, Generics, Ident, ImplItem, ItemImpl, LitStr, Path, Type};

/// An impl of a service trait.
pub(super) struct Implementation {
    pub(super) krate: Path,
    /// The name of the type.
    pub(super) name: Ident,
    pub(super) this: Type,
    /// The trait, as it is called where the impl is.
    pub(super) contract: Path,
    pub(super) class: Option<LitStr>,
    pub(super) cfgs: Vec<Attribute>,
    pub(super) generics: Generics,
    /// The traits whose methods the type offers as well.
    pub(super) also: Vec<Path>,
}

pub(super) fn service(
    options: TokenStream,
    mut item: ItemImpl,
    report: &mut Report,
) -> TokenStream {
    let implementation = read(options, &mut item, report);
    let generated = match implementation {
        Some(implementation) if report.is_empty() => expand::implementation(&implementation),
        _ => TokenStream::new(),
    };
    quote!(#item #generated)
}

fn read(options: TokenStream, item: &mut ItemImpl, report: &mut Report) -> Option<Implementation> {
    let options = ServiceOptions::parse(options, report);
    for member in &mut item.items {
        let ImplItem::Fn(function) = member else { continue };
        Draft::take(&mut function.attrs, &mut function.sig, report).refuse_options(
            "has no effect here",
            "write it on the method of the trait",
            report,
        );
    }
    let name = type_name(&item.self_ty, report)?;
    let (negative, contract, _) = item.trait_.as_ref()?;
    if let Some(not) = negative {
        report.at(not, "`#[drb::service]` needs an `impl` with methods");
    }
    let also = also(options.also, item, report);
    if let Some(class) = &options.class.0 {
        names::check_class(&class.value(), class, report);
    }
    Some(Implementation {
        krate: options.krate.or_drb(),
        name,
        this: types::type_with_lifetime(&item.self_ty, "'static"),
        contract: types::path_with_lifetime(contract, "'static"),
        class: options.class.0,
        cfgs: cfgs(&item.attrs),
        generics: types::without_lifetimes(&item.generics),
        also,
    })
}
