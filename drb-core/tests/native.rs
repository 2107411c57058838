//! Values on the native wire.

use drb_core::{
    Budget, Dump, Dumper, Field, Form, Limits, Load, LoadError, Loader, Shape, Symbol, Value,
    native::Tables,
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt::Debug,
    ops::Range,
    time::{Duration, SystemTime},
};

/// One connection: what is dumped on one side is loaded on the other.
#[derive(Default)]
struct Connection {
    here: Tables,
    there: Tables,
}

impl Connection {
    fn dump<T: Dump + ?Sized>(&self, value: &T) -> Vec<u8> {
        let mut out = Vec::new();
        let mut dumper = Dumper::native(&mut out, &Limits::default(), &self.here, None);
        value.dump(&mut dumper).unwrap();
        let needs = dumper.shapes();
        dumper.finish().unwrap();
        // What a session does before it sends the message.
        for number in self.there.defined()..needs as usize {
            let (class, form, fields) = self.here.own(number as u32).unwrap();
            let fields = fields.into_iter().map(str::to_owned).collect();
            self.there.define(class.to_owned(), form, fields);
        }
        out
    }

    fn load<T: Load>(&self, bytes: &[u8]) -> Result<T, LoadError> {
        let budget = Budget::new(&Limits::default(), bytes.len());
        let mut loader = Loader::native(bytes, &self.there, budget, None);
        let value = T::load(&mut loader)?;
        assert!(loader.kind().is_err(), "all of it is taken");
        Ok(value)
    }

    fn round<T: Dump + Load + PartialEq + Debug>(&self, value: T) {
        let bytes = self.dump(&value);
        assert_eq!(self.load::<T>(&bytes).unwrap(), value);
        // What arrives without a type is the same value.
        let dynamic = self.load::<Value>(&bytes).unwrap();
        assert_eq!(dynamic, Value::from_dump(&value).unwrap());
        // And what is sent without a type arrives with one.
        assert_eq!(self.load::<T>(&self.dump(&dynamic)).unwrap(), value);
    }
}

#[derive(Debug, Clone, PartialEq)]
struct Point {
    x: i64,
    label: String,
}

static POINT: Shape = Shape {
    class: "Point",
    form: Form::Object,
    fields: &[Field { name: "x", ivar: "@x" }, Field { name: "label", ivar: "@label" }],
};

impl Dump for Point {
    fn dump(&self, dumper: &mut Dumper<'_>) -> Result<(), drb_core::DumpError> {
        dumper.object(&POINT)?;
        dumper.field(&POINT, 0)?;
        self.x.dump(dumper)?;
        dumper.field(&POINT, 1)?;
        self.label.dump(dumper)?;
        dumper.end();
        Ok(())
    }
}

impl Load for Point {
    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError> {
        let mut point = Self { x: 0, label: String::new() };
        let mut fields = loader.object(&POINT)?;
        while let Some(index) = loader.field(&POINT, &mut fields)? {
            match index {
                0 => point.x = Load::load(loader)?,
                _ => point.label = Load::load(loader)?,
            }
        }
        loader.end()?;
        Ok(point)
    }
}

/// The same struct after a change: the fields in another order, with one more.
#[derive(Debug, PartialEq)]
struct Newer(Point);

static NEWER: Shape = Shape {
    class: "Point",
    form: Form::Object,
    fields: &[
        Field { name: "label", ivar: "@label" },
        Field { name: "colour", ivar: "@colour" },
        Field { name: "x", ivar: "@x" },
    ],
};

impl Dump for Newer {
    fn dump(&self, dumper: &mut Dumper<'_>) -> Result<(), drb_core::DumpError> {
        dumper.object(&NEWER)?;
        dumper.field(&NEWER, 0)?;
        self.0.label.dump(dumper)?;
        dumper.field(&NEWER, 1)?;
        vec!["red", "blue"].dump(dumper)?;
        dumper.field(&NEWER, 2)?;
        self.0.x.dump(dumper)?;
        dumper.end();
        Ok(())
    }
}

fn point(x: i64) -> Point {
    Point { x, label: format!("point {x}") }
}

