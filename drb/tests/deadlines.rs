//! How long a call takes, what becomes of its method when nobody waits any more, and how it is known
//! that an object is gone.

use drb::{Closed, Limits, Outcome, Server, prelude::*};
use std::{
    future::Future,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

const SHORT: Duration = Duration::from_millis(150);
const LONG: Duration = Duration::from_secs(60);

/// Nothing here waits longer.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("it never came to that")
}

async fn settled(is: impl Fn() -> bool) {
    soon(async {
        while !is() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await
}

/// What has become of the calls that methods have made.
type Errors = Arc<Mutex<Vec<drb::Error>>>;

#[derive(Default, DrbUndumped)]
struct Worker {
    next: Option<WorkerProxy>,
    errors: Errors,
    begun: Arc<AtomicUsize>,
    ended: Arc<AtomicUsize>,
    dropped: Arc<AtomicUsize>,
}

/// Tells whether a method has come to its end.
struct Run<'a>(&'a Worker, bool);

impl<'a> Run<'a> {
    fn new(worker: &'a Worker) -> Self {
        worker.begun.fetch_add(1, Ordering::SeqCst);
        Self(worker, false)
    }
}

impl Drop for Run<'_> {
    fn drop(&mut self) {
        let count = if self.1 { &self.0.ended } else { &self.0.dropped };
        count.fetch_add(1, Ordering::SeqCst);
    }
}

impl Worker {
    fn note<T: std::fmt::Debug>(&self, result: drb::Result<T>) {
        self.errors.lock().unwrap().push(result.expect_err("it has no time for that"));
    }
}

#[drb::service]
impl Worker {
    pub fn ready(&self) {}

    pub async fn sleep(&self, millis: u64) {
        let mut run = Run::new(self);
        tokio::time::sleep(Duration::from_millis(millis)).await;
        run.1 = true;
    }

    #[drb(no_cancel)]
    pub async fn sleep_on(&self, millis: u64) {
        let mut run = Run::new(self);
        tokio::time::sleep(Duration::from_millis(millis)).await;
        run.1 = true;
    }

    #[drb(blocking)]
    pub fn block(&self, millis: u64) {
        let mut run = Run::new(self);
        std::thread::sleep(Duration::from_millis(millis));
        run.1 = true;
    }

    /// Calls the next worker, and doesn't care how long that takes.
    #[drb(no_cancel)]
    pub async fn ask(&self) {
        let next = self.next.as_ref().unwrap();
        self.note(next.sleep(60_000).no_deadline().await);
        // Nothing is left, so this isn't even sent.
        self.note(next.ready().deadline(LONG).await);
    }

    #[drb(no_cancel)]
    pub async fn call_back(&self, other: WorkerProxy) {
        self.note(other.sleep(60_000).no_deadline().await);
    }

    #[drb(no_cancel)]
    pub async fn yields(&self, block: Block<()>) {
        self.note(block.call(()).no_deadline().await);
    }

    /// A chain of three.
    #[drb(no_cancel)]
    pub async fn ask_on(&self) {
        self.note(self.next.as_ref().unwrap().ask().deadline(LONG).await);
    }

    /// In which task it goes on once it has waited.
    pub async fn task(&self, millis: u64) -> String {
        tokio::time::sleep(Duration::from_millis(millis)).await;
        tokio::task::id().to_string()
    }

    /// Breaks off if it is stopped.
    pub async fn fragile(&self) {
        struct Panics<'a>(&'a Worker);
        impl Drop for Panics<'_> {
            fn drop(&mut self) {
                self.0.dropped.fetch_add(1, Ordering::SeqCst);
                panic!("a destructor panics");
            }
        }
        let _panics = Panics(self);
        std::future::pending::<()>().await;
    }

    /// Hands on the next worker.
    pub fn next(&self) -> WorkerProxy {
        self.next.clone().unwrap()
    }

    pub fn give(&self) -> Self {
        Self { ended: Arc::clone(&self.ended), ..Self::default() }
    }
}

/// Over a connection, and within the process.
const BOTH: [&str; 2] = ["drb://127.0.0.1:0", "drb+local:"];

async fn serve(worker: Worker) -> (Server, Arc<Worker>, WorkerProxy) {
    serve_at(BOTH[0], worker).await
}

