//! Values that real Ruby has dumped, loaded and dumped again without a server between.

use drb::Value;
use std::{
    io::{BufReader, Read},
    process::{Command, Stdio},
};

/// How many values; `DRB_VALUES` sets another number.
const COUNT: usize = 20_000;

/// The values are made from this number; `DRB_SEED` sets another one.
const SEED: u64 = 1;

fn setting<T: std::str::FromStr>(name: &str, default: T) -> T {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn random_values_of_ruby_dump_back_byte_for_byte() {
    let (count, seed) = (setting("DRB_VALUES", COUNT), setting("DRB_SEED", SEED));
    let mut ruby = Command::new("ruby")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/ruby/dump_values.rb"))
        .args([seed.to_string(), count.to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .expect("Ruby is installed");
    let mut frames = BufReader::new(ruby.stdout.take().expect("stdout is piped"));
    for number in 0..count {
        let mut len = [0; 4];
        frames.read_exact(&mut len).expect("Ruby writes as many values as it is asked for");
        let mut bytes = vec![0; u32::from_be_bytes(len) as usize];
        frames.read_exact(&mut bytes).expect("a whole frame");
        let place = || format!("value {number} of seed {seed}\n  {}", hex(&bytes));
        let value = Value::from_marshal(&bytes).unwrap_or_else(|e| panic!("{}: {e}", place()));
        let again = value.to_marshal().unwrap_or_else(|e| panic!("{}: {e}", place()));
        assert!(again == bytes, "{}\n  {}", place(), hex(&again));
        let reloaded = Value::from_marshal(&again).unwrap_or_else(|e| panic!("{}: {e}", place()));
        assert!(reloaded == value, "{} is not equal when loaded again", place());
    }
    assert!(ruby.wait().expect("Ruby ends").success());
}
