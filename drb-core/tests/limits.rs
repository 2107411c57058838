//! Each bound of loading, at the limit and one past it. What is hostile here has few bytes.

use drb_core::{
    Budget, Dump, DumpError, Dumper, Limit, Limits, Load, LoadError, LoadErrorKind, Loader, Symbol,
    Value,
};
use std::thread;

/// A Marshal stream of the value whose bytes these are.
fn stream(parts: &[&[u8]]) -> Vec<u8> {
    [&b"\x04\x08"[..], &parts.concat()].concat()
}

fn load<T: Load>(bytes: &[u8], limits: &Limits) -> Result<T, LoadError> {
    T::load(&mut Loader::marshal(bytes, limits, None)?)
}

fn limit<T>(result: Result<T, LoadError>) -> Option<Limit> {
    match result.err()?.kind() {
        LoadErrorKind::Limit { limit, .. } => Some(*limit),
        other => panic!("{other}"),
    }
}

/// A length as Marshal writes it.
fn len(len: usize) -> Vec<u8> {
    match len {
        0 => vec![0],
        1..=122 => vec![len as u8 + 5],
        _ => {
            let bytes = (len as u32).to_le_bytes();
            let count = 4 - len.leading_zeros() as usize % 32 / 8;
            [&[count as u8], &bytes[..count]].concat()
        }
    }
}

