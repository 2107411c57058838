//! Marshal 4.8, Ruby's format of values.

mod reader;
mod writer;

pub(crate) use reader::Reader;
pub(crate) use writer::Writer;
