//! What a Ruby object has besides the methods that a service exposes: methods that are there and
//! cannot be called, and those that only `method_missing` knows.

use drb::{
    Exception, Service,
    dispatch::{Dispatch, Incoming, Invoked, MethodInfo},
};
use std::sync::Arc;

/// The object behind a service, as a Ruby object of that kind would answer.
pub(crate) struct RubyLike<T>(Arc<T>);

/// The methods that the service doesn't have.
enum Besides {
    RespondTo,
    Hidden(&'static str),
    Missing,
}

/// Ruby's names, in the order of the positions that they have before those of the service.
const BESIDES: [(&str, Besides); 5] = [
    ("respond_to?", Besides::RespondTo),
    ("eval", Besides::Hidden("private")),
    ("call_private_method", Besides::Hidden("private")),
    ("call_protected_method", Besides::Hidden("protected")),
    ("missing", Besides::Missing),
];

impl<T: Service<Cell = T>> RubyLike<T> {
    pub(crate) fn new(object: T) -> Self {
        Self(Arc::new(object))
    }

    /// `respond_to?(name, include_all = false)`. Of what `method_missing` knows it says nothing.
    fn respond_to(&self, call: &mut Incoming<'_>) -> Invoked {
        let loaded = call.load(|args| {
            args.expect(1, 1, false, false)?;
            let name = args.required::<String>("name")?;
            Ok((name, args.optional::<bool>("include_all")?.unwrap_or(false)))
        });
        match loaded {
            Ok(((name, include_all), reply)) => {
                let known = match besides(&name) {
                    Some((_, Besides::RespondTo)) => true,
                    Some((_, Besides::Hidden(_))) => include_all,
                    Some((_, Besides::Missing)) => false,
                    None => self.0.find(&name).is_some() || matches!(&*name, "to_s" | "inspect"),
                };
                Invoked::Done(reply.result(known))
            }
            Err(refused) => refused,
        }
    }
}

impl<T: Service<Cell = T>> Dispatch for RubyLike<T> {
    fn class(&self) -> &'static str {
        T::CLASS
    }

    fn find(&self, name: &str) -> Option<usize> {
        match besides(name) {
            Some((index, _)) => Some(index),
            None => self.0.find(name).map(|index| index + BESIDES.len()),
        }
    }

    fn method(&self, index: usize) -> Option<&'static MethodInfo> {
        self.0.method(index.checked_sub(BESIDES.len())?)
    }

    fn invoke(self: Arc<Self>, index: usize, call: &mut Incoming<'_>) -> Invoked {
        if let Some(index) = index.checked_sub(BESIDES.len()) {
            return Arc::clone(&self.0).invoke(index, call);
        }
        match BESIDES.get(index) {
            Some((_, Besides::RespondTo)) => self.respond_to(call),
            Some((name, Besides::Hidden(how))) => {
                let message = format!("{how} method '{name}' called for #<{}>", T::CLASS);
                call.refuse(Exception::new("NoMethodError", message))
            }
            Some((_, Besides::Missing)) => match call.load(|_| Ok(())) {
                Ok(((), reply)) => Invoked::Done(reply.result(true)),
                Err(refused) => refused,
            },
            None => call.no_method(T::CLASS),
        }
    }
}

fn besides(name: &str) -> Option<(usize, &'static Besides)> {
    BESIDES
        .iter()
        .enumerate()
        .find(|(_, (known, _))| *known == name)
        .map(|(index, (_, what))| (index, what))
}
