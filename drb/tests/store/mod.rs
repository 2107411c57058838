//! A shared store, written out.
// Not every test calls everything.
#![allow(dead_code, unreachable_pub)]

use drb::{
    Arg, Call, Context, DumpError, Dumper, Error, Exclusive, LoadError, Loader, Outbound, Proxy,
    Remote, Service,
    dispatch::{Incoming, IntoObject, Invoked, Method, MethodInfo, ParamInfo, ParamKind},
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

/// An object whose methods all take `&self`.
#[derive(Default)]
pub struct Store {
    pub entries: Mutex<HashMap<String, u64>>,
    pub shared: Option<Arc<Exclusive<Counter>>>,
}

impl Store {
    pub fn inc(&self, key: &str, by: u64) -> u64 {
        let mut entries = self.entries.lock().unwrap();
        let value = entries.entry(key.to_owned()).or_default();
        *value += by;
        *value
    }

    pub fn get(&self, key: &str) -> Result<u64, String> {
        self.entries.lock().unwrap().get(key).copied().ok_or_else(|| format!("no `{key}`"))
    }

    pub async fn slow_get(&self, key: String) -> Result<u64, String> {
        tokio::time::sleep(Duration::from_millis(1)).await;
        self.get(&key)
    }

    pub async fn sleep(&self, milliseconds: u64) -> u64 {
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        self.inc("slept", 1)
    }

    pub fn describe(&self, what: &str, unit: &str) -> String {
        format!("{what} in {unit}")
    }

    pub fn echo(&self, value: drb::Value) -> drb::Value {
        value
    }

    pub fn counter(&self) -> Arc<Exclusive<Counter>> {
        self.shared.clone().unwrap_or_else(|| Arc::new(Counter::default().into()))
    }

    pub fn peer(&self, context: &Context) -> String {
        context.peer().to_string()
    }
}

const fn param(name: &'static str, kind: ParamKind, ty: &'static str) -> ParamInfo {
    ParamInfo { name, kind, ty }
}

macro_rules! method {
    ($name:literal, $params:expr, $result:literal, $invoke:expr $(,)?) => {
        Method {
            info: MethodInfo {
                name: $name,
                params: &$params,
                result: $result,
                exclusive: false,
                no_cancel: false,
            },
            invoke: $invoke,
        }
    };
}

const KEY: ParamInfo = param("key", ParamKind::Required, "&str");

impl Service for Store {
    type Cell = Self;
    type Proxy = StoreProxy;
    const CLASS: &'static str = "Store";

    fn methods() -> &'static [Method<Self>] {
        // In the order of the names.
        const {
            &[
                method!("blocking_get", [KEY], "Result<u64, String>", blocking_get),
                method!("counter", [], "Counter", counter),
                method!(
                    "describe",
                    [
                        param("what", ParamKind::Required, "&str"),
                        param("unit", ParamKind::Keyword, "&str"),
                    ],
                    "String",
                    describe,
                ),
                method!("echo", [KEY], "Value", echo),
                method!(
                    "echo_many",
                    [param("values", ParamKind::Rest, "Vec<Value>")],
                    "Vec<Value>",
                    echo_many
                ),
                method!("get", [KEY], "Result<u64, String>", get),
                method!("inc", [KEY, param("by", ParamKind::Required, "u64")], "u64", inc),
                method!("panic", [param("mode", ParamKind::Required, "&str")], "u64", panic),
                method!("peer", [], "String", peer),
                method!("sleep", [KEY], "u64", sleep),
                method!("slow_get", [KEY], "Result<u64, String>", slow_get),
            ]
        }
    }

    fn into_cell(self) -> Self {
        self
    }
}

fn inc(target: Arc<Store>, call: &mut Incoming<'_>) -> Invoked {
    let loaded = call.load(|args| {
        args.expect(2, 0, false, false)?;
        Ok((args.required::<String>("key")?, args.required::<u64>("by")?))
    });
    match loaded {
        Ok(((key, by), reply)) => Invoked::Done(reply.result(target.inc(&key, by))),
        Err(refused) => refused,
    }
}

