//! Calls without blocks: values, references and callbacks, exceptions, limits, who may call what.

use super::{There, home};
use drb::{Error, Limit, Limits, Object, Outcome, Value, keywords, prelude::*, start_service};
use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
    time::Duration,
};
use tokio::time::Instant;

/// An object of this process that Ruby takes for a number.
#[derive(DrbUndumped)]
struct Number(i64);

#[drb::service]
impl Number {
    pub fn to_i(&self) -> i64 {
        self.0
    }

    pub async fn nap(&self, seconds: f64) -> i64 {
        tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
        self.0
    }
}

/// One that isn't a number after all.
#[derive(DrbUndumped)]
struct Odd;

#[drb::service]
impl Odd {
    pub fn to_i(&self) -> Result<i64, OddError> {
        Err(OddError { digits: "three".to_owned() })
    }
}

/// Ruby doesn't know the class.
#[derive(Debug, Clone, PartialEq, thiserror::Error, DrbError)]
#[error("{digits} is odd")]
#[drb(class = "Suite::OddError")]
struct OddError {
    digits: String,
}

#[derive(DrbUndumped)]
struct Counting;

#[drb::service]
impl Counting {
    pub fn count(&self, #[drb(rest)] values: Vec<i64>) -> usize {
        values.len()
    }

    pub fn size_of(&self, text: String) -> usize {
        text.len()
    }
}

