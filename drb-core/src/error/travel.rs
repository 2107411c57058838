//! Exceptions on the wire.

use super::Exception;
use crate::{Dump, DumpError, Dumper, Load, LoadError, Loader, Value};

impl Exception {
    /// The text of a field.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        match self.field(name)? {
            Value::Str(text) => text.as_str(),
            _ => None,
        }
    }
}

#[allow(clippy::todo)]
impl Dump for Exception {
    fn dump(&self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        let _ = dumper;
        todo!()
    }
}

#[allow(clippy::todo)]
impl Load for Exception {
    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError> {
        let _ = loader;
        todo!()
    }
}
