//! One file for each rule of the macros: what must compile, and what must fail, where, and with
//! which words.
//!
//! `TRYBUILD=overwrite cargo test -p drb-ui-tests` writes the words anew; they are those of the
//! compiler that `rust-version` names. `cargo test -p drb-ui-tests -- ui trybuild=receiver` runs
//! the cases with `receiver` in their names.

#[test]
fn ui() {
    let cases = trybuild::TestCases::new();
    cases.pass("pass/*.rs");
    cases.compile_fail("fail/*.rs");
}
