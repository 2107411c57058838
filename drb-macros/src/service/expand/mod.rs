//! From the model to code: a thin shell over the functions of `drb`.

mod block;
mod contract;
mod invoke;
mod proxy;
mod server;

pub(super) use self::contract::{contract, implementation, name as contract_name};
use super::model::{Service, Subject, Yielded};
use crate::types;
use proc_macro2::TokenStream;
use quote::quote;
use syn::{Generics, Path, Type, WherePredicate, parse_quote};

/// What an impl of a type's own methods becomes.
pub(super) fn inherent(service: &Service) -> TokenStream {
    let proxy = proxy::expand(service);
    let server = server::inherent(service);
    quote!(#proxy #server)
}

impl Yielded {
    pub(super) fn types(&self) -> impl Iterator<Item = &Type> {
        match self {
            Self::Each(types) => types.iter(),
            Self::Any(one) => std::slice::from_ref(one).iter(),
        }
    }
}

/// That a service is shared between threads. The lifetime keeps the compiler from checking this
/// wherever it is written: [`sharing`] does it once.
pub(super) fn shared(ty: &Type) -> WherePredicate {
    parse_quote!(for<'__drb_later> #ty: ::core::marker::Send + ::core::marker::Sync)
}

/// Says at the name of a service what keeps its callers from sharing it. Of a type with parameters,
/// that is known where it is used.
pub(super) fn sharing(krate: &Path, ty: &Type, generics: &Generics) -> TokenStream {
    if !generics.params.is_empty() {
        return TokenStream::new();
    }
    quote!(const _: () = #krate::__private::service_is_shared_between_threads::<#ty>();)
}

impl Service {
    /// The type whose methods are called.
    pub(super) fn this(&self) -> Type {
        match &self.subject {
            Subject::Type { ty, .. } => (**ty).clone(),
            Subject::Trait => parse_quote!(__DrbSelf),
        }
    }

    /// The generics of everything on the server's side: those of the item, and what the methods'
    /// types then have to be.
    pub(super) fn server_generics(&self) -> Generics {
        let krate = &self.krate;
        let params = types::parameters(&self.generics);
        let mut generics = self.generics.clone();
        if let Subject::Trait = &self.subject {
            let (_, ty_generics, _) = self.generics.split_for_impl();
            let name = &self.name;
            generics.params.push(parse_quote!(__DrbSelf: #name #ty_generics));
        }
        let mut predicates: Vec<WherePredicate> = Vec::new();
        if let Subject::Type { ty, .. } = &self.subject {
            predicates.push(shared(ty));
        }
        for param in self.generics.type_params() {
            let name = &param.ident;
            predicates.push(parse_quote!(#name: 'static));
        }
        for method in &self.methods {
            predicates.extend(method.predicates.iter().cloned());
            for param in method.travelling() {
                let ty = &param.loaded;
                if types::mentions(ty, &params) {
                    predicates
                        .push(parse_quote!(#ty: #krate::Load + ::core::marker::Send + 'static));
                }
            }
            if let Some((_, block)) = method.block() {
                let yielded = block.yielded.types().filter(|ty| types::mentions(ty, &params));
                predicates.extend(
                    yielded.map(|ty| -> WherePredicate { parse_quote!(#ty: #krate::Outbound) }),
                );
                let gives = &block.gives;
                if types::mentions(gives, &params) {
                    predicates.push(parse_quote!(#gives: #krate::Load + 'static));
                }
            }
            if let Some(stream) = &method.stream {
                if types::mentions(&stream.item, &params) {
                    let ty = types::type_with_lifetime(&stream.item, "'__drb_any");
                    predicates.push(parse_quote!(for<'__drb_any> #ty: #krate::Returns));
                }
            } else if types::mentions(&method.result, &params) {
                let ty = types::type_with_lifetime(&method.result, "'__drb_any");
                predicates.push(parse_quote!(for<'__drb_any> #ty: #krate::Returns));
            }
        }
        generics.make_where_clause().predicates.extend(predicates);
        generics
    }
}
