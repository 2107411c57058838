//! `#[derive(DrbDumped)]`.
use drb::DrbDumped;

#[derive(Debug, PartialEq, DrbDumped)]
#[drb(class = "Foo::Entry", rename_all = "camelCase")]
struct Entry {
    last_key: String,
    #[drb(default = 7)]
    hits: u64,
    #[drb(name = "sub")]
    inner: Option<Box<u64>>,
    #[drb(skip)]
    cache: u8,
}
#[derive(Debug, PartialEq, DrbDumped)]
struct Id(u64);
#[derive(Debug, PartialEq, DrbDumped)]
struct Pair(u64, String, #[drb(skip)] u8);
#[derive(Debug, PartialEq, DrbDumped)]
struct Nothing;
#[derive(Debug, PartialEq, DrbDumped, Default)]
#[drb(as_hash, default)]
struct Options {
    a: u64,
    b: String,
}
#[derive(Debug, PartialEq, DrbDumped)]
struct Page<T, U> {
    items: Vec<T>,
    #[drb(skip)]
    x: U,
    p: U,
}
#[derive(Debug, PartialEq, DrbDumped)]
enum Shape {
    Point,
    Circle(f64),
    Rect {
        w: f64,
        h: f64,
    },
    #[drb(name = "poly")]
    Polygon(Vec<Id>, u64),
    Skipped {
        #[drb(skip)]
        s: u8,
        t: u64,
    },
}

fn round_trip<T: drb::Dump + drb::Load + PartialEq + std::fmt::Debug>(value: &T) -> drb::Value {
    let dumped = drb::Value::from_dump(value).unwrap();
    assert_eq!(&dumped.to::<T>().unwrap(), value);
    dumped
}

#[test]
fn round_trips() {
    round_trip(&Entry { last_key: "a".into(), hits: 3, inner: Some(Box::new(3)), cache: 0 });
    round_trip(&Id(3));
    round_trip(&Pair(3, "x".into(), 0));
    round_trip(&Nothing);
    round_trip(&Options { a: 3, b: "b".into() });
    round_trip(&Page { items: vec![3u64], x: 0u8, p: 3u8 });
    round_trip(&Shape::Point);
    round_trip(&Shape::Circle(1.5));
    round_trip(&Shape::Rect { w: 1.0, h: 2.0 });
    round_trip(&Shape::Polygon(vec![Id(1)], 3));
    round_trip(&Shape::Skipped { s: 0, t: 3 });
}
