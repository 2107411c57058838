//! How a value of Rust comes off a wire.

use crate::{
    Apart, Budget, Limits, ObjectId, Reference, Remote, Session, Shape, Value,
    dispatch::push,
    error::{LoadError, LoadErrorKind},
    marshal,
    native::{self, PeerShape, Tables},
};
use bytes::Bytes;
use std::{borrow::Cow, sync::Arc};

/// A value that can be made from what a peer has sent.
///
/// `#[derive(DrbDumped)]` makes it together with [`Dump`](crate::Dump).
///
/// A hand-written `load` takes exactly one value from the [`Loader`].
///
/// ```
/// use drb_core::{Load, Loader, LoadError};
///
/// struct Celsius(f64);
///
/// impl Load for Celsius {
///     fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError> {
///         let degrees = loader.f64()?;
///         if degrees < -273.15 {
///             return Err(LoadError::custom(format!("{degrees} is below absolute zero")));
///         }
///         Ok(Self(degrees))
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be loaded from a wire",
    label = "not a value that drb can load",
    note = "for a type of yours, write `#[derive(DrbDumped)]`",
    note = "to take an object by reference, take its proxy",
    note = "a serde type crosses as `drb::Serde<T>` with the feature `serde`"
)]
pub trait Load: Sized {
    /// Loads the next value.
    ///
    /// # Errors
    /// What arrived is something else, is malformed, or exceeds a [`Limit`](crate::Limit).
    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError>;

    /// What stands for a field or an argument that did not arrive. `None` for an `Option`; for most
    /// types there is nothing, and its absence is an error.
    fn absent() -> Option<Self> {
        None
    }

    /// Loads a vector. Only `u8` does this in a way of its own: from a string of bytes.
    #[doc(hidden)]
    fn load_vec(loader: &mut Loader<'_>) -> Result<Vec<Self>, LoadError> {
        let len = loader.array()?;
        if len == 0 {
            loader.end()?;
            return Ok(Vec::new());
        }
        let mut items = Vec::with_capacity(loader.reserve::<Self>(len));
        for index in 0..len {
            Self::load_onto(&mut items, loader).map_err(|error| error.at(index))?;
        }
        loader.end()?;
        Ok(items)
    }

    /// Loads the next value to the end of a vector. A struct does this in a way of its own: its fields are loaded
    /// into their places there, and not moved as a whole.
    #[doc(hidden)]
    #[inline]
    fn load_onto(items: &mut Vec<Self>, loader: &mut Loader<'_>) -> Result<(), LoadError> {
        push(items, Self::load(loader)?);
        Ok(())
    }
}

/// Gives values one after the other, read straight from the bytes of a wire.
///
/// Whatever the bytes are, it doesn't panic, recurse without bound, or allocate more than what has
/// really arrived.
pub struct Loader<'de> {
    codec: Codec<'de>,
    session: Option<&'de dyn Session>,
}

// Both are made in place, and neither is ever moved.
#[allow(clippy::large_enum_variant)]
// Which one it is takes a byte of its own: each value asks for it.
#[repr(u8)]
enum Codec<'de> {
    Marshal(marshal::Reader<'de>),
    Native(native::Reader<'de>),
}

/// Delegates to the codec.
macro_rules! codec {
    ($self:ident, $reader:ident => $call:expr) => {
        match &mut $self.codec {
            Codec::Marshal($reader) => {
                std::hint::cold_path();
                $call
            }
            Codec::Native($reader) => $call,
        }
    };
}

/// What the next value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// `nil`.
    Nil,
    /// `true` or `false`.
    Bool,
    /// An integer of any size.
    Int,
    /// A float.
    Float,
    /// A string, of text or of bytes.
    Str,
    /// A symbol.
    Symbol,
    /// An array.
    Array,
    /// A map.
    Map,
    /// An object of a class (Ruby: an object or a Struct).
    Object,
    /// A reference to an object that lives elsewhere.
    Reference,
    /// Something that only a [`Value`] can hold.
    Other,
}

/// Where the loading of a struct stands; see [`Loader::object`].
#[derive(Debug, Default)]
pub struct Fields {
    /// Fields that are still to come on the wire.
    pub(crate) left: usize,
    /// The position in the shape that is likely to be next.
    pub(crate) expected: usize,
    /// Whether all names are symbols, as they are not in every map; or there are none, because the
    /// fields come in the order of a shape.
    pub(crate) symbols: bool,
    /// The names of that shape, if they are not those of ours.
    pub(crate) names: Option<Arc<PeerShape>>,
}

