//! Streams of a Rust server, as Ruby reads them, and Ruby's own as Rust reads them.

use drb::{Server, Stream};
use drb_tests::{SOON, ruby};
use futures_util::{StreamExt, stream};
use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

#[derive(Clone, Default)]
struct Log {
    /// How many items were made.
    made: Arc<AtomicI64>,
    /// How many streams are there.
    alive: Arc<AtomicI64>,
}

struct Alive(Arc<AtomicI64>);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[drb::service]
impl Log {
    pub fn tail(&self, count: i64) -> impl futures_util::Stream<Item = i64> {
        self.alive.fetch_add(1, Ordering::SeqCst);
        let alive = Alive(Arc::clone(&self.alive));
        stream::iter(0..count).map(move |number| {
            let _ = &alive;
            self.made.store(number + 1, Ordering::SeqCst);
            number
        })
    }

    pub fn fragile(&self) -> impl futures_util::Stream<Item = Result<String, String>> {
        stream::iter([Ok("fine".to_owned()), Err("broken".to_owned()), Ok("fine again".to_owned())])
    }

    pub fn made(&self) -> i64 {
        self.made.load(Ordering::SeqCst)
    }

    pub async fn sum(&self, mut numbers: Stream<i64>) -> drb::Result<i64> {
        let mut sum = 0;
        while let Some(number) = numbers.next().await {
            sum += number?;
        }
        Ok(sum)
    }

    /// Takes so many, and leaves.
    pub async fn some(&self, count: usize, numbers: Stream<i64>) -> Vec<String> {
        let shown = numbers.take(count).map(|number| match number {
            Ok(number) => number.to_string(),
            Err(error) => error.to_string(),
        });
        shown.collect().await
    }
}

async fn start() -> (Server, Log) {
    let log = Log::default();
    (drb::start_service("druby://127.0.0.1:0", log.clone()).await.unwrap(), log)
}

/// Runs a program that has the server's object as `log`, and gives its lines.
async fn with_log(server: &Server, program: &str) -> Vec<String> {
    let program = format!(
        "DRb.start_service('druby://127.0.0.1:0'); log = DRbObject.new_with_uri(ARGV[0]); {program}"
    );
    ruby(&program, &[server.uri()]).await.lines().map(str::to_owned).collect()
}

async fn no_stream_is_left(log: &Log) {
    let left = async {
        while log.alive.load(Ordering::SeqCst) > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(SOON, left).await.unwrap();
}

#[tokio::test]
async fn a_block_gets_each_item_when_it_is_made() {
    let (server, log) = start().await;
    let program = r##"
        items = []
        p log.tail(100) { |item| items << [item, log.made] }
        p items.size, items.all? { |item, made| made == item + 1 }
    "##;
    assert_eq!(with_log(&server, program).await, ["nil", "100", "true"]);
    no_stream_is_left(&log).await;
}

#[tokio::test]
async fn break_ends_the_stream() {
    let (server, log) = start().await;
    let program = r##"
        p log.tail(1 << 60) { |item| break item * 10 if item == 5 }
        p log.made
        begin
          log.tail(1 << 60) { |item| raise KeyError, "enough" if item == 2 }
        rescue KeyError => error
          p error.message, log.made
        end
    "##;
    assert_eq!(with_log(&server, program).await, ["50", "6", "\"enough\"", "3"]);
    no_stream_is_left(&log).await;
}

#[tokio::test]
async fn without_a_block_there_is_an_object_to_ask() {
    let (server, _log) = start().await;
    let program = r##"
        tail = log.tail(4)
        p tail.class, tail.next, tail.next, tail.respond_to?(:each)
        tail.each { |item| p item }
        begin
          tail.next
        rescue StopIteration => error
          p error.message
        end
        p loop { break :left if log.tail(0).next }
        fragile = log.fragile
        p fragile.next
        begin
          fragile.next
        rescue => error
          p error.class, error.message
        end
        p fragile.next
    "##;
    assert_eq!(
        with_log(&server, program).await,
        [
            "DRb::DRbObject",
            "0",
            "1",
            "true",
            "2",
            "3",
            "\"iteration reached an end\"",
            "nil",
            "\"fine\"",
            "RuntimeError",
            "\"broken\"",
            "\"fine again\"",
        ]
    );
}

#[tokio::test]
async fn ruby_passes_an_array_or_what_has_each() {
    let (server, _log) = start().await;
    let program = r##"
        p log.sum([1, 2, 3]), log.sum([])
        p log.sum((1..10).each)
        p log.sum(Enumerator.new { |yielder| 5.times { |n| yielder << n } })
        class Source
          include DRbUndumped
          attr_reader :yielded, :ensured
          def each
            (1..).each { |n| @yielded = n; yield n }
          ensure
            @ensured = true
          end
        end
        source = Source.new
        p log.some(3, source), source.yielded
        sleep 0.01 until source.ensured
        failing = Enumerator.new { |yielder| yielder << 1; raise KeyError, 'no more' }
        p log.some(9, failing)
        begin
          log.sum('text')
        rescue => error
          p error.class, error.message
        end
        begin
          log.sum(Object.new.extend(DRbUndumped))
        rescue => error
          p error.class, error.message[/undefined method .each./]
        end
    "##;
    assert_eq!(
        with_log(&server, program).await,
        [
            "6",
            "0",
            "55",
            "10",
            "[\"1\", \"2\", \"3\"]",
            "3",
            "[\"1\", \"no more (KeyError)\"]",
            "TypeError",
            "\"numbers: expected a stream, which is an Array or an object with `each`, got a String\"",
            "NoMethodError",
            "\"undefined method `each'\"",
        ]
    );
}
