//! Ranges: Ruby's `Range`.

use crate::{Dump, DumpError, Dumper, Field, Form, Load, LoadError, Loader, Outbound, Shape};
use std::ops::{Range, RangeFrom, RangeInclusive, RangeTo, RangeToInclusive};

static SHAPE: Shape = Shape {
    class: "Range",
    form: Form::Object,
    fields: &[
        Field { name: "excl", ivar: "excl" },
        Field { name: "begin", ivar: "begin" },
        Field { name: "end", ivar: "end" },
    ],
};

fn dump(
    excludes_end: bool,
    begin: Option<&impl Dump>,
    end: Option<&impl Dump>,
    dumper: &mut Dumper<'_>,
) -> Result<(), DumpError> {
    dumper.object(&SHAPE)?;
    dumper.field(&SHAPE, 0)?;
    dumper.bool(excludes_end)?;
    dumper.field(&SHAPE, 1)?;
    begin.dump(dumper)?;
    dumper.field(&SHAPE, 2)?;
    end.dump(dumper)?;
    dumper.end();
    Ok(())
}

struct Loaded<T> {
    excludes_end: bool,
    begin: Option<T>,
    end: Option<T>,
}

fn load<T: Load>(loader: &mut Loader<'_>) -> Result<Loaded<T>, LoadError> {
    let mut loaded = Loaded { excludes_end: false, begin: None, end: None };
    let mut fields = loader.object(&SHAPE)?;
    while let Some(position) = loader.field(&SHAPE, &mut fields)? {
        match position {
            0 => loaded.excludes_end = bool::load(loader)?,
            1 => loaded.begin = Option::load(loader).map_err(|error| error.within("begin"))?,
            _ => loaded.end = Option::load(loader).map_err(|error| error.within("end"))?,
        }
    }
    loader.end()?;
    Ok(loaded)
}

fn expected(form: &'static str) -> LoadError {
    LoadError::custom(format!("expected a Range of the form {form}"))
}

macro_rules! ranges {
    ($($ty:ident, $form:literal, $excludes:literal, |$range:ident| ($begin:expr, $end:expr),
        ($($pattern:tt)*) => $make:expr;)*) => {$(
        impl<T: Dump> Dump for $ty<T> {
            fn dump(&self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
                let $range = self;
                let (begin, end): (Option<&T>, Option<&T>) = ($begin, $end);
                dump($excludes, begin, end, dumper)
            }
        }

        impl<T: Load> Load for $ty<T> {
            fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError> {
                match load(loader)? {
                    $($pattern)* => Ok($make),
                    _ => Err(expected($form)),
                }
            }
        }

        impl<T: Dump + Load + Send + 'static> Outbound for $ty<T> {
            type Arrives = Self;

            fn send(self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
                self.dump(dumper)
            }
        }
    )*};
}

ranges! {
    Range, "`a...b`", true, |range| (Some(&range.start), Some(&range.end)),
        (Loaded { excludes_end: true, begin: Some(start), end: Some(end) }) => start..end;
    RangeInclusive, "`a..b`", false, |range| (Some(range.start()), Some(range.end())),
        (Loaded { excludes_end: false, begin: Some(start), end: Some(end) }) => start..=end;
    RangeFrom, "`a..`", false, |range| (Some(&range.start), None),
        (Loaded { begin: Some(start), end: None, .. }) => start..;
    RangeTo, "`...b`", true, |range| (None, Some(&range.end)),
        (Loaded { excludes_end: true, begin: None, end: Some(end) }) => ..end;
    RangeToInclusive, "`..b`", false, |range| (None, Some(&range.end)),
        (Loaded { excludes_end: false, begin: None, end: Some(end) }) => ..=end;
}
