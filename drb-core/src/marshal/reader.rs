//! Reads Marshal 4.8.

use crate::{
    Limits, LoadError, Reference, Shape, Value,
    load::{Fields, Kind},
};
use std::borrow::Cow;

pub(crate) struct Reader<'de> {
    bytes: &'de [u8],
}

#[allow(clippy::todo, unused_variables)]
impl<'de> Reader<'de> {
    pub(crate) fn new(bytes: &'de [u8], limits: &Limits) -> Result<Self, LoadError> {
        Ok(Self { bytes })
    }
    pub(crate) fn reserve(&self, len: usize, size: usize) -> usize {
        len.min(self.bytes.len())
    }
    pub(crate) fn kind(&mut self) -> Result<Kind, LoadError> {
        todo!()
    }
    pub(crate) fn take_nil(&mut self) -> Result<bool, LoadError> {
        todo!()
    }
    pub(crate) fn bool(&mut self) -> Result<bool, LoadError> {
        todo!()
    }
    pub(crate) fn i64(&mut self) -> Result<i64, LoadError> {
        todo!()
    }
    pub(crate) fn i128(&mut self) -> Result<i128, LoadError> {
        todo!()
    }
    pub(crate) fn u128(&mut self) -> Result<u128, LoadError> {
        todo!()
    }
    pub(crate) fn big_int(&mut self) -> Result<(bool, Vec<u8>), LoadError> {
        todo!()
    }
    pub(crate) fn f64(&mut self) -> Result<f64, LoadError> {
        todo!()
    }
    pub(crate) fn str(&mut self) -> Result<Cow<'de, str>, LoadError> {
        todo!()
    }
    pub(crate) fn bytes(&mut self) -> Result<Cow<'de, [u8]>, LoadError> {
        todo!()
    }
    pub(crate) fn symbol(&mut self) -> Result<Cow<'de, str>, LoadError> {
        todo!()
    }
    pub(crate) fn array(&mut self) -> Result<usize, LoadError> {
        todo!()
    }
    pub(crate) fn map(&mut self) -> Result<usize, LoadError> {
        todo!()
    }
    pub(crate) fn object(&mut self, shape: &'static Shape) -> Result<Fields, LoadError> {
        todo!()
    }
    pub(crate) fn field(
        &mut self,
        shape: &'static Shape,
        fields: &mut Fields,
    ) -> Result<Option<usize>, LoadError> {
        todo!()
    }
    pub(crate) fn skip(&mut self) -> Result<(), LoadError> {
        todo!()
    }
    pub(crate) fn value(&mut self) -> Result<Value, LoadError> {
        todo!()
    }
    pub(crate) fn reference(&mut self) -> Result<Reference, LoadError> {
        todo!()
    }
    pub(crate) fn keywords(&mut self) -> Result<Option<usize>, LoadError> {
        todo!()
    }
    pub(crate) fn end(&mut self) {}
    pub(crate) fn mismatch(&mut self, expected: &'static str) -> LoadError {
        todo!()
    }
}
