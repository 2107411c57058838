//! Streams, on both wires.

mod elsewhere;
mod store;

use drb::{Client, Limits, Stream, prelude::*};
use futures_util::{StreamExt, stream};
use std::{
    future::Future,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use store::{Alive, Counter, Entry, Seen, Store, StoreError, StoreProxy};

struct Site {
    server: drb::Server,
    store: StoreProxy,
    seen: Seen,
}

async fn sites() -> [Site; 3] {
    let [native, ruby, local] = ["drb", "druby", "drb+local"].map(|scheme| async move {
        let seen = Seen::default();
        let names = ["apple", "avocado", "banana"].map(str::to_owned).to_vec();
        let front = Store { names, seen: seen.clone(), kept: Mutex::default() };
        let place = if scheme == "drb+local" { "" } else { "//127.0.0.1:0" };
        let server = drb::start_service(format!("{scheme}:{place}"), front).await.unwrap();
        let store = Client::new().connect(server.uri()).await.unwrap();
        Site { server, store, seen }
    });
    [native.await, ruby.await, local.await]
}

/// Whether it comes to be soon.
async fn soon(is: impl Fn() -> bool) -> bool {
    for _ in 0..1000 {
        if is() {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    false
}

async fn bounded<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("it hangs")
}

async fn all<T>(stream: Stream<T>) -> Vec<<Stream<T> as futures_util::Stream>::Item>
where
    Stream<T>: futures_util::Stream,
{
    bounded(stream.collect()).await
}

#[tokio::test]
async fn items_come_in_order_and_then_the_end() {
    for Site { store, seen, .. } in sites().await {
        let mut numbers: Stream<i64> = store.numbers(100_000).await.unwrap();
        let mut count = 0;
        while let Some(number) = bounded(numbers.next()).await {
            assert_eq!(number.unwrap(), count);
            count += 1;
        }
        assert_eq!(count, 100_000);
        assert!(numbers.next().await.is_none());
        assert!(soon(|| seen.alive.load(Ordering::SeqCst) == 0).await);
        assert_eq!(all(store.numbers(0).await.unwrap()).await, []);
    }
}

#[tokio::test]
async fn a_stream_may_borrow_from_the_object() {
    for Site { store, .. } in sites().await {
        let names = all(store.names("a").await.unwrap()).await;
        assert_eq!(names, [Ok("apple".to_owned()), Ok("avocado".to_owned())]);
        let entries = all(store.entries().await.unwrap()).await;
        assert_eq!(entries[2], Ok(Entry { key: "banana".to_owned(), hits: 1 }));
        assert_eq!(all(store.made().await.unwrap()).await.len(), 2);
    }
}

#[tokio::test]
async fn a_method_may_fail_instead() {
    for Site { store, .. } in sites().await {
        let error = store.even(3).await.unwrap_err();
        assert_eq!(error, CallError::Method(StoreError::Odd { number: 3 }));
        assert_eq!(store.later(true).await.unwrap_err(), CallError::Method("not today".to_owned()));
        assert_eq!(all(store.later(false).await.unwrap()).await, [Ok(1), Ok(2), Ok(3)]);
    }
}

#[tokio::test]
async fn an_error_is_in_the_place_of_its_item() {
    for Site { store, .. } in sites().await {
        let items = all(store.even(1000).await.unwrap()).await;
        assert_eq!(items.len(), 1000);
        for (number, item) in (0..).zip(items) {
            match number % 10 {
                5 => {
                    let expected = CallError::Method(StoreError::Odd { number });
                    assert_eq!(item, Err(expected));
                }
                _ => assert_eq!(item, Ok(number)),
            }
        }
    }
}

#[tokio::test]
async fn an_item_that_does_not_fit_is_an_error_in_its_place() {
    let [Site { server, seen, .. }, ..] = sites().await;
    let object: drb::Object = Client::new().connect(server.native_uri()).await.unwrap();
    let items: Stream<u8> = object.call("numbers", (600,)).await.unwrap();
    let items = all(items).await;
    assert_eq!(items.len(), 600);
    for (number, item) in (0_i64..).zip(items) {
        match (u8::try_from(number), item) {
            (Ok(number), item) => assert_eq!(item, Ok(number)),
            (Err(_), Err(error)) => assert!(error.to_string().contains("u8"), "{error}"),
            (Err(_), Ok(item)) => panic!("{number} has become {item}"),
        }
    }
    assert!(soon(|| seen.alive.load(Ordering::SeqCst) == 0).await);
}

#[tokio::test]
async fn a_panic_is_the_last_item() {
    for Site { store, seen, .. } in sites().await {
        for after in [0, 1, 100] {
            let items = all(store.panics(after).await.unwrap()).await;
            assert_eq!(items.len() as i64, after + 1);
            let last = items.last().unwrap();
            assert!(matches!(last, Err(drb::Error::Panicked { .. })), "{last:?}");
        }
        assert!(soon(|| seen.alive.load(Ordering::SeqCst) == 0).await);
        assert_eq!(all(store.numbers(1).await.unwrap()).await, [Ok(0)]);
    }
}

#[tokio::test]
async fn nothing_runs_far_ahead_of_the_reader() {
    for Site { store, seen, .. } in sites().await {
        let mut numbers = store.numbers(i64::MAX).await.unwrap();
        assert_eq!(seen.made.load(Ordering::SeqCst), 0, "nobody has asked");
        for number in 0..3 {
            assert_eq!(bounded(numbers.next()).await, Some(Ok(number)));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        let made = seen.made.load(Ordering::SeqCst);
        // The first batch, and two of 28 KiB at most.
        assert!((3..64 + 2 * 28 * 1024 / 3).contains(&made), "{made}");
        // However long nobody reads, nothing more is made.
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(seen.made.load(Ordering::SeqCst), made);
        for number in 3..50_000 {
            assert_eq!(bounded(numbers.next()).await, Some(Ok(number)));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        let ahead = seen.made.load(Ordering::SeqCst) - 50_000;
        // Eight batches of 28 KiB, of items of three bytes, and what is being read.
        assert!(ahead < 10 * 28 * 1024 / 3, "{ahead}");
    }
}

#[tokio::test]
async fn items_that_take_long_go_one_by_one() {
    for Site { store, .. } in sites().await {
        let object = drb::Object::from_remote(Proxy::remote(&store).clone());
        let stream: drb::Object = object.call("laborious", ()).await.unwrap();
        for number in 0..3 {
            let batch: drb::Value = stream.call("next items", (number,)).await.unwrap();
            assert_eq!(batch, drb::Value::from(vec![drb::Value::Bool(true), number.into()]));
        }
    }
}

#[tokio::test]
async fn dropping_a_stream_ends_it() {
    for Site { store, seen, .. } in sites().await {
        let mut numbers = store.numbers(i64::MAX).await.unwrap();
        assert_eq!(bounded(numbers.next()).await, Some(Ok(0)));
        assert_eq!(seen.alive.load(Ordering::SeqCst), 1);
        drop(numbers);
        assert!(soon(|| seen.alive.load(Ordering::SeqCst) == 0).await);
        // Also while its reader waits.
        let mut silent = store.silent().await.unwrap();
        for number in 1..4 {
            assert_eq!(bounded(silent.next()).await, Some(Ok(number)));
        }
        let waits = tokio::time::timeout(Duration::from_millis(50), silent.next()).await;
        assert!(waits.is_err());
        assert_eq!(seen.alive.load(Ordering::SeqCst), 1);
        drop(silent);
        assert!(soon(|| seen.alive.load(Ordering::SeqCst) == 0).await);
    }
}

#[tokio::test]
async fn a_lost_connection_is_an_error_and_not_the_end() {
    // Where an object of this process is called over Ruby's wire, there is no connection to lose.
    let [Site { server, store, .. }, ..] = sites().await;
    {
        let mut silent = store.silent().await.unwrap();
        for number in 1..4 {
            assert_eq!(bounded(silent.next()).await, Some(Ok(number)));
        }
        let stopped = tokio::spawn(async move { server.drain(Duration::from_millis(100)).await });
        let last = bounded(silent.next()).await;
        stopped.await.unwrap();
        assert!(matches!(last, Some(Err(_))), "{last:?}");
        assert!(bounded(silent.next()).await.is_none());
    }
}

#[tokio::test]
async fn a_silent_stream_has_no_deadline() {
    let front = Store::default();
    let server = drb::start_service("druby://127.0.0.1:0", front).await.unwrap();
    let limits = Limits { deadline: Duration::from_millis(200), ..Limits::default() };
    for uri in [server.native_uri(), server.uri()] {
        let client = Client::builder().limits(limits).build();
        let store: StoreProxy = client.connect(uri).await.unwrap();
        let mut silent = store.silent().await.unwrap();
        for number in 1..4 {
            assert_eq!(bounded(silent.next()).await, Some(Ok(number)));
        }
        let waits = tokio::time::timeout(Duration::from_millis(600), silent.next()).await;
        assert!(waits.is_err(), "{waits:?}");
    }
}

#[tokio::test]
async fn items_may_be_objects_and_streams() {
    for (native, Site { store, seen, .. }) in [true, false].into_iter().zip(sites().await) {
        // More than a message may refer to.
        let mut counters = store.counters(3000).await.unwrap();
        let mut sum = 0;
        let mut kept = None;
        while let Some(counter) = bounded(counters.next()).await {
            let counter = counter.unwrap();
            sum += bounded(counter.number()).await.unwrap();
            kept = Some(counter);
        }
        assert_eq!(sum, 2999 * 3000 / 2);
        if native {
            // What is not kept is given back, what is kept isn't.
            assert!(soon(|| seen.counters.load(Ordering::SeqCst) == 1).await);
            assert_eq!(kept.unwrap().number().await.unwrap(), 2999);
            // Also what has arrived and was not taken.
            let mut counters = store.counters(500).await.unwrap();
            bounded(counters.next()).await.unwrap().unwrap();
            drop(counters);
            assert!(soon(|| seen.counters.load(Ordering::SeqCst) == 0).await);
        }
        let mut lens = Vec::new();
        let mut streams = store.of_streams().await.unwrap();
        while let Some(stream) = bounded(streams.next()).await {
            lens.push(all(stream.unwrap()).await.len());
        }
        assert_eq!(lens, [1, 2, 3]);
    }
}

#[tokio::test]
async fn large_items_are_streams_as_well() {
    for Site { store, .. } in sites().await {
        let mut chunks = store.chunks(100_000, 100).await.unwrap();
        let mut count = 0;
        while let Some(chunk) = bounded(chunks.next()).await {
            let chunk = chunk.unwrap();
            assert_eq!((chunk.len(), chunk[0]), (100_000, count));
            count += 1;
        }
        assert_eq!(count, 100);
    }
}

#[tokio::test]
async fn items_are_as_large_as_the_limits_allow_and_no_larger() {
    let limits = Limits { message: 40_000, references: 20, ..Limits::default() };
    let server = drb::Server::builder().front(Store::default()).limits(limits);
    let server = server.start("druby://127.0.0.1:0").await.unwrap();
    for uri in [server.native_uri(), server.uri()] {
        let store: StoreProxy = Client::new().connect(uri).await.unwrap();
        let mut groups = store.groups(vec![10, 11, 1, 10]).await.unwrap();
        for (len, fits) in [(10, true), (11, false), (1, true), (10, true)] {
            match bounded(groups.next()).await.unwrap() {
                Ok(group) => assert!(fits && group.len() == len, "{len}"),
                Err(error) => {
                    assert!(!fits, "{len}: {error}");
                    assert!(matches!(
                        error,
                        drb::Error::Limit { limit: drb::Limit::References, .. }
                    ));
                }
            }
        }
        assert!(bounded(groups.next()).await.is_none());
    }
    // A quarter of a message, at most 28 KiB, is kept free for those before it. Its head takes 5 bytes.
    let most = 40_000 - 40_000 / 4 - 64 - 5;
    let store: StoreProxy = Client::new().connect(server.native_uri()).await.unwrap();
    let mut items = store.of_lens(vec![most, most + 1, 1, most]).await.unwrap();
    assert_eq!(bounded(items.next()).await.unwrap().unwrap().len(), most);
    let error = bounded(items.next()).await.unwrap().unwrap_err();
    assert!(matches!(error, drb::Error::Limit { limit: drb::Limit::Message, .. }), "{error:?}");
    assert_eq!(bounded(items.next()).await.unwrap().unwrap().len(), 1);
    assert_eq!(bounded(items.next()).await.unwrap().unwrap().len(), most);
    assert!(bounded(items.next()).await.is_none());
}

#[tokio::test]
async fn streams_that_wait_are_calls() {
    let limits = Limits { calls: 3, ..Limits::default() };
    let server = drb::Server::builder().front(Store::default()).limits(limits);
    let server = server.start("druby://127.0.0.1:0").await.unwrap();
    let store: StoreProxy = Client::new().connect(server.native_uri()).await.unwrap();
    let mut waiting = Vec::new();
    for _ in 0..3 {
        let mut silent = store.silent().await.unwrap();
        for _ in 0..3 {
            bounded(silent.next()).await.unwrap().unwrap();
        }
        waiting.push(silent);
    }
    let error = bounded(store.silent()).await.unwrap_err();
    assert!(matches!(error, drb::Error::Overloaded { .. }), "{error:?}");
    // One that was refused a batch gets it when it asks again.
    waiting.pop();
    let mut one_more = loop {
        match bounded(store.numbers(1000)).await {
            Ok(one_more) => break one_more,
            Err(error) => assert!(matches!(error, drb::Error::Overloaded { .. }), "{error:?}"),
        }
    };
    let busy = store.silent().await.unwrap();
    waiting.push(busy);
    let waits = tokio::time::timeout(Duration::from_millis(50), async {
        for _ in 0..4 {
            waiting[2].next().await.unwrap().unwrap();
        }
    });
    assert!(waits.await.is_err());
    let error = bounded(one_more.next()).await.unwrap().unwrap_err();
    assert!(matches!(error, drb::Error::Overloaded { .. }), "{error:?}");
    waiting.pop();
    let mut numbers = Vec::new();
    while let Some(number) = bounded(one_more.next()).await {
        numbers.extend(number.ok());
    }
    assert_eq!(numbers, Vec::from_iter(0..1000));
}

#[tokio::test]
async fn a_parameter_takes_any_stream() {
    let _back = drb::start_service("druby://127.0.0.1:0", ()).await.unwrap();
    for Site { store, .. } in sites().await {
        let numbers = stream::iter(0..100_000_i64);
        assert_eq!(bounded(store.sum(numbers)).await.unwrap(), 99_999 * 100_000 / 2);
        assert_eq!(bounded(store.sum(&Stream::new(stream::iter([1_i64, 2])))).await.unwrap(), 3);
        let seen = Seen::default();
        let alive = Alive::new(&seen.alive);
        let endless = stream::iter(7_i64..).inspect(move |_| {
            let _ = &alive;
        });
        assert_eq!(bounded(store.first(endless)).await.unwrap(), Some(7));
        assert!(soon(|| seen.alive.load(Ordering::SeqCst) == 0).await);
        let count = Arc::new(AtomicUsize::new(3));
        let counters: Vec<_> = (1..=3).map(|number| Counter(number, Arc::clone(&count))).collect();
        let counters = Stream::new(stream::iter(counters));
        assert_eq!(bounded(store.call_all(&counters)).await.unwrap(), 6);
        let items = stream::iter([Ok(1), Ok(2), Err(StoreError::Odd { number: 3 })]);
        assert_eq!(bounded(store.upto_an_error(items)).await.unwrap(), "2: 3 is odd");
    }
}

#[tokio::test]
async fn a_call_that_is_dropped_drops_its_parameter() {
    let _back = drb::start_service("druby://127.0.0.1:0", ()).await.unwrap();
    // On Ruby's wire nobody tells the method.
    let [Site { store, .. }, ..] = sites().await;
    {
        let seen = Seen::default();
        let alive = Alive::new(&seen.alive);
        let silent = stream::pending::<i64>().inspect(move |_| {
            let _ = &alive;
        });
        let call = tokio::time::timeout(Duration::from_millis(100), store.sum(silent)).await;
        assert!(call.is_err());
        assert!(soon(|| seen.alive.load(Ordering::SeqCst) == 0).await);
    }
}

#[tokio::test]
async fn a_stream_is_handed_on() {
    let _back = drb::start_service("druby://127.0.0.1:0", ()).await.unwrap();
    let [native, ruby, local] = &sites().await;
    let pairs = [(native, ruby), (ruby, local), (local, native)];
    for (one, two) in pairs.into_iter().flat_map(|(one, two)| [(one, two), (two, one)]) {
        // From one process to another.
        let numbers = one.store.numbers(1000).await.unwrap();
        assert_eq!(bounded(two.store.sum(&numbers)).await.unwrap(), 999 * 1000 / 2);
        // And back to where it is from.
        let numbers = one.store.numbers(1000).await.unwrap();
        assert_eq!(bounded(one.store.sum(&numbers)).await.unwrap(), 999 * 1000 / 2);
        // What somebody keeps is given to others.
        two.store.keep(&one.store.numbers(10).await.unwrap()).await.unwrap();
        let kept = bounded(two.store.give()).await.unwrap().unwrap();
        assert_eq!(bounded(one.store.sum(&kept)).await.unwrap(), 45);
        // After its first item it can't be.
        let mut numbers = one.store.numbers(1000).await.unwrap();
        bounded(numbers.next()).await.unwrap().unwrap();
        let error = two.store.sum(&numbers).await.unwrap_err();
        assert!(error.to_string().contains("read from"), "{error}");
    }
}

#[tokio::test]
async fn a_stream_is_relayed_from_connection_to_connection() {
    let [one, ..] = sites().await;
    let [two, ..] = sites().await;
    let numbers = one.store.numbers(20_000).await.unwrap();
    assert_eq!(bounded(two.store.sum(&numbers)).await.unwrap(), 199_990_000);
    let numbers = one.store.numbers(i64::MAX).await.unwrap();
    assert_eq!(bounded(two.store.first(&numbers)).await.unwrap(), Some(0));
    drop(numbers);
    assert!(soon(|| one.seen.alive.load(Ordering::SeqCst) == 0).await);
}

#[tokio::test]
async fn a_stream_can_be_read_where_it_was_made() {
    let numbers = Stream::new(stream::iter(0..1000_i64));
    let numbers: Vec<_> = numbers.map(Result::unwrap).collect().await;
    assert_eq!(numbers, Vec::from_iter(0..1000));
    let store = Store::default();
    assert_eq!(store.sum(Stream::new(stream::iter([1, 2, 3]))).await.unwrap(), 6);
}

#[tokio::test]
async fn a_stream_has_one_reader() {
    for Site { store, .. } in sites().await {
        let object = drb::Object::from_remote(Proxy::remote(&store).clone());
        let stream: drb::Object = object.call("numbers", (10,)).await.unwrap();
        let batch: drb::Value = stream.call("next items", (0,)).await.unwrap();
        let items = (0..10).map(drb::Value::from);
        let items = [drb::Value::Bool(false)].into_iter().chain(items);
        assert_eq!(batch, drb::Value::from(items.collect::<Vec<_>>()));
        let error = stream.call::<drb::Value>("next items", (0,)).await.unwrap_err();
        assert!(error.to_string().contains("one reader"), "{error}");
        let error = stream.call::<drb::Value>("next items", ("x",)).await.unwrap_err();
        assert!(matches!(error, drb::Error::Refused(_)), "{error:?}");
        let batch: drb::Value = stream.call("next items", (1,)).await.unwrap();
        assert_eq!(batch, drb::Value::from(vec![drb::Value::Bool(false)]));
        // Whatever is asked for behind the end.
        for number in [u64::MAX, 7, u64::MAX] {
            let _ = bounded(stream.call::<drb::Value>("next items", (number,))).await;
            let end = bounded(stream.call::<drb::Value>("next", ())).await.unwrap_err();
            assert_eq!(end.exception().unwrap().class, "StopIteration");
        }
    }
}

#[tokio::test]
async fn as_ruby_would_read_it() {
    let _back = drb::start_service("druby://127.0.0.1:0", ()).await.unwrap();
    for Site { store, seen, .. } in sites().await {
        let object = drb::Object::from_remote(Proxy::remote(&store).clone());
        // With a block.
        let mut numbers = Vec::new();
        let () =
            bounded(object.call_with("numbers", (5,), |(number,): (i64,)| numbers.push(number)))
                .await
                .unwrap();
        assert_eq!(numbers, [0, 1, 2, 3, 4]);
        // One that is left.
        let leave = |(number,): (i64,)| match number {
            0..7 => std::ops::ControlFlow::Continue(()),
            _ => std::ops::ControlFlow::Break(number * 10),
        };
        let left: i64 = bounded(object.call_with("numbers", (i64::MAX,), leave)).await.unwrap();
        assert_eq!(left, 70);
        assert!(soon(|| seen.alive.load(Ordering::SeqCst) == 0).await);
        // Without a block.
        let stream: drb::Object = object.call("numbers", (3,)).await.unwrap();
        assert_eq!(stream.call::<i64>("next", ()).await.unwrap(), 0);
        let mut rest = Vec::new();
        let () = stream.call_with("each", (), |(number,): (i64,)| rest.push(number)).await.unwrap();
        assert_eq!(rest, [1, 2]);
        let end = stream.call::<i64>("next", ()).await.unwrap_err();
        assert_eq!(end.exception().unwrap().class, "StopIteration");
        // An error in the middle is raised.
        let stream: drb::Object = object.call("even", (100,)).await.unwrap();
        let mut numbers = Vec::new();
        let error = stream
            .call_with::<(), _, _, _, _>("each", (), |(number,): (i64,)| numbers.push(number))
            .await
            .unwrap_err();
        assert!(error.to_string().contains("5 is odd"), "{error}");
        assert_eq!(numbers, [0, 1, 2, 3, 4]);
        // An array is a stream.
        assert_eq!(object.call::<i64>("sum", (vec![1, 2, 3],)).await.unwrap(), 6);
        let error = object.call::<i64>("sum", ("text",)).await.unwrap_err();
        assert!(error.to_string().contains("expected a stream"), "{error}");
        let error = object.call::<i64>("sum", (vec!["x"],)).await.unwrap_err();
        assert!(error.to_string().contains("expected an integer"), "{error}");
    }
}

/// An object as Ruby would have it: with `each`, and nothing else.
#[derive(DrbUndumped)]
struct Enumerable(Arc<AtomicUsize>);

#[drb::service]
impl Enumerable {
    pub async fn each(&self, block: Block<(i64,)>) -> drb::Result<()> {
        for number in 1..=10 {
            self.0.fetch_add(1, Ordering::SeqCst);
            block.call((number,)).await?;
        }
        Ok(())
    }
}

#[tokio::test]
async fn an_object_with_each_is_a_stream() {
    let _back = drb::start_service("druby://127.0.0.1:0", ()).await.unwrap();
    for Site { store, .. } in sites().await {
        let object = drb::Object::from_remote(Proxy::remote(&store).clone());
        let yielded = Arc::new(AtomicUsize::new(0));
        let numbers = drb::by_ref(Arc::new(Enumerable(Arc::clone(&yielded))));
        let sum: i64 = bounded(object.call("sum", (numbers,))).await.unwrap();
        assert_eq!(sum, 55);
        // It waits in its first yield until it is left.
        yielded.store(0, Ordering::SeqCst);
        let numbers = drb::by_ref(Arc::new(Enumerable(Arc::clone(&yielded))));
        assert_eq!(
            bounded(object.call::<Option<i64>>("first", (numbers,))).await.unwrap(),
            Some(1)
        );
        assert_eq!(yielded.load(Ordering::SeqCst), 1);
    }
}
