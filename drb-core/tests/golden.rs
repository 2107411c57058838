//! Every captured value of Ruby's loads and dumps back byte for byte.

use drb_core::Value;

fn vectors() -> impl Iterator<Item = (&'static str, Vec<u8>)> {
    include_str!("golden/values.tsv").lines().filter(|line| !line.starts_with('#')).map(|line| {
        let mut columns = line.split('\t');
        let name = columns.next().expect("a name");
        let hex = columns.nth(1).expect("bytes").as_bytes();
        let digit = |digit: u8| char::from(digit).to_digit(16).expect("a digit") as u8;
        (name, hex.chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect())
    })
}

#[test]
fn values_survive() {
    let mut count = 0;
    for (name, bytes) in vectors() {
        let value = Value::from_marshal(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        let again = value.to_marshal().unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(again, bytes, "{name}: {value:?}");
        let reloaded = Value::from_marshal(&again).expect(name);
        assert_eq!(reloaded, value, "{name}");
        assert!(!value.to_string().is_empty(), "{name}");
        count += 1;
    }
    assert_eq!(count, 152);
}
