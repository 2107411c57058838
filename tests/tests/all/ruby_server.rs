//! A Rust client of an object in a real Ruby process: every kind of argument, result and exception,
//! through typed proxies and without a contract.

use drb::{Error, Object, Outcome, Symbol, Value, prelude::*};
use drb_tests::{SOON, Server, socket_path};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::{Duration, SystemTime},
};
use tokio::time::{sleep, timeout};

/// Crosses as an object of Ruby's class `Shop::Item`.
#[derive(Debug, Clone, PartialEq, DrbDumped)]
#[drb(class = "Shop::Item")]
struct Item {
    name: String,
    price: f64,
}

/// Crosses as a Struct.
#[derive(Debug, Clone, PartialEq, DrbDumped)]
#[drb(class = "Shop::Point", as_struct)]
struct Point {
    x: i64,
    y: Option<String>,
}

/// Crosses as a Hash.
#[derive(Debug, Clone, PartialEq, DrbDumped)]
#[drb(as_hash)]
struct Settings {
    limit: u8,
    names: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, DrbDumped)]
enum Shape {
    Empty,
    Circle(f64),
    Rectangle { width: u32, height: u32 },
}

#[derive(Debug, Clone, PartialEq, thiserror::Error, DrbError)]
enum ShopError {
    #[error("no {item}, {left} left")]
    #[drb(class = "Shop::OutOfStock")]
    OutOfStock { item: String, left: u32 },
    #[error("wrong argument")]
    #[drb(class = "ArgumentError")]
    Argument,
}

