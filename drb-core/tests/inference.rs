//! What callers may write in place of a parameter is decided by type inference; this compiles or not.
#![allow(clippy::needless_borrows_for_generic_args)]

use drb_core::{Arg, Symbol, Value};

fn takes_u64(_: impl Arg<u64>) {}
fn takes_string(_: impl Arg<String>) {}
fn takes_option(_: impl Arg<Option<String>>) {}
fn takes_option_int(_: impl Arg<Option<u64>>) {}
fn takes_strings(_: impl Arg<Vec<String>>) {}
fn takes_ints(_: impl Arg<Vec<i64>>) {}
fn takes_any(_: impl Arg<Value>) {}

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
    takes_any(Value::Nil);
    takes_any(&Value::Nil);
    takes_any(1);
    takes_any(1.5);
    takes_any("text");
    takes_any(String::from("text"));
    takes_any(Symbol::from("name"));
    takes_any([1, 2]);
    takes_any(vec!["a"]);
    takes_any(Some(1));
}
