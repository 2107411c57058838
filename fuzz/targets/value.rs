//! Whatever a peer sends as a value: what loads dumps, and what was dumped loads as the same.
#![no_main]

use drb_core::{Limits, Load, Loader, Value};
use libfuzzer_sys::fuzz_target;
use std::hash::{DefaultHasher, Hash, Hasher};

fuzz_target!(|bytes: &[u8]| {
    let Ok(mut loader) = Loader::marshal(bytes, &Limits::default(), None) else { return };
    let Ok(value) = Value::load(&mut loader) else { return };
    assert_eq!(value.to_string(), value.clone().to_string());
    let dumped = match value.to_marshal() {
        Ok(dumped) => dumped,
        // Loading counts what is nested a little differently: classes, and ends of cycles.
        Err(error) => panic!("{value:?} was loaded but cannot be dumped: {error}"),
    };
    let again = match Value::from_marshal(&dumped) {
        Ok(again) => again,
        Err(error) => panic!("{value:?} was dumped but cannot be loaded: {error}"),
    };
    assert!(again == value, "{again:?} is not {value:?}");
    assert_eq!(hash(&again), hash(&value));
    assert_eq!(again.to_marshal().as_deref(), Ok(&*dumped), "{value:?}");
});

fn hash(value: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
