//! The forms in which a method gives and takes streams.

use drb::{DrbDumped, DrbUndumped, Stream};
use futures_util::{Stream as _, StreamExt, stream};

#[derive(Debug, Clone, DrbDumped)]
pub struct Entry<T> {
    value: T,
}

#[derive(DrbUndumped)]
pub struct Cursor;

#[drb::service]
impl Cursor {
    pub fn next(&self) -> u64 {
        1
    }
}

pub struct Log<T> {
    entries: Vec<Entry<T>>,
}

#[drb::service]
impl<T: Clone + Send + Sync + 'static> Log<T> {
    pub fn tail(&self) -> impl futures_util::Stream<Item = Entry<T>> {
        stream::iter(self.entries.iter().cloned())
    }

    pub fn values(&self, from: usize) -> impl futures_util::Stream<Item = T> + Send + '_ {
        stream::iter(self.entries.iter().skip(from).map(|entry| entry.value.clone()))
    }
}

pub struct Store;

#[drb::service]
impl Store {
    pub fn cursors(&self) -> impl futures_util::Stream<Item = Cursor> + use<> {
        stream::iter([Cursor])
    }

    pub fn words<'a>(&self, text: &'a str) -> impl futures_util::Stream<Item = &'a str> {
        stream::iter(text.split(' '))
    }

    pub async fn slowly(
        &self,
        text: &str,
    ) -> Result<impl futures_util::Stream<Item = Result<char, String>>, String> {
        Ok(stream::iter(text.chars().map(Ok)))
    }

    pub async fn count(&self, entries: Stream<Entry<String>>) -> usize {
        entries.count().await
    }

    pub fn made(&self) -> Vec<Stream<u64>> {
        vec![Stream::new(stream::iter([1]))]
    }
}

pub struct Exclusive(Vec<u64>);

#[drb::service]
impl Exclusive {
    pub fn drain(&mut self) -> Stream<u64> {
        Stream::new(stream::iter(std::mem::take(&mut self.0)))
    }
}

#[drb::service]
pub trait Source<T: Send + 'static> {
    fn items(&self) -> impl futures_util::Stream<Item = T>;

    async fn later(&self) -> impl futures_util::Stream<Item = u64>;

    fn fallible(&self) -> Result<impl futures_util::Stream<Item = u64>, String>;
}

pub struct Other;

#[drb::service]
impl Source<String> for Other {
    fn items(&self) -> impl futures_util::Stream<Item = String> {
        stream::iter(["a".to_owned()])
    }

    async fn later(&self) -> impl futures_util::Stream<Item = u64> {
        stream::iter([1])
    }

    fn fallible(&self) -> Result<impl futures_util::Stream<Item = u64>, String> {
        Ok(stream::iter([1]))
    }
}

pub async fn read(log: LogProxy<String>, store: StoreProxy) -> drb::Result<()> {
    let mut tail: Stream<Entry<String>> = log.tail().await?;
    while let Some(entry) = tail.next().await {
        let _: Entry<String> = entry?;
    }
    let count: usize = store.count(stream::iter([Entry { value: "a".to_owned() }])).await?;
    let _ = count;
    let mut cursors = store.cursors().await?;
    if let Some(cursor) = cursors.next().await {
        cursor?.next().await?;
    }
    let (least, _) = cursors.size_hint();
    let _ = least;
    Ok(())
}

fn main() {}
