#![deny(warnings)]
#![allow(missing_docs, unreachable_pub)]
//! x
use std::{collections::BTreeMap, sync::Mutex};

/// A store.
pub struct Store {
    n: Mutex<u64>,
}

#[drb::service]
impl Store {
    /// Increments.
    #[drb(name = "inc!", alias = "increment")]
    pub fn inc(&self, key: &str, by: u64) -> u64 {
        let _ = key;
        let mut n = self.n.lock().unwrap();
        *n += by;
        *n
    }
    pub async fn get(
        &self,
        key: String,
        #[drb(context)] ctx: &drb::Context,
    ) -> Result<&str, drb::Error> {
        let _ = (key, ctx);
        Ok("x")
    }
    pub fn name(&self) -> &str {
        "store"
    }
    #[drb(blocking)]
    pub fn slow<'a>(&'a self, keys: &'a [String]) -> Vec<u64> {
        let _ = keys;
        vec![]
    }
    pub fn many(
        &self,
        first: i64,
        #[drb(default = first + 1)] second: i64,
        #[drb(rest)] others: Vec<i64>,
        #[drb(keyword)] limit: u64,
        #[drb(keyword, default)] deep: bool,
        #[drb(keywords)] opts: BTreeMap<String, i64>,
    ) -> Vec<i64> {
        let _ = (first, second, limit, deep, opts);
        others
    }
    fn internal(&self) {}
    pub fn new() -> Self {
        let s = Self { n: Mutex::new(0) };
        s.internal();
        s
    }
}

/// c
pub struct Counter<T> {
    v: T,
}
#[drb::service(class = "Foo::Counter")]
impl<T: Clone + Send + Sync> Counter<T> {
    /// d
    pub fn set(&mut self, v: T) {
        self.v = v
    }
    /// d
    pub fn get(&self) -> T {
        self.v.clone()
    }
    /// d
    pub async fn agetr(&self) -> Option<&T> {
        Some(&self.v)
    }
    /// d
    #[drb(blocking)]
    pub fn bgetr(&self) -> T {
        self.v.clone()
    }
    /// d
    pub async fn aset(&mut self, v: T) {
        self.v = v
    }
}

#[test]
fn table() {
    let names: Vec<_> = <Store as drb::Service>::methods().iter().map(|m| m.info.name).collect();
    assert_eq!(names, ["get", "inc!", "increment", "many", "name", "slow"]);
    assert_eq!(<Counter<u64> as drb::Service>::CLASS, "Foo::Counter");
    assert_eq!(<Counter<u64> as drb::Service>::methods().len(), 5);
    let _ = Store::new();
}
#[allow(dead_code)]
async fn caller(s: StoreProxy, c: CounterProxy<u64>) {
    let _: u64 = s.inc("a", 1).await.unwrap();
    let _: String = s.get("a").await.unwrap();
    let _: Vec<i64> = s.many(1, 2, [3, 4], 5, true, [("x", 1)]).await.unwrap();
    c.set(3).await.unwrap();
    let _: Option<u64> = c.agetr().await.unwrap();
}
