//! A type that offers the methods of several traits.

use crate::wires::{On, everywhere};
use drb::{Block, DrbUndumped, Object, Service, start_service};
use std::sync::Mutex;

mod api {
    #[drb::service]
    pub trait Observer {
        async fn notify(&self, event: String) -> u64;

        #[drb(name = "closed?", alias = "done?")]
        fn is_closed(&self) -> bool {
            false
        }
    }

    #[drb::service]
    pub trait Each<T: drb::Outbound + 'static> {
        async fn each(&self, block: drb::Block<(T,)>) -> drb::Result<()>;
    }

    #[drb::service]
    pub trait Slot {
        fn put(&mut self, value: u64) -> u64;
    }
}

#[derive(Default, DrbUndumped)]
struct Board(Mutex<Vec<String>>);

#[drb::service(class = "Pin::Board", also(api::Observer, api::Each<String>))]
impl Board {
    pub fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

impl api::Observer for Board {
    async fn notify(&self, event: String) -> u64 {
        let mut events = self.0.lock().unwrap();
        events.push(event);
        events.len() as u64
    }
}

impl api::Each<String> for Board {
    async fn each(&self, block: Block<(String,)>) -> drb::Result<()> {
        let events = self.0.lock().unwrap().clone();
        for event in events {
            block.call((event,)).await?;
        }
        Ok(())
    }
}

/// Of a trait, and with an object that its methods have to themselves.
#[derive(DrbUndumped)]
struct Tally(u64);

#[drb::service(also(Twice))]
impl api::Slot for Tally {
    fn put(&mut self, value: u64) -> u64 {
        self.0 = value;
        value
    }
}

#[drb::service]
trait Twice {
    fn twice(&mut self) -> u64;
}

impl Twice for Tally {
    fn twice(&mut self) -> u64 {
        self.0 *= 2;
        self.0
    }
}

struct Front;

#[drb::service]
impl Front {
    pub fn board(&self) -> Board {
        Board::default()
    }

    pub async fn tell(&self, observer: api::ObserverProxy) -> drb::Result<u64> {
        observer.notify("told").await
    }

    pub async fn put(&self, slot: api::SlotProxy, twice: Option<TwiceProxy>) -> drb::Result<u64> {
        match twice {
            Some(twice) => twice.twice().await,
            None => slot.put(3).await,
        }
    }
}

#[test]
fn the_whitelist_has_the_methods_of_all() {
    let names: Vec<_> = Board::methods().iter().map(|method| method.info.name).collect();
    assert_eq!(names, ["closed?", "done?", "each", "len", "notify"]);
    assert_eq!(Board::CLASS, "Pin::Board");
    let names: Vec<_> = Tally::methods().iter().map(|method| method.info.name).collect();
    assert_eq!(names, ["put", "twice"]);
}

everywhere!(the_object_is_called_through_each_proxy, the_object_stands_for_each_proxy);

async fn the_object_is_called_through_each_proxy(wire: On) {
    let server = start_service(wire.at(), Board::default()).await.unwrap();
    let object = Object::connect(&wire.uri(&server)).await.unwrap();
    assert_eq!(object.through::<api::ObserverProxy>().notify("one").await.unwrap(), 1);
    assert_eq!(object.call::<u64>("notify", ("two",)).await.unwrap(), 2);
    assert!(!object.call::<bool>("done?", ()).await.unwrap());
    assert_eq!(object.through::<BoardProxy>().len().await.unwrap(), 2);
    let mut events = Vec::new();
    let each = object.through::<api::EachProxy<String>>();
    each.each(|event| events.push(event)).await.unwrap();
    assert_eq!(events, ["one", "two"]);
}

async fn the_object_stands_for_each_proxy(wire: On) {
    let server = start_service(wire.at(), Front).await.unwrap();
    let front = FrontProxy::connect(&wire.uri(&server)).await.unwrap();
    let board = std::sync::Arc::new(Board::default());
    assert_eq!(front.tell(&board).await.unwrap(), 1);
    assert_eq!(front.tell(Board::default()).await.unwrap(), 1);
    assert_eq!(*board.0.lock().unwrap(), ["told"]);
    let held: BoardProxy = front.board().await.unwrap();
    assert_eq!(held.len().await.unwrap(), 0);
    assert_eq!(front.put(Tally(1), None::<TwiceProxy>).await.unwrap(), 3);
    assert_eq!(front.put(Tally(1), Tally(4)).await.unwrap(), 8);
}
