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

/// The class `Step` as its receiver knows it.
#[derive(Debug, Clone, PartialEq, DrbDumped)]
#[drb(class = "Step")]
struct Step<N> {
    a: u64,
    b: Option<String>,
    next: N,
}
/// The same in another order.
#[derive(DrbDumped)]
#[drb(class = "Step")]
struct Back<N> {
    next: N,
    a: u64,
    b: Option<String>,
}
/// With the beginning alone.
#[derive(DrbDumped)]
#[drb(class = "Step")]
struct Less {
    a: u64,
}
/// With what the receiver doesn't know, after a field that it does.
#[derive(DrbDumped)]
#[drb(class = "Step")]
struct More<N> {
    a: u64,
    c: Vec<f64>,
    b: Option<String>,
    next: N,
}
/// As many fields as the receiver knows, of which one is another.
#[derive(DrbDumped)]
#[drb(class = "Step")]
struct Other {
    a: u64,
    b: Option<String>,
    d: u64,
}

fn step<N>(a: u64, next: N) -> Step<N> {
    Step { a, b: Some(format!("b{a}")), next }
}

/// What each wire makes of a value, loaded as another type.
fn over_both_wires<T: drb::Load>(value: &impl drb::Dump) -> [T; 2] {
    use drb::{Budget, Dumper, Limits, Loader, native::Tables};
    let limits = Limits::default();
    let mut out = Vec::new();
    let mut dumper = Dumper::marshal(&mut out, &limits, None);
    value.dump(&mut dumper).unwrap();
    dumper.finish().unwrap();
    let ruby = T::load(&mut Loader::marshal(&out, &limits, None).unwrap()).unwrap();
    let (here, there) = (Tables::new(), Tables::new());
    out.clear();
    let mut dumper = Dumper::native(&mut out, &limits, &here, None);
    value.dump(&mut dumper).unwrap();
    dumper.finish().unwrap();
    for (class, form, fields) in (0..).map_while(|number| here.own(number)) {
        there.define(class.into(), form, fields.into_iter().map(str::to_owned).collect());
    }
    let budget = Budget::new(&limits, out.len());
    [ruby, T::load(&mut Loader::native(&out, &there, budget, None)).unwrap()]
}

#[test]
fn fields_are_found_in_any_order_and_with_some_missing() {
    type Inner = Option<Step<Option<u64>>>;
    let (b, inner) = (Some("b9".to_owned()), || step(9, Some(8)));
    // Those of one type follow others, so that what was found of these is no help.
    let value = (
        (step(1, inner()), step(2, Less { a: 3 }), Back { next: inner(), a: 4, b: b.clone() }),
        (step(5, Back { next: 8, a: 9, b: b.clone() }), Less { a: 6 }, step(7, inner())),
        (
            More { a: 8, c: vec![0.5], b: b.clone(), next: inner() },
            Other { a: 9, b: b.clone(), d: 1 },
        ),
        (step(10, More { a: 11, c: vec![], b: None, next: 1 }), step(12, inner())),
    );
    let less = Step { a: 3, b: None, next: None };
    let own = Some(inner());
    let first =
        (step(1, own.clone()), step(2, Some(less)), Step { a: 4, b: b.clone(), next: own.clone() });
    let second = (step(5, own.clone()), Step { a: 6, b: None, next: None }, step(7, own.clone()));
    let third = (Step { a: 8, b: b.clone(), next: own.clone() }, Step { a: 9, b, next: None });
    let fourth = (step(10, Some(Step { a: 11, b: None, next: Some(1) })), step(12, own));
    type Three = (Step<Inner>, Step<Inner>, Step<Inner>);
    type Two = (Step<Inner>, Step<Inner>);
    for (at, loaded) in over_both_wires::<(Three, Three, Two, Two)>(&value).into_iter().enumerate()
    {
        assert_eq!(loaded.0, first, "{at}");
        assert_eq!(loaded.1, second, "{at}");
        assert_eq!(loaded.2, third, "{at}");
        assert_eq!(loaded.3, fourth, "{at}");
    }
}

/// More fields than are remembered by their numbers.
#[derive(Debug, Clone, PartialEq, DrbDumped)]
#[drb(as_struct)]
#[rustfmt::skip]
struct Many {
    a: i64, b: f64, c: bool, d: i64, e: f64, f: bool, g: i64, h: f64, i: bool, j: i64, k: f64, l: bool,
    m: i64, n: f64, o: bool, p: i64, q: f64, r: Vec<i64>, s: Option<String>,
}

#[test]
fn structs_are_written_as_values_are() {
    let many = |a: i64| Many {
        a,
        b: a as f64 / 8.0,
        c: true,
        d: a.wrapping_neg(),
        e: a as f64 / 3.0,
        f: false,
        g: a.saturating_mul(251),
        h: a as f64 * 1e9,
        i: true,
        j: a ^ 255,
        k: -(a as f64),
        l: false,
        m: a >> 1,
        n: 0.0,
        o: true,
        p: a.saturating_add(1),
        q: a as f64 / 100.0,
        r: (0..a.clamp(0, 300)).collect(),
        s: Some("s".repeat(a.clamp(0, 300) as usize)),
    };
    let edges =
        [0, 1, 122, 123, 255, 256, 65_535, 65_536, (1 << 24) - 1, 1 << 24, (1 << 30) - 1, 1 << 30];
    let numbers =
        edges.into_iter().chain([i64::MAX, -1, -123, -124, -256, -257, -(1 << 30), i64::MIN]);
    let value: Vec<_> =
        numbers.map(|a| (many(a), step(7, Some(many(a))), step(8, step(9, a)))).collect();
    let limits = drb::Limits::default();
    let mut out = Vec::new();
    let mut dumper = drb::Dumper::marshal(&mut out, &limits, None);
    drb::Dump::dump(&value, &mut dumper).unwrap();
    dumper.finish().unwrap();
    // Values look up each symbol.
    assert_eq!(drb::Value::from_marshal(&out).unwrap().to_marshal().unwrap(), out);
    for loaded in over_both_wires::<Vec<(Many, Step<Option<Many>>, Step<Step<i64>>)>>(&value) {
        assert_eq!(loaded, value);
    }
}

#[test]
fn structs_of_a_vector_are_what_was_sent_however_many() {
    let entry = |key: usize| Entry {
        last_key: "k".repeat(key % 40),
        hits: key as u64 * 1_000_003,
        inner: key.is_multiple_of(3).then(|| Box::new(key as u64)),
        cache: 0,
    };
    // More than is allocated at once.
    for len in [0, 1, 2, 5, 20_000] {
        let entries: Vec<_> = (0..len).map(entry).collect();
        assert!(over_both_wires::<Vec<Entry>>(&entries).into_iter().all(|all| all == entries));
    }
    let nested: Vec<_> = (0..9_u8).map(|p| Page { items: vec![p; 3], x: 0_u8, p }).collect();
    assert!(over_both_wires::<Vec<Page<u8, u8>>>(&nested).into_iter().all(|all| all == nested));
    let options = vec![Options { a: 1, b: "b".into() }, Options { a: 1 << 40, b: "c".into() }];
    assert!(over_both_wires::<Vec<Options>>(&options).into_iter().all(|all| all == options));
}
