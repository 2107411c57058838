//! How long a block lives. There is one test here: the process's first server is the one through
//! which blocks are lent, and what it holds is counted.

mod wires;

use drb::{
    Block, Client, Error, Object, Outcome, Value,
    dispatch::{Answer, Dispatch, Incoming, Invoked, MethodInfo},
};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use wires::On;

/// Calls its block, and keeps it.
#[derive(Default)]
struct Keeper(Mutex<Option<Block<(i64,), Value>>>);

struct Name;

impl Dispatch for Keeper {
    fn class(&self) -> &'static str {
        "Keeper"
    }

    fn find(&self, name: &str) -> Option<usize> {
        ["each", "kept"].iter().position(|known| *known == name)
    }

    fn method(&self, _: usize) -> Option<&'static MethodInfo> {
        None
    }

    fn invoke(self: Arc<Self>, _: usize, call: &mut Incoming<'_>) -> Invoked {
        match call.load(|args| args.optional_block()) {
            Err(refused) => refused,
            Ok((block, reply)) => Invoked::run(reply, |reply| async move {
                let block = match block {
                    Some(block) => {
                        *self.0.lock().unwrap() = Some(Block::clone(&block));
                        block
                    }
                    None => self.0.lock().unwrap().clone().unwrap(),
                };
                Answer::<Name>::give(block.call((1,)).await, reply)
            }),
        }
    }
}

#[tokio::test]
async fn a_block_is_over_with_its_call() {
    for wire in [On::Ruby, On::Native, On::Local] {
        let server = drb::start_service(wire.at(), Arc::new(Keeper::default())).await.unwrap();
        over_with_its_call(&server, wire).await;
    }
}

async fn over_with_its_call(server: &drb::Server, wire: On) {
    let client = Client::new();
    let keeper: Object = client.connect(&wire.uri(server)).await.unwrap();
    let lent = || match wire {
        On::Ruby => server.exported(),
        On::Native => client.usage().exported,
        On::Local => server.usage().imported,
    };

    let mut during = 0;
    let block = |(number,): (i64,)| {
        during = lent();
        number
    };
    let given: i64 = keeper.call_with("each", (), block).await.unwrap();
    assert_eq!((given, during), (1, 1));
    assert_eq!(lent(), 0, "the call has ended");

    let error = keeper.call::<Value>("kept", ()).await.unwrap_err();
    assert!(error.to_string().contains("lives as long as the call"), "{error}");

    // The caller gives up, and so drops the closure.
    let block = async |_: (i64,)| std::future::pending::<()>().await;
    let slow = keeper.call_with::<Value, _, _, _, _>("each", (), block);
    let error = slow.deadline(Duration::from_millis(50)).await.unwrap_err();
    assert!(matches!(error, Error::DeadlineExceeded { outcome: Outcome::Unknown, .. }), "{error}");
    assert_eq!(lent(), 0, "the deadline has passed");

    // It is never made.
    let call = keeper.call_with::<Value, _, _, _, _>("each", (), |_: (i64,)| 0);
    assert_eq!(lent(), 1);
    drop(call);
    assert_eq!(lent(), 0);
}
