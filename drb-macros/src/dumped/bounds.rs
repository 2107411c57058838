//! What a generic value demands of its parameters, derived from its fields.

use super::model::{Field, Value};
use proc_macro2::TokenStream;
use std::collections::HashSet;
use syn::{
    Generics, Ident, Path, Type, TypePath, WherePredicate, parse_quote,
    visit::{self, Visit},
};

/// The generics of an impl in which each parameter that travels is `bound`, and each that is made
/// anew where a field stays away is `Default`.
pub(super) fn generics(value: &Value, bound: &TokenStream) -> Generics {
    let mut generics = value.generics.clone();
    let params: HashSet<Ident> = generics.type_params().map(|param| param.ident.clone()).collect();
    if params.is_empty() {
        return generics;
    }
    let fields = value.all_fields();
    let mut predicates: Vec<WherePredicate> = Vec::new();
    let mut seen = HashSet::new();
    let mut add = |fields: Vec<&Field>, bound: TokenStream| {
        for ty in fields.iter().flat_map(|field| mentioned(&field.ty, &params)) {
            if seen.insert(format!("{}: {bound}", quote::quote!(#ty))) {
                predicates.push(parse_quote!(#ty: #bound));
            }
        }
    };
    add(fields.iter().copied().filter(|field| !field.skip).collect(), bound.clone());
    let skipped = fields.iter().copied().filter(|field| field.skip).collect();
    add(skipped, quote::quote!(::core::default::Default));
    generics.make_where_clause().predicates.extend(predicates);
    generics
}

/// The parameters and their associated types that a type mentions.
fn mentioned(ty: &Type, params: &HashSet<Ident>) -> Vec<Type> {
    struct Find<'a> {
        params: &'a HashSet<Ident>,
        found: Vec<Type>,
    }
    impl<'ast> Visit<'ast> for Find<'_> {
        fn visit_type_path(&mut self, ty: &'ast TypePath) {
            if ty.qself.is_none() && starts_with(&ty.path, self.params) {
                self.found.push(Type::Path(ty.clone()));
            }
            let phantom = ty.path.segments.last().is_some_and(|last| last.ident == "PhantomData");
            if !phantom {
                visit::visit_type_path(self, ty);
            }
        }
    }
    let mut find = Find { params, found: Vec::new() };
    find.visit_type(ty);
    find.found
}

fn starts_with(path: &Path, params: &HashSet<Ident>) -> bool {
    path.leading_colon.is_none()
        && path.segments.first().is_some_and(|first| params.contains(&first.ident))
}

/// The generics for the impl that says in what form the value arrives, where it has to own all that
/// it holds.
pub(super) fn outbound_generics(value: &Value, bound: &TokenStream) -> Generics {
    let mut generics = generics(value, bound);
    if !value.generics.params.is_empty() {
        let name = &value.name;
        let (_, ty_generics, _) = value.generics.split_for_impl();
        let owned: WherePredicate =
            parse_quote!(#name #ty_generics: ::core::marker::Send + 'static);
        generics.make_where_clause().predicates.push(owned);
    }
    generics
}
