//! Blocks, without the macros: a method that calls its caller back while it runs.

mod wires;

use drb::{
    Block, Error, Exception, Object, Outcome, Value,
    dispatch::{Answer, Dispatch, Incoming, Invoked, MethodInfo, Reply},
};
use std::{
    future::Future,
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use wires::{On, everywhere};

/// An object whose methods take blocks.
#[derive(Default)]
struct Front {
    dropped: Arc<AtomicBool>,
}

/// Says that a method that a block has left was dropped.
struct Guard(Arc<AtomicBool>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

struct Name;

fn run<F>(reply: Reply, method: impl FnOnce() -> F + Send + 'static) -> Invoked
where
    F: Future<Output = Result<Value, Error>> + Send + 'static,
{
    Invoked::run(reply, |reply| async move { Answer::<Name>::give(method().await, reply) })
}

const NAMES: [&str; 5] = ["each", "maybe", "pair", "pairs", "recurse"];

impl Dispatch for Front {
    fn class(&self) -> &'static str {
        "Front"
    }

    fn find(&self, name: &str) -> Option<usize> {
        NAMES.iter().position(|known| *known == name)
    }

    fn method(&self, _: usize) -> Option<&'static MethodInfo> {
        None
    }

    fn invoke(self: Arc<Self>, _: usize, call: &mut Incoming<'_>) -> Invoked {
        let method = call.method().to_owned();
        let loaded = call.load(|args| {
            Ok(match method.as_str() {
                "each" => Methods::Each(args.block()?),
                "pair" => Methods::Pair(args.block()?),
                "pairs" => Methods::Pairs(args.block()?),
                "maybe" => Methods::Maybe(args.optional_block()?),
                "recurse" => {
                    args.expect(1, 0, false, false)?;
                    Methods::Recurse(args.required("depth")?, args.block()?)
                }
                other => unreachable!("{other}"),
            })
        });
        let (method, reply) = match loaded {
            Ok(loaded) => loaded,
            Err(refused) => return refused,
        };
        run(reply, move || async move {
            match method {
                Methods::Each(block) => {
                    let _guard = Guard(Arc::clone(&self.dropped));
                    let mut sum = 0;
                    for number in 1..=3 {
                        if let Some(given) = block.call((number,)).await?.as_i64() {
                            sum += given;
                        }
                    }
                    Ok(sum.into())
                }
                Methods::Pair(block) => {
                    block.call((1, "one".to_owned())).await?;
                    block.call((2, "two".to_owned())).await?;
                    Ok(Value::Nil)
                }
                Methods::Pairs(block) => {
                    block.call(((1, "one".to_owned()),)).await?;
                    block.call(((2, "two".to_owned()),)).await?;
                    Ok(Value::Nil)
                }
                Methods::Maybe(block) => Ok(block.is_some().into()),
                Methods::Recurse(depth, block) => block.call((depth,)).await,
            }
        })
    }
}

enum Methods {
    Each(Block<(i64,), Value>),
    Pair(Block<(i64, String)>),
    Pairs(Block<((i64, String),)>),
    Maybe(Option<Block>),
    Recurse(i64, Block<(i64,), Value>),
}

async fn front(wire: On) -> (drb::Server, Object, Arc<Front>) {
    let front = Arc::new(Front::default());
    let server = drb::start_service(wire.at(), Arc::clone(&front)).await.unwrap();
    let object = Object::connect(&wire.uri(&server)).await.unwrap();
    (server, object, front)
}

everywhere!(
    a_closure_borrows_from_its_caller,
    an_asynchronous_closure_may_wait,
    arguments_arrive_as_with_procs,
    an_error_reaches_the_method_and_its_caller,
    leaving_the_method_drops_it,
    a_block_that_is_needed_and_missing,
    blocks_within_blocks,
);

async fn a_closure_borrows_from_its_caller(wire: On) {
    let (_server, front, _) = front(wire).await;
    let mut seen = Vec::new();
    let sum: i64 = front
        .call_with("each", (), |(number,): (i64,)| {
            seen.push(number);
            number * 10
        })
        .await
        .unwrap();
    assert_eq!((seen, sum), (vec![1, 2, 3], 60));
}

async fn an_asynchronous_closure_may_wait(wire: On) {
    let (_server, front, _) = front(wire).await;
    let sum: i64 = front
        .call_with("each", (), async |(number,): (i64,)| {
            tokio::time::sleep(Duration::from_millis(1)).await;
            number
        })
        .await
        .unwrap();
    assert_eq!(sum, 6);
}

async fn arguments_arrive_as_with_procs(wire: On) {
    let (_server, front, _) = front(wire).await;
    for method in ["pair", "pairs"] {
        let mut pairs = Vec::new();
        let block = |(number, name): (i64, String)| pairs.push((number, name));
        let () = front.call_with(method, (), block).await.unwrap();
        assert_eq!(pairs, [(1, "one".to_owned()), (2, "two".to_owned())], "{method}");
    }
    // A third one is missing, and a second one is too much.
    let mut seen = Vec::new();
    let block = |three: (i64, String, Option<i64>)| seen.push(three.2);
    let () = front.call_with("pair", (), block).await.unwrap();
    assert_eq!(seen, [None, None]);
    let mut seen = Vec::new();
    let () = front.call_with("pair", (), |(one,): (i64,)| seen.push(one)).await.unwrap();
    assert_eq!(seen, [1, 2]);
    let mut seen = Vec::new();
    let () = front.call_with("pair", (), |all: Vec<Value>| seen.push(all.len())).await.unwrap();
    assert_eq!(seen, [2, 2]);
}

async fn an_error_reaches_the_method_and_its_caller(wire: On) {
    let (_server, front, _) = front(wire).await;
    let block = |(number,): (i64,)| match number {
        1 => Ok(1),
        _ => Err(Exception::new("ArgumentError", "enough")),
    };
    let error = front.call_with::<Value, _, _, _, _>("each", (), block).await.unwrap_err();
    assert!(matches!(&error, Error::Raised(e) if e.message == "enough"), "{error:?}");
    // Arguments that the closure doesn't take are refused.
    let block = |(_,): (String,)| 1;
    let error = front.call_with::<Value, _, _, _, _>("each", (), block).await.unwrap_err();
    assert!(error.to_string().contains("the block's arguments[0]"), "{error}");
}

async fn leaving_the_method_drops_it(wire: On) {
    let (_server, front, object) = front(wire).await;
    let mut calls = 0;
    let block = |(number,): (i64,)| {
        calls += 1;
        if number == 2 { ControlFlow::Break("out") } else { ControlFlow::Continue(0) }
    };
    let left: String = front.call_with("each", (), block).await.unwrap();
    assert_eq!((calls, left.as_str()), (2, "out"));
    assert!(object.dropped.load(Ordering::SeqCst));
}

async fn a_block_that_is_needed_and_missing(wire: On) {
    let (_server, front, _) = front(wire).await;
    let error = front.call::<Value>("each", ()).await.unwrap_err();
    assert_eq!(error.exception().unwrap().class, "LocalJumpError");
    assert!(error.to_string().contains("no block given (yield)"), "{error}");
    assert_eq!(error.outcome(), Outcome::NotExecuted);
    assert!(!front.call::<bool>("maybe", ()).await.unwrap());
    assert!(front.call_with::<bool, _, _, _, _>("maybe", (), |_: ()| ()).await.unwrap());
}

/// A block that calls the same method with another block, and so on.
async fn blocks_within_blocks(wire: On) {
    let (_server, front, _) = front(wire).await;
    fn down(front: Object, depth: i64) -> std::pin::Pin<Box<dyn Future<Output = i64> + Send>> {
        Box::pin(async move {
            if depth == 0 {
                return 0;
            }
            let inner = front.clone();
            let block = move |(depth,): (i64,)| down(inner.clone(), depth - 1);
            front.call_with::<i64, _, _, _, _>("recurse", (depth,), block).await.unwrap() + 1
        })
    }
    assert_eq!(down(front, 10).await, 10);
}
