//! Hashes, by reference: one whose values are copied, and one whose values aren't.

use drb::{Outbound, Symbol, Value, prelude::*};
use std::sync::Arc;

#[derive(DrbUndumped)]
pub(crate) struct Hash<V>(Vec<(String, V)>);

impl Hash<Symbol> {
    pub(crate) fn simple() -> Self {
        Self(vec![("a".to_owned(), Symbol::from("a")), ("b".to_owned(), Symbol::from("b"))])
    }
}

impl Hash<Arc<XArray2>> {
    pub(crate) fn of_arrays() -> Self {
        let array = |number: i64| Arc::new(XArray2(vec![number]));
        Self(vec![("a".to_owned(), array(0)), ("b".to_owned(), array(1))])
    }
}

#[drb::service(class = "Hash")]
impl<V: Outbound + Clone + Send + Sync + 'static> Hash<V> {
    /// Yields each key with its value as one array.
    pub async fn each(&self, block: Block<((String, V),)>) -> drb::Result<()> {
        for entry in &self.0 {
            block.call((entry.clone(),)).await?;
        }
        Ok(())
    }
}

/// An Array that is not copied.
#[derive(DrbUndumped)]
pub(crate) struct XArray2(Vec<i64>);

#[drb::service(class = "DRbTests::XArray2")]
impl XArray2 {
    pub fn size(&self) -> usize {
        self.0.len()
    }
}

/// `[0]` of a class that the suite derives from Array, as Ruby's Marshal writes it.
pub(crate) fn xarray() -> Value {
    Value::from_marshal(b"\x04\x08C:\x15DRbTests::XArray[\x06i\x00").unwrap_or_default()
}
