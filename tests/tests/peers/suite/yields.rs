//! Ruby yields to our closures: what arrives, what goes back, and how a method ends by it.

use super::There;
use drb::{Error, Exception, Object, Value, prelude::*};
use std::{
    cell::RefCell,
    collections::BTreeMap,
    future::{Future, poll_fn},
    ops::ControlFlow::{self, Break, Continue},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    sync::atomic::{AtomicUsize, Ordering},
    task::Poll,
    time::Duration,
};
use tokio::sync::Barrier;

async fn start() -> (There, Object) {
    let there = There::start("core").await;
    let object = there.object().await;
    (there, object)
}

fn array(values: impl IntoIterator<Item = Value>) -> Value {
    Value::Array(values.into_iter().collect())
}

/// What a closure that takes everything is called with.
async fn everything(object: &Object, method: &str, arguments: Vec<Value>) -> Vec<Vec<Value>> {
    let mut seen = Vec::new();
    let call = object.call_with(method, arguments, |all: Vec<Value>| seen.push(all));
    let () = call.await.unwrap();
    seen
}

#[tokio::test]
async fn one_argument() {
    let (_there, object) = start().await;
    for value in [array([]), 1.into(), Value::Nil, array([1.into(), array([])]), "a".into()] {
        for method in ["yield_one", "yield_all", "call_all"] {
            let mut seen = Vec::new();
            let call = object.call_with(method, (&value,), |(one,): (Value,)| seen.push(one));
            let () = call.await.unwrap();
            assert_eq!(seen, std::slice::from_ref(&value), "{method}");
        }
    }
    // Of several, the first; of none, nil.
    let mut seen = Vec::new();
    let call = object.call_with("yield_two", (1, 2), |(one,): (i64,)| seen.push(one));
    let () = call.await.unwrap();
    let call = object.call_with("yield_none", (), |(one,): (Option<i64>,)| seen.extend(one));
    let () = call.await.unwrap();
    assert_eq!(seen, [1]);
}

#[tokio::test]
async fn two_arguments() {
    let (_there, object) = start().await;
    let mut seen = Vec::new();
    for (one, other) in [
        (array([]), array([])),
        (1.into(), 2.into()),
        (3.into(), Value::Nil),
        (1.into(), "a".into()),
    ] {
        let take = |pair: (Value, Value)| seen.push(pair);
        let () = object.call_with("yield_two", (&one, &other), take).await.unwrap();
        assert_eq!(seen.pop(), Some((one.clone(), other.clone())));
        // One array of two is taken apart.
        let take = |pair: (Value, Value)| seen.push(pair);
        let () = object.call_with("yield_one", ((&one, &other),), take).await.unwrap();
        assert_eq!(seen.pop(), Some((one, other)));
    }
    let take = |pair: (Value, Value)| seen.push(pair);
    let () = object.call_with("yield_one", (1,), take).await.unwrap();
    assert_eq!(seen.pop(), Some((1.into(), Value::Nil)));
    let mut seen = Vec::new();
    let take = |three: (i64, i64, Option<i64>)| seen.push(three);
    let () = object.call_with("yield_two", (1, 2), take).await.unwrap();
    assert_eq!(seen, [(1, 2, None)]);
}

#[tokio::test]
async fn any_number_of_arguments() {
    let (_there, object) = start().await;
    let nothing: [Vec<Value>; 1] = [vec![]];
    assert_eq!(everything(&object, "yield_none", vec![]).await, nothing);
    for values in [
        vec![],
        vec![Value::Nil],
        vec![1.into()],
        vec![1.into(), 2.into()],
        vec![1.into(), 2.into(), 3.into()],
        vec![array([]), array([])],
        vec![array([])],
        vec![array([array([])])],
        vec![array([1.into(), 2.into()])],
    ] {
        for method in ["yield_all", "call_all"] {
            assert_eq!(everything(&object, method, values.clone()).await, [&*values], "{method}");
        }
    }
}

#[tokio::test]
async fn a_subclass_of_array() {
    let (_there, object) = start().await;
    let row = everything(&object, "yield_row", vec![]).await.remove(0).remove(0);
    assert_eq!(row.class(), "Suite::Row");
    let mut seen = Vec::new();
    let () = object.call_with("yield_row", (), |(row,): (Value,)| seen.push(row)).await.unwrap();
    assert_eq!(seen, [row]);
    // It is taken apart as well.
    let mut seen = Vec::new();
    let take = |pair: (u8, Vec<u8>)| seen.push(pair);
    let () = object.call_with("yield_row", (), take).await.unwrap();
    assert_eq!(seen, [(0, vec![1])]);
}

