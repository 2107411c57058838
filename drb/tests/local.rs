//! Calls within the process: what is the same as over a connection, and what isn't there to be.

use bytes::Bytes;
use drb::{
    CallError, Client, Closed, Error, Limit, Limits, Outcome, Peer, Server, Stream, Usage, Wire,
    prelude::*,
};
use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::Poll,
    time::Duration,
};

/// Nothing here waits longer.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("it never came to that")
}

#[derive(Debug, Clone, PartialEq, DrbDumped)]
struct Note {
    text: String,
    stars: u8,
}

#[derive(DrbUndumped, Default)]
struct Bell(AtomicUsize);

#[drb::service]
impl Bell {
    pub fn ring(&self) -> usize {
        self.0.fetch_add(1, Ordering::SeqCst) + 1
    }
}

#[derive(Default)]
struct Desk {
    notes: Mutex<Vec<Note>>,
    bells: Mutex<Vec<BellProxy>>,
    order: Mutex<Vec<u32>>,
    dropped: Arc<AtomicUsize>,
    itself: Mutex<Option<DeskProxy>>,
}

struct Dropped(Arc<AtomicUsize>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[drb::service]
impl Desk {
    pub fn pin(&self, note: Note) -> Vec<Note> {
        let mut notes = self.notes.lock().unwrap();
        notes.push(note);
        notes.clone()
    }

    pub fn bell(&self) -> Bell {
        Bell::default()
    }

    pub fn keep(&self, bell: BellProxy) {
        self.bells.lock().unwrap().push(bell);
    }

    pub fn give(&self) -> Option<BellProxy> {
        self.bells.lock().unwrap().pop()
    }

    pub async fn ring(&self, bell: BellProxy) -> drb::Result<usize> {
        bell.ring().await
    }

    pub fn fail(&self, text: String) -> Result<(), String> {
        Err(text)
    }

    pub fn panics(&self) {
        panic!("on purpose")
    }

    pub async fn panics_later(&self) {
        tokio::task::yield_now().await;
        panic!("on purpose")
    }

    pub async fn slow(&self) {
        let _dropped = Dropped(Arc::clone(&self.dropped));
        std::future::pending().await
    }

    #[drb(blocking)]
    pub fn thread(&self) -> String {
        format!("{:?}", std::thread::current().id())
    }

    pub async fn later(&self, number: u32) {
        self.order.lock().unwrap().push(number);
        tokio::task::yield_now().await;
    }

    pub fn now(&self, number: u32) {
        self.order.lock().unwrap().push(number);
    }

    pub fn who(&self, #[drb(context)] call: &Context) -> (String, bool, bool, String) {
        let native = call.wire() == Wire::Native;
        (call.uri().to_owned(), native, *call.peer() == Peer::Local, here())
    }

    pub fn address(&self, bytes: Vec<u8>) -> (usize, Vec<u8>) {
        (bytes.as_ptr().addr(), bytes)
    }

    pub fn shared(&self, bytes: Bytes) -> (usize, Bytes) {
        (bytes.as_ptr().addr(), bytes)
    }

    pub fn same(&self, object: drb::Object) -> drb::Object {
        object
    }

    pub async fn deeper(&self, times: u64) -> drb::Result<u64> {
        let itself = self.itself.lock().unwrap().clone().unwrap();
        match times {
            0 => Ok(0),
            _ => Ok(itself.deeper(times - 1).await? + 1),
        }
    }

    pub async fn sum(&self, numbers: Stream<u32>) -> drb::Result<u32> {
        let mut numbers = pin!(numbers);
        let mut sum = 0;
        while let Some(number) = futures_util::StreamExt::next(&mut numbers).await {
            sum += number?;
        }
        Ok(sum)
    }

    fn hidden(&self) {}
}

fn here() -> String {
    drb::current_server().map_or_else(String::new, |server| server.uri().to_owned())
}

async fn start(uri: &str) -> (Server, Arc<Desk>, DeskProxy) {
    let desk = Arc::new(Desk::default());
    let server = drb::start_service(uri, Arc::clone(&desk)).await.unwrap();
    let proxy = DeskProxy::connect(server.uri()).await.unwrap();
    (server, desk, proxy)
}

#[tokio::test]
async fn a_name_is_that_of_one_server_as_long_as_it_runs() {
    let nobody = DeskProxy::connect("drb+local:reception").await.unwrap_err();
    assert!(matches!(nobody, Error::Connect { .. }), "{nobody:?}");
    assert_eq!(
        nobody.to_string(),
        "cannot connect to drb+local:reception: no server of this process has that name"
    );
    let (server, _, desk) = start("drb+local:reception").await;
    assert_eq!((server.uri(), server.native_uri()), ("drb+local:reception", "drb+local:reception"));
    assert_eq!(desk.ring(Bell::default()).await, Ok(1));
    let second = drb::start_service("drb+local:reception", ()).await.unwrap_err();
    assert!(matches!(second, Error::Listen { .. }), "{second:?}");
    // Those without a name get different ones.
    let (one, two) = (start("drb+local:").await.0, start("drb+local:").await.0);
    assert_ne!(one.uri(), two.uri());
    let named = Server::builder().named("bell", Bell::default());
    let named = named.start_without_listener("drb+local:bells").unwrap();
    let bell = BellProxy::connect("drb+local:bells?bell").await.unwrap();
    assert_eq!(bell.ring().await, Ok(1));
    // There is no front.
    let front = BellProxy::connect(named.uri()).await.unwrap();
    assert!(matches!(front.ring().await, Err(Error::Gone(_))));

    let builder = Server::builder().advertise("drb://elsewhere:1");
    assert!(matches!(builder.start("drb+local:x").await, Err(Error::BadUri { .. })));
    assert!(server.drain(Duration::from_secs(5)).await);
    let error = desk.give().await.unwrap_err();
    assert!(matches!(error, Error::Connect { .. }), "{error:?}");
    assert_eq!(error.outcome(), Outcome::NotExecuted);
    assert!(DeskProxy::connect("drb+local:reception").await.is_err());
    // Another one has the name, and the old proxies lead there.
    let (_server, _, _) = start("drb+local:reception").await;
    assert_eq!(desk.ring(Bell::default()).await, Ok(1));
}

#[tokio::test]
async fn what_is_copied_is_a_copy_and_what_is_large_is_not_copied() {
    let (_server, own, desk) = start("drb+local:").await;
    let mut note = Note { text: "tea".to_owned(), stars: 5 };
    let mut notes = desk.pin(&note).await.unwrap();
    note.text.push_str(" is ready");
    notes[0].stars = 0;
    assert_eq!(*own.notes.lock().unwrap(), [Note { text: "tea".to_owned(), stars: 5 }]);
    let bytes = vec![7; 1 << 20];
    let before = bytes.as_ptr().addr();
    let (there, bytes) = desk.address(bytes).await.unwrap();
    assert_eq!((before, before), (there, bytes.as_ptr().addr()));
    // Who keeps it has it still.
    let kept = vec![8; 1 << 20];
    let (there, back) = desk.address(&kept).await.unwrap();
    assert_ne!(there, kept.as_ptr().addr());
    assert_eq!(back, kept);
    // What nobody changes, both have.
    let kept = Bytes::from(kept);
    let (there, back) = desk.shared(&kept).await.unwrap();
    assert_eq!([there, back.as_ptr().addr()], [kept.as_ptr().addr(); 2]);
    assert_eq!(
        (desk.shared(Bytes::from_static(b"small")).await.unwrap().1, kept.len()),
        ("small".into(), 1 << 20)
    );
}

#[tokio::test]
async fn a_reference_is_the_object_itself_and_lives_as_long_as_it_is_held() {
    let (server, own, desk) = start("drb+local:").await;
    let bell = desk.bell().await.unwrap();
    assert_eq!(bell.ring().await, Ok(1));
    let object = bell.local::<Bell>().unwrap();
    assert_eq!(object.0.load(Ordering::SeqCst), 1);
    assert_eq!((server.usage().exported, server.usage().imported), (1, 0));
    let weak = Arc::downgrade(&object);
    drop((bell, object));
    assert!(weak.upgrade().is_none(), "nothing but the proxy has held it");

    let mine = Arc::new(Bell::default());
    desk.keep(&mine).await.unwrap();
    assert_eq!(server.usage().imported, 1);
    let kept = own.bells.lock().unwrap()[0].clone();
    assert_eq!(kept.ring().await, Ok(1));
    drop(kept);
    let back = desk.give().await.unwrap().unwrap();
    assert!(Arc::ptr_eq(&mine, &back.local::<Bell>().unwrap()));
    assert_eq!(back, back.clone());
    drop(back);
    assert_eq!((server.usage(), Arc::strong_count(&mine)), (Usage::default(), 1));
    // The same object has one name.
    desk.keep(&mine).await.unwrap();
    desk.keep(&mine).await.unwrap();
    let bells = std::mem::take(&mut *own.bells.lock().unwrap());
    assert_eq!(bells[0], bells[1]);
    assert_eq!(server.usage().imported, 1);
}

#[tokio::test]
async fn an_object_without_a_server_is_called() {
    let own = Arc::new(Desk::default());
    let desk: DeskProxy = drb::local(Arc::clone(&own));
    assert_eq!(desk.ring(Bell::default()).await, Ok(1));
    assert_eq!(desk.pin(Note { text: "a".to_owned(), stars: 1 }).await.unwrap().len(), 1);
    let numbers = futures_util::stream::iter(0..100_u32);
    assert_eq!(desk.sum(numbers).await, Ok(4950));
    drop(desk);
    assert_eq!(Arc::strong_count(&own), 1);
}

#[tokio::test]
async fn only_what_is_exposed_is_called_and_errors_are_the_same() {
    let (server, desk) = {
        let (server, own, _) = start("drb+local:").await;
        own.hidden();
        (server.clone(), drb::Object::connect(server.uri()).await.unwrap())
    };
    for name in ["hidden", "instance_eval", "send", "__send__", "method_missing"] {
        let error = desk.call::<()>(name, ("1",)).await.unwrap_err();
        assert!(matches!(error, Error::NoMethod(_)), "{name}: {error:?}");
        assert_eq!(error.outcome(), Outcome::NotExecuted);
    }
    assert!(desk.respond_to("pin").await.unwrap());
    let error = desk.call::<()>("fail", (1,)).await.unwrap_err();
    assert!(matches!(error, Error::Refused(_)), "{error:?}");
    assert_eq!(error.outcome(), Outcome::NotExecuted);
    let desk: DeskProxy = desk.through();
    assert_eq!(desk.fail("no").await, Err(CallError::Method("no".to_owned())));
    for call in [desk.panics(), desk.panics_later()] {
        let error = call.await.unwrap_err();
        assert!(matches!(&error, Error::Panicked { message } if message == "on purpose"));
        assert_eq!(error.outcome(), Outcome::Executed);
    }
    let uri = server.uri().to_owned();
    assert_eq!(desk.who().await, Ok((uri.clone(), true, true, uri)));
}

/// Each call is begun when it is first polled, in this order, also where a task has no more budget.
#[tokio::test]
async fn calls_of_a_proxy_keep_their_order() {
    let (_server, own, desk) = start("drb+local:").await;
    let count = 2000;
    let mut calls: Vec<_> = (0..count)
        .map(|number| if number % 20 == 0 { desk.later(number) } else { desk.now(number) })
        .collect();
    soon(futures_util::future::join_all(calls.iter_mut())).await;
    assert_eq!(*own.order.lock().unwrap(), (0..count).collect::<Vec<_>>());
}

/// On a runtime with one thread, nobody else would ever run.
#[tokio::test]
async fn who_calls_without_end_lets_others_run() {
    let (_server, _, desk) = start("drb+local:").await;
    let busy = tokio::spawn(async move {
        loop {
            desk.give().await.unwrap();
        }
    });
    soon(tokio::task::yield_now()).await;
    soon(tokio::time::sleep(Duration::from_millis(5))).await;
    busy.abort();
    assert!(busy.await.unwrap_err().is_cancelled());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn blocking_methods_have_a_thread_of_their_own() {
    let (_server, _, desk) = start("drb+local:").await;
    let own = format!("{:?}", std::thread::current().id());
    assert_ne!(desk.thread().await.unwrap(), own);
    let calls = (0..100).map(|_| {
        let desk = desk.clone();
        tokio::spawn(async move { desk.ring(Bell::default()).await })
    });
    for call in calls.collect::<Vec<_>>() {
        assert_eq!(soon(call).await.unwrap(), Ok(1));
    }
}

/// Only threads, time and tasks need a runtime.
#[test]
fn what_is_ready_needs_no_runtime() {
    let desk: DeskProxy = drb::local(Desk::default());
    let mut call = pin!(desk.ring(Bell::default()));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert_eq!(call.as_mut().poll(&mut context), Poll::Ready(Ok(1)));
    let mut call = pin!(desk.thread());
    let polled = call.as_mut().poll(&mut context);
    assert!(matches!(polled, Poll::Ready(Err(Error::Connect { .. }))), "{polled:?}");
    // It waits.
    assert!(pin!(desk.slow()).poll(&mut context).is_pending());
}

#[tokio::test]
async fn a_hook_is_told_of_what_fails_and_of_what_is_cancelled() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let hook = Arc::clone(&told);
    let own = Arc::new(Desk::default());
    let limits = Limits { calls: 1, ..Limits::default() };
    let server = Server::builder()
        .front(Arc::clone(&own))
        .limits(limits)
        .on_failed_call(move |call| {
            assert_eq!(*call.context.peer(), Peer::Local);
            let method = call.method.unwrap().to_owned();
            hook.lock().unwrap().push((method, call.exception.message.clone()));
        })
        .start("drb+local:")
        .await
        .unwrap();
    let desk = DeskProxy::connect(server.uri()).await.unwrap();
    let short = Duration::from_millis(20);
    assert!(desk.fail("no").await.is_err());
    let late = desk.slow().deadline(short).await.unwrap_err();
    assert!(matches!(late, Error::DeadlineExceeded { outcome: Outcome::Unknown, .. }), "{late:?}");
    assert_eq!(own.dropped.load(Ordering::SeqCst), 1);
    {
        let mut slow = pin!(desk.slow());
        assert!(poll_fn(|context| Poll::Ready(slow.as_mut().poll(context).is_pending())).await);
        // One runs, which is all that is allowed.
        assert!(matches!(desk.give().await, Err(Error::Overloaded { .. })));
    }
    assert_eq!(own.dropped.load(Ordering::SeqCst), 2);
    assert_eq!(desk.give().await, Ok(None));
    let told = told.lock().unwrap();
    let methods: Vec<_> = told.iter().map(|(method, _)| &**method).collect();
    assert_eq!(methods, ["fail", "slow", "give", "slow"]);
    assert_eq!((&*told[1].1, &*told[3].1), ("the call was cancelled", "the call was cancelled"));
}

#[tokio::test]
async fn the_limits_hold() {
    let own = Arc::new(Desk::default());
    let (message, exports, arguments) = (1000, 2, 3);
    let limits = Limits { message, exports, arguments, recursion: 4, ..Limits::default() };
    let server = Server::builder().front(Arc::clone(&own)).limits(limits);
    let server = server.start("drb+local:").await.unwrap();
    let desk = DeskProxy::connect(server.uri()).await.unwrap();
    let is = |error: &Error, limit: Limit| match error {
        Error::Limit { limit: own, .. } => *own == limit,
        Error::Refused(exception) => exception.message.contains(&format!("`{limit}`")),
        _ => false,
    };
    // What arrives, and what is given.
    assert_eq!(desk.address(vec![0; 900]).await.unwrap().1.len(), 900);
    for len in [1001, 1 << 20] {
        let error = desk.address(vec![0; len]).await.unwrap_err();
        assert!(is(&error, Limit::Message), "{error:?}");
    }
    let client = Client::builder().limits(Limits { message: 500, ..Limits::default() }).build();
    let small: DeskProxy = client.connect(server.uri()).await.unwrap();
    let error = small.address(vec![0; 600]).await.unwrap_err();
    assert!(matches!(error, Error::Dump(_)), "{error:?}");
    // Objects.
    let bells = [desk.bell().await.unwrap(), desk.bell().await.unwrap()];
    let error = desk.bell().await.unwrap_err();
    assert!(error.to_string().contains("exports"), "{error}");
    drop(bells);
    assert!(desk.bell().await.is_ok());
    // Arguments.
    let object = drb::Object::connect(server.uri()).await.unwrap();
    let error = object.call::<()>("who", [1, 2, 3, 4]).await.unwrap_err();
    assert!(is(&error, Limit::Arguments), "{error:?}");
    let error = object.call::<()>("who", [1, 2, 3]).await.unwrap_err();
    assert!(!is(&error, Limit::Arguments), "{error:?}");
    // Calls within calls.
    *own.itself.lock().unwrap() = Some(desk.clone());
    assert_eq!(desk.deeper(3).await, Ok(3));
    let error = desk.deeper(4).await.unwrap_err();
    assert!(is(&error, Limit::Recursion), "{error:?}");
    *own.itself.lock().unwrap() = None;
}

#[tokio::test]
async fn what_is_taken_back_is_gone_and_what_a_server_gave_ends_with_it() {
    let (server, own, desk) = start("drb+local:").await;
    let object = Arc::new(Bell::default());
    own.bells.lock().unwrap().push(drb::local(Arc::clone(&object)));
    let bell = desk.give().await.unwrap().unwrap();
    let closed = bell.closed();
    assert!(server.revoke(&object));
    assert!(!server.revoke(&object));
    assert_eq!(soon(closed).await, Closed::Withdrawn);
    let error = bell.ring().await.unwrap_err();
    assert!(matches!(error, Error::Gone(_)), "{error:?}");
    assert_eq!(Arc::strong_count(&object), 1);
    // Given anew, it can be called anew.
    own.bells.lock().unwrap().push(drb::local(Arc::clone(&object)));
    let again = desk.give().await.unwrap().unwrap();
    assert_eq!(again.ring().await, Ok(1));
    assert!(server.withdraw(&again));
    assert!(matches!(again.ring().await, Err(Error::Gone(_))));

    let given = desk.bell().await.unwrap();
    let weak = Arc::downgrade(&given.local::<Bell>().unwrap());
    let (closed, front) = (given.closed(), desk.closed());
    let slow = tokio::spawn({
        let desk = desk.clone();
        async move { desk.slow().await }
    });
    tokio::task::yield_now().await;
    assert!(!soon(server.drain(Duration::from_millis(50))).await);
    let lost = soon(slow).await.unwrap().unwrap_err();
    assert!(matches!(lost, Error::ConnectionLost { outcome: Outcome::Unknown, .. }), "{lost:?}");
    assert_eq!(own.dropped.load(Ordering::SeqCst), 1);
    assert_eq!((soon(closed).await, soon(front).await), (Closed::Stopped, Closed::Stopped));
    assert_eq!(given.ring().await, Err(Error::Stopped));
    assert!(weak.upgrade().is_none());
}

/// What runs while a server stops may still call back.
#[tokio::test]
async fn a_server_that_stops_brings_its_calls_to_their_end() {
    #[derive(DrbUndumped)]
    struct Stops(Server);

    #[drb::service]
    impl Stops {
        pub async fn stop(&self, bell: BellProxy, block: Block<(), u32>) -> drb::Result<usize> {
            self.0.stop();
            while DeskProxy::connect(self.0.uri()).await.is_ok() {
                tokio::task::yield_now().await;
            }
            Ok(bell.ring().await? + block.call(()).await? as usize)
        }
    }

    let (server, own, _) = start("drb+local:").await;
    drop(own);
    let stops = StopsProxy::connect(
        Server::builder()
            .named("stops", Stops(server.clone()))
            .start("drb+local:stops")
            .await
            .map(|_| "drb+local:stops?stops")
            .unwrap(),
    )
    .await
    .unwrap();
    assert_eq!(soon(stops.stop(Bell::default(), || 7_u32)).await, Ok(8));
    soon(server.wait()).await;
}

/// Objects of this process go out over the wires, and what comes over them goes here.
#[tokio::test]
async fn references_go_in_and_out() {
    let (_local, _, desk) = start("drb+local:").await;
    for uri in ["drb://127.0.0.1:0", "druby://127.0.0.1:0"] {
        let (_far, _, far) = start(uri).await;
        // One of a local server, over the wire and back.
        let bell = desk.bell().await.unwrap();
        assert_eq!(far.ring(&bell).await, Ok(1), "{uri}");
        far.keep(&bell).await.unwrap();
        let back = far.give().await.unwrap().unwrap();
        let object = bell.local::<Bell>().unwrap();
        assert!(Arc::ptr_eq(&object, &back.local::<Bell>().unwrap()), "{uri}");
        // One from there, to the local server and back.
        let theirs = far.bell().await.unwrap();
        assert_eq!(desk.ring(&theirs).await, Ok(1), "{uri}");
        desk.keep(&theirs).await.unwrap();
        let theirs_again = desk.give().await.unwrap().unwrap();
        assert_eq!(theirs_again.ring().await, Ok(2), "{uri}");
        // One with a URI is known to be of this very process.
        let (own, again) = (theirs.local::<Bell>(), theirs_again.local::<Bell>());
        assert_eq!(own.is_some(), uri.starts_with("druby:"));
        match own {
            None => assert_eq!(theirs_again, theirs),
            Some(own) => assert!(Arc::ptr_eq(&own, &again.unwrap())),
        }
        // The front of the local server has no address that means anything there.
        let front: BellProxy = drb::Object::from_remote(desk.remote().clone()).through();
        let error = far.ring(&front).await.unwrap_err();
        assert!(error.to_string().contains("number of arguments"), "{uri}: {error}");
    }
}

/// What another process says of a server within this one leads nowhere.
#[tokio::test]
async fn nobody_from_outside_gets_in_by_name() {
    let (_secret, own, _) = start("drb+local:secret").await;
    for uri in ["drb://127.0.0.1:0", "druby://127.0.0.1:0"] {
        let (_far, _, far) = start(uri).await;
        let reference = drb::Reference::new("drb+local:secret", drb::ObjectId::Front);
        let object = drb::Object::from_remote(far.remote().clone());
        // A value goes as it is, which a proxy wouldn't.
        let error =
            object.call::<usize>("ring", (drb::Value::from(reference.clone()),)).await.unwrap_err();
        assert!(!error.to_string().contains("undefined method"), "{uri}: {error}");
        // Nor does what comes back from there in place of it.
        let same = object.call::<drb::Object>("same", (drb::Value::from(reference),)).await;
        let noted = same.unwrap().call::<()>("now", (1,)).await;
        assert!(matches!(noted, Err(Error::Connect { .. })), "{uri}: {noted:?}");
        assert!(own.order.lock().unwrap().is_empty());
    }
}

/// From several threads at once: passed, kept, given back, revoked and dropped.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_left_of_objects_that_come_and_go() {
    let (server, own, desk) = start("drb+local:").await;
    let bells: Vec<_> = (0..4).map(|_| Arc::new(Bell::default())).collect();
    let tasks: Vec<_> = (0..8_usize)
        .map(|task| {
            let (server, desk, bells) = (server.clone(), desk.clone(), bells.clone());
            tokio::spawn(async move {
                for round in 0..500 {
                    let bell = &bells[(task + round) % bells.len()];
                    match round % 5 {
                        0 => desk.keep(bell).await.unwrap(),
                        1 => drop(desk.give().await.unwrap()),
                        2 => drop(desk.bell().await.unwrap().ring().await.unwrap()),
                        // Somebody may revoke it meanwhile.
                        3 => match desk.ring(bell).await {
                            Ok(_) | Err(Error::Gone(_)) => {}
                            Err(error) => panic!("{error:?}"),
                        },
                        _ => drop(server.revoke(bell)),
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        soon(task).await.unwrap();
    }
    own.bells.lock().unwrap().clear();
    assert_eq!(server.usage(), Usage::default());
    for bell in &bells {
        assert_eq!(Arc::strong_count(bell), 1);
    }
}
