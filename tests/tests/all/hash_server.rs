//! The shared hash, from Ruby and from Rust.

use drb_tests::{SOON, Server, ruby, run_example};
use std::{process::Stdio, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::Command,
    task::JoinSet,
    time::timeout,
};

/// The program of the README; only the port is the test's.
const COUNTING: &str = r#"require 'drb'; obj = DRbObject.new(nil, 'druby://localhost:9000'); puts obj.inc(:counter); puts obj[:counter]; puts "Last access time = #{obj[:lastaccess]}"; obj[:lastaccess] = Time.now"#;

/// Runs the counting program against a server, and gives its lines.
async fn count(uri: &str) -> Vec<String> {
    assert!(COUNTING.contains("druby://localhost:9000"));
    let printed = ruby(&COUNTING.replace("druby://localhost:9000", uri), &[]).await;
    printed.lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn a_ruby_program_counts_from_run_to_run() {
    let server = Server::example_at("hash_server", "druby://localhost:0", &[]).await;
    assert_eq!(count(server.uri()).await, ["1", "1", "Last access time = "]);
    let mut before = String::new();
    for run in 2..5 {
        let [first, second, last] = count(server.uri()).await.try_into().unwrap();
        assert_eq!((first, second), (run.to_string(), run.to_string()));
        // Such as `Last access time = 2026-11-22 17:28:24 +0000`.
        let time = last.strip_prefix("Last access time = ").unwrap();
        let form = time.replace(|c: char| c.is_ascii_digit(), "0").replace('-', "+");
        assert_eq!(form, "0000+00+00 00:00:00 +0000");
        assert!(time >= before.as_str(), "{time} follows {before}");
        before = time.to_owned();
    }
}

#[tokio::test]
async fn keys_and_values() {
    let server = Server::example("hash_server").await;
    let program = r##"
        hash = DRbObject.new_with_uri(ARGV[0])
        Point = Struct.new(:x, :y)
        class Plain; def initialize; @a = [self, 1.5]; end; end
        time = Time.at(1_700_000_000, 123_456_789, :nsec, in: '+05:30')
        values = [nil, true, 1, -2**70, 1.5, 'text', "b\xff".b, :symbol, [1, [2]], {a: 1, 'b' => nil},
                  1..2, Point.new(1, 2), Plain.new, time, Rational(1, 3), 'x'.encode('UTF-16LE'), /a/i, String]
        values.each do |value|
          p value unless (hash[:key] = value).equal?(value)
          back = hash[:key]
          puts "#{value.inspect} came back as #{back.inspect}" if Marshal.dump(back) != Marshal.dump(value)
        end
        hash[:key] = time
        p hash[:key] == time, hash[:key].nsec, hash[:key].utc_offset
        hash['k'] = 1
        hash[:k] = 2
        p hash['k'], hash[:k], hash['absent'], hash.inc('n'), hash.inc('n'), hash.inc(:n)
        hash[:text] = 'no number'
        [-> { hash.inc(:text) }, -> { hash[1] }, -> { hash[nil] = 1 }, -> { hash[[]] }, -> { hash.inc }].each do |wrong|
          wrong.call
          puts 'no error'
        rescue => error
          puts error.class
        end
        p hash.inc(:n), hash[:text]
    "##;
    let printed = ruby(program, &[server.uri()]).await;
    let lines: Vec<&str> = printed.lines().collect();
    assert_eq!(
        lines,
        [
            "true",
            "123456789",
            "19800",
            "1",
            "2",
            "nil",
            "1",
            "2",
            "1",
            "ArgumentError",
            "TypeError",
            "TypeError",
            "TypeError",
            "ArgumentError",
            "2",
            "\"no number\"",
        ],
    );
}

#[tokio::test]
async fn hash_client_counts_too() {
    let server = Server::example("hash_server").await;
    let first = run_example("hash_client", &[server.uri()]).await;
    assert!(first.starts_with("counter = 1\n"), "{first}");
    assert_eq!(count(server.uri()).await[0], "2");
    let third = run_example("hash_client", &[server.uri()]).await;
    assert!(third.starts_with("counter = 3\n"), "{third}");
}

/// 50 Ruby processes and 50 Rust clients, 200 times each, all at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_count_is_lost() {
    const CLIENTS: u64 = 50;
    const CALLS: u64 = 200;
    let server = Server::example("hash_server").await;

    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/ruby/hammer.rb");
    let mut rubies = Command::new("ruby")
        .args([script, server.uri(), &CLIENTS.to_string(), &CALLS.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut ready = BufReader::new(rubies.stdout.take().unwrap()).lines();
    assert_eq!(timeout(SOON, ready.next_line()).await.unwrap().unwrap().as_deref(), Some("ready"));
    rubies.stdin.take().unwrap().write_all(b"go\n").await.unwrap();

    let mut rusts = JoinSet::new();
    for _ in 0..CLIENTS {
        let uri = server.uri().to_owned();
        rusts.spawn(async move {
            let hash = drb::Object::connect(&uri).await.unwrap();
            for _ in 0..CALLS {
                hash.call::<u64>("inc", (drb::Symbol::from("counter"),)).await.unwrap();
            }
        });
    }
    let several = Duration::from_secs(180);
    timeout(several, rusts.join_all()).await.unwrap();
    assert!(timeout(several, rubies.wait()).await.unwrap().unwrap().success());

    let hash = drb::Object::connect(server.uri()).await.unwrap();
    let total: u64 = hash.call("[]", (drb::Symbol::from("counter"),)).await.unwrap();
    assert_eq!(total, 2 * CLIENTS * CALLS);
}

/// A client notices only that the counter begins anew.
#[tokio::test]
async fn a_restarted_server_is_called_again() {
    let server = Server::example("hash_server").await;
    let uri = server.uri().to_owned();
    let hash = drb::Object::connect(&uri).await.unwrap();
    let inc = || hash.call::<u64>("inc", ("n",));
    assert_eq!((inc().await, inc().await), (Ok(1), Ok(2)));
    server.kill().await;
    let error = inc().await.unwrap_err();
    assert_eq!(error.outcome(), drb::Outcome::NotExecuted, "{error}");

    let _server = Server::example_at("hash_server", &uri, &[]).await;
    assert_eq!(inc().await, Ok(1));
}