#[drb::service]
trait Shop {
    async fn seen(&self, #[drb(rest)] values: Vec<Value>) -> Vec<String>;
    async fn buy(&self, name: String, count: i64) -> Result<Item, ShopError>;
    #[drb(name = "item?")]
    async fn is_item(&self, item: Item) -> bool;
    #[drb(name = "[]")]
    async fn get(&self, key: Symbol) -> Option<Settings>;
    #[drb(name = "[]=")]
    async fn set(&self, key: Symbol, settings: Settings);
    #[drb(name = "+")]
    async fn plus(&self, other: i64) -> String;
    #[drb(name = "empty?")]
    async fn is_empty(&self) -> bool;
    #[drb(name = "clear!")]
    async fn clear(&self);
    async fn greet(
        &self,
        name: String,
        #[drb(keyword, default = "Hello".to_owned())] greeting: String,
        #[drb(keyword)] punctuation: String,
    ) -> String;
    async fn counter(&self) -> CounterProxy;
    #[drb(name = "counter_is_here?")]
    async fn counter_is_here(&self, counter: CounterProxy) -> bool;
    async fn sleep_for(&self, seconds: f64) -> Symbol;
}

/// The same object for a client that doesn't know its errors.
#[drb::service]
trait Simple {
    async fn buy(&self, name: String, count: i64) -> Item;
}

#[drb::service]
trait Counter {
    async fn inc(&self, by: i64) -> i64;
}

async fn start() -> (Server, ShopProxy, Object) {
    let server = Server::ruby("server.rb", &["druby://127.0.0.1:0"]).await;
    let shop = ShopProxy::connect(server.uri()).await.unwrap();
    let object = Object::connect(server.uri()).await.unwrap();
    (server, shop, object)
}

/// What an argument is for Ruby, as Ruby would write it.
macro_rules! is {
    ($object:expr, $($value:expr => $code:expr,)+) => {$(
        let same = $object.call::<bool>("same?", ($value, $code)).await.unwrap();
        let seen = $object.call::<Vec<String>>("seen", ($value,)).await.unwrap();
        assert!(same, "{} is {seen:?}, not {}", stringify!($value), $code);
    )+};
}

#[tokio::test]
async fn arguments() {
    let (_server, _, ruby) = start().await;
    is! { ruby,
        () => "nil",
        None::<u8> => "nil",
        Some(1) => "1",
        true => "true",
        0_u8 => "0",
        -129_i16 => "-129",
        i32::MAX => "2147483647",
        i64::MIN => "-9223372036854775808",
        u64::MAX => "18446744073709551615",
        i128::MIN => "-170141183460469231731687303715884105728",
        u128::MAX => "340282366920938463463374607431768211455",
        1_073_741_823 => "1073741823",
        1_073_741_824 => "1073741824",
        -1_073_741_825 => "-1073741825",
        0.1 => "0.1",
        -0.0 => "-0.0",
        1e300 => "1.0e+300",
        f64::NAN => "Float::NAN",
        f64::NEG_INFINITY => "-Float::INFINITY",
        0.1_f32 => "0.10000000149011612",
        "text" => "\"text\"",
        String::from("日本 🎉\n") => "\"日本 🎉\\n\"",
        'ü' => "\"ü\"",
        Symbol::from("sym") => ":sym",
        Symbol::from("日本") => ":日本",
        Value::bytes([0, 0xff]) => "\"\\x00\\xFF\".b",
        [1, 2, 3] => "[1, 2, 3]",
        vec![Some("a"), None] => "[\"a\", nil]",
        (1, "two", Symbol::from("three"), 4.0) => "[1, \"two\", :three, 4.0]",
        BTreeMap::from([("a", 1), ("b", 2)]) => "{\"a\"=>1, \"b\"=>2}",
        HashMap::from([(Symbol::from("k"), vec![(); 2])]) => "{:k=>[nil, nil]}",
        BTreeSet::from([3, 1, 2]) => "Set[1, 2, 3]",
        1..5 => "1...5",
        1..=5 => "1..5",
        Duration::from_millis(1500) => "1.5",
        Box::new(7) => "7",
        Shape::Empty => ":empty",
        Shape::Circle(1.5) => "[:circle, 1.5]",
        Shape::Rectangle { width: 2, height: 3 } => "[:rectangle, {:width=>2, :height=>3}]",
        Settings { limit: 1, names: vec!["a".into()] } => "{:limit=>1, :names=>[\"a\"]}",
        Point { x: 1, y: None } => "Shop::Point.new(1, nil)",
    }
    let several = ruby.call::<Vec<String>>("seen", (1, "a", drb::keywords([("key", 2)])));
    assert_eq!(several.await.unwrap(), ["1", "\"a\"", "key: 2"]);
    let map = BTreeMap::from([(Symbol::from("key"), 2)]);
    assert_eq!(ruby.call::<Vec<String>>("seen", (map,)).await.unwrap().len(), 1, "not keywords");
    assert_eq!(ruby.call::<Vec<String>>("seen", ()).await.unwrap(), [""; 0]);
    assert_eq!(ruby.call::<Vec<String>>("seen", vec![1, 2]).await.unwrap(), ["1", "2"]);

    let time = SystemTime::UNIX_EPOCH + Duration::new(1_700_000_000, 123_456_789);
    let code = "Time.at(1_700_000_000, 123_456_789, :nsec).utc";
    assert!(ruby.call::<bool>("same?", (time, code)).await.unwrap());
    let encoding = ruby.call::<String>("encoding", ("é",)).await.unwrap();
    assert_eq!(encoding, "UTF-8 [195, 169]");
    let encoding = ruby.call::<String>("encoding", (Value::bytes([0xe9]),)).await.unwrap();
    assert_eq!(encoding, "ASCII-8BIT [233]");
}

/// What a result is when it arrives as a type.
macro_rules! evaluates {
    ($object:expr, $($code:expr => $ty:ty: $value:expr,)+) => {$(
        let value: $ty = $object.call::<$ty>("evaluate", ($code,)).await.unwrap();
        assert_eq!(value, $value, "{}", $code);
    )+};
}

#[tokio::test]
async fn results() {
    let (_server, _, ruby) = start().await;
    evaluates! { ruby,
        "nil" => (): (),
        "nil" => Option<u8>: None,
        "7" => Option<u8>: Some(7),
        "true" => bool: true,
        "255" => u8: 255,
        "-2**63" => i64: i64::MIN,
        "2**64 - 1" => u64: u64::MAX,
        "-2**127" => i128: i128::MIN,
        "2**128 - 1" => u128: u128::MAX,
        "0.1" => f64: 0.1,
        "1" => f64: 1.0,
        "-Float::INFINITY" => f64: f64::NEG_INFINITY,
        "5e-324" => f64: 5e-324,
        "'text'" => String: "text",
        ":text" => String: "text",
        "'日本'.encode('UTF-16LE')" => String: "日本",
        "\"\\xe9\".dup.force_encoding('ISO-8859-1')" => String: "é",
        "'ü'" => char: 'ü',
        ":sym" => Symbol: Symbol::from("sym"),
        "[1, nil]" => Vec<Option<u8>>: [Some(1), None],
        "[1, 'a']" => (u8, String): (1, "a".to_owned()),
        "[1, 2, 3]" => [u8; 3]: [1, 2, 3],
        "[[1] * 3] * 2" => Vec<Vec<u8>>: [[1; 3]; 2],
        "{a: 1, 'b' => 2}" => BTreeMap<String, u8>: BTreeMap::from([("a".into(), 1), ("b".into(), 2)]),
        "Hash.new(5).merge!(1 => 2)" => HashMap<u8, u8>: HashMap::from([(1, 2)]),
        "Set[1, 2]" => BTreeSet<u8>: BTreeSet::from([1, 2]),
        "1...5" => std::ops::Range<u8>: 1..5,
        "1..5" => std::ops::RangeInclusive<u8>: 1..=5,
        "1.5" => Duration: Duration::from_millis(1500),
        "Time.at(1_700_000_000, 5, :nsec)" => SystemTime:
            SystemTime::UNIX_EPOCH + Duration::new(1_700_000_000, 5),
        "Shop::Item.new('tea', 2.5)" => Item: Item { name: "tea".into(), price: 2.5 },
        "Shop::Item.new('tea', 2)" => Item: Item { name: "tea".into(), price: 2.0 },
        "{name: 'tea', price: 2.5}" => Item: Item { name: "tea".into(), price: 2.5 },
        "{'price' => 2.5, 'other' => [1], 'name' => 'tea'}" => Item: Item { name: "tea".into(), price: 2.5 },
        "Shop::Point.new(1, 'a')" => Point: Point { x: 1, y: Some("a".into()) },
        "{x: 1}" => Point: Point { x: 1, y: None },
        "{limit: 1, names: ['a']}" => Settings: Settings { limit: 1, names: vec!["a".into()] },
        ":empty" => Shape: Shape::Empty,
        "[:circle, 2]" => Shape: Shape::Circle(2.0),
        "[:rectangle, {width: 1, height: 2}]" => Shape: Shape::Rectangle { width: 1, height: 2 },
    }
}

/// A `Value` takes everything, and Ruby finds what it gave unchanged when it comes back.
#[tokio::test]
async fn any_value_there_and_back() {
    let (_server, _, ruby) = start().await;
    for code in [
        "nil",
        "true",
        "1",
        "2**70",
        "-2**62",
        "1.5",
        "'a'",
        "'a'.b",
        "'a'.encode('EUC-JP')",
        ":a",
        "[1, [2, [3]]]",
        "{a: {b: 1}}",
        "Hash.new(1)",
        "{}.compare_by_identity",
        "1..",
        "('a'..'b')",
        "Shop::Item.new('a', 1)",
        "Shop::Point.new(1, nil)",
        "Time.at(0, 1, :nsec, in: '-03:30')",
        "Rational(1, 3)",
        "Complex(1, 2.5)",
        "BigDecimal('1.25')",
        "Set[1]",
        "/a.b/mi",
        "String",
        "Comparable",
        "ArgumentError.new('a')",
        "x = 'shared'; [x, x, [x]]",
        "x = [1]; x << x; x",
        "x = {}; x[:x] = x; x",
        "'a'.dup.tap { |x| x.instance_variable_set(:@a, 1) }",
        "'a'.dup.extend(Comparable)",
    ] {
        let value: Value = ruby.call("evaluate", (code,)).await.unwrap();
        let back: String = ruby.call("marshalled", (&value,)).await.unwrap();
        let expected: String = ruby.call("marshalled_code", (code,)).await.unwrap();
        assert_eq!(back, expected, "{code}: {value}");
    }
    // An object of a class that nobody here knows.
    let local: Value = ruby.call("local", ()).await.unwrap();
    assert_eq!(local.class(), "Local");
    assert_eq!(local.get("secret").unwrap().to_string(), "[1, {:deep=>\"value\"}]");
    assert!(ruby.call::<bool>("local_again?", (local,)).await.unwrap());
}

#[tokio::test]
async fn a_result_that_does_not_fit_says_where() {
    let (_server, _, ruby) = start().await;
    macro_rules! refused {
        ($($code:expr => $ty:ty: $text:expr,)+) => {$(
            let error = ruby.call::<$ty>("evaluate", ($code,)).await.unwrap_err();
            assert!(matches!(error, Error::Load(_)), "{} gave {error:?}", $code);
            assert_eq!(error.outcome(), Outcome::Executed);
            assert!(error.to_string().contains($text), "{error} should contain {}", $text);
        )+};
    }
    refused! {
        "256" => u8: "256",
        "-1" => u64: "-1",
        "1.5" => i64: "expected",
        "nil" => String: "nil",
        "[1, 'a']" => Vec<u8>: "[1]",
        "[1, 2, 3]" => (u8, u8): "3",
        "{a: [1, nil]}" => BTreeMap<String, Vec<u8>>: "expected",
        "{name: 'tea'}" => Item: "price",
        "{name: 'tea', price: 'dear'}" => Item: "price",
        "Shop::Point.new(1, 2)" => Item: "Shop::Item",
        "{x: 1, y: 2}" => Point: "y",
        ":triangle" => Shape: "triangle",
        "\"\\xff\"" => String: "UTF-8",
        "'日本'.encode('Shift_JIS')" => String: "Shift_JIS",
    }
    // The connection is as good as before.
    assert_eq!(ruby.call::<u8>("evaluate", ("1",)).await, Ok(1));
}

#[tokio::test]
async fn a_typed_proxy() {
    let (_server, shop, ruby) = start().await;
    let item = Item { name: "tea".into(), price: 1.5 };
    assert_eq!(shop.buy("tea", 1).await, Ok(item.clone()));
    assert_eq!(ruby.through::<SimpleProxy>().buy("tea", 1).await, Ok(item));
    assert!(shop.is_item(Item { name: "tea".into(), price: 2.5 }).await.unwrap());
    assert!(!shop.is_item(&Item { name: "tea".into(), price: 2.6 }).await.unwrap());
    assert_eq!(shop.plus(2).await.unwrap(), "sum with 2");
    assert!(shop.is_empty().await.unwrap());

    let settings = Settings { limit: 3, names: vec!["a".into(), "b".into()] };
    shop.set(Symbol::from("k"), &settings).await.unwrap();
    assert_eq!(shop.get(Symbol::from("k")).await, Ok(Some(settings)));
    assert_eq!(shop.get(Symbol::from("none")).await, Ok(None));
    assert!(!shop.is_empty().await.unwrap());
    shop.clear().await.unwrap();
    assert!(shop.is_empty().await.unwrap());

    let seen = shop.seen([Value::from(1), Value::from("a")]).await.unwrap();
    assert_eq!(seen, ["1", "\"a\""]);
    assert_eq!(shop.greet("Ada", "Good day", "!").await.unwrap(), "Good day, Ada!");
    assert_eq!(shop.sleep_for(0.01).await, Ok(Symbol::from("slept")));
}

#[tokio::test]
async fn references() {
    let (server, shop, ruby) = start().await;
    let counter = shop.counter().await.unwrap();
    assert_eq!(counter.inc(2).await, Ok(2));
    assert_eq!(counter.inc(3).await, Ok(5));
    // It leads back to the same object, and is equal to itself.
    assert!(shop.counter_is_here(&counter).await.unwrap());
    assert_eq!(shop.counter().await.unwrap(), counter);

    let untyped: Object = ruby.call("counter", ()).await.unwrap();
    assert_eq!(untyped.call::<i64>("inc", ()).await, Ok(6));
    assert_eq!(untyped.through::<CounterProxy>().inc(1).await, Ok(7));
    assert_eq!(untyped.reference().uri(), Some(server.uri()));
    assert!(ruby.call::<bool>("counter_is_here?", (&untyped,)).await.unwrap());
    let value: Value = ruby.call("counter", ()).await.unwrap();
    assert_eq!(value.as_reference(), Some(untyped.reference()));
    assert!(ruby.call::<bool>("counter_is_here?", (value,)).await.unwrap());
}

#[tokio::test]
async fn exceptions() {
    let (_server, shop, ruby) = start().await;
    let own = shop.buy("tea", 4).await.unwrap_err();
    assert_eq!(own, CallError::Method(ShopError::OutOfStock { item: "tea".into(), left: 3 }));
    assert_eq!(own.outcome(), Outcome::Executed);
    assert_eq!(shop.buy("tea", 0).await, Err(CallError::Method(ShopError::Argument)));

    // A class that the error type doesn't know; Ruby doesn't say that it is derived from one.
    let CallError::Drb(Error::Raised(other)) = shop.buy("secret", 1).await.unwrap_err() else {
        panic!("an exception of another class")
    };
    assert_eq!((&*other.class, &*other.message), ("Shop::Unlisted", "unlisted"));
    assert_eq!(other.field("item"), Some(&Value::from("secret")));
    assert!(other.backtrace.iter().any(|line| line.contains("server.rb")), "{other:?}");

    let simple = ruby.through::<SimpleProxy>();
    let Error::Raised(error) = simple.buy("tea", 4).await.unwrap_err() else {
        panic!("an exception")
    };
    assert_eq!((&*error.class, error.field("left")), ("Shop::OutOfStock", Some(&Value::from(3))));

    // The classes that Ruby itself raises.
    for (code, class, message) in [
        ("raise 'oops'", "RuntimeError", "oops"),
        ("1 / 0", "ZeroDivisionError", "divided by 0"),
        ("Integer('x')", "ArgumentError", "invalid value for Integer(): \"x\""),
        ("[].fetch(1)", "IndexError", "index 1 outside of array bounds"),
        ("{}.fetch(:a)", "KeyError", "key not found: :a"),
        (
            "File.open('/absent')",
            "Errno::ENOENT",
            "No such file or directory @ rb_sysopen - /absent",
        ),
        ("raise Interrupt, 'stop'", "Interrupt", "stop"),
        ("throw :ball", "UncaughtThrowError", "uncaught throw :ball"),
        ("raise StopIteration", "StopIteration", "StopIteration"),
        ("raise 'Ünïcode'", "RuntimeError", "Ünïcode"),
        ("raise ''", "RuntimeError", ""),
        ("raise IOError.new(nil)", "IOError", ""),
    ] {
        let error = ruby.call::<Value>("evaluate", (code,)).await.unwrap_err();
        let exception = error.exception().unwrap_or_else(|| panic!("{code}: {error:?}"));
        assert_eq!(exception.class, class, "{code}: {error}");
        assert!(
            exception.message.starts_with(message) || message == "uncaught throw :ball",
            "{code}: {error}"
        );
    }
    // A connection that has carried an exception is closed by Ruby; nobody notices.
    assert_eq!(ruby.call::<u8>("evaluate", ("1",)).await, Ok(1));
}

#[tokio::test]
async fn failures_of_the_framework() {
    let (_server, _, ruby) = start().await;
    let call = |method: &str| ruby.call::<Value>(method, ());
    assert!(matches!(call("absent").await, Err(Error::NoMethod(_))));
    assert!(matches!(call("hidden").await, Err(Error::NoMethod(_))), "a private method");
    let arguments = call("buy").await.unwrap_err();
    assert_eq!(arguments.exception().map(|e| &*e.class), Some("ArgumentError"));
    // Ruby closes the connection without a word.
    let insecure = call("__send__").await.unwrap_err();
    assert!(matches!(insecure, Error::ConnectionLost { .. }), "{insecure:?}");

    let late = ruby.call::<Symbol>("sleep_for", (5.0,)).deadline(Duration::from_millis(100));
    let late = late.await.unwrap_err();
    assert!(matches!(late, Error::DeadlineExceeded { .. }), "{late:?}");
    assert_eq!(late.outcome(), Outcome::Unknown);

    let gone = Object::connect("druby://127.0.0.1:1").await.unwrap_err();
    assert!(matches!(gone, Error::Connect { .. }), "{gone:?}");
    assert_eq!(gone.outcome(), Outcome::NotExecuted);
}

#[tokio::test]
async fn a_process_that_ends_in_the_middle_of_a_call() {
    let (mut server, _, ruby) = start().await;
    let lost = ruby.call::<()>("leave", ()).await.unwrap_err();
    assert!(matches!(lost, Error::ConnectionLost { .. }), "{lost:?}");
    assert_eq!(lost.outcome(), Outcome::Unknown);
    timeout(SOON, async {
        while server.is_running() {
            sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .unwrap();
    let gone = ruby.call::<()>("leave", ()).await.unwrap_err();
    assert!(matches!(gone, Error::Connect { .. }), "{gone:?}");
    assert_eq!(gone.outcome(), Outcome::NotExecuted, "{gone:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_calls_side_by_side() {
    let (_server, shop, _) = start().await;
    let counter = shop.counter().await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..32 {
        let counter = counter.clone();
        tasks.spawn(async move {
            for _ in 0..20 {
                counter.inc(1).await.unwrap();
            }
        });
    }
    tasks.join_all().await;
    assert_eq!(counter.inc(0).await, Ok(640));
}

#[tokio::test]
async fn over_a_unix_socket() {
    let path = socket_path("ruby-server");
    let uri = format!("drbunix:{}", path.display());
    let server = Server::ruby("server.rb", &[&uri]).await;
    assert_eq!(server.uri(), uri);
    let shop = ShopProxy::connect(&uri).await.unwrap();
    assert_eq!(shop.plus(2).await.unwrap(), "sum with 2");
    let counter = shop.counter().await.unwrap();
    assert_eq!(counter.inc(1).await, Ok(1));
    assert!(shop.counter_is_here(&counter).await.unwrap());
}
