//! Equality as Ruby's `eql?`, of values that contain themselves, too.

use super::{Encoding, Float, Symbol, Value, node::Target};
use std::{
    collections::{BTreeMap, HashMap},
    hash::Hash,
};

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        outside(self, other).unwrap_or_else(|| Comparison::default().run(self, other))
    }
}

impl Eq for Value {}

impl PartialEq<f64> for Float {
    fn eq(&self, other: &f64) -> bool {
        self.get() == *other
    }
}

/// How many values within values are compared on the stack; what is deeper waits in a list.
const DEEPEST: usize = 100;

/// Walks over two values in step. They are equal if that never finds a difference. So it doesn't
/// matter at which of its values a cycle was entered, nor how often a cycle repeats itself.
#[derive(Default)]
struct Comparison {
    /// The shared nodes that have been met together, by their addresses: each is the same as another
    /// one, up to one that stands for all (union-find). They are equal unless there is a difference
    /// elsewhere, so no two are compared again.
    same: BTreeMap<usize, usize>,
    /// What is still to be compared.
    todo: Vec<(Value, Value)>,
    /// What has been: as long as it is here, its address means nothing else.
    done: Vec<(Value, Value)>,
    depth: usize,
}

impl Comparison {
    fn run(mut self, a: &Value, b: &Value) -> bool {
        let mut equal = self.pair(a, b);
        while equal && let Some((a, b)) = self.todo.pop() {
            equal = self.pair(&a, &b);
            self.done.push((a, b));
        }
        equal
    }

    /// Whether there is no difference so far.
    fn pair(&mut self, a: &Value, b: &Value) -> bool {
        if let Some(equal) = outside(a, b) {
            return equal;
        }
        if let (Value::Cycle(_), _) | (_, Value::Cycle(_)) = (a, b) {
            return match (a.whole(), b.whole()) {
                (Some(a), Some(b)) => {
                    self.todo.push((a, b));
                    true
                }
                // Both are places of what is gone.
                (None, None) => true,
                _ => false,
            };
        }
        if self.depth == DEEPEST {
            self.todo.push((a.clone(), b.clone()));
            return true;
        }
        // What nobody shares is not met twice.
        if (a.identity().is_some() || b.identity().is_some()) && !self.join(a, b) {
            return true;
        }
        self.depth += 1;
        let equal = self.within(a, b);
        self.depth -= 1;
        equal
    }

    /// Takes two nodes for the same from now on; tells whether that is new.
    fn join(&mut self, a: &Value, b: &Value) -> bool {
        let (Some(a), Some(b)) = (a.address(), b.address()) else { return true };
        let (a, b) = (self.representative(a), self.representative(b));
        if a != b {
            self.same.insert(a, b);
        }
        a != b
    }

    fn representative(&mut self, mut node: usize) -> usize {
        while let Some(&next) = self.same.get(&node) {
            // Shortens the way for the next time.
            if let Some(&further) = self.same.get(&next) {
                self.same.insert(node, further);
            }
            node = next;
        }
        node
    }

    /// Compares what two values of one kind hold.
    fn within(&mut self, a: &Value, b: &Value) -> bool {
        match (a, b) {
            (Value::Array(a), Value::Array(b)) => {
                a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| self.pair(a, b))
            }
            (Value::Map(a), Value::Map(b)) => self.entries(a, b),
            (Value::Object(a), Value::Object(b)) => {
                self.fields(a.fields().iter(), b.fields().iter())
            }
            (Value::Dumped(a), Value::Dumped(b)) => match (&a.0.extra, &b.0.extra) {
                (Some(a), Some(b)) => self.ivars(&a.ivars, &b.ivars),
                (a, b) => a.is_none() && b.is_none(),
            },
            (Value::Marshaled(a), Value::Marshaled(b)) => self.pair(a.data(), b.data()),
            _ => false,
        }
    }

    fn ivars(&mut self, a: &[(Symbol, Value)], b: &[(Symbol, Value)]) -> bool {
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.0 == b.0 && self.pair(&a.1, &b.1))
    }

    /// Entries in whatever order, save for those whose keys contain other values: these have to be
    /// in the same order among themselves. Otherwise each level of keys within keys would be
    /// compared more than once, and a few bytes could keep a process busy for ever.
    fn entries(&mut self, a: &[(Value, Value)], b: &[(Value, Value)]) -> bool {
        if a.len() != b.len() {
            return false;
        }
        let mut others = b.iter().filter(|(key, _)| is_deep(key));
        for (key, value) in a.iter().filter(|(key, _)| is_deep(key)) {
            let Some((other_key, other)) = others.next() else { return false };
            if !self.pair(key, other_key) || !self.pair(value, other) {
                return false;
            }
        }
        others.next().is_none()
            && self.fields(
                a.iter().filter(|(key, _)| !is_deep(key)),
                b.iter().filter(|(key, _)| !is_deep(key)),
            )
    }

    /// Values by plain names, in whatever order.
    fn fields<'a, K: Eq + Hash + 'a>(
        &mut self,
        a: impl Iterator<Item = &'a (K, Value)> + Clone,
        b: impl Iterator<Item = &'a (K, Value)> + Clone,
    ) -> bool {
        // In the same order, most often.
        if a.clone().map(|(name, _)| name).eq(b.clone().map(|(name, _)| name)) {
            return a.zip(b).all(|((_, a), (_, b))| self.pair(a, b));
        }
        let mut index: HashMap<&K, &Value> = b.clone().map(|(name, value)| (name, value)).collect();
        // What occurs twice is equal to nothing but the same in the same order.
        index.len() == b.count()
            && a.into_iter().all(|(name, value)| {
                index.remove(name).is_some_and(|other| self.pair(value, other))
            })
            && index.is_empty()
    }
}