#[test]
fn types_cross() {
    let connection = Connection::default();
    connection.round(true);
    for value in [0, 1, -1, 127, 128, -32, -33, 255, 256, 65_536, i64::MAX, i64::MIN] {
        connection.round(value);
        connection.round(i128::from(value) * 3);
    }
    connection.round(u64::MAX);
    connection.round(u128::MAX);
    connection.round(i128::MIN);
    for value in [0.0, -0.0, 1.5, f64::INFINITY, f64::MIN_POSITIVE] {
        connection.round(value);
    }
    connection.round("text".to_owned());
    connection.round("日本語".repeat(30_000));
    connection.round(vec![0_u8, 255, 7]);
    connection.round(Symbol::from("sym"));
    connection.round(Some(5_u8));
    connection.round(None::<u8>);
    connection.round((1_u8, "two".to_owned(), [3.0, 4.0]));
    connection.round(vec![vec![1_i64; 20]; 20]);
    connection.round(BTreeMap::from([("a".to_owned(), 1), ("b".to_owned(), 2)]));
    connection.round(HashMap::from([(1, point(1)), (2, point(2))]));
    connection.round(BTreeSet::from([1, 5, 9]));
    connection.round(Range { start: 1, end: 9 });
    connection.round(SystemTime::UNIX_EPOCH + Duration::new(1_700_000_000, 123_456_789));
    connection.round(vec![point(1), point(2)]);
}

#[test]
fn every_value_of_ruby_survives() {
    let connection = Connection::default();
    let vectors = include_str!("golden/values.tsv").lines().filter(|line| !line.starts_with('#'));
    let mut count = 0;
    for line in vectors {
        let mut columns = line.split('\t');
        let name = columns.next().unwrap();
        let hex = columns.nth(1).unwrap().as_bytes();
        let digit = |digit: u8| char::from(digit).to_digit(16).unwrap() as u8;
        let stream: Vec<u8> =
            hex.chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect();
        let value = Value::from_marshal(&stream).unwrap();
        let crossed = connection.load::<Value>(&connection.dump(&value));
        let crossed = crossed.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(crossed, value, "{name}");
        count += 1;
    }
    assert_eq!(count, 152);
}

#[test]
fn a_struct_is_named_once() {
    let connection = Connection::default();
    let one = connection.dump(&point(7));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(!text(&one).contains("label"), "fields go by position");
    // An array of three, whose first element is the number of the shape.
    assert_eq!(one.get(..5), Some(&[0x93, 0xd4, 16, 0, 7][..]));
    assert_eq!(connection.there.defined(), 1);
    connection.dump(&vec![point(8); 10]);
    assert_eq!(connection.there.defined(), 1);
}

#[test]
fn peers_that_were_built_apart() {
    let connection = Connection::default();
    let newer = connection.dump(&vec![Newer(point(1)), Newer(point(2))]);
    // Fields are found by name; those that are unknown are skipped.
    assert_eq!(connection.load::<Vec<Point>>(&newer).unwrap(), [point(1), point(2)]);
    let other = connection.dump(&(0..3_i64));
    let error = connection.load::<Point>(&other).unwrap_err().to_string();
    assert!(error.starts_with("expected a Point, got a Range"), "{error}");
}

#[test]
fn what_is_wrong_is_an_error() {
    let connection = Connection::default();
    connection.dump(&point(1));
    let expect = |bytes: &[u8], what: &str| {
        let error = connection.load::<Value>(bytes).unwrap_err().to_string();
        assert!(error.contains(what), "{bytes:x?}: {error}");
    };
    expect(&[], "ends within a value");
    expect(&[0xc1], "begins no value");
    expect(&[0xdd, 0xff, 0xff, 0xff, 0xff, 0xc0], "ends within a value");
    expect(&[0xc6, 0xff, 0xff, 0xff, 0xff, 0], "ends within a value");
    // A struct of a shape that was never defined, and one with a field too few.
    expect(&[0x91, 0xd4, 16, 1], "unknown shape");
    expect(&[0x92, 0xd4, 16, 0, 1], "number of fields");
    expect(&[0xd4, 99, 0], "none of drb's");
    expect(&[0xd4, 5, 7], "a reference that is none");
    expect(&[0xd4, 4, 7], "a time that is none");
    expect(&[0xd5, 6, 4, 8], "ends within a value");
    let deep = [vec![0x91; 1_000_000], vec![0xc0]].concat();
    expect(&deep, "`depth`");
    // A billion of nothing: each takes a byte, so they would have to be there.
    expect(&[0xdd, 0x3b, 0x9a, 0xca, 0x00], "ends within a value");
    let error = connection.load::<u8>(&[0xcd, 1, 0]).unwrap_err().to_string();
    assert!(error.contains("256 doesn't fit"), "{error}");
    let error = connection.load::<String>(&[0xa1, 0xff]).unwrap_err().to_string();
    assert!(error.contains("not UTF-8"), "{error}");
    let error = connection.load::<Vec<u64>>(&[0x91, 0xa1, b'x']).unwrap_err().to_string();
    assert_eq!(error, "[0]: expected an integer, got a String");
}

