//! Texts, and what is written as one.

use crate::{Arg, Dump, DumpError, Dumper, Load, LoadError, LoadRef, Loader, value::Str};
use std::{
    borrow::Cow,
    path::{Path, PathBuf},
    sync::Arc,
};

by_value!([] String, [] PathBuf, [] Str, [] Box<str>, [] Arc<str>, [] Cow<'static, str>);

impl Dump for str {
    #[inline]
    fn dump(&self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        dumper.str(self)
    }
}

impl Dump for String {
    #[inline]
    fn dump(&self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        dumper.str(self)
    }

    #[inline]
    fn dump_own(self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        dumper.own_str(self)
    }
}

impl Load for String {
    #[inline]
    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError> {
        loader.own_str()
    }
}

impl Load for Box<str> {
    #[inline]
    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError> {
        loader.str().map(Into::into)
    }
}

impl Load for Arc<str> {
    #[inline]
    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError> {
        loader.str().map(Into::into)
    }
}

impl<T: ToOwned + Dump + ?Sized> Dump for Cow<'_, T> {
    #[inline]
    fn dump(&self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        (**self).dump(dumper)
    }
}

impl<T: ToOwned<Owned: Load> + ?Sized> Load for Cow<'_, T> {
    #[inline]
    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError> {
        T::Owned::load(loader).map(Self::Owned)
    }
}

/// A string of bytes or text with its encoding.
impl Dump for Str {
    #[inline]
    fn dump(&self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        dumper.value(&self.clone().into())
    }
}

impl Load for Str {
    #[inline]
    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError> {
        match loader.value()? {
            crate::Value::Str(text) => Ok(text),
            other => Err(crate::LoadErrorKind::Mismatch {
                expected: "a String".into(),
                found: format!("a {}", other.class()).into(),
            }
            .into()),
        }
    }
}

/// A string: of text if the path is UTF-8, else of bytes.
impl Dump for Path {
    #[inline]
    fn dump(&self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        match self.to_str() {
            Some(text) => dumper.str(text),
            None => dumper.bytes(self.as_os_str().as_encoded_bytes()),
        }
    }
}

impl Dump for PathBuf {
    #[inline]
    fn dump(&self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        self.as_path().dump(dumper)
    }
}

impl Load for PathBuf {
    #[inline]
    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError> {
        let bytes = loader.bytes()?;
        path(&bytes)
    }
}

#[cfg(unix)]
fn path(bytes: &[u8]) -> Result<PathBuf, LoadError> {
    use std::os::unix::ffi::OsStrExt;
    Ok(std::ffi::OsStr::from_bytes(bytes).into())
}

#[cfg(not(unix))]
fn path(bytes: &[u8]) -> Result<PathBuf, LoadError> {
    let text = std::str::from_utf8(bytes);
    text.map(PathBuf::from)
        .map_err(|_| crate::LoadErrorKind::NotText { encoding: "UTF-8".into() }.into())
}

impl LoadRef for Path {
    type Owned = PathBuf;
}

impl Arg<PathBuf> for &Path {
    fn dump_arg(self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        self.dump(dumper)
    }
}

impl Arg<PathBuf> for &str {
    fn dump_arg(self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        dumper.str(self)
    }
}

/// A symbol by its name.
impl Arg<crate::Symbol> for &str {
    fn dump_arg(self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        dumper.symbol(self)
    }
}
