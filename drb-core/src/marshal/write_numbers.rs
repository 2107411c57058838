//! Writes numbers.

use super::{
    float,
    writer::{SHORT, Writer},
};
use crate::value::is_flonum;

impl Writer<'_> {
    // A call of its own, so that what the native wire does in its place can be inlined.
    #[inline(never)]
    pub(crate) fn int(&mut self, value: i64) {
        match u32::try_from(value) {
            Ok(small @ 1..) if small < 1 << 30 && self.has_room(6) => self.small_int(small),
            _ => self.any_int(value),
        }
    }

    /// As most integers are: in one piece.
    #[inline(always)]
    fn small_int(&mut self, value: u32) {
        let [a, b, c, d] = value.to_le_bytes();
        if value <= SHORT as u32 {
            self.out.extend_from_slice(&[b'i', a + 5]);
            return;
        }
        // As many bytes as it takes until only zeros are left.
        let spare = value.leading_zeros() / 8;
        self.out.extend_from_slice(&[b'i', 4 - spare as u8, a, b, c, d]);
        self.out.truncate(self.out.len() - spare as usize);
    }

    #[inline(never)]
    fn any_int(&mut self, value: i64) {
        // What Ruby writes so has 31 bits, whatever the machine.
        if (-(1 << 30)..1 << 30).contains(&value) {
            self.out.push(b'i');
            self.long(value);
            return;
        }
        self.big_int(value < 0, &value.unsigned_abs().to_le_bytes());
    }

    pub(crate) fn int128(&mut self, value: i128) {
        match i64::try_from(value) {
            Ok(value) => self.int(value),
            Err(_) => self.big_int(value < 0, &value.unsigned_abs().to_le_bytes()),
        }
    }

    pub(crate) fn uint128(&mut self, value: u128) {
        match i64::try_from(value) {
            Ok(value) => self.int(value),
            Err(_) => self.big_int(false, &value.to_le_bytes()),
        }
    }

    #[inline(never)]
    pub(crate) fn big_int(&mut self, negative: bool, magnitude: &[u8]) {
        let len = magnitude.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        let magnitude = magnitude.get(..len).unwrap_or_default();
        if let Some(value) = small(negative, magnitude) {
            return self.int(value);
        }
        self.objects += 1;
        self.out.extend_from_slice(if negative { b"l-" } else { b"l+" });
        self.long(len.div_ceil(2) as i64);
        self.out.extend_from_slice(magnitude);
        if len % 2 == 1 {
            self.out.push(0);
        }
    }

    #[inline(never)]
    pub(crate) fn float(&mut self, value: f64) {
        if is_flonum(value) {
            let number = self.floats.number(value.to_bits(), self.objects);
            if number != self.objects {
                self.link(number);
                return;
            }
        }
        self.heap_float(value);
    }

    /// A float that is not linked.
    pub(super) fn heap_float(&mut self, value: f64) {
        self.objects += 1;
        // The length takes one byte: the longest text has 24.
        self.out.extend_from_slice(b"f\0");
        let start = self.out.len();
        float::write(self.out, value);
        let len = self.out.len() - start;
        if let Some(slot) = self.out.get_mut(start - 1) {
            *slot = len as u8 + 5;
        }
    }

    /// An integer of Marshal's own format. It has four bytes at most.
    #[inline]
    pub(super) fn long(&mut self, value: i64) {
        match value {
            0 => self.out.push(0),
            1..=122 => self.out.push((value + 5) as u8),
            -123..=-1 => self.out.push((value - 5) as u8),
            _ => self.wide_long(value),
        }
    }

    #[inline(never)]
    fn wide_long(&mut self, value: i64) {
        let [a, b, c, d, ..] = value.to_le_bytes();
        let rest = if value < 0 { -1 } else { 0 };
        // As many bytes as it takes until only copies of the sign are left.
        let count = (1..=3).find(|count| value >> (8 * count) == rest).unwrap_or(4);
        let head = if value < 0 { -(count as i8) as u8 } else { count as u8 };
        self.out.extend_from_slice(&[head, a, b, c, d]);
        self.out.truncate(self.out.len() - (4 - count));
    }
}

/// The integer, if it is one that has no object in a stream.
fn small(negative: bool, magnitude: &[u8]) -> Option<i64> {
    let mut bytes = [0; 8];
    bytes.get_mut(..magnitude.len())?.copy_from_slice(magnitude);
    let value = i64::try_from(u64::from_le_bytes(bytes)).ok()?;
    let value = if negative { -value } else { value };
    (-(1 << 30)..1 << 30).contains(&value).then_some(value)
}
