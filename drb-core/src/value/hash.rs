//! Hashes that agree with equality.

use super::{Value, equal::plain};
use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
};

/// How many elements of a value that has no end are hashed.
const MOST: usize = 256;

impl Hash for Value {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let most = if is_endless(self) { MOST } else { usize::MAX };
        write(self, most, state);
    }
}

/// Hashes up to `most` elements, which are shared out evenly among what contains more of them: so
/// neither the order of a map nor the place where a cycle was entered matters.
fn write<H: Hasher>(value: &Value, most: usize, state: &mut H) {
    if let Some(value) = value.as_i64() {
        // The same for both forms.
        return value.hash(state);
    }
    if let Value::Cycle(cycle) = value {
        return match cycle.upgrade() {
            Some(value) => write(&value, most, state),
            None => state.write_u8(0),
        };
    }
    std::mem::discriminant(value).hash(state);
    match value {
        Value::Nil | Value::Cycle(_) => {}
        Value::Bool(value) => value.hash(state),
        Value::Int(value) => value.hash(state),
        Value::Float(value) => value.hash(state),
        Value::Symbol(value) => value.hash(state),
        Value::BigInt(value) => {
            value.is_negative().hash(state);
            value.magnitude().hash(state);
        }
        Value::Str(value) => {
            value.as_bytes().hash(state);
            if !plain(value.as_bytes(), value.encoding()) {
                value.encoding().hash(state);
            }
        }
        Value::Regexp(value) => {
            let body = &value.0.body;
            (&body.source, body.options, &body.encoding).hash(state);
        }
        Value::Reference(value) => value.reference().hash(state),
        Value::Module(value) => value.0.body.name.hash(state),
        Value::Array(items) => {
            state.write_usize(items.len());
            if let Some(each) = share(most, items.len()) {
                items.iter().for_each(|item| write(item, each, state));
            }
        }
        Value::Map(map) => {
            unordered(map.len(), most, map.iter(), state, |(key, value), each, state| {
                write(key, each, state);
                write(value, each, state);
            });
        }
        Value::Object(object) => {
            object.class().hash(state);
            let fields = object.fields();
            unordered(fields.len(), most, fields.iter(), state, |(name, value), each, state| {
                name.hash(state);
                write(value, each, state);
            });
        }
        Value::Dumped(dumped) => {
            dumped.class().hash(state);
            dumped.payload().hash(state);
            let ivars = dumped.0.extra.as_ref().map_or(&[][..], |extra| &extra.ivars);
            state.write_usize(ivars.len());
            if let Some(each) = share(most, ivars.len()) {
                for (name, value) in ivars {
                    name.hash(state);
                    write(value, each, state);
                }
            }
        }
        Value::Marshaled(marshaled) => {
            marshaled.class().hash(state);
            if let Some(each) = share(most, 1) {
                write(marshaled.data(), each, state);
            }
        }
    }
}

/// How many elements each of `count` may hash, if there are enough for these themselves.
fn share(most: usize, count: usize) -> Option<usize> {
    if most == usize::MAX { Some(most) } else { Some(most.checked_sub(count)? / count.max(1)) }
}

/// A hash that doesn't depend on the order.
fn unordered<T, H: Hasher>(
    count: usize,
    most: usize,
    entries: impl Iterator<Item = T>,
    state: &mut H,
    mut write: impl FnMut(T, usize, &mut DefaultHasher),
) {
    state.write_usize(count);
    // A key and its value are two.
    let Some(each) = share(most, count.saturating_mul(2)) else { return };
    let mut sum = 0_u64;
    for entry in entries {
        let mut hasher = DefaultHasher::new();
        write(entry, each, &mut hasher);
        sum = sum.wrapping_add(hasher.finish());
    }
    state.write_u64(sum);
}

/// Whether a walk over the values that are compared never ends. (A cycle can also go through an
/// instance variable of a string, which is not compared.)
fn is_endless(value: &Value) -> bool {
    if !has_cycle(value) {
        return false;
    }
    /// What is next in the walk.
    enum Step {
        Enter(Value),
        Leave(usize),
    }
    // The values that have been entered, and whether the walk is still within them.
    let mut met = BTreeMap::new();
    let mut steps = vec![Step::Enter(value.clone())];
    while let Some(step) = steps.pop() {
        match step {
            Step::Enter(value) => {
                let Some(value) = value.whole() else { continue };
                let Some(address) = value.address() else { continue };
                match met.get(&address) {
                    Some((_, true)) => return true,
                    Some((_, false)) => continue,
                    None => {}
                }
                steps.push(Step::Leave(address));
                within(&value, &mut |inner| {
                    steps.push(Step::Enter(inner.clone()));
                    false
                });
                met.insert(address, (value, true));
            }
            Step::Leave(address) => {
                if let Some((_, inside)) = met.get_mut(&address) {
                    *inside = false;
                }
            }
        }
    }
    false
}

fn has_cycle(value: &Value) -> bool {
    matches!(value, Value::Cycle(_)) || within(value, &mut has_cycle)
}

/// Whether `test` is true of one of the values within a value that are compared with it.
fn within(value: &Value, test: &mut impl FnMut(&Value) -> bool) -> bool {
    match value {
        Value::Array(items) => items.iter().any(test),
        Value::Map(map) => map.iter().any(|(key, value)| test(key) || test(value)),
        Value::Object(object) => object.fields().iter().any(|(_, value)| test(value)),
        Value::Marshaled(marshaled) => test(marshaled.data()),
        Value::Dumped(dumped) => {
            let extra = dumped.0.extra.as_ref();
            extra.is_some_and(|extra| extra.ivars.iter().any(|(_, value)| test(value)))
        }
        _ => false,
    }
}
