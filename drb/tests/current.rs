//! Calls within calls: which server they go through, how deep they may go, and what would wait for
//! itself.

mod wires;

use drb::{Block, DrbUndumped, Error, Exclusive, Holder, Limit, Limits, Proxy, Server, by_ref};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use wires::{On, on_both_wires};

fn port(server: &Server) -> &str {
    server.uri().rsplit(':').next().unwrap()
}

async fn start<T: drb::IntoFront>(front: T) -> Server {
    drb::start_service((), front).await.unwrap()
}

/// Tells where it is told that it is.
#[derive(DrbUndumped)]
struct Guide {
    other: GuideProxy,
}

fn here() -> String {
    drb::current_server().unwrap().uri().to_owned()
}

#[drb::service]
impl Guide {
    pub fn in_place(&self) -> String {
        here()
    }

    pub async fn later(&self) -> (String, String) {
        let first = here();
        tokio::time::sleep(Duration::from_millis(10)).await;
        (first, here())
    }

    #[drb(blocking)]
    pub fn blocking(&self) -> String {
        here()
    }

    pub async fn spawned(&self) -> String {
        tokio::spawn(async { here() }).await.unwrap()
    }

    pub fn uri_of(&self, object: drb::Object) -> Option<String> {
        object.reference().uri().map(str::to_owned)
    }

    /// Passes an object of this server on to another one.
    pub async fn pass_on(&self) -> drb::Result<Option<String>> {
        self.other.uri_of_guide(by_ref(Self { other: self.other.clone() })).await
    }

    pub fn uri_of_guide(&self, guide: GuideProxy) -> Option<String> {
        guide.remote().reference().uri().map(str::to_owned)
    }

    /// Calls the other server within the process, and from there this one.
    pub async fn both(&self) -> drb::Result<(String, String)> {
        let there = self.other.in_place().await?;
        Ok((there, here()))
    }
}

/// Three servers, of which the last one is called.
struct Chain {
    first: Server,
    second: Server,
    third: Server,
    /// The way from the third to the second one.
    other: GuideProxy,
}

async fn chain() -> Chain {
    let first = start(()).await;
    // It never calls the other one.
    let placeholder = drb::Client::new().connect(first.uri()).await.unwrap();
    let second = start(Guide { other: placeholder }).await;
    let other = drb::Client::new().connect::<GuideProxy>(second.uri()).await.unwrap();
    let third = start(Guide { other: other.clone() }).await;
    Chain { first, second, third, other }
}

impl Chain {
    /// What a call at the guide does is done by the third one.
    async fn goes_through_the_third(&self, guide: &GuideProxy) {
        let Self { first, second, third, .. } = self;
        assert_eq!(guide.in_place().await.unwrap(), third.uri());
        let twice = (third.uri().to_owned(), third.uri().to_owned());
        assert_eq!(guide.later().await.unwrap(), twice);
        assert_eq!(guide.blocking().await.unwrap(), third.uri());
        assert_eq!(guide.spawned().await.unwrap(), first.uri());
        assert_eq!(guide.pass_on().await.unwrap().as_deref(), Some(third.uri()));
        // It is held for the one that was called, and not for the caller.
        let loopback = Holder::Address([127, 0, 0, 1].into());
        assert_eq!(third.holders(), HashMap::from([(loopback, 1)]));
        assert!(first.holders().is_empty() && second.holders().is_empty());
    }
}

/// Of Ruby's wire, on which references say which server it is.
#[tokio::test]
async fn what_a_call_does_goes_through_its_server() {
    let chain = chain().await;
    let guide = GuideProxy::connect(chain.third.uri()).await.unwrap();
    assert_eq!(here(), chain.first.uri(), "outside of a call it is the first one");
    chain.goes_through_the_third(&guide).await;

    // Within the process, too: kept objects are called without the network.
    let Chain { first, second, third, other } = chain;
    let there = second.keep(Guide { other }).unwrap();
    let guide = third.keep(Guide { other: there }).unwrap();
    assert_eq!(guide.both().await, Ok((second.uri().to_owned(), third.uri().to_owned())));
    assert_eq!(here(), first.uri());
}

/// The same where it came over the native wire. What it passes on over Ruby's says which server it is.
#[tokio::test]
async fn what_a_native_call_does_goes_through_its_server() {
    let chain = chain().await;
    let guide = GuideProxy::connect(&On::Native.elsewhere(&chain.third)).await.unwrap();
    chain.goes_through_the_third(&guide).await;
}

