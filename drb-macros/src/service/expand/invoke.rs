//! The server's side of one method: loads the arguments, calls it, writes the reply.

use super::super::{
    model::{Kind, Method, Param, Run, Service, Subject},
    stream::Stream,
};
use crate::{labels::Labels, names::generated, types};
use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{
    Expr, GenericParam, Ident, Lifetime, Type, spanned::Spanned, visit::Visit, visit_mut::VisitMut,
};

/// The name of the function that is made for a method.
pub(super) fn name(method: &Method) -> Ident {
    format_ident!("__drb_{}", crate::names::plain(&method.name), span = Span::mixed_site())
}

/// The names of the method and of its arguments, for errors.
fn labels(service: &Service, method: &Method) -> Labels {
    let generics = service.server_generics();
    let params = method.params.iter().flat_map(|param| {
        let default = match &param.kind {
            Kind::Optional(default) | Kind::Keyword(default) => paths(default),
            _ => TokenStream::new(),
        };
        [param.ty.to_token_stream(), default]
    });
    let around = [
        service.this().to_token_stream(),
        service.name.to_token_stream(),
        service.krate.to_token_stream(),
        generics.params.to_token_stream(),
        generics.where_clause.to_token_stream(),
        method.result.to_token_stream(),
    ];
    let mut labels = Labels::among(params.chain(around));
    labels.add(&method.name);
    method.travelling().for_each(|param| labels.add(&param.name));
    labels
}

/// The paths of an expression, in which types and modules can be named.
fn paths(expression: &Expr) -> TokenStream {
    struct Paths(TokenStream);
    impl<'ast> Visit<'ast> for Paths {
        fn visit_path(&mut self, path: &'ast syn::Path) {
            if path.segments.len() > 1 {
                path.to_tokens(&mut self.0);
            }
            syn::visit::visit_path(self, path);
        }
        fn visit_type(&mut self, ty: &'ast Type) {
            ty.to_tokens(&mut self.0);
        }
        fn visit_macro(&mut self, call: &'ast syn::Macro) {
            call.to_tokens(&mut self.0);
        }
    }
    let mut paths = Paths(TokenStream::new());
    paths.visit_expr(expression);
    paths.0
}

