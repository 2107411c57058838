//! Streams that go through a process in the middle, as what they are, with what their items refer to.

mod wires;

use drb::{Client, Server, Stream, Usage, prelude::*};
use futures_util::{StreamExt, stream};
use std::{
    future::Future,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use wires::On;

#[derive(DrbUndumped)]
struct Counter(i64, #[allow(dead_code, reason = "it tells whether the counter is there")] Arc<()>);

#[drb::service]
impl Counter {
    pub fn number(&self) -> i64 {
        self.0
    }
}

/// The far process.
#[derive(Clone, Default)]
struct Far {
    alive: Arc<()>,
    made: Arc<AtomicUsize>,
}

#[drb::service]
impl Far {
    pub fn counters(&self, count: i64) -> impl futures_util::Stream<Item = Counter> + 'static {
        let Self { alive, made } = self.clone();
        stream::iter(0..count).map(move |number| {
            made.fetch_add(1, Ordering::SeqCst);
            Counter(number, Arc::clone(&alive))
        })
    }

    pub fn numbers(&self, count: i64) -> impl futures_util::Stream<Item = i64> + 'static {
        let Self { alive, made } = self.clone();
        stream::iter(0..count).map(move |number| {
            let _ = &alive;
            made.fetch_add(1, Ordering::SeqCst);
            number
        })
    }

    pub async fn sum(&self, mut numbers: Stream<i64>) -> drb::Result<i64> {
        let mut sum = 0;
        while let Some(number) = numbers.next().await {
            sum += number?;
        }
        Ok(sum)
    }

    pub async fn sum_all(&self, mut counters: Stream<CounterProxy>) -> drb::Result<i64> {
        let mut sum = 0;
        while let Some(counter) = counters.next().await {
            sum += counter?.number().await?;
        }
        Ok(sum)
    }

    pub fn echo(&self, numbers: Stream<i64>) -> Stream<i64> {
        numbers
    }

    pub fn echo_all(&self, counters: Stream<CounterProxy>) -> Stream<CounterProxy> {
        counters
    }

    pub fn echo_results(&self, numbers: Stream<drb::Result<i64>>) -> Stream<drb::Result<i64>> {
        numbers
    }

    pub fn items(
        &self,
        numbers: Stream<i64>,
    ) -> impl futures_util::Stream<Item = drb::Result<i64>> {
        numbers
    }
}

/// The process in the middle.
struct Middle {
    far: FarProxy,
    kept: Mutex<Option<Stream<i64>>>,
}

#[drb::service]
impl Middle {
    pub fn far(&self) -> FarProxy {
        self.far.clone()
    }

    /// As it is.
    pub async fn counters(&self, count: i64) -> drb::Result<Stream<Counter>> {
        self.far.counters(count).await
    }

    /// Item for item.
    pub async fn each_counter(
        &self,
        count: i64,
    ) -> drb::Result<impl futures_util::Stream<Item = drb::Result<CounterProxy>>> {
        self.far.counters(count).await
    }

    pub async fn numbers(&self, count: i64) -> drb::Result<Stream<i64>> {
        self.far.numbers(count).await
    }

    pub async fn sum(&self, numbers: Stream<i64>) -> drb::Result<i64> {
        self.far.sum(&numbers).await
    }

    pub async fn sum_all(&self, counters: Stream<CounterProxy>) -> drb::Result<i64> {
        self.far.sum_all(&counters).await
    }

    pub async fn echo(&self, numbers: Stream<i64>) -> drb::Result<Stream<i64>> {
        self.far.echo(&numbers).await
    }

    pub async fn echo_all(
        &self,
        numbers: Stream<CounterProxy>,
    ) -> drb::Result<Stream<CounterProxy>> {
        self.far.echo_all(&numbers).await
    }

    pub async fn echo_results(
        &self,
        numbers: Stream<drb::Result<i64>>,
    ) -> drb::Result<Stream<drb::Result<i64>>> {
        self.far.echo_results(&numbers).await
    }

    pub async fn items(
        &self,
        numbers: Stream<i64>,
    ) -> drb::Result<impl futures_util::Stream<Item = drb::Result<i64>>> {
        let items = self.far.items(&numbers).await?;
        Ok(items)
    }

