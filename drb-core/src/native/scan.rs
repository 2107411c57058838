//! Finds the references in a message that nobody is going to load, so that they are given back.

use super::{ext, imports::Place, read_reference::place_of};
use rmp::Marker;
use std::borrow::Cow;

/// Looks through the values of a message as they arrive, and keeps nothing but what they refer to.
///
/// It asks for no bound, since what it keeps is less than what has arrived, and it stops where the bytes
/// are no values.
#[derive(Default)]
pub(super) struct Scan {
    /// The beginning of a value of which more has to come.
    rest: Vec<u8>,
    /// How many of the bytes that come belong to a value that is no reference.
    skip: usize,
    found: Vec<Place>,
}

/// A reference to an object of one of both sides: whose it is, its place, its generation.
const REFERENCE: usize = 9;

impl Scan {
    /// The objects of the sender's that a whole message refers to, each as often as it does.
    pub(super) fn of(message: &[u8]) -> Vec<Place> {
        let mut scan = Self::default();
        scan.feed(message);
        scan.found
    }

    /// How many were found.
    pub(super) fn len(&self) -> usize {
        self.found.len()
    }

    pub(super) fn into_found(self) -> Vec<Place> {
        self.found
    }

    /// Takes what comes next.
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        let mut bytes = Cow::Borrowed(bytes);
        if !self.rest.is_empty() {
            self.rest.extend_from_slice(&bytes);
            bytes = Cow::Owned(std::mem::take(&mut self.rest));
        }
        let mut at = self.skip.min(bytes.len());
        self.skip -= at;
        while let Some(rest) = bytes.get(at..)
            && let Some(Extent { ty, head, contents }) = Extent::of(rest)
        {
            let end = head.saturating_add(contents);
            if ty == Some(ext::REFERENCE) && contents == REFERENCE {
                let Some(reference) = rest.get(head..end) else { break };
                self.found.extend(place(reference));
            }
            self.skip = end.saturating_sub(rest.len());
            at += end.min(rest.len());
        }
        self.rest = bytes.get(at..).unwrap_or_default().to_vec();
    }
}

/// The object of the sender's, if the reference is to one.
fn place(reference: &[u8]) -> Option<Place> {
    let (whose, place) = reference.split_first()?;
    let place = place.try_into().map(place_of).ok()?;
    (*whose == ext::MINE).then_some(place)
}

/// How many bytes a value takes; what is in arrays and maps are values of their own.
struct Extent {
    /// The extension type.
    ty: Option<i8>,
    head: usize,
    contents: usize,
}

impl Extent {
    /// `None` if not enough is there to say it.
    fn of(bytes: &[u8]) -> Option<Self> {
        let plain = |head, contents| Some(Self { ty: None, head, contents });
        // A length of so many bytes follows, and then so much.
        let long = |size: usize| {
            let len = bytes.get(1..=size)?;
            let len = len.iter().fold(0_usize, |len, byte| len << 8 | usize::from(*byte));
            Some((1 + size, len))
        };
        let string = |size| long(size).and_then(|(head, contents)| plain(head, contents));
        let typed = |(head, contents): (usize, usize)| {
            let ty = i8::from_be_bytes([*bytes.get(head)?]);
            Some(Self { ty: Some(ty), head: head + 1, contents })
        };
        match Marker::from_u8(*bytes.first()?) {
            Marker::FixStr(len) => plain(1, usize::from(len)),
            Marker::Str8 | Marker::Bin8 => string(1),
            Marker::Str16 | Marker::Bin16 => string(2),
            Marker::Str32 | Marker::Bin32 => string(4),
            Marker::U8 | Marker::I8 => plain(1, 1),
            Marker::U16 | Marker::I16 | Marker::Array16 | Marker::Map16 => plain(1, 2),
            Marker::U32 | Marker::I32 | Marker::F32 | Marker::Array32 | Marker::Map32 => {
                plain(1, 4)
            }
            Marker::U64 | Marker::I64 | Marker::F64 => plain(1, 8),
            Marker::FixExt1 => typed((1, 1)),
            Marker::FixExt2 => typed((1, 2)),
            Marker::FixExt4 => typed((1, 4)),
            Marker::FixExt8 => typed((1, 8)),
            Marker::FixExt16 => typed((1, 16)),
            Marker::Ext8 => long(1).and_then(typed),
            Marker::Ext16 => long(2).and_then(typed),
            Marker::Ext32 => long(4).and_then(typed),
            // Whatever follows is no value.
            Marker::Reserved => plain(1, usize::MAX),
            _ => plain(1, 0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Dumper, Limits, ObjectId, Reference, Value,
        native::{Tables, Writer},
    };

    /// A value of each kind, with references between them.
    fn message() -> (Vec<u8>, Vec<Place>) {
        let (mut out, tables, limits) = (Vec::new(), Tables::new(), Limits::default());
        let mut expected = Vec::new();
        let vectors = include_str!("../../tests/golden/values.tsv");
        for (number, line) in (0..).zip(vectors.lines().filter(|line| !line.starts_with('#'))) {
            let hex = line.split('\t').nth(2).unwrap().as_bytes();
            let digit = |digit: u8| char::from(digit).to_digit(16).unwrap() as u8;
            let stream: Vec<u8> =
                hex.chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect();
            let value = Value::from_marshal(&stream).unwrap();
            Dumper::native(&mut out, &limits, &tables, None).value(&value).unwrap();
            let mut writer = Writer::new(&mut out, &limits, &tables, None);
            for (table, whose) in [(tables.own_objects, true), (tables.peer_objects, false)] {
                let id = ObjectId::Slot { table, slot: number, generation: 7 };
                writer.reference(&Reference::without_uri(id)).unwrap();
                expected.extend(whose.then_some((number, 7)));
            }
            writer.bytes(&vec![0xc7; number as usize * 10]).unwrap();
        }
        (out, expected)
    }

    #[test]
    fn references_are_found_however_the_bytes_come() {
        let (message, expected) = message();
        assert_eq!(expected.len(), 152);
        assert_eq!(Scan::of(&message), expected);
        for size in [1, 2, 3, 7, 11, 100, 4096] {
            let mut scan = Scan::default();
            message.chunks(size).for_each(|piece| scan.feed(piece));
            assert_eq!(scan.into_found(), expected, "in pieces of {size}");
        }
    }

    #[test]
    fn nothing_is_found_behind_what_is_no_value() {
        let reference = [0xc7, 9, 5, 0, 0, 0, 0, 1, 0, 0, 0, 2];
        assert_eq!(Scan::of(&reference), [(1, 2)]);
        assert_eq!(Scan::of(&reference[..11]), []);
        assert_eq!(Scan::of(&[&[0xc1][..], &reference].concat()), []);
        // A string that claims to go on beyond it.
        assert_eq!(Scan::of(&[&[0xc6, 0, 0, 0, 13][..], &reference].concat()), []);
    }
}
