//! `chrono`, with the feature `chrono`: Ruby's `Time` and `Date`.

use crate::{
    Dump, DumpError, Dumper, Load, LoadError, Loader, Value, marshal::Moment, value::Marshaled,
};
use chrono::{DateTime, FixedOffset, NaiveDate, TimeZone, Utc};

by_value!([] DateTime<FixedOffset>, [] NaiveDate, [] DateTime<Utc>);

/// The day of the Julian count on which 1970 began, which is how Ruby counts the days of a `Date`.
const JULIAN_DAY: i64 = 2_440_588;
/// The Julian day from which on Ruby's `Date` uses the calendar of today: Italy's, in 1582.
const REFORM: f64 = 2_299_161.0;

impl Dump for DateTime<Utc> {
    fn dump(&self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        dumper.time(&moment(self, None))
    }
}

/// From a `Time` of whatever offset.
impl Load for DateTime<Utc> {
    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError> {
        utc(&loader.time()?)
    }
}

/// A `Time` with its offset.
impl Dump for DateTime<FixedOffset> {
    fn dump(&self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        dumper.time(&moment(self, Some(self.offset().local_minus_utc())))
    }
}

impl Load for DateTime<FixedOffset> {
    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError> {
        let moment = loader.time()?;
        let offset = FixedOffset::east_opt(moment.offset.unwrap_or(0))
            .ok_or_else(|| LoadError::custom("a Time with an offset of more than a day"))?;
        Ok(utc(&moment)?.with_timezone(&offset))
    }
}

fn moment<Z: TimeZone>(time: &DateTime<Z>, offset: Option<i32>) -> Moment {
    // A leap second is the second after it.
    let nanos = time.timestamp_subsec_nanos();
    let seconds = time.timestamp() + i64::from(nanos / 1_000_000_000);
    Moment { seconds, nanos: nanos % 1_000_000_000, offset }
}

fn utc(moment: &Moment) -> Result<DateTime<Utc>, LoadError> {
    DateTime::from_timestamp(moment.seconds, moment.nanos)
        .ok_or_else(|| LoadError::custom("a Time too far away"))
}

/// Ruby's `Date`.
impl Dump for NaiveDate {
    fn dump(&self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        let days = self.and_time(chrono::NaiveTime::MIN).and_utc().timestamp() / 86_400;
        let nothing = || Value::from(0);
        let parts = [
            nothing(),
            Value::from(days + JULIAN_DAY),
            nothing(),
            nothing(),
            nothing(),
            Value::from(REFORM),
        ];
        dumper.value(&Marshaled::new("Date", parts).into())
    }
}

/// From a `Date`, or from a text such as `2026-11-22`.
impl Load for NaiveDate {
    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError> {
        let value = loader.value()?;
        if let Some(text) = value.as_str() {
            return text
                .parse()
                .map_err(|error| LoadError::custom(format!("{text:?} is no date: {error}")));
        }
        let day = match &value {
            Value::Marshaled(date) if date.class() == "Date" => {
                date.data().as_array().and_then(|parts| parts.get(1).and_then(Value::as_i64))
            }
            _ => {
                return Err(LoadError::custom(format!("expected a Date, got a {}", value.class())));
            }
        };
        day.and_then(|day| day.checked_sub(JULIAN_DAY)?.checked_mul(86_400))
            .and_then(|seconds| DateTime::from_timestamp(seconds, 0))
            .map(|time| time.date_naive())
            .ok_or_else(|| LoadError::custom("a Date too far away"))
    }
}