async fn serve_at(uri: &str, worker: Worker) -> (Server, Arc<Worker>, WorkerProxy) {
    let worker = Arc::new(worker);
    let server = drb::start_service(uri, Arc::clone(&worker)).await.unwrap();
    let proxy = WorkerProxy::connect(server.uri()).await.unwrap();
    (server, worker, proxy)
}

fn ruby(server: &Server) -> String {
    server.uri().replace("drb://", "druby://")
}

fn is_out_of_time(error: &drb::Error, within: Duration) -> Outcome {
    match error {
        drb::Error::DeadlineExceeded { after, outcome } if *after <= within => *outcome,
        other => panic!("{other:?}"),
    }
}

/// To another server over either wire, and to one of this process without any.
#[tokio::test]
async fn a_call_that_a_method_makes_has_what_is_left() {
    let (end, _, native) = serve(Worker::default()).await;
    let druby = WorkerProxy::connect(&ruby(&end)).await.unwrap();
    let kept: WorkerProxy = end.keep(Worker::default()).unwrap();
    for (wire, next) in [("native", native), ("Ruby's", druby), ("none", kept)] {
        let (_server, middle, proxy) =
            serve(Worker { next: Some(next), ..Worker::default() }).await;
        let began = Instant::now();
        // Both have the same time. On a busy machine the method's answer may come before this looks at the clock.
        if let Err(error) = soon(proxy.ask().deadline(SHORT)).await {
            assert_eq!(is_out_of_time(&error, SHORT), Outcome::Unknown);
        }
        settled(|| middle.errors.lock().unwrap().len() == 2).await;
        assert!(began.elapsed() < Duration::from_secs(15), "{wire}");
        let errors = middle.errors.lock().unwrap();
        assert_eq!(is_out_of_time(&errors[0], SHORT), Outcome::Unknown, "{wire}");
        assert_eq!(is_out_of_time(&errors[1], Duration::ZERO), Outcome::NotExecuted, "{wire}");
    }
}

#[tokio::test]
async fn a_callback_and_a_block_have_what_is_left() {
    for at in BOTH {
        let (_server, worker, proxy) = serve_at(at, Worker::default()).await;
        let own = Arc::new(Worker::default());
        let error = soon(proxy.call_back(&own).deadline(SHORT)).await.unwrap_err();
        assert_eq!(is_out_of_time(&error, SHORT), Outcome::Unknown);
        settled(|| worker.errors.lock().unwrap().len() == 1).await;
        // What was called back is stopped.
        settled(|| own.dropped.load(Ordering::SeqCst) == 1).await;
        let block = || async { tokio::time::sleep(LONG).await };
        let error = soon(proxy.yields(block).deadline(SHORT)).await.unwrap_err();
        assert_eq!(is_out_of_time(&error, SHORT), Outcome::Unknown);
        settled(|| worker.errors.lock().unwrap().len() == 2).await;
        let errors = worker.errors.lock().unwrap();
        is_out_of_time(&errors[0], SHORT);
        // The block may be known to be over before its time is.
        assert!(
            matches!(&errors[1], drb::Error::DeadlineExceeded { .. } | drb::Error::BlockEnded)
                || matches!(&errors[1], drb::Error::Gone(_) | drb::Error::Raised(_)),
            "{:?}",
            errors[1]
        );
    }
}

