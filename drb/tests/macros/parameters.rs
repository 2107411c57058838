//! Defaults, rest and keywords.

use crate::wires::{On, everywhere};
use drb::{Error, Object, keywords, start_service};
use std::collections::{BTreeMap, HashMap};

struct Desk;

#[drb::service]
impl Desk {
    pub fn page(&self, from: u64, #[drb(default = from + 10)] to: u64) -> Vec<u64> {
        vec![from, to]
    }

    pub fn middle(&self, a: i64, #[drb(default)] b: i64, c: i64) -> Vec<i64> {
        vec![a, b, c]
    }

    pub fn sum(&self, first: i64, #[drb(rest)] others: &[i64]) -> i64 {
        first + others.iter().sum::<i64>()
    }

    pub fn around(&self, first: i64, #[drb(rest)] middle: Vec<i64>, last: i64) -> Vec<i64> {
        [vec![last], middle, vec![first]].concat()
    }

    pub async fn find(
        &self,
        text: String,
        #[drb(keyword)] limit: u64,
        #[drb(keyword, default = true)] deep: bool,
        #[drb(keyword, default)] hint: Option<String>,
    ) -> String {
        format!("{text} {limit} {deep} {hint:?}")
    }

    pub fn options(
        &self,
        #[drb(keywords)] options: BTreeMap<String, i64>,
    ) -> BTreeMap<String, i64> {
        options
    }

    pub fn pairs(
        &self,
        #[drb(keyword, default = 1)] limit: i64,
        #[drb(keywords)] others: HashMap<String, i64>,
    ) -> i64 {
        limit * 100 + others.values().sum::<i64>()
    }

    pub fn ordered(&self, #[drb(keywords)] options: Vec<(String, i64)>) -> Vec<String> {
        options.into_iter().map(|(name, _)| name).collect()
    }
}

everywhere!(
    a_proxy_sends_them_all,
    other_callers_may_leave_them_out,
    what_does_not_fit_is_refused_in_the_words_of_ruby,
);

async fn a_proxy_sends_them_all(wire: On) {
    let server = start_service(wire.at(), Desk).await.unwrap();
    let desk = DeskProxy::connect(&wire.uri(&server)).await.unwrap();
    assert_eq!(desk.page(1, 2).await.unwrap(), [1, 2]);
    assert_eq!(desk.middle(1, 2, 3).await.unwrap(), [1, 2, 3]);
    assert_eq!(desk.sum(1, [2, 3]).await.unwrap(), 6);
    assert_eq!(desk.sum(1, Vec::<i64>::new()).await.unwrap(), 1);
    assert_eq!(desk.around(1, [2, 3], 4).await.unwrap(), [4, 2, 3, 1]);
    assert_eq!(desk.find("a", 3, false, None).await.unwrap(), "a 3 false None");
    assert_eq!(desk.find("a", 3, true, "b").await.unwrap(), "a 3 true Some(\"b\")");
    let options = BTreeMap::from([("a".to_owned(), 1), ("b".to_owned(), 2)]);
    assert_eq!(desk.options(options.clone()).await.unwrap(), options);
    assert!(desk.options(Vec::<(&str, i64)>::new()).await.unwrap().is_empty());
    assert_eq!(desk.pairs(2, [("x", 3), ("y", 4)]).await.unwrap(), 207);
    assert_eq!(desk.ordered([("z", 1), ("a", 2)]).await.unwrap(), ["z", "a"]);
}

async fn other_callers_may_leave_them_out(wire: On) {
    let server = start_service(wire.at(), Desk).await.unwrap();
    let desk = Object::connect(&wire.uri(&server)).await.unwrap();
    assert_eq!(desk.call::<Vec<u64>>("page", (1,)).await.unwrap(), [1, 11]);
    assert_eq!(desk.call::<Vec<i64>>("middle", (1, 3)).await.unwrap(), [1, 0, 3]);
    assert_eq!(desk.call::<i64>("sum", (1,)).await.unwrap(), 1);
    assert_eq!(desk.call::<Vec<i64>>("around", (1, 4)).await.unwrap(), [4, 1]);
    let found: String = desk.call("find", ("a", keywords([("limit", 3)]))).await.unwrap();
    assert_eq!(found, "a 3 true None");
    assert_eq!(desk.call::<i64>("pairs", ()).await.unwrap(), 100);
}

async fn what_does_not_fit_is_refused_in_the_words_of_ruby(wire: On) {
    let server = start_service(wire.at(), Desk).await.unwrap();
    let desk = Object::connect(&wire.uri(&server)).await.unwrap();
    let refusal = |result: Result<drb::Value, Error>| match result.unwrap_err() {
        Error::Refused(exception) => format!("{}: {}", exception.class, exception.message),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        refusal(desk.call("page", ()).await),
        "ArgumentError: wrong number of arguments (given 0, expected 1..2)"
    );
    assert_eq!(
        refusal(desk.call("around", (1,)).await),
        "ArgumentError: wrong number of arguments (given 1, expected 2+)"
    );
    assert_eq!(refusal(desk.call("find", ("a",)).await), "ArgumentError: missing keyword: :limit");
    assert_eq!(
        refusal(desk.call("find", ("a", keywords([("limit", 3), ("deeep", 3)]))).await),
        "ArgumentError: unknown keyword: :deeep"
    );
    let wrong = refusal(desk.call("sum", (1, 2, "x")).await);
    assert!(wrong.starts_with("TypeError: others[1]: "), "{wrong}");
    let wrong = refusal(desk.call("find", ("a", keywords([("limit", "x")]))).await);
    assert!(wrong.starts_with("TypeError: limit: "), "{wrong}");
}
