//! A service without macros: what `#[drb::service]` makes is this, and nothing that a program could
//! not write itself.

mod store;
mod wires;

use drb::{CallError, Error, LoadErrorKind, Outcome};
use std::{sync::Arc, time::Duration};
use store::{Counter, CounterProxy, Store, StoreProxy};
use wires::{On, everywhere};

async fn start(wire: On) -> (drb::Server, StoreProxy) {
    let server = drb::start_service(wire.at(), Store::default()).await.unwrap();
    // Not over the short way that the process has to its own objects.
    let store = StoreProxy::connect(&wire.elsewhere(&server)).await.unwrap();
    (server, store)
}

everywhere!(
    calls_return_what_methods_give,
    a_methods_own_error_is_an_error_of_its_type,
    what_is_not_a_method_is_refused,
    arguments_that_do_not_fit_are_refused,
    a_result_of_another_type_says_that_the_method_has_run,
    keywords_arrive_by_name,
    a_panic_is_the_failure_of_its_call,
    everything_answers_what_ruby_asks,
    an_object_that_a_method_gives_can_be_called,
    the_context_says_who_calls,
    an_object_has_one_reference,
);

async fn calls_return_what_methods_give(wire: On) {
    let (_server, store) = start(wire).await;
    assert_eq!(store.inc("a", 2).await.unwrap(), 2);
    assert_eq!(store.inc("a", 3).await.unwrap(), 5);
    assert_eq!(store.get("a").await.unwrap(), 5);
    assert_eq!(store.slow_get("a").await.unwrap(), 5);
    assert_eq!(store.blocking_get("a").await.unwrap(), 5);
}

async fn a_methods_own_error_is_an_error_of_its_type(wire: On) {
    let (_server, store) = start(wire).await;
    let error = store.get("nothing").await.unwrap_err();
    assert_eq!(error, CallError::Method("no `nothing`".to_owned()));
    assert_eq!(error.outcome(), Outcome::Executed);
    // The failure has closed its connection, and the next call has another one.
    assert_eq!(store.inc("a", 1).await.unwrap(), 1);
}

async fn what_is_not_a_method_is_refused(wire: On) {
    let (server, _) = start(wire).await;
    let object = drb::Object::connect(&wire.elsewhere(&server)).await.unwrap();
    for name in [
        "nothing",
        "send",
        "public_send",
        "instance_eval",
        "instance_variable_set",
        "method_missing",
        "eval",
        "system",
        "exec",
        "class",
        "methods",
        "define_method",
        "",
        "get ",
    ] {
        let error = object.call::<()>(name, ("puts 1",)).await.unwrap_err();
        assert!(matches!(error, Error::NoMethod(_)), "{name}: {error:?}");
        assert_eq!(error.outcome(), Outcome::NotExecuted);
        assert_eq!(
            error.to_string(),
            format!("undefined method '{name}' for #<Store> (NoMethodError)")
        );
    }
    let error = object.call::<()>("__send__", ("get", "a")).await.unwrap_err();
    match wire {
        On::Ruby => {
            assert_eq!(error.exception().unwrap().class, "DRb::DRbConnError");
            assert_eq!(error.exception().unwrap().message, "insecure method '__send__'");
        }
        On::Native | On::Local => assert!(matches!(error, Error::NoMethod(_)), "{error:?}"),
    }
    assert_eq!(error.outcome(), Outcome::NotExecuted);
}

async fn arguments_that_do_not_fit_are_refused(wire: On) {
    let (server, _) = start(wire).await;
    let object = drb::Object::connect(&wire.elsewhere(&server)).await.unwrap();
    let error = object.call::<()>("inc", ("a",)).await.unwrap_err();
    let Error::Refused(exception) = &error else { panic!("{error:?}") };
    assert_eq!(exception.class, "ArgumentError");
    assert_eq!(exception.message, "wrong number of arguments (given 1, expected 2)");
    assert_eq!(error.outcome(), Outcome::NotExecuted);

    let error = object.call::<()>("inc", ("a", "b")).await.unwrap_err();
    let Error::Refused(exception) = &error else { panic!("{error:?}") };
    assert_eq!(exception.class, "TypeError");
    assert!(exception.message.starts_with("by: expected an integer"), "{exception}");

    let error = object.call::<()>("inc", ("a", -1)).await.unwrap_err();
    assert_eq!(error.exception().unwrap().class, "RangeError");
}

async fn a_result_of_another_type_says_that_the_method_has_run(wire: On) {
    let (server, _) = start(wire).await;
    let object = drb::Object::connect(&wire.elsewhere(&server)).await.unwrap();
    let error = object.call::<Vec<String>>("inc", ("a", 1)).await.unwrap_err();
    let Error::Load(load) = &error else { panic!("{error:?}") };
    assert!(matches!(load.kind(), LoadErrorKind::Mismatch { .. }));
    assert_eq!(error.outcome(), Outcome::Executed);
}

