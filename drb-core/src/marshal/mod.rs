//! Marshal 4.8, Ruby's format of values.
//!
//! A stream is two bytes of version and one value. A value is a type byte and what belongs to it.
//! Symbols are numbered in the order of their first appearance and objects (everything that has an
//! identity in Ruby) in theirs; a later occurrence is a link to the number.

mod cursor;
mod float;
mod links;
mod look;
mod read_extra;
mod read_numbers;
mod read_reference;
mod read_text;
mod read_typed;
mod read_value;
mod reader;
mod symbols;
mod text;
mod time;
mod walk;
mod write_batch;
mod write_floats;
mod write_numbers;
mod write_reference;
mod write_symbols;
mod write_value;
mod writer;

pub(crate) use reader::Reader;
pub(crate) use text::decode as decode_text;
pub(crate) use time::Moment;
pub(crate) use writer::Writer;

/// The names under which Ruby's drb marshals a reference.
pub(crate) const REFERENCE: &[u8] = b"DRb::DRbObject";
/// The older of them.
pub(crate) const REFERENCE_ALIAS: &[u8] = b"DRbObject";
/// An array whose elements were dumped one by one.
pub(crate) const DRB_ARRAY: &[u8] = b"DRb::DRbArray";
/// A value that its receiver could not load.
pub(crate) const DRB_UNKNOWN: &[u8] = b"DRb::DRbUnknown";
/// The name of an object of a process.
pub(crate) const URI_OPTION: &[u8] = b"DRb::DRbURIOption";
