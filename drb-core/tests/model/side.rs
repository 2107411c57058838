//! One end of a connection: what a driver does with it, without a socket and without threads.

use crate::thing::{Process, Thing};
use drb_core::{
    Carried, Context, Exception, Limits, Link, LoadError, ObjectId, Peer, Reference, Remote,
    Request, Session, Wire,
    dispatch::{Completed, Dispatch, Invoked, Reply, Running},
    native::{Called, Connection, Home, PREAMBLE, Received, Stage, Tables, Target},
};
use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, Weak},
    task::{self, Poll, Waker},
    time::{Duration, Instant},
};

/// The time, as both sides see it.
#[derive(Clone)]
pub(crate) struct Clock(Arc<Mutex<Instant>>);

impl Clock {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }

    pub(crate) fn now(&self) -> Instant {
        *self.0.lock().unwrap()
    }

    pub(crate) fn advance(&self, by: Duration) {
        *self.0.lock().unwrap() += by;
    }
}

pub(crate) struct Side {
    pub(crate) connection: Arc<Connection>,
    pub(crate) process: Arc<Process>,
    pub(crate) front: Arc<Thing>,
    clock: Clock,
    context: Context,
    input: Vec<u8>,
    greeted: bool,
    tasks: Vec<Task>,
    pub(crate) ended: bool,
}

/// A method that goes on.
struct Task {
    id: u32,
    method: Running,
    /// Whether the caller is still to be told.
    unanswered: bool,
}

/// The way to objects of this process, and to those that are gone.
struct Here(Option<Arc<dyn Dispatch>>, Arc<Limits>);

/// The way to the front of the peer's process.
struct Front(Arc<Connection>);

/// The process as its connection sees it.
struct AtHome {
    limits: Arc<Limits>,
    clock: Clock,
    /// Objects that have come home, and what tells them from those of the connection: a reference to one
    /// may be passed on.
    objects: Mutex<Vec<Weak<dyn Dispatch>>>,
    table: u64,
}

impl Home for AtHome {
    fn local(&self, object: Arc<dyn Dispatch>) -> Remote {
        let mut objects = self.objects.lock().unwrap();
        let same =
            |known: &Weak<dyn Dispatch>| std::ptr::addr_eq(known.as_ptr(), &raw const *object);
        let slot = objects.iter().position(same).unwrap_or_else(|| {
            objects.push(Arc::downgrade(&object));
            objects.len() - 1
        });
        let id = ObjectId::Slot { table: self.table, slot: slot as u32, generation: 0 };
        let here = Here(Some(object), Arc::clone(&self.limits));
        Remote::new(Arc::new(here), Reference::without_uri(id))
    }

    fn carry(
        &self,
        connection: Arc<Connection>,
        request: &mut Request,
        context: &task::Context<'_>,
        carried: &mut Carried,
    ) {
        connection.call(request, Some(context), carried);
    }

    fn now(&self) -> Instant {
        self.clock.now()
    }

    fn remote(&self, reference: Reference) -> Remote {
        Remote::new(Arc::new(Here(None, Arc::clone(&self.limits))), reference)
    }

    fn object(&self, reference: &Reference) -> Option<Arc<dyn Dispatch>> {
        match *reference.id() {
            ObjectId::Slot { table, slot, .. } if table == self.table => {
                self.objects.lock().unwrap().get(slot as usize)?.upgrade()
            }
            _ => None,
        }
    }
}

impl Link for Here {
    fn wire(&self) -> Wire {
        Wire::Native
    }

    fn limits(&self) -> &Arc<Limits> {
        &self.1
    }

    fn session(&self) -> Option<Arc<dyn Session>> {
        None
    }

    fn pipeline(self: Arc<Self>, _: Box<Request>) -> Remote {
        unreachable!("the test calls nothing of its own process")
    }

    fn carry(self: Arc<Self>, _: &mut Request, _: &task::Context<'_>, _: &mut Carried) {
        unreachable!("the test calls nothing of its own process")
    }

