//! However many names of methods somebody calls, nobody else is harmed.

use drb::{Client, Error, IntoFront, Limits, Object, Proxy, Server, Value};

struct Thing;

#[drb::service]
impl Thing {
    pub fn id(&self) -> i64 {
        7
    }

    pub fn this(&self) -> ThingProxy {
        drb::local(Self)
    }
}

/// Hands on what is elsewhere.
struct Middle(ThingProxy);

#[drb::service]
impl Middle {
    pub fn thing(&self) -> ThingProxy {
        self.0.clone()
    }
}

async fn started(front: impl IntoFront, limits: Limits) -> Server {
    Server::builder().front(front).limits(limits).start("druby://127.0.0.1:0").await.unwrap()
}

/// Who calls through a process in the middle does so over a connection of others.
#[tokio::test]
async fn of_calls_that_are_passed_on() {
    // About 700 names.
    let little = Limits { memory_base: 64 << 10, ..Limits::default() };
    let far = started(Thing, little).await;
    let client = Client::builder().limits(little).build();
    let thing: ThingProxy = client.connect(far.native_uri()).await.unwrap();
    let held = thing.this().await.unwrap();
    let middle = started(Middle(held.clone()), Limits::default()).await;
    for round in 0..2 {
        let near: MiddleProxy = Client::new().connect(middle.native_uri()).await.unwrap();
        let object = Object::from_remote(near.thing().await.unwrap().remote().clone());
        for number in 0..600 {
            let name = format!("no_such_method_{round}_{number}");
            let error = object.call::<Value>(&name, ()).await.unwrap_err();
            assert!(matches!(error, Error::NoMethod(_)), "{name}: {error:?}");
            assert!(error.to_string().contains(&name), "{error}");
        }
        assert_eq!(object.call::<i64>("id", ()).await.unwrap(), 7);
    }
    assert_eq!(held.id().await.unwrap(), 7);
}
