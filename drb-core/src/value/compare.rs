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
                        && same_entries(a.fields(), b.fields()))
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

/// Entries or fields, in whatever order.
fn same_entries<K: Eq + Hash>(a: &[(K, Value)], b: &[(K, Value)]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    // In the same order, most often.
    if a.iter().map(|(key, _)| key).eq(b.iter().map(|(key, _)| key)) {
        return a.iter().map(|(_, value)| value).eq(b.iter().map(|(_, value)| value));
    }
    // Both ways, as a key may occur twice.
    contains(a, b) && contains(b, a)
}

/// Whether each entry of the one is an entry of the other.
fn contains<K: Eq + Hash>(entries: &[(K, Value)], of: &[(K, Value)]) -> bool {
    let index: HashMap<&K, &Value> = of.iter().map(|(key, value)| (key, value)).collect();
    entries.iter().all(|(key, value)| index.get(key) == Some(&value))
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
