//! What ruby/drb's own tests ask of a server, without these tests: the stand-in is started as they
//! start it, by Ruby's `DRb::ExtServManager`, and ended as they end it.
//!
//! Of the servers that it stands in for, the programs print the same, save for three things: Ruby puts
//! an address into the text of a NoMethodError, gives no reason where `__send__` is called, and makes
//! an Enumerator of an `each` without a block.

use drb::{Limits, Server};
use drb_tests::ruby;

use crate::desk::Desk;

/// Has the server's front object as `there`.
const BEGIN: &str = r##"
    require 'drb/extservm'
    require 'drb/ssl'
    require 'timeout'
    standin, name = ARGV
    DRb::ExtServManager.command[name] = [standin, name]
    manager = DRb::ExtServManager.new
    place = { '_drbunix' => 'drbunix:', '_drbssl' => 'drbssl://localhost:0' }[name[/_drb[a-z]+/]]
    own = { SSLCertName: [['CN', 'localhost']] }
    DRb.start_service(place || 'druby://localhost:0', manager, own)
    manager.uri = DRb.uri
    ext = Timeout.timeout(30) { manager.service(name) }
    there = ext.front
    def failure
      yield
    rescue Exception => error
      "#{error.class}: #{error.message}"
    end
    class Number
      include DRb::DRbUndumped
      def initialize(number) = @number = number
      def to_i = @number
      def sleep(seconds) = Kernel.sleep(seconds)
    end
"##;

const END: &str = r##"
    process = Thread.list.find { |thread| thread[:drb_service] == name }
    p ext.stop_service
    ended = process.join(30) or Process.kill(:KILL, process.pid)
    p ended.value.exitstatus
    p failure { there.to_s }[/\A[\w:]+\w/]
"##;

/// What `program` prints; the same over TCP, over a Unix socket and over TLS.
async fn with(role: &str, program: &str) -> Vec<String> {
    let program = format!("{BEGIN}{program}{END}");
    let standin = env!("CARGO_BIN_EXE_druby-standin");
    let mut printed = Vec::new();
    for over in ["", "_drbunix", "_drbssl"] {
        let role = format!("{role}{over}.rb");
        let output = ruby(&program, &[standin, &role]).await;
        let mut lines: Vec<_> = output.lines().map(str::to_owned).collect();
        assert_eq!(lines.split_off(lines.len() - 3), ["true", "0", "\"DRb::DRbConnError\""]);
        if !printed.is_empty() {
            assert_eq!(printed, lines, "{role}");
        }
        printed = lines;
    }
    printed
}

#[tokio::test]
async fn blocks_of_an_array() {
    let lines = with(
        "ut_array",
        r##"
        p there.collect { |x| x + x }
        seen = []
        p(there.each { |x| seen << x; redo if seen.size == 3 })
        p seen
        seen = []
        p(there.each { |x| seen << x; break(:done) if x == 4 })
        p seen
        p(there.each { |x| next if x == 4; break if x == 'five' })
        p failure { there.each { raise KeyError, 'in the block' } }
        p failure { there.each }
        p there.each { Object.new.extend(DRb::DRbUndumped) }.size
        "##,
    );
    assert_eq!(
        lines.await,
        [
            "[2, 4, \"IIIIII\", 8, \"fivefive\", 12]",
            "[1, 2, \"III\", 4, \"five\", 6]",
            "[1, 2, \"III\", \"III\", 4, \"five\", 6]",
            ":done",
            "[1, 2, \"III\", 4]",
            "nil",
            "\"KeyError: in the block\"",
            "\"LocalJumpError: no block given (yield)\"",
            "6",
        ]
    );
}

#[tokio::test]
async fn what_a_block_is_given() {
    let lines = with(
        "ut_drb",
        r##"
        there.echo_yield_0 { |*all| p all }
        [[nil], [1], [1, 2, 3], [[], []], [[]], [[1, 2]]].each do |values|
          there.echo_yield(*values) { |*all| p all }
        end
        there.echo_yield_1([:key, :value]) { |one, two| p [one, two] }
        there.echo_yield_1([]) { |one| p one }
        there.echo_yield_2(3, nil) { |one, two| p [one, two] }
        module DRbTests; XArray = Class.new(Array); end
        there.xarray_each { |x| p [x.class, x] }
        there.simple_hash.each { |key, value| p [key, value] }
        there.xarray2_hash.each { |key, value| p [key, value.class, value.size] }
        "##,
    );
    assert_eq!(
        lines.await,
        [
            "[]",
            "[nil]",
            "[1]",
            "[1, 2, 3]",
            "[[], []]",
            "[[]]",
            "[[1, 2]]",
            "[:key, :value]",
            "[]",
            "[3, nil]",
            "[DRbTests::XArray, [0]]",
            "[\"a\", :a]",
            "[\"b\", :b]",
            "[\"a\", DRb::DRbObject, 1]",
            "[\"b\", DRb::DRbObject, 1]",
        ]
    );
}

