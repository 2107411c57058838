//! Servers that replace the references which they hand on.

use drb::{
    Block, CallError, DrbUndumped, DumpError, Object, ObjectId, Reference, Server, Value,
    start_service,
};
use std::{collections::BTreeMap, sync::Arc};

#[derive(DrbUndumped)]
struct StandIn;

#[drb::service]
impl StandIn {
    pub fn name(&self) -> String {
        "in its place".to_owned()
    }
}

/// Holds a value, and hands it on in every way.
struct Holder(Value);

#[drb::service]
impl Holder {
    pub fn get(&self) -> Value {
        self.0.clone()
    }

    pub fn proxy(&self, object: Object) -> Vec<Object> {
        vec![object]
    }

    pub async fn yields(&self, block: Block<(Value, String)>) -> drb::Result<()> {
        block.call((self.0.clone(), "and more".to_owned())).await
    }

    pub fn raise(&self) -> Result<(), drb::Exception> {
        Err(drb::Exception::new("ArgumentError", "with a reference").with("object", self.0.clone()))
    }

    pub async fn pass_to(&self, object: Object) -> drb::Result<Value> {
        object.call("echo", (&self.0,)).await
    }
}

struct Echo;

#[drb::service]
impl Echo {
    pub fn echo(&self, value: Value) -> Value {
        value
    }
}

fn elsewhere() -> Reference {
    Reference::new("druby://elsewhere:1", ObjectId::Number(1))
}

/// A reference, also within other values.
fn value() -> Value {
    let reference = Value::from(elsewhere());
    let map = BTreeMap::from([("key", vec![reference.clone(), reference.clone()])]);
    Value::from(vec![reference, Value::from_dump(&map).unwrap()])
}

/// All references in the value.
fn references(value: &Value) -> Vec<Reference> {
    match value {
        Value::Reference(own) => vec![own.reference().clone()],
        Value::Array(items) => items.iter().flat_map(references).collect(),
        Value::Map(entries) => entries.iter().flat_map(|(_, value)| references(value)).collect(),
        _ => Vec::new(),
    }
}

/// A server that exports a stand-in in place of each reference to an object elsewhere.
async fn start() -> (Server, HolderProxy, Object) {
    let stand_in = Arc::new(StandIn);
    let server = Server::builder()
        .front(Holder(value()))
        .hand_on(move |reference, session| match reference.uri() {
            Some("druby://elsewhere:1") => session.export(stand_in.clone()).map(Some),
            _ => Ok(None),
        })
        .start(None)
        .await
        .unwrap();
    let holder = HolderProxy::connect(server.uri()).await.unwrap();
    let object = Object::connect(server.uri()).await.unwrap();
    (server, holder, object)
}

#[tokio::test]
async fn every_reference_is_replaced() {
    let (server, holder, object) = start().await;
    let replaced = |value: &Value| {
        let references = references(value);
        assert_eq!(references.len(), 3, "{value}");
        assert!(references.iter().all(|own| own.uri() == Some(server.uri())), "{value}");
        assert!(references.iter().all(|own| *own == references[0]), "{value}");
    };
    replaced(&holder.get().await.unwrap());
    // The block is one of this process: what reaches it as it is needs no replacement.
    let mut yielded = Vec::new();
    holder.yields(|value, _| yielded = references(&value)).await.unwrap();
    assert_eq!(yielded, vec![elsewhere(); 3]);
    match holder.raise().await {
        Err(CallError::Method(exception)) => replaced(exception.field("object").unwrap()),
        other => panic!("{other:?}"),
    }
    let there: Object = drb::Proxy::from_remote(drb::Client::new().remote(elsewhere()));
    let proxies = holder.proxy(&there).await.unwrap();
    assert_eq!(proxies[0].reference().uri(), Some(server.uri()));
    assert_eq!(proxies[0].call::<String>("name", ()).await.unwrap(), "in its place");
    // What is not handed on is not touched, nor is a reference to the server's own.
    assert_eq!(holder.proxy(&object).await.unwrap()[0], object);
}

#[tokio::test]
async fn a_call_that_is_made_in_a_call_passes_through_the_same_server() {
    let (server, holder, _) = start().await;
    let other = start_service(None, Echo).await.unwrap();
    let echo = Object::connect(other.uri()).await.unwrap();
    let echoed = holder.pass_to(&echo).await.unwrap();
    assert!(references(&echoed).iter().all(|own| own.uri() == Some(server.uri())), "{echoed}");

    // Outside of it, the server is to be named.
    let client = drb::Client::new();
    let echo: Object = client.connect(other.uri()).await.unwrap();
    let call = server.as_current(|| echo.call::<Value>("echo", (value(),)));
    let echoed = call.await.unwrap();
    assert!(references(&echoed).iter().all(|own| own.uri() == Some(server.uri())), "{echoed}");
    let call = other.as_current(|| echo.call::<Value>("echo", (value(),)));
    let echoed = call.await.unwrap();
    assert_eq!(references(&echoed), vec![elsewhere(); 3]);
}

#[tokio::test]
async fn a_reference_that_is_not_handed_on_fails_the_call() {
    let refuse = |_: &Reference, _: &dyn drb::Session| Err(DumpError::custom("not that one"));
    let builder = Server::builder().front(Holder(value())).hand_on(refuse);
    let server = builder.start(None).await.unwrap();
    let holder = HolderProxy::connect(server.uri()).await.unwrap();
    let error = holder.get().await.unwrap_err();
    assert!(error.to_string().contains("not that one"), "{error}");
}