    pub fn keep(&self, numbers: Stream<i64>) {
        *self.kept.lock().unwrap() = Some(numbers);
    }

    pub fn give(&self) -> Option<Stream<i64>> {
        self.kept.lock().unwrap().take()
    }
}

struct Sites {
    far: Server,
    near: Server,
    /// Of the process in the middle, and of the caller.
    clients: [Client; 2],
    seen: Far,
    middle: MiddleProxy,
    /// Whether Ruby's wire is nowhere in between.
    native: bool,
}

impl Sites {
    /// The caller's wire to the process in the middle, and that one's to the far one.
    async fn new([first, second]: [On; 2]) -> Self {
        let seen = Far::default();
        let far = drb::start_service(On::Native.at(), seen.clone()).await.unwrap();
        let clients = [Client::new(), Client::new()];
        let far_proxy = clients[0].connect(&second.elsewhere(&far)).await.unwrap();
        let middle = Middle { far: far_proxy, kept: Mutex::default() };
        let near = drb::start_service(On::Native.at(), middle).await.unwrap();
        let middle = clients[1].connect(&first.elsewhere(&near)).await.unwrap();
        let native = (first, second) == (On::Native, On::Native);
        Self { far, near, clients, seen, middle, native }
    }

    /// In all ways in which two wires can be there.
    async fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for first in [On::Native, On::Ruby] {
            for second in [On::Native, On::Ruby] {
                all.push(Self::new([first, second]).await);
            }
        }
        all
    }

    fn usages(&self) -> [Usage; 4] {
        let [between, client] = &self.clients;
        [self.far.usage(), between.usage(), self.near.usage(), client.usage()]
    }

    /// Waits until nobody holds anything, and no item is there.
    async fn rest(&self) {
        if !self.native {
            // Ruby's wire holds what it has been given for as long as a lease.
            return;
        }
        let held = |usage: Usage| usage.exported + usage.imported > 0;
        for _ in 0..1000 {
            if !self.usages().into_iter().any(held) && Arc::strong_count(&self.seen.alive) == 2 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{:?} {}", self.usages(), Arc::strong_count(&self.seen.alive));
    }
}

async fn bounded<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("it hangs")
}

/// Calls each of them, and gives the sum.
async fn sum<S>(mut counters: S) -> i64
where
    S: futures_util::Stream<Item = drb::Result<CounterProxy>> + Unpin,
{
    let mut sum = 0;
    while let Some(counter) = bounded(counters.next()).await {
        sum += bounded(counter.unwrap().number()).await.unwrap();
    }
    sum
}

async fn add<S>(mut numbers: S) -> i64
where
    S: futures_util::Stream<Item = drb::Result<i64>> + Unpin,
{
    let mut sum = 0;
    while let Some(number) = bounded(numbers.next()).await {
        sum += number.unwrap();
    }
    sum
}

/// So many that a batch has as many references as it may have.
const COUNT: i64 = 600;
const SUM: i64 = COUNT * (COUNT - 1) / 2;

#[tokio::test]
async fn objects_come_through_a_process_in_the_middle() {
    for sites in Sites::all().await {
        let middle = &sites.middle;
        assert_eq!(sum(middle.counters(COUNT).await.unwrap()).await, SUM);
        assert_eq!(sum(middle.each_counter(COUNT).await.unwrap()).await, SUM);
        let far = middle.far().await.unwrap();
        assert_eq!(sum(far.counters(COUNT).await.unwrap()).await, SUM);
        drop(far);
        sites.rest().await;
    }
}

#[tokio::test]
async fn objects_go_through_a_process_in_the_middle() {
    for sites in Sites::all().await {
        let middle = &sites.middle;
        let alive = Arc::new(());
        let counters = || {
            let alive = Arc::clone(&alive);
            Stream::new(
                stream::iter(0..COUNT).map(move |number| Counter(number, Arc::clone(&alive))),
            )
        };
        assert_eq!(bounded(middle.sum_all(&counters())).await.unwrap(), SUM);
        let far = middle.far().await.unwrap();
        assert_eq!(bounded(far.sum_all(&counters())).await.unwrap(), SUM);
        assert_eq!(sum(bounded(middle.echo_all(&counters())).await.unwrap()).await, SUM);
        assert_eq!(sum(bounded(far.echo_all(&counters())).await.unwrap()).await, SUM);
        drop(far);
        sites.rest().await;
        if sites.native {
            assert_eq!(Arc::strong_count(&alive), 1);
        }
    }
}

