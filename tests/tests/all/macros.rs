//! What the macros make, called from real Ruby, and the same contract with the object in Ruby.

use drb::prelude::*;
use drb_tests::{Server, ruby};
use std::collections::BTreeMap;

#[derive(Debug, PartialEq, DrbDumped)]
#[drb(class = "Shop::Entry")]
struct Entry {
    key: String,
    #[drb(default = 7)]
    count: u64,
}

#[derive(Debug, PartialEq, DrbDumped)]
#[drb(as_struct, class = "Shop::Point", rename_all = "camelCase")]
struct Point {
    x_axis: f64,
    y_axis: f64,
}

#[derive(Debug, PartialEq, DrbDumped)]
#[drb(as_hash)]
struct Options {
    deep: bool,
    limit: Option<u64>,
}

#[derive(Debug, PartialEq, DrbDumped)]
enum Shape {
    Nothing,
    Circle(f64),
    Segment(u64, u64),
    Rect { w: u64, h: u64 },
}

#[derive(Debug, PartialEq, thiserror::Error, DrbError)]
enum ShopError {
    #[error("no entry {key}")]
    #[drb(class = "Shop::NotFound")]
    NotFound { key: String, tries: u64 },
    #[error("{0}")]
    #[drb(class = "ArgumentError")]
    Invalid(#[drb(message)] String),
    #[error("full: {0}")]
    Full(u64),
}

#[drb::service(class = "Shop::Desk")]
struct Desk;

#[drb::service]
impl Desk {
    pub fn page(&self, from: u64, #[drb(default = from + 10)] to: u64) -> Vec<u64> {
        vec![from, to]
    }

    pub fn around(&self, first: i64, #[drb(rest)] middle: Vec<i64>, last: i64) -> Vec<i64> {
        [vec![last], middle, vec![first]].concat()
    }

    pub async fn find(
        &self,
        text: String,
        #[drb(keyword)] limit: u64,
        #[drb(keyword, default = true)] deep: bool,
        #[drb(keywords)] others: BTreeMap<String, i64>,
    ) -> String {
        format!("{text} {limit} {deep} {others:?}")
    }

    #[drb(name = "[]", alias = "fetch")]
    pub fn get(&self, key: &str) -> Entry {
        Entry { key: key.to_owned(), count: 1 }
    }

    #[drb(name = "empty?")]
    pub fn is_empty(&self) -> bool {
        true
    }

    pub fn entry(&self, entry: Entry) -> Entry {
        entry
    }

    pub fn swap(&self, point: Point) -> Point {
        Point { x_axis: point.y_axis, y_axis: point.x_axis }
    }

    pub fn options(&self, options: Options) -> Options {
        options
    }

    pub fn shape(&self, shape: Shape) -> Shape {
        shape
    }

