//! Reads numbers, straight from the bytes.

use super::{cursor::malformed, float, reader::Reader};
use crate::{Limit, LoadError, LoadErrorKind, budget::exceeded};

/// The most bytes that an integer of 128 bits takes.
const WIDE: usize = 16;

impl<'de> Reader<'de> {
    /// An integer in one of the forms that those have which fit 32 bits without a sign. `None` if it has another
    /// one, or not all is as it should be: then nothing is taken.
    #[inline(never)]
    pub(crate) fn small_int(&mut self) -> Option<u32> {
        let Some([b'i', head, rest @ ..]) = self.ahead() else { return None };
        let (number, len) = match head {
            0 => (0, 2),
            6..=127 => (u32::from(head - 5), 2),
            // So many bytes of it follow.
            1..=4 => {
                let four = u32::from_le_bytes(*rest.first_chunk()?);
                (four & u32::MAX >> (32 - 8 * head), 2 + usize::from(*head))
            }
            _ => return None,
        };
        self.budget.try_take(1, 0)?;
        self.stream.cursor.pos += len;
        Some(number)
    }

    // A call of its own, so that what the native wire does in its place can be inlined.
    #[inline(never)]
    pub(crate) fn i64(&mut self) -> Result<i64, LoadError> {
        self.begin()?;
        if self.stream.cursor.peek() == Some(b'i') {
            self.stream.cursor.pos += 1;
            return self.stream.cursor.long();
        }
        self.long_i64()
    }

    fn long_i64(&mut self) -> Result<i64, LoadError> {
        match self.stream.cursor.byte()? {
            b'l' => {
                let (negative, magnitude) = self.magnitude()?;
                signed(negative, magnitude)
                    .and_then(|n| n.try_into().ok())
                    .ok_or_else(|| out_of_range(negative, magnitude, "i64"))
            }
            other => self.indirect(other, "an integer", Self::i64),
        }
    }

    pub(crate) fn i128(&mut self) -> Result<i128, LoadError> {
        self.begin()?;
        match self.stream.cursor.byte()? {
            b'i' => self.stream.cursor.long().map(i128::from),
            b'l' => {
                let (negative, magnitude) = self.magnitude()?;
                signed(negative, magnitude).ok_or_else(|| out_of_range(negative, magnitude, "i128"))
            }
            other => self.indirect(other, "an integer", Self::i128),
        }
    }

    #[inline(never)]
    pub(crate) fn u128(&mut self) -> Result<u128, LoadError> {
        self.begin()?;
        match self.stream.cursor.byte()? {
            b'i' => {
                let value = self.stream.cursor.long()?;
                u128::try_from(value).map_err(|_| {
                    LoadErrorKind::OutOfRange { value: value.to_string(), target: "u128" }.into()
                })
            }
            b'l' => {
                let (negative, magnitude) = self.magnitude()?;
                narrow(magnitude)
                    .filter(|n| !negative || *n == 0)
                    .ok_or_else(|| out_of_range(negative, magnitude, "u128"))
            }
            other => self.indirect(other, "an integer", Self::u128),
        }
    }

    pub(crate) fn big_int(&mut self) -> Result<(bool, Vec<u8>), LoadError> {
        self.begin()?;
        match self.stream.cursor.byte()? {
            b'i' => {
                let value = self.stream.cursor.long()?;
                let bytes = value.unsigned_abs().to_le_bytes();
                Ok((value < 0, significant(&bytes).to_vec()))
            }
            b'l' => {
                let (negative, magnitude) = self.magnitude()?;
                self.budget.take_memory(magnitude.len())?;
                Ok((negative, magnitude.to_vec()))
            }
            other => self.indirect(other, "an integer", Self::big_int),
        }
    }

    /// The bits of a float.
    #[inline(never)]
    pub(crate) fn f64_bits(&mut self) -> Result<u64, LoadError> {
        match self.usual_float() {
            Some(float) => Ok(float.to_bits()),
            None => self.f64().map(f64::to_bits),
        }
    }

    /// A float of few digits. `None` if it has another form, or not all is as it should be: then nothing is taken.
    #[inline(always)]
    fn usual_float(&mut self) -> Option<f64> {
        let Some([b'f', len @ 6..=127, rest @ ..]) = self.ahead() else { return None };
        let len = usize::from(len - 5);
        let float = float::few_digits(rest.get(..len)?)?;
        self.budget.try_take(1, 0)?;
        self.stream.objects += 1;
        self.stream.cursor.pos += 2 + len;
        Some(float)
    }

    #[inline(never)]
    fn f64(&mut self) -> Result<f64, LoadError> {
        self.begin()?;
        match self.stream.cursor.byte()? {
            b'f' => {
                self.stream.objects += 1;
                self.stream.cursor.sized().map(float::parse)
            }
            b'i' => self.stream.cursor.long().map(|n| n as f64),
            b'l' => {
                let (negative, magnitude) = self.magnitude()?;
                let value =
                    magnitude.iter().rev().fold(0.0, |n, byte| n * 256.0 + f64::from(*byte));
                let value = narrow(magnitude).map_or(value, |n| n as f64);
                Ok(if negative { -value } else { value })
            }
            other => self.indirect(other, "a number", Self::f64),
        }
    }

    /// The sign and the significant bytes of a large integer, whose type has been taken.
    pub(super) fn magnitude(&mut self) -> Result<(bool, &'de [u8]), LoadError> {
        let at = self.stream.cursor.pos;
        let negative = match self.stream.cursor.byte()? {
            b'+' => false,
            b'-' => true,
            _ => return Err(malformed(at, "an integer without a sign")),
        };
        let len = self.stream.cursor.len()?.saturating_mul(2);
        if len > self.budget.integer {
            return Err(exceeded(Limit::Integer, self.budget.integer));
        }
        self.stream.objects += 1;
        Ok((negative, significant(self.stream.cursor.take(len)?)))
    }
}

/// Bytes without the zeros at their end.
fn significant(bytes: &[u8]) -> &[u8] {
    let len = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    bytes.get(..len).unwrap_or_default()
}

fn narrow(magnitude: &[u8]) -> Option<u128> {
    let mut bytes = [0; WIDE];
    bytes.get_mut(..magnitude.len())?.copy_from_slice(magnitude);
    Some(u128::from_le_bytes(bytes))
}

fn signed(negative: bool, magnitude: &[u8]) -> Option<i128> {
    let value = narrow(magnitude)?;
    if negative { 0_i128.checked_sub_unsigned(value) } else { value.try_into().ok() }
}

#[cold]
fn out_of_range(negative: bool, magnitude: &[u8], target: &'static str) -> LoadError {
    let value = match narrow(magnitude) {
        Some(value) if negative => format!("-{value}"),
        Some(value) => value.to_string(),
        None => format!("of {} bytes", magnitude.len()),
    };
    LoadErrorKind::OutOfRange { value, target }.into()
}