#[tokio::test]
async fn a_stream_that_has_arrived_is_given_back() {
    for sites in Sites::all().await {
        let middle = &sites.middle;
        let far = middle.far().await.unwrap();
        let numbers = || stream::iter(0..COUNT);
        assert_eq!(add(far.echo(numbers()).await.unwrap()).await, SUM);
        assert_eq!(add(far.items(numbers()).await.unwrap()).await, SUM);
        assert_eq!(add(middle.echo(numbers()).await.unwrap()).await, SUM);
        assert_eq!(add(middle.items(numbers()).await.unwrap()).await, SUM);
        let back = middle.echo(&middle.numbers(COUNT).await.unwrap()).await.unwrap();
        assert_eq!(add(back).await, SUM);
        middle.keep(numbers()).await.unwrap();
        assert_eq!(add(middle.give().await.unwrap().unwrap()).await, SUM);
        drop(far);
        sites.rest().await;
    }
}

#[tokio::test]
async fn nothing_runs_far_ahead_of_a_reader_behind_a_process_in_the_middle() {
    for sites in Sites::all().await {
        let middle = &sites.middle;
        let endless = || async { middle.numbers(i64::MAX).await.unwrap() };
        // As it is, as an argument that comes back, and item for item.
        let ways = [
            endless().await.boxed(),
            middle.echo(&endless().await).await.unwrap().boxed(),
            middle.items(&endless().await).await.unwrap().boxed(),
        ];
        for mut numbers in ways {
            let before = sites.seen.made.load(Ordering::SeqCst);
            for number in 0..10_000 {
                assert_eq!(bounded(numbers.next()).await, Some(Ok(number)));
            }
            // It waits, although there is time.
            tokio::time::sleep(Duration::from_millis(50)).await;
            let made = sites.seen.made.load(Ordering::SeqCst) - before;
            assert!(made < 200_000, "{made}");
        }
        // All of them are at their end now.
        sites.rest().await;
    }
}

#[tokio::test]
async fn an_error_comes_through_a_process_in_the_middle() {
    for sites in Sites::all().await {
        let middle = &sites.middle;
        let far = middle.far().await.unwrap();
        let numbers = || stream::iter([Ok(1), Err(drb::Error::Stopped), Ok(3)]);
        for mut back in [
            far.echo_results(numbers()).await.unwrap(),
            middle.echo_results(numbers()).await.unwrap(),
        ] {
            assert_eq!(bounded(back.next()).await, Some(Ok(1)));
            assert!(matches!(bounded(back.next()).await, Some(Err(_))));
            assert_eq!(bounded(back.next()).await, Some(Ok(3)));
            assert_eq!(bounded(back.next()).await, None);
        }
    }
}

#[tokio::test]
async fn a_connection_that_is_lost_behind_a_process_in_the_middle_is_not_the_end() {
    // Over Ruby's wire an object of this very process has no connection to lose.
    let sites = Sites::new([On::Native; 2]).await;
    let middle = &sites.middle;
    let mut ways = [
        middle.numbers(i64::MAX).await.unwrap().boxed(),
        middle.items(&middle.numbers(i64::MAX).await.unwrap()).await.unwrap().boxed(),
    ];
    for numbers in &mut ways {
        assert_eq!(bounded(numbers.next()).await, Some(Ok(0)));
    }
    sites.far.drain(Duration::ZERO).await;
    for numbers in &mut ways {
        let last = loop {
            match bounded(numbers.next()).await {
                Some(Ok(_)) => {}
                last => break last,
            }
        };
        assert!(matches!(last, Some(Err(_))), "{last:?}");
        assert_eq!(bounded(numbers.next()).await, None);
    }
}
