//! Writes Marshal 4.8.

use crate::{DumpError, Limits, Reference, Shape, Value};

pub(crate) struct Writer<'a> {
    out: &'a mut Vec<u8>,
}

#[allow(clippy::todo, unused_variables)]
impl<'a> Writer<'a> {
    pub(crate) fn new(out: &'a mut Vec<u8>, limits: &Limits) -> Self {
        out.extend_from_slice(&[4, 8]);
        Self { out }
    }
    pub(crate) fn nil(&mut self) -> Result<(), DumpError> {
        self.out.push(b'0');
        Ok(())
    }
    pub(crate) fn bool(&mut self, value: bool) -> Result<(), DumpError> {
        todo!()
    }
    pub(crate) fn int(&mut self, value: i64) -> Result<(), DumpError> {
        todo!()
    }
    pub(crate) fn int128(&mut self, value: i128) -> Result<(), DumpError> {
        todo!()
    }
    pub(crate) fn uint128(&mut self, value: u128) -> Result<(), DumpError> {
        todo!()
    }
    pub(crate) fn big_int(&mut self, negative: bool, magnitude: &[u8]) -> Result<(), DumpError> {
        todo!()
    }
    pub(crate) fn float(&mut self, value: f64) -> Result<(), DumpError> {
        todo!()
    }
    pub(crate) fn str(&mut self, value: &str) -> Result<(), DumpError> {
        todo!()
    }
    pub(crate) fn bytes(&mut self, value: &[u8]) -> Result<(), DumpError> {
        todo!()
    }
    pub(crate) fn symbol(&mut self, name: &str) -> Result<(), DumpError> {
        todo!()
    }
    pub(crate) fn array(&mut self, len: usize) -> Result<(), DumpError> {
        todo!()
    }
    pub(crate) fn map(&mut self, len: usize) -> Result<(), DumpError> {
        todo!()
    }
    pub(crate) fn keywords(&mut self, len: usize) -> Result<(), DumpError> {
        todo!()
    }
    pub(crate) fn object(&mut self, shape: &'static Shape) -> Result<(), DumpError> {
        todo!()
    }
    pub(crate) fn field(&mut self, shape: &'static Shape, index: usize) -> Result<(), DumpError> {
        todo!()
    }
    pub(crate) fn value(&mut self, value: &Value) -> Result<(), DumpError> {
        todo!()
    }
    pub(crate) fn reference(
        &mut self,
        reference: &Reference,
        count: usize,
    ) -> Result<(), DumpError> {
        todo!()
    }
    pub(crate) fn end(&mut self) {}
    pub(crate) fn finish(self) -> Result<(), DumpError> {
        todo!()
    }
}
