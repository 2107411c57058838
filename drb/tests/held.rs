//! Which objects are held for how long on the native wire, and by when calls end, where messages cross,
//! wait or are given up. The simulation has found each of these.

use drb::{ByRef, Client, Error, Outcome, Peer, Server, Usage, by_ref, prelude::*};
use std::{
    future::{Future, poll_fn},
    io,
    pin::pin,
    sync::{Arc, Mutex, OnceLock},
    task::Poll,
    time::Duration,
};
use tokio::{
    io::{DuplexStream, duplex},
    time::{Instant, sleep},
};

#[derive(DrbUndumped)]
struct Thing(String);

#[drb::service]
impl Thing {
    pub fn name(&self) -> String {
        self.0.clone()
    }
}

fn thing() -> Arc<Thing> {
    Arc::new(Thing("thing".to_owned()))
}

#[derive(Default)]
struct Desk(Mutex<Vec<ThingProxy>>);

#[drb::service]
impl Desk {
    pub fn touch(&self) {}

    pub fn make(&self) -> Thing {
        Thing("made".to_owned())
    }

    pub fn several(&self) -> (ByRef<Thing>, ByRef<Thing>, ByRef<Thing>, ByRef<Thing>) {
        let [one, two, three] = ["one", "two", "three"].map(|name| by_ref(Thing(name.to_owned())));
        (one, two.clone(), two, three)
    }

    pub fn keep(&self, thing: ThingProxy) {
        self.0.lock().unwrap().push(thing);
    }

    pub fn give(&self) -> Option<ThingProxy> {
        self.0.lock().unwrap().pop()
    }

    pub async fn name(&self, thing: ThingProxy, _bytes: Vec<u8>) -> drb::Result<String> {
        thing.name().await
    }
}

async fn desk() -> (Server, Client, DeskProxy) {
    let server = drb::start_service("drb://127.0.0.1:0", Desk::default()).await.unwrap();
    let client = Client::new();
    let desk = client.connect(server.uri()).await.unwrap();
    (server, client, desk)
}