#[tokio::test]
async fn objects_that_stay_there() {
    let (_there, object) = start().await;
    let child: Object = object.call("child", ()).await.unwrap();
    let mut seen = Vec::new();
    let take = |(child,): (Object,)| seen.push(child);
    let () = object.call_with("yield_child", (), take).await.unwrap();
    let take = |(_, child): (i64, Object)| seen.push(child);
    let () = object.call_with("yield_child_among", (1,), take).await.unwrap();
    assert_eq!(seen, [child.clone(), child]);
    assert_eq!(seen[0].call::<String>("name", ()).await.unwrap(), "child");

    let itself = object.call_with("child_back?", (), |(child,): (Object,)| child);
    assert_eq!(itself.await, Ok(true));
    // It is called while the method waits.
    let calls = async |(child,): (Object,)| child.call::<String>("name", ()).await;
    let () = object.call_with("yield_child", (), calls).await.unwrap();
}

#[tokio::test]
async fn a_hash_by_reference() {
    let (_there, object) = start().await;
    let colours: Object = object.call("colours", ()).await.unwrap();
    let mut seen = Vec::new();
    let each = colours.call_with("each", (), |pair: (String, drb::Symbol)| seen.push(pair));
    // `each` gives the Hash, which this time is copied.
    let whole: BTreeMap<String, String> = each.await.unwrap();
    assert_eq!(whole.len(), 2);
    let pair = |key: &str, value: &str| (key.to_owned(), drb::Symbol::from(value));
    assert_eq!(seen, [pair("red", "warm"), pair("blue", "cold")]);

    let shelves: Object = object.call("shelves", ()).await.unwrap();
    let seen = RefCell::new(Vec::new());
    let each = shelves.call_with("each", (), async |(key, shelf): (String, Object)| {
        let size: usize = shelf.call("size", ()).await?;
        seen.borrow_mut().push((key, size));
        Ok::<_, Error>(())
    });
    let _: Object = each.await.expect("the Hash holds what stays there, so it stays");
    assert_eq!(seen.into_inner(), [("a".to_owned(), 1), ("b".to_owned(), 2)]);
}

#[tokio::test]
async fn each_and_collect() {
    let there = There::start("list").await;
    let list = there.object().await;
    let twice = async |(value,): (Value,)| match value.as_i64() {
        Some(number) => Value::from(2 * number),
        None => Value::from(value.to::<String>().unwrap().repeat(2)),
    };
    let collected: Vec<Value> = list.call_with("collect", (), twice).await.unwrap();
    let expected: [Value; 6] =
        [2.into(), 4.into(), "IIIIII".into(), 8.into(), "fivefive".into(), 12.into()];
    assert_eq!(collected, expected);

    // `next`: the closure gives nothing.
    let mut seen = Vec::new();
    let each = list.call_with("each", (), |(value,): (Value,)| seen.extend(value.as_i64()));
    let whole: Vec<Value> = each.await.unwrap();
    assert_eq!((seen, whole.len()), (vec![1, 2, 4, 6], 6));
}

#[tokio::test]
async fn leaving_with_and_without_a_value() {
    let there = There::start("list").await;
    let list = there.object().await;
    let mut seen = Vec::new();
    let until_four = |(value,): (Value,)| {
        let four = value == Value::from(4);
        seen.push(value);
        if four { Break(()) } else { Continue(()) }
    };
    let () = list.call_with("each", (), until_four).await.unwrap();
    assert_eq!(seen, [Value::from(1), 2.into(), "III".into(), 4.into()]);

    let done = list.call_with("each", (), |(value,): (Value,)| match value.as_i64() {
        Some(4) => Break(Value::from(drb::Symbol::from("done"))),
        _ => Continue(()),
    });
    assert_eq!(done.await, Ok(Value::from(drb::Symbol::from("done"))));

    let found = list.call_with("each", (), async |(value,): (Value,)| {
        tokio::task::yield_now().await;
        match value.to::<String>() {
            Ok(text) => Break(text),
            Err(_) => Continue(()),
        }
    });
    assert_eq!(found.await, Ok("III".to_owned()));
}

