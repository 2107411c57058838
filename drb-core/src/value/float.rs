//! Floats with the identity that Ruby gives some of them.

use std::{fmt, ops::Deref, sync::Arc};

/// A float.
///
/// Ruby keeps most floats without an object, but not those whose exponent is extreme, nor `-0.0`,
/// infinities and NaN: these have an identity, which a message shows. It is kept when the float is
/// cloned.
///
/// ```
/// use drb_core::{Value, value::Float};
///
/// let float = Float::from(1.5);
/// assert_eq!(*float, 1.5);
/// assert_eq!(Value::from(1.5), Value::Float(float));
/// ```
#[derive(Clone)]
pub struct Float(Repr);

#[derive(Clone)]
enum Repr {
    Plain(f64),
    Object(Arc<f64>),
}

impl Float {
    /// The number.
    pub fn get(&self) -> f64 {
        **self
    }

    /// Where the object is, if this is one that others may share.
    pub(crate) fn identity(&self) -> Option<usize> {
        match &self.0 {
            Repr::Plain(_) => None,
            Repr::Object(float) => {
                (Arc::strong_count(float) > 1).then_some(Arc::as_ptr(float) as usize)
            }
        }
    }
}

/// Whether Ruby (on a machine of 64 bits) keeps a float without an object.
pub(crate) fn is_flonum(value: f64) -> bool {
    let bits = value.to_bits();
    // The three bits behind the sign tell whether the exponent is close to that of 1.
    bits == 0 || (matches!((bits >> 60) & 7, 3 | 4) && bits != 0x3000_0000_0000_0000)
}

impl From<f64> for Float {
    fn from(value: f64) -> Self {
        Self(if is_flonum(value) { Repr::Plain(value) } else { Repr::Object(Arc::new(value)) })
    }
}

impl Deref for Float {
    type Target = f64;

    fn deref(&self) -> &f64 {
        match &self.0 {
            Repr::Plain(value) => value,
            Repr::Object(value) => value,
        }
    }
}

impl PartialEq for Float {
    fn eq(&self, other: &Self) -> bool {
        self.get().to_bits() == other.get().to_bits()
    }
}

impl Eq for Float {}

impl std::hash::Hash for Float {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.get().to_bits().hash(state);
    }
}

impl fmt::Debug for Float {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}