/// Waits until neither side holds anything.
async fn rest(server: &Server, client: &Client) {
    let empty = |usage: Usage| (usage.exported, usage.imported) == (0, 0);
    let until = Instant::now() + Duration::from_secs(10);
    while !empty(server.usage()) || !empty(client.usage()) {
        assert!(Instant::now() < until, "{:?} {:?}", server.usage(), client.usage());
        sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn usage_is_what_both_sides_hold() {
    let (server, client, desk) = desk().await;
    let (made, own) = (desk.make().await.unwrap(), thing());
    desk.keep(&own).await.unwrap();
    let (served, called) = (server.usage(), client.usage());
    assert_eq!((served.connections, served.exported, served.imported), (1, 1, 1));
    assert_eq!((called.connections, called.exported, called.imported), (1, 1, 1));
    drop(made);
    drop(desk.give().await.unwrap());
    rest(&server, &client).await;
    drop(desk);
    while (server.usage(), client.usage()) != Default::default() {
        sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn who_drops_the_last_proxy_closes_the_connection() {
    let (server, client, desk) = desk().await;
    desk.touch().await.unwrap();
    assert_eq!(client.usage().connections, 1);
    drop(desk);
    // Its task has had no turn since.
    assert_eq!(client.usage(), Usage::default());
    while server.usage() != Usage::default() {
        sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn each_object_of_an_answer_is_held_by_what_was_loaded_of_it() {
    type Named = ThingProxy;
    let (server, client, desk) = desk().await;
    let (one, two, again, three) = desk.several().await.unwrap();
    assert_eq!(client.usage().imported, 3);
    drop((one, again));
    assert_eq!(two.name().await.unwrap(), "two");
    assert_eq!(three.name().await.unwrap(), "three");
    assert_eq!(client.usage().imported, 2);
    drop((two, three));
    rest(&server, &client).await;
    // Whatever the first one is loaded as, the others are those that are meant.
    let object = client.connect::<drb::Object>(server.uri()).await.unwrap();
    let loaded: (drb::Value, Named, Named, Named) = object.call("several", ()).await.unwrap();
    let (value, two, again, three) = loaded;
    assert_eq!(client.usage().imported, 3);
    drop(again);
    assert_eq!(two.name().await.unwrap(), "two");
    assert_eq!(three.name().await.unwrap(), "three");
    drop(value);
    assert_eq!(client.usage().imported, 2);
    drop((two, three));
    // Where loading fails, what was loaded before is given back as well.
    let failed = object.call::<(Named, Named, Named, u8)>("several", ()).await;
    assert!(matches!(failed, Err(Error::Load(_))), "{failed:?}");
    rest(&server, &client).await;
}

#[tokio::test]
async fn what_comes_home_in_an_answer_is_there_although_the_peer_lets_go_of_it() {
    let (server, client, desk) = desk().await;
    desk.keep(thing()).await.unwrap();
    let home = desk.give().await.unwrap().unwrap();
    assert_eq!(home.name().await.unwrap(), "thing");
    // It is the object itself, and is held by the proxy alone.
    let local = home.local::<Thing>().unwrap();
    let weak = Arc::downgrade(&local);
    rest(&server, &client).await;
    drop(local);
    assert_eq!(home.name().await.unwrap(), "thing");
    drop(home);
    assert!(weak.upgrade().is_none());
}

#[tokio::test]
async fn what_has_come_home_is_handed_on() {
    let (server, client, desk) = desk().await;
    desk.keep(thing()).await.unwrap();
    let home = desk.give().await.unwrap().unwrap();
    for uri in [server.uri().to_owned(), server.uri().replacen("drb", "druby", 1)] {
        let other = DeskProxy::connect(&uri).await.unwrap();
        assert_eq!(other.name(&home, Vec::new()).await.unwrap(), "thing", "{uri}");
    }
    drop(home);
    rest(&server, &client).await;
}

#[tokio::test]
async fn a_release_overtakes_no_message_that_needs_the_object() {
    let (server, client, desk) = desk().await;
    for len in [10, 1_000_000] {
        // The only proxy goes into the call.
        let made = desk.make().await.unwrap();
        assert_eq!(desk.name(made, vec![0; len]).await.unwrap(), "made");
        // It may be gone for long when the call is sent.
        let made = desk.make().await.unwrap();
        let call = desk.name(made, vec![0; len]);
        desk.touch().await.unwrap();
        assert_eq!(call.await.unwrap(), "made");
    }
    rest(&server, &client).await;
}

#[tokio::test]
async fn an_answer_that_nobody_looks_at_gives_back_what_is_in_it() {
    let (server, client, desk) = desk().await;
    {
        let mut call = pin!(desk.make());
        assert!(poll_fn(|context| Poll::Ready(call.as_mut().poll(context).is_pending())).await);
        // It arrives meanwhile.
        desk.touch().await.unwrap();
    }
    rest(&server, &client).await;
    // The same of an object that comes home.
    desk.keep(thing()).await.unwrap();
    {
        let mut call = pin!(desk.give());
        assert!(poll_fn(|context| Poll::Ready(call.as_mut().poll(context).is_pending())).await);
        desk.touch().await.unwrap();
    }
    rest(&server, &client).await;
}

/// A client whose connection takes a thousand bytes, and no more.
async fn stuck() -> (DuplexStream, Client, DeskProxy) {
    let (near, far) = duplex(1000);
    let near = Mutex::new(Some(near));
    let connect = move |_| {
        let near = near.lock().unwrap().take();
        async { near.ok_or_else(|| io::Error::other("only once")) }
    };
    let client = Client::builder().connector(connect).build();
    let desk = client.connect("drb://stuck:1").await.unwrap();
    (far, client, desk)
}

#[tokio::test(start_paused = true)]
async fn a_call_that_was_not_sent_has_not_run_and_leaves_nothing_behind() {
    let (_far, client, desk) = stuck().await;
    let call = || desk.name(thing(), vec![0; 1_000_000]).deadline(Duration::from_millis(50));
    // The second one waits behind the first one, of which the beginning has gone out.
    let calls = [call(), call()];
    let mut errors = Vec::new();
    for call in calls.map(tokio::spawn) {
        errors.push(call.await.unwrap().unwrap_err());
    }
    for error in errors {
        assert!(matches!(error, Error::DeadlineExceeded { .. }), "{error:?}");
        assert_eq!(error.outcome(), Outcome::NotExecuted);
    }
    assert_eq!(client.usage().exported, 0);
    // Nor does one that is dropped.
    let dropped = tokio::time::timeout(Duration::from_millis(10), call()).await;
    assert!(dropped.is_err());
    assert_eq!(client.usage().exported, 0);
}

#[tokio::test(start_paused = true)]
async fn a_call_ends_in_time_although_nothing_can_be_written() {
    let (_far, _client, desk) = stuck().await;
    let long = desk.name(thing(), vec![0; 1_000_000]).deadline(Duration::from_secs(10));
    let long = tokio::spawn(async move { drop(long.await) });
    sleep(Duration::from_millis(10)).await;
    let begun = Instant::now();
    let error = desk.touch().deadline(Duration::from_millis(50)).await.unwrap_err();
    assert!(matches!(error, Error::DeadlineExceeded { .. }), "{error:?}");
    assert!(begun.elapsed() < Duration::from_millis(60), "{:?}", begun.elapsed());
    long.abort();
}

#[tokio::test(start_paused = true)]
async fn a_call_ends_in_time_although_another_one_dials() {
    let connect = |_| async {
        sleep(Duration::from_secs(3)).await;
        Err::<DuplexStream, _>(io::ErrorKind::ConnectionRefused.into())
    };
    let client = Client::builder().connector(connect).build();
    let reference = drb::Reference::new("drb://slow:1", drb::ObjectId::Front);
    let desk: DeskProxy = Proxy::from_remote(client.remote(reference));
    let patient = tokio::spawn({
        let desk = desk.clone();
        async move { desk.touch().deadline(Duration::from_secs(10)).await }
    });
    tokio::task::yield_now().await;
    let begun = Instant::now();
    let error = desk.touch().deadline(Duration::from_millis(50)).await.unwrap_err();
    assert!(
        matches!(error, Error::DeadlineExceeded { outcome: Outcome::NotExecuted, after }
            if after == Duration::from_millis(50)),
        "{error:?}"
    );
    assert!(begun.elapsed() < Duration::from_millis(60), "{:?}", begun.elapsed());
    assert!(matches!(patient.await.unwrap(), Err(Error::Connect { .. })));
}

/// Calls that wait for the connection are sent in the order in which they were made, and no later one
/// goes before them.
#[tokio::test(start_paused = true)]
async fn no_call_overtakes_those_that_wait_for_the_connection() {
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u32>>>);

    #[drb::service]
    impl Log {
        pub fn note(&self, number: u32) {
            self.0.lock().unwrap().push(number);
        }
    }

    let log = Log::default();
    let server =
        Server::builder().front(log.clone()).start_without_listener("drb://log:1").unwrap();
    let proxy: Arc<OnceLock<LogProxy>> = Arc::default();
    let connect = {
        let proxy = Arc::clone(&proxy);
        move |_| {
            let (server, proxy) = (server.clone(), Arc::clone(&proxy));
            async move {
                sleep(Duration::from_millis(10)).await;
                let (near, far) = duplex(1000);
                let peer = Peer::Named("log".into());
                server.serve_stream(far, peer).await.map_err(io::Error::other)?;
                // It is made when the connection is there, but those that wait don't know it yet.
                tokio::spawn(async move { proxy.get().unwrap().note(5).await });
                Ok(near)
            }
        }
    };
    let client = Client::builder().connector(connect).build();
    // Under the server's own name it would not be called over a connection.
    let reference = drb::Reference::new("drb://relay:1", drb::ObjectId::Front);
    let proxy = proxy.get_or_init(|| Proxy::from_remote(client.remote(reference)));
    let mut calls = tokio::task::JoinSet::new();
    for number in 0..5 {
        let proxy = proxy.clone();
        calls.spawn(async move { proxy.note(number).await.unwrap() });
    }
    while calls.join_next().await.is_some() {}
    proxy.note(6).await.unwrap();
    assert_eq!(*log.0.lock().unwrap(), [0, 1, 2, 3, 4, 5, 6]);
}

/// What a call has come to behind a process in the middle, its caller is told as it is.
#[tokio::test]
async fn outcomes_go_through_a_process_in_the_middle() {
    #[derive(DrbUndumped)]
    struct Sleeper;

    #[drb::service]
    impl Sleeper {
        pub async fn sleep(&self) {
            std::future::pending().await
        }
    }

    struct Bedroom;

    #[drb::service]
    impl Bedroom {
        pub fn sleeper(&self) -> Sleeper {
            Sleeper
        }
    }

    struct Middle(SleeperProxy);

    #[drb::service]
    impl Middle {
        pub fn sleeper(&self) -> SleeperProxy {
            self.0.clone()
        }
    }

    let far = drb::start_service("drb://127.0.0.1:0", Bedroom).await.unwrap();
    let client = Client::builder().build();
    let bedroom: BedroomProxy = client.connect(far.uri()).await.unwrap();
    let middle = Middle(bedroom.sleeper().await.unwrap());
    let near = drb::start_service("drb://127.0.0.1:0", middle).await.unwrap();
    let hasty = Client::builder().deadline(Duration::from_millis(50)).build();
    let middle: MiddleProxy = hasty.connect(near.uri()).await.unwrap();
    let sleeper = middle.sleeper().await.unwrap();
    // The process in the middle gives up at the same time, and doesn't know more either.
    let error = sleeper.sleep().await.unwrap_err();
    assert_eq!(error.outcome(), Outcome::Unknown, "{error:?}");
    // The object's process is gone: the next call isn't even made.
    far.drain(Duration::ZERO).await;
    while client.usage().connections > 0 {
        sleep(Duration::from_millis(5)).await;
    }
    let error = sleeper.sleep().await.unwrap_err();
    assert_eq!(error.outcome(), Outcome::NotExecuted, "{error:?}");
}

/// A method of an object behind a process in the middle gives new objects. They are called, come home and
/// are let go of through that process.
#[tokio::test]
async fn new_objects_go_through_a_process_in_the_middle() {
    #[derive(DrbUndumped)]
    struct Row(u32, #[allow(dead_code, reason = "it tells whether the row is there")] Arc<()>);

    #[drb::service]
    impl Row {
        pub fn number(&self) -> u32 {
            self.0
        }
    }

    #[derive(Clone, DrbUndumped)]
    struct Table(Arc<()>);

    #[drb::service]
    impl Table {
        pub fn row(&self, number: u32) -> Row {
            Row(number, Arc::clone(&self.0))
        }

        pub async fn rows(&self, count: u32) -> Vec<Row> {
            tokio::task::yield_now().await;
            (0..count).map(|number| self.row(number)).collect()
        }

        pub fn are_own(&self, rows: Vec<RowProxy>) -> bool {
            rows.iter().all(|row| row.local::<Row>().is_some())
        }
    }

    struct Hall(Table);

    #[drb::service]
    impl Hall {
        pub fn table(&self) -> Table {
            self.0.clone()
        }
    }

    struct Middle(TableProxy);

    #[drb::service]
    impl Middle {
        pub fn table(&self) -> TableProxy {
            self.0.clone()
        }
    }

    let alive = Arc::new(());
    let hall = Hall(Table(Arc::clone(&alive)));
    let far = drb::start_service("drb://127.0.0.1:0", hall).await.unwrap();
    let (between, client) = (Client::new(), Client::new());
    let hall: HallProxy = between.connect(far.uri()).await.unwrap();
    let middle = Middle(hall.table().await.unwrap());
    let near = drb::start_service("drb://127.0.0.1:0", middle).await.unwrap();
    let middle: MiddleProxy = client.connect(near.uri()).await.unwrap();
    let table = middle.table().await.unwrap();
    let held = || {
        let counts = |usage: Usage| (usage.exported, usage.imported);
        (
            Arc::strong_count(&alive),
            [far.usage(), between.usage(), near.usage(), client.usage()].map(counts),
        )
    };
    let before = held();
    let row = table.row(7).await.unwrap();
    let rows = table.rows(3).await.unwrap();
    assert_eq!(row.number().await.unwrap(), 7);
    assert_eq!(rows[2].number().await.unwrap(), 2);
    assert_eq!(table.row(8).pipelined().number().await.unwrap(), 8);
    let own = rows.iter().chain([&row]).cloned().collect::<Vec<_>>();
    assert!(table.are_own(own).await.unwrap());
    drop((row, rows));
    let until = Instant::now() + Duration::from_secs(10);
    while held() != before {
        assert!(Instant::now() < until, "{:?} instead of {before:?}", held());
        sleep(Duration::from_millis(5)).await;
    }
}
