//! `ut_array.rb` and `ut_safe1.rb`: an Array, by reference.

use drb::{Value, prelude::*};

pub(crate) struct Row(Vec<Value>);

impl Row {
    /// The one that the suite expects.
    pub(crate) fn mixed() -> Self {
        Self(vec![1.into(), 2.into(), "III".into(), 4.into(), "five".into(), 6.into()])
    }
}

#[drb::service(class = "Array")]
impl Row {
    pub async fn each(&self, block: Block<(Value,)>) -> drb::Result<Vec<Value>> {
        for item in &self.0 {
            block.call((item.clone(),)).await?;
        }
        Ok(self.0.clone())
    }

    pub async fn collect(&self, block: Block<(Value,), Value>) -> drb::Result<Vec<Value>> {
        let mut collected = Vec::new();
        for item in &self.0 {
            collected.push(block.call((item.clone(),)).await?);
        }
        Ok(collected)
    }
}
