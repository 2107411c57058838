//! `#[drb::service]` on an impl of a type's own methods.

use crate::wires::{On, everywhere};
use drb::{Service, start_service};
use std::sync::Mutex;

#[derive(Default)]
struct Store {
    count: Mutex<u64>,
    name: String,
}

#[drb::service]
impl Store {
    #[drb(name = "inc!", alias = "increment", alias = "+")]
    pub fn inc(&self, key: &str, by: u64) -> u64 {
        let mut count = self.count.lock().unwrap();
        *count += by + key.len() as u64;
        *count
    }

    /// What is borrowed from the object is copied to the caller.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub async fn slow_name(&self) -> Option<&String> {
        tokio::task::yield_now().await;
        Some(&self.name)
    }

    #[drb(blocking)]
    pub fn total<'a>(&'a self, keys: &'a [String]) -> u64 {
        // This would panic on a thread of the runtime.
        let sum = tokio::runtime::Handle::current().block_on(async { keys.len() as u64 });
        sum + *self.count.lock().unwrap()
    }

    pub fn peer(&self, #[drb(context)] call: &drb::Context, extra: u8) -> String {
        format!("{} {:?} {extra}", call.peer(), call.wire())
    }

    pub fn owned_context(&self, #[drb(context)] call: drb::Context) -> bool {
        matches!(call.peer(), drb::Peer::Tcp(_))
    }

    #[drb(skip)]
    pub fn skipped(&self) {}

    pub fn new(name: &str) -> Self {
        let new = Self { count: Mutex::new(0), name: name.to_owned() };
        new.internal();
        new.skipped();
        new
    }

    fn internal(&self) {}

    #[cfg(any())]
    pub fn never(&self, _there: NoSuchType) {}

    #[cfg(not(any()))]
    #[allow(clippy::unused_unit)]
    pub fn always(&self) -> () {}

    #[deprecated = "for a test"]
    pub fn r#type(&self, r#fn: u8) -> u8 {
        r#fn
    }
}

/// Parameters with the names of what is generated.
#[derive(Default)]
struct Shadow;

#[drb::service]
impl Shadow {
    #[allow(clippy::too_many_arguments)]
    pub async fn go(
        &self,
        call: u8,
        args: u8,
        reply: u8,
        target: u8,
        object: u8,
        result: u8,
    ) -> u8 {
        call + args + reply + target + object + result
    }

    pub fn keywords(
        &self,
        call: u8,
        #[drb(keyword)] keywords: u8,
        #[drb(keyword)] dumper: u8,
    ) -> u8 {
        call + keywords + dumper
    }
}

#[drb::service(class = "Bank::Account")]
struct Account<T>(T);

#[drb::service]
impl<T: Clone + Send + Sync + 'static> Account<T>
where
    Option<T>: Sized,
{
    pub fn value(&self) -> T {
        self.0.clone()
    }

    pub async fn later(&self) -> Option<T> {
        Some(self.0.clone())
    }

    pub fn same(&self, value: T) -> bool
    where
        T: PartialEq,
    {
        self.0 == value
    }
}

/// Exported objects own all that they hold, so `'a` is `'static` there.
struct View<'a>(&'a str);

#[drb::service]
impl<'a> View<'a> {
    pub fn text(&self) -> &'a str {
        self.0
    }

    pub async fn longer(&self, than: &str) -> bool {
        self.0.len() > than.len()
    }
}

#[drb::service(class = "Door")]
enum Gate {
    Open,
}

#[drb::service]
impl Gate {
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Open)
    }
}

fn names<T: Service>() -> Vec<&'static str> {
    T::methods().iter().map(|method| method.info.name).collect()
}

#[test]
fn the_whitelist_is_sorted_and_has_the_public_methods() {
    assert_eq!(
        names::<Store>(),
        [
            "+",
            "always",
            "inc!",
            "increment",
            "name",
            "owned_context",
            "peer",
            "slow_name",
            "total",
            "type"
        ]
    );
    let increment = &Store::methods()[2].info;
    assert_eq!(increment.result, "u64");
    let params: Vec<_> = increment.params.iter().map(|param| (param.name, param.ty)).collect();
    assert_eq!(params, [("key", "&str"), ("by", "u64")]);
}

#[test]
fn the_class_is_that_of_the_impl_or_of_the_type_or_its_name() {
    assert_eq!(Store::CLASS, "Store");
    assert_eq!(Account::<u8>::CLASS, "Bank::Account");
    assert_eq!(Gate::CLASS, "Door");
    assert!(Gate::Open.is_open());
}

everywhere!(
    calls_of_all_kinds,
    parameters_may_have_any_name,
    generic_services,
    services_with_lifetimes,
);

async fn calls_of_all_kinds(wire: On) {
    let server = start_service(wire.at(), Store::new("front")).await.unwrap();
    let store = StoreProxy::connect(&wire.uri(&server)).await.unwrap();
    assert_eq!(store.inc("key", 2).await.unwrap(), 5);
    assert_eq!(store.inc(String::from("key"), 0).await.unwrap(), 8);
    assert_eq!(store.name().await.unwrap(), "front");
    assert_eq!(store.slow_name().await.unwrap().unwrap(), "front");
    assert_eq!(store.total(["a", "b"]).await.unwrap(), 10);
    let peer = store.peer(7).await.unwrap();
    let from = if wire == On::Local { "this process" } else { "127.0.0.1:" };
    assert!(peer.starts_with(from), "{peer}");
    assert!(peer.ends_with(&format!(" {:?} 7", wire.wire())), "{peer}");
    assert_eq!(store.owned_context().await.unwrap(), wire != On::Local);
    store.always().await.unwrap();
    #[allow(deprecated)]
    let ty = store.r#type(3).await.unwrap();
    assert_eq!(ty, 3);
    let object = drb::Object::connect(&wire.uri(&server)).await.unwrap();
    assert_eq!(object.call::<u64>("increment", ("", 2)).await.unwrap(), 10);
    assert_eq!(object.call::<u64>("+", ("", 2)).await.unwrap(), 12);
    for hidden in ["skipped", "internal", "new", "inc", "never"] {
        let error = object.call::<()>(hidden, ()).await.unwrap_err();
        assert!(matches!(error, drb::Error::NoMethod { .. }), "{hidden}: {error:?}");
    }
}

async fn parameters_may_have_any_name(wire: On) {
    let server = start_service(wire.at(), Shadow).await.unwrap();
    let shadow = ShadowProxy::connect(&wire.uri(&server)).await.unwrap();
    assert_eq!(shadow.go(1, 2, 3, 4, 5, 6).await.unwrap(), 21);
    assert_eq!(shadow.keywords(1, 2, 3).await.unwrap(), 6);
}

async fn generic_services(wire: On) {
    let server = start_service(wire.at(), Account(7_u64)).await.unwrap();
    let account = AccountProxy::<u64>::connect(&wire.uri(&server)).await.unwrap();
    assert_eq!(account.value().await.unwrap(), 7);
    assert_eq!(account.later().await.unwrap(), Some(7));
    assert!(account.same(7).await.unwrap());
    assert_eq!(account.clone(), account);
}

async fn services_with_lifetimes(wire: On) {
    let server = start_service(wire.at(), View("text")).await.unwrap();
    let view = ViewProxy::connect(&wire.uri(&server)).await.unwrap();
    assert_eq!(view.text().await.unwrap(), "text");
    assert!(view.longer("x").await.unwrap());
}