    fn local(&self) -> Option<Arc<dyn Dispatch>> {
        self.0.clone()
    }
}

impl Link for Front {
    fn wire(&self) -> Wire {
        Wire::Native
    }

    fn limits(&self) -> &Arc<Limits> {
        self.0.limits()
    }

    fn session(&self) -> Option<Arc<dyn Session>> {
        Some(Arc::clone(&self.0) as _)
    }

    fn pipeline(self: Arc<Self>, first: Box<Request>) -> Remote {
        drb_core::native::pipeline(self, first)
    }

    fn carry(
        self: Arc<Self>,
        request: &mut Request,
        context: &task::Context<'_>,
        carried: &mut Carried,
    ) {
        Arc::clone(&self.0).call(request, Some(context), carried);
    }
}

impl Side {
    pub(crate) fn new(limits: Limits, clock: &Clock) -> Self {
        let (limits, clock) = (Arc::new(limits), clock.clone());
        let home = AtHome {
            limits: Arc::clone(&limits),
            clock: clock.clone(),
            objects: Mutex::default(),
            table: Tables::new().own_objects(),
        };
        let connection = Connection::new(&limits, "drb://there".into(), home);
        connection.reach(Stage::Open);
        let process = Arc::<Process>::default();
        let front = process.make();
        process.lock().own.clear();
        let context = Context::new(Peer::Unix, Wire::Native, "drb://here");
        let (input, tasks) = (Vec::new(), Vec::new());
        let (greeted, ended) = (false, false);
        Self { connection, process, front, clock, context, input, greeted, tasks, ended }
    }

    /// The way to the other side's front.
    pub(crate) fn to_front(&self) -> Remote {
        let link = Arc::new(Front(Arc::clone(&self.connection)));
        Remote::new(link, Reference::without_uri(ObjectId::Front))
    }

    /// Moves about so many of the bytes that are to be sent.
    pub(crate) fn transmit(&self, pipe: &mut Vec<u8>, most: usize) {
        let mut protocol = self.connection.protocol();
        let mut out = Vec::new();
        let piece = protocol.transmit(&mut out, most, || self.clock.now());
        pipe.append(&mut out);
        if let Some(mut piece) = piece {
            pipe.extend_from_slice(piece.rest());
            piece.advance(piece.rest().len());
            protocol.sent(piece);
        }
    }

    /// Takes bytes that have arrived.
    pub(crate) fn deliver(&mut self, mut bytes: &[u8]) -> Result<(), LoadError> {
        // Bytes of a large string may go straight to where they belong, or not.
        if self.input.is_empty()
            && bytes.len() % 2 == 1
            && let mut protocol = self.connection.protocol()
            && let Some((mut memory, most)) = protocol.lend()
        {
            let (string, after) = bytes.split_at(most.min(bytes.len()));
            memory.extend_from_slice(string);
            protocol.lent(memory, string.len());
            bytes = after;
        }
        self.input.extend_from_slice(bytes);
        let input = std::mem::take(&mut self.input);
        let taken = self.take_frames(&input);
        self.input = input;
        self.input.drain(..taken?);
        let dropped = self.connection.protocol().take_dropped();
        drop(dropped);
        Ok(())
    }

    /// Begins the calls that have waited for their objects. Says whether there were any.
    pub(crate) fn work(&mut self) -> Result<bool, LoadError> {
        let works = !self.ended && self.connection.protocol().has_work();
        if works {
            self.deliver(&[])?;
        }
        Ok(works)
    }