fn get(target: Arc<Store>, call: &mut Incoming<'_>) -> Invoked {
    match call.load(one::<String>) {
        Ok((key, reply)) => Invoked::Done(reply.result(target.get(&key))),
        Err(refused) => refused,
    }
}

fn echo(target: Arc<Store>, call: &mut Incoming<'_>) -> Invoked {
    match call.load(one::<drb::Value>) {
        Ok((value, reply)) => Invoked::Done(reply.result(target.echo(value))),
        Err(refused) => refused,
    }
}

fn echo_many(_: Arc<Store>, call: &mut Incoming<'_>) -> Invoked {
    let loaded = call.load(|args| {
        args.expect(0, 0, true, false)?;
        args.rest::<drb::Value>("values")
    });
    match loaded {
        Ok((values, reply)) => Invoked::Done(reply.result(values)),
        Err(refused) => refused,
    }
}

fn slow_get(target: Arc<Store>, call: &mut Incoming<'_>) -> Invoked {
    match call.load(one::<String>) {
        Ok((key, reply)) => {
            Invoked::run(reply, |reply| async move { reply.result(target.slow_get(key).await) })
        }
        Err(refused) => refused,
    }
}

fn sleep(target: Arc<Store>, call: &mut Incoming<'_>) -> Invoked {
    match call.load(one::<u64>) {
        Ok((time, reply)) => {
            Invoked::run(reply, |reply| async move { reply.result(target.sleep(time).await) })
        }
        Err(refused) => refused,
    }
}

fn blocking_get(target: Arc<Store>, call: &mut Incoming<'_>) -> Invoked {
    match call.load(one::<String>) {
        Ok((key, reply)) => Invoked::block(reply, move |reply| {
            std::thread::sleep(Duration::from_millis(1));
            reply.result(target.get(&key))
        }),
        Err(refused) => refused,
    }
}

fn describe(target: Arc<Store>, call: &mut Incoming<'_>) -> Invoked {
    let loaded = call.load(|args| {
        args.expect(1, 0, false, true)?;
        let what = args.required::<String>("what")?;
        let mut unit = None;
        let mut keywords = args.keywords()?;
        while let Some(index) = keywords.next(&["unit"])? {
            match index {
                0 => unit = Some(keywords.value::<String>()?),
                _ => return Err(keywords.unknown()),
            }
        }
        Ok((what, unit.unwrap_or_else(|| "pieces".to_owned())))
    });
    match loaded {
        Ok(((what, unit), reply)) => Invoked::Done(reply.result(target.describe(&what, &unit))),
        Err(refused) => refused,
    }
}

fn counter(target: Arc<Store>, call: &mut Incoming<'_>) -> Invoked {
    match call.load(|args| args.expect(0, 0, false, false)) {
        Ok(((), reply)) => Invoked::Done(reply.result(Exported(target.counter()))),
        Err(refused) => refused,
    }
}

fn peer(target: Arc<Store>, call: &mut Incoming<'_>) -> Invoked {
    let context = call.context();
    match call.load(|args| args.expect(0, 0, false, false)) {
        Ok(((), reply)) => Invoked::Done(reply.result(target.peer(&context))),
        Err(refused) => refused,
    }
}

fn panic(_: Arc<Store>, call: &mut Incoming<'_>) -> Invoked {
    match call.load(one::<String>) {
        Ok((mode, reply)) => match mode.as_str() {
            "async" => Invoked::run(reply, |reply| async move {
                tokio::task::yield_now().await;
                if mode == "async" {
                    panic!("a {mode} panic");
                }
                reply.result(0_u64)
            }),
            "blocking" => Invoked::block(reply, |_| panic!("a blocking panic")),
            _ => panic!("a {mode} panic"),
        },
        Err(refused) => refused,
    }
}

