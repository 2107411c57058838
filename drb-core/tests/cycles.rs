//! Values that contain themselves: what is equal, and that comparing always ends.

use drb_core::{Value, value::Array};
use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher},
    thread,
};

fn load(bytes: &[u8]) -> Value {
    Value::from_marshal(bytes).unwrap_or_else(|error| panic!("{bytes:x?}: {error}"))
}

fn array(value: &Value) -> &Array {
    match value {
        Value::Array(array) => array,
        other => panic!("{other:?} is no array"),
    }
}

fn hash(value: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

fn assert_same(a: &Value, b: &Value) {
    assert_eq!(a, b);
    assert_eq!(b, a);
    assert_eq!(hash(a), hash(b), "{a:?} and {b:?}");
}

fn assert_different(a: &Value, b: &Value) {
    assert_ne!(a, b);
    assert_ne!(b, a);
}

/// Found by fuzzing: dumped and loaded again, the cycle is entered at another of its values.
#[test]
fn what_was_dumped_loads_as_equal() {
    let inputs: [&[u8]; 2] = [
        b"\x04\x07{\x07I:\0\x06:\0U:\0@\0@\x06:\0:\0",
        b"\x04\x08Iu:\x09Time\x0d\xf7\xef\xe8\xc7\x00\xd9\xb0\xef\x06:\x09~o\x04\x07{\x07[\x07:\
          \x09a\x06:\x07{\x07:\x09nam\x15I:\x06a\x06:\x06EU:\x07\x04\x08{\x07[\x07:\x09a\x06{\x00\
          [\x07[\x07:\x09nameid@\x00@\x07i\x9e{\x07@\x06[\x00{\x00[\x07{\x07:\x09nameid@\x00{\x07\
          @\x10@\x06[\x00{\x00[\x07{\x07:\x09\xf1\x06i\x06:\x06ET:\x07\x04\x08[\x00@\x08@\x06:\x07\
          \x04\x08[\x00@\x07@:\x06:\x06ET:\x07\x04\x08[\x00",
    ];
    for bytes in inputs {
        let value = load(bytes);
        let dumped = value.to_marshal().expect("it was loaded");
        let again = load(&dumped);
        assert_same(&value, &again);
        assert_eq!(again.to_marshal(), Ok(dumped));
    }
}

/// Found by fuzzing: where the order of values changes, a cycle is entered at another one.
#[test]
fn sets_of_cycles_load_as_equal() {
    let bytes = b"\x04\x08[\x07{\x07:\x09n\x92meI\"\x06a\x06:\x080.5@\x06f\x0a2\x04\x08[\x0af\
          \x0816%@\x07f\x0af\x08GGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGG0.5@\x06f\x0a1e\x0a\xff\
          \x08[\x0af\x18na5e\x06f\x0a1e\x0a\x04\x08[\x0af\x082.5@\x07f\x0af\x080.5@\x06f\
          \x0a1e\0f\x04\0\0\0\0\0\0\0\x0a'\x06ET:\x070\x01\x04\x08\0&\0\x80\xc2\x07";
    let set: HashSet<Value> = load(bytes).to().expect("a set");
    let dumped =
        Value::from_dump(&set).and_then(|value| value.to_marshal()).expect("it was loaded");
    assert_eq!(load(&dumped).to(), Ok(set));
}

#[test]
fn how_often_a_cycle_repeats_itself_does_not_matter() {
    let one = load(b"\x04\x08[\x06@\0");
    let two = load(b"\x04\x08[\x06[\x06@\0");
    let unrolled = Value::from([Value::from([one.clone()])]);
    assert_same(&one, &two);
    assert_same(&one, &unrolled);
    assert_same(&one, &array(&one)[0]);
    // Cycles of 2 and of 3 meet again after 6.
    let twice = load(b"\x04\x08[\x07i\x06[\x07i\x07@\0");
    let thrice = load(b"\x04\x08[\x07i\x06[\x07i\x07[\x07i\x06@\0");
    let six = load(b"\x04\x08[\x07i\x06[\x07i\x07[\x07i\x06[\x07i\x07[\x07i\x06[\x07i\x07@\0");
    assert_same(&twice, &six);
    assert_different(&twice, &thrice);
    assert_different(&one, &load(b"\x04\x08[\x06[\0"));
    assert_different(&one, &load(b"\x04\x08[\x06[\x07@\0@\0"));
    assert_different(&one, &load(b"\x04\x08{\x06@\0@\0"));
}

/// `h = {}; h[h] = h`, once more around, and in another order.
#[test]
fn keys_can_be_cycles() {
    let own = load(b"\x04\x08{\x07@\0@\0:\x06ai\x06");
    let again = load(b"\x04\x08{\x07:\x06ai\x06{\x07@\0@\0:\x06ai\x06@\0");
    assert_same(&own, &own.clone());
    assert_same(&own, &again);
    assert_different(&own, &load(b"\x04\x08{\x07@\0@\0:\x06ai\x07"));
}

/// `s = "s"; s.instance_variable_set(:@a, [s])`: the variables of strings are not compared, so there
/// is no cycle in what is.
#[test]
fn cycles_through_what_is_not_compared() {
    let string = load(b"\x04\x08I\"\x06s\x06:\x07@a[\x07@\0{\x06@\0i\x06");
    let inner = string.ivar("a").expect("it was given");
    let plain = load(b"\x04\x08[\x07\"\x06s{\x06\"\x06si\x06");
    assert_same(inner, &plain);
}

#[test]
fn what_is_gone_is_equal_to_nothing_else() {
    let orphan = |bytes: &[u8]| array(&load(bytes))[0].clone();
    let (one, other) = (orphan(b"\x04\x08[\x06@\0"), orphan(b"\x04\x08[\x06@\0"));
    assert_same(&one, &other);
    assert_different(&one, &Value::Nil);
    assert_different(&Value::from([one]), &load(b"\x04\x08[\x06@\0"));
}

/// Two values that have the same parts twice on each of 200 levels, which are too many to be compared
/// one by one.
#[test]
fn what_is_shared_is_compared_once() {
    let doubled = |last: i64| {
        (0..200).fold(Value::from([last]), |inner, _| Value::from([inner.clone(), inner]))
    };
    assert_eq!(doubled(1), doubled(1));
    assert_ne!(doubled(1), doubled(2));
}

/// Cycles of 101 and 103 elements are in step again after 10,403; on a small stack.
#[test]
fn long_cycles_are_compared_in_little_space() {
    let ring = |len: usize| load(&[&b"\x04\x08"[..], &b"[\x06".repeat(len), b"@\0"].concat());
    let run = move || {
        let (a, b) = (ring(101), ring(103));
        assert_same(&a, &b);
        assert_different(&a, &Value::from([a.clone(), Value::Nil]));
    };
    let thread = thread::Builder::new().stack_size(1 << 20).spawn(run).expect("a thread");
    thread.join().expect("no overflow");
}
