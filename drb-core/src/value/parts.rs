//! Making and looking into each kind of value.

use super::{
    Array, BigInt, Dumped, Encoding, Map, Marshaled, Module, ModuleKind, Object, ReferenceValue,
    Regexp, Str, StrBody, Symbol, Value, access::find,
};
use crate::Reference;
use std::{borrow::Cow, ops::Deref};

impl Str {
    /// A string of bytes in an encoding.
    pub fn new(bytes: impl Into<Vec<u8>>, encoding: Encoding) -> Self {
        Self::of(StrBody { bytes: bytes.into(), encoding })
    }

    /// The text, if it is in UTF-8 (or in ASCII, or of bytes that are UTF-8).
    pub fn as_str(&self) -> Option<&str> {
        match self.0.body.encoding {
            Encoding::Other(_) => None,
            _ => std::str::from_utf8(&self.0.body.bytes).ok(),
        }
    }

    /// The text, converted if its encoding is one of those that drb knows.
    pub fn to_text(&self) -> Option<Cow<'_, str>> {
        let StrBody { bytes, encoding } = &self.0.body;
        crate::marshal::decode_text(bytes, encoding.name().as_bytes())
    }

    /// The bytes, whatever the encoding.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0.body.bytes
    }

    /// The encoding.
    pub fn encoding(&self) -> &Encoding {
        &self.0.body.encoding
    }
}

impl Array {
    /// The elements.
    pub fn items(&self) -> &[Value] {
        &self.0.body.items
    }
}

impl Deref for Array {
    type Target = [Value];

    fn deref(&self) -> &[Value] {
        self.items()
    }
}

impl Map {
    /// The entries in their order.
    pub fn entries(&self) -> &[(Value, Value)] {
        &self.0.body.entries
    }

    /// What Ruby gives for a key that is not there, if that isn't `nil`.
    pub fn default_value(&self) -> Option<&Value> {
        self.0.body.default.as_ref()
    }

    /// Whether keys are compared by identity in Ruby.
    pub fn compares_by_identity(&self) -> bool {
        self.0.body.by_identity
    }

    /// Whether these were the keywords at the end of a call's arguments.
    pub fn are_keywords(&self) -> bool {
        self.0.body.keywords
    }

    /// The value for a key.
    pub fn lookup(&self, key: &Value) -> Option<&Value> {
        self.iter().find(|(own, _)| own == key).map(|(_, value)| value)
    }
}

impl Deref for Map {
    type Target = [(Value, Value)];

    fn deref(&self) -> &[(Value, Value)] {
        self.entries()
    }
}

impl Object {
    /// An object of a class with instance variables; each name begins with an `@`.
    ///
    /// ```
    /// use drb_core::{Value, value::Object};
    ///
    /// let user = Value::from(Object::new("User", [("@name", Value::from("Ada"))]));
    /// assert_eq!(user.class(), "User");
    /// assert_eq!(user.get("name"), Some(&Value::from("Ada")));
    /// ```
    pub fn new<N: Into<Symbol>>(
        class: impl Into<Symbol>,
        ivars: impl IntoIterator<Item = (N, Value)>,
    ) -> Self {
        Self::make(class.into(), false, ivars)
    }

    /// A Struct of a class with members.
    pub fn new_struct<N: Into<Symbol>>(
        class: impl Into<Symbol>,
        members: impl IntoIterator<Item = (N, Value)>,
    ) -> Self {
        Self::make(class.into(), true, members)
    }

    fn make<N: Into<Symbol>>(
        class: Symbol,
        is_struct: bool,
        fields: impl IntoIterator<Item = (N, Value)>,
    ) -> Self {
        let fields = fields.into_iter().map(|(name, value)| (name.into(), value)).collect();
        Self::of(super::ObjectBody { class, is_struct, fields })
    }

    /// Ruby's name of the class.
    pub fn class(&self) -> &Symbol {
        &self.0.body.class
    }

    /// Whether this is a Struct.
    pub fn is_struct(&self) -> bool {
        self.0.body.is_struct
    }