#[tokio::test]
async fn calls_and_callbacks() {
    let lines = with(
        "ut_drb",
        r##"
        p there.hello, there.sample(Number.new(3), 1, 2), there.sum, there.sum(*[1] * 8)
        p failure { there.sum(*[1] * 9) }, failure { there.sum('1' * 4096) }[/\A[^\d]*/]
        p failure { there.do_timeout(Number.new(1)) }[/\A[\w:]+\w/]
        p there.keyword_test1(a: 42), there.keyword_test2, there.keyword_test2(b: 42)
        p there.keyword_test3(a: 42, b: 42)
        a, b = there.to_a[0], there.to_a[0]
        p a.equal?(b), a == b, a == there, a.hash == there.hash, a.eql?(there)
        p DRbObject.new_with_uri("#{there.__drburi}?foo").size
        "##,
    );
    assert_eq!(
        lines.await,
        [
            "\"hello\"",
            "6",
            "0",
            "8",
            "\"DRb::DRbConnError: too many arguments\"",
            "\"DRb::DRbConnError: too large packet \"",
            "\"Timeout::Error\"",
            "42",
            "\"default\"",
            "42",
            "{:a=>42, :b=>42}",
            "false",
            "true",
            "true",
            "true",
            "true",
            "3",
        ]
    );
}

#[tokio::test]
async fn what_cannot_be_called_or_loaded() {
    let lines = with(
        "ut_drb",
        r##"
        p there.respond_to?(:to_a, true), there.respond_to?(:eval, true), there.respond_to?(:eval)
        p there.respond_to?('sum'), there.respond_to?('foobar')
        [[:eval, 'nil'], [:call_private_method], [:call_protected_method], [:unheard_of],
         [:__send__, :to_s], [:missing]].each do |call|
          p failure { there.method_missing(*call) }
        end
        p there.basic_object.foo
        p failure { there.basic_object.prot }, failure { there.basic_object.priv }
        module DRbTests; end
        p there.unknown_class.name, there.unknown_module.name, failure { there.unknown_error }
        class FailNumber < Number
          class NumberError < RuntimeError; end
          def to_i = raise(NumberError, @number.to_s)
        end
        p failure { there.sample(FailNumber.new(3), 1, 2) }
        begin
          there.remote_no_method_error
        rescue => error
          p error.class, error.reason, error.message
        end
        "##,
    );
    assert_eq!(
        lines.await,
        [
            "true",
            "true",
            "false",
            "true",
            "false",
            "\"NoMethodError: private method 'eval' called for #<DRbTests::DRbEx>\"",
            "\"NoMethodError: private method 'call_private_method' called for #<DRbTests::DRbEx>\"",
            "\"NoMethodError: protected method 'call_protected_method' called for #<DRbTests::DRbEx>\"",
            "\"NoMethodError: undefined method 'unheard_of' for #<DRbTests::DRbEx>\"",
            "\"DRb::DRbConnError: insecure method '__send__'\"",
            "true",
            "1",
            "\"NoMethodError: undefined method 'prot' for #<DRbTests::DRbEx::BO>\"",
            "\"NoMethodError: undefined method 'priv' for #<DRbTests::DRbEx::BO>\"",
            "\"DRbTests::Unknown2\"",
            "\"DRbTests::DRbEx::\"",
            "\"DRb::DRbUnknownError: DRbTests::DRbEx::\"",
            "\"FailNumber::NumberError: 3\"",
            "DRb::DRbRemoteError",
            "\"NoMethodError\"",
            "\"undefined method 'invoke_no_method' for #<DRbTests::DRbEx> (NoMethodError)\"",
        ]
    );
}

#[tokio::test]
async fn large_arrays() {
    let lines = with(
        "ut_large",
        r##"
        twos, texts = [2] * 10240, ['Hello, World'] * 10240
        p there.size(twos), there.sum(twos), there.multiply(twos) == 2**10240
        p there.avg(twos), there.median(twos), there.avg([1, 2, 3, 4]), there.median([4, 1, 3, 2])
        p there.size(texts), there.sum(texts) == texts.join, there.size([Thread.current] * 10240)
        p %i[multiply avg median].map { |name| failure { there.send(name, texts) }[/\A\w+/] }
        p %i[size sum multiply avg median].map { |name| there.public_send(name, []) }
        p failure { there.size(texts * 10) }[/\A[^\d]*/], failure { there.arg_test(1, 2, 3, 4) }
        "##,
    );
    let lines = lines.await;
    assert_eq!(
        lines,
        [
            "10240",
            "20480",
            "true",
            "2.0",
            "2.0",
            "2.5",
            "2.5",
            "10240",
            "true",
            "10240",
            "[\"TypeError\", \"TypeError\", \"TypeError\"]",
            "[0, nil, nil, nil, nil]",
            "\"DRb::DRbConnError: too large packet \"",
            "\"DRb::DRbConnError: too many arguments\"",
        ]
    );
}

#[tokio::test]
async fn a_reference_comes_home() {
    let lines = with("ut_eq", "p there.foo?(there.foo), there.foo == there.foo");
    assert_eq!(lines.await, ["true", "true"]);
}

/// As in Ruby, where `load_limit` is for what is loaded.
#[tokio::test]
async fn a_result_may_be_longer_than_an_argument() {
    let limits = Limits { frame: 1000, ..Limits::default() };
    let server = Server::builder().front(Desk::default()).limits(limits);
    let server = server.start("druby://localhost:0").await.unwrap();
    let program = r##"
        desk = DRbObject.new_with_uri(ARGV[0])
        p desk.optional(1, 2, *['x' * 900] * 4).flatten.join.size
        begin
          desk.optional(1, 2, 'x' * 1000)
        rescue => error
          p error.class
        end
        "##;
    let printed = ruby(program, &[server.uri()]).await;
    assert_eq!(printed, "3602\nDRb::DRbConnError\n");
}