/// Whether two values are equal, if that is known without a look at the values within them.
fn outside(a: &Value, b: &Value) -> Option<bool> {
    Some(match (a, b) {
        (Value::Cycle(_), _) | (_, Value::Cycle(_)) => return None,
        (Value::Nil, Value::Nil) => true,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Int(a), Value::Int(b)) => a == b,
        (Value::Float(a), Value::Float(b)) => a == b,
        (Value::Symbol(a), Value::Symbol(b)) => a == b,
        (Value::BigInt(a), Value::BigInt(b)) => {
            let (a, b) = (&a.0.body, &b.0.body);
            a.negative == b.negative && a.magnitude == b.magnitude
        }
        // An integer between the two forms can have either.
        (Value::Int(a), Value::BigInt(b)) | (Value::BigInt(b), Value::Int(a)) => {
            b.to_i64() == Some(*a)
        }
        (Value::Str(a), Value::Str(b)) => {
            a.as_bytes() == b.as_bytes()
                && (a.encoding() == b.encoding()
                    || (plain(a.as_bytes(), a.encoding()) && plain(b.as_bytes(), b.encoding())))
        }
        (Value::Regexp(a), Value::Regexp(b)) => {
            let (a, b) = (&a.0.body, &b.0.body);
            a.source == b.source && a.options == b.options && a.encoding == b.encoding
        }
        (Value::Reference(a), Value::Reference(b)) => a.reference() == b.reference(),
        (Value::Module(a), Value::Module(b)) => {
            a.kind() == b.kind() && a.0.body.name == b.0.body.name
        }
        (Value::Array(a), Value::Array(b)) => return a.is_same(b).then_some(true),
        (Value::Map(a), Value::Map(b)) => return a.is_same(b).then_some(true),
        (Value::Object(a), Value::Object(b)) => {
            let alike = a.is_struct() == b.is_struct() && a.class() == b.class();
            return if alike { a.is_same(b).then_some(true) } else { Some(false) };
        }
        (Value::Dumped(a), Value::Dumped(b)) => {
            let alike = a.class() == b.class() && a.payload() == b.payload();
            let whole = a.is_same(b) || (a.0.extra.is_none() && b.0.extra.is_none());
            return if alike { whole.then_some(true) } else { Some(false) };
        }
        (Value::Marshaled(a), Value::Marshaled(b)) => {
            let alike = a.class() == b.class();
            return if alike { a.is_same(b).then_some(true) } else { Some(false) };
        }
        _ => false,
    })
}

/// Whether bytes mean the same in all encodings, but those of which a character has several bytes.
pub(super) fn plain(bytes: &[u8], encoding: &Encoding) -> bool {
    let wide = match encoding {
        Encoding::Other(name) => name.starts_with("UTF-16") || name.starts_with("UTF-32"),
        _ => false,
    };
    bytes.is_empty() || (bytes.is_ascii() && !wide)
}

fn is_deep(key: &Value) -> bool {
    match key {
        Value::Array(_) | Value::Map(_) | Value::Object(_) | Value::Marshaled(_) => true,
        Value::Dumped(dumped) => dumped.0.extra.is_some(),
        Value::Cycle(cycle) => !matches!(cycle.target, Target::Str(_) | Target::Regexp(_)),
        _ => false,
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
