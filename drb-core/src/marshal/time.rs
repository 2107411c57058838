//! Ruby's `Time`: eight bytes of a calendar date and a time of day in UTC, and instance variables
//! for what is finer than a microsecond, for the offset and for the zone.

use super::{
    cursor::{Cursor, malformed, truncated},
    reader::Reader,
    writer::Writer,
};
use crate::{DumpError, LoadError, Value, load::Kind, value::Encoding};

/// A moment in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Moment {
    /// Since the beginning of 1970 in UTC.
    pub(crate) seconds: i64,
    /// Below a second.
    pub(crate) nanos: u32,
    /// How far the clocks were ahead of UTC, in seconds, where the moment was noted; `None` for UTC
    /// itself.
    pub(crate) offset: Option<i32>,
}

const DAY: i64 = 86_400;
/// The years that the eight bytes can hold.
const YEARS: std::ops::RangeInclusive<i64> = 1900..=1900 + 0xffff;
/// The years beyond which nobody's calendar goes, so that seconds fit 64 bits.
const MOST_YEARS: i64 = 1 << 38;

/// How many days lie between the beginning of 1970 and a day, in the calendar that is used today.
pub(crate) fn days(year: i64, month: i64, day: i64) -> i64 {
    // Years begin in March, so that a leap day is a year's last.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The year, month and day that lie so many days behind the beginning of 1970.
pub(crate) fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + i64::from(month <= 2), month, day)
}

impl Moment {
    /// Whether a `Time` can say it.
    pub(crate) fn is_near(&self) -> bool {
        // Years of 365 days, so that no year is counted that isn't whole.
        self.seconds.unsigned_abs() < (MOST_YEARS as u64 - 1970) * 365 * DAY as u64
    }

    /// Year, month, day, hour, minute and second in UTC.
    pub(crate) fn civil(&self) -> (i64, i64, i64, i64, i64, i64) {
        let (year, month, day) = civil(self.seconds.div_euclid(DAY));
        let second = self.seconds.rem_euclid(DAY);
        (year, month, day, second / 3600, second / 60 % 60, second % 60)
    }

    /// From the bytes that `Time#_dump` makes.
    fn from_bytes(bytes: &[u8]) -> Result<Self, LoadError> {
        let (head, rest) = bytes.split_first_chunk::<8>().ok_or_else(truncated)?;
        let [a, b, c, d, e, f, g, h] = *head;
        let date = i64::from(u32::from_le_bytes([a, b, c, d]));
        let time = i64::from(u32::from_le_bytes([e, f, g, h]));
        if date >> 31 == 0 {
            // Ruby before 1.8: seconds and microseconds.
            return Ok(Self { seconds: date, nanos: micros(time)?, offset: None });
        }
        let mut year = 1900 + (date >> 14 & 0xffff);
        let further = further_years(rest)?;
        if year == *YEARS.start() {
            year -= further;
        } else if year == *YEARS.end() {
            year += further;
        }
        let month = (date >> 10 & 0xf) + 1;
        let (day, hour) = (date >> 5 & 0x1f, date & 0x1f);
        let (minute, second) = (time >> 26 & 0x3f, time >> 20 & 0x3f);
        if month > 12 || !(1..=31).contains(&day) || hour > 24 || minute > 59 || second > 60 {
            return Err(malformed(0, "a Time that is no date"));
        }
        let seconds = days(year, month, day) * DAY + hour * 3600 + minute * 60 + second;
        let offset = (date >> 30 & 1 == 0).then_some(0);
        Ok(Self { seconds, nanos: micros(time & 0xf_ffff)?, offset })
    }

    /// The bytes that `Time#_dump` makes.
    fn to_bytes(self) -> Vec<u8> {
        let (year, month, day, hour, minute, second) = self.civil();
        let held = year.clamp(*YEARS.start(), *YEARS.end());
        let utc = i64::from(self.offset.is_none());
        let date = 1 << 31 | utc << 30 | (held - 1900) << 14 | (month - 1) << 10 | day << 5 | hour;
        let time = minute << 26 | second << 20 | i64::from(self.nanos / 1000);
        let mut bytes = Vec::with_capacity(8);
        bytes.extend_from_slice(&(date as u32).to_le_bytes());
        bytes.extend_from_slice(&(time as u32).to_le_bytes());
        let further = (year - held).unsigned_abs().to_le_bytes();
        let len = further.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        if len > 0 {
            bytes.push(len as u8 + 5);
            bytes.extend(further.iter().take(len));
        }
        bytes
    }
}

