//! Calls on the object that a call is going to give, without waiting for it.

mod counted;

use counted::Counted;
use drb::{
    CallError, Client, Error, Limit, Limits, Outcome, Peer, Server, Usage, keywords, prelude::*,
};
use std::{
    future::Future,
    io,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::Poll,
    time::Duration,
};
use tokio::{
    io::duplex,
    sync::Notify,
    time::{Instant, sleep, timeout},
};

/// A node of a tree that is made as it is walked.
#[derive(Default, DrbUndumped)]
struct Node {
    path: String,
    seen: Arc<Seen>,
}

/// What the whole tree has seen.
#[derive(Default)]
struct Seen {
    order: Mutex<Vec<String>>,
    /// Lets slow methods go on.
    go: Notify,
    kept: Mutex<Option<NodeProxy>>,
    alive: AtomicUsize,
}

impl Drop for Node {
    fn drop(&mut self) {
        self.seen.alive.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Node {
    fn at(&self, name: &str) -> Self {
        self.seen.alive.fetch_add(1, Ordering::SeqCst);
        let path = format!("{}/{name}", self.path);
        Self { path, seen: Arc::clone(&self.seen) }
    }

    fn root(seen: &Arc<Seen>) -> Self {
        seen.alive.fetch_add(1, Ordering::SeqCst);
        Self { path: String::new(), seen: Arc::clone(seen) }
    }
}

#[drb::service]
impl Node {
    pub fn child(&self, name: &str) -> Self {
        self.at(name)
    }

    pub async fn slow_child(&self, name: String) -> Self {
        self.seen.go.notified().await;
        self.at(&name)
    }

    pub fn found(&self, name: &str, there: bool) -> Option<Self> {
        there.then(|| self.at(name))
    }

    pub fn fails(&self) -> Result<Self, String> {
        Err("no such child".to_owned())
    }

    pub fn path(&self) -> String {
        self.path.clone()
    }

    pub fn note(&self, what: String) {
        self.seen.order.lock().unwrap().push(what);
    }

    pub fn keep(&self, node: NodeProxy) {
        *self.seen.kept.lock().unwrap() = Some(node);
    }

    pub fn kept(&self) -> Option<NodeProxy> {
        self.seen.kept.lock().unwrap().clone()
    }

    pub async fn slow_kept(&self) -> Option<NodeProxy> {
        self.seen.go.notified().await;
        self.kept()
    }

    pub fn forget(&self) {
        self.seen.kept.lock().unwrap().take();
    }

    pub async fn path_of(&self, node: NodeProxy) -> drb::Result<String> {
        node.path().await
    }

    /// What the node has is the same object for ever, or not.
    pub fn is_here(&self, node: NodeProxy) -> bool {
        node.local::<Self>().is_some()
    }

    pub async fn each(&self, block: Block<(String,), usize>) -> drb::Result<usize> {
        block.call((self.path.clone(),)).await
    }
}

struct Tree {
    server: Server,
    client: Client,
    seen: Arc<Seen>,
    root: NodeProxy,
}

impl Tree {
    async fn at(uri: &str) -> Self {
        let seen = Arc::<Seen>::default();
        let server = drb::start_service(uri, Node::root(&seen)).await.unwrap();
        let client = Client::new();
        let root = client.connect(server.uri()).await.unwrap();
        Self { server, client, seen, root }
    }

    async fn new() -> Self {
        Self::at("drb://127.0.0.1:0").await
    }

    /// Waits until neither side holds anything but the root.
    async fn rest(&self) {
        let empty = |usage: Usage| (usage.exported, usage.imported) == (0, 0);
        let until = Instant::now() + Duration::from_secs(10);
        while !empty(self.server.usage())
            || !empty(self.client.usage())
            || self.seen.alive.load(Ordering::SeqCst) > 1
        {
            let (served, called) = (self.server.usage(), self.client.usage());
            let alive = self.seen.alive.load(Ordering::SeqCst);
            assert!(Instant::now() < until, "{served:?} {called:?} {alive}");
            sleep(Duration::from_millis(5)).await;
        }
    }
}

/// Polls a call once, so that it is sent.
async fn send<F: Future + Unpin>(call: &mut F) {
    std::future::poll_fn(|context| {
        assert!(Pin::new(&mut *call).poll(context).is_pending());
        Poll::Ready(())
    })
    .await;
}

fn cause(error: &Error) -> &Error {
    assert_eq!(error.outcome(), Outcome::NotExecuted);
    match error {
        Error::Unresolved { cause } => cause,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn to_any_depth() {
    let tree = Tree::new().await;
    let three = tree.root.child("a").pipelined().child("b").pipelined().child("c").pipelined();
    let five = three.child("d").pipelined().child("e").pipelined();
    drop(three);
    assert_eq!(five.path().await.unwrap(), "/a/b/c/d/e");
    assert_eq!(five.clone().child("f").await.unwrap().path().await.unwrap(), "/a/b/c/d/e/f");
    drop(five);
    // As deep as calls may wait.
    let mut node = tree.root.child("x").pipelined();
    for _ in 0..200 {
        node = node.child("x").pipelined();
    }
    assert_eq!(node.path().await.unwrap(), "/x".repeat(201));
    drop(node);
    tree.rest().await;
}

#[tokio::test]
async fn a_chain_is_one_write_each_way() {
    let seen = Arc::<Seen>::default();
    let server =
        Server::builder().front(Node::root(&seen)).start_without_listener("drb://tree:1").unwrap();
    let (to, from) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
    let (sent, answered) = (Arc::clone(&to), Arc::clone(&from));
    let accepting = server.clone();
    let client = Client::builder()
        .connector(move |_| {
            let (here, there) = duplex(1 << 16);
            let accepting = accepting.clone();
            let here = Counted { writes: Arc::clone(&sent), ..Counted::new(here) };
            let there = Counted { writes: Arc::clone(&answered), ..Counted::new(there) };
            async move {
                accepting.serve_stream(there, Peer::Unix).await.map_err(io::Error::other)?;
                Ok::<_, io::Error>(here)
            }
        })
        .build();
    let root: NodeProxy = client.connect("drb://tree:1").await.unwrap();
    root.path().await.unwrap();
    let before = (to.load(Ordering::SeqCst), from.load(Ordering::SeqCst));
    let node = root.child("a").pipelined().child("b").pipelined().child("c").pipelined();
    assert_eq!(node.path().await.unwrap(), "/a/b/c");
    let after = (to.load(Ordering::SeqCst), from.load(Ordering::SeqCst));
    assert_eq!((after.0 - before.0, after.1 - before.1), (1, 1));
}

#[tokio::test]
async fn calls_wait_for_the_object_and_begin_in_their_order() {
    let tree = Tree::new().await;
    let node = tree.root.slow_child("slow").pipelined();
    let mut notes: Vec<_> = (0..20).map(|number| node.note(number.to_string())).collect();
    for note in &mut notes {
        send(note).await;
    }
    // Others don't wait.
    tree.root.note("first".to_owned()).await.unwrap();
    tree.seen.go.notify_one();
    let last = node.note("last".to_owned());
    for note in notes {
        note.await.unwrap();
    }
    last.await.unwrap();
    let order = tree.seen.order.lock().unwrap().clone();
    let numbers = (0..20).map(|number| number.to_string());
    let expected: Vec<_> = ["first".to_owned()].into_iter().chain(numbers).collect();
    assert_eq!(order[..21], expected);
    drop(node);
    tree.rest().await;
}

#[tokio::test]
async fn large_arguments_do_not_let_later_calls_pass() {
    let tree = Tree::new().await;
    let large = "x".repeat(3 << 20);
    let node = tree.root.child(&large).pipelined();
    let mut first = node.note(large.clone());
    let mut second = node.note("small".to_owned());
    send(&mut first).await;
    send(&mut second).await;
    second.await.unwrap();
    first.await.unwrap();
    let order = tree.seen.order.lock().unwrap().clone();
    assert_eq!(order, [large, "small".to_owned()]);
}

#[tokio::test]
async fn a_failure_fails_all_that_follows() {
    let tree = Tree::new().await;
    let node = tree.root.fails().pipelined();
    let deep = node.child("a").pipelined().child("b").pipelined();
    for error in [node.path().await.unwrap_err(), deep.path().await.unwrap_err()] {
        let exception = cause(&error).exception().unwrap();
        // The method's own error.
        assert_eq!(
            <String as drb::MethodError>::rescue(exception.clone()),
            Ok("no such child".to_owned())
        );
    }
    let fails = match node.fails().await {
        Err(CallError::Drb(error)) => error,
        other => panic!("{other:?}"),
    };
    cause(&fails);
    assert_eq!(
        fails.to_string(),
        "there is no object to call, because of an earlier call: no such child (RuntimeError)"
    );
    assert_eq!(node.closed().await, drb::Closed::Unresolved);
    let none = tree.root.found("a", false).pipelined();
    let error = none.path().await.unwrap_err();
    assert!(cause(&error).to_string().contains("got nil"), "{error}");
    let some = tree.root.found("a", true).pipelined();
    assert_eq!(some.path().await.unwrap(), "/a");
    // A value that is no object.
    let object: drb::Object = tree.client.connect(tree.server.uri()).await.unwrap();
    let text = object.call::<drb::Object>("path", ()).pipelined();
    let error = text.call::<()>("length", ()).await.unwrap_err();
    assert!(cause(&error).to_string().contains("got a String"), "{error}");
    let unknown = object.call::<drb::Object>("nothing", keywords([("a", 1)])).pipelined();
    let error = unknown.call::<()>("length", ()).await.unwrap_err();
    assert!(matches!(cause(&error), Error::NoMethod(_)), "{error:?}");
    drop((node, deep, some, none, text, unknown));
    tree.rest().await;
}

#[tokio::test]
async fn what_is_cancelled_or_late_does_not_run() {
    let tree = Tree::new().await;
    let node = tree.root.slow_child("slow").pipelined();
    let mut cancelled = node.note("cancelled".to_owned());
    send(&mut cancelled).await;
    let late = node.note("late".to_owned()).deadline(Duration::from_millis(20));
    assert!(matches!(late.await, Err(Error::DeadlineExceeded { .. })));
    drop(cancelled);
    // It has arrived there that nobody wants it.
    tree.root.path().await.unwrap();
    let mut kept = node.note("kept".to_owned());
    send(&mut kept).await;
    tree.seen.go.notify_one();
    kept.await.unwrap();
    assert_eq!(*tree.seen.order.lock().unwrap(), ["kept"]);
    drop(node);
    tree.rest().await;
}

#[tokio::test]
async fn the_first_call_keeps_its_own_deadline() {
    let tree = Tree::new().await;
    let node = tree.root.slow_child("slow").deadline(Duration::from_millis(20)).pipelined();
    let error = node.path().await.unwrap_err();
    assert_eq!(error.outcome(), Outcome::NotExecuted, "{error:?}");
    assert!(matches!(error, Error::Unresolved { .. }), "{error:?}");
    drop(node);
    tree.rest().await;
}

#[tokio::test]
async fn what_nobody_wants_is_cancelled() {
    let tree = Tree::new().await;
    // Nothing is called on it, so nothing is made.
    drop(tree.root.slow_child("unused").pipelined());
    {
        let node = tree.root.slow_child("slow").pipelined();
        let mut path = node.path();
        send(&mut path).await;
        // Without a proxy, it goes on for the call.
        drop(node);
        tree.root.path().await.unwrap();
        tree.seen.go.notify_one();
        assert_eq!(path.await.unwrap(), "/slow");
    }
    {
        let node = tree.root.slow_child("slow").pipelined();
        let mut path = node.path();
        send(&mut path).await;
    }
    tree.rest().await;
    assert_eq!(tree.root.path().await.unwrap(), "");
}

#[tokio::test]
async fn calls_that_wait_count() {
    let seen = Arc::<Seen>::default();
    let limits = Limits { calls: 4, promises: 3, ..Limits::default() };
    let builder = Server::builder().front(Node::root(&seen)).limits(limits);
    let server = builder.start(Some("drb://127.0.0.1:0")).await.unwrap();
    let root = NodeProxy::connect(server.uri()).await.unwrap();
    let node = root.slow_child("slow").pipelined();
    // One runs, and three wait.
    let mut notes: Vec<_> = (0..4).map(|number| node.note(number.to_string())).collect();
    for note in &mut notes {
        send(note).await;
    }
    let error = notes.pop().unwrap().await.unwrap_err();
    assert!(matches!(error, Error::Overloaded { .. }), "{error:?}");
    assert_eq!(error.outcome(), Outcome::NotExecuted);
    seen.go.notify_one();
    for note in notes {
        note.await.unwrap();
    }
    // Three are kept, and no fourth one.
    let (second, third) = (root.child("2").pipelined(), root.child("3").pipelined());
    assert_eq!(second.path().await.unwrap(), "/2");
    assert_eq!(third.path().await.unwrap(), "/3");
    let fourth = root.child("4").pipelined();
    let error = fourth.path().await.unwrap_err();
    assert_eq!(error.outcome(), Outcome::NotExecuted);
    let first = root.child("5").pipelined();
    drop((second, third, fourth));
    assert_eq!(first.path().await.unwrap(), "/5");
    assert_eq!(Limit::from_name("promises"), Some(Limit::Promises));
}

#[tokio::test]
async fn a_promised_object_is_passed_on() {
    let tree = Tree::new().await;
    // Before it is there, it is called through this process.
    let slow = tree.root.slow_child("slow").pipelined();
    tree.root.keep(&slow).await.unwrap();
    let mut path = slow.path();
    send(&mut path).await;
    tree.seen.go.notify_one();
    assert_eq!(path.await.unwrap(), "/slow");
    let kept = tree.root.kept().await.unwrap().unwrap();
    assert_eq!(kept.path().await.unwrap(), "/slow");
    assert_eq!(tree.root.path_of(&kept).await.unwrap(), "/slow");
    // Then it is itself.
    assert_eq!(tree.root.path_of(&slow).await.unwrap(), "/slow");
    assert!(tree.root.is_here(&slow).await.unwrap());
    let fast = tree.root.child("fast").pipelined();
    assert_eq!(tree.root.path_of(&fast).await.unwrap(), "/fast");
    tree.root.forget().await.unwrap();
    drop((slow, kept, fast));
    tree.rest().await;
}

#[tokio::test]
async fn an_object_that_comes_home_and_one_of_a_third_process() {
    let (near, far) = (Tree::new().await, Tree::new().await);
    let own = Arc::new(Node::root(&Arc::default()).at("own"));
    near.root.keep(&own).await.unwrap();
    let home = near.root.kept().pipelined();
    assert_eq!(home.path().await.unwrap(), "/own");
    assert_eq!(home.child("a").pipelined().path().await.unwrap(), "/own/a");
    let relayed = far.root.child("far").await.unwrap();
    near.root.keep(&relayed).await.unwrap();
    let through = near.root.kept().pipelined();
    assert_eq!(through.path().await.unwrap(), "/far");
    assert_eq!(through.child("b").pipelined().path().await.unwrap(), "/far/b");
    near.root.forget().await.unwrap();
    drop((home, through, relayed));
    near.rest().await;
    far.rest().await;
}

#[tokio::test]
async fn blocks_and_the_end_of_a_connection() {
    let tree = Tree::new().await;
    let node = tree.root.child("a").pipelined();
    let mut seen = Vec::new();
    let length = node.each(|path: String| {
        seen.push(path);
        7
    });
    assert_eq!(length.await.unwrap(), 7);
    assert_eq!(seen, ["/a"]);
    let slow = tree.root.slow_child("slow").pipelined();
    let mut path = slow.path();
    send(&mut path).await;
    // A server that stops lets what it has taken come to its end, and what waits for that.
    tree.root.path().await.unwrap();
    let stopping = tokio::spawn({
        let server = tree.server.clone();
        async move { server.drain(Duration::from_secs(10)).await }
    });
    sleep(Duration::from_millis(20)).await;
    tree.seen.go.notify_one();
    assert_eq!(path.await.unwrap(), "/slow");
    timeout(Duration::from_secs(10), stopping).await.unwrap().unwrap();
    let error = slow.path().await.unwrap_err();
    assert_eq!(error.outcome(), Outcome::NotExecuted, "{error:?}");
}

/// A promise is handed on as an object of this process, and its own call gives that in the end.
#[tokio::test]
async fn an_object_that_turns_out_to_be_itself() {
    let tree = Tree::new().await;
    let itself = tree.root.kept().pipelined();
    tree.root.keep(&itself).await.unwrap();
    let error = itself.path().await.unwrap_err();
    assert!(cause(&error).to_string().contains("nothing but the object"), "{error}");
    assert_eq!(itself.closed().await, drb::Closed::Unresolved);
    // Whoever else has it is told the same.
    let kept = tree.root.kept().await.unwrap().unwrap();
    cause(&kept.path().await.unwrap_err());
    let error = tree.root.path_of(&itself).await.unwrap_err();
    assert!(error.to_string().contains("nothing but the object"), "{error}");
    tree.root.forget().await.unwrap();
    drop((itself, kept));
    tree.rest().await;
    // Also if nobody looks at what it has become.
    let itself = tree.root.slow_kept().pipelined();
    let mut path = itself.path();
    send(&mut path).await;
    tree.root.keep(&itself).await.unwrap();
    drop((path, itself));
    tree.seen.go.notify_one();
    tree.root.forget().await.unwrap();
    tree.rest().await;
}

#[tokio::test]
async fn objects_that_turn_out_to_be_each_other() {
    let (near, far) = (Tree::new().await, Tree::new().await);
    let (first, second) = (near.root.slow_kept().pipelined(), far.root.slow_kept().pipelined());
    let mut paths = (first.path(), second.path());
    send(&mut paths.0).await;
    send(&mut paths.1).await;
    near.root.keep(&second).await.unwrap();
    far.root.keep(&first).await.unwrap();
    near.seen.go.notify_one();
    far.seen.go.notify_one();
    for path in [paths.0.await, paths.1.await, first.path().await, second.path().await] {
        assert_eq!(path.unwrap_err().outcome(), Outcome::NotExecuted);
    }
    near.root.forget().await.unwrap();
    far.root.forget().await.unwrap();
    drop((first, second));
    near.rest().await;
    far.rest().await;
}

/// The same code, where the wire knows no promises.
#[tokio::test]
async fn elsewhere_each_call_waits_for_the_one_before() {
    let rust = Tree::at("druby://127.0.0.1:0").await;
    let local = Arc::new(Node::root(&rust.seen));
    let over_the_network = rust.server.uri().replace("127.0.0.1", "localhost");
    let ruby: NodeProxy = rust.client.connect(&over_the_network).await.unwrap();
    for root in [ruby, drb::local(local)] {
        let node = root.child("a").pipelined().child("b").pipelined();
        assert_eq!(node.child("c").pipelined().path().await.unwrap(), "/a/b/c");
        let (first, second) = tokio::join!(node.path(), node.path());
        assert_eq!((first.unwrap(), second.unwrap()), ("/a/b".into(), "/a/b".into()));
        let error = root.fails().pipelined().child("a").pipelined().path().await.unwrap_err();
        let exception = cause(&error).exception().unwrap();
        assert_eq!(
            <String as drb::MethodError>::rescue(exception.clone()),
            Ok("no such child".to_owned())
        );
        let error = root.found("a", false).pipelined().path().await.unwrap_err();
        cause(&error);
        assert_eq!(root.path_of(&node).await.unwrap(), "/a/b");
        assert_eq!(root.path_of(root.child("d").pipelined()).await.unwrap(), "/d");
        let length = node.each(|path: String| path.len());
        assert_eq!(length.await.unwrap(), 4);
        let slow = root.slow_child("slow").pipelined();
        let late = slow.path().deadline(Duration::from_millis(20));
        assert!(matches!(late.await, Err(Error::DeadlineExceeded { .. })));
        rust.seen.go.notify_one();
        assert_eq!(slow.path().await.unwrap(), "/slow");
        // It turns out to be itself.
        let itself = root.kept().pipelined();
        root.keep(&itself).await.unwrap();
        let error = itself.path().await.unwrap_err();
        assert!(cause(&error).to_string().contains("nothing but the object"), "{error}");
        assert!(root.path_of(&itself).await.is_err());
        root.forget().await.unwrap();
        let mut deep = root.child("x").pipelined();
        for _ in 0..50 {
            deep = deep.child("x").pipelined();
        }
        assert_eq!(deep.path().await.unwrap(), "/x".repeat(51));
    }
}
