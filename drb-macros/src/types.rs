//! What the macros need to know of types: lifetimes, references, `Self`, type parameters.

use std::collections::HashSet;
use syn::{
    GenericParam, Generics, Ident, Lifetime, Path, Type, TypeImplTrait, TypePath, TypeReference,
    visit::{self, Visit},
    visit_mut::{self, VisitMut},
};

/// The same with every lifetime but `'static` replaced, those that are left out included.
pub(crate) fn with_lifetime<T: Clone>(
    node: &T,
    lifetime: &str,
    visit: fn(&mut Lifetimes, &mut T),
) -> T {
    let mut node = node.clone();
    visit(&mut Lifetimes(lifetime.to_owned()), &mut node);
    node
}

/// [`with_lifetime`] for a type.
pub(crate) fn type_with_lifetime(ty: &Type, lifetime: &str) -> Type {
    with_lifetime(ty, lifetime, Lifetimes::visit_type_mut)
}

/// [`with_lifetime`] for the path of a trait.
pub(crate) fn path_with_lifetime(path: &Path, lifetime: &str) -> Path {
    with_lifetime(path, lifetime, Lifetimes::visit_path_mut)
}

/// Replaces lifetimes.
pub(crate) struct Lifetimes(pub(crate) String);

impl VisitMut for Lifetimes {
    fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
        if lifetime.ident != "static" {
            *lifetime = Lifetime::new(&self.0, lifetime.span());
        }
    }

    fn visit_type_reference_mut(&mut self, reference: &mut TypeReference) {
        if reference.lifetime.is_none() {
            let span = reference.and_token.span;
            reference.lifetime = Some(Lifetime::new(&self.0, span));
        }
        visit_mut::visit_type_reference_mut(self, reference);
    }

    // Their lifetimes are their own.
    fn visit_type_bare_fn_mut(&mut self, _: &mut syn::TypeBareFn) {}
}

/// The generics without their lifetimes, which become `'static`: an exported object can't borrow.
pub(crate) fn without_lifetimes(generics: &Generics) -> Generics {
    let mut generics = generics.clone();
    generics.params = generics
        .params
        .into_iter()
        .filter(|param| !matches!(param, GenericParam::Lifetime(_)))
        .collect();
    if let Some(clause) = &mut generics.where_clause {
        clause.predicates = std::mem::take(&mut clause.predicates)
            .into_iter()
            .filter(|predicate| !matches!(predicate, syn::WherePredicate::Lifetime(_)))
            .collect();
    }
    Lifetimes("'static".to_owned()).visit_generics_mut(&mut generics);
    generics
}

/// Makes certain lifetimes `'static`.
pub(crate) struct MakeStatic<'a>(pub(crate) &'a HashSet<Ident>);

impl VisitMut for MakeStatic<'_> {
    fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
        if self.0.contains(&lifetime.ident) {
            *lifetime = Lifetime::new("'static", lifetime.span());
        }
    }
}

/// Replaces `Self`.
pub(crate) struct ReplaceSelf<'a>(pub(crate) &'a Type);

impl VisitMut for ReplaceSelf<'_> {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        if let Type::Path(TypePath { qself: None, path }) = ty
            && path.is_ident("Self")
        {
            *ty = self.0.clone();
        } else {
            visit_mut::visit_type_mut(self, ty);
        }
    }
}

/// The type parameters (and associated types of theirs) that a type mentions.
pub(crate) fn mentions(ty: &Type, params: &HashSet<Ident>) -> bool {
    let mut search = Search { params, found: false };
    search.visit_type(ty);
    search.found
}

/// The names of the type parameters and constants.
pub(crate) fn parameters(generics: &Generics) -> HashSet<Ident> {
    let types = generics.type_params().map(|param| param.ident.clone());
    let consts = generics.const_params().map(|param| param.ident.clone());
    types.chain(consts).collect()
}

struct Search<'a> {
    params: &'a HashSet<Ident>,
    found: bool,
}

impl<'ast> Visit<'ast> for Search<'_> {
    fn visit_path(&mut self, path: &'ast Path) {
        if path.leading_colon.is_none()
            && let Some(first) = path.segments.first()
        {
            self.found |= self.params.contains(&first.ident);
        }
        visit::visit_path(self, path);
    }
}

/// The first `impl Trait` within a type.
pub(crate) fn impl_trait(ty: &Type) -> Option<&TypeImplTrait> {
    struct Find<'ast>(Option<&'ast TypeImplTrait>);
    impl<'ast> Visit<'ast> for Find<'ast> {
        fn visit_type_impl_trait(&mut self, found: &'ast TypeImplTrait) {
            self.0 = self.0.or(Some(found));
        }
    }
    let mut find = Find(None);
    find.visit_type(ty);
    find.0
}

/// The first reference within a type.
pub(crate) fn reference(ty: &Type) -> Option<&TypeReference> {
    struct Find<'ast>(Option<&'ast TypeReference>);
    impl<'ast> Visit<'ast> for Find<'ast> {
        fn visit_type_reference(&mut self, found: &'ast TypeReference) {
            self.0 = self.0.or(Some(found));
        }
        fn visit_type_bare_fn(&mut self, _: &'ast syn::TypeBareFn) {}
    }
    let mut find = Find(None);
    find.visit_type(ty);
    find.0
}

/// The first `Self` within a type.
pub(crate) fn self_type(ty: &Type) -> Option<&Path> {
    struct Find<'ast>(Option<&'ast Path>);
    impl<'ast> Visit<'ast> for Find<'ast> {
        fn visit_path(&mut self, path: &'ast Path) {
            if path.segments.first().is_some_and(|first| first.ident == "Self") {
                self.0 = self.0.or(Some(path));
            }
            visit::visit_path(self, path);
        }
    }
    let mut find = Find(None);
    find.visit_type(ty);
    find.0
}
