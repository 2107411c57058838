//! A Rust server, called by real Ruby.

use crate::desk::{Desk, Stamp, StampProxy};
use drb::{Error, Limits, Server, prelude::*};
use drb_tests::{SOON, ruby, socket_path};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{task::JoinHandle, time::timeout};

/// Has its object to itself.
#[derive(DrbUndumped)]
struct Turtle {
    position: i64,
}

#[drb::service]
impl Turtle {
    pub fn forward(&mut self, steps: i64) -> i64 {
        self.position += steps;
        self.position
    }

    /// Not atomic, unless nobody else has the object.
    pub async fn slow_forward(&mut self, steps: i64) -> i64 {
        let position = self.position;
        tokio::task::yield_now().await;
        self.position = position + steps;
        self.position
    }

    pub fn position(&self) -> i64 {
        self.position
    }
}

async fn start() -> Server {
    drb::start_service("druby://127.0.0.1:0", Desk::default()).await.unwrap()
}

/// Runs a program that has the server's object as `desk`, and gives its lines.
async fn with_desk(server: &Server, program: &str) -> Vec<String> {
    let program = format!("desk = DRbObject.new_with_uri(ARGV[0]); {program}");
    ruby(&program, &[server.uri()]).await.lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn arguments_and_results() {
    let server = start().await;
    let lines = with_desk(
        &server,
        r##"
        p desk.add(1, 2), desk.add(-2**62, 2**61)
        p desk.optional(1), desk.optional(1, 3), desk.optional(1, 3, :a, nil, [2])
        p desk.greet('Ada', punctuation: '!'), desk.greet('Ada', punctuation: '.', greeting: 'Good day')
        p desk.options, desk.options(a: 1, b: [:c])
        p desk.ready?, desk.available?, desk << 'first', desk << 'second'
        class Note
          attr_accessor :text, :stars
        end
        note = Note.new
        note.text, note.stars = 'tea', 4
        back = desk.swap(note)
        p back.class, back.text, back.stars, desk.swap({text: 'a', stars: 1}).text
        "##,
    );
    assert_eq!(
        lines.await,
        [
            "3",
            "-2305843009213693952",
            "[1, 2, []]",
            "[1, 3, []]",
            "[1, 3, [:a, nil, [2]]]",
            "\"Hello, Ada!\"",
            "\"Good day, Ada.\"",
            "\"\"",
            "\"a=1 b=[:c]\"",
            "true",
            "true",
            "1",
            "2",
            "Note",
            "\"TEA\"",
            "5",
            "\"A\"",
        ]
    );
}

#[tokio::test]
async fn arguments_that_do_not_fit() {
    let server = start().await;
    let lines = with_desk(
        &server,
        r##"
        [-> { desk.add }, -> { desk.add(1) }, -> { desk.add(1, 2, 3) }, -> { desk.add(1, 'a') },
         -> { desk.add(1, 1.5) }, -> { desk.add(1, nil) }, -> { desk.add(1, 2**64) }, -> { desk.add(1, a: 2) },
         -> { desk.optional }, -> { desk.greet('Ada') }, -> { desk.greet('Ada', punctuation: '!', more: 1) },
         -> { desk.greet('Ada', {punctuation: '!'}) }, -> { desk.greet(punctuation: '!') },
         -> { desk.options(1) }, -> { desk.swap({text: 'a'}) }, -> { desk.swap({text: 'a', stars: 256}) },
         -> { desk.swap([1]) }].each do |call|
          call.call
          puts 'no error'
        rescue => error
          puts "#{error.class}: #{error.message}"
        end
        "##,
    )
    .await;
    let start: Vec<&str> = lines.iter().map(String::as_str).collect();
    assert_eq!(
        start[..3],
        [
            "ArgumentError: wrong number of arguments (given 0, expected 2)",
            "ArgumentError: wrong number of arguments (given 1, expected 2)",
            "ArgumentError: wrong number of arguments (given 3, expected 2)",
        ]
    );
    let classes: Vec<&str> =
        start[3..].iter().map(|line| line.split(':').next().unwrap()).collect();
    assert_eq!(
        classes,
        [
            "TypeError",
            "TypeError",
            "TypeError",
            "RangeError",
            "TypeError",
            "ArgumentError",
            "ArgumentError",
            "ArgumentError",
            "ArgumentError",
            "ArgumentError",
            "ArgumentError",
            "ArgumentError",
            "RangeError",
            "TypeError",
        ],
        "{lines:#?}"
    );
    assert!(lines[9].contains("missing keyword: :punctuation"), "{}", lines[9]);
    assert!(lines[10].contains("unknown keyword: :more"), "{}", lines[10]);
    assert!(lines[14].contains("stars"), "{}", lines[14]);
}

#[tokio::test]
async fn what_every_object_answers() {
    let server = start().await;
    let lines = with_desk(
        &server,
        r##"
        p desk.respond_to?(:add), desk.respond_to?('add'), desk.respond_to?(:add, true)
        p desk.respond_to?(:ready?), desk.respond_to?(:available?), desk.respond_to?(:<<)
        p desk.respond_to?(:calls), desk.respond_to?(:within), desk.respond_to?(:eval, true)
        p desk.respond_to?(:to_s), desk.respond_to?(:to_ary), desk.respond_to?(:to_str)
        puts "#{desk}", desk.to_s, desk.method_missing(:inspect)
        a, b = desk
        p a == desk, b, [desk].flatten.size
        p desk == DRbObject.new_with_uri(ARGV[0]), desk.hash == DRbObject.new_with_uri(ARGV[0]).hash
        "##,
    )
    .await;
    let description = &lines[12];
    assert!(description.starts_with("#<Desk"), "{description}");
    let expected = "true true true true true true false false false true false false";
    let expected: Vec<&str> = expected
        .split(' ')
        .chain([description.as_str(); 3])
        .chain(["true", "nil", "1", "true", "true"])
        .collect();
    assert_eq!(lines, expected);
}

#[tokio::test]
async fn errors() {
    let server = start().await;
    let lines = with_desk(
        &server,
        r##"
        module Desk
          class Locked < StandardError
            attr_reader :drawer, :tries
          end
        end
        p desk.open('top')
        ['bottom', '', 'ink'].each do |drawer|
          desk.open(drawer)
        rescue => error
          puts "#{error.class}: #{error.message}"
          p [error.drawer, error.tries] if error.is_a?(Desk::Locked)
          p error.reason if error.is_a?(DRb::DRbRemoteError)
          puts 'no backtrace' unless error.backtrace.is_a?(Array)
        end
        %i[absent within calls instance_eval].each do |name|
          desk.method_missing(name)
        rescue NoMethodError => error
          puts error.message
        end
        p desk.add(1, 1)
        "##,
    )
    .await;
    assert_eq!(
        lines,
        [
            "\"pens\"",
            "Desk::Locked: the drawer bottom is locked",
            "[\"bottom\", 3]",
            "ArgumentError: not with 0",
            "DRb::DRbRemoteError: out of ink (DeskError::OutOfInk)",
            "\"DeskError::OutOfInk\"",
            "undefined method 'absent' for #<Desk>",
            "undefined method 'within' for #<Desk>",
            "undefined method 'calls' for #<Desk>",
            "undefined method 'instance_eval' for #<Desk>",
            "2",
        ]
    );
}

#[tokio::test]
async fn a_panic_is_the_error_of_one_call() {
    let failed = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&failed);
    let server = Server::builder()
        .front(Desk::default())
        .on_failed_call(move |_| {
            count.fetch_add(1, Ordering::Relaxed);
        })
        .start("druby://127.0.0.1:0")
        .await
        .unwrap();
    let lines = with_desk(
        &server,
        r##"
        slow = Thread.new { desk.slow(300) }
        %i[panic panic_later].each do |name|
          desk.method_missing(name, 'ouch')
        rescue => error
          puts "#{error.class}: #{error.message}"
        end
        p slow.value, desk.add(1, 1)
        "##,
    )
    .await;
    let panicked = "DRb::DRbRemoteError: ouch (Panic)";
    assert_eq!(lines, [panicked, panicked, "\"slept\"", "2"]);
    assert_eq!(failed.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn references() {
    let server = start().await;
    let lines = with_desk(
        &server,
        r##"
        stamp = desk.stamp
        p stamp.class, stamp.__drburi == ARGV[0], stamp.__drbref.is_a?(Integer)
        p stamp.print, stamp.print, desk.print_with(stamp), stamp.print
        p desk.stamp == stamp, desk.stamp.print
        begin
          DRbObject.new_with(ARGV[0], 12345).print
        rescue => error
          puts "#{error.class}: #{error.message}"
        end
        begin
          desk.print_with(desk)
        rescue => error
          puts error.class
        end
        "##,
    )
    .await;
    assert_eq!(
        lines,
        [
            "DRb::DRbObject",
            "true",
            "true",
            "1",
            "2",
            "3",
            "4",
            "false",
            "1",
            "RangeError: invalid reference",
            "NoMethodError",
        ]
    );
    assert_eq!(server.exported(), 3);
}

#[tokio::test]
async fn named_objects() {
    let server = Server::builder()
        .front(Desk::default())
        .named("stamp", Stamp::default())
        .named("second desk", Desk::default())
        .start("druby://127.0.0.1:0")
        .await
        .unwrap();
    let lines = with_desk(
        &server,
        r##"
        stamp = DRbObject.new_with_uri("#{ARGV[0]}?stamp")
        p stamp.print, stamp.print, stamp.respond_to?(:add)
        p DRbObject.new_with_uri("#{ARGV[0]}?second desk").add(1, 2)
        begin
          DRbObject.new_with_uri("#{ARGV[0]}?absent").print
        rescue => error
          puts error.class
        end
        p desk.print_with(stamp)
        "##,
    )
    .await;
    assert_eq!(lines, ["1", "2", "false", "3", "RangeError", "3"]);
    let stamp = StampProxy::connect(&format!("{}?stamp", server.uri())).await.unwrap();
    assert_eq!(stamp.print().await, Ok(4));
}

#[tokio::test]
async fn too_large_and_too_many() {
    let limits = Limits { frame: 4096, arguments: 3, ..Limits::default() };
    let server = Server::builder().front(Desk::default()).limits(limits);
    let server = server.start("druby://127.0.0.1:0").await.unwrap();
    let lines = with_desk(
        &server,
        r##"
        text = ->(bytes) { 'x' * (bytes - Marshal.dump('').bytesize - 2) }
        raise unless Marshal.dump(text.(4096)).bytesize == 4096
        p desk << text.(4096)
        calls = [-> { desk << text.(4097) }, -> { desk << 'x' * 10_000_000 }, -> { desk.optional(1, 2, 3, 4) },
                 -> { desk.optional(*1..500) }]
        calls.each do |call|
          call.call
          puts 'no error'
        rescue => error
          puts "#{error.class}: #{error.message}"
        end
        p desk.optional(1, 2, 3)
        "##,
    )
    .await;
    assert_eq!((&*lines[0], &*lines[5]), ("1", "[1, 2, [3]]"));
    for (line, words) in lines[1..5].iter().zip(["large", "large", "arguments", "arguments"]) {
        assert!(line.starts_with("DRb::DRbConnError: ") && line.contains(words), "{lines:#?}");
    }
}

#[tokio::test]
async fn a_server_on_all_addresses_needs_a_word() {
    for uri in ["druby://:0", "druby://0.0.0.0:0", "druby://:::0"] {
        let error = drb::start_service(uri, Desk::default()).await.unwrap_err();
        assert!(matches!(error, Error::Exposed { .. }), "{uri}: {error:?}");
        assert!(error.to_string().contains("acl"), "{error}");
    }
}

/// References carry the address that the caller has dialled.
#[tokio::test]
async fn a_server_on_all_addresses() {
    let server = Server::builder().front(Desk::default()).allow_everyone();
    let server = server.start("druby://:0").await.unwrap();
    let port = server.uri().rsplit_once(':').unwrap().1;
    let program = r##"
        ['127.0.0.1', '127.0.0.2'].each do |host|
          desk = DRbObject.new_with_uri("druby://#{host}:#{ARGV[0]}")
          puts desk.stamp.__drburi.delete_suffix(":#{ARGV[0]}"), desk.print_with(desk.stamp)
          puts desk.who.last.delete_suffix(":#{ARGV[0]}")
        end
    "##;
    let printed = ruby(program, &[port]).await;
    let lines: Vec<&str> = printed.lines().collect();
    let (first, second) = ("druby://127.0.0.1", "druby://127.0.0.2");
    assert_eq!(lines, [first, "1", first, second, "1", second]);
}

#[tokio::test]
async fn the_context_of_a_call() {
    let server = start().await;
    let [peer, uri] = with_desk(&server, "puts desk.who").await.try_into().unwrap();
    assert!(peer.starts_with("127.0.0.1:"), "{peer}");
    assert_eq!(uri, server.uri());
}

#[tokio::test]
async fn over_a_unix_socket() {
    let path = socket_path("rust-server");
    let uri = format!("drbunix:{}", path.display());
    let server = drb::start_service(&uri, Desk::default()).await.unwrap();
    assert_eq!(server.uri(), uri);
    let lines = with_desk(
        &server,
        "stamp = desk.stamp; p desk.add(1, 2), stamp.print, desk.print_with(stamp), desk.who.first",
    );
    assert_eq!(lines.await, ["3", "1", "2", "\"a unix socket\""]);
    assert!(server.drain(SOON).await);
    assert!(!path.exists(), "the socket's file goes with the server");
}

/// A file that a process has left behind doesn't keep a server from starting; a living server's
/// does.
#[tokio::test]
async fn a_stale_unix_socket() {
    let path = socket_path("stale");
    let uri = format!("drbunix:{}", path.display());
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let server = drb::start_service(&uri, Desk::default()).await.unwrap();
    let error = drb::start_service(&uri, Desk::default()).await.unwrap_err();
    assert!(matches!(error, Error::Listen { .. }), "{error:?}");
    assert_eq!(with_desk(&server, "p desk.add(1, 2)").await, ["3"]);
    assert!(server.drain(SOON).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn objects_of_their_own() {
    let server = drb::start_service("druby://127.0.0.1:0", Turtle { position: 0 }).await.unwrap();
    let program = r##"
        turtle = DRbObject.new_with_uri(ARGV[0])
        8.times.map { Thread.new { 50.times { turtle.forward(1); turtle.slow_forward(2); turtle.position } } }.each(&:join)
        p turtle.position
    "##;
    assert_eq!(ruby(program, &[server.uri()]).await, "1200\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_run_side_by_side() {
    let server = start().await;
    let lines = with_desk(
        &server,
        r##"
        start = Process.clock_gettime(Process::CLOCK_MONOTONIC)
        threads = 10.times.map { |i| Thread.new { i.even? ? desk.slow(500) : desk.blocking(500) } }
        puts threads.map(&:value).tally.sort.join(' ')
        p Process.clock_gettime(Process::CLOCK_MONOTONIC) - start < 2.5
        "##,
    );
    assert_eq!(lines.await, ["blocked 5 slept 5", "true"]);
}

/// A desk, a server of it, and a Ruby program that has called `slow` and now waits for its result.
async fn in_a_slow_call(milliseconds: u32) -> (Server, JoinHandle<String>) {
    let desk = Arc::new(Desk::default());
    let server = drb::start_service("druby://127.0.0.1:0", Arc::clone(&desk)).await.unwrap();
    let program = r##"
        desk = DRbObject.new_with_uri(ARGV[0])
        2.times do
          puts desk.slow(ARGV[1].to_i)
        rescue DRb::DRbConnError
          puts 'stopped'
        end
    "##;
    let arguments = [server.uri().to_owned(), milliseconds.to_string()];
    let client = tokio::spawn(async move { ruby(program, &[&arguments[0], &arguments[1]]).await });
    let called = async {
        while desk.calls() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(SOON, called).await.unwrap();
    (server, client)
}

#[tokio::test]
async fn draining_loses_no_call_that_runs() {
    let (server, client) = in_a_slow_call(500).await;
    assert!(server.drain(SOON).await);
    assert_eq!(client.await.unwrap(), "slept\nstopped\n");
}

#[tokio::test]
async fn draining_has_an_end() {
    let (server, client) = in_a_slow_call(60_000).await;
    let begin = Instant::now();
    assert!(!server.drain(Duration::from_millis(200)).await);
    assert!(begin.elapsed() < Duration::from_secs(5));
    assert_eq!(client.await.unwrap(), "stopped\nstopped\n");
}

/// Several servers in one process have nothing to do with each other.
#[tokio::test]
async fn two_servers() {
    let first = start().await;
    let second = start().await;
    let program = r##"
        first, second = ARGV.map { |uri| DRbObject.new_with_uri(uri) }
        p first << 'a', first << 'b', second << 'c'
        p first.print_with(second.stamp)
    "##;
    assert_eq!(ruby(program, &[first.uri(), second.uri()]).await, "1\n2\n1\n1\n");
    first.drain(SOON).await;
    assert_eq!(with_desk(&second, "p desk.add(1, 2)").await, ["3"]);
}