/// The arguments of a method that takes one.
fn one<T: drb::Load>(args: &mut drb::dispatch::Args<'_>) -> Result<T, LoadError> {
    args.expect(1, 0, false, false)?;
    args.required("key")
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StoreProxy(Remote);

impl StoreProxy {
    pub async fn connect(uri: &str) -> Result<Self, Error> {
        drb::__private::connect(uri).await
    }

    pub fn inc(&self, key: impl Arg<String>, by: impl Arg<u64>) -> Call<u64> {
        let mut call = self.0.begin("inc", 2);
        call.arg::<String>(key);
        call.arg::<u64>(by);
        call.call()
    }

    pub fn get(&self, key: impl Arg<String>) -> Call<Result<u64, String>> {
        self.one("get", key)
    }

    pub fn slow_get(&self, key: impl Arg<String>) -> Call<Result<u64, String>> {
        self.one("slow_get", key)
    }

    pub fn blocking_get(&self, key: impl Arg<String>) -> Call<Result<u64, String>> {
        self.one("blocking_get", key)
    }

    pub fn panic(&self, mode: impl Arg<String>) -> Call<u64> {
        self.one("panic", mode)
    }

    pub fn echo(&self, value: impl Arg<drb::Value>) -> Call<drb::Value> {
        let mut call = self.0.begin("echo", 1);
        call.arg::<drb::Value>(value);
        call.call()
    }

    pub fn sleep(&self, milliseconds: impl Arg<u64>) -> Call<u64> {
        let mut call = self.0.begin("sleep", 1);
        call.arg::<u64>(milliseconds);
        call.call()
    }

    pub fn counter(&self) -> Call<Exported> {
        self.0.begin("counter", 0).call()
    }

    pub fn peer(&self) -> Call<String> {
        self.0.begin("peer", 0).call()
    }

    fn one<R>(&self, method: &str, argument: impl Arg<String>) -> Call<R> {
        let mut call = self.0.begin(method.to_owned(), 1);
        call.arg::<String>(argument);
        call.call()
    }
}

impl Proxy for StoreProxy {
    fn from_remote(remote: Remote) -> Self {
        Self(remote)
    }

    fn remote(&self) -> &Remote {
        &self.0
    }
}

/// An object with a method that takes `&mut self`.
#[derive(Debug, Default)]
pub struct Counter {
    pub count: u64,
}

impl Counter {
    pub fn next(&mut self) -> u64 {
        self.count += 1;
        self.count
    }
}

impl Service for Counter {
    type Cell = Exclusive<Self>;
    type Proxy = CounterProxy;
    const CLASS: &'static str = "Counter";

    fn methods() -> &'static [Method<Exclusive<Self>>] {
        fn next(target: Arc<Exclusive<Counter>>, call: &mut Incoming<'_>) -> Invoked {
            match call.load(|args| args.expect(0, 0, false, false)) {
                Ok(((), reply)) => {
                    Invoked::write(target, reply, |counter, reply| reply.result(counter.next()))
                }
                Err(refused) => refused,
            }
        }
        const {
            &[Method {
                info: MethodInfo {
                    name: "next",
                    params: &[],
                    result: "u64",
                    exclusive: false,
                    no_cancel: false,
                },
                invoke: next,
            }]
        }
    }

    fn into_cell(self) -> Exclusive<Self> {
        Exclusive::new(self)
    }
}

/// What `#[derive(DrbUndumped)]` says of a type: it arrives as its proxy.
pub struct Exported(pub Arc<Exclusive<Counter>>);

impl Outbound for Exported {
    type Arrives = CounterProxy;

    fn send(self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        dumper.export(self.0.into_object())
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CounterProxy(Remote);

impl CounterProxy {
    pub fn next(&self) -> Call<u64> {
        self.0.begin("next", 0).call()
    }
}

impl Proxy for CounterProxy {
    fn from_remote(remote: Remote) -> Self {
        Self(remote)
    }

    fn remote(&self) -> &Remote {
        &self.0
    }
}

/// References, as which both proxies travel.
macro_rules! reference {
    ($($proxy:ident),*) => {$(
        impl drb::Dump for $proxy {
            fn dump(&self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
                self.0.dump(dumper)
            }
        }

        impl drb::Load for $proxy {
            fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError> {
                Remote::load(loader).map(Self)
            }
        }
    )*};
}

reference!(StoreProxy, CounterProxy);
