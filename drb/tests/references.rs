//! References: objects that stay where they are, passed in every form, and home again.

mod wires;

use drb::{
    ByRef, DrbDumped, DrbUndumped, Either, Error, Exclusive, Limits, Proxy, Server, Term, Value,
    by_ref,
};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    future::Future,
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::runtime::Runtime;
use wires::{On, everywhere};

/// The tests share the process's first server: so it has to outlive each of them.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

/// The server through which this process is called back. Nobody can connect to it, so that a call of
/// one of its objects fails if it is made over the network.
static HOME: LazyLock<Server> = LazyLock::new(|| {
    let limits = Limits { connections: 0, ..Limits::default() };
    RUNTIME.block_on(Server::builder().limits(limits).start(())).unwrap()
});

fn run<T>(test: impl Future<Output = T>) -> T {
    LazyLock::force(&HOME);
    RUNTIME.block_on(async { tokio::time::timeout(Duration::from_secs(30), test).await }).unwrap()
}

async fn start(wire: On) -> (Server, DeskProxy) {
    let server = drb::start_service(wire.at(), Desk::default()).await.unwrap();
    let desk = DeskProxy::connect(&wire.uri(&server)).await.unwrap();
    (server, desk)
}

/// It is copied, unless it is passed by reference for once.
#[derive(Debug, Clone, PartialEq, DrbDumped)]
struct Cart {
    prices: Vec<u64>,
}

#[drb::service]
impl Cart {
    pub fn total(&self) -> u64 {
        self.prices.iter().sum()
    }
}

#[derive(Default, DrbUndumped)]
struct Counter(AtomicU64);

#[drb::service]
impl Counter {
    pub fn inc(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed) + 1
    }
}

#[derive(Default, DrbUndumped)]
struct Stack(Vec<u64>);

#[drb::service]
impl Stack {
    pub fn push(&mut self, value: u64) -> u64 {
        self.0.push(value);
        self.0.len() as u64
    }
}

struct Desk {
    known: Mutex<HashSet<CounterProxy>>,
    counter: Arc<Counter>,
    stack: Arc<Exclusive<Stack>>,
}

impl Default for Desk {
    fn default() -> Self {
        let stack = Arc::new(Exclusive::new(Stack::default()));
        Self { known: Mutex::default(), counter: Arc::default(), stack }
    }
}

#[drb::service]
impl Desk {
    pub async fn total(&self, cart: Either<Cart, CartProxy>) -> drb::Result<(String, u64)> {
        Ok(match cart {
            Either::Value(cart) => ("copy".to_owned(), cart.total()),
            Either::Remote(cart) => ("reference".to_owned(), cart.total().await?),
        })
    }

    pub async fn count(&self, text: Either<String, CounterProxy>) -> drb::Result<u64> {
        match text {
            Either::Value(text) => Ok(text.len() as u64),
            Either::Remote(counter) => counter.inc().await,
        }
    }

    pub async fn audit(&self, cart: CartProxy) -> drb::Result<u64> {
        cart.total().await
    }

    pub async fn all(&self, counters: Vec<CounterProxy>) -> drb::Result<u64> {
        let mut sum = 0;
        for counter in counters {
            sum += counter.inc().await?;
        }
        Ok(sum)
    }

    pub async fn perhaps(&self, counter: Option<CounterProxy>) -> drb::Result<Option<u64>> {
        match counter {
            Some(counter) => counter.inc().await.map(Some),
            None => Ok(None),
        }
    }

    pub async fn named(&self, map: HashMap<String, CounterProxy>) -> drb::Result<u64> {
        map["one"].inc().await
    }

    pub async fn sorted(&self, map: BTreeMap<u8, CounterProxy>) -> drb::Result<u64> {
        map[&1].inc().await
    }

    pub async fn any(&self, value: Value) -> String {
        value.class().into_owned()
    }

    pub fn cart(&self) -> ByRef<Cart> {
        by_ref(Cart { prices: vec![1, 2] })
    }

    pub fn carts(&self) -> Vec<Option<(ByRef<Cart>, u8)>> {
        vec![Some((self.cart(), 7)), None]
    }

    pub fn shelf(&self) -> Result<HashMap<String, ByRef<Cart>>, String> {
        Ok(HashMap::from([("one".to_owned(), self.cart())]))
    }

    pub fn either(&self, copied: bool) -> Either<Cart, ByRef<Cart>> {
        if copied { Either::Value(Cart { prices: vec![5] }) } else { Either::Remote(self.cart()) }
    }

    pub fn counter(&self) -> Arc<Counter> {
        Arc::clone(&self.counter)
    }

    pub fn stack(&self) -> ByRef<Stack> {
        by_ref(Arc::clone(&self.stack))
    }

    pub fn is_ours(&self, counter: CounterProxy) -> bool {
        counter.local::<Counter>().is_some_and(|own| Arc::ptr_eq(&own, &self.counter))
    }

    pub fn know(&self, counter: CounterProxy) -> bool {
        !self.known.lock().unwrap().insert(counter)
    }

    pub fn first_known(&self) -> Option<CounterProxy> {
        self.known.lock().unwrap().iter().next().cloned()
    }
}