/// What `Suite::Core` in `tests/ruby/suite.rb` takes and gives.
#[drb::service]
trait Core {
    fn total(&self, a: NumberProxy, b: i64, c: i64) -> i64;
    #[drb(name = "sum")]
    fn total_of(&self, #[drb(rest)] numbers: Vec<NumberProxy>) -> i64;
    fn echo(&self, object: NumberProxy) -> NumberProxy;
    fn look_at(&self, object: NumberProxy) -> (String, bool, bool, bool);
    #[drb(name = "same?")]
    fn same(&self, one: NumberProxy, other: NumberProxy) -> bool;
    fn hang(&self, object: NumberProxy) -> i64;
    fn wait_for(&self, object: NumberProxy) -> i64;
    fn keep_object(&self, object: NumberProxy);
    fn kept_object(&self) -> NumberProxy;
    fn call_kept_object(&self) -> i64;
    fn call_with_many(&self, object: CountingProxy, count: usize) -> usize;
    fn call_with_large(&self, object: CountingProxy, size: usize) -> usize;
    fn child(&self) -> ChildProxy;
    #[drb(name = "child?")]
    fn is_child(&self, object: ChildProxy) -> bool;
}

/// The same object, seen by one that passes what isn't a number.
#[drb::service]
trait OddCore {
    fn total(&self, a: OddProxy, b: i64, c: i64) -> Result<i64, OddError>;
    fn rescue_from(&self, object: OddProxy) -> String;
}

#[drb::service]
trait Child {
    fn name(&self) -> String;
}

async fn start() -> (There, CoreProxy, Object) {
    let there = There::start("core").await;
    let (core, object) = (there.front().await, there.object().await);
    (there, core, object)
}

#[tokio::test]
async fn an_argument_by_reference_is_called_back() {
    let (_there, core, object) = start().await;
    assert_eq!(object.call::<String>("hello", ()).await.unwrap(), "hello");
    let three = Arc::new(Number(3));
    for _ in 0..50 {
        assert_eq!(core.total(&three, 1, 2).await, Ok(6));
        // An object of Ruby's within a container: the container stays there as a whole.
        let household: Object = object.call("household", ()).await.unwrap();
        assert_eq!(household.call::<usize>("size", ()).await, Ok(2));
    }
    assert_eq!(core.total(Number(4), 1, 2).await, Ok(7), "given away with the call");
    let numbers = [Arc::clone(&three), Arc::new(Number(5)), three.clone()];
    assert_eq!(core.total_of(numbers).await, Ok(11));
    let looks = core.look_at(&three).await.unwrap();
    assert_eq!(looks, ("DRb::DRbObject".to_owned(), true, true, false));
}

#[tokio::test]
async fn an_object_is_called_for_as_long_as_it_is_kept() {
    let (_there, core, _) = start().await;
    let number = Arc::new(Number(5));
    core.keep_object(&number).await.unwrap();
    assert_eq!(core.call_kept_object().await, Ok(5));
    let back = core.kept_object().await.unwrap();
    assert_eq!(back.to_i().await, Ok(5));
    assert_eq!(core.echo(&back).await.unwrap(), back);
    assert!(core.same(&back, &number).await.unwrap(), "one object has one reference");
    assert!(!core.same(&back, Number(5)).await.unwrap());
}

#[tokio::test]
async fn servers_of_one_process() {
    let (_there, core, _) = start().await;
    let mut servers = Vec::new();
    let numbers = [1, 2, 3].map(|number| Arc::new(Number(number)));
    for number in &numbers {
        servers.push(start_service(&super::place(), Arc::clone(number)).await.unwrap());
    }
    assert_eq!(core.total_of(&numbers).await, Ok(6));
    // The same through the address that each has.
    let mut proxies = Vec::new();
    for server in &servers {
        proxies.push(NumberProxy::connect(server.uri()).await.unwrap());
    }
    assert_eq!(core.total_of(&proxies).await, Ok(6));
    let back = core.echo(&proxies[1]).await.unwrap();
    assert_eq!((back.to_i().await, &back), (Ok(2), &proxies[1]));
    for server in servers {
        assert!(server.drain(Duration::from_secs(5)).await);
    }
    let gone = core.total(&proxies[0], 1, 1).await.unwrap_err();
    assert_eq!(gone.exception().map(|gone| &*gone.class), Some("DRb::DRbConnError"), "{gone:?}");
}

#[tokio::test]
async fn what_an_object_responds_to() {
    let (_there, _, object) = start().await;
    assert!(object.respond_to("sum").await.unwrap());
    assert!(object.respond_to("conjured").await.unwrap());
    assert!(!object.respond_to("secret").await.unwrap());
    assert!(!object.respond_to("absent").await.unwrap());
    let asked = object.call::<bool>("respond_to?", ("secret", true));
    assert!(asked.await.unwrap(), "private ones, where these are asked for");
}

#[tokio::test]
async fn who_may_call_what() {
    let (_there, _, object) = start().await;
    for (method, message) in [
        ("secret", "private method"),
        ("eval", "private method"),
        ("guarded_secret", "protected method"),
        ("absent", "undefined method"),
    ] {
        match object.call::<Value>(method, ()).await.unwrap_err() {
            Error::NoMethod(exception) => {
                assert!(exception.message.starts_with(message), "{exception}");
                assert!(exception.message.contains(method), "{exception}");
            }
            other => panic!("{method}: {other:?}"),
        }
    }
    // Ruby closes without a word, and goes on.
    let insecure = object.call::<Value>("__send__", ("to_s",)).await.unwrap_err();
    assert!(matches!(insecure, Error::ConnectionLost { .. }), "{insecure:?}");
    assert_eq!(object.call::<Vec<u8>>("conjured", (1, 2)).await.unwrap(), [1, 2]);

    let bare: Object = object.call("bare", ()).await.unwrap();
    assert_eq!(bare.call::<u8>("one", ()).await, Ok(1));
    for method in ["guarded", "hidden", "absent"] {
        let error = bare.call::<Value>(method, ()).await.unwrap_err();
        assert!(matches!(error, Error::NoMethod(_)), "{method}: {error:?}");
    }
}

#[tokio::test]
async fn arguments_by_name() {
    let (_there, _, object) = start().await;
    assert_eq!(object.call::<u8>("by_name", keywords([("size", 42)])).await, Ok(42));
    let default = object.call::<String>("by_name_with_default", ());
    assert_eq!(default.await.unwrap(), "large");
    assert_eq!(object.call::<u8>("by_name_with_default", keywords([("size", 4)])).await, Ok(4));
    type All = (u8, Vec<u8>, BTreeMap<String, u8>);
    let all = object.call::<All>("all_by_name", (1, 2, keywords([("a", 3), ("b", 4)])));
    let named = BTreeMap::from([("a".to_owned(), 3), ("b".to_owned(), 4)]);
    assert_eq!(all.await.unwrap(), (1, vec![2], named));
    for (method, wrong) in [("by_name", "missing keyword: :size"), ("by_name_with_default", "unkn")]
    {
        let arguments = if method == "by_name" { vec![] } else { vec![("colour", 1)] };
        let error = object.call::<Value>(method, keywords(arguments)).await.unwrap_err();
        let exception = error.exception().unwrap();
        assert_eq!(exception.class, "ArgumentError");
        assert!(exception.message.starts_with(wrong), "{exception}");
    }
}

#[tokio::test]
async fn classes_and_exceptions_that_one_side_does_not_know() {
    let (_there, _, object) = start().await;
    // Values of unknown classes: inert here, themselves again there.
    for (method, class) in [("crate", "Suite::Crate"), ("deep_crate", "Suite::Deep::Crate")] {
        let value: Value = object.call(method, ()).await.unwrap();
        assert_eq!(value.class(), class);
        assert_eq!(value.get("label"), Some(&Value::from("fragile")));
        let known = object.call::<bool>("crate?", (&value,)).await;
        assert_eq!(known, Ok(true), "{class}");
    }
    // An exception of Ruby's that is unknown here.
    match object.call::<Value>("trouble", ()).await.unwrap_err() {
        Error::Raised(exception) => {
            assert_eq!(exception.class, "Suite::Deep::Trouble");
            assert_eq!(exception.message, "deep trouble");
        }
        other => panic!("{other:?}"),
    }
    // An exception of ours that is unknown there: on its way through, and as Ruby rescues it.
    let odd_core: OddCoreProxy = object.through();
    let odd = OddError { digits: "three".to_owned() };
    assert_eq!(odd_core.total(Odd, 1, 2).await, Err(CallError::Method(odd)));
    let rescued = odd_core.rescue_from(Odd).await.unwrap();
    assert_eq!(rescued, "DRb::DRbUnknownError: Suite::OddError");
}

#[tokio::test]
async fn an_exception_that_cannot_be_dumped() {
    let (_there, _, object) = start().await;
    match object.call::<Value>("undumpable_error", ()).await.unwrap_err() {
        Error::Raised(exception) => {
            assert_eq!(exception.class, "DRb::DRbRemoteError");
            assert_eq!(exception.field("reason"), Some(&Value::from("NoMethodError")));
            assert!(exception.message.starts_with("undefined method"), "{exception}");
            assert!(exception.message.ends_with("(NoMethodError)"), "{exception}");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn limits_of_the_server() {
    let (_there, _, object) = start().await;
    assert_eq!(object.call::<u8>("sum", [1; 8]).await, Ok(8));
    let text = "x".repeat(4080);
    assert_eq!(object.call::<usize>("bytes", (&text,)).await, Ok(4080));
    for (call, message) in [
        (object.call::<Value>("sum", vec![Value::from(1); 9]), "too many arguments"),
        (object.call("bytes", ("x".repeat(4096),)), "too large packet"),
    ] {
        let error = call.await.unwrap_err();
        let exception = error.exception().unwrap_or_else(|| panic!("{message}: {error:?}"));
        assert_eq!(exception.class, "DRb::DRbConnError");
        assert!(exception.message.starts_with(message), "{exception}");
        assert_ne!(error.outcome(), Outcome::Executed);
    }
}

#[tokio::test]
async fn limits_of_ours() {
    let (there, core, _) = start().await;
    // Toward a reply.
    let limits = Limits { frame: 1000, ..Limits::default() };
    let client = drb::Client::builder().limits(limits).build();
    let object: Object = client.connect(there.server.uri()).await.unwrap();
    assert_eq!(object.call::<String>("reply_of", (980,)).await.unwrap().len(), 980);
    let error = object.call::<String>("reply_of", (1000,)).await.unwrap_err();
    assert!(matches!(error, Error::Load(_)), "{error:?}");
    assert_eq!(error.outcome(), Outcome::Executed);
    assert_eq!(object.call::<String>("hello", ()).await.unwrap(), "hello");

    // Toward a callback: Ruby is told by its own words, and passes it on to us.
    let limits = Limits { frame: 1000, arguments: 4, ..Limits::default() };
    let counting = Arc::new(Counting);
    let server = drb::Server::builder().front(Arc::clone(&counting)).limits(limits);
    let server = server.start(&super::place()).await.unwrap();
    let counting = CountingProxy::connect(server.uri()).await.unwrap();
    assert_eq!(core.call_with_many(&counting, 4).await, Ok(4));
    assert_eq!(core.call_with_large(&counting, 900).await, Ok(900));
    for (call, expected) in [
        (core.call_with_many(&counting, 5), Limit::Arguments),
        (core.call_with_large(&counting, 1000), Limit::Frame),
    ] {
        match call.await.unwrap_err() {
            Error::Limit { limit, .. } => assert_eq!(limit, expected),
            other => panic!("{expected:?}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn references_are_equal_when_they_mean_the_same() {
    let (there, core, object) = start().await;
    let household: Object = object.call("household", ()).await.unwrap();
    let first: Object = household.call("[]", (0,)).await.unwrap();
    let again: Object = household.call("[]", (0,)).await.unwrap();
    assert_eq!((&first, &first), (&again, &object), "the front is one of them");
    assert_eq!(HashSet::from([first.clone(), again, object.clone()]).len(), 1);

    let child = core.child().await.unwrap();
    let second: Object = household.call("[]", (1,)).await.unwrap();
    assert_eq!(second.through::<ChildProxy>(), child);
    assert_ne!(second, first);
    assert_eq!(child.name().await.unwrap(), "child");
    // Ruby finds that it is the object itself.
    assert!(core.is_child(&child).await.unwrap());
    assert_eq!(child.remote().reference().uri(), Some(there.server.uri()));
}

#[tokio::test]
async fn named_objects() {
    let (there, _, object) = start().await;
    let foo = there.named("foo").await;
    assert_eq!(foo.call::<usize>("size", ()).await, Ok(3), "the String \"foo\"");
    assert_eq!(foo.reference().uri(), object.reference().uri());
    assert_ne!(foo, object);
    for name in ["", "hello?world", "?hello?world"] {
        let named = there.named(name).await;
        let said: String = named.call("to_s", ()).await.unwrap();
        assert_eq!(said, name);
        assert_eq!(named.reference().uri(), object.reference().uri(), "{name:?}");
    }
}

#[tokio::test]
async fn a_callback_that_hangs() {
    let (_there, core, _) = start().await;
    let number = Arc::new(Number(10));
    let begun = Instant::now();
    for _ in 0..2 {
        match core.hang(&number).await.unwrap_err() {
            Error::Raised(exception) => assert_eq!(exception.class, "Timeout::Error"),
            other => panic!("{other:?}"),
        }
    }
    // Our own deadline, while Ruby waits for us.
    let late = core.wait_for(&number).deadline(Duration::from_millis(200)).await.unwrap_err();
    assert!(matches!(late, Error::DeadlineExceeded { .. }), "{late:?}");
    assert_eq!(late.outcome(), Outcome::Unknown);
    assert!(begun.elapsed() < Duration::from_secs(5), "nobody has waited for the nap");
    assert_eq!(core.total(&number, 1, 2).await, Ok(13));
}

#[tokio::test]
async fn a_hash_and_an_array_by_reference() {
    let (_there, _, object) = start().await;
    let colours: Object = object.call("colours", ()).await.unwrap();
    assert_eq!(colours.call::<usize>("size", ()).await, Ok(2));
    assert_eq!(colours.call::<String>("[]", ("red",)).await.unwrap(), "warm");
    let keys = colours.call::<Vec<String>>("keys", ()).await.unwrap();
    assert_eq!(keys, ["red", "blue"]);
    let shelves: Object = object.call("shelves", ()).await.unwrap();
    let shelf: Object = shelves.call("[]", ("b",)).await.unwrap();
    assert_eq!(shelf.call::<u8>("last", ()).await, Ok(2));
    let values: Object = shelves.call("values", ()).await.unwrap();
    assert_eq!(values.call::<Object>("[]", (1,)).await, Ok(shelf));
}

#[tokio::test]
async fn calls_of_ones_own_server() {
    let home = Object::connect(home().uri()).await.unwrap();
    assert_eq!(home.call::<String>("to_s", ()).await.unwrap(), "#<Home>");
}
