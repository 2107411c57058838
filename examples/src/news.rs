//! The object of `fire_server`.

use drb::{Block, prelude::*};
use std::sync::{Mutex, PoisonError};

/// What a reader of [`News`] answers.
#[drb::service]
pub trait Reader {
    /// There is news.
    async fn hear(&self, news: String);
}

/// News, for those who read it when they like, and for those who want to be told.
#[derive(Default, DrbUndumped)]
pub struct News {
    readers: Mutex<Vec<ReaderProxy>>,
}

#[drb::service]
impl News {
    /// Calls the block with each piece of news. Gives how many there were.
    pub async fn each(&self, block: Block<(String,)>) -> drb::Result<u64> {
        let news = ["there is fresh tea", "the milk is sour"];
        for one in news {
            block.call((one.to_owned(),)).await?;
        }
        Ok(news.len() as u64)
    }

    /// Remembers a reader.
    pub fn subscribe(&self, reader: ReaderProxy) {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner).push(reader);
    }

    /// Tells all readers. Gives how many could be told; the others have gone, and are forgotten.
    pub async fn publish(&self, news: String) -> usize {
        let readers =
            std::mem::take(&mut *self.readers.lock().unwrap_or_else(PoisonError::into_inner));
        let mut told = Vec::new();
        for reader in readers {
            if reader.hear(&news).await.is_ok() {
                told.push(reader);
            }
        }
        let count = told.len();
        self.readers.lock().unwrap_or_else(PoisonError::into_inner).append(&mut told);
        count
    }
}
