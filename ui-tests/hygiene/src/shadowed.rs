//! Where the names that generated code could rely on mean something else.
#![allow(dead_code, missing_docs, non_camel_case_types, missing_debug_implementations)]
#![allow(unreachable_pub, clippy::pedantic, clippy::nursery)]

trait Send {}
trait Sync {}
trait Sized {}
trait Clone {}
trait Iterator {}
trait Future {}
trait Into {}
trait FnMut {}
trait From {}
struct Vec;
struct String;
struct Box;
struct Arc;
struct Option;
enum Result {}
fn drop() {}
mod core {}
mod std {}
mod drb {}

pub struct Store;

#[::renamed::service(crate = ::renamed)]
impl Store {
    pub async fn go(&self, key: &str, #[drb(keyword, default)] by: u8) -> u8 {
        let _ = key;
        by
    }

    pub fn all(&mut self, #[drb(rest)] all: &[u8]) -> usize {
        all.len()
    }
}

#[::renamed::service(crate = ::renamed)]
pub trait Contract {
    async fn go(&self, key: &str) -> u8 {
        let _ = key;
        0
    }

    async fn each(&self, block: ::std::option::Option<::renamed::Block<(u8,), u8>>) -> u8 {
        match block {
            ::std::option::Option::Some(_) => 1,
            ::std::option::Option::None => 0,
        }
    }
}

pub struct Contracted;

#[::renamed::service(crate = ::renamed, also(Further))]
impl Contract for Contracted {}

#[::renamed::service(crate = ::renamed)]
pub trait Further {
    fn further(&self) {}
}

impl Further for Contracted {}

#[derive(::renamed::DrbDumped)]
#[drb(crate = ::renamed)]
pub struct Entry {
    #[drb(default)]
    some: u8,
}

#[derive(::renamed::DrbDumped)]
#[drb(crate = ::renamed)]
pub enum Kind {
    Some,
    None(u8),
    Ok { err: u8 },
}
