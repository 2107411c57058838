//! Moments and spans of time.

use crate::{
    Dump, DumpError, Dumper, Load, LoadError, LoadErrorKind, Loader, load::Kind, marshal::Moment,
};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

by_value!([] SystemTime, [] Duration);

/// Ruby's `Time`, in UTC.
impl Dump for SystemTime {
    fn dump(&self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        let too_far = || DumpError::custom("a time too far away");
        let (seconds, nanos) = match self.duration_since(UNIX_EPOCH) {
            Ok(after) => {
                (i64::try_from(after.as_secs()).map_err(|_| too_far())?, after.subsec_nanos())
            }
            Err(error) => {
                let before = error.duration();
                let seconds = -i64::try_from(before.as_secs()).map_err(|_| too_far())?;
                match before.subsec_nanos() {
                    0 => (seconds, 0),
                    nanos => (seconds - 1, 1_000_000_000 - nanos),
                }
            }
        };
        dumper.time(&Moment { seconds, nanos, offset: None })
    }
}

/// From a `Time` of whatever offset, or from a number of seconds since the beginning of 1970.
impl Load for SystemTime {
    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError> {
        let too_far = || LoadError::custom("a Time too far away");
        if matches!(loader.kind()?, Kind::Int | Kind::Float) {
            let seconds = loader.f64()?;
            // No further than a `Time` can be.
            if seconds.abs() > 8e18 {
                return Err(too_far());
            }
            let span = Duration::try_from_secs_f64(seconds.abs()).map_err(|_| too_far())?;
            let time = match seconds < 0.0 {
                true => UNIX_EPOCH.checked_sub(span),
                false => UNIX_EPOCH.checked_add(span),
            };
            return time.ok_or_else(too_far);
        }
        let moment = loader.time()?;
        let seconds = Duration::from_secs(moment.seconds.unsigned_abs());
        let time = match moment.seconds < 0 {
            true => UNIX_EPOCH.checked_sub(seconds),
            false => UNIX_EPOCH.checked_add(seconds),
        };
        time.and_then(|time| time.checked_add(Duration::from_nanos(moment.nanos.into())))
            .ok_or_else(too_far)
    }
}

/// A number of seconds: an Integer if it is whole, else a Float.
impl Dump for Duration {
    fn dump(&self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        if self.subsec_nanos() == 0 {
            dumper.uint128(self.as_secs().into())
        } else {
            dumper.float(self.as_secs_f64())
        }
    }
}

impl Load for Duration {
    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError> {
        if loader.kind()? == Kind::Int {
            let seconds = u64::load(loader).map_err(|error| error.fitting("Duration"))?;
            return Ok(Self::from_secs(seconds));
        }
        let seconds = loader.f64()?;
        Self::try_from_secs_f64(seconds).map_err(|_| {
            LoadErrorKind::OutOfRange { value: seconds.to_string(), target: "Duration" }.into()
        })
    }
}