async fn keywords_arrive_by_name(wire: On) {
    let (server, _) = start(wire).await;
    let object = drb::Object::connect(&wire.elsewhere(&server)).await.unwrap();
    let text: String =
        object.call("describe", ("a", drb::keywords([("unit", "m")]))).await.unwrap();
    assert_eq!(text, "a in m");
    let text: String = object.call("describe", ("a",)).await.unwrap();
    assert_eq!(text, "a in pieces");
    // To a method without keywords they are a last argument; none of them are nothing.
    let none = drb::keywords::<&str, i64>([]);
    assert_eq!(object.call::<u64>("inc", ("a", 1, none)).await.unwrap(), 1);
    let error = object.call::<u64>("inc", ("a", 1, drb::keywords([("x", 1)]))).await.unwrap_err();
    assert_eq!(
        error.exception().unwrap().message,
        "wrong number of arguments (given 3, expected 2)"
    );
    let error =
        object.call::<String>("describe", ("a", drb::keywords([("x", 1)]))).await.unwrap_err();
    assert_eq!(error.exception().unwrap().message, "unknown keyword: :x");
}

async fn a_panic_is_the_failure_of_its_call(wire: On) {
    let (_server, store) = start(wire).await;
    for mode in ["sync", "async", "blocking"] {
        let error = store.panic(mode).await.unwrap_err();
        let Error::Panicked { message } = &error else { panic!("{error:?}") };
        assert_eq!(*message, format!("a {mode} panic"));
        assert_eq!(error.outcome(), Outcome::Executed);
    }
    assert_eq!(store.inc("a", 1).await.unwrap(), 1);
}

async fn everything_answers_what_ruby_asks(wire: On) {
    let (server, _) = start(wire).await;
    let object = drb::Object::connect(&wire.elsewhere(&server)).await.unwrap();
    assert!(object.respond_to("inc").await.unwrap());
    assert!(object.respond_to("to_s").await.unwrap());
    assert!(!object.respond_to("instance_eval").await.unwrap());
    assert_eq!(object.call::<String>("to_s", ()).await.unwrap(), "#<Store>");
    assert_eq!(object.call::<String>("inspect", ()).await.unwrap(), "#<Store>");
}

async fn an_object_that_a_method_gives_can_be_called(wire: On) {
    let (server, store) = start(wire).await;
    let counter: CounterProxy = store.counter().await.unwrap();
    assert_eq!(counter.next().await.unwrap(), 1);
    assert_eq!(counter.next().await.unwrap(), 2);
    assert_eq!(wire.given(&server), 1);
    let another = store.counter().await.unwrap();
    assert_eq!(another.next().await.unwrap(), 1);
    assert_ne!(counter, another);
    assert_eq!(wire.given(&server), 2);
}

#[tokio::test]
async fn a_reference_that_nobody_has_given_is_gone() {
    let (server, _) = start(On::Ruby).await;
    // Ruby's drb gives `nil` for 8.
    let reference = drb::Reference::new(On::Ruby.elsewhere(&server), drb::ObjectId::Number(8));
    let object = drb::Client::new().remote(reference);
    let object: drb::Object = drb::Proxy::from_remote(object);
    let error = object.call::<String>("to_s", ()).await.unwrap_err();
    assert!(matches!(&error, Error::Gone(exception) if exception.class == "RangeError"));
    assert_eq!(error.outcome(), Outcome::NotExecuted);
}

#[tokio::test]
async fn an_object_of_this_process_is_called_without_the_network() {
    let server = drb::start_service("druby://127.0.0.1:0", Store::default()).await.unwrap();
    let front = drb::Reference::new(server.uri(), drb::ObjectId::Front);
    let store: StoreProxy = drb::Proxy::from_remote(drb::Client::new().remote(front));
    assert_eq!(store.inc("a", 2).await.unwrap(), 2);
    assert_eq!(store.slow_get("a").await.unwrap(), 2);
    assert_eq!(store.blocking_get("a").await.unwrap(), 2);
    assert_eq!(store.peer().await.unwrap(), "this process");
    assert_eq!(store.counter().await.unwrap().next().await.unwrap(), 1);
    let error = store.get("b").await.unwrap_err();
    assert_eq!(error, CallError::Method("no `b`".to_owned()));
    assert!(server.drain(Duration::from_secs(5)).await);
    drop(server);
    assert!(matches!(store.inc("a", 1).await, Err(Error::Stopped)));
}

async fn the_context_says_who_calls(wire: On) {
    let (_server, store) = start(wire).await;
    let peer = store.peer().await.unwrap();
    let from = if wire == On::Local { "this process" } else { "127.0.0.1:" };
    assert!(peer.starts_with(from), "{peer}");
}

async fn an_object_has_one_reference(wire: On) {
    let counter: Arc<drb::Exclusive<Counter>> = Arc::new(Counter::default().into());
    let store = Store { shared: Some(Arc::clone(&counter)), ..Store::default() };
    let server = drb::start_service(wire.at(), store).await.unwrap();
    let store = StoreProxy::connect(&wire.elsewhere(&server)).await.unwrap();
    let (one, two) = (store.counter().await.unwrap(), store.counter().await.unwrap());
    assert_eq!(one, two);
    assert_eq!(one.next().await.unwrap(), 1);
    assert_eq!(two.next().await.unwrap(), 2);
    assert_eq!(wire.given(&server), 1);
    // The program goes on using its object.
    assert_eq!(counter.read().await.count, 2);
}
