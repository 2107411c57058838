//! Writes values as MessagePack.

use super::{Tables, ext, sending::Collected, tail::LARGE};
use crate::{
    DumpError, Limit, Limits, ObjectId, Reference, Session, Shape, dispatch::Dispatch,
    marshal::Moment,
};
use bytes::Bytes;
use rmp::encode;
use std::sync::Arc;

/// Where a value is written, and what bounds it.
pub(crate) struct Writer<'a> {
    pub(super) out: &'a mut Vec<u8>,
    tables: &'a Tables,
    /// What references go through.
    session: Option<&'a dyn Session>,
    /// What the value refers to, where that is counted.
    collected: Option<&'a mut Option<Box<Collected>>>,
    /// The shape that came last, and its number: values of one type tend to come together.
    last: Option<(&'static Shape, u32)>,
    /// How its structs begin, where that is short.
    last_head: Option<([u8; 4], &'static Shape)>,
    /// How many shapes the reader has to know.
    needs: u32,
    start: usize,
    /// How deep what is written next may go, within what it is in.
    pub(super) levels: usize,
    /// Whether a value has turned out to contain itself.
    pub(super) cyclic: bool,
    pub(super) references: usize,
    /// Whether a large string may travel beside the message.
    tails: bool,
    /// One that came last, whose place is where `out` ended then.
    beside: Option<(usize, Bytes)>,
    limits: Bounds,
}

#[derive(Clone, Copy)]
struct Bounds {
    depth: usize,
    message: usize,
    integer: usize,
    references: usize,
    symbols: usize,
}

/// Writing into memory doesn't fail.
macro_rules! put {
    ($written:expr) => {{
        let _ = $written;
    }};
}

impl<'a> Writer<'a> {
    pub(crate) fn new(
        out: &'a mut Vec<u8>,
        limits: &Limits,
        tables: &'a Tables,
        session: Option<&'a dyn Session>,
    ) -> Self {
        let limits = Bounds {
            depth: limits.depth,
            message: limits.message,
            integer: limits.integer,
            references: limits.references,
            symbols: limits.symbols,
        };
        let start = out.len();
        Self {
            out,
            tables,
            session,
            collected: None,
            last: None,
            last_head: None,
            needs: 0,
            start,
            levels: limits.depth,
            cyclic: false,
            references: 0,
            tails: false,
            beside: None,
            limits,
        }
    }

    /// Takes a place to note what is referred to on the way, and lets the message end with a large string that
    /// travels beside it: [`Writer::finish`] gives it.
    #[inline]
    pub(crate) fn send_with(&mut self, collected: &'a mut Option<Box<Collected>>) {
        self.tails = true;
        self.collected = Some(collected);
    }

    /// How many exports have been counted.
    pub(crate) fn exported(&self) -> usize {
        let collected = self.collected.as_ref().and_then(|collected| collected.as_ref());
        collected.map_or(0, |collected| collected.exported.len())
    }

    /// Takes back all such exports but the first `count`: they are not going to be sent.
    pub(crate) fn take_back(&mut self, count: usize) {
        if let (Some(Some(collected)), Some(session)) = (&mut self.collected, self.session) {
            let exported = &mut collected.exported;
            let unsent = exported.drain(count.min(exported.len())..);
            unsent.for_each(|(slot, generation)| session.take_back(slot, generation));
        }
    }

    /// How many shapes the reader has to know for what was written.
    pub(crate) fn needs(&self) -> u32 {
        self.needs
    }

    pub(crate) fn has_references(&self) -> bool {
        self.references > 0
    }

    pub(crate) fn nil(&mut self) -> Result<(), DumpError> {
        put!(encode::write_nil(self.out));
        Ok(())
    }

    #[inline]
    pub(crate) fn bool(&mut self, value: bool) -> Result<(), DumpError> {
        self.out.extend_from_slice(&[0xc2 | u8::from(value)]);
        Ok(())
    }

    #[inline]
    pub(crate) fn int(&mut self, value: i64) -> Result<(), DumpError> {
        match u32::try_from(value) {
            Ok(small) if self.has_room(9) => self.small_int(small),
            _ => self.any_int(value),
        }
        Ok(())
    }

    /// Whether so many bytes can be written without asking for memory.
    #[inline]
    fn has_room(&self, bytes: usize) -> bool {
        self.out.capacity() - self.out.len() >= bytes
    }

    /// As most integers are: in one piece.
    #[inline(always)]
    fn small_int(&mut self, value: u32) {
        let [a, b, c, d] = value.to_be_bytes();
        match value {
            0..=0x7f => self.out.extend_from_slice(&[d]),
            0x80..=0xff => self.out.extend_from_slice(&[0xcc, d]),
            0x100..=0xffff => self.out.extend_from_slice(&[0xcd, c, d]),
            _ => self.out.extend_from_slice(&[0xce, a, b, c, d]),
        }
    }

    #[inline(never)]
    fn any_int(&mut self, value: i64) {
        put!(encode::write_sint(self.out, value));
    }

    pub(crate) fn int128(&mut self, value: i128) -> Result<(), DumpError> {
        match (i64::try_from(value), u64::try_from(value)) {
            (Ok(value), _) => self.int(value),
            (_, Ok(value)) => {
                self.uint(value);
                Ok(())
            }
            _ => self.big_int(value < 0, &value.unsigned_abs().to_le_bytes()),
        }
    }

    #[inline]
    pub(crate) fn uint128(&mut self, value: u128) -> Result<(), DumpError> {
        match (u32::try_from(value), u64::try_from(value)) {
            (Ok(small), _) if self.has_room(9) => self.small_int(small),
            (_, Ok(value)) => self.uint(value),
            _ => return self.big_int(false, &value.to_le_bytes()),
        }
        Ok(())
    }

    #[inline(never)]
    fn uint(&mut self, value: u64) {
        put!(encode::write_uint(self.out, value));
    }

    pub(crate) fn big_int(&mut self, negative: bool, magnitude: &[u8]) -> Result<(), DumpError> {
        let len = magnitude.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        let magnitude = magnitude.get(..len).unwrap_or_default();
        if len <= 16 {
            let mut bytes = [0; 16];
            bytes.iter_mut().zip(magnitude).for_each(|(to, from)| *to = *from);
            let value = u128::from_le_bytes(bytes);
            let signed = i128::try_from(value).map(|value| if negative { -value } else { value });
            match signed.map(|value| (i64::try_from(value), u64::try_from(value))) {
                Ok((Ok(value), _)) => return self.int(value),
                Ok((_, Ok(value))) => {
                    self.uint(value);
                    return Ok(());
                }
                _ => {}
            }
        }
        if len > self.limits.integer {
            return Err(DumpError::limit(Limit::Integer, self.limits.integer));
        }
        self.ext(ext::INTEGER, &[&[u8::from(negative)], magnitude]);
        Ok(())
    }

    #[inline(always)]
    pub(crate) fn float(&mut self, value: f64) -> Result<(), DumpError> {
        let [a, b, c, d, e, f, g, h] = value.to_be_bytes();
        if self.has_room(9) {
            self.out.extend_from_slice(&[0xcb, a, b, c, d, e, f, g, h]);
        } else {
            self.any_float(value);
        }
        Ok(())
    }

    /// A call of its own, so that what needs no memory stays small.
    #[inline(never)]
    fn any_float(&mut self, value: f64) {
        put!(encode::write_f64(self.out, value));
    }

    #[inline(always)]
    pub(crate) fn str(&mut self, value: &str) -> Result<(), DumpError> {
        if value.len() < 32 && self.has_room(32) {
            self.out.extend_from_slice(&[0xa0 | value.len() as u8]);
            self.out.extend_from_slice(value.as_bytes());
            return Ok(());
        }
        self.any_str(value)
    }

    #[inline(never)]
    fn any_str(&mut self, value: &str) -> Result<(), DumpError> {
        let len = self.len(value.len())?;
        if value.len() >= LARGE && self.tails {
            self.aside(0xdb, len, Bytes::copy_from_slice(value.as_bytes()));
            return Ok(());
        }
        put!(encode::write_str_len(self.out, len));
        self.out.extend_from_slice(value.as_bytes());
        Ok(())
    }

    pub(crate) fn bytes(&mut self, value: &[u8]) -> Result<(), DumpError> {
        let len = self.len(value.len())?;
        if value.len() >= LARGE && self.tails {
            self.aside(0xc6, len, Bytes::copy_from_slice(value));
            return Ok(());
        }
        put!(encode::write_bin_len(self.out, len));
        self.out.extend_from_slice(value);
        Ok(())
    }

    /// A string that nobody else needs.
    pub(crate) fn own_str(&mut self, value: String) -> Result<(), DumpError> {
        if value.len() < LARGE || !self.tails {
            return self.str(&value);
        }
        let len = self.len(value.len())?;
        self.aside(0xdb, len, value.into());
        Ok(())
    }

    /// Bytes that nobody else needs, or that nobody changes.
    pub(crate) fn own_bytes<B>(&mut self, value: B) -> Result<(), DumpError>
    where
        B: AsRef<[u8]> + Into<Bytes>,
    {
        let bytes = value.as_ref();
        if bytes.len() < LARGE || !self.tails {
            return self.bytes(bytes);
        }
        let len = self.len(bytes.len())?;
        self.aside(0xc6, len, value.into());
        Ok(())
    }

    /// Puts a string aside, in the hope that it is the end of the message.
    fn aside(&mut self, marker: u8, len: u32, value: Bytes) {
        self.fetch();
        let [a, b, c, d] = len.to_be_bytes();
        self.out.extend_from_slice(&[marker, a, b, c, d]);
        self.beside = Some((self.out.len(), value));
    }

    /// Something follows the string that was put aside: it is to be where it belongs.
    #[inline]
    pub(crate) fn fetch(&mut self) {
        if self.beside.is_some() {
            self.fetch_it();
        }
    }

    #[inline(never)]
    fn fetch_it(&mut self) {
        if let Some((at, value)) = self.beside.take() {
            // What stands behind it already is mostly nothing.
            self.out.splice(at..at, value.iter().copied());
        }
    }

    /// Forgets what was written behind `len` bytes.
    pub(super) fn cut(&mut self, len: usize) {
        self.out.truncate(len);
        if self.beside.as_ref().is_some_and(|(at, _)| *at > len) {
            self.beside = None;
        }
    }

    /// How many bytes there are, those put aside included.
    pub(crate) fn written(&self) -> usize {
        self.out.len() + self.beside.as_ref().map_or(0, |(_, value)| value.len())
    }

    pub(crate) fn symbol(&mut self, name: &str) -> Result<(), DumpError> {
        self.len(name.len())?;
        self.ext(ext::SYMBOL, &[name.as_bytes()]);
        Ok(())
    }

    #[inline]
    pub(crate) fn array(&mut self, len: usize) -> Result<(), DumpError> {
        if len < 16 && self.has_room(9) {
            self.out.extend_from_slice(&[0x90 | len as u8]);
            return self.descend();
        }
        self.any_array(len)
    }

    #[inline(never)]
    fn any_array(&mut self, len: usize) -> Result<(), DumpError> {
        put!(encode::write_array_len(self.out, self.len(len)?));
        self.descend()
    }

    pub(crate) fn map(&mut self, len: usize) -> Result<(), DumpError> {
        put!(encode::write_map_len(self.out, self.len(len)?));
        self.descend()
    }

    pub(crate) fn keywords(&mut self, len: usize) -> Result<(), DumpError> {
        self.marked(ext::KEYWORDS, &[], len.saturating_mul(2))
    }

    /// Begins a set; its members follow.
    pub(crate) fn set(&mut self, len: usize) -> Result<(), DumpError> {
        self.marked(ext::SET, &[], len)
    }

    pub(crate) fn set_member(&mut self) -> Result<(), DumpError> {
        Ok(())
    }

    pub(crate) fn set_end(&mut self) {
        self.end();
    }

    #[inline(always)]
    pub(crate) fn object(&mut self, shape: &'static Shape) -> Result<(), DumpError> {
        match &self.last_head {
            Some((head, last)) if std::ptr::eq(*last, shape) => {
                self.out.extend_from_slice(head);
                self.descend()
            }
            _ => self.other_object(shape),
        }
    }

    #[inline(never)]
    fn other_object(&mut self, shape: &'static Shape) -> Result<(), DumpError> {
        let number = match self.last {
            Some((last, number)) if std::ptr::eq(last, shape) => number,
            _ => {
                // As many as there are symbols in a message: both are names.
                let most = self.limits.symbols;
                let number = self.tables.number(shape, most);
                let number = number.ok_or_else(|| DumpError::limit(Limit::Symbols, most))?;
                self.needs = self.needs.max(number + 1);
                number
            }
        };
        self.last = Some((shape, number));
        if let (Ok(number), len @ 0..=14) = (u8::try_from(number), shape.fields.len()) {
            let head = [0x91 + len as u8, 0xd4, ext::SHAPE as u8, number];
            self.last_head = Some((head, shape));
            self.out.extend_from_slice(&head);
            return self.descend();
        }
        let bytes = number.to_be_bytes();
        let short = match number {
            0..=0xff => bytes.get(3..),
            0x100..=0xffff => bytes.get(2..),
            _ => bytes.get(..),
        };
        self.marked(ext::SHAPE, short.unwrap_or_default(), shape.fields.len())
    }

    pub(crate) fn end(&mut self) {
        self.levels += 1;
    }

    pub(crate) fn time(&mut self, moment: &Moment) -> Result<(), DumpError> {
        let seconds = moment.seconds.to_be_bytes();
        let nanos = moment.nanos.to_be_bytes();
        match moment.offset {
            None => self.ext(ext::TIME, &[&seconds, &nanos]),
            Some(offset) => self.ext(ext::TIME, &[&seconds, &nanos, &offset.to_be_bytes()]),
        }
        Ok(())
    }

    /// A reference to an object, wherever it lives.
    pub(crate) fn hand_on(&mut self, reference: &Reference) -> Result<(), DumpError> {
        let Some(session) = self.session else { return self.reference(reference) };
        if let ObjectId::Slot { .. } = reference.id()
            && let Some(object) = session.local(reference)
        {
            // An object of ours is counted each time that it is sent.
            return self.export(session, object);
        }
        if let Some(other) = session.hand_on(reference)? {
            return self.exports(other);
        }
        if let Some(collected) = &mut self.collected {
            collected.get_or_insert_default().held.extend(session.holding(reference));
        }
        self.reference(reference)
    }

    /// A reference to an object of this process, which becomes callable by the peer.
    pub(crate) fn export(
        &mut self,
        session: &dyn Session,
        object: Arc<dyn Dispatch>,
    ) -> Result<(), DumpError> {
        self.exports(session.export(object)?)
    }

    /// A reference that was counted.
    fn exports(&mut self, reference: Reference) -> Result<(), DumpError> {
        if let (Some(collected), ObjectId::Slot { slot, generation, .. }) =
            (&mut self.collected, reference.id())
        {
            collected.get_or_insert_default().exported.push((*slot, *generation));
        }
        self.reference(&reference)
    }

    pub(crate) fn reference(&mut self, reference: &Reference) -> Result<(), DumpError> {
        if self.references >= self.limits.references {
            return Err(DumpError::limit(Limit::References, self.limits.references));
        }
        self.references += 1;
        match reference.id() {
            ObjectId::Slot { table, slot, generation } => {
                let whose = match *table {
                    table if table == self.tables.own_objects => ext::MINE,
                    table if table == self.tables.peer_objects => ext::YOURS,
                    _ => {
                        return Err(DumpError::custom(
                            "a reference to an object of another connection",
                        ));
                    }
                };
                let ([a, b, c, d], [e, f, g, h]) = (slot.to_be_bytes(), generation.to_be_bytes());
                // In one piece: an extension type of nine bytes.
                let ty = ext::REFERENCE as u8;
                self.out.extend_from_slice(&[0xc7, 9, ty, whose, a, b, c, d, e, f, g, h]);
            }
            id => {
                let id = id.to_marshal()?;
                let uri = reference.uri().unwrap_or_default();
                let len = u16::try_from(uri.len());
                let len = len.map_err(|_| DumpError::custom("a URI of more than 65535 bytes"))?;
                let len = len.to_be_bytes();
                self.ext(ext::REFERENCE, &[&[ext::ELSEWHERE], &len, uri.as_bytes(), &id]);
            }
        }
        Ok(())
    }

    /// What names an object within a process; on this wire it is no value of its own.
    pub(crate) fn id(&mut self, id: &ObjectId) -> Result<(), DumpError> {
        self.reference(&Reference::without_uri(id.clone()))
    }

    /// Ends the message, and gives the string that travels beside it, if there is one.
    ///
    /// # Errors
    /// [`Limit::Message`] if the value is longer than a peer may be sent.
    pub(crate) fn finish(&mut self) -> Result<Option<Bytes>, DumpError> {
        if self.written() - self.start > self.limits.message {
            return Err(DumpError::limit(Limit::Message, self.limits.message));
        }
        if self.beside.as_ref().is_some_and(|(at, _)| *at < self.out.len()) {
            self.fetch();
        }
        Ok(self.beside.take().map(|(_, value)| value))
    }

    /// Begins an array whose first element says what the `len` others are.
    pub(super) fn marked(&mut self, ty: i8, mark: &[u8], len: usize) -> Result<(), DumpError> {
        self.array(len.saturating_add(1))?;
        self.ext(ty, &[mark]);
        Ok(())
    }

    /// An extension type with what is in `parts`, which is no more than a frame may hold.
    pub(super) fn ext(&mut self, ty: i8, parts: &[&[u8]]) {
        let len = parts.iter().map(|part| part.len()).sum::<usize>();
        put!(encode::write_ext_meta(self.out, u32::try_from(len).unwrap_or(u32::MAX), ty));
        parts.iter().for_each(|part| self.out.extend_from_slice(part));
    }

    #[inline]
    pub(super) fn descend(&mut self) -> Result<(), DumpError> {
        match self.levels.checked_sub(1) {
            Some(left) => {
                self.levels = left;
                Ok(())
            }
            None => Err(DumpError::limit(Limit::Depth, self.limits.depth)),
        }
    }

    pub(super) fn back_to_depth(&mut self, depth: usize) {
        self.levels = self.limits.depth.saturating_sub(depth);
    }

    /// A length that fits a message, and so 32 bits.
    fn len(&self, len: usize) -> Result<u32, DumpError> {
        match u32::try_from(len) {
            Ok(fits) if len <= self.limits.message => Ok(fits),
            _ => Err(DumpError::limit(Limit::Message, self.limits.message)),
        }
    }
}