/// Found by fuzzing: an object of a class whose name is no text was another one behind the wire.
#[test]
fn classes_and_fields_whose_names_are_no_text() {
    let connection = Connection::default();
    // The second one's field is named in another encoding, which its bytes don't show.
    for stream in [
        &b"\x04\x08o:\x08m\x82\x00\x00"[..],
        b"\x04\x08o:\x06A\x06I:\x07@a\x06:\x0dencoding\"\x0eShift_JISi\x06",
    ] {
        let value = Value::from_marshal(stream).unwrap();
        assert_eq!(connection.load::<Value>(&connection.dump(&value)).unwrap(), value);
    }
    let arrived = connection.load::<Value>(b"\xc7\x09\x06\x04\x08o:\x08m\x82\x00\x00").unwrap();
    assert_eq!(connection.load::<Value>(&connection.dump(&arrived)).unwrap(), arrived);
}

/// Found by fuzzing: a value was loaded that could not be sent on.
#[test]
fn encodings_that_do_not_exist() {
    let connection = Connection::default();
    // The name's bytes are no UTF-8; where they were replaced, it became longer than a name can be.
    let bytes = [&[0xc7, 151, 3, 147][..], &[0x93; 147], b"abc"].concat();
    let error = connection.load::<Value>(&bytes).unwrap_err().to_string();
    assert!(error.contains("an encoding whose name is no UTF-8"), "{error}");
    let error = connection.load::<String>(&bytes).unwrap_err().to_string();
    assert!(error.contains("an encoding whose name is no UTF-8"), "{error}");
    for len in [255, 256] {
        let marshal = [
            &b"\x04\x08I\"\x06a\x06:\x0dencoding\"\x02"[..],
            &u16::to_le_bytes(len),
            &vec![b'e'; len.into()],
        ];
        let value = Value::from_marshal(&marshal.concat()).unwrap();
        assert_eq!(connection.load::<Value>(&connection.dump(&value)).unwrap(), value);
    }
}

/// No bytes do harm: each prefix, and each byte changed, of something of every kind.
#[test]
fn bytes_that_are_changed() {
    let connection = Connection::default();
    let value = (
        point(3),
        vec![Value::symbol("a"), Value::Nil, Value::from(-5), Value::from(2.5)],
        BTreeSet::from([u128::MAX]),
        BTreeMap::from([("k".to_owned(), 0..4_i64)]),
    );
    let mut bytes = connection.dump(&value);
    let whole = bytes.len();
    bytes.extend(connection.dump(&SystemTime::UNIX_EPOCH));
    bytes.extend(connection.dump(&Value::from_marshal(b"\x04\x08c\x0bString").unwrap()));
    for end in 0..bytes.len() {
        let budget = Budget::new(&Limits::default(), end);
        let mut loader = Loader::native(&bytes[..end], &connection.there, budget, None);
        let taken = loader.value();
        assert_eq!(taken.is_ok(), end >= whole, "{end} of {whole} bytes");
    }
    for at in 0..bytes.len() {
        for byte in (at as u8 % 5..=255).step_by(5) {
            let mut changed = bytes.clone();
            changed[at] = byte;
            let budget = Budget::new(&Limits::default(), changed.len());
            let mut loader = Loader::native(&changed, &connection.there, budget, None);
            while loader.value().is_ok() {}
            let mut loader = Loader::native(&changed, &connection.there, budget, None);
            let _ = <(Point, Vec<Value>, BTreeSet<u128>, BTreeMap<String, Range<i64>>)>::load(
                &mut loader,
            );
        }
    }
}
