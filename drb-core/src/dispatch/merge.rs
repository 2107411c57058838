//! One whitelist of several, made by the compiler.

use super::{Incoming, Invoked, Method, MethodInfo};
use std::sync::Arc;

/// How many methods the whitelists have together.
pub const fn count<C>(tables: &[&[Method<C>]]) -> usize {
    let mut count = 0;
    let mut table = 0;
    while table < tables.len() {
        count += tables[table].len();
        table += 1;
    }
    count
}

/// The methods of all whitelists, in the order of the names. `N` is what [`count`] gives.
///
/// # Panics
/// Two methods have the same name. Where this is evaluated, that is an error of the compiler.
pub const fn merge<C, const N: usize>(tables: &[&[Method<C>]]) -> [Method<C>; N] {
    let mut merged = [Method::NONE; N];
    let mut len = 0;
    let mut table = 0;
    while table < tables.len() {
        let mut index = 0;
        while index < tables[table].len() {
            let method = tables[table][index];
            // What is behind it makes place.
            let mut place = len;
            while place > 0 && is_before(method.info.name, merged[place - 1].info.name) {
                merged[place] = merged[place - 1];
                place -= 1;
            }
            merged[place] = method;
            if place > 0 && !is_before(merged[place - 1].info.name, method.info.name) {
                taken(method.info.name);
            }
            len += 1;
            index += 1;
        }
        table += 1;
    }
    merged
}

impl<C> Method<C> {
    /// Stands where a method will be.
    const NONE: Self = Self {
        info: MethodInfo { name: "", params: &[], result: "", exclusive: false, no_cancel: false },
        invoke: |_: Arc<C>, call: &mut Incoming<'_>| -> Invoked { call.no_method("") },
    };
}

const fn is_before(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut index = 0;
    while index < a.len() && index < b.len() {
        if a[index] != b[index] {
            return a[index] < b[index];
        }
        index += 1;
    }
    a.len() < b.len()
}

/// The compiler shows a panic's message if it is one text.
const fn taken(name: &str) -> ! {
    let parts: [&str; 3] = [
        "the methods that are called remotely have to differ in their names; two are called `",
        name,
        "`: write `#[drb(name = \"…\")]` on one of them",
    ];
    let mut message = [0; 512];
    let mut len = 0;
    let mut part = 0;
    while part < parts.len() {
        let bytes = parts[part].as_bytes();
        let mut index = 0;
        while index < bytes.len() && len < message.len() {
            message[len] = bytes[index];
            len += 1;
            index += 1;
        }
        part += 1;
    }
    match std::str::from_utf8(message.split_at(len).0) {
        Ok(message) => panic!("{}", message),
        Err(_) => panic!("the methods that are called remotely have to differ in their names"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn method(name: &'static str) -> Method<()> {
        let info = MethodInfo { name, params: &[], result: "", exclusive: false, no_cancel: false };
        Method { info, invoke: Method::<()>::NONE.invoke }
    }

    const A: &[Method<()>] = &[method("ab"), method("c")];
    const B: &[Method<()>] = &[method("a"), method("abc"), method("größe"), method("b")];

    fn names(methods: &[Method<()>]) -> Vec<&'static str> {
        methods.iter().map(|method| method.info.name).collect()
    }

    #[test]
    fn sorted_by_name() {
        const TABLES: &[&[Method<()>]] = &[A, &[], B];
        const MERGED: &[Method<()>] = &merge::<_, { count(TABLES) }>(TABLES);
        assert_eq!(names(MERGED), ["a", "ab", "abc", "b", "c", "größe"]);
        assert!(names(&merge::<_, 0>(&[&[]])).is_empty());
    }

    #[test]
    #[should_panic(expected = "two are called `ab`: write")]
    fn names_have_to_differ() {
        let _ = merge::<_, 3>(&[A, &[method("ab")]]);
    }
}
