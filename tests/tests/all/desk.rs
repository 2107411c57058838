//! A service with one of everything that a service can have.

use drb::{Context, Value, prelude::*};
use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicI64, AtomicUsize, Ordering},
    },
    time::Duration,
};

/// One of everything that a service can have.
#[derive(Default, DrbUndumped)]
pub(crate) struct Desk {
    calls: AtomicUsize,
    notes: Mutex<Vec<String>>,
}

#[derive(Debug, Clone, PartialEq, DrbDumped)]
pub(crate) struct Note {
    pub text: String,
    pub stars: u8,
}

#[derive(Debug, PartialEq, thiserror::Error, DrbError)]
pub(crate) enum DeskError {
    #[error("the drawer {drawer} is locked")]
    #[drb(class = "Desk::Locked")]
    Locked { drawer: String, tries: u32 },
    #[error("not with {0}")]
    #[drb(class = "ArgumentError")]
    Argument(i64),
    #[error("out of ink")]
    OutOfInk,
}

/// By reference.
#[derive(Default, DrbUndumped)]
pub(crate) struct Stamp {
    prints: AtomicI64,
}

#[drb::service]
impl Stamp {
    pub fn print(&self) -> i64 {
        self.prints.fetch_add(1, Ordering::Relaxed) + 1
    }
}

#[drb::service]
impl Desk {
    pub fn add(&self, a: i64, b: i64) -> i64 {
        self.calls.fetch_add(1, Ordering::Relaxed);
        a + b
    }

    pub fn optional(
        &self,
        a: i64,
        #[drb(default = 2)] b: i64,
        #[drb(rest)] rest: Vec<Value>,
    ) -> (i64, i64, Vec<Value>) {
        (a, b, rest)
    }

    pub fn greet(
        &self,
        name: String,
        #[drb(keyword, default = "Hello".to_owned())] greeting: String,
        #[drb(keyword)] punctuation: String,
    ) -> String {
        format!("{greeting}, {name}{punctuation}")
    }

    pub fn options(&self, #[drb(keywords)] options: BTreeMap<String, Value>) -> String {
        let options: Vec<_> =
            options.iter().map(|(name, value)| format!("{name}={value}")).collect();
        options.join(" ")
    }

    pub fn who(&self, #[drb(context)] call: &Context) -> (String, String) {
        (call.peer().to_string(), call.uri().to_owned())
    }

    pub fn swap(&self, note: Note) -> Note {
        Note { text: note.text.to_uppercase(), stars: note.stars + 1 }
    }

    pub fn open(&self, drawer: String) -> Result<String, DeskError> {
        match drawer.as_str() {
            "top" => Ok("pens".to_owned()),
            "ink" => Err(DeskError::OutOfInk),
            "" => Err(DeskError::Argument(0)),
            _ => Err(DeskError::Locked { drawer, tries: 3 }),
        }
    }

    pub async fn slow(&self, milliseconds: u64) -> String {
        self.calls.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        self.notes.lock().unwrap().push(format!("slept {milliseconds} ms"));
        "slept".to_owned()
    }

    #[drb(blocking)]
    pub fn blocking(&self, milliseconds: u64) -> String {
        std::thread::sleep(Duration::from_millis(milliseconds));
        "blocked".to_owned()
    }

    pub fn panic(&self, message: String) {
        panic!("{message}");
    }

    pub async fn panic_later(&self, message: String) {
        tokio::task::yield_now().await;
        panic!("{message}");
    }

    pub fn stamp(&self) -> Stamp {
        Stamp::default()
    }

    pub async fn print_with(&self, stamp: StampProxy) -> drb::Result<i64> {
        stamp.print().await
    }

    #[drb(name = "ready?", alias = "available?")]
    pub fn is_ready(&self) -> bool {
        self.within()
    }

    #[drb(name = "<<")]
    pub fn push(&self, note: String) -> usize {
        let mut notes = self.notes.lock().unwrap();
        notes.push(note);
        notes.len()
    }

    #[drb(skip)]
    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }

    pub(crate) fn within(&self) -> bool {
        true
    }
}
