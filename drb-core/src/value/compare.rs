//! Equality as Ruby's `eql?`, and hashes that agree with it.

use super::{Encoding, Float, Value};
use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
};

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Nil, Self::Nil) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::Float(a), Self::Float(b)) => a == b,
            (Self::Symbol(a), Self::Symbol(b)) => a == b,
            (Self::BigInt(a), Self::BigInt(b)) => {
                let (a, b) = (&a.0.body, &b.0.body);
                a.negative == b.negative && a.magnitude == b.magnitude
            }
            // An integer between the two forms can have either.
            (Self::Int(a), Self::BigInt(b)) | (Self::BigInt(b), Self::Int(a)) => {
                b.to_i64() == Some(*a)
            }
            (Self::Str(a), Self::Str(b)) => {
                a.as_bytes() == b.as_bytes() && comparable(a.as_bytes(), a.encoding(), b.encoding())
            }
            (Self::Array(a), Self::Array(b)) => a.is_same(b) || a.items() == b.items(),
            (Self::Map(a), Self::Map(b)) => a.is_same(b) || same_entries(a, b),
            (Self::Object(a), Self::Object(b)) => {
                a.is_same(b)
                    || (a.is_struct() == b.is_struct()
                        && a.class() == b.class()
                        && same_fields(a.fields().iter(), b.fields().iter()))
            }
            (Self::Dumped(a), Self::Dumped(b)) => {
                a.class() == b.class()
                    && a.payload() == b.payload()
                    && match (&a.0.extra, &b.0.extra) {
                        (Some(a), Some(b)) => a.ivars == b.ivars,
                        (a, b) => a.is_none() && b.is_none(),
                    }
            }
            (Self::Marshaled(a), Self::Marshaled(b)) => {
                a.is_same(b) || (a.class() == b.class() && a.data() == b.data())
            }
            (Self::Regexp(a), Self::Regexp(b)) => {
                let (a, b) = (&a.0.body, &b.0.body);
                a.source == b.source && a.options == b.options && a.encoding == b.encoding
            }
            (Self::Reference(a), Self::Reference(b)) => a.reference() == b.reference(),
            (Self::Module(a), Self::Module(b)) => {
                a.kind() == b.kind() && a.0.body.name == b.0.body.name
            }
            (Self::Cycle(a), Self::Cycle(b)) => a.is_like(b),
            _ => false,
        }
    }
}

impl Eq for Value {}

/// Whether bytes mean the same in both encodings.
fn comparable(bytes: &[u8], a: &Encoding, b: &Encoding) -> bool {
    let wide = |encoding: &Encoding| match encoding {
        Encoding::Other(name) => name.starts_with("UTF-16") || name.starts_with("UTF-32"),
        _ => false,
    };
    a == b || (bytes.is_ascii() && (bytes.is_empty() || !wide(a) && !wide(b)))
}

/// Entries in whatever order, save for those whose keys contain other values: these have to be in
/// the same order among themselves. Otherwise each level of keys within keys would be compared
/// more than once, and a few bytes could keep a process busy for ever.
fn same_entries(a: &[(Value, Value)], b: &[(Value, Value)]) -> bool {
    let deep = |entry: &&(Value, Value)| is_deep(&entry.0);
    a.len() == b.len()
        && a.iter().filter(deep).eq(b.iter().filter(deep))
        && same_fields(
            a.iter().filter(|entry| !is_deep(&entry.0)),
            b.iter().filter(|entry| !is_deep(&entry.0)),
        )
}

fn is_deep(key: &Value) -> bool {
    match key {
        Value::Array(_) | Value::Map(_) | Value::Object(_) | Value::Marshaled(_) => true,
        Value::Dumped(dumped) => dumped.0.extra.is_some(),
        _ => false,
    }
}

