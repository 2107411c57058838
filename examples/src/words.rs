//! The object of `blocks_server`.

use drb::{Block, Value, prelude::*};

/// Some words, and methods that take a block: Ruby's `{ |word| … }`, a closure of Rust.
#[derive(DrbUndumped)]
pub struct Words(pub Vec<String>);

#[drb::service]
impl Words {
    /// Calls the block with each word and its place. Gives how many words there are.
    pub async fn each(&self, block: Block<(String, u64)>) -> drb::Result<u64> {
        for (word, place) in self.0.iter().zip(0..) {
            block.call((word.clone(), place)).await?;
        }
        Ok(self.0.len() as u64)
    }

    /// Gives what the block makes of each word.
    pub async fn map(&self, block: Block<(String,), Value>) -> drb::Result<Vec<Value>> {
        let mut made = Vec::new();
        for word in &self.0 {
            made.push(block.call((word.clone(),)).await?);
        }
        Ok(made)
    }
}
