//! How a value of Rust goes onto a wire.

use crate::{
    Limit, Limits, ObjectId, Reference, Session, Shape, Value,
    dispatch::Dispatch,
    error::DumpError,
    marshal,
    native::{self, Collected},
};
use bytes::Bytes;
use std::sync::Arc;

/// A value that is copied to the peer.
///
/// Derive it with `#[derive(DrbDumped)]`, which also makes [`Load`](crate::Load). It is implemented
/// for the types of std that hold values.
///
/// A hand-written `dump` makes exactly one value: one call of one of [`Dumper`]'s methods, or
/// [`Dumper::array`], [`Dumper::map`] or [`Dumper::object`] with what belongs into it and
/// [`Dumper::end`].
///
/// ```
/// use drb_core::{Dump, Dumper, DumpError};
///
/// struct Celsius(f64);
///
/// impl Dump for Celsius {
///     fn dump(&self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
///         dumper.float(self.0)
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be copied onto a wire",
    label = "not a value that drb can dump",
    note = "for a type of yours, write `#[derive(DrbDumped)]` (copied) or `#[derive(DrbUndumped)]` (by reference)",
    note = "a serde type crosses as `drb::Serde<T>` with the feature `serde`"
)]
pub trait Dump {
    /// Dumps the value.
    ///
    /// # Errors
    /// A [`Limit`] was exceeded, or the value holds a reference that cannot be passed on.
    fn dump(&self, dumper: &mut Dumper<'_>) -> Result<(), DumpError>;

    /// Dumps a value that nobody needs any more. Large strings are not copied then.
    ///
    /// # Errors
    /// As [`Dump::dump`].
    #[doc(hidden)]
    fn dump_own(self, dumper: &mut Dumper<'_>) -> Result<(), DumpError>
    where
        Self: Sized,
    {
        self.dump(dumper)
    }

    /// The same for a vector. Only `u8` does this in a way of its own.
    #[doc(hidden)]
    fn dump_own_vec(items: Vec<Self>, dumper: &mut Dumper<'_>) -> Result<(), DumpError>
    where
        Self: Sized,
    {
        Self::dump_slice(&items, dumper)
    }

    /// Dumps a slice. Only `u8` does this in a way of its own: as a string of bytes.
    #[doc(hidden)]
    fn dump_slice(items: &[Self], dumper: &mut Dumper<'_>) -> Result<(), DumpError>
    where
        Self: Sized,
    {
        dumper.array(items.len())?;
        for item in items {
            item.dump(dumper)?;
        }
        dumper.end();
        Ok(())
    }
}

/// Takes values one after the other and writes them in the form of a wire.
///
/// Values know nothing of wires: they speak to this type in terms of the data model.
pub struct Dumper<'a> {
    pub(crate) codec: Codec<'a>,
    pub(crate) session: Option<&'a dyn Session>,
}

// There is one of them at a time, on the stack.
#[allow(clippy::large_enum_variant)]
pub(crate) enum Codec<'a> {
    Marshal(marshal::Writer<'a>),
    Native(native::Writer<'a>),
}

/// Delegates to the codec.
macro_rules! codec {
    ($self:ident, $writer:ident => $call:expr) => {
        match &mut $self.codec {
            Codec::Marshal($writer) => {
                std::hint::cold_path();
                $call
            }
            Codec::Native($writer) => $call,
        }
    };
}

/// The same for what always can be written on Ruby's wire.
macro_rules! plain {
    ($self:ident, $writer:ident => $call:expr) => {
        match &mut $self.codec {
            Codec::Marshal($writer) => {
                std::hint::cold_path();
                $call;
                Ok(())
            }
            Codec::Native($writer) => $call,
        }
    };
}

impl<'a> Dumper<'a> {
    /// Writes one Marshal stream (its version, then a value) to the end of `out`.
    ///
    /// `session` is what references are exported through; without one, a value that holds one cannot
    /// be dumped.
    pub fn marshal(
        out: &'a mut Vec<u8>,
        limits: &Limits,
        session: Option<&'a dyn Session>,
    ) -> Self {
        let codec = Codec::Marshal(marshal::Writer::new(out, limits, session));
        Self { codec, session }
    }

    /// Writes values of the native wire to the end of `out`. `tables` are those of the connection that
    /// they go over.
    pub fn native(
        out: &'a mut Vec<u8>,
        limits: &Limits,
        tables: &'a native::Tables,
        session: Option<&'a dyn Session>,
    ) -> Self {
        let codec = Codec::Native(native::Writer::new(out, limits, tables, session));
        Self { codec, session }
    }

    /// Lets a large string at the end travel beside the message, see [`Dumper::finish_with_tail`], and takes
    /// a place to note what is referred to on the way.
    #[inline]
    pub(crate) fn send_with(&mut self, collected: &'a mut Option<Box<Collected>>) {
        if let Codec::Native(writer) = &mut self.codec {
            writer.send_with(collected);
        }
    }

    /// How many bytes the buffer holds, and how many references were written.
    #[inline]
    pub(crate) fn so_far(&self) -> (usize, usize) {
        match &self.codec {
            Codec::Marshal(writer) => (writer.written(), writer.references()),
            Codec::Native(writer) => (writer.written(), writer.references()),
        }
    }

    /// How many of the references are exports that are counted, on the native wire.
    pub(crate) fn exported(&self) -> usize {
        match &self.codec {
            Codec::Marshal(_) => 0,
            Codec::Native(writer) => writer.exported(),
        }
    }

    /// Takes back all such exports but the first `count`: they are not going to be sent.
    pub(crate) fn take_back(&mut self, count: usize) {
        if let Codec::Native(writer) = &mut self.codec {
            writer.take_back(count);
        }
    }

    /// Whether there are references in what was written, on the native wire.
    pub(crate) fn has_references(&self) -> bool {
        match &self.codec {
            Codec::Marshal(_) => false,
            Codec::Native(writer) => writer.has_references(),
        }
    }

    /// `nil`.
    pub fn nil(&mut self) -> Result<(), DumpError> {
        plain!(self, writer => writer.nil())
    }

    /// `true` or `false`.
    #[inline]
    pub fn bool(&mut self, value: bool) -> Result<(), DumpError> {
        plain!(self, writer => writer.bool(value))
    }

    /// An integer.
    #[inline]
    pub fn int(&mut self, value: i64) -> Result<(), DumpError> {
        plain!(self, writer => writer.int(value))
    }

    /// An integer of up to 128 bits with a sign.
    pub fn int128(&mut self, value: i128) -> Result<(), DumpError> {
        plain!(self, writer => writer.int128(value))
    }

    /// An integer of up to 128 bits without a sign.
    pub fn uint128(&mut self, value: u128) -> Result<(), DumpError> {
        plain!(self, writer => writer.uint128(value))
    }

    /// An integer of any size: a sign and a magnitude, least significant byte first.
    pub fn big_int(&mut self, negative: bool, magnitude: &[u8]) -> Result<(), DumpError> {
        plain!(self, writer => writer.big_int(negative, magnitude))
    }

    /// A float.
    #[inline]
    pub fn float(&mut self, value: f64) -> Result<(), DumpError> {
        plain!(self, writer => writer.float(value))
    }

    /// A string of text (Ruby: a String with the encoding UTF-8).
    #[inline]
    pub fn str(&mut self, value: &str) -> Result<(), DumpError> {
        plain!(self, writer => writer.str(value))
    }

    /// A string of bytes (Ruby: a String with the encoding BINARY).
    pub fn bytes(&mut self, value: &[u8]) -> Result<(), DumpError> {
        plain!(self, writer => writer.bytes(value))
    }

    /// A string of text that nobody else needs.
    pub(crate) fn own_str(&mut self, value: String) -> Result<(), DumpError> {
        match &mut self.codec {
            Codec::Marshal(_) => self.str(&value),
            Codec::Native(writer) => writer.own_str(value),
        }
    }

    /// A string of bytes that nobody else needs, or that nobody changes.
    pub(crate) fn own_bytes<B>(&mut self, value: B) -> Result<(), DumpError>
    where
        B: AsRef<[u8]> + Into<Bytes>,
    {
        match &mut self.codec {
            Codec::Marshal(_) => self.bytes(value.as_ref()),
            Codec::Native(writer) => writer.own_bytes(value),
        }
    }

    /// A symbol.
    pub fn symbol(&mut self, name: &str) -> Result<(), DumpError> {
        plain!(self, writer => writer.symbol(name))
    }

    /// Begins an array; `len` values follow, then [`Dumper::end`].
    #[inline]
    pub fn array(&mut self, len: usize) -> Result<(), DumpError> {
        codec!(self, writer => writer.array(len))
    }

    /// Begins a map; `len` times a key and a value follow, then [`Dumper::end`].
    pub fn map(&mut self, len: usize) -> Result<(), DumpError> {
        codec!(self, writer => writer.map(len))
    }

    /// Begins the keywords at the end of a call's arguments; `len` times a symbol and a value
    /// follow, then [`Dumper::end`].
    pub fn keywords(&mut self, len: usize) -> Result<(), DumpError> {
        codec!(self, writer => writer.keywords(len))
    }

    /// Begins a struct. For each of the shape's fields in order follow [`Dumper::field`] and the
    /// value, then [`Dumper::end`].
    #[inline]
    pub fn object(&mut self, shape: &'static Shape) -> Result<(), DumpError> {
        codec!(self, writer => writer.object(shape))
    }

    /// Says that the value of the field at `index` of the shape follows.
    #[inline]
    pub fn field(&mut self, shape: &'static Shape, index: usize) -> Result<(), DumpError> {
        match &mut self.codec {
            Codec::Marshal(writer) => {
                std::hint::cold_path();
                if writer.usual_field(shape, index) { Ok(()) } else { writer.field(shape, index) }
            }
            // The fields of a struct are in their order: nothing has to be said of each.
            Codec::Native(_) => Ok(()),
        }
    }

    /// Ends an array, a map, or a struct.
    #[inline]
    pub fn end(&mut self) {
        codec!(self, writer => writer.end());
    }

    /// Begins a set: for each member follow the member and [`Dumper::set_member`], then
    /// [`Dumper::set_end`].
    pub(crate) fn set(&mut self, len: usize) -> Result<(), DumpError> {
        codec!(self, writer => writer.set(len))
    }

    /// Says that what came last is a member of a set.
    pub(crate) fn set_member(&mut self) -> Result<(), DumpError> {
        codec!(self, writer => writer.set_member())
    }

    /// Ends a set.
    pub(crate) fn set_end(&mut self) {
        codec!(self, writer => writer.set_end());
    }

    /// A moment in time.
    pub(crate) fn time(&mut self, moment: &marshal::Moment) -> Result<(), DumpError> {
        codec!(self, writer => writer.time(moment))
    }

    /// What names an object within a process.
    pub(crate) fn object_id(&mut self, id: &ObjectId) -> Result<(), DumpError> {
        codec!(self, writer => writer.id(id))
    }

    /// A dynamic value.
    pub fn value(&mut self, value: &Value) -> Result<(), DumpError> {
        codec!(self, writer => writer.value(value))
    }

    /// A reference to an object, wherever it lives.
    pub fn reference(&mut self, reference: &Reference) -> Result<(), DumpError> {
        codec!(self, writer => writer.hand_on(reference))
    }

    /// A reference to an object of this process, which becomes callable by the peer.
    ///
    /// # Errors
    /// [`DumpError::NoServer`] if this process doesn't serve the peer.
    pub fn export(&mut self, object: Arc<dyn Dispatch>) -> Result<(), DumpError> {
        let session = self.session.ok_or_else(|| DumpError::NoServer { class: object.class() })?;
        match &mut self.codec {
            Codec::Marshal(writer) => writer.reference(&session.export(object)?),
            Codec::Native(writer) => writer.export(session, object),
        }
    }

    /// How many of the [shapes](native::Tables) the reader has to know for what was written; on Ruby's
    /// wire none, since every struct says there what it is.
    pub fn shapes(&self) -> u32 {
        match &self.codec {
            Codec::Marshal(_) => 0,
            Codec::Native(writer) => writer.needs(),
        }
    }

    /// Ends the dump.
    ///
    /// # Errors
    /// [`Limit::Message`] if the stream is longer than a peer may be sent.
    pub fn finish(self) -> Result<(), DumpError> {
        match self.codec {
            Codec::Marshal(writer) => writer.finish(),
            // Nothing is put aside where nobody asks for it.
            Codec::Native(mut writer) => writer.finish().map(|_| ()),
        }
    }

    /// The same. Gives the string at the end of the message, if that is to travel beside it.
    pub(crate) fn finish_with_tail(&mut self) -> Result<Option<Bytes>, DumpError> {
        match &mut self.codec {
            Codec::Marshal(writer) => writer.finish().map(|()| None),
            Codec::Native(writer) => writer.finish(),
        }
    }
}

impl DumpError {
    /// `limit` is exceeded, which allows `max`.
    #[cold]
    pub(crate) fn limit(limit: Limit, max: usize) -> Self {
        Self::Limit { limit, max }
    }
}
