//! Texts in other encodings than UTF-8.

use std::borrow::Cow;

/// The text that bytes of the encoding mean, for the encodings that need no tables.
pub(crate) fn decode<'a>(bytes: &'a [u8], encoding: &[u8]) -> Option<Cow<'a, str>> {
    let ascii = || std::str::from_utf8(bytes).ok().filter(|text| text.is_ascii());
    let decoded = match encoding.to_ascii_uppercase().as_slice() {
        b"UTF-8" | b"US-ASCII" | b"ASCII-8BIT" | b"BINARY" | b"UTF8-MAC" | b"CESU-8" => {
            return std::str::from_utf8(bytes).ok().map(Cow::Borrowed);
        }
        b"UTF-16LE" => utf16(bytes, u16::from_le_bytes)?,
        b"UTF-16BE" => utf16(bytes, u16::from_be_bytes)?,
        b"UTF-16" => match bytes {
            [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes)?,
            [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes)?,
            _ => utf16(bytes, u16::from_be_bytes)?,
        },
        b"UTF-32LE" => utf32(bytes, u32::from_le_bytes)?,
        b"UTF-32BE" => utf32(bytes, u32::from_be_bytes)?,
        b"ISO-8859-1" => bytes.iter().map(|byte| char::from(*byte)).collect(),
        // ISO-2022-JP and UTF-7 write other characters in bytes of ASCII.
        name if name.starts_with(b"ISO-2022") || name.starts_with(b"UTF-") => return None,
        b"CP50220" | b"CP50221" => return None,
        // The others that Ruby has agree with ASCII in its range.
        _ => return ascii().map(Cow::Borrowed),
    };
    Some(Cow::Owned(decoded))
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Option<String> {
    let (units, rest) = bytes.as_chunks();
    let text: Result<String, _> =
        char::decode_utf16(units.iter().map(|bytes| unit(*bytes))).collect();
    text.ok().filter(|_| rest.is_empty())
}

fn utf32(bytes: &[u8], unit: fn([u8; 4]) -> u32) -> Option<String> {
    let (units, rest) = bytes.as_chunks();
    let text: Option<String> = units.iter().map(|bytes| char::from_u32(unit(*bytes))).collect();
    text.filter(|_| rest.is_empty())
}