/// On the native wire nobody connects for this.
#[tokio::test]
async fn a_server_on_all_addresses_is_called_back_at_the_one_that_we_call_from() {
    let listening = Server::builder().allow_everyone().start("druby://:0").await.unwrap();
    let peer = start(Guide { other: nobody().await }).await;
    for host in ["127.0.0.1", "localhost"] {
        let uri = peer.uri().replace("127.0.0.1", host);
        let guide = drb::Client::new().connect::<GuideProxy>(&uri).await.unwrap();
        let carried = guide.uri_of_guide(Guide { other: guide.clone() }).await.unwrap();
        assert_eq!(carried, Some(format!("druby://127.0.0.1:{}", port(&listening))));
    }
    let loopback = Holder::Address([127, 0, 0, 1].into());
    assert_eq!(listening.holders(), HashMap::from([(loopback, 2)]));
}

/// A proxy of nothing.
async fn nobody() -> GuideProxy {
    let reference = drb::Reference::new("druby://127.0.0.1:1", drb::ObjectId::Front);
    GuideProxy::from_remote(drb::Client::new().remote(reference))
}

/// Those of the native wire carry nothing.
#[tokio::test]
async fn references_carry_what_is_advertised() {
    let builder = Server::builder().advertise("druby://localhost:0");
    let server = builder.front(Guide { other: nobody().await }).start(()).await.unwrap();
    assert_eq!(server.uri(), format!("druby://localhost:{}", port(&server)));
    let kept = server.keep(Guide { other: nobody().await }).unwrap();
    assert_eq!(kept.remote().reference().uri(), Some(server.uri()));
    let at = format!("druby://127.0.0.1:{}", port(&server));
    let guide = GuideProxy::connect(&at).await.unwrap();
    let carried = guide.uri_of_guide(Guide { other: guide.clone() }).await.unwrap();
    assert_eq!(carried.as_deref(), Some(server.uri()));
    // Either URI means this server.
    for uri in [server.uri(), &at] {
        let id = kept.remote().reference().id().clone();
        let reference = drb::Reference::new(uri, id);
        let kept = GuideProxy::from_remote(drb::Client::new().remote(reference));
        assert!(kept.local::<Guide>().is_some(), "{uri}");
    }
    for (uri, problem) in [
        ("druby://:0", "others need a host"),
        ("druby://host:1?name", "without an option"),
        ("host:1", "doesn't begin with"),
    ] {
        let error = Server::builder().advertise(uri).start(()).await.unwrap_err();
        assert!(matches!(error, Error::BadUri { .. }), "{error:?}");
        assert!(error.to_string().contains(problem), "{error}");
    }
}

/// Calls itself as often as it is told to.
#[derive(DrbUndumped)]
struct Mirror {
    itself: Mutex<Option<MirrorProxy>>,
}

#[drb::service]
impl Mirror {
    pub async fn deeper(&self, times: u64) -> drb::Result<u64> {
        let itself = self.itself.lock().unwrap().clone().unwrap();
        match times {
            0 => Ok(0),
            _ => Ok(itself.deeper(times - 1).await? + 1),
        }
    }
}

#[tokio::test]
async fn recursion_within_the_process_has_an_end() {
    let server = start(()).await;
    let mirror = Arc::new(Mirror { itself: Mutex::default() });
    let proxy = server.keep(Arc::clone(&mirror)).unwrap();
    *mirror.itself.lock().unwrap() = Some(proxy.clone());
    let most = Limits::default().recursion as u64;
    assert_eq!(proxy.deeper(most - 1).await, Ok(most - 1));
    for times in [most, 1_000_000] {
        let error = proxy.deeper(times).await.unwrap_err();
        assert!(matches!(error, Error::Limit { limit: Limit::Recursion, .. }), "{error:?}");
        assert!(error.to_string().contains("the limit `recursion` of 32"), "{error}");
    }
    // A chain that comes in over a connection counts from there.
    let reference = proxy.remote().reference().clone();
    let link = drb::Client::new().connect::<MirrorProxy>(server.uri()).await.unwrap();
    let link = Arc::clone(link.remote().link());
    let outside = MirrorProxy::from_remote(drb::Remote::new(link, reference));
    assert_eq!(outside.deeper(most - 1).await, Ok(most - 1));
    let error = outside.deeper(most).await.unwrap_err();
    assert!(matches!(error, Error::Limit { limit: Limit::Recursion, .. }), "{error:?}");
    *mirror.itself.lock().unwrap() = None;
}

/// Has methods that exclude each other, and calls back from within them.
#[derive(Default, DrbUndumped)]
struct Ledger {
    entries: Vec<u64>,
}

#[drb::service]
impl Ledger {
    pub fn add(&mut self, entry: u64) -> u64 {
        self.entries.push(entry);
        self.entries.len() as u64
    }

    #[drb(blocking)]
    pub fn add_blocking(&mut self, entry: u64) -> u64 {
        self.add(entry)
    }

    pub async fn add_later(&mut self, entry: u64) -> u64 {
        self.add(entry)
    }

    pub fn len(&self) -> u64 {
        self.entries.len() as u64
    }

    pub async fn write_and_ask(&mut self, clerk: ClerkProxy, what: String) -> drb::Result<u64> {
        clerk.come_back(what).await
    }

