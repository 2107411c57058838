//! What has an identity in Ruby: shared nodes, and what they hold.

use super::{Symbol, Value};
use crate::{Reference, Remote};
use std::sync::{Arc, Weak};

/// What a node holds, and what anything can have besides.
#[derive(Default)]
pub(crate) struct Node<B> {
    pub(crate) body: B,
    pub(crate) extra: Option<Box<Extra>>,
}

impl<B> Node<B> {
    /// Where the node is, if it may be met again.
    pub(crate) fn identity(self: &Arc<Self>) -> Option<usize> {
        let shared = Arc::strong_count(self) > 1 || Arc::weak_count(self) > 0;
        shared.then_some(Arc::as_ptr(self) as usize)
    }
}

/// What is rare.
#[derive(Default)]
pub(crate) struct Extra {
    /// A class of one's own, derived from String, Array, Hash or Regexp.
    pub(crate) class: Option<Symbol>,
    /// The modules that extend this one object.
    pub(crate) extended: Vec<Symbol>,
    /// Instance variables.
    pub(crate) ivars: Vec<(Symbol, Value)>,
}

/// The encoding of a string or a symbol.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Encoding {
    /// Bytes of no encoding (Ruby: `BINARY`).
    Binary,
    /// UTF-8.
    #[default]
    Utf8,
    /// ASCII.
    UsAscii,
    /// Any other, by the name that Ruby has for it.
    Other(Arc<str>),
}

impl Encoding {
    /// The encoding that Ruby has under a name.
    pub fn named(name: &str) -> Self {
        match name {
            "BINARY" | "ASCII-8BIT" => Self::Binary,
            "UTF-8" => Self::Utf8,
            "US-ASCII" => Self::UsAscii,
            other => Self::Other(other.into()),
        }
    }

    /// Ruby's name of it.
    pub fn name(&self) -> &str {
        match self {
            Self::Binary => "BINARY",
            Self::Utf8 => "UTF-8",
            Self::UsAscii => "US-ASCII",
            Self::Other(name) => name,
        }
    }
}

/// Which of Ruby's two kinds of classes a [`Module`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ModuleKind {
    /// A class.
    Class,
    /// A module.
    Module,
    /// One of both: written by a Ruby before 1.8.
    Old,
}

#[derive(Default)]
pub(crate) struct StrBody {
    pub(crate) bytes: Vec<u8>,
    pub(crate) encoding: Encoding,
}

#[derive(Default)]
pub(crate) struct ArrayBody {
    pub(crate) items: Vec<Value>,
}

#[derive(Default)]
pub(crate) struct MapBody {
    pub(crate) entries: Vec<(Value, Value)>,
    pub(crate) default: Option<Value>,
    pub(crate) by_identity: bool,
    pub(crate) keywords: bool,
}

pub(crate) struct ObjectBody {
    pub(crate) class: Symbol,
    pub(crate) is_struct: bool,
    pub(crate) fields: Vec<(Symbol, Value)>,
}

pub(crate) struct DumpedBody {
    pub(crate) class: Symbol,
    pub(crate) payload: Vec<u8>,
    /// Of the payload, if it says so.
    pub(crate) encoding: Encoding,
}

pub(crate) struct MarshaledBody {
    pub(crate) class: Symbol,
    /// Whether it is an object of an extension (`_dump_data`).
    pub(crate) is_data: bool,
    pub(crate) data: Value,
}

pub(crate) struct RegexpBody {
    pub(crate) source: Vec<u8>,
    pub(crate) options: u8,
    pub(crate) encoding: Encoding,
}

pub(crate) struct ReferenceBody {
    pub(crate) reference: Reference,
    /// The class and the bytes in which it came.
    pub(crate) came_as: Option<(Symbol, Vec<u8>)>,
    /// Holds the object, where it came over the native wire.
    #[allow(dead_code, reason = "it is there to be dropped")]
    pub(crate) held: Option<Remote>,
}

pub(crate) struct BigIntBody {
    pub(crate) negative: bool,
    /// The least significant byte first, without zeros at the end.
    pub(crate) magnitude: Vec<u8>,
}

pub(crate) struct ModuleBody {
    pub(crate) kind: ModuleKind,
    pub(crate) name: Vec<u8>,
}

