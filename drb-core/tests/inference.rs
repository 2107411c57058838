//! What callers may write in place of a parameter is decided by type inference; this compiles or not.
use drb_core::Arg;

fn takes_u64(_: impl Arg<u64>) {}
fn takes_string(_: impl Arg<String>) {}
fn takes_option(_: impl Arg<Option<String>>) {}
fn takes_option_int(_: impl Arg<Option<u64>>) {}
fn takes_strings(_: impl Arg<Vec<String>>) {}
fn takes_ints(_: impl Arg<Vec<i64>>) {}

#[test]
fn natural_forms() {
    takes_u64(1);
    takes_u64(&1);
    takes_string("text");
    takes_string(String::from("text"));
    takes_string(&String::from("text"));
    takes_option(None);
    takes_option("text");
    takes_option(Some(String::from("text")));
    takes_option_int(None);
    takes_option_int(3);
    takes_option_int(Some(3));
    takes_strings(["a", "b"]);
    takes_strings(vec![String::from("a")]);
    takes_ints([1, 2]);
    takes_ints(&[1, 2]);
    takes_ints(vec![1, 2]);
    takes_ints(&vec![1, 2]);
    takes_ints(vec![]);
}
