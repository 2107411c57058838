//! `#[drb::service]` on a trait: a contract between a server and its callers, who need not know
//! each other's crates.

use super::{
    check, expand,
    inherent::cfgs,
    method::Draft,
    model::{Service, Subject},
    stream,
};
use crate::{
    options::{ContractOptions, Options},
    report::Report,
    types,
};
use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{
    Block, GenericParam, ItemTrait, ReturnType, Signature, TraitItem, parse_quote,
    spanned::Spanned, visit::Visit,
};

pub(super) fn service(
    options: TokenStream,
    mut item: ItemTrait,
    report: &mut Report,
) -> TokenStream {
    let service = read(options, &mut item, report);
    if !report.is_empty() {
        return item.into_token_stream();
    }
    let generated = expand::contract(&service);
    let (_, ty_generics, _) = item.generics.split_for_impl();
    let contract = expand::contract_name(&service);
    item.colon_token.get_or_insert_with(Default::default);
    item.supertraits.push(parse_quote!(#contract #ty_generics));
    for member in &mut item.items {
        let TraitItem::Fn(function) = member else { continue };
        let Some(method) = service.methods.iter().find(|method| method.name == function.sig.ident)
        else {
            continue;
        };
        if let (Some(_), ReturnType::Type(_, ty)) = (&method.stream, &mut function.sig.output) {
            stream::promise_send(ty);
        }
        if function.sig.asyncness.is_some() {
            promise_send(&mut function.sig, &mut function.default);
            function.attrs.push(parse_quote!(#[allow(clippy::manual_async_fn)]));
        }
    }
    quote!(#item #generated)
}

fn read(options: TokenStream, item: &mut ItemTrait, report: &mut Report) -> Service {
    let krate = ContractOptions::parse(options, report).krate.or_drb();
    if let Some(unsafety) = &item.unsafety {
        report.at(unsafety, "a service trait cannot be `unsafe`: leave it out");
    }
    for param in &item.generics.params {
        if let GenericParam::Lifetime(lifetime) = param {
            report.at(
                lifetime,
                "a service trait cannot have lifetimes, because an exported object owns all that \
                 it holds; a method can have them",
            );
        }
    }
    let mut methods = Vec::new();
    for member in &mut item.items {
        let TraitItem::Fn(function) = member else { continue };
        let draft = Draft::take(&mut function.attrs, &mut function.sig, report);
        methods.extend(draft.exposed(None, None, &krate, report));
    }
    let mut generics = types::without_lifetimes(&item.generics);
    if let Some(clause) = &mut generics.where_clause {
        clause.predicates = std::mem::take(&mut clause.predicates)
            .into_iter()
            .filter(|predicate| !mentions_self(predicate))
            .collect();
    }
    let service = Service {
        krate,
        subject: Subject::Trait,
        name: item.ident.clone(),
        proxy: format_ident!("{}Proxy", item.ident),
        vis: item.vis.clone(),
        cfgs: cfgs(&item.attrs),
        generics,
        methods,
        also: Vec::new(),
    };
    check::names(&service, report);
    check::lifetimes(&service, report);
    check::streams(&service, report);
    service
}

/// Writes `async fn f() -> T` as `fn f() -> impl Future<Output = T> + Send`: a server has to be able
/// to move it between threads.
fn promise_send(sig: &mut Signature, body: &mut Option<Block>) {
    sig.asyncness = None;
    let output = match &sig.output {
        ReturnType::Default => quote!(()),
        ReturnType::Type(_, ty) => ty.to_token_stream(),
    };
    let span = Span::mixed_site().located_at(sig.ident.span());
    let future = quote_spanned! {span=>
        impl ::core::future::Future<Output = #output> + ::core::marker::Send
    };
    sig.output = parse_quote!(-> #future);
    if let Some(body) = body {
        let span = body.span();
        *body = syn::parse_quote_spanned!(span=> { async move #body });
    }
}

fn mentions_self(predicate: &syn::WherePredicate) -> bool {
    struct Find(bool);
    impl Visit<'_> for Find {
        fn visit_ident(&mut self, ident: &syn::Ident) {
            self.0 |= ident == "Self";
        }
    }
    let mut find = Find(false);
    find.visit_where_predicate(predicate);
    find.0
}