impl Fields {
    /// Whether none was taken yet, and they may be those of the shape in its order.
    pub(crate) fn may_be_in_order(&self, shape: &'static Shape) -> bool {
        self.symbols
            && self.names.is_none()
            && self.expected == 0
            && self.left == shape.fields.len()
    }

    /// What the two sides know of the struct, if the sender has told its own and they differ.
    pub(crate) fn apart(&self, shape: &'static Shape) -> Option<Apart> {
        let text = |names: Vec<&str>| format!("{} {{ {} }}", shape.class, names.join(", "));
        let found = self.names.as_ref()?.fields.iter();
        let found = found.map(|name| name.strip_prefix('@').unwrap_or(name)).collect();
        let expected = shape.fields.iter().map(|field| field.name).collect();
        Some(Apart { expected: text(expected), found: text(found) })
    }
}

impl<'de> Loader<'de> {
    /// Reads one Marshal stream.
    ///
    /// # Errors
    /// The stream's version is not one that this implementation reads (4.0 to 4.8).
    pub fn marshal(
        bytes: &'de [u8],
        limits: &Limits,
        session: Option<&'de dyn Session>,
    ) -> Result<Self, LoadError> {
        Self::marshal_with(bytes, Budget::new(limits, bytes.len()), session)
    }

    /// Reads one Marshal stream of a message that consists of several. `budget` is what those before
    /// it have left; [`Loader::budget`] gives what this one leaves.
    ///
    /// # Errors
    /// As [`Loader::marshal`].
    pub fn marshal_with(
        bytes: &'de [u8],
        budget: Budget,
        session: Option<&'de dyn Session>,
    ) -> Result<Self, LoadError> {
        Ok(Self { codec: Codec::Marshal(marshal::Reader::new(bytes, budget)?), session })
    }

    /// Reads values of the native wire. `tables` are those of the connection that they came over.
    #[inline(always)]
    pub fn native(
        bytes: &'de [u8],
        tables: &'de Tables,
        budget: Budget,
        session: Option<&'de dyn Session>,
    ) -> Self {
        let reader = native::Reader::new(bytes, budget, tables, session);
        Self { codec: Codec::Native(reader), session }
    }

    /// The same where the values are within one that has begun.
    pub(crate) fn within(
        bytes: &'de [u8],
        tables: &'de Tables,
        budget: Budget,
        session: Option<&'de dyn Session>,
    ) -> Self {
        let reader = native::Reader::within(bytes, budget, tables, session);
        Self { codec: Codec::Native(reader), session }
    }

    /// The bytes are at the end of a message, which goes on with the string that has travelled beside it.
    #[inline]
    pub(crate) fn end_with(&mut self, tail: Option<&'de native::Tail>) {
        if let (Codec::Native(reader), Some(_)) = (&mut self.codec, tail) {
            reader.end_with(tail);
        }
    }

    /// What is left of the message's bounds.
    pub fn budget(&self) -> Budget {
        *self.left()
    }

    /// The same where it is: it is large.
    #[inline]
    pub(crate) fn left(&self) -> &Budget {
        match &self.codec {
            Codec::Marshal(reader) => reader.budget(),
            Codec::Native(reader) => reader.budget(),
        }
    }

    /// How much of the bytes was taken, and what that has left of the bounds, where loading can go on there
    /// later: on the native wire.
    pub(crate) fn place(&self) -> Option<(usize, Budget)> {
        match &self.codec {
            Codec::Marshal(_) => None,
            Codec::Native(reader) => Some((reader.pos(), *reader.budget())),
        }
    }

    /// What the next value is, without taking it.
    pub fn kind(&mut self) -> Result<Kind, LoadError> {
        codec!(self, reader => reader.kind())
    }

    /// Whether an array is next that Ruby's drb has dumped element by element.
    pub(crate) fn is_drb_array(&mut self) -> Result<bool, LoadError> {
        codec!(self, reader => reader.is_drb_array())
    }

    /// Takes a `nil` if it is next, and says whether it was.
    #[inline]
    pub fn take_nil(&mut self) -> Result<bool, LoadError> {
        codec!(self, reader => reader.take_nil())
    }

    /// Takes a boolean.
    #[inline]
    pub fn bool(&mut self) -> Result<bool, LoadError> {
        codec!(self, reader => reader.bool())
    }

    /// Takes an integer that fits 64 bits with a sign.
    #[inline]
    pub fn i64(&mut self) -> Result<i64, LoadError> {
        codec!(self, reader => reader.i64())
    }