everywhere!(
    in_place: what_is_copied_goes_by_reference_for_once,
    a_parameter_takes_a_copy_or_a_reference,
    objects_go_in_containers,
    a_reference_that_comes_home_is_the_object,
);

fn what_is_copied_goes_by_reference_for_once(wire: On) {
    run(async {
        let (_server, desk) = start(wire).await;
        let cart = Cart { prices: vec![3, 4] };
        assert_eq!(desk.audit(cart.clone()).await.unwrap(), 7);
        assert_eq!(desk.audit(by_ref(cart.clone())).await.unwrap(), 7);
        assert_eq!(desk.audit(Arc::new(cart)).await.unwrap(), 7);
        let cart: CartProxy = desk.cart().await.unwrap();
        assert_eq!(cart.total().await.unwrap(), 3);
        let carts: Vec<Option<(CartProxy, u8)>> = desk.carts().await.unwrap();
        let [Some((cart, 7)), None] = &*carts else { panic!("{carts:?}") };
        assert_eq!(cart.total().await.unwrap(), 3);
        let shelf: HashMap<String, CartProxy> = desk.shelf().await.unwrap();
        assert_eq!(shelf["one"].total().await.unwrap(), 3);
        assert_eq!(desk.stack().await.unwrap().push(1).await.unwrap(), 1);
        assert_eq!(desk.stack().await.unwrap().push(1).await.unwrap(), 2);
    });
}

fn a_parameter_takes_a_copy_or_a_reference(wire: On) {
    run(async {
        let (_server, desk) = start(wire).await;
        let cart = Cart { prices: vec![3, 4] };
        let is = |what: &str| Ok((what.to_owned(), 7));
        assert_eq!(desk.total(&cart).await, is("copy"));
        assert_eq!(desk.total(cart.clone()).await, is("copy"));
        assert_eq!(desk.total(Either::<Cart, CartProxy>::Value(cart.clone())).await, is("copy"));
        assert_eq!(desk.total(by_ref(cart.clone())).await, is("reference"));
        let shared = Arc::new(cart);
        assert_eq!(desk.total(&shared).await, is("reference"));
        assert_eq!(desk.total(Arc::clone(&shared)).await, is("reference"));
        let proxy = HOME.keep(shared).unwrap();
        assert_eq!(desk.total(&proxy).await, is("reference"));
        assert_eq!(desk.total(proxy).await, is("reference"));

        assert_eq!(desk.count("four").await, Ok(4));
        assert_eq!(desk.count("four".to_owned()).await, Ok(4));
        assert_eq!(desk.count(Arc::new(Counter(9.into()))).await, Ok(10));

        let copy = desk.either(true).await.unwrap();
        assert_eq!(copy, Either::Value(Cart { prices: vec![5] }));
        let Either::Remote(cart) = desk.either(false).await.unwrap() else { panic!("a copy") };
        assert_eq!(cart.total().await, Ok(3));
    });
}

#[allow(clippy::needless_borrows_for_generic_args)] // Each form is what this tests.
fn objects_go_in_containers(wire: On) {
    run(async {
        let (_server, desk) = start(wire).await;
        let counter = Arc::new(Counter::default());
        let two = || vec![Arc::clone(&counter), Arc::clone(&counter)];
        assert_eq!(desk.all(two()).await, Ok(1 + 2));
        let both = two();
        assert_eq!(desk.all(&both).await, Ok(3 + 4));
        assert_eq!(desk.all(both.as_slice()).await, Ok(5 + 6));
        assert_eq!(desk.all([&counter].map(Arc::clone)).await, Ok(7));
        assert_eq!(desk.all(vec![by_ref(Arc::clone(&counter))]).await, Ok(8));
        let proxy = HOME.keep(Arc::clone(&counter)).unwrap();
        assert_eq!(desk.all([proxy.clone()]).await, Ok(9));

        assert_eq!(desk.perhaps(&counter).await, Ok(Some(10)));
        assert_eq!(desk.perhaps(Arc::clone(&counter)).await, Ok(Some(11)));
        assert_eq!(desk.perhaps(by_ref(Arc::clone(&counter))).await, Ok(Some(12)));
        assert_eq!(desk.perhaps(&proxy).await, Ok(Some(13)));
        assert_eq!(desk.perhaps(proxy).await, Ok(Some(14)));
        assert_eq!(desk.perhaps(Counter(6.into())).await, Ok(Some(7)));
        assert_eq!(desk.perhaps(None).await, Ok(None));

        let map = HashMap::from([("one".to_owned(), Arc::clone(&counter))]);
        assert_eq!(desk.named(&map).await, Ok(15));
        assert_eq!(desk.named(map).await, Ok(16));
        let map = BTreeMap::from([(1, by_ref(Arc::clone(&counter)))]);
        assert_eq!(desk.sorted(map).await, Ok(17));

        assert_eq!(desk.any(&counter).await.unwrap(), "DRb::DRbObject");
        let object: drb::Object = Proxy::from_remote(desk.remote().clone());
        let (form, total): (String, u64) =
            object.call("total", (by_ref(Cart { prices: vec![8] }),)).await.unwrap();
        assert_eq!((&*form, total), ("reference", 8));
    });
}