fn micros(micros: i64) -> Result<u32, LoadError> {
    match u32::try_from(micros) {
        Ok(micros) if micros < 1_000_000 => Ok(micros * 1000),
        _ => Err(malformed(0, "a Time with too many microseconds")),
    }
}

/// How many years a year is off the range that eight bytes can hold.
fn further_years(bytes: &[u8]) -> Result<i64, LoadError> {
    if bytes.is_empty() {
        return Ok(0);
    }
    let years = Cursor { bytes, pos: 0 }.sized()?;
    let mut padded = [0; 8];
    let slot = padded.get_mut(..years.len());
    slot.ok_or_else(too_far)?.copy_from_slice(years);
    i64::try_from(u64::from_le_bytes(padded)).ok().filter(|y| *y < MOST_YEARS).ok_or_else(too_far)
}

#[cold]
fn too_far() -> LoadError {
    malformed(0, "a Time too far away")
}

impl Reader<'_> {
    pub(crate) fn time(&mut self) -> Result<Moment, LoadError> {
        if self.kind()? != Kind::Other {
            return Err(self.mismatch("a Time"));
        }
        let Value::Dumped(dumped) = self.value()? else {
            return Err(LoadError::custom("expected a Time"));
        };
        if dumped.class() != "Time" {
            return Err(LoadError::custom(format!("expected a Time, got a {}", dumped.class())));
        }
        let mut moment = Moment::from_bytes(dumped.payload())?;
        let value = Value::Dumped(dumped);
        let number = |name: &str| value.ivar(name).and_then(Value::as_i64);
        if let Some(nanos) = number("nano_num") {
            // A fraction below a nanosecond is dropped.
            let nanos = nanos / number("nano_den").filter(|den| *den > 0).unwrap_or(1);
            let nanos = u32::try_from(nanos).ok().filter(|nanos| *nanos < 1000);
            moment.nanos +=
                nanos.ok_or_else(|| malformed(0, "a Time with too many nanoseconds"))?;
        }
        if !moment.is_near() {
            return Err(too_far());
        }
        if moment.offset.is_some() {
            let offset = number("offset").and_then(|offset| i32::try_from(offset).ok());
            moment.offset = Some(offset.unwrap_or(0));
        }
        Ok(moment)
    }
}

impl Writer<'_> {
    pub(crate) fn time(&mut self, moment: &Moment) -> Result<(), DumpError> {
        if !moment.is_near() {
            return Err(DumpError::custom("a time too far away"));
        }
        let nanos = i64::from(moment.nanos % 1000);
        self.out.extend_from_slice(b"Iu");
        self.symbol_bytes(b"Time");
        self.sized(&moment.to_bytes());
        self.long(if nanos > 0 { 3 } else { 0 } + if moment.offset.is_some() { 2 } else { 1 });
        if nanos > 0 {
            self.symbol_bytes(b"nano_num");
            self.int(nanos);
            self.symbol_bytes(b"nano_den");
            self.int(1);
            self.symbol_bytes(b"submicro");
            // Three digits, half a byte each.
            let digits =
                [(((nanos / 100) << 4) | (nanos / 10 % 10)) as u8, ((nanos % 10) << 4) as u8];
            self.bytes(if nanos % 10 == 0 { digits.get(..1).unwrap_or_default() } else { &digits });
        }
        if let Some(offset) = moment.offset {
            self.symbol_bytes(b"offset");
            self.int(i64::from(offset));
        }
        self.symbol_bytes(b"zone");
        if moment.offset.is_some() {
            self.nil();
        } else {
            self.objects += 1;
            self.out.extend_from_slice(b"I\"\x08UTC\x06");
            self.encoding(&Encoding::UsAscii);
        }
        self.objects += 1;
        Ok(())
    }
}