    #[drb(blocking)]
    pub fn fail(&self, how: u64) -> Result<u64, ShopError> {
        Err(match how {
            0 => ShopError::NotFound { key: "tea".to_owned(), tries: 3 },
            1 => ShopError::Invalid("wrong".to_owned()),
            other => ShopError::Full(other),
        })
    }
}

const CLASSES: &str = "
    DRb.start_service
    module Shop
      class Entry
        attr_reader :key, :count
        def initialize(key, count = nil) = (@key = key; @count = count if count)
      end
      Point = Struct.new(:xAxis, :yAxis)
      class NotFound < StandardError
        attr_reader :key, :tries
      end
    end
    desk = DRbObject.new_with_uri(ARGV[0])
";

/// What a Ruby program prints that calls the desk.
async fn ask(program: &str) -> String {
    let server = drb::start_service("druby://127.0.0.1:0", Desk).await.unwrap();
    ruby(&format!("{CLASSES}{program}"), &[server.uri()]).await
}

#[tokio::test]
async fn ruby_leaves_out_what_has_a_default() {
    let said =
        ask("p desk.page(1), desk.page(1, 2), desk.around(1, 4), desk.around(1, 2, 3, 4)").await;
    assert_eq!(said, "[1, 11]\n[1, 2]\n[4, 1]\n[4, 2, 3, 1]\n");
}

#[tokio::test]
async fn ruby_passes_keywords() {
    let said = ask("puts desk.find('a', limit: 3)
         puts desk.find('a', deep: false, other: 4, limit: 3)
         begin; desk.find('a'); rescue ArgumentError => e; puts e.message; end
         begin; desk.find; rescue ArgumentError => e; puts e.message; end
         begin; desk.page('a', 2); rescue TypeError => e; puts e.message; end")
    .await;
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(lines[0], "a 3 true {}");
    assert_eq!(lines[1], "a 3 false {\"other\": 4}");
    assert_eq!(lines[2], "missing keyword: :limit");
    assert_eq!(lines[3], "wrong number of arguments (given 0, expected 1)");
    assert_eq!(lines[4], "from: expected an integer, got a String");
}

#[tokio::test]
async fn ruby_calls_by_ruby_s_names() {
    let said = ask("p desk['a'].key, desk.fetch('b').key, desk.empty?, desk.to_s
         begin; desk.get('a'); rescue NoMethodError => e; puts e.message; end
         p desk.respond_to?(:fetch), desk.respond_to?(:get)")
    .await;
    assert_eq!(
        said,
        "\"a\"\n\"b\"\ntrue\n\"#<Shop::Desk>\"\nundefined method 'get' for #<Shop::Desk>\ntrue\nfalse\n"
    );
}

#[tokio::test]
async fn structs_are_objects_structs_and_hashes() {
    let said = ask("e = desk.entry(Shop::Entry.new('a', 2)); p [e.class, e.key, e.count]
         e = desk.entry(Shop::Entry.new('b')); p [e.class, e.key, e.count]
         e = desk.entry({key: 'c', 'count' => 4}); p [e.class, e.key, e.count]
         p desk.swap(Shop::Point.new(1.0, 2.0))
         p desk.options({deep: true}), desk.options({'deep' => false, limit: 2})
         begin; desk.entry(Shop::Point.new(1, 2)); rescue TypeError => e; puts e.message; end")
    .await;
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(lines[0], "[Shop::Entry, \"a\", 2]");
    assert_eq!(lines[1], "[Shop::Entry, \"b\", 7]");
    assert_eq!(lines[2], "[Shop::Entry, \"c\", 4]");
    assert_eq!(lines[3], "#<struct Shop::Point xAxis=2.0, yAxis=1.0>");
    assert_eq!(lines[4], "{:deep=>true, :limit=>nil}");
    assert_eq!(lines[5], "{:deep=>false, :limit=>2}");
    assert!(lines[6].starts_with("entry: ") && lines[6].contains("Shop::Point"), "{}", lines[6]);
}

#[tokio::test]
async fn enums_are_symbols_and_arrays() {
    let said =
        ask("p desk.shape(:nothing), desk.shape([:circle, 1.5]), desk.shape([:segment, 1, 2])
         case desk.shape([:rect, {w: 3, h: 4}])
         in [:rect, {w:, h:}] then p w * h
         end
         [:round, [:circle], [:rect, {w: 1}], 3].each do |wrong|
           desk.shape(wrong)
         rescue ArgumentError, TypeError => e
           puts \"#{e.class}: #{e.message}\"
         end")
        .await;
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(lines[..4], [":nothing", "[:circle, 1.5]", "[:segment, 1, 2]", "12"]);
    assert_eq!(lines[4], "ArgumentError: shape: `round` is no variant of Shape");
    assert_eq!(lines[5], "ArgumentError: shape: `circle` takes 2 elements, got 1");
    assert_eq!(lines[6], "ArgumentError: shape: missing field `h` of Shape::Rect");
    assert_eq!(lines[7], "TypeError: shape: expected a Symbol, got an Integer");
}

#[tokio::test]
async fn errors_are_exceptions_with_fields() {
    let said =
        ask("begin; desk.fail(0); rescue Shop::NotFound => e; p e.message, e.key, e.tries; end
         begin; desk.fail(1); rescue ArgumentError => e; p e.message; end
         begin; desk.fail(2); rescue DRb::DRbRemoteError => e; p e.message, e.reason; end")
        .await;
    assert_eq!(
        said,
        "\"no entry tea\"\n\"tea\"\n3\n\"wrong\"\n\"full: 2 (ShopError::Full)\"\n\"ShopError::Full\"\n"
    );
}

/// The contract of the object in `tests/ruby/macros_server.rb`.
#[drb::service]
trait Shop {
    fn page(&self, from: u64, #[drb(default)] to: u64) -> Vec<u64>;
    fn sum(&self, #[drb(rest)] all: &[i64]) -> i64;
    async fn find(
        &self,
        text: &str,
        #[drb(keyword)] limit: u64,
        #[drb(keywords)] others: BTreeMap<String, i64>,
    ) -> String;
    #[drb(name = "[]=")]
    fn set(&mut self, key: String, value: Entry) -> Entry;
    #[drb(name = "known?")]
    fn is_known(&self, key: String) -> bool;
    fn shape(&self, shape: Shape) -> Shape;
    fn fail(&self, how: u64) -> Result<(), ShopError>;
}

#[tokio::test]
async fn a_contract_whose_object_is_in_ruby() {
    let server = Server::ruby("macros_server.rb", &[]).await;
    let shop = ShopProxy::connect(server.uri()).await.unwrap();
    assert_eq!(shop.page(1, 2).await.unwrap(), [1, 2]);
    assert_eq!(shop.sum([1, 2, 3]).await.unwrap(), 6);
    assert_eq!(shop.sum(Vec::<i64>::new()).await.unwrap(), 0);
    assert_eq!(shop.find("a", 3, [("b", 4)]).await.unwrap(), "a 3 {:b=>4}");
    assert_eq!(shop.find("a", 3, Vec::<(String, i64)>::new()).await.unwrap(), "a 3 {}");
    assert!(!shop.is_known("tea").await.unwrap());
    let entry = Entry { key: "tea".to_owned(), count: 2 };
    assert_eq!(shop.set("tea", &entry).await.unwrap(), entry);
    assert!(shop.is_known("tea").await.unwrap());
    for shape in
        [Shape::Nothing, Shape::Circle(1.5), Shape::Segment(1, 2), Shape::Rect { w: 1, h: 2 }]
    {
        assert_eq!(shop.shape(&shape).await.unwrap(), shape);
    }
    let not_found = ShopError::NotFound { key: "tea".to_owned(), tries: 3 };
    assert_eq!(shop.fail(0).await, Err(CallError::Method(not_found)));
    assert_eq!(shop.fail(1).await, Err(CallError::Method(ShopError::Invalid("wrong".to_owned()))));
    let other = shop.fail(2).await.unwrap_err();
    assert!(
        matches!(&other, CallError::Drb(drb::Error::Raised(e)) if e.class == "ZeroDivisionError")
    );
}