    /// The instance variables (with `@`, save for some of Ruby's own classes) or members, in their
    /// order.
    pub fn fields(&self) -> &[(Symbol, Value)] {
        &self.0.body.fields
    }

    /// The value of an instance variable or member (with or without `@`).
    pub fn get(&self, name: &str) -> Option<&Value> {
        find(self.fields(), name)
    }
}

impl Dumped {
    /// An object of a class, as the bytes that its class's `_load` takes.
    pub fn new(class: impl Into<Symbol>, payload: impl Into<Vec<u8>>) -> Self {
        let (class, payload) = (class.into(), payload.into());
        Self::of(super::DumpedBody { class, payload, encoding: Encoding::Binary })
    }

    /// Ruby's name of the class.
    pub fn class(&self) -> &Symbol {
        &self.0.body.class
    }

    /// What the class has made of it.
    pub fn payload(&self) -> &[u8] {
        &self.0.body.payload
    }

    /// The value within, where the payload is a Marshal stream itself, as that of a `DRb::DRbArray`
    /// or a `DRb::DRbUnknown`.
    pub fn unwrap(&self) -> Option<Value> {
        Value::from_marshal(self.payload()).ok()
    }
}

impl Marshaled {
    /// Ruby's name of the class.
    pub fn class(&self) -> &Symbol {
        &self.0.body.class
    }

    /// What the class has made of it.
    pub fn data(&self) -> &Value {
        &self.0.body.data
    }

    /// An object of a class, as the value that its `marshal_load` takes.
    pub fn new(class: impl Into<Symbol>, data: impl Into<Value>) -> Self {
        let (class, data) = (class.into(), data.into());
        Self::of(super::MarshaledBody { class, is_data: false, data })
    }
}

impl Regexp {
    /// A regular expression, with Ruby's options: 1 for `i`, 2 for `x`, 4 for `m`.
    pub fn new(source: &str, options: u8) -> Self {
        let encoding = if source.is_ascii() { Encoding::UsAscii } else { Encoding::Utf8 };
        Self::of(super::RegexpBody { source: source.into(), options, encoding })
    }

    /// The source.
    pub fn source(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0.body.source)
    }

    /// Ruby's options: 1 for `i`, 2 for `x`, 4 for `m`, 16 for a fixed encoding, 32 for none.
    pub fn options(&self) -> u8 {
        self.0.body.options
    }

    /// The source's encoding.
    pub fn encoding(&self) -> &Encoding {
        &self.0.body.encoding
    }
}

impl ReferenceValue {
    /// Which object it means.
    pub fn reference(&self) -> &Reference {
        &self.0.body.reference
    }
}

impl BigInt {
    /// An integer from its sign and its magnitude, the least significant byte first.
    pub fn new(negative: bool, magnitude: &[u8]) -> Self {
        let len = magnitude.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        let magnitude = magnitude.get(..len).unwrap_or_default().to_vec();
        Self::of(super::node::BigIntBody { negative, magnitude })
    }

    /// Whether it is below zero.
    pub fn is_negative(&self) -> bool {
        self.0.body.negative
    }

    /// The integer, if it fits 64 bits.
    pub fn to_i64(&self) -> Option<i64> {
        let mut bytes = [0; 16];
        bytes.get_mut(..self.magnitude().len())?.copy_from_slice(self.magnitude());
        let wide = i128::try_from(u128::from_le_bytes(bytes)).ok()?;
        i64::try_from(if self.is_negative() { -wide } else { wide }).ok()
    }

    /// The magnitude, the least significant byte first, without zeros at the end.
    pub fn magnitude(&self) -> &[u8] {
        &self.0.body.magnitude
    }
}

impl Module {
    /// A class or a module.
    pub fn new(kind: ModuleKind, name: &str) -> Self {
        Self::of(super::node::ModuleBody { kind, name: name.as_bytes().to_vec() })
    }

    /// What it is.
    pub fn kind(&self) -> ModuleKind {
        self.0.body.kind
    }

    /// The name.
    pub fn name(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0.body.name)
    }
}