    fn take_frames(&mut self, input: &[u8]) -> Result<usize, LoadError> {
        let mut taken = 0;
        if !self.greeted {
            if input.len() < PREAMBLE.len() {
                return Ok(0);
            }
            assert!(input.starts_with(&PREAMBLE));
            self.greeted = true;
            taken = PREAMBLE.len();
        }
        loop {
            let connection = Arc::clone(&self.connection);
            let (now, mut called) = (self.clock.now(), None);
            let received = connection.protocol().receive(&input[taken..], now, &mut called)?;
            match received {
                Received::Needs(_) | Received::Large => return Ok(taken),
                Received::Nothing(len) => taken += len,
                Received::Call(len) => {
                    taken += len;
                    self.call(&called.expect("a call"));
                }
                Received::Refused(len, id, exception) => {
                    taken += len;
                    self.refuse(id, *exception);
                }
                Received::Cancelled(len, id) => {
                    taken += len;
                    self.cancel(id);
                }
            }
        }
    }

    fn reply(&self) -> Reply {
        let session = Arc::clone(&self.connection) as _;
        Reply::new(Wire::Native, self.connection.limits(), Some(session))
    }

    fn refuse(&self, id: u32, exception: Exception) {
        self.answer(id, self.reply().refusal(exception));
    }

    fn call(&mut self, called: &Called<'_>) {
        if self.tasks.len() >= self.connection.limits().calls {
            self.connection.refuse(called);
            let exception = Exception::new("DRb::DRbConnError", "calls").with("limit", "calls");
            return self.refuse(called.id, exception);
        }
        let object = match &called.target {
            Target::Id(ObjectId::Front) => Some(Arc::clone(&self.front) as _),
            Target::Object(object) => Some(Arc::clone(object)),
            // There is no third process.
            Target::Elsewhere(_) => None,
            Target::Id(id) => self.connection.local(&Reference::without_uri(id.clone())),
        };
        let until = match called.waited {
            true => called.until,
            false => called.deadline.map(|deadline| self.clock.now() + deadline),
        };
        match self.connection.serve(called, object, &self.context, until, self.reply()) {
            Invoked::Done(completed) => self.answer(called.id, completed),
            Invoked::Running(method) => {
                self.tasks.push(Task { id: called.id, method, unanswered: true });
                self.poll_tasks();
            }
            Invoked::Blocking(_) => unreachable!("no method blocks"),
        }
    }

    fn cancel(&mut self, id: u32) {
        let Some(at) = self.tasks.iter().position(|task| task.id == id && task.unanswered) else {
            return;
        };
        self.tasks[at].unanswered = false;
        if !self.tasks[at].method.is_no_cancel() {
            self.tasks.remove(at);
        }
        self.answer(id, self.reply().failure(Exception::new("Timeout::Error", "cancelled")));
    }

    fn answer(&self, id: u32, mut completed: Completed) {
        self.connection.answer(id, &mut completed, false);
    }

    /// Goes on with the methods that run. Says whether any has ended.
    pub(crate) fn poll_tasks(&mut self) -> bool {
        let before = self.tasks.len();
        let mut context = task::Context::from_waker(Waker::noop());
        for mut task in std::mem::take(&mut self.tasks) {
            match Pin::new(&mut task.method).poll(&mut context) {
                Poll::Ready(completed) if task.unanswered => self.answer(task.id, completed),
                Poll::Ready(_) => {}
                Poll::Pending => self.tasks.push(task),
            }
        }
        self.tasks.len() < before
    }

    /// The connection has ended, as it does when its driver is dropped. What isn't stopped goes on.
    pub(crate) fn end(&mut self) {
        self.ended = true;
        self.process.lock().ended = true;
        self.connection.reach(Stage::Over);
        let dropped = {
            let mut protocol = self.connection.protocol();
            protocol.end();
            protocol.take_dropped()
        };
        drop(dropped);
        self.tasks.retain(|task| task.method.is_no_cancel());
    }

    /// Whether what has arrived was taken as a whole.
    pub(crate) fn is_between_frames(&self) -> bool {
        self.input.is_empty()
    }

    /// How many methods run.
    pub(crate) fn running(&self) -> usize {
        self.tasks.len()
    }
}