    pub async fn each(&mut self, block: Block<(u64,), u64>) -> drb::Result<u64> {
        block.call((self.len(),)).await
    }

    pub async fn read_and_ask(&self, clerk: ClerkProxy, what: String) -> drb::Result<u64> {
        clerk.come_back(what).await
    }
}

#[derive(DrbUndumped)]
struct Clerk {
    ledger: LedgerProxy,
    /// How long to wait for an answer.
    patience: Duration,
}

#[drb::service]
impl Clerk {
    pub async fn come_back(&self, what: String) -> drb::Result<u64> {
        let (ledger, patience) = (&self.ledger, self.patience);
        match &*what {
            "add" => ledger.add(1).deadline(patience).await,
            "add_blocking" => ledger.add_blocking(1).deadline(patience).await,
            "add_later" => ledger.add_later(1).deadline(patience).await,
            _ => ledger.len().deadline(patience).await,
        }
    }
}

#[tokio::test]
async fn a_call_that_would_wait_for_itself_is_refused() {
    let server = start(()).await;
    let ledger = Arc::new(Exclusive::new(Ledger::default()));
    let proxy = server.keep(Arc::clone(&ledger)).unwrap();
    let clerk = Clerk { ledger: proxy.clone(), patience: Duration::from_secs(20) };
    let clerk = server.keep(clerk).unwrap();
    let begun = Instant::now();
    for what in ["add", "add_blocking", "add_later", "len"] {
        let error = proxy.write_and_ask(&clerk, what).await.unwrap_err();
        let Error::Raised(exception) = &error else { panic!("{what}: {error:?}") };
        assert_eq!(exception.class, "ThreadError", "{what}");
        assert!(exception.message.starts_with("deadlock: the call comes back to a Ledger"));
        let result = proxy.read_and_ask(&clerk, what).await;
        match what {
            "len" => assert_eq!(result, Ok(0), "readers don't exclude each other"),
            _ => assert!(result.unwrap_err().to_string().starts_with("deadlock"), "{what}"),
        }
    }
    assert!(begun.elapsed() < Duration::from_secs(10), "at once");
    // Nothing has run, and the object is free.
    assert_eq!(proxy.add(7).await, Ok(1));
    // Others that are at it are merely waited for.
    let held = ledger.write().await;
    let waiting = tokio::spawn({
        let proxy = proxy.clone();
        async move { proxy.add(8).await }
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    drop(held);
    assert_eq!(waiting.await.unwrap(), Ok(2));
}

/// A block runs in the task of its caller, but belongs to the call that it was passed to.
#[tokio::test]
async fn a_block_continues_the_chain_of_the_call_that_calls_it() {
    let server = start(()).await;
    let other = start(()).await;
    let ledger = other.keep(Ledger::default()).unwrap();
    let within = ledger.clone();
    let begun = Instant::now();
    let error = ledger
        .each(|_: u64| {
            let ledger = within.clone();
            async move { ledger.add(1).deadline(Duration::from_secs(20)).await }
        })
        .await
        .unwrap_err();
    assert!(error.to_string().starts_with("deadlock"), "{error:?}");
    assert!(begun.elapsed() < Duration::from_secs(10), "at once");
    // Within the process, the block is lent by the server of the object that is called.
    let seen = &Mutex::new(Vec::new());
    let called = ledger.each(|len: u64| {
        seen.lock().unwrap().push(here());
        async move {
            tokio::task::yield_now().await;
            seen.lock().unwrap().push(here());
            len + 7
        }
    });
    assert_eq!(called.await, Ok(7));
    assert_eq!(here(), server.uri());
    assert_eq!(*seen.lock().unwrap(), [other.uri(), other.uri()]);
}

on_both_wires!(where_nobody_can_tell_the_deadline_ends_the_wait);

async fn where_nobody_can_tell_the_deadline_ends_the_wait(wire: On) {
    let server = start(Ledger::default()).await;
    let ledger = LedgerProxy::connect(&wire.elsewhere(&server)).await.unwrap();
    let patience = Duration::from_millis(200);
    let clerk = start(Clerk { ledger: ledger.clone(), patience }).await;
    let clerk = ClerkProxy::connect(&wire.elsewhere(&clerk)).await.unwrap();
    let begun = Instant::now();
    let error = ledger.write_and_ask(&clerk, "add").await.unwrap_err();
    assert!(error.to_string().contains("no result within 200ms"), "{error:?}");
    assert!(begun.elapsed() >= patience);
    if wire == On::Native {
        // What waited was cancelled.
        assert_eq!(ledger.len().await, Ok(0));
        assert_eq!(ledger.add(2).await, Ok(1));
        return;
    }
    // What waited has its turn now, if its caller doesn't know it any more.
    let mut entries = 0;
    for _ in 0..100 {
        entries = ledger.len().await.unwrap();
        if entries == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(entries, 1);
    assert_eq!(ledger.add(2).await, Ok(2));
}
