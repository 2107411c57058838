//! Objects that cross by reference.

use crate::wires::{On, everywhere};
use drb::{DrbUndumped, start_service};
use std::sync::{Arc, Mutex};

#[derive(DrbUndumped)]
struct Cursor {
    left: Mutex<u64>,
}

#[drb::service]
impl Cursor {
    pub fn next(&self) -> Option<u64> {
        let mut left = self.left.lock().unwrap();
        *left = left.checked_sub(1)?;
        Some(*left)
    }
}

#[derive(DrbUndumped)]
struct Tally(u64);

#[drb::service]
impl Tally {
    pub fn add(&mut self, by: u64) -> u64 {
        self.0 += by;
        self.0
    }
}

#[derive(DrbUndumped)]
struct Held<T>(T);

#[drb::service]
impl<T: Clone + Send + Sync + 'static> Held<T> {
    pub fn get(&self) -> T {
        self.0.clone()
    }
}

struct Front;

#[drb::service]
impl Front {
    pub fn cursor(&self, from: u64) -> Cursor {
        Cursor { left: Mutex::new(from) }
    }

    pub fn cursors(&self) -> Vec<Option<Cursor>> {
        vec![Some(self.cursor(1)), None]
    }

    pub fn shared(&self) -> Result<Arc<Cursor>, String> {
        Ok(Arc::new(self.cursor(2)))
    }

    pub fn tally(&self) -> Tally {
        Tally(0)
    }

    pub fn held(&self) -> Held<String> {
        Held("held".to_owned())
    }

    pub async fn drain(&self, cursor: CursorProxy) -> drb::Result<u64> {
        let mut sum = 0;
        while let Some(value) = cursor.next().await? {
            sum += value;
        }
        Ok(sum)
    }
}

everywhere!(the_caller_gets_a_proxy, a_proxy_is_passed_on, an_object_of_ours_is_called_back);

async fn the_caller_gets_a_proxy(wire: On) {
    let server = start_service(wire.at(), Front).await.unwrap();
    let front = FrontProxy::connect(&wire.uri(&server)).await.unwrap();
    let cursor: CursorProxy = front.cursor(2).await.unwrap();
    assert_eq!(cursor.next().await.unwrap(), Some(1));
    assert_eq!(cursor.next().await.unwrap(), Some(0));
    assert_eq!(cursor.next().await.unwrap(), None);
    let cursors = front.cursors().await.unwrap();
    assert_eq!(cursors[0].as_ref().unwrap().next().await.unwrap(), Some(0));
    assert!(cursors[1].is_none());
    assert_eq!(front.shared().await.unwrap().next().await.unwrap(), Some(1));
    let tally = front.tally().await.unwrap();
    assert_eq!(tally.add(2).await.unwrap(), 2);
    assert_eq!(tally.add(2).await.unwrap(), 4);
    assert_eq!(front.held().await.unwrap().get().await.unwrap(), "held");
}

async fn a_proxy_is_passed_on(wire: On) {
    let server = start_service(wire.at(), Front).await.unwrap();
    let front = FrontProxy::connect(&wire.uri(&server)).await.unwrap();
    let cursor = front.cursor(4).await.unwrap();
    assert_eq!(front.drain(&cursor).await.unwrap(), 6);
}

async fn an_object_of_ours_is_called_back(wire: On) {
    let server = start_service(wire.at(), Front).await.unwrap();
    let front = FrontProxy::connect(&wire.uri(&server)).await.unwrap();
    assert_eq!(front.drain(Cursor { left: Mutex::new(4) }).await.unwrap(), 6);
    let cursor = Arc::new(Cursor { left: Mutex::new(3) });
    assert_eq!(front.drain(&cursor).await.unwrap(), 3);
    assert_eq!(*cursor.left.lock().unwrap(), 0);
}
