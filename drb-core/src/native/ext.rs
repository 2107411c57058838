//! The extension types of MessagePack in which the native wire has what MessagePack itself has not.

/// A sign (0 or 1) and the magnitude of an integer of more than 64 bits, least significant byte
/// first.
pub(super) const INTEGER: i8 = 1;

/// A symbol: its name in UTF-8.
pub(super) const SYMBOL: i8 = 2;

/// A text in another encoding: the length of the encoding's name in one byte, its name, the bytes.
pub(super) const TEXT: i8 = 3;

/// A moment: seconds since the beginning of 1970 in UTC (8 bytes), nanoseconds (4 bytes), and where
/// the clocks were not in UTC, how far they were ahead of it in seconds (4 bytes). Signed but for the
/// nanoseconds, most significant byte first.
pub(super) const TIME: i8 = 4;

/// A reference to an object.
pub(super) const REFERENCE: i8 = 5;

/// What only Ruby has: a whole stream of its Marshal.
pub(super) const MARSHAL: i8 = 6;

/// At the beginning of an array: the rest are the fields of a struct, in the order of the shape with
/// that number (1, 2 or 4 bytes, most significant first).
pub(super) const SHAPE: i8 = 16;

/// At the beginning of an array: the rest are names and values of the fields of an object of the
/// class with that name.
pub(super) const OBJECT: i8 = 17;

/// As `OBJECT`, of a Ruby Struct.
pub(super) const STRUCT: i8 = 18;

/// At the beginning of an array, without anything in it: the rest are the members of a set.
pub(super) const SET: i8 = 19;

/// At the beginning of an array, without anything in it: the rest are names and values of the
/// arguments by name.
pub(super) const KEYWORDS: i8 = 20;

/// A reference to an object of the sender: its slot and generation (4 bytes each, most significant
/// first).
pub(super) const MINE: u8 = 0;

/// A reference to an object of the receiver, as above.
pub(super) const YOURS: u8 = 1;

/// A reference to an object of a Ruby process: the length of its URI (2 bytes), the URI, and what
/// names the object there as a stream of Marshal.
pub(super) const ELSEWHERE: u8 = 2;
