//! Values whose type is known only when they arrive.

mod access;
mod convert;
mod equal;
mod float;
mod hash;
mod inspect;
mod node;
mod parts;
mod symbol;

pub use float::Float;
pub(crate) use float::is_flonum;
pub use node::{
    Array, BigInt, Cycle, Dumped, Encoding, Map, Marshaled, Module, ModuleKind, Object,
    ReferenceValue, Regexp, Str,
};
pub(crate) use node::{
    ArrayBody, BigIntBody, DumpedBody, Extra, MapBody, MarshaledBody, ModuleBody, Node, ObjectBody,
    ReferenceBody, RegexpBody, StrBody, Target,
};
pub use symbol::Symbol;

/// Anything that a peer can send: Ruby's object model as data.
///
/// A value that came from a Ruby process goes back to it as it was, byte for byte: encodings,
/// instance variables, subclasses, what is shared and what is cyclic, and objects of classes that
/// nobody here knows. What Ruby has an identity for is shared when it is cloned, so cloning is
/// cheap, and a value that occurs twice in a message arrives as one object that occurs twice.
///
/// Two values are equal as Ruby's `eql?` says (`1` is not `1.0`, a map is equal whatever its order,
/// save for keys that are arrays, maps or objects themselves); objects are equal when their classes
/// and fields are. Values that contain themselves are equal when a walk over both in step finds no
/// difference, wherever it may begin. So a `Value` can be the key of a map.
///
/// ```
/// use drb_core::Value;
///
/// let value = Value::from(vec![Value::from(1), Value::from("two"), Value::symbol("three")]);
/// assert_eq!(value.to_string(), r#"[1, "two", :three]"#);
///
/// match &value {
///     Value::Array(items) => assert_eq!(items.len(), 3),
///     other => panic!("{other:?}"),
/// }
/// let (number, text, name) = value.to::<(u8, String, String)>()?;
/// assert_eq!((number, text.as_str(), name.as_str()), (1, "two", "three"));
/// # Ok::<(), drb_core::LoadError>(())
/// ```
#[derive(Clone, Default)]
#[non_exhaustive]
pub enum Value {
    /// `nil`.
    #[default]
    Nil,
    /// `true` or `false`.
    Bool(bool),
    /// An integer of up to 64 bits.
    Int(i64),
    /// A larger integer.
    BigInt(BigInt),
    /// A float.
    Float(Float),
    /// A symbol.
    Symbol(Symbol),
    /// A string, of text or of bytes.
    Str(Str),
    /// An array.
    Array(Array),
    /// A map.
    Map(Map),
    /// An object with instance variables, or a Struct with members.
    Object(Object),
    /// A reference to an object of some process.
    Reference(ReferenceValue),
    /// An object whose class makes a string of it (Ruby: `_dump`), such as a `Time`.
    Dumped(Dumped),
    /// An object whose class makes another value of it (Ruby: `marshal_dump`), such as a
    /// `Rational`.
    Marshaled(Marshaled),
    /// A regular expression.
    Regexp(Regexp),
    /// A class or a module, by its name.
    Module(Module),
    /// A value that contains this place.
    Cycle(Cycle),
}
