//! The rules for the methods of a service together.

use super::model::{Method, Run, Service};
use crate::{names, report::Report};
use std::collections::HashMap;
use syn::Type;

/// Each name on the wire stands for one method, and can be exposed.
pub(super) fn names(service: &Service, report: &mut Report) {
    let mut taken: HashMap<&str, String> = HashMap::new();
    for method in &service.methods {
        for wire in std::iter::once(&method.wire).chain(&method.aliases) {
            names::check_method(&wire.name, &wire.tokens, report);
            // Of methods under a `cfg`, perhaps only one is there.
            if method.cfgs().next().is_some() {
                continue;
            }
            if let Some(other) = taken.insert(&wire.name, method.name.to_string()) {
                let name = &wire.name;
                report.at(&wire.tokens, format!("`{name}` is already a name of `{other}`"));
            }
        }
        if let Some(no_cancel) = &method.no_cancel
            && method.run == Run::InPlace
            && !service.is_exclusive()
        {
            report.at(
                no_cancel,
                "`no_cancel` has no effect: a method that is neither `async` nor `blocking` runs \
                 in place, and cannot be stopped; leave it out",
            );
        }
        if let Some((_, block)) = method.block()
            && block.optional
        {
            with_block(service, method, report);
        }
        if method.name == "connect" {
            report.at(
                &method.name,
                format!(
                    "`{}::connect` is how a caller begins; give the method another name, and write \
                     `#[drb(name = \"connect\")]` if it is to have this one on the wire",
                    service.proxy
                ),
            );
        }
    }
}

/// The proxy has two methods for one that may be called with a block.
fn with_block(service: &Service, method: &Method, report: &mut Report) {
    let with = method.name_with_block();
    for other in service.methods.iter().filter(|other| other.name == with) {
        report.at(
            &other.name,
            format!(
                "`{}::{with}` is how a caller passes a block to `{}`; give the method another \
                 name, and write `#[drb(name = \"{with}\")]` if it is to have this one on the wire",
                service.proxy, method.name
            ),
        );
    }
}

/// A stream that borrows an object keeps others from having it to themselves.
pub(super) fn streams(service: &Service, report: &mut Report) {
    let Some(exclusive) = service.methods.iter().find(|method| method.exclusive) else { return };
    for method in service.methods.iter().filter(|method| !method.exclusive) {
        if let Some(stream) = &method.stream {
            report.at(
                &stream.found,
                format!(
                    "`{}` takes `&mut self`, and would wait for as long as this stream is read, because \
                     it borrows the object: give a `drb::Stream<T>`, which `drb::Stream::new` makes of \
                     one that doesn't",
                    exclusive.name
                ),
            );
        }
    }
}

/// Arguments are borrowed for the call, not from the object.
pub(super) fn lifetimes(service: &Service, report: &mut Report) {
    for param in service.methods.iter().flat_map(|method| &method.params) {
        if let Type::Reference(reference) = &param.ty
            && let Some(lifetime) = &reference.lifetime
            && lifetime.ident == "static"
        {
            report.at(
                &reference.lifetime,
                "an argument lives as long as its call: leave out the lifetime",
            );
        }
    }
}