#[tokio::test]
async fn who_hands_on_a_call_waits_as_long_as_its_caller_does() {
    let (far, worker, _) = serve(Worker::default()).await;
    let limits = Limits { deadline: SHORT, ..Limits::default() };
    let client = drb::Client::builder().limits(limits).build();
    let next: WorkerProxy = client.connect(far.uri()).await.unwrap();
    let (_middle, _, middle) =
        serve(Worker { next: Some(soon(next.give()).await.unwrap()), ..Worker::default() }).await;
    let handed_on = soon(middle.next()).await.unwrap();
    soon(handed_on.sleep(400).no_deadline()).await.unwrap();
    soon(handed_on.sleep(400).deadline(LONG)).await.unwrap();
    let error = soon(handed_on.sleep(60_000).deadline(SHORT)).await.unwrap_err();
    assert_eq!(is_out_of_time(&error, SHORT), Outcome::Unknown);
    assert_eq!(worker.ended.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_deadline_goes_through_a_chain_of_processes() {
    for at in BOTH {
        let (_end, _, last) = serve_at(at, Worker::default()).await;
        let (_middle, middle, second) =
            serve_at(at, Worker { next: Some(last), ..Worker::default() }).await;
        let (_front, front, first) =
            serve_at(at, Worker { next: Some(second), ..Worker::default() }).await;
        let error = soon(first.ask_on().deadline(SHORT)).await.unwrap_err();
        assert_eq!(is_out_of_time(&error, SHORT), Outcome::Unknown);
        settled(|| middle.errors.lock().unwrap().len() == 2).await;
        settled(|| front.errors.lock().unwrap().len() == 1).await;
        is_out_of_time(&middle.errors.lock().unwrap()[0], SHORT);
    }
}

/// A call of a proxy of this process is stopped as any other, unless the method says that it isn't.
#[tokio::test]
async fn a_dropped_call_stops_its_method_unless_it_says_no_cancel() {
    for at in BOTH {
        let (server, worker, proxy) = serve_at(at, Worker::default()).await;
        let own = Arc::new(Worker::default());
        let kept: WorkerProxy = server.keep(Arc::clone(&own)).unwrap();
        for (worker, proxy) in [(worker, proxy), (own, kept)] {
            let error = soon(proxy.sleep(60_000).deadline(SHORT)).await.unwrap_err();
            is_out_of_time(&error, SHORT);
            settled(|| worker.dropped.load(Ordering::SeqCst) == 1).await;
            let error = soon(proxy.sleep_on(400).deadline(SHORT)).await.unwrap_err();
            is_out_of_time(&error, SHORT);
            assert_eq!(worker.ended.load(Ordering::SeqCst), 0);
            let dropped = tokio::time::timeout(SHORT, proxy.sleep_on(400).no_deadline()).await;
            assert!(dropped.is_err());
            settled(|| worker.ended.load(Ordering::SeqCst) == 2).await;
            assert_eq!(worker.dropped.load(Ordering::SeqCst), 1);
            soon(proxy.ready()).await.unwrap();
        }
    }
}

/// Neither a thread nor what says `no_cancel` is free before it has ended, whatever the caller is told.
#[tokio::test]
async fn a_cancelled_call_counts_until_its_method_has_ended() {
    for at in BOTH {
        let worker = Arc::new(Worker::default());
        let limits = Limits { calls: 1, ..Limits::default() };
        let server = Server::builder().front(Arc::clone(&worker)).limits(limits);
        let server = server.start(at).await.unwrap();
        let proxy = WorkerProxy::connect(server.uri()).await.unwrap();
        for round in 1..=2 {
            let call = if round == 1 { proxy.block(1_000) } else { proxy.sleep_on(1_000) };
            is_out_of_time(&soon(call.deadline(SHORT)).await.unwrap_err(), SHORT);
            let refused = soon(proxy.ready()).await.unwrap_err();
            assert!(matches!(refused, drb::Error::Overloaded { .. }), "{refused:?}");
            settled(|| worker.ended.load(Ordering::SeqCst) == round).await;
            soon(async { while proxy.ready().await.is_err() {} }).await;
        }
        // One that is stopped makes room at once.
        is_out_of_time(&soon(proxy.sleep(60_000).deadline(SHORT)).await.unwrap_err(), SHORT);
        soon(async { while proxy.ready().await.is_err() {} }).await;
        assert_eq!(worker.dropped.load(Ordering::SeqCst), 1);
    }
}

/// One after the other they go on in the same task, and those at the same time don't wait for each other.
#[tokio::test]
async fn methods_take_turns_in_a_task_and_none_waits_for_another_one() {
    let (_server, _, proxy) = serve(Worker::default()).await;
    let first = soon(proxy.task(2)).await.unwrap();
    for _ in 0..3 {
        assert_eq!(soon(proxy.task(2)).await.unwrap(), first);
    }
    let (other, same) = soon(async { tokio::join!(proxy.task(60), proxy.task(2)) }).await;
    assert_ne!(other.unwrap(), same.unwrap());
    let waits = proxy.sleep(60_000).deadline(SHORT);
    let (waited, went) = soon(async { tokio::join!(waits, proxy.task(2)) }).await;
    is_out_of_time(&waited.unwrap_err(), SHORT);
    went.unwrap();
    let same = soon(proxy.task(2)).await.unwrap();
    assert_eq!(soon(proxy.task(2)).await.unwrap(), same);
}

/// What its destructors do to the task that a method was stopped in doesn't concern the next one.
#[tokio::test]
async fn a_method_that_panics_when_it_is_stopped_takes_no_other_with_it() {
    let (_server, worker, proxy) = serve(Worker::default()).await;
    for round in 1..=3 {
        soon(proxy.task(2)).await.unwrap();
        is_out_of_time(&soon(proxy.fragile().deadline(SHORT)).await.unwrap_err(), SHORT);
        settled(|| worker.dropped.load(Ordering::SeqCst) == round).await;
        soon(proxy.task(2)).await.unwrap();
    }
}

#[tokio::test]
async fn a_server_waits_for_methods_that_nobody_else_waits_for() {
    for at in BOTH {
        for lose in [false, true] {
            let (server, worker, proxy) = serve_at(at, Worker::default()).await;
            for call in [proxy.block(800), proxy.sleep_on(800)] {
                is_out_of_time(&soon(call.deadline(SHORT)).await.unwrap_err(), SHORT);
            }
            if lose {
                // With the last proxy the connection goes.
                drop(proxy);
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            assert!(soon(server.drain(Duration::from_secs(10))).await);
            assert_eq!(worker.ended.load(Ordering::SeqCst), 2);
        }
        // What takes longer than the server waits is cut off, if it can be.
        let (server, worker, proxy) = serve_at(at, Worker::default()).await;
        is_out_of_time(&soon(proxy.sleep_on(60_000).deadline(SHORT)).await.unwrap_err(), SHORT);
        assert!(!soon(server.drain(SHORT)).await);
        settled(|| worker.dropped.load(Ordering::SeqCst) == 1).await;
    }
}

#[tokio::test]
async fn a_lost_connection_closes_what_was_held_over_it() {
    let (server, _, proxy) = serve(Worker::default()).await;
    let given = soon(proxy.give()).await.unwrap();
    let object = drb::Object::from_remote(given.remote().clone());
    let closing = [given.closed(), object.closed(), proxy.closed()];
    soon(given.ready()).await.unwrap();
    server.drain(Duration::from_secs(5)).await;
    for closing in closing {
        assert_eq!(soon(closing).await, Closed::ConnectionLost);
    }
    // Whoever asks late is told, too.
    assert_eq!(soon(given.closed()).await, Closed::ConnectionLost);
}

#[derive(Default)]
struct Desk {
    bell: Arc<Bell>,
}

#[derive(Default, DrbUndumped)]
struct Bell;

#[drb::service]
impl Bell {
    pub fn ring(&self) -> &'static str {
        "ding"
    }
}

#[drb::service]
impl Desk {
    pub fn bell(&self) -> Arc<Bell> {
        Arc::clone(&self.bell)
    }
}

#[tokio::test]
async fn what_is_revoked_is_gone_for_everybody() {
    let desk = Arc::new(Desk::default());
    let bell = Arc::clone(&desk.bell);
    let server = drb::start_service("drb://127.0.0.1:0", Arc::clone(&desk)).await.unwrap();
    let mut held = Vec::new();
    for _ in 0..3 {
        let desk = DeskProxy::connect(server.uri()).await.unwrap();
        let bell = soon(desk.bell()).await.unwrap();
        assert_eq!(soon(bell.ring()).await.unwrap(), "ding");
        held.push((desk, bell));
    }
    let ruby = DeskProxy::connect(&ruby(&server)).await.unwrap();
    let over_ruby = soon(ruby.bell()).await.unwrap();
    let closing: Vec<_> = held.iter().map(|(_, bell)| bell.closed()).collect();
    assert!(server.revoke(&bell));
    assert!(!server.revoke(&bell), "nobody holds it any more");
    for closing in closing {
        assert_eq!(soon(closing).await, Closed::Withdrawn);
    }
    for bell in held.iter().map(|(_, bell)| bell).chain([&over_ruby]) {
        let error = soon(bell.ring()).await.unwrap_err();
        assert!(matches!(error, drb::Error::Gone(_)), "{error:?}");
        assert_eq!(error.outcome(), Outcome::NotExecuted);
    }
    // That one leads to an object of this process, which tells. Ruby's wire has no notices.
    assert_eq!(soon(over_ruby.closed()).await, Closed::Withdrawn);
    assert!(tokio::time::timeout(SHORT, ruby.closed()).await.is_err());
    // What is given anew can be called anew, also while the old one is still held.
    let (desk, old) = &held[0];
    let new = soon(desk.bell()).await.unwrap();
    assert_eq!(soon(new.ring()).await.unwrap(), "ding");
    assert_eq!(soon(old.closed()).await, Closed::Withdrawn);
    let closing = new.closed();
    assert!(tokio::time::timeout(SHORT, closing).await.is_err());
    // The references that are given back late do no harm.
    for _ in 0..300 {
        let bell = soon(desk.bell()).await.unwrap();
        drop(bell);
    }
    drop((new, held, over_ruby));
    settled(|| Arc::strong_count(&bell) == 2).await;
}

#[tokio::test]
async fn withdrawing_tells_native_peers_and_this_process() {
    let desk = Arc::new(Desk::default());
    let server = drb::start_service("drb://127.0.0.1:0", Arc::clone(&desk)).await.unwrap();
    let kept: BellProxy = server.keep(Arc::clone(&desk.bell)).unwrap();
    let remote = DeskProxy::connect(server.uri()).await.unwrap();
    let far = soon(remote.bell()).await.unwrap();
    let (here, there) = (kept.closed(), far.closed());
    assert!(server.withdraw(&kept));
    assert_eq!(soon(here).await, Closed::Withdrawn);
    assert_eq!(soon(there).await, Closed::Withdrawn);
    let other: BellProxy = server.keep(Arc::clone(&desk.bell)).unwrap();
    let closing = other.closed();
    server.drain(Duration::from_secs(5)).await;
    assert_eq!(soon(closing).await, Closed::Stopped);
}

/// Has what another process has given.
struct Lobby(DeskProxy);

#[drb::service]
impl Lobby {
    pub async fn bell(&self) -> drb::Result<BellProxy> {
        self.0.bell().await
    }
}

/// A bell of a third process, and what is on the way to it.
async fn handed_on(desk: &Arc<Desk>) -> (Server, Server, BellProxy) {
    let far = drb::start_service("drb://127.0.0.1:0", Arc::clone(desk)).await.unwrap();
    let to_far = DeskProxy::connect(far.uri()).await.unwrap();
    let middle = drb::start_service("drb://127.0.0.1:0", Lobby(to_far)).await.unwrap();
    let lobby = LobbyProxy::connect(middle.uri()).await.unwrap();
    let bell = soon(lobby.bell()).await.unwrap();
    assert_eq!(soon(bell.ring()).await.unwrap(), "ding");
    (far, middle, bell)
}

#[tokio::test]
async fn who_got_an_object_through_others_is_told_when_it_is_gone() {
    let desk = Arc::new(Desk::default());
    let (far, _middle, bell) = handed_on(&desk).await;
    let closing = bell.closed();
    assert!(far.revoke(&desk.bell));
    assert_eq!(soon(closing).await, Closed::Withdrawn);
    let error = soon(bell.ring()).await.unwrap_err();
    assert!(matches!(error, drb::Error::Gone(_)), "{error:?}");
    assert_eq!(error.outcome(), Outcome::NotExecuted);
}

#[tokio::test]
async fn who_got_an_object_through_others_is_told_when_they_lose_their_way_to_it() {
    let desk = Arc::new(Desk::default());
    let (far, middle, bell) = handed_on(&desk).await;
    // One more process in between.
    let to_middle = LobbyProxy::connect(&middle.uri().replace("127.0.0.1", "localhost")).await;
    let next = drb::start_service("drb://127.0.0.1:0", Hall(to_middle.unwrap())).await.unwrap();
    let hall = HallProxy::connect(next.uri()).await.unwrap();
    let behind_two = soon(hall.bell()).await.unwrap();
    assert_eq!(soon(behind_two.ring()).await.unwrap(), "ding");
    let closing = [bell.closed(), behind_two.closed()];
    far.drain(Duration::from_secs(5)).await;
    for closing in closing {
        assert_eq!(soon(closing).await, Closed::ConnectionLost);
    }
    for bell in [&bell, &behind_two] {
        // Whoever asks late is told, too.
        assert_eq!(soon(bell.closed()).await, Closed::ConnectionLost);
        // The object isn't said to be gone: it may be there.
        let error = soon(bell.ring()).await.unwrap_err();
        assert!(!matches!(error, drb::Error::Gone(_)), "{error:?}");
        assert_eq!(error.outcome(), Outcome::NotExecuted);
    }
    // What is let go of leaves nothing behind.
    drop((bell, behind_two));
    settled(|| middle.usage().exported + next.usage().exported == 0).await;
}

/// The same, one process further away.
struct Hall(LobbyProxy);

#[drb::service]
impl Hall {
    pub async fn bell(&self) -> drb::Result<BellProxy> {
        self.0.bell().await
    }
}
