//! The arguments of a call, loaded one after the other into what the method takes.

use crate::{Limits, Load, LoadError, Loader, Session, error::LoadErrorKind};

/// The arguments of a call, in the order in which the method takes them: by position, then by
/// name.
///
/// The code that `#[drb::service]` makes calls it; nobody else needs to.
pub struct Args<'a> {
    /// One Marshal stream for each argument.
    streams: &'a [&'a [u8]],
    limits: &'a Limits,
    session: Option<&'a dyn Session>,
}

/// The arguments by name that follow those by position.
pub struct Keywords<'a> {
    loader: Option<Loader<'a>>,
    left: usize,
    name: String,
}

#[allow(clippy::todo, unused_variables, missing_docs)]
impl<'a> Args<'a> {
    /// The arguments of a call on Ruby's wire: one Marshal stream each.
    pub fn marshal(
        streams: &'a [&'a [u8]],
        limits: &'a Limits,
        session: Option<&'a dyn Session>,
    ) -> Self {
        Self { streams, limits, session }
    }

    /// Checks the number of arguments by position, as Ruby does. A method without keywords takes
    /// keywords as a last map.
    pub fn expect(
        &mut self,
        required: usize,
        optional: usize,
        rest: bool,
        keywords: bool,
    ) -> Result<(), LoadError> {
        todo!()
    }

    /// The next argument by position.
    pub fn required<T: Load>(&mut self, name: &'static str) -> Result<T, LoadError> {
        todo!()
    }

    /// The next argument by position, if there is one. (Required ones behind it are left for
    /// those.)
    pub fn optional<T: Load>(&mut self, name: &'static str) -> Result<Option<T>, LoadError> {
        todo!()
    }

    /// All further arguments by position.
    pub fn rest<T: Load>(&mut self, name: &'static str) -> Result<Vec<T>, LoadError> {
        todo!()
    }

    /// The arguments by name. To be called last.
    pub fn keywords(self) -> Result<Keywords<'a>, LoadError> {
        todo!()
    }
}

#[allow(clippy::todo, unused_variables)]
impl Keywords<'_> {
    /// The position in `names` of the next keyword, whose value is then to be loaded;
    /// `names.len()` for one that is not among them; `None` at the end.
    pub fn next(&mut self, names: &[&str]) -> Result<Option<usize>, LoadError> {
        todo!()
    }

    /// The name of the keyword that [`Keywords::next`] has found.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The value of the keyword that [`Keywords::next`] has found.
    pub fn value<T: Load>(&mut self) -> Result<T, LoadError> {
        todo!()
    }

    /// An error: the method has no such keyword.
    pub fn unknown(&self) -> LoadError {
        LoadErrorKind::UnknownKeyword { name: self.name.clone() }.into()
    }

    /// An error: a keyword that has to be there is not.
    pub fn missing(&self, name: &'static str) -> LoadError {
        LoadErrorKind::MissingKeyword { name }.into()
    }
}