/// Makes the types through which nodes are shared.
macro_rules! handles {
    ($($(#[$doc:meta])* $name:ident($body:ty)),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name(pub(crate) Arc<Node<$body>>);

        impl $name {
            /// A node without anything rare.
            pub(crate) fn of(body: $body) -> Self {
                Self(Arc::new(Node { body, extra: None }))
            }

            /// Whether both are the same object, not only equal ones (Ruby: `equal?`).
            pub fn is_same(&self, other: &Self) -> bool {
                Arc::ptr_eq(&self.0, &other.0)
            }
        }
    )*};
}

handles! {
    /// A Ruby String: bytes with an encoding.
    Str(StrBody),
    /// A Ruby Array.
    Array(ArrayBody),
    /// A Ruby Hash: keys with values, in their order.
    Map(MapBody),
    /// A Ruby object with instance variables, or a Struct with members.
    Object(ObjectBody),
    /// A Ruby object whose class makes a string of it.
    Dumped(DumpedBody),
    /// A Ruby object whose class makes another value of it.
    Marshaled(MarshaledBody),
    /// A Ruby Regexp.
    Regexp(RegexpBody),
    /// A reference to an object of some process (Ruby: `DRb::DRbObject`).
    ReferenceValue(ReferenceBody),
    /// An integer of more than 64 bits.
    BigInt(BigIntBody),
    /// A Ruby class or module.
    Module(ModuleBody),
}

/// The place of a value within itself: what an array that contains itself has as its element.
///
/// It doesn't keep the value alive, so a cycle is freed like everything else.
#[derive(Clone)]
pub struct Cycle {
    pub(crate) target: Target,
}

#[derive(Clone)]
pub(crate) enum Target {
    Str(Weak<Node<StrBody>>),
    Array(Weak<Node<ArrayBody>>),
    Map(Weak<Node<MapBody>>),
    Object(Weak<Node<ObjectBody>>),
    Marshaled(Weak<Node<MarshaledBody>>),
    Regexp(Weak<Node<RegexpBody>>),
}

impl Cycle {
    /// The value that contains this place, if it is still there.
    pub fn upgrade(&self) -> Option<Value> {
        Some(match &self.target {
            Target::Str(node) => Value::Str(Str(node.upgrade()?)),
            Target::Array(node) => Value::Array(Array(node.upgrade()?)),
            Target::Map(node) => Value::Map(Map(node.upgrade()?)),
            Target::Object(node) => Value::Object(Object(node.upgrade()?)),
            Target::Marshaled(node) => Value::Marshaled(Marshaled(node.upgrade()?)),
            Target::Regexp(node) => Value::Regexp(Regexp(node.upgrade()?)),
        })
    }
}

impl Value {
    /// The value itself, or the one whose place this is, if that is still there.
    pub(super) fn whole(&self) -> Option<Self> {
        match self {
            Self::Cycle(cycle) => cycle.upgrade(),
            other => Some(other.clone()),
        }
    }

    /// Where the node is, if there can be values in it.
    pub(super) fn address(&self) -> Option<usize> {
        fn of<B>(node: &Arc<Node<B>>) -> Option<usize> {
            Some(Arc::as_ptr(node) as usize)
        }
        match self {
            Self::Array(value) => of(&value.0),
            Self::Map(value) => of(&value.0),
            Self::Object(value) => of(&value.0),
            Self::Dumped(value) => of(&value.0),
            Self::Marshaled(value) => of(&value.0),
            _ => None,
        }
    }

    /// Where the node is, if it may be met again.
    pub(crate) fn identity(&self) -> Option<usize> {
        match self {
            Self::Str(value) => value.0.identity(),
            Self::Array(value) => value.0.identity(),
            Self::Map(value) => value.0.identity(),
            Self::Object(value) => value.0.identity(),
            Self::Dumped(value) => value.0.identity(),
            Self::Marshaled(value) => value.0.identity(),
            Self::Regexp(value) => value.0.identity(),
            Self::Reference(value) => value.0.identity(),
            Self::BigInt(value) => value.0.identity(),
            Self::Float(value) => value.identity(),
            _ => None,
        }
    }
}