/// Its type arguments.
pub(super) fn turbofish(service: &Service, method: &Method) -> TokenStream {
    let generics = &service.generics;
    let labels = labels(service, method);
    let fill = labels.fill();
    let names = generics.params.iter().filter_map(|param| match param {
        GenericParam::Type(param) => Some(&param.ident),
        GenericParam::Const(param) => Some(&param.ident),
        GenericParam::Lifetime(_) => None,
    });
    match &service.subject {
        Subject::Trait => quote!(::<#(#names,)* __DrbSelf, #(#fill),*>),
        Subject::Type { .. } => quote!(::<#(#names,)* #(#fill),*>),
    }
}

pub(super) fn function(service: &Service, method: &Method) -> TokenStream {
    let krate = &service.krate;
    let cfgs: Vec<_> = method.cfgs().collect();
    let name = name(method);
    let labels = labels(service, method);
    let generics = labels.added_to(&service.server_generics());
    let (impl_generics, _, where_clause) = generics.split_for_impl();
    let cell = super::server::cell(service);
    let target = generated("target");
    let call = generated("call");
    let reply = generated("reply");
    let context = method.params.iter().filter(|param| matches!(param.kind, Kind::Context));
    let contexts = context.map(|param| {
        let (name, ty) = (&param.name, &param.loaded);
        let span = Span::mixed_site().located_at(param.span());
        let call = Ident::new("call", span);
        let context = quote_spanned!(span=> #call.context());
        quote!(let #name: #ty = #context;)
    });
    let load = load(service, method, &labels);
    let names = loaded(method);
    let mut invoked = match &method.stream {
        Some(stream) => streamed(service, method, stream, &labels, &target, &reply),
        None => invoked(service, method, &labels, &target, &reply),
    };
    let how = generated(if method.stream.is_some() { "load_stream" } else { "load" });
    if method.no_cancel.is_some() {
        invoked = quote!(#krate::__private::Invoked::no_cancel(#invoked));
    }
    let future = future(service, method);
    quote_spanned! {Span::mixed_site()=>
        #(#cfgs)*
        fn #name #impl_generics(
            #target: ::std::sync::Arc<#cell>,
            #call: &mut #krate::__private::Incoming<'_>,
        ) -> #krate::__private::Invoked #where_clause {
            #future
            #(#contexts)*
            let ((#(#names,)*), #reply) = match #call.#how(#load) {
                ::core::result::Result::Ok(loaded) => loaded,
                ::core::result::Result::Err(refused) => return refused,
            };
            #invoked
        }
    }
}

/// The names of what is loaded: the arguments, and the block.
fn loaded(method: &Method) -> Vec<&Ident> {
    let block = method.block().map(|(param, _)| param);
    method.travelling().chain(block).map(|param| &param.name).collect()
}

/// The closure that loads the arguments.
fn load(service: &Service, method: &Method, labels: &Labels) -> TokenStream {
    let krate = &service.krate;
    let args = generated("args");
    let count =
        |test: fn(&Kind) -> bool| method.travelling().filter(|param| test(&param.kind)).count();
    let required = count(|kind| matches!(kind, Kind::Required));
    let optional = count(|kind| matches!(kind, Kind::Optional(_)));
    let rest = count(|kind| matches!(kind, Kind::Rest)) > 0;
    let keyword = method.travelling().any(Param::is_keyword);
    let label = labels.label(&method.name);
    let positional = method.travelling().filter(|param| !param.is_keyword());
    let positional = positional.map(|param| {
        let (name, wire, ty) = (&param.name, param.wire(), &param.loaded);
        let argument = labels.label(name);
        let how = generated(match param.kind {
            Kind::Optional(_) => "optional",
            Kind::Rest => "rest",
            _ => "required",
        });
        let load = quote_spanned! {param.span()=>
            <#ty as #krate::__private::Argument<#argument, #label>>::#how(#args, #wire)?
        };
        match &param.kind {
            Kind::Optional(default) => quote! {
                let #name: #ty = match #load {
                    ::core::option::Option::Some(given) => given,
                    ::core::option::Option::None => #default,
                };
            },
            _ => quote!(let #name = #load;),
        }
    });
    let keywords =
        if keyword { keywords(krate, method, labels, &args) } else { TokenStream::new() };
    let block = method.block().map(|(param, block)| {
        let (name, sent, gives) = (&param.name, &block.sent, &block.gives);
        let how = generated(if block.optional { "optional_block" } else { "block" });
        quote_spanned! {param.span()=>
            let #name = #args.#how::<#sent, #gives>()?;
        }
    });
    let names = loaded(method);
    quote! {
        |#args: &mut #krate::__private::Args<'_>| {
            #args.expect(#required, #optional, #rest, #keyword)?;
            #block
            #(#positional)*
            #keywords
            ::core::result::Result::Ok((#(#names,)*))
        }
    }
}

/// Loads the arguments by name, in whatever order they come.
fn keywords(krate: &syn::Path, method: &Method, labels: &Labels, args: &Ident) -> TokenStream {
    let keywords = generated("keywords");
    let params: Vec<_> = method.travelling().filter(|param| param.is_keyword()).collect();
    let named: Vec<_> =
        params.iter().filter(|param| !matches!(param.kind, Kind::KeywordRest)).collect();
    let rest = params.iter().find(|param| matches!(param.kind, Kind::KeywordRest));
    let wires = named.iter().map(|param| param.wire());
    let label = labels.label(&method.name);
    let load = |param: &Param| {
        let (ty, argument) = (&param.loaded, labels.label(&param.name));
        quote_spanned! {param.span()=>
            <#ty as #krate::__private::Argument<#argument, #label>>::keyword(&mut #keywords)?
        }
    };
    let declare = named.iter().map(|param| {
        let (name, ty) = (&param.name, &param.loaded);
        quote!(let mut #name: ::core::option::Option<#ty> = ::core::option::Option::None;)
    });
    let arms = named.iter().enumerate().map(|(position, param)| {
        let name = &param.name;
        let load = load(param);
        quote!(#position => #name = ::core::option::Option::Some(#load),)
    });
    let (declare_rest, other, finish_rest) = match rest {
        Some(param) => {
            let (name, all) = (&param.name, &param.all);
            let load = load(param);
            (
                quote!(let mut #name = ::std::vec::Vec::new();),
                quote!({
                    let name = ::std::borrow::ToOwned::to_owned(#keywords.name());
                    #name.push((name, #load));
                }),
                quote!(let #name: #all = ::core::iter::FromIterator::from_iter(#name);),
            )
        }
        None => (
            TokenStream::new(),
            quote!(return ::core::result::Result::Err(#keywords.unknown())),
            TokenStream::new(),
        ),
    };
    let finish = named.iter().map(|param| {
        let (name, ty, wire) = (&param.name, &param.loaded, param.wire());
        let absent = match &param.kind {
            Kind::Keyword(default) => quote!(#default),
            _ => quote!(return ::core::result::Result::Err(#keywords.missing(#wire))),
        };
        quote! {
            let #name: #ty = match #name {
                ::core::option::Option::Some(given) => given,
                ::core::option::Option::None => #absent,
            };
        }
    });
    quote! {
        let mut #keywords = #args.keywords()?;
        #(#declare)*
        #declare_rest
        while let ::core::option::Option::Some(position) = #keywords.next(&[#(#wires),*])? {
            match position {
                #(#arms)*
                _ => #other,
            }
        }
        #(#finish)*
        #finish_rest
    }
}

/// The call, in the way in which the method runs.
fn invoked(
    service: &Service,
    method: &Method,
    labels: &Labels,
    target: &Ident,
    reply: &Ident,
) -> TokenStream {
    let krate = &service.krate;
    let object = generated("object");
    let exclusive = service.is_exclusive();
    let result = types::type_with_lifetime(&method.result, "'_");
    let label = labels.label(&method.name);
    let give = |result_value: TokenStream| {
        quote_spanned!(method.result.span()=>
            <#result as #krate::__private::Answer<#label>>::give(#result_value, #reply))
    };
    let invoked = quote!(#krate::__private::Invoked);
    let lock = match (exclusive, method.exclusive) {
        (false, _) => None,
        (true, false) => Some(("read", quote!())),
        (true, true) => Some(("write", quote!(mut))),
    };
    let reference = if method.exclusive { quote!(&mut *#object) } else { quote!(&*#object) };
    match method.run {
        Run::InPlace => match lock {
            None => {
                let give = give(call(service, method, quote!(&*#target)));
                quote!(#invoked::Done(#give))
            }
            Some((lock, _)) => {
                let lock = generated(lock);
                let give = give(call(service, method, quote!(#object)));
                quote!(#invoked::#lock(#target, #reply, move |#object, #reply| #give))
            }
        },
        Run::Blocking => {
            let (take, reference) = match lock {
                None => (TokenStream::new(), quote!(&*#target)),
                Some((lock, mutability)) => {
                    let lock = format_ident!("{}_blocking", lock);
                    (quote!(let #mutability #object = #target.#lock();), reference)
                }
            };
            let give = give(call(service, method, reference));
            quote!(#invoked::block(#reply, move |#reply| { #take #give }))
        }
        Run::Async => {
            let (take, reference) = match lock {
                None => (TokenStream::new(), quote!(&*#target)),
                Some((lock, mutability)) => {
                    let lock = generated(lock);
                    (quote!(let #mutability #object = #target.#lock().await;), reference)
                }
            };
            let result = generated("result");
            let future = call(service, method, reference);
            let give = give(quote!(#result));
            quote! {
                #invoked::run(#reply, |#reply| async move {
                    #take
                    let #result = #future.await;
                    #give
                })
            }
        }
    }
}

/// The call of a method that gives a stream, within the future that then runs the stream: so it owns what
/// the stream borrows.
fn streamed(
    service: &Service,
    method: &Method,
    stream: &Stream,
    labels: &Labels,
    target: &Ident,
    reply: &Ident,
) -> TokenStream {
    let krate = &service.krate;
    let label = labels.label(&method.name);
    let (outlet, result) = (generated("outlet"), generated("result"));
    let call = call(service, method, quote!(&*#target));
    let wait = (method.run == Run::Async).then(|| quote!(.await));
    let span = Span::mixed_site().located_at(stream.span());
    let item = types::type_with_lifetime(&stream.item, "'_");
    let how = generated(if stream.fallible { "result" } else { "stream" });
    let run = quote_spanned! {span=>
        <#item as #krate::__private::StreamItem<#label>>::#how(#result, #outlet).await
    };
    quote! {
        #krate::__private::Invoked::stream(#reply, move |#outlet| async move {
            let #result = #call #wait;
            #run
        })
    }
}

/// The call itself. An asynchronous method of a type goes through [`future`].
fn call(service: &Service, method: &Method, object: TokenStream) -> TokenStream {
    let arguments = method.params.iter().map(|param| {
        let name = &param.name;
        if param.borrowed { quote!(&#name) } else { quote!(#name) }
    });
    let name = &method.name;
    let function = match &service.subject {
        Subject::Type { .. } if goes_on(method) => quote!(__drb_future),
        Subject::Type { ty, .. } => quote!(<#ty>::#name),
        Subject::Trait => {
            let (_, ty_generics, _) = service.generics.split_for_impl();
            let (this, contract) = (service.this(), &service.name);
            quote!(<#this as #contract #ty_generics>::#name)
        }
    };
    quote!(#function(#object #(, #arguments)*))
}

/// Whether what the method gives is still to be run, and so has to be `Send`.
fn goes_on(method: &Method) -> bool {
    method.run == Run::Async || method.stream.is_some()
}

/// Calls a method of a type that is asynchronous or gives a stream, and says at its name if the future or
/// the stream is not `Send`. (That of a trait's method is, by the trait's declaration.)
fn future(service: &Service, method: &Method) -> TokenStream {
    let Subject::Type { ty, .. } = &service.subject else { return TokenStream::new() };
    if !goes_on(method) {
        return TokenStream::new();
    }
    let object = generated("object");
    let elided = Lifetime::new("'__drb", Span::mixed_site());
    let mut generics = service.server_generics();
    for param in method.generics.params.iter().rev() {
        generics.params.insert(0, param.clone());
    }
    let lifetime = match &method.lifetime {
        Some(lifetime) => lifetime,
        None => {
            generics.params.insert(0, syn::parse_quote!(#elided));
            &elided
        }
    };
    if let Some(clause) = &method.generics.where_clause {
        generics.make_where_clause().predicates.extend(clause.predicates.iter().cloned());
    }
    let (impl_generics, _, where_clause) = generics.split_for_impl();
    let mutability = method.exclusive.then(|| quote!(mut));
    let names: Vec<_> = method.params.iter().map(|param| &param.name).collect();
    let types = method.params.iter().map(|param| &param.ty);
    let mut result: Type = match &method.stream {
        Some(stream) => stream.sent.clone(),
        None => method.result.clone(),
    };
    Elided(lifetime).visit_type_mut(&mut result);
    let name = &method.name;
    let span = Span::mixed_site().located_at(name.span());
    let output = match method.run {
        Run::Async => quote_spanned! {span=>
            impl ::core::future::Future<Output = #result> + ::core::marker::Send
        },
        _ => quote!(#result),
    };
    quote! {
        fn __drb_future #impl_generics(
            #object: &#lifetime #mutability #ty,
            #(#names: #types,)*
        ) -> #output #where_clause {
            <#ty>::#name(#object #(, #names)*)
        }
    }
}

/// Gives the lifetimes that are left out the receiver's.
struct Elided<'a>(&'a Lifetime);

impl VisitMut for Elided<'_> {
    fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
        if lifetime.ident == "_" {
            *lifetime = self.0.clone();
        }
    }

    fn visit_type_reference_mut(&mut self, reference: &mut syn::TypeReference) {
        reference.lifetime.get_or_insert_with(|| self.0.clone());
        syn::visit_mut::visit_type_reference_mut(self, reference);
    }

    fn visit_type_bare_fn_mut(&mut self, _: &mut syn::TypeBareFn) {}
}
