//! The same object through a proxy with methods: closures where Ruby's methods take blocks, and
//! objects of ours that Ruby hands its blocks to.

use super::There;
use drb::{Block, Error, Object, Value, prelude::*};
use std::{
    ops::ControlFlow::{self, Break, Continue},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

/// What `Suite::Core` in `tests/ruby/suite.rb` does with blocks.
#[drb::service]
trait Core {
    async fn yield_none(&self, block: Block);
    async fn yield_two(&self, one: i64, other: String, block: Block<(i64, String)>);
    async fn yield_all(&self, #[drb(rest)] values: Vec<Value>, block: Block<Vec<Value>>);
    async fn yield_one(&self, pair: (i64, String), block: Block<(i64, String)>);
    async fn yield_child(&self, block: Block<(ChildProxy,)>);
    async fn map_up_to(&self, count: u64, block: Block<(u64,), u64>) -> Vec<u64>;
    async fn block_given(&self, block: Option<Block>) -> bool;
    async fn guarded(&self, block: Block<(i64,), i64>) -> Result<i64, OddError>;
    async fn keep_block(&self, block: Block<(i64,), i64>);
    async fn call_kept_block(&self, number: i64) -> i64;
    async fn hand_on(&self, object: EachProxy, block: Block<(i64,), i64>) -> Vec<i64>;
    async fn colours(&self) -> ColoursProxy;
    async fn keep_object(&self, object: EachProxy);
    async fn kept_object(&self) -> EachProxy;
    async fn ledger(&self) -> Vec<String>;
}

/// A Hash of Ruby's.
#[drb::service]
trait Colours {
    async fn each(&self, block: Block<(String, drb::Symbol)>);
    #[drb(name = "any?")]
    async fn any(&self, block: Block<(String, drb::Symbol), bool>) -> bool;
    async fn sum(&self, start: usize, block: Block<((String, drb::Symbol),), usize>) -> usize;
}

#[drb::service]
trait Child {
    async fn name(&self) -> String;
}

#[derive(Debug, Clone, PartialEq, thiserror::Error, DrbError)]
#[error("{number} is odd")]
#[drb(class = "Suite::OddError")]
struct OddError {
    number: i64,
}

/// An object of ours that calls blocks.
#[derive(Default, DrbUndumped)]
struct Each {
    kept: Mutex<Option<Block<(i64,), i64>>>,
    ended: AtomicUsize,
}

/// Counts the methods that have ended, however that was.
struct Ended<'a>(&'a AtomicUsize);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[drb::service]
impl Each {
    pub async fn each_of(&self, count: i64, block: Block<(i64,), i64>) -> drb::Result<Vec<i64>> {
        let _ended = Ended(&self.ended);
        *self.kept.lock().unwrap() = Some(block.clone());
        let mut given = Vec::new();
        for number in 1..=count {
            given.push(block.call((number,)).await?);
        }
        Ok(given)
    }
}

async fn start() -> (There, CoreProxy) {
    let there = There::start("core").await;
    let core = there.front().await;
    (there, core)
}

#[tokio::test]
async fn closures_take_what_the_block_takes() {
    let (_there, core) = start().await;
    let mut seen = Vec::new();
    core.yield_none(|| seen.push("nothing".to_owned())).await.unwrap();
    core.yield_two(1, "one", |number, text| seen.push(format!("{number} {text}"))).await.unwrap();
    // One array of two is taken apart.
    let pair = (2, "two".to_owned());
    core.yield_one(pair, |number, text| seen.push(format!("{number} {text}"))).await.unwrap();
    let all = [Value::from(3), Value::Nil];
    core.yield_all(all, |values| seen.push(format!("{values:?}"))).await.unwrap();
    assert_eq!(seen, ["nothing", "1 one", "2 two", "[3, nil]"]);

    let named = Mutex::new(String::new());
    let calls = async |child: ChildProxy| {
        *named.lock().unwrap() = child.name().await?;
        Ok::<_, Error>(())
    };
    core.yield_child(calls).await.unwrap();
    assert_eq!(named.into_inner().unwrap(), "child");
}

#[tokio::test]
async fn closures_give_what_the_block_gives() {
    let (_there, core) = start().await;
    assert_eq!(core.map_up_to(3, |number| number * number).await.unwrap(), [1, 4, 9]);
    let later = async |number: u64| {
        tokio::task::yield_now().await;
        number + 1
    };
    assert_eq!(core.map_up_to(2, later).await.unwrap(), [2, 3]);
    let third = |number| if number == 3 { Break([number; 2]) } else { Continue(number) };
    assert_eq!(core.map_up_to(10, third).await.unwrap(), [3, 3]);

    assert_eq!(core.guarded(|number| number + 1).await, Ok(2));
    assert_eq!(core.guarded(|_| -> ControlFlow<i64, i64> { Break(7) }).await, Ok(7));
    let odd = |number| Err::<i64, _>(OddError { number });
    let raised = core.guarded(odd).await;
    assert_eq!(raised, Err(CallError::Method(OddError { number: 1 })));
    let ledger = core.ledger().await.unwrap();
    assert_eq!(ledger[..3], ["gave 2", "ended", "ended"], "{ledger:?}");
    assert!(ledger[3].starts_with("raised DRb::DRbUnknownError"), "{ledger:?}");
    assert_eq!(ledger[4..], ["ended"], "{ledger:?}");

    assert!(!core.block_given().await.unwrap());
    assert!(core.block_given_with(|| ()).await.unwrap());
}

#[tokio::test]
async fn methods_of_a_hash() {
    let (_there, core) = start().await;
    let colours = core.colours().await.unwrap();
    let mut seen = Vec::new();
    colours.each(|name, kind| seen.push((name, kind))).await.unwrap();
    let pair = |name: &str, kind: &str| (name.to_owned(), drb::Symbol::from(kind));
    assert_eq!(seen, [pair("red", "warm"), pair("blue", "cold")]);
    assert!(colours.any(|name, _| name == "blue").await.unwrap());
    assert!(!colours.any(|_, kind| kind.as_str() == "sour").await.unwrap());
    let lengths = colours.sum(0, |(name, kind)| name.len() + kind.as_str().len());
    assert_eq!(lengths.await, Ok(3 + 4 + 4 + 4));
}

#[tokio::test]
async fn a_closure_is_called_for_as_long_as_the_call_lasts() {
    let (_there, core) = start().await;
    core.keep_block(|number| number).await.unwrap();
    let over = core.call_kept_block(1).await.unwrap_err();
    match &over {
        Error::Gone(exception) => {
            assert_eq!(exception.class, "RangeError");
            assert!(exception.message.contains("a block lives as long"), "{exception}");
        }
        other => panic!("{other:?}"),
    }
}

/// Our closure is Ruby's block, which Ruby hands on to an object of ours, which calls it.
#[tokio::test]
async fn a_block_that_ruby_hands_on() {
    let (_there, core) = start().await;
    let each = Arc::new(Each::default());
    let mut seen = Vec::new();
    let given = core.hand_on(&each, |number| {
        seen.push(number);
        number * 2
    });
    assert_eq!(given.await.unwrap(), [2, 4, 6]);
    assert_eq!(seen, [1, 2, 3]);

    // Leaving ends our method, whose destructors run, and gives what it leaves with.
    let left = core.hand_on(&each, |number| if number == 2 { Break(vec![9]) } else { Continue(1) });
    assert_eq!(left.await.unwrap(), [9]);
    assert_eq!(each.ended.load(Ordering::Relaxed), 2);

    // An exception passes through all of them.
    let raised = core.hand_on(&each, |_| Err::<i64, _>("stop".to_owned())).await.unwrap_err();
    match &raised {
        Error::Raised(exception) => {
            assert_eq!((&*exception.class, &*exception.message), ("RuntimeError", "stop"));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(each.ended.load(Ordering::Relaxed), 3);

    // The block that our object has kept is over, and says so without asking anybody.
    let kept = each.kept.lock().unwrap().take().unwrap();
    assert_eq!(kept.call((1,)).await, Err(Error::BlockEnded));
}

#[tokio::test]
async fn a_reference_that_comes_home_is_the_object() {
    let (there, core) = start().await;
    let each = Arc::new(Each::default());
    core.keep_object(&each).await.unwrap();
    let back = core.kept_object().await.unwrap();
    assert!(Arc::ptr_eq(&back.local::<Each>().unwrap(), &each));
    // By whichever way, and in whichever form.
    let object = there.object().await;
    let back: Object = object.call("echo", (drb::by_ref(Arc::clone(&each)),)).await.unwrap();
    assert!(Arc::ptr_eq(&back.local::<Each>().unwrap(), &each));
    let several: Vec<Object> = object.call("echo", ([&back, &back],)).await.unwrap();
    assert!(several.iter().all(|one| Arc::ptr_eq(&one.local::<Each>().unwrap(), &each)));
    // What is Ruby's is not.
    assert!(object.local::<Each>().is_none());
    let given = back.call_with::<Vec<i64>, _, _, _, _>("each_of", (2,), |(number,): (i64,)| number);
    assert_eq!(given.await.unwrap(), [1, 2], "without leaving the process");
}
