//! Looking into values, whatever they are.

use super::{Extra, Map, ModuleKind, Object, Symbol, Value};
use crate::Reference;
use std::borrow::Cow;

impl Value {
    /// Whether this is `nil`.
    pub fn is_nil(&self) -> bool {
        matches!(self, Self::Nil)
    }

    /// The boolean, if this is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The integer, if this is one of up to 64 bits.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Int(value) => Some(*value),
            Self::BigInt(value) => value.to_i64(),
            _ => None,
        }
    }

    /// The number, if this is a float or an integer of up to 64 bits.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Float(value) => Some(value.get()),
            _ => self.as_i64().map(|value| value as f64),
        }
    }

    /// The text, if this is a string in UTF-8 (or in ASCII, or of bytes that are UTF-8), or a symbol.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(value) => value.as_str(),
            Self::Symbol(value) => std::str::from_utf8(value.as_bytes()).ok(),
            _ => None,
        }
    }

    /// The bytes of a string, whatever its encoding.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Str(value) => Some(value.as_bytes()),
            _ => None,
        }
    }

    /// The symbol, if this is one.
    pub fn as_symbol(&self) -> Option<&Symbol> {
        match self {
            Self::Symbol(value) => Some(value),
            _ => None,
        }
    }

    /// The elements, if this is an array, or one that Ruby's drb has dumped element by element
    /// (`DRb::DRbArray`).
    pub fn as_array(&self) -> Option<Cow<'_, [Self]>> {
        match self {
            Self::Array(value) => Some(Cow::Borrowed(value)),
            Self::Dumped(value) if value.class() == "DRb::DRbArray" => match value.unwrap()? {
                Self::Array(items) => Some(Cow::Owned(items.to_vec())),
                _ => None,
            },
            _ => None,
        }
    }

    /// The map, if this is one.
    pub fn as_map(&self) -> Option<&Map> {
        match self {
            Self::Map(value) => Some(value),
            _ => None,
        }
    }

    /// The object or Struct, if this is one.
    pub fn as_object(&self) -> Option<&Object> {
        match self {
            Self::Object(value) => Some(value),
            _ => None,
        }
    }

    /// The reference, if this is one.
    pub fn as_reference(&self) -> Option<&Reference> {
        match self {
            Self::Reference(value) => Some(&value.0.body.reference),
            _ => None,
        }
    }

    /// The value for a name: of a map's key that is this symbol or string, of an object's instance
    /// variable (with or without `@`), of a Struct's member.
    ///
    /// ```
    /// use drb_core::Value;
    ///
    /// let point = Value::from_iter([(Value::symbol("x"), 3), (Value::from("y"), 4)]);
    /// assert_eq!(point.get("x"), Some(&Value::from(3)));
    /// assert_eq!(point.get("y"), Some(&Value::from(4)));
    /// assert_eq!(point.get("z"), None);
    /// ```
    pub fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Map(map) => {
                let is = |key: &Self| match key {
                    Self::Symbol(key) => key == name,
                    Self::Str(key) => key.as_bytes() == name.as_bytes(),
                    _ => false,
                };
                map.iter().find(|(key, _)| is(key)).map(|(_, value)| value)
            }
            Self::Object(object) => object.get(name),
            _ => None,
        }
    }

    /// The value of an instance variable (with or without `@`), which anything can have.
    pub fn ivar(&self, name: &str) -> Option<&Self> {
        let own = match self {
            Self::Object(object) if !object.is_struct() => object.get(name),
            _ => None,
        };
        own.or_else(|| find(&self.extra()?.ivars, name))
    }

    /// Ruby's name of the class.
    pub fn class(&self) -> Cow<'_, str> {
        if let Some(class) = self.extra().and_then(|extra| extra.class.as_ref()) {
            return class.to_text();
        }
        Cow::Borrowed(match self {
            Self::Nil => "NilClass",
            Self::Bool(true) => "TrueClass",
            Self::Bool(false) => "FalseClass",
            Self::Int(_) | Self::BigInt(_) => "Integer",
            Self::Float(_) => "Float",
            Self::Symbol(_) => "Symbol",
            Self::Str(_) => "String",
            Self::Array(_) => "Array",
            Self::Map(_) => "Hash",
            Self::Regexp(_) => "Regexp",
            Self::Reference(_) => "DRb::DRbObject",
            Self::Module(module) if module.kind() == ModuleKind::Class => "Class",
            Self::Module(_) => "Module",
            Self::Object(object) => return object.0.body.class.to_text(),
            Self::Dumped(dumped) => return dumped.0.body.class.to_text(),
            Self::Marshaled(marshaled) => return marshaled.0.body.class.to_text(),
            Self::Cycle(cycle) => {
                return Cow::Owned(
                    cycle.upgrade().map_or_else(String::new, |value| value.class().into_owned()),
                );
            }
        })
    }

    /// The modules that extend this one object, the last first.
    pub fn extended(&self) -> &[Symbol] {
        self.extra().map_or(&[], |extra| &extra.extended)
    }

    pub(crate) fn extra(&self) -> Option<&Extra> {
        match self {
            Self::Str(value) => value.0.extra.as_deref(),
            Self::Array(value) => value.0.extra.as_deref(),
            Self::Map(value) => value.0.extra.as_deref(),
            Self::Object(value) => value.0.extra.as_deref(),
            Self::Dumped(value) => value.0.extra.as_deref(),
            Self::Marshaled(value) => value.0.extra.as_deref(),
            Self::Regexp(value) => value.0.extra.as_deref(),
            _ => None,
        }
    }
}

pub(super) fn find<'a>(fields: &'a [(Symbol, Value)], name: &str) -> Option<&'a Value> {
    let bare = |name: &[u8]| name.first() == Some(&b'@');
    let name = name.strip_prefix('@').unwrap_or(name).as_bytes();
    let is = |field: &Symbol| {
        let field = field.as_bytes();
        (if bare(field) { field.get(1..).unwrap_or_default() } else { field }) == name
    };
    fields.iter().find(|(field, _)| is(field)).map(|(_, value)| value)
}
