//! What every exported object answers, because Ruby asks it of every object.

use super::{Dispatch, Incoming, Invoked};

/// The methods that every object has.
const NAMES: [&str; 3] = ["inspect", "respond_to?", "to_s"];

/// Calls a method that every object has.
pub(super) fn call(object: &dyn Dispatch, call: &mut Incoming<'_>) -> Invoked {
    match call.method() {
        "respond_to?" => respond_to(object, call),
        "inspect" | "to_s" => describe(object, call),
        _ => call.no_method(object.class()),
    }
}

/// `respond_to?(name, include_all = false)`. There is nothing private to include.
fn respond_to(object: &dyn Dispatch, call: &mut Incoming<'_>) -> Invoked {
    let loaded = call.load(|args| {
        args.expect(1, 1, false, false)?;
        args.required::<String>("name")
    });
    match loaded {
        Ok((name, reply)) => {
            let known = object.find(&name).is_some() || NAMES.contains(&name.as_str());
            Invoked::Done(reply.result(known))
        }
        Err(refused) => refused,
    }
}

fn describe(object: &dyn Dispatch, call: &mut Incoming<'_>) -> Invoked {
    match call.load(|args| args.expect(0, 0, false, false)) {
        Ok(((), reply)) => Invoked::Done(reply.result(format!("#<{}>", object.class()))),
        Err(refused) => refused,
    }
}