#[tokio::test]
async fn the_method_sees_how_its_block_ends() {
    let (_there, object) = start().await;
    let ledger = async || object.call::<Vec<String>>("ledger", ()).await.unwrap();

    let given = object.call_with("guarded", (), |(number,): (i64,)| number + 1);
    assert_eq!(given.await, Ok(2));
    assert_eq!(ledger().await, ["gave 2", "ended"]);

    let broken = object.call_with("guarded", (), |(_,): (i64,)| -> ControlFlow<_, ()> { Break(7) });
    assert_eq!(broken.await, Ok(7));
    assert_eq!(ledger().await, ["ended"], "what is in `ensure` has run, and nothing else");

    let raise = |(_,): (i64,)| Err::<(), _>("no such number".to_owned());
    let raised = object.call_with::<Value, _, _, _, _>("guarded", (), raise).await.unwrap_err();
    match raised {
        Error::Raised(exception) => {
            assert_eq!(exception.class, "RuntimeError");
            assert_eq!(exception.message, "no such number");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(ledger().await, ["raised RuntimeError: no such number", "ended"]);

    // What doesn't fit is refused before the closure is called.
    let call = object.call_with::<Value, _, _, _, _>("guarded", (), |(_,): (String,)| ());
    let refused = call.await.unwrap_err();
    assert_eq!(refused.exception().map(|e| &*e.class), Some("TypeError"), "{refused:?}");
    assert!(ledger().await[0].starts_with("raised TypeError: "));
}

/// Of a class that Ruby doesn't know.
#[derive(Debug, Clone, PartialEq, thiserror::Error, DrbError)]
#[error("{number} is odd")]
#[drb(class = "Suite::OddError")]
struct OddError {
    number: i64,
}

#[tokio::test]
async fn exceptions_go_through_the_method() {
    let (_there, object) = start().await;
    let odd = |(number,): (i64,)| match number % 2 {
        0 => Ok(number),
        _ => Err(OddError { number }),
    };
    let list: Vec<Value> = object.call_with("persist", (4,), odd).await.unwrap();
    let seen: Vec<_> = list.iter().filter_map(Value::as_str).collect();
    assert_eq!((list.len(), &list[1], &list[3]), (4, &2.into(), &4.into()));
    assert_eq!(seen.len(), 2);
    assert!(seen.iter().all(|text| text.starts_with("DRb::DRbUnknownError: ")), "{seen:?}");

    // Through it and out again, it is itself.
    let raised = object.call_with::<Value, _, _, _, _>("map_up_to", (4,), odd).await.unwrap_err();
    let exception = raised.exception().unwrap();
    assert_eq!(exception.class, "Suite::OddError");
    assert_eq!(exception.field("number"), Some(&Value::from(1)));

    // What one of Ruby's own objects raises in the block.
    let trouble = async |_: (i64,)| object.call::<Value>("trouble", ()).await;
    let list: Vec<String> = object.call_with("persist", (1,), trouble).await.unwrap();
    assert_eq!(list, ["Suite::Deep::Trouble: deep trouble"]);
}

#[tokio::test]
async fn stop_iteration_ends_a_loop() {
    let (_there, object) = start().await;
    let mut left = 3;
    let countdown = |_: ()| match left {
        0 => Err(Exception::new("StopIteration", "nothing is left")),
        _ => {
            left -= 1;
            Ok(())
        }
    };
    let ended: String = object.call_with("repeat", (), countdown).await.unwrap();
    assert_eq!((&*ended, left), ("stopped", 0));
}

#[tokio::test]
async fn a_panic_in_a_block_is_the_callers_own() {
    let (_there, object) = start().await;
    let panics = async {
        let call = object.call_with("guarded", (), |(number,): (i64,)| -> i64 {
            panic!("cannot count to {number}")
        });
        call.await.map(|_: Value| ())
    };
    // The future borrows, so it cannot be spawned: the panic is caught where it is polled.
    let mut panics = pin!(panics);
    let caught =
        poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| panics.as_mut().poll(context))) {
            Ok(poll) => poll.map(Ok),
            Err(panic) => Poll::Ready(Err(panic)),
        });
    let panic = caught.await.unwrap_err();
    assert_eq!(panic.downcast_ref::<String>().map(String::as_str), Some("cannot count to 1"));
    // Everything else goes on.
    assert_eq!(object.call::<String>("hello", ()).await.unwrap(), "hello");
}