    /// Takes an integer without a sign that fits 32 bits, if it is next in a form in which that shows at once.
    #[inline]
    pub(crate) fn small_int(&mut self) -> Option<u32> {
        codec!(self, reader => reader.small_int())
    }

    /// Takes an integer that fits 128 bits with a sign.
    pub fn i128(&mut self) -> Result<i128, LoadError> {
        codec!(self, reader => reader.i128())
    }

    /// Takes an integer that fits 128 bits without a sign.
    #[inline]
    pub fn u128(&mut self) -> Result<u128, LoadError> {
        codec!(self, reader => reader.u128())
    }

    /// Takes an integer of any size: whether it is negative, and its magnitude, least significant
    /// byte first.
    pub fn big_int(&mut self) -> Result<(bool, Vec<u8>), LoadError> {
        codec!(self, reader => reader.big_int())
    }

    /// Takes a float; an integer is taken as one.
    #[inline]
    pub fn f64(&mut self) -> Result<f64, LoadError> {
        match &mut self.codec {
            // In registers.
            Codec::Marshal(reader) => reader.f64_bits().map(f64::from_bits),
            Codec::Native(reader) => reader.f64(),
        }
    }

    /// Takes a string of text, or a symbol.
    #[inline]
    pub fn str(&mut self) -> Result<Cow<'de, str>, LoadError> {
        codec!(self, reader => reader.str())
    }

    /// Takes a string of text that is going to be kept, or a symbol.
    #[inline]
    pub(crate) fn own_str(&mut self) -> Result<String, LoadError> {
        if let Some(text) = codec!(self, reader => reader.usual_text()) {
            return Ok(text.into());
        }
        self.str().map(Cow::into_owned)
    }

    /// Takes a string's bytes, whatever its encoding.
    pub fn bytes(&mut self) -> Result<Cow<'de, [u8]>, LoadError> {
        codec!(self, reader => reader.bytes())
    }

    /// Takes a string's bytes, to be shared; an array of integers will do, too.
    pub(crate) fn shared_bytes(&mut self) -> Result<Bytes, LoadError> {
        if let Codec::Native(reader) = &mut self.codec
            && let Some(bytes) = reader.string_beside()?
        {
            return Ok(bytes);
        }
        Vec::load(self).map(Bytes::from)
    }

    /// Takes a symbol; a string of text is taken as one.
    pub fn symbol(&mut self) -> Result<Cow<'de, str>, LoadError> {
        codec!(self, reader => reader.symbol())
    }

    /// Begins an array and gives its length; that many values are to be taken, then
    /// [`Loader::end`]. Don't allocate for the length before [`Loader::reserve`] has cut it down.
    #[inline(always)]
    pub fn array(&mut self) -> Result<usize, LoadError> {
        codec!(self, reader => reader.array())
    }

    /// Begins a map and gives its length; that many keys and values are to be taken, then
    /// [`Loader::end`].
    pub fn map(&mut self) -> Result<usize, LoadError> {
        codec!(self, reader => reader.map())
    }

    /// How many elements of type `T` to allocate for where a peer claims `len` of them: never more
    /// than what can have arrived. It also takes the memory of all `len` of them out of the message's
    /// [`Budget`]; if there is not so much left, loading the next value fails.
    #[inline]
    pub fn reserve<T>(&mut self, len: usize) -> usize {
        codec!(self, reader => reader.reserve(len, size_of::<T>()))
    }

    /// Begins a struct. [`Loader::field`] is to be called until it gives `None`, and the value taken
    /// (or [skipped](Loader::skip)) each time, then [`Loader::end`].
    ///
    /// # Errors
    /// What is next is neither an object nor a Struct of the shape's class nor a map.
    #[inline]
    pub fn object(&mut self, shape: &'static Shape) -> Result<Fields, LoadError> {
        codec!(self, reader => reader.object(shape))
    }

    /// The position in the shape of the field whose value is next. Fields that the shape doesn't
    /// have are skipped.
    pub fn field(
        &mut self,
        shape: &'static Shape,
        fields: &mut Fields,
    ) -> Result<Option<usize>, LoadError> {
        let position = self.next_field(shape, fields)?;
        Ok((position < shape.fields.len()).then_some(position))
    }

    /// The same, which gives the position of no field in the end.
    #[inline]
    #[doc(hidden)]
    pub fn next_field(
        &mut self,
        shape: &'static Shape,
        fields: &mut Fields,
    ) -> Result<usize, LoadError> {
        codec!(self, reader => reader.field(shape, fields))
    }

    /// Begins a struct whose fields follow in the order of the shape, if that shows at once, as it mostly does on
    /// the native wire.
    #[inline(always)]
    #[doc(hidden)]
    pub fn another(&mut self, shape: &'static Shape) -> Result<bool, LoadError> {
        match &mut self.codec {
            Codec::Marshal(_) => Ok(false),
            Codec::Native(reader) => reader.another(shape),
        }
    }

    /// Begins a struct as [`Loader::object`] does. Says whether its fields may be those of the shape in its
    /// order: then [`Loader::comes`] is to be asked before each.
    #[inline]
    #[doc(hidden)]
    pub fn begin(&mut self, shape: &'static Shape, fields: &mut Fields) -> Result<bool, LoadError> {
        match &mut self.codec {
            Codec::Marshal(reader) => {
                std::hint::cold_path();
                reader.begin_struct(shape, fields)
            }
            Codec::Native(reader) => {
                if reader.another(shape)? {
                    return Ok(true);
                }
                *fields = reader.object(shape)?;
                Ok(fields.may_be_in_order(shape))
            }
        }
    }

    /// Whether the field at `position` is next, where those before it have been. If it isn't,
    /// [`Loader::next_field`] says which one is.
    #[inline]
    #[doc(hidden)]
    pub fn comes(&mut self, shape: &'static Shape, position: usize, fields: &mut Fields) -> bool {
        match &mut self.codec {
            Codec::Marshal(reader) => {
                std::hint::cold_path();
                let comes = reader.comes(shape, position);
                if !comes {
                    fields.expected = position;
                    fields.left = fields.left.saturating_sub(position);
                }
                comes
            }
            // They have no names, so all are as the first.
            Codec::Native(_) => true,
        }
    }

    /// Ends an array, a map, or a struct.
    ///
    /// # Errors
    /// What Ruby has put behind its elements (instance variables, a default) is malformed.
    #[inline]
    pub fn end(&mut self) -> Result<(), LoadError> {
        codec!(self, reader => reader.end())
    }

    /// Begins a set, or an array in its place; gives how many members it has, and whether each is
    /// followed by a value that is to be [skipped](Loader::skip).
    pub(crate) fn set(&mut self) -> Result<(usize, bool), LoadError> {
        codec!(self, reader => reader.set())
    }

    /// Takes what names an object within a process: the reference that a request of Ruby's begins
    /// with.
    pub(crate) fn object_id(&mut self) -> Result<ObjectId, LoadError> {
        codec!(self, reader => reader.id())
    }

    /// Takes a moment in time.
    pub(crate) fn time(&mut self) -> Result<marshal::Moment, LoadError> {
        codec!(self, reader => reader.time())
    }

    /// Takes the next value and forgets it.
    pub fn skip(&mut self) -> Result<(), LoadError> {
        codec!(self, reader => reader.skip())
    }

    /// Takes the next value, whatever it is.
    pub fn value(&mut self) -> Result<Value, LoadError> {
        codec!(self, reader => reader.value())
    }

    /// Takes a reference.
    pub fn reference(&mut self) -> Result<Reference, LoadError> {
        codec!(self, reader => reader.reference())
    }

    /// What is referred to may be taken out of `held`, which is of this message: nothing is loaded twice.
    pub(crate) fn take_from(&mut self, held: &'de mut native::Held) {
        if let Codec::Native(reader) = &mut self.codec {
            reader.take_from(held);
        }
    }

    /// Takes a reference, as a proxy of its object.
    pub(crate) fn remote(&mut self) -> Result<Remote, LoadError> {
        if let Codec::Native(reader) = &mut self.codec
            && let Some(remote) = reader.remote()?
        {
            return Ok(remote);
        }
        let reference = self.reference()?;
        let Some(session) = self.session else { return Err(LoadErrorKind::NoSession.into()) };
        Ok(session.remote(reference))
    }

    /// What references are called through, if there is a peer.
    pub fn session(&self) -> Option<&'de dyn Session> {
        self.session
    }

    /// Marks the next value as the keywords at the end of a call's arguments, if it is that, and
    /// gives how many there are; that many symbols and values are to be taken, then
    /// [`Loader::end`].
    pub(crate) fn keywords(&mut self) -> Result<Option<usize>, LoadError> {
        codec!(self, reader => reader.keywords())
    }

    /// An error that says what was expected and what is there.
    pub fn mismatch(&mut self, expected: &'static str) -> LoadError {
        codec!(self, reader => reader.mismatch(expected))
    }
}