/// Values by plain names, in whatever order.
fn same_fields<'a, K: Eq + Hash + 'a>(
    a: impl Iterator<Item = &'a (K, Value)> + Clone,
    b: impl Iterator<Item = &'a (K, Value)> + Clone,
) -> bool {
    // In the same order, most often.
    if a.clone().map(|(name, _)| name).eq(b.clone().map(|(name, _)| name)) {
        return a.map(|(_, value)| value).eq(b.map(|(_, value)| value));
    }
    let mut index: HashMap<&K, &Value> = b.clone().map(|(name, value)| (name, value)).collect();
    // What occurs twice is equal to nothing but the same in the same order.
    index.len() == b.count()
        && a.into_iter().all(|(name, value)| index.remove(name) == Some(value))
        && index.is_empty()
}

impl Hash for Value {
    fn hash<H: Hasher>(&self, state: &mut H) {
        if let Some(value) = self.as_i64() {
            // The same for both forms.
            return value.hash(state);
        }
        std::mem::discriminant(self).hash(state);
        match self {
            Self::Nil => {}
            Self::Bool(value) => value.hash(state),
            Self::Int(value) => value.hash(state),
            Self::Float(value) => value.hash(state),
            Self::Symbol(value) => value.hash(state),
            Self::BigInt(value) => value.magnitude().hash(state),
            Self::Str(value) => value.as_bytes().hash(state),
            Self::Array(value) => value.items().hash(state),
            Self::Map(value) => hash_unordered(value.iter(), state),
            Self::Object(value) => {
                value.class().hash(state);
                hash_unordered(value.fields().iter(), state);
            }
            Self::Dumped(value) => {
                value.class().hash(state);
                value.payload().hash(state);
            }
            Self::Marshaled(value) => {
                value.class().hash(state);
                value.data().hash(state);
            }
            Self::Regexp(value) => value.0.body.source.hash(state),
            Self::Reference(value) => value.reference().hash(state),
            Self::Module(value) => value.0.body.name.hash(state),
            Self::Cycle(value) => value.levels.hash(state),
        }
    }
}

/// A hash that doesn't depend on the order.
fn hash_unordered<T: Hash, H: Hasher>(entries: impl Iterator<Item = T>, state: &mut H) {
    let mut sum = 0_u64;
    let mut count = 0_usize;
    for entry in entries {
        let mut hasher = DefaultHasher::new();
        entry.hash(&mut hasher);
        sum = sum.wrapping_add(hasher.finish());
        count += 1;
    }
    state.write_u64(sum);
    state.write_usize(count);
}

impl PartialEq<f64> for Float {
    fn eq(&self, other: &f64) -> bool {
        self.get() == *other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Found by fuzzing: each level of keys within keys was compared twice.
    #[test]
    fn keys_within_keys_are_compared_once() {
        let nest = |turned: bool| {
            (0..60).fold(Value::Nil, |key, level| {
                let mut entries = [(key, level), (Value::symbol("other"), 0)];
                if turned {
                    entries.reverse();
                }
                entries.into_iter().collect()
            })
        };
        assert_eq!(nest(true), nest(false));
        assert_eq!(HashMap::from([(nest(true), 1)]).get(&nest(false)), Some(&1));
    }

    #[test]
    fn the_order_of_plain_keys_does_not_matter() {
        let map = |keys: [&str; 3]| keys.into_iter().map(|key| (key, key.len() as i64)).collect();
        let equal = |a: [&str; 3], b: [&str; 3]| -> bool {
            let (a, b): (Value, Value) = (map(a), map(b));
            assert_eq!(a == b, b == a);
            a == b
        };
        assert!(equal(["a", "b", "c"], ["c", "a", "b"]));
        assert!(!equal(["a", "b", "c"], ["c", "a", "d"]));
        assert!(!equal(["a", "b", "b"], ["b", "a", "a"]));
        assert!(!equal(["a", "b", "c"], ["a", "a", "b"]));
        assert!(equal(["a", "b", "b"], ["a", "b", "b"]));
    }
}