#[tokio::test]
async fn a_block_lives_as_long_as_its_call() {
    let (_there, object) = start().await;
    let calls = AtomicUsize::new(0);
    let count = |_: ()| {
        calls.fetch_add(1, Ordering::Relaxed);
    };
    let () = object.call_with("keep_block", (), count).await.unwrap();
    let gone = object.call::<Value>("call_kept_block", (1,)).await.unwrap_err();
    let exception = gone.exception().unwrap_or_else(|| panic!("{gone:?}"));
    assert_eq!(exception.class, "RangeError");
    assert!(exception.message.contains("a block lives as long as the call"), "{exception}");

    // Ruby's own proc around it is Ruby's, and stays.
    let kept: Object = object.call("kept_block", ()).await.unwrap();
    let gone = kept.call::<Value>("call", (1,)).await.unwrap_err();
    assert_eq!(gone.exception().map(|e| &*e.class), Some("RangeError"), "{gone:?}");
    assert_eq!(calls.into_inner(), 0);
}

#[tokio::test]
async fn with_and_without_a_block() {
    let (_there, object) = start().await;
    assert_eq!(object.call("block_given", ()).await, Ok(false));
    assert_eq!(object.call_with("block_given", (), |_: ()| ()).await, Ok(true));
    let missing = object.call::<Value>("yield_none", ()).await.unwrap_err();
    let exception = missing.exception().unwrap();
    assert_eq!(
        (&*exception.class, &*exception.message),
        ("LocalJumpError", "no block given (yield)")
    );
}

#[tokio::test]
async fn blocks_within_blocks() {
    /// Calls itself through a block of Ruby's that calls it.
    fn nest(object: &Object, depth: u64) -> Pin<Box<dyn Future<Output = drb::Result<u64>> + '_>> {
        Box::pin(async move {
            let inner = async |(left,): (u64,)| match left {
                0 => Ok(100),
                _ => nest(object, left - 1).await,
            };
            object.call_with("nest", (depth,), inner).await
        })
    }
    let (_there, object) = start().await;
    assert_eq!(nest(&object, 0).await, Ok(100));
    assert_eq!(nest(&object, 6).await, Ok(106));

    // `break` leaves the method that the closure was passed to, and only that.
    let outer = RefCell::new(Vec::new());
    let both = async |(number,): (i64,)| {
        let inner = object.call_with("map_up_to", (10,), |(inner,): (i64,)| match inner {
            3 => Break(number * 10 + inner),
            _ => Continue(()),
        });
        let left = inner.await?;
        outer.borrow_mut().push(left);
        Ok::<_, Error>(number)
    };
    let numbers: Vec<i64> = object.call_with("map_up_to", (3,), both).await.unwrap();
    assert_eq!((numbers, outer.into_inner()), (vec![1, 2, 3], vec![13, 23, 33]));
}

#[tokio::test]
async fn a_block_that_is_called_side_by_side() {
    let (_there, object) = start().await;
    let all_are_there = Barrier::new(4);
    let call = object.call_with("side_by_side", (4,), async |(number,): (i64,)| {
        all_are_there.wait().await;
        number * number
    });
    let squares: Vec<i64> = call.await.unwrap();
    assert_eq!(squares, [1, 4, 9, 16]);
}

#[tokio::test]
async fn what_a_block_gives_has_limits_as_well() {
    let (_there, object) = start().await;
    let fits = object.call_with("map_up_to", (1,), |_: (i64,)| "x".repeat(4000));
    assert_eq!(fits.await.map(|list: Vec<String>| list[0].len()), Ok(4000));
    let large = object.call_with("persist", (1,), |_: (i64,)| "x".repeat(5000));
    let list: Vec<String> = large.await.unwrap();
    assert!(list[0].starts_with("DRb::DRbConnError: too large packet"), "{list:?}");
}

#[tokio::test]
async fn a_call_that_is_given_up() {
    let (_there, object) = start().await;
    let calls = AtomicUsize::new(0);
    let count = |_: (i64,)| {
        calls.fetch_add(1, Ordering::Relaxed);
    };
    let late = object.call_with::<Value, _, _, _, _>("slowly", (2,), count);
    let late = late.deadline(Duration::from_millis(500)).await.unwrap_err();
    assert!(matches!(late, Error::DeadlineExceeded { .. }), "{late:?}");
    assert_eq!(calls.into_inner(), 1);
    assert_eq!(object.call::<String>("hello", ()).await.unwrap(), "hello");
}
