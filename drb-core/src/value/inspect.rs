//! Values as text.

use super::{BigInt, Dumped, Map, ModuleKind, Object, Str, Value};
use crate::ObjectId;
use std::fmt::{self, Write};

/// How much of a value is written.
const MOST: usize = 64 << 10;

/// As Ruby inspects it, except that a large value is cut.
///
/// ```
/// use drb_core::Value;
///
/// let value = Value::from_iter([(Value::symbol("ratio"), 0.5)]);
/// assert_eq!(value.to_string(), "{:ratio=>0.5}");
/// ```
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = Cut { to: f, left: MOST };
        match inspect(self, &mut out) {
            Err(_) if out.left == 0 => f.write_str("…"),
            other => other,
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Takes so much text and no more: a few bytes can hold a value that is very long when written out.
struct Cut<'a, 'b> {
    to: &'a mut fmt::Formatter<'b>,
    left: usize,
}

impl Write for Cut<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        match self.left.checked_sub(text.len()) {
            Some(left) => {
                self.left = left;
                self.to.write_str(text)
            }
            None => {
                self.left = 0;
                Err(fmt::Error)
            }
        }
    }
}

fn inspect(value: &Value, out: &mut Cut<'_, '_>) -> fmt::Result {
    match value {
        Value::Nil => out.write_str("nil"),
        Value::Bool(value) => write!(out, "{value}"),
        Value::Int(value) => write!(out, "{value}"),
        Value::BigInt(value) => big_int(value, out),
        Value::Float(value) => float(value.get(), out),
        Value::Symbol(value) => write!(out, "{value:?}"),
        Value::Str(value) => string(value, out),
        Value::Array(items) => {
            out.write_char('[')?;
            for (i, item) in items.iter().enumerate() {
                separate(i, out)?;
                inspect(item, out)?;
            }
            out.write_char(']')
        }
        Value::Map(map) => entries(map, out),
        Value::Object(value) => object(value, out),
        Value::Reference(value) => {
            let reference = value.reference();
            write!(out, "#<DRb::DRbObject @uri={:?}", reference.uri().unwrap_or_default())?;
            match reference.id() {
                ObjectId::Front => out.write_str(", @ref=nil>"),
                ObjectId::Number(id) => write!(out, ", @ref={id}>"),
                ObjectId::Name(name) => write!(out, ", @ref={name:?}>"),
                _ => out.write_str(", @ref=…>"),
            }
        }
        Value::Dumped(value) => dumped(value, out),
        Value::Marshaled(value) => {
            write!(out, "#<{} ", value.class())?;
            inspect(value.data(), out)?;
            out.write_char('>')
        }
        Value::Regexp(value) => {
            write!(out, "/{}/", value.source())?;
            for (bit, letter) in [(4, 'm'), (1, 'i'), (2, 'x'), (32, 'n')] {
                if value.options() & bit != 0 {
                    out.write_char(letter)?;
                }
            }
            Ok(())
        }
        Value::Module(value) if value.kind() == ModuleKind::Old => {
            write!(out, "#<{}>", value.name())
        }
        Value::Module(value) => write!(out, "{}", value.name()),
        Value::Cycle(cycle) => out.write_str(match cycle.upgrade() {
            Some(Value::Array(_)) => "[...]",
            Some(Value::Map(_)) => "{...}",
            Some(_) => "#<...>",
            None => "#<gone>",
        }),
    }
}

fn separate(position: usize, out: &mut Cut<'_, '_>) -> fmt::Result {
    if position > 0 { out.write_str(", ") } else { Ok(()) }
}

fn float(value: f64, out: &mut Cut<'_, '_>) -> fmt::Result {
    if value.is_nan() {
        out.write_str("NaN")
    } else if value.is_infinite() {
        out.write_str(if value > 0.0 { "Infinity" } else { "-Infinity" })
    } else {
        write!(out, "{value:?}")
    }
}

/// In decimal if it fits 128 bits, else in hexadecimal.
fn big_int(value: &BigInt, out: &mut Cut<'_, '_>) -> fmt::Result {
    if value.is_negative() {
        out.write_char('-')?;
    }
    let mut bytes = [0; 16];
    if let Some(head) = bytes.get_mut(..value.magnitude().len()) {
        head.copy_from_slice(value.magnitude());
        return write!(out, "{}", u128::from_le_bytes(bytes));
    }
    out.write_str("0x")?;
    value.magnitude().iter().rev().try_for_each(|byte| write!(out, "{byte:02x}"))
}

fn string(value: &Str, out: &mut Cut<'_, '_>) -> fmt::Result {
    if let Some(text) = value.as_str() {
        return write!(out, "{text:?}");
    }
    out.write_char('"')?;
    value.as_bytes().iter().try_for_each(|byte| match byte {
        b'"' | b'\\' => write!(out, "\\{}", char::from(*byte)),
        b' '..=b'~' => out.write_char(char::from(*byte)),
        _ => write!(out, "\\x{byte:02X}"),
    })?;
    out.write_char('"')
}

fn entries(map: &Map, out: &mut Cut<'_, '_>) -> fmt::Result {
    out.write_char('{')?;
    for (i, (key, value)) in map.iter().enumerate() {
        separate(i, out)?;
        inspect(key, out)?;
        out.write_str("=>")?;
        inspect(value, out)?;
    }
    out.write_char('}')
}

fn object(value: &Object, out: &mut Cut<'_, '_>) -> fmt::Result {
    out.write_str(if value.is_struct() { "#<struct " } else { "#<" })?;
    write!(out, "{}", value.class())?;
    for (i, (name, field)) in value.fields().iter().enumerate() {
        out.write_str(if i > 0 { ", " } else { " " })?;
        write!(out, "{name}=")?;
        inspect(field, out)?;
    }
    out.write_char('>')
}

fn dumped(value: &Dumped, out: &mut Cut<'_, '_>) -> fmt::Result {
    if let Some(time) = value.as_time() {
        let (year, month, day, hour, minute, second) = time.civil();
        return write!(
            out,
            "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{:09} UTC",
            time.nanos
        );
    }
    write!(out, "#<{} {} bytes>", value.class(), value.payload().len())
}
