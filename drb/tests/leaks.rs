//! Nothing is left of what has come and gone, over a socket. (The table alone is tested where it is, and
//! with ten million objects by the benchmark `leaks`.)

mod wires;

use drb::{Block, Client, DrbUndumped, Server, by_ref};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use wires::{On, on_both_wires};

const CYCLES: usize = 500;

/// Counts itself as long as it lives.
#[derive(DrbUndumped)]
struct Book(Arc<AtomicUsize>);

impl Book {
    fn new(alive: &Arc<AtomicUsize>) -> Self {
        alive.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(alive))
    }
}

impl Drop for Book {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[drb::service]
impl Book {
    pub fn title(&self) -> String {
        "Ruby".to_owned()
    }
}

#[derive(Clone, Default)]
struct Shelf {
    alive: Arc<AtomicUsize>,
}

#[drb::service]
impl Shelf {
    pub fn book(&self) -> Book {
        Book::new(&self.alive)
    }

    pub async fn read(&self, book: BookProxy) -> drb::Result<String> {
        book.title().await
    }

    pub async fn each(&self, block: Block<(Book,), ()>) -> drb::Result<()> {
        block.call((self.book(),)).await
    }
}

struct Test {
    shelf: Shelf,
    server: Server,
    /// What our client is called back through.
    home: Server,
    client: Client,
    proxy: ShelfProxy,
}

async fn start(wire: On, lease: Duration) -> Test {
    let home = Server::builder().lease(lease).start(()).await.unwrap();
    let shelf = Shelf::default();
    let builder = Server::builder().front(shelf.clone()).lease(lease);
    let server = builder.start(()).await.unwrap();
    let client = Client::new();
    let proxy = client.connect(&wire.uri(&server)).await.unwrap();
    Test { shelf, server, home, client, proxy }
}

impl Test {
    fn alive(&self) -> usize {
        self.shelf.alive.load(Ordering::Relaxed)
    }

    /// What the server has given, over either wire.
    fn given(&self) -> usize {
        self.server.exported() + self.server.usage().exported
    }

    /// What is held of the client's own.
    fn lent(&self) -> usize {
        self.home.exported() + self.client.usage().exported
    }
}

on_both_wires!(a_block_goes_with_its_call, everything_goes_in_the_end);

/// Where a proxy says which object it is; over the native wire [`Server::revoke`] is for this.
#[tokio::test]
async fn what_is_withdrawn_is_gone() {
    let test = start(On::Ruby, Duration::from_secs(600)).await;
    for _ in 0..CYCLES {
        let book = test.proxy.book().await.unwrap();
        assert_eq!((test.given(), test.alive()), (1, 1));
        assert!(test.server.withdraw(&book));
        let own = test.home.keep(Book::new(&test.shelf.alive)).unwrap();
        assert_eq!(test.proxy.read(&own).await.unwrap(), "Ruby");
        assert!(test.home.withdraw(&own));
        assert_eq!((test.server.exported(), test.home.exported(), test.alive()), (0, 0, 0));
    }
}

async fn a_block_goes_with_its_call(wire: On) {
    let test = start(wire, Duration::from_millis(200)).await;
    for _ in 0..CYCLES {
        let mut titles = 0;
        test.proxy.each(|_: BookProxy| titles += 1).await.unwrap();
        assert_eq!((titles, test.home.exported()), (1, 0));
    }
    // The books were given to the block. On Ruby's wire they are held for a lease.
    wait_until(|| test.given() == 0 && test.alive() == 0).await;
}

async fn everything_goes_in_the_end(wire: On) {
    let test = start(wire, Duration::from_millis(200)).await;
    for _ in 0..CYCLES {
        test.proxy.book().await.unwrap();
        test.proxy.read(by_ref(Book::new(&test.shelf.alive))).await.unwrap();
    }
    if wire == On::Ruby {
        assert!(test.alive() > 0, "for a lease");
    }
    wait_until(|| test.given() + test.lent() + test.alive() == 0).await;
    assert!(test.server.holders().is_empty() && test.home.holders().is_empty());
}

async fn wait_until(condition: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !condition() {
        assert!(Instant::now() < end, "something is left");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