#[derive(Debug)]
struct Nested(#[allow(dead_code)] Vec<Self>);

impl Load for Nested {
    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError> {
        Vec::load(loader).map(Self)
    }
}

/// Arrays within arrays.
fn nested(depth: usize) -> Vec<u8> {
    stream(&[&b"[\x06".repeat(depth - 1), b"[\0"])
}

#[test]
fn depth() {
    let limits = Limits::default();
    assert!(load::<Value>(&nested(128), &limits).is_ok());
    assert_eq!(limit(load::<Value>(&nested(129), &limits)), Some(Limit::Depth));
    assert!(load::<Nested>(&nested(128), &limits).is_ok());
    assert_eq!(limit(load::<Nested>(&nested(129), &limits)), Some(Limit::Depth));
    assert!(load::<()>(&nested(128), &limits).is_ok());
    assert_eq!(limit(load::<()>(&nested(129), &limits)), Some(Limit::Depth));
}

#[test]
fn depth_of_what_is_dumped() {
    let nested = |depth| (1..depth).fold(Value::from([0; 0]), |value, _| Value::from([value]));
    assert!(nested(128).to_marshal().is_ok());
    let too_deep = Err(DumpError::Limit { limit: Limit::Depth, max: 128 });
    assert_eq!(nested(129).to_marshal(), too_deep);
}

/// Everything that can contain something, on a stack of 2 MiB, a million deep.
#[test]
fn a_million_levels_on_a_small_stack() {
    let openings: [&[u8]; 12] = [
        b"[\x06",
        b"{\x060",
        b"}\0",
        b"o:\x06A\x06:\x07@a",
        b"S:\x06A\x06:\x06a",
        b"U:\x06A",
        b"d:\x06A",
        b"I[\0\x06:\x07@a",
        b"I\"\0\x06:\x07@a",
        b"I/\0\0\x06:\x07@a",
        b"Iu:\x06A\0\x06:\x07@a",
        b"I:\x06a\x06:\x06b",
    ];
    let levels = |opening: &[u8]| {
        for (depth, enough) in [(100, true), (1_000_000, false)] {
            let bytes = stream(&[&opening.repeat(depth), b"0"]);
            let limits = Limits { frame: usize::MAX, ..Limits::default() };
            let value = load::<Value>(&bytes, &limits);
            assert_eq!(value.is_ok(), enough, "{opening:?}");
            if !enough {
                assert_eq!(limit(value), Some(Limit::Depth), "{opening:?}");
            }
            assert_eq!(load::<()>(&bytes, &limits).is_ok(), enough, "{opening:?}");
            let is_array = opening.starts_with(b"[") || opening.starts_with(b"I[");
            assert_eq!(load::<Vec<Value>>(&bytes, &limits).is_ok(), enough && is_array);
        }
    };
    let run = move || openings.into_iter().for_each(levels);
    let thread = thread::Builder::new().stack_size(2 << 20).spawn(run).expect("a thread");
    thread.join().expect("no overflow");
}

/// Each array is at the end of the next one, through a link: few bytes are deep.
#[test]
fn depth_through_links() {
    // `levels` arrays around what the last ones have begun with, so often.
    let chained = |levels: usize, times: usize| {
        let mut bytes = stream(&[b"[", &len(times)]);
        for time in 0..times {
            bytes.extend(b"[\x06".repeat(levels - 1));
            match time {
                0 => bytes.extend(b"[\0"),
                _ => bytes.extend([&b"[\x06@"[..], &len((time - 1) * levels + 1)].concat()),
            }
        }
        bytes
    };
    let run = move || {
        let limits = Limits::default();
        // The array around all is a level, too.
        assert!(load::<Value>(&chained(1, 127), &limits).is_ok());
        assert_eq!(limit(load::<Value>(&chained(1, 128), &limits)), Some(Limit::Depth));
        assert!(load::<Nested>(&chained(1, 127), &limits).is_ok());
        assert_eq!(limit(load::<Nested>(&chained(1, 128), &limits)), Some(Limit::Depth));
        assert_eq!(limit(load::<Value>(&chained(100, 140), &limits)), Some(Limit::Depth));
    };
    let thread = thread::Builder::new().stack_size(2 << 20).spawn(run).expect("a thread");
    thread.join().expect("no overflow");
}

/// Streams within streams: `DRb::DRbUnknown`.
#[test]
fn depth_of_streams() {
    let mut bytes = stream(&[b"i\x06"]);
    let mut deepest = 0;
    for depth in 1..200 {
        bytes = stream(&[b"u:\x14DRb::DRbUnknown", &len(bytes.len()), &bytes]);
        match load::<i64>(&bytes, &Limits::default()) {
            Ok(value) => {
                assert_eq!(value, 1);
                deepest = depth;
            }
            Err(error) => {
                assert_eq!(limit(Err::<(), _>(error)), Some(Limit::Depth));
                break;
            }
        }
    }
    assert_eq!(deepest, 128);
}

#[test]
fn nodes() {
    let nils = |count: usize| stream(&[b"[", &len(count), &b"0".repeat(count)]);
    let limits = Limits::default();
    // The array itself is one.
    assert!(load::<Vec<()>>(&nils((1 << 20) - 1), &limits).is_ok());
    assert_eq!(limit(load::<Vec<()>>(&nils(1 << 20), &limits)), Some(Limit::Nodes));
    let limits = Limits { memory_base: usize::MAX, memory: usize::MAX, ..limits };
    assert!(load::<Value>(&nils((1 << 20) - 1), &limits).is_ok());
    assert_eq!(limit(load::<Value>(&nils(1 << 20), &limits)), Some(Limit::Nodes));
    assert!(load::<()>(&nils((1 << 20) - 1), &limits).is_ok());
    assert_eq!(limit(load::<()>(&nils(1 << 20), &limits)), Some(Limit::Nodes));
}

/// Each array holds the one before it twice: few bytes, and 2^100 values for whoever walks over it.
#[test]
fn doubling_by_links() {
    let mut bytes = stream(&[b"[\x69", b"[\0"]);
    // The outer array is object 0, the first inner one 1.
    for number in 1..100_u8 {
        bytes.extend_from_slice(b"[\x07@");
        bytes.extend_from_slice(&len(number.into()));
        bytes.push(b'@');
        bytes.extend_from_slice(&len(number.into()));
    }
    let limits = Limits::default();
    assert_eq!(limit(load::<Value>(&bytes, &limits)), Some(Limit::Nodes));
    let typed = limit(load::<Vec<Nested>>(&bytes, &limits));
    assert!(matches!(typed, Some(Limit::Nodes | Limit::Memory)), "{typed:?}");
}

/// An array that contains itself, where a type is declared that can.
#[test]
fn cycles_end() {
    let bytes = stream(&[b"[\x06@\0"]);
    assert_eq!(limit(load::<Nested>(&bytes, &Limits::default())), Some(Limit::Depth));
    let value = load::<Value>(&bytes, &Limits::default()).expect("a cycle");
    assert_eq!(value.to_string(), "[[...]]");
    assert_eq!(value.to_marshal().as_deref(), Ok(&*bytes));
    let items = value.as_array().expect("an array").into_owned();
    drop(value);
    assert_eq!(items[0].to_marshal(), Err(DumpError::Dangling));
}

/// Lengths that promise what doesn't come.
#[test]
fn lengths_lie() {
    let openings: [&[u8]; 10] =
        [b"\"", b"[", b"{", b"}", b":", b"f", b"l+", b"/", b"u:\x06A", b"o:\x06A"];
    for opening in openings {
        for claim in [&b"\x04\xff\xff\xff\x7f"[..], b"\x04\xff\xff\xff\xff", b"\x7f"] {
            let bytes = stream(&[opening, claim, b"00"]);
            let result = load::<Value>(&bytes, &Limits::default());
            let error = result.expect_err("less than was promised");
            let expected = match error.kind() {
                LoadErrorKind::Truncated => true,
                LoadErrorKind::Limit { limit, .. } => *limit == Limit::Integer,
                _ => false,
            };
            assert!(expected, "{opening:?} {claim:?}: {error}");
            assert!(load::<()>(&bytes, &Limits::default()).is_err());
        }
    }
    let negative = load::<Value>(&stream(&[b"[\xfa"]), &Limits::default()).expect_err("-1");
    assert!(matches!(negative.kind(), LoadErrorKind::Malformed { .. }), "{negative}");
}

#[test]
fn integers() {
    let big = |bytes: usize| stream(&[b"l+", &len(bytes / 2), &b"\xff".repeat(bytes)]);
    let limits = Limits::default();
    let value = load::<Value>(&big(4096), &limits).expect("an integer");
    assert!(value.to_marshal().expect("bytes") == big(4096));
    assert_eq!(limit(load::<Value>(&big(4098), &limits)), Some(Limit::Integer));
    assert_eq!(limit(load::<i64>(&big(4098), &limits)), Some(Limit::Integer));
    let error = load::<u64>(&big(4096), &limits).expect_err("too large");
    assert_eq!(error.to_string(), "integer of 4096 bytes doesn't fit u64");
}

#[test]
fn symbols() {
    let symbols = |count: usize| {
        let names: Vec<u8> = (0..count).flat_map(|i| format!(":\x0a{i:05}").into_bytes()).collect();
        stream(&[b"[", &len(count), &names])
    };
    let limits = Limits::default();
    assert!(load::<Vec<String>>(&symbols(1 << 16), &limits).is_ok());
    let more = symbols((1 << 16) + 1);
    assert_eq!(limit(load::<Vec<String>>(&more, &limits)), Some(Limit::Symbols));
    let limits = Limits { memory_base: usize::MAX, memory: usize::MAX, ..limits };
    assert!(load::<Vec<Symbol>>(&symbols(1 << 16), &limits).is_ok());
    assert_eq!(limit(load::<Vec<Symbol>>(&more, &limits)), Some(Limit::Symbols));
}

#[test]
fn references() {
    let payload = b"\x04\x08[\x07I\"\x06a\x06:\x06ET0";
    let one = [b"u:\x13DRb::DRbObject", &len(payload.len())[..], payload].concat();
    let again = [b"u;\0", &len(payload.len())[..], payload].concat();
    let many = |count: usize| stream(&[b"[", &len(count), &one, &again.repeat(count - 1)]);
    let limits = Limits::default();
    let value = load::<Value>(&many(1024), &limits).expect("references");
    assert!(value.to_marshal().expect("bytes") == many(1024));
    let value = load::<Value>(&many(1025), &limits);
    assert_eq!(limit(value), Some(Limit::References));
}

/// Two bytes on the wire can be many in memory.
#[test]
fn memory() {
    type Large = [Option<Box<[u64; 0]>>; 0];
    let limits = Limits::default();
    let strings = |count: usize| stream(&[b"[", &len(count), &b"\"\0".repeat(count)]);
    // 24 bytes each, where four times the message and a mebibyte are allowed.
    assert!(load::<Vec<String>>(&strings(60_000), &limits).is_ok());
    assert_eq!(limit(load::<Vec<String>>(&strings(70_000), &limits)), Some(Limit::Memory));
    assert_eq!(limit(load::<Value>(&strings(70_000), &limits)), Some(Limit::Memory));
    let nils = stream(&[b"[", &len(100_000), &b"0".repeat(100_000)]);
    let wide = load::<Vec<Option<[u64; 64]>>>(&nils, &limits);
    assert_eq!(limit(wide), Some(Limit::Memory));
    assert!(load::<Vec<Large>>(&stream(&[b"[\x06[\0"]), &limits).is_ok());
    // However large the message is, there is an end.
    let limits = Limits { memory: 1 << 20, ..limits };
    let text = stream(&[b"\"", &len(2 << 20), &b"x".repeat(2 << 20)]);
    assert_eq!(limit(load::<Vec<u8>>(&text, &limits)), Some(Limit::Memory));
    assert!(load::<Vec<u8>>(&text, &Limits::default()).is_ok());
}

/// Many small frames cannot do what one large frame cannot.
#[test]
fn a_budget_lasts_for_a_message() {
    let limits = Limits { nodes: 10, ..Limits::default() };
    let bytes = stream(&[b"[\x08000"]);
    let mut budget = Budget::new(&limits, 100);
    let mut frames = 0;
    let error = loop {
        let mut loader = Loader::marshal_with(&bytes, budget, None).expect("a version");
        if let Err(error) = Vec::<()>::load(&mut loader) {
            break error;
        }
        budget = loader.budget();
        frames += 1;
    };
    assert_eq!(frames, 2);
    assert_eq!(limit(Err::<(), _>(error)), Some(Limit::Nodes));
}

#[test]
fn streams_that_are_too_long_are_not_dumped() {
    let dump = |text: &str| {
        // How long a frame of the peer may be is nothing to what it is sent.
        let limits = Limits { message: 20, frame: 10, ..Limits::default() };
        let mut out = b"before".to_vec();
        let mut dumper = Dumper::marshal(&mut out, &limits, None);
        text.dump(&mut dumper)?;
        dumper.finish()
    };
    // Ten bytes are around the text.
    assert_eq!(dump("0123456789"), Ok(()));
    let too_long = Err(DumpError::Limit { limit: Limit::Message, max: 20 });
    assert_eq!(dump("0123456789a"), too_long);
}

#[test]
fn versions() {
    for minor in 0..=8 {
        assert_eq!(load::<i64>(&[4, minor, b'i', 6], &Limits::default()), Ok(1));
    }
    for bytes in [b"\x04\x09i\x06", b"\x03\x00i\x06", b"junk"] {
        let error = load::<i64>(bytes, &Limits::default()).expect_err("another version");
        let text = format!(
            "incompatible marshal file format (can't be read)\n\tformat version 4.8 required; {}.{} \
             given",
            bytes[0], bytes[1]
        );
        assert_eq!(error.to_string(), text);
    }
    assert_eq!(load::<i64>(b"\x04", &Limits::default()), Err(LoadErrorKind::Truncated.into()));
    // What follows the value is ignored.
    assert_eq!(load::<i64>(b"\x04\x08i\x06rest", &Limits::default()), Ok(1));
}
