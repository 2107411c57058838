//! Methods that take a block, and closures that are one.

use crate::wires::{On, everywhere};
use drb::{Block, CallError, DrbDumped, DrbError, DrbUndumped, Object, start_service};
use std::{
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

#[derive(Debug, Clone, PartialEq, DrbDumped)]
struct Entry {
    key: String,
    count: u64,
}

#[derive(DrbUndumped)]
struct Cursor(AtomicU64);

#[drb::service]
impl Cursor {
    pub fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}

#[derive(Debug, PartialEq, thiserror::Error, DrbError)]
enum StoreError {
    #[error("stopped at {at}")]
    Stopped { at: u64 },
}

struct Store;

#[drb::service]
impl Store {
    /// Calls the block so often.
    pub async fn times(&self, count: u64, block: Block) -> drb::Result<u64> {
        for _ in 0..count {
            block.call(()).await?;
        }
        Ok(count)
    }

    pub async fn sum(&self, block: Block<(u64,), u64>, count: u64) -> drb::Result<u64> {
        let mut sum = 0;
        for i in 0..count {
            sum += block.call((i,)).await?;
        }
        Ok(sum)
    }

    pub async fn each(
        &self,
        entries: &[Entry],
        mut visit: Block<(String, u64)>,
        #[drb(keyword, default)] _deep: bool,
    ) -> drb::Result<()> {
        for Entry { key, count } in entries {
            visit = visit.clone();
            visit.call((key.clone(), *count)).await?;
        }
        Ok(())
    }

    pub async fn fold(&self, step: Block<(Entry, u64, bool), Option<Entry>>) -> drb::Result<u64> {
        let mut entry = Entry { key: "a".to_owned(), count: 0 };
        while let Some(next) = step.call((entry.clone(), 1, true)).await? {
            entry = next;
        }
        Ok(entry.count)
    }

    pub async fn any(&self, count: usize, block: Block<Vec<u64>, u64>) -> drb::Result<u64> {
        block.call((0..count as u64).collect()).await
    }

    pub async fn lend(&self, block: Block<(Cursor, Arc<Cursor>), u64>) -> drb::Result<u64> {
        let shared = Arc::new(Cursor(AtomicU64::new(10)));
        let given = block.call((Cursor(AtomicU64::new(1)), Arc::clone(&shared))).await?;
        Ok(given * 100 + shared.next())
    }

    #[drb(name = "maybe?", alias = "perhaps")]
    pub async fn maybe(&self, by: u64, block: Option<Block<(u64,), u64>>) -> drb::Result<u64> {
        match block {
            Some(block) => block.call((by,)).await,
            None => Ok(by),
        }
    }

    pub async fn until(&self, block: Block<(u64,)>) -> Result<u64, StoreError> {
        for at in 0.. {
            if block.call((at,)).await.is_err() {
                return Err(StoreError::Stopped { at });
            }
        }
        Ok(0)
    }

    pub async fn who(
        &self,
        block: Block<(String,)>,
        #[drb(context)] call: &drb::Context,
    ) -> drb::Result<()> {
        block.call((call.peer().to_string(),)).await
    }
}

async fn store(wire: On) -> (drb::Server, StoreProxy) {
    let server = start_service(wire.at(), Store).await.unwrap();
    let store = StoreProxy::connect(&wire.uri(&server)).await.unwrap();
    (server, store)
}

fn entries() -> Vec<Entry> {
    vec![Entry { key: "tea".to_owned(), count: 1 }, Entry { key: "milk".to_owned(), count: 2 }]
}

everywhere!(
    a_closure_borrows_and_changes_what_is_around_it,
    the_types_of_its_parameters_are_inferred,
    it_may_be_asynchronous,
    a_call_with_one_can_be_spawned,
    its_error_is_that_of_the_method_which_passes_it_on,
    it_leaves_the_method_with_a_result,
    objects_arrive_as_proxies,
    an_optional_one_is_passed_or_not,
    one_that_is_not_given_is_missed,
    beside_a_context,
    in_a_generic_trait,
    in_a_generic_type,
);

async fn a_closure_borrows_and_changes_what_is_around_it(wire: On) {
    let (_server, store) = store(wire).await;
    let mut calls = 0;
    assert_eq!(store.times(3, || calls += 1).await.unwrap(), 3);
    assert_eq!(calls, 3);
    let mut keys = Vec::new();
    let visit = |key: String, count| keys.push((key, count));
    store.each(entries(), false, visit).await.unwrap();
    assert_eq!(keys, [("tea".to_owned(), 1), ("milk".to_owned(), 2)]);
}

async fn the_types_of_its_parameters_are_inferred(wire: On) {
    let (_server, store) = store(wire).await;
    let mut longest = 0;
    store.each(entries(), false, |key, _| longest = longest.max(key.len())).await.unwrap();
    assert_eq!(longest, 4);
    let step = |entry: Entry, by: u64, on: bool| {
        assert!(on);
        (entry.count < 4).then(|| Entry { count: entry.count + by, ..entry })
    };
    assert_eq!(store.fold(step).await.unwrap(), 4);
    assert_eq!(store.any(3, |all| all.into_iter().sum::<u64>()).await.unwrap(), 3);
    assert_eq!(store.any(0, |all| all.len() as u64).await.unwrap(), 0);
    assert_eq!(store.any(1, |all| all.len() as u64).await.unwrap(), 1);
}

async fn it_may_be_asynchronous(wire: On) {
    let (_server, store) = store(wire).await;
    let calls = AtomicU64::new(0);
    let sum = store.sum(4, async |i| {
        tokio::task::yield_now().await;
        calls.fetch_add(1, Ordering::Relaxed);
        i * 2
    });
    assert_eq!(sum.await.unwrap(), 12);
    let sum = store.sum(2, |i| {
        let calls = &calls;
        async move { calls.fetch_add(i, Ordering::Relaxed) }
    });
    assert_eq!(sum.await.unwrap(), 8);
    assert_eq!(calls.into_inner(), 5);
}

async fn a_call_with_one_can_be_spawned(wire: On) {
    let (_server, store) = store(wire).await;
    let mut times = 0_u64;
    let sum = tokio::spawn(async move {
        let double = |i| {
            times += 1;
            i * times
        };
        store.sum(3, double).await
    });
    assert_eq!(sum.await.unwrap().unwrap(), 2 + 2 * 3);
}

async fn its_error_is_that_of_the_method_which_passes_it_on(wire: On) {
    let (_server, store) = store(wire).await;
    let refuse = |i| match i {
        2 => Err("enough".to_owned()),
        _ => Ok(i),
    };
    match store.sum(4, refuse).await {
        Err(drb::Error::Raised(exception)) => assert_eq!(exception.message, "enough"),
        other => panic!("{other:?}"),
    }
    assert_eq!(store.sum(2, refuse).await.unwrap(), 1);
    let refuse = async |i: u64| if i < 2 { Ok(()) } else { Err(StoreError::Stopped { at: i }) };
    match store.until(refuse).await {
        Err(CallError::Method(error)) => assert_eq!(error, StoreError::Stopped { at: 2 }),
        other => panic!("{other:?}"),
    }
}

async fn it_leaves_the_method_with_a_result(wire: On) {
    let (_server, store) = store(wire).await;
    let leave = |i| if i < 2 { ControlFlow::Continue(i) } else { ControlFlow::Break(77_u64) };
    assert_eq!(store.sum(4, leave).await.unwrap(), 77);
    assert_eq!(store.sum(2, leave).await.unwrap(), 1);
    let leave =
        async |i: u64| if i < 2 { ControlFlow::Continue(()) } else { ControlFlow::Break(i) };
    assert_eq!(store.until(leave).await.unwrap(), 2);
}

async fn objects_arrive_as_proxies(wire: On) {
    let (_server, store) = store(wire).await;
    let lend = async |first: CursorProxy, second: CursorProxy| -> drb::Result<u64> {
        Ok(first.next().await? + second.next().await? + second.next().await?)
    };
    assert_eq!(store.lend(lend).await.unwrap(), 2212);
}

async fn an_optional_one_is_passed_or_not(wire: On) {
    let (_server, store) = store(wire).await;
    assert_eq!(store.maybe(3).await.unwrap(), 3);
    assert_eq!(store.maybe_with(3, |i| i + 1).await.unwrap(), 4);
}

async fn one_that_is_not_given_is_missed(wire: On) {
    let (server, _) = store(wire).await;
    let object = Object::connect(&wire.uri(&server)).await.unwrap();
    match object.call::<u64>("sum", (3,)).await {
        Err(drb::Error::Refused(exception)) => {
            assert_eq!(exception.class, "LocalJumpError");
            assert_eq!(exception.message, "no block given (yield)");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(object.call::<u64>("perhaps", (3,)).await.unwrap(), 3);
}

async fn beside_a_context(wire: On) {
    let (_server, store) = store(wire).await;
    let mut peers = Vec::new();
    store.who(|peer| peers.push(peer)).await.unwrap();
    assert_eq!(peers.len(), 1);
    assert!(peers[0].starts_with("127.0.0.1:") || peers[0] == "this process", "{}", peers[0]);
}

#[test]
fn the_table_says_that_there_is_one() {
    use drb::{Service, dispatch::ParamKind};
    let params = |name: &str| -> Vec<_> {
        let mut methods = Store::methods().iter().map(|method| method.info);
        let info = methods.find(|info| info.name == name).unwrap();
        info.params.iter().map(|param| (param.name, param.kind, param.ty)).collect()
    };
    assert_eq!(
        params("sum"),
        [("count", ParamKind::Required, "u64"), ("block", ParamKind::Block, "Block<(u64,), u64>"),]
    );
    assert_eq!(params("maybe?")[1].1, ParamKind::Block);
}

mod api {
    #[drb::service]
    pub trait Each<T: drb::Outbound + Clone + Send + Sync + 'static> {
        async fn each(&self, block: drb::Block<(T,)>) -> drb::Result<u64>;

        async fn filter(&mut self, keep: Option<drb::Block<(T,), bool>>) -> drb::Result<Vec<T>>;

        /// A default that is the same for all.
        async fn twice(&self, block: drb::Block) -> drb::Result<()> {
            block.call(()).await?;
            block.call(()).await
        }
    }
}

#[derive(DrbUndumped)]
struct List<T: drb::Outbound + Clone + Send + Sync + 'static>(Vec<T>);

#[drb::service]
impl<T> api::Each<T> for List<T>
where
    T: drb::Outbound + drb::Load + drb::Dump + Clone + Send + Sync + 'static,
{
    async fn each(&self, block: Block<(T,)>) -> drb::Result<u64> {
        for item in &self.0 {
            block.call((item.clone(),)).await?;
        }
        Ok(self.0.len() as u64)
    }

    async fn filter(&mut self, keep: Option<Block<(T,), bool>>) -> drb::Result<Vec<T>> {
        let mut kept = Vec::new();
        for item in self.0.drain(..) {
            if match &keep {
                Some(keep) => keep.call((item.clone(),)).await?,
                None => true,
            } {
                kept.push(item);
            }
        }
        self.0 = kept.clone();
        Ok(kept)
    }
}

async fn in_a_generic_trait(wire: On) {
    let list = List(vec!["a".to_owned(), "b".to_owned()]);
    let server = start_service(wire.at(), list).await.unwrap();
    let list = api::EachProxy::<String>::connect(&wire.uri(&server)).await.unwrap();
    let mut items = String::new();
    assert_eq!(list.each(|item| items += &item).await.unwrap(), 2);
    assert_eq!(items, "ab");
    assert_eq!(list.filter().await.unwrap(), ["a", "b"]);
    assert_eq!(list.filter_with(|item| item == "b").await.unwrap(), ["b"]);
    let mut times = 0;
    list.twice(|| times += 1).await.unwrap();
    assert_eq!(times, 2);
}

#[derive(DrbUndumped)]
struct Pair<T>(T, T);

#[drb::service]
impl<T: drb::Outbound + Clone + Send + Sync + 'static> Pair<T> {
    #[allow(clippy::needless_lifetimes)] // It is what this tests.
    pub async fn both<'a>(&'a self, block: Block<(T, T), Option<T>>) -> drb::Result<Option<T>>
    where
        T: drb::Load + drb::Dump,
    {
        block.call((self.0.clone(), self.1.clone())).await
    }

    pub async fn all(&self, block: Option<Block<Vec<T>>>) -> drb::Result<()> {
        match block {
            Some(block) => block.call(vec![self.0.clone(), self.1.clone()]).await,
            None => Ok(()),
        }
    }
}

async fn in_a_generic_type(wire: On) {
    let server = start_service(wire.at(), Pair(1_u8, 2_u8)).await.unwrap();
    let pair = PairProxy::<u8>::connect(&wire.uri(&server)).await.unwrap();
    assert_eq!(pair.both(|a, b| a.checked_add(b)).await.unwrap(), Some(3));
    let mut all = Vec::new();
    pair.all_with(|items| all = items).await.unwrap();
    assert_eq!(all, [1, 2]);
    pair.all().await.unwrap();
}