fn a_reference_that_comes_home_is_the_object(wire: On) {
    run(async {
        let (server, desk) = start(wire).await;
        // The desk's counter, at the desk.
        let counter = desk.counter().await.unwrap();
        assert!(desk.is_ours(&counter).await.unwrap());
        assert!(!desk.is_ours(Counter::default()).await.unwrap());
        assert!(counter.local::<Cart>().is_none(), "it is no cart");

        // An object of ours, there and back.
        let own = Arc::new(Counter::default());
        assert!(!desk.know(&own).await.unwrap());
        let back = desk.first_known().await.unwrap().unwrap();
        assert!(Arc::ptr_eq(&own, &back.local::<Counter>().unwrap()));
        assert_eq!(back.inc().await, Ok(1));
        if wire == On::Ruby {
            // HOME accepts no connection: this call was not made over one.
            let outside = CounterProxy::connect(back.remote().reference().uri().unwrap()).await;
            let outside = async { outside?.inc().deadline(Duration::from_secs(5)).await }.await;
            assert!(matches!(outside, Err(Error::ConnectionLost { .. })), "{outside:?}");
        }

        // The same object is known again, whatever way it came.
        assert!(desk.know(&own).await.unwrap());
        assert!(desk.know(back.clone()).await.unwrap());
        assert!(desk.know(HOME.keep(own).unwrap()).await.unwrap());
        assert!(!desk.know(Counter::default()).await.unwrap());
        assert_eq!(back, back.clone());
        assert_ne!(back, counter);
        match wire {
            On::Ruby => assert!(server.exported() > 0),
            On::Native | On::Local => assert!(server.usage().exported > 0),
        }
    });
}

/// Leases are of Ruby's wire alone.
#[test]
fn an_object_is_kept_until_it_is_withdrawn() {
    run(async {
        let server = Server::builder()
            .front(Desk::default())
            .lease(Duration::from_millis(50))
            .start(())
            .await
            .unwrap();
        let desk = DeskProxy::connect(server.uri()).await.unwrap();
        let exported = desk.counter().await.unwrap();
        let kept = Arc::new(Counter::default());
        let proxy = server.keep(Arc::clone(&kept)).unwrap();
        let outside = drb::Client::new().connect::<CounterProxy>(server.uri()).await.unwrap();
        let outside = outside.remote().link();
        let outside = drb::Remote::new(Arc::clone(outside), proxy.remote().reference().clone());
        let outside = CounterProxy::from_remote(outside);
        assert_eq!(server.exported(), 2);
        let objects = server.objects();
        let entry = |proxy: &CounterProxy| {
            let id = proxy.remote().reference().id();
            objects.iter().find(|entry| entry.id == *id).unwrap()
        };
        assert_eq!(entry(&proxy).term, Term::Kept);
        assert_eq!(entry(&proxy).holder, None);
        assert_eq!(entry(&proxy).class, "Counter");
        assert!(matches!(entry(&exported).term, Term::Lease(_)));
        assert!(entry(&exported).since.elapsed() < Duration::from_secs(30));
        let loopback = entry(&exported).holder.unwrap();
        assert_eq!(server.holders(), HashMap::from([(loopback, 1)]));

        tokio::time::timeout(Duration::from_secs(10), async {
            while server.exported() > 1 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
        .await
        .expect("the lease ends");
        assert!(matches!(exported.inc().await, Err(Error::Gone(_))));
        assert!(server.holders().is_empty());
        assert_eq!(proxy.inc().await, Ok(1));
        assert_eq!(outside.inc().await, Ok(2));
        assert!(server.withdraw(&proxy));
        assert!(!server.withdraw(&proxy), "it is gone");
        assert!(matches!(proxy.inc().await, Err(Error::Gone(_))));
        assert!(matches!(outside.inc().await, Err(Error::Gone(_))));
        assert!(proxy.local::<Counter>().is_none());
        assert_eq!(Arc::strong_count(&kept), 1);
        // The front stays.
        assert!(!server.withdraw(&desk));
        assert_eq!(desk.count("x").await, Ok(1));
    });
}

#[test]
fn what_a_server_has_exported_goes_with_it() {
    run(async {
        let server = drb::start_service((), ()).await.unwrap();
        let kept = Arc::new(Counter::default());
        let proxy = server.keep(Arc::clone(&kept)).unwrap();
        assert_eq!(Arc::strong_count(&kept), 2);
        assert!(server.drain(Duration::from_secs(5)).await);
        assert_eq!(Arc::strong_count(&kept), 1);
        assert!(matches!(proxy.inc().await, Err(Error::Stopped)));
    });
}

#[test]
fn a_server_without_a_front_refuses_calls_of_it() {
    run(async {
        let server = drb::start_service("druby://127.0.0.1:0".to_owned(), ()).await.unwrap();
        let desk = DeskProxy::connect(server.uri()).await.unwrap();
        assert!(matches!(desk.count("x").await, Err(Error::Gone(_))));
    });
}
