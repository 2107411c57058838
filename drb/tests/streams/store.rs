//! What gives streams, and takes them.

use drb::{Stream, prelude::*};
use futures_util::{StreamExt, stream};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

#[derive(Debug, Clone, PartialEq, DrbDumped)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) hits: u64,
}

#[derive(Debug, PartialEq, DrbError)]
pub(crate) enum StoreError {
    Odd { number: i64 },
}

impl std::fmt::Display for StoreError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self::Odd { number } = self;
        write!(f, "{number} is odd")
    }
}

#[derive(DrbUndumped)]
pub(crate) struct Counter(pub(crate) i64, pub(crate) Arc<AtomicUsize>);

#[drb::service]
impl Counter {
    pub fn number(&self) -> i64 {
        self.0
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        self.1.fetch_sub(1, Ordering::SeqCst);
    }
}

/// What the streams of a store have done, as its test sees it.
#[derive(Clone, Default)]
pub(crate) struct Seen {
    /// Items that were made.
    pub(crate) made: Arc<AtomicUsize>,
    /// Streams that are there.
    pub(crate) alive: Arc<AtomicUsize>,
    pub(crate) counters: Arc<AtomicUsize>,
}

pub(crate) struct Alive(Arc<AtomicUsize>);

impl Alive {
    pub(crate) fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(count))
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[derive(Default)]
pub(crate) struct Store {
    pub(crate) names: Vec<String>,
    pub(crate) seen: Seen,
    pub(crate) kept: Mutex<Option<Stream<i64>>>,
}

#[drb::service]
impl Store {
    pub fn numbers(&self, count: i64) -> impl futures_util::Stream<Item = i64> {
        let alive = Alive::new(&self.seen.alive);
        let made = Arc::clone(&self.seen.made);
        stream::iter(0..count).map(move |number| {
            let _ = &alive;
            made.fetch_add(1, Ordering::SeqCst);
            number
        })
    }

    /// Each item takes longer than a batch is to take.
    pub fn laborious(&self) -> impl futures_util::Stream<Item = i64> {
        stream::iter(0..).map(|number| {
            let began = Instant::now();
            while began.elapsed() < Duration::from_micros(200) {}
            number
        })
    }

    /// Borrows from the object, and from its arguments.
    pub fn names<'a>(&'a self, prefix: &'a str) -> impl futures_util::Stream<Item = &'a str> {
        stream::iter(self.names.iter().filter(move |name| name.starts_with(prefix)))
            .map(String::as_str)
    }

    pub async fn entries(&self) -> impl futures_util::Stream<Item = Entry> + '_ {
        tokio::task::yield_now().await;
        stream::iter(&self.names).map(|name| Entry { key: name.clone(), hits: 1 })
    }

    pub fn even(
        &self,
        upto: i64,
    ) -> Result<impl futures_util::Stream<Item = Result<i64, StoreError>>, StoreError> {
        if upto % 2 > 0 {
            return Err(StoreError::Odd { number: upto });
        }
        Ok(stream::iter(0..upto).map(|number| match number % 10 {
            5 => Err(StoreError::Odd { number }),
            _ => Ok(number),
        }))
    }

    pub async fn later(&self, fails: bool) -> Result<impl futures_util::Stream<Item = u8>, String> {
        tokio::task::yield_now().await;
        if fails { Err("not today".to_owned()) } else { Ok(stream::iter([1, 2, 3])) }
    }

    pub fn panics(&self, after: i64) -> impl futures_util::Stream<Item = i64> {
        let alive = Alive::new(&self.seen.alive);
        stream::iter(0..).map(move |number| {
            let _ = &alive;
            assert!(number < after, "on purpose");
            number
        })
    }

    pub fn silent(&self) -> impl futures_util::Stream<Item = i64> {
        let alive = Alive::new(&self.seen.alive);
        stream::iter([1, 2, 3]).chain(stream::pending()).map(move |number| {
            let _ = &alive;
            number
        })
    }

    pub fn counters(&self, count: i64) -> impl futures_util::Stream<Item = Counter> {
        stream::iter(0..count).map(|number| {
            self.seen.counters.fetch_add(1, Ordering::SeqCst);
            Counter(number, Arc::clone(&self.seen.counters))
        })
    }

    pub fn of_streams(&self) -> impl futures_util::Stream<Item = Stream<i64>> {
        stream::iter(1..4).map(|count| Stream::new(stream::iter(0..count)))
    }

    pub fn made(&self) -> Stream<String> {
        Stream::new(stream::iter(["a".to_owned(), "b".to_owned()]))
    }

    pub fn chunks(&self, len: usize, count: usize) -> impl futures_util::Stream<Item = Vec<u8>> {
        stream::iter(0..count).map(move |index| vec![index as u8; len])
    }

    pub fn of_lens(&self, lens: Vec<usize>) -> impl futures_util::Stream<Item = Vec<u8>> {
        stream::iter(lens).map(|len| vec![0; len])
    }

    pub fn groups(&self, lens: Vec<i64>) -> impl futures_util::Stream<Item = Vec<Counter>> {
        stream::iter(lens).map(|len| {
            let counter = |number| {
                self.seen.counters.fetch_add(1, Ordering::SeqCst);
                Counter(number, Arc::clone(&self.seen.counters))
            };
            (0..len).map(counter).collect()
        })
    }

    pub async fn sum(&self, mut numbers: Stream<i64>) -> drb::Result<i64> {
        let mut sum = 0;
        while let Some(number) = numbers.next().await {
            sum += number?;
        }
        Ok(sum)
    }

    pub async fn first(&self, mut numbers: Stream<i64>) -> drb::Result<Option<i64>> {
        numbers.next().await.transpose()
    }

    pub async fn call_all(&self, mut counters: Stream<CounterProxy>) -> drb::Result<i64> {
        let mut sum = 0;
        while let Some(counter) = counters.next().await {
            sum += counter?.number().await?;
        }
        Ok(sum)
    }

    pub async fn upto_an_error(&self, mut numbers: Stream<Result<i64, StoreError>>) -> String {
        let mut count = 0;
        loop {
            match numbers.next().await {
                Some(Ok(_)) => count += 1,
                Some(Err(error)) => return format!("{count}: {error}"),
                None => return format!("{count}"),
            }
        }
    }

    /// How many of its streams are there.
    pub fn alive(&self) -> usize {
        self.seen.alive.load(Ordering::SeqCst)
    }

    pub fn keep(&self, numbers: Stream<i64>) {
        *self.kept.lock().unwrap() = Some(numbers);
    }

    pub fn give(&self) -> Option<Stream<i64>> {
        self.kept.lock().unwrap().take()
    }
}
