//! The protocol of one connection as a state machine: bytes in, calls and answers out. Both sides are
//! the same.
//!
//! The way of a call: [`Protocol::call`] (`calling`) puts it into the outbox, and [`Protocol::transmit`]
//! (`transmitting`) gives the bytes to be sent. At the other side [`Protocol::receive`] (`receiving`) makes
//! frames and messages of them; those that are calls go through `called`, which gives a [`Called`] and takes
//! the answer. That goes back in the same way, and [`Protocol::poll_answer`] gives it to whoever waits.
//!
//! Calls on objects that are only promised make a detour through `promising`. What messages refer to is the
//! business of `holding`; names and shapes, which are told once, that of `names`.

mod called;
mod calling;
mod holding;
mod names;
mod promising;
mod receiving;
mod transmitting;

pub use called::{Called, Target};
pub use calling::Calling;
pub use receiving::Received;

use self::names::Names;
use super::{
    Buffered, Tables,
    calls::Calls,
    closing::{Gone, Watchers},
    exports::Exports,
    frame::{self, Kind},
    idle::{self, Idle, Word},
    imports::Imports,
    inbox::Inbox,
    manners::{Cancels, Manners},
    outbox::{Lane, Outbox},
    promises::Promises,
    sender::Sender,
};
use crate::{
    Closed, Limits, LoadError,
    dispatch::{Dispatch, MethodInfo, Signature},
};
use std::{collections::HashMap, sync::Arc, time::Instant};

/// The first bytes of a connection, in both directions: a name that is neither the beginning of TLS
/// nor a length that Ruby's wire allows, and the version.
pub const PREAMBLE: [u8; 8] = *b"drb\n\0\0\0\x01";

/// What one side of a connection knows of it.
pub struct Protocol {
    limits: Arc<Limits>,
    tables: Arc<Tables>,
    outbox: Outbox,
    inbox: Inbox,
    calls: Calls,
    pub(super) exports: Exports,
    pub(super) imports: Imports,
    pub(super) watchers: Watchers,
    /// What the peer's calls are going to give.
    promises: Promises,
    /// What this side's calls are going to give, as long as somebody may call it.
    own_promises: HashMap<u64, OwnPromise>,
    /// The number of this side's next promise.
    next_promise: u64,
    /// How many of them are held here, or may still be made.
    promised: usize,
    names: Names,
    /// Objects that nobody holds any more, whose destructors are not run here.
    dropped: Vec<Arc<dyn Dispatch>>,
    /// Objects of the peer's that are gone, of which others may have to know.
    gone: Gone,
    sender: Sender,
    /// How often the peer has given back what it hasn't got.
    violations: u32,
    manners: Manners,
    /// What the peer is to be told when it may be.
    cancels: Cancels,
    /// How many calls of the peer's have begun to arrive.
    taken: u64,
    /// Whether the peer takes no further calls, or was told that there are none.
    gone_away: bool,
    /// Why the peer has ended the connection, if it has said so.
    closed: Option<String>,
    /// Whether the peer has sent a frame.
    begun: bool,
    /// Whether the connection only goes on for what either side still holds.
    leaving: bool,
    idle: Idle,
    /// When that has arrived which is looked at.
    now: Option<Instant>,
    /// Whether callers have got answers while large messages were under way.
    told: bool,
}

/// What a call of this side's is going to give.
struct OwnPromise {
    /// The number of the call.
    id: u32,
    /// The way of the call, behind which the calls on the object go.
    lane: Lane,
    /// Whether the peer knows of it, or is going to, and hasn't got it back.
    made: bool,
}

impl Protocol {
    /// A connection that begins.
    pub fn new(limits: &Arc<Limits>, tables: Arc<Tables>) -> Self {
        let mut outbox = Outbox::new(limits);
        outbox.ready().extend_from_slice(&PREAMBLE);
        Self {
            limits: Arc::clone(limits),
            tables,
            outbox,
            inbox: Inbox::new(limits),
            calls: Calls::default(),
            exports: Exports::default(),
            imports: Imports::default(),
            watchers: Watchers::default(),
            promises: Promises::new(limits),
            own_promises: HashMap::new(),
            next_promise: 0,
            promised: 0,
            names: Names::new(limits),
            dropped: Vec::new(),
            gone: Gone::default(),
            sender: Sender::default(),
            violations: 0,
            manners: Manners::new(limits),
            cancels: Cancels::new(limits),
            taken: 0,
            gone_away: false,
            closed: None,
            begun: false,
            leaving: false,
            idle: Idle::new(limits),
            now: None,
            told: false,
        }
    }

    /// Lets what has arrived in part count towards what a server's connections may hold together.
    pub fn share(&mut self, buffered: &Arc<Buffered>) {
        self.inbox.share(buffered);
    }

    /// Something is no longer needed, which may have been the last thing that the connection went on for.
    pub(super) fn settle(&mut self) {
        if self.leaving {
            self.sender.wake();
        }
    }

    /// Tells the peer that no further calls are taken.
    pub fn go_away(&mut self) {
        let out = self.outbox.ready();
        let start = frame::open(out, Kind::GoAway, 0);
        frame::put(out, self.taken);
        frame::close(out, start);
    }

    /// Tells the peer why the connection is at its end. Nothing is sent after it.
    pub fn close(&mut self, why: &str) {
        if self.closed.is_none() && !self.outbox.is_closed() {
            self.outbox.close(cut(why, self.limits.error_text));
            self.sender.wake();
        }
    }

    /// Nothing can be written any more, although something may still arrive: no call is made over the connection.
    /// `last` says whether nothing of what was to be [transmitted](Protocol::transmit) last was written: the calls
    /// in it, and those that wait, have not run.
    pub fn shut(&mut self, last: bool) {
        let (written, unsent) = self.outbox.written(last);
        self.calls.written(written, &unsent);
        self.outbox.shut();
    }

    /// Why the peer has ended the connection, if it has said so.
    pub fn closed(&self) -> Option<&str> {
        self.closed.as_deref()
    }

    /// Tells the peer that this side knows something else of a method that it calls than it does itself.
    pub(super) fn tell_apart(&mut self, method: &Signature, own: &MethodInfo) {
        self.names.tell_apart(method, own, self.outbox.ready());
        self.sender.wake();
    }

    /// Asks the peer whether it is there.
    pub fn ping(&mut self) {
        self.manners.asks();
        // It has been quiet for a while.
        self.inbox.forget_memory();
        let out = self.outbox.ready();
        let start = frame::open(out, Kind::Ping, 0);
        frame::close(out, start);
    }

    /// The one who has made the connection needs it no longer, but for what is held.
    pub fn leave(&mut self) {
        self.leaving = true;
        self.sender.look();
        self.sender.wake();
    }

    /// Whether nobody needs the connection any more.
    pub fn is_left(&self) -> bool {
        self.leaving && self.imports.len() == 0 && self.exports.len() == 0 && self.calls.len() == 0
    }

    /// This side has accepted the connection, and is to end it once nobody has needed it for
    /// [`Limits::idle`]: see [`Protocol::is_idle`].
    pub fn end_when_idle(&mut self, now: Instant) {
        self.idle.begin(now);
    }

    /// Whether nobody has needed the connection for too long: there is no call, nothing is held, and neither side
    /// waits for its end. The peer has said so itself, and makes no further calls; or it hasn't answered.
    pub fn is_idle(&self) -> bool {
        self.idle.is_over() && !self.is_needed()
    }

    /// Whether this side needs the connection.
    pub fn is_needed(&self) -> bool {
        self.calls.len() > 0
            || self.exports.len() > 0
            || self.imports.len() > 0
            || self.promised > 0
            || self.promises.is_in_use()
            || self.inbox.is_partial()
            || self.outbox.has_large()
            || self.watchers.are_waiting()
    }

    /// The peer asks whether the connection is needed, or has been asked.
    fn talk_of_idle(&mut self, body: &[u8], now: Instant) -> Result<(), LoadError> {
        match idle::read(body)? {
            Word::Asks => {
                self.manners.pinged(now)?;
                let needed = self.is_needed();
                self.gone_away |= !needed;
                idle::write(self.outbox.ready(), Word::Needs(needed));
                self.sender.wake();
            }
            Word::Needs(needed) => self.idle.answered(needed, now)?,
        }
        Ok(())
    }

    /// Whether the connection has ended, or nothing goes over it any more.
    pub fn has_ended(&self) -> bool {
        self.calls.has_ended() || self.outbox.is_closed()
    }

    /// Whether the peer takes no further calls, or was told that there are none.
    pub fn has_gone_away(&self) -> bool {
        self.gone_away
    }

    /// Whether there is anything for [`take_dropped`](Self::take_dropped) or [`take_gone`](Self::take_gone).
    pub fn has_left_something(&self) -> bool {
        !self.dropped.is_empty() || !self.gone.is_empty()
    }

    /// The objects that nobody holds any more. Their destructors are the caller's business: they may
    /// do anything, and so mustn't run where this is locked.
    pub fn take_dropped(&mut self) -> Vec<Arc<dyn Dispatch>> {
        std::mem::take(&mut self.dropped)
    }

    /// The objects of the peer's that are gone: those to whom they were handed on are to be told, where this
    /// isn't locked.
    pub fn take_gone(&mut self) -> Gone {
        std::mem::take(&mut self.gone)
    }

    /// Whether more of a message is to come from the peer.
    pub fn is_receiving(&self) -> bool {
        self.inbox.is_partial()
    }

    /// The connection has ended: no call gets an answer any more, and nobody holds anything.
    pub fn end(&mut self) {
        for import in self.imports.all() {
            self.gone.add(Some(import), Closed::ConnectionLost);
        }
        self.calls.end();
        self.outbox.end();
        self.inbox = Inbox::new(&self.limits);
        self.cancels = Cancels::new(&self.limits);
        self.watchers.end();
        self.dropped.append(&mut self.promises.clear());
        self.dropped.append(&mut self.exports.clear());
    }
}

/// At most so many bytes of a text.
fn cut(text: &str, most: usize) -> &str {
    text.get(..text.floor_char_boundary(most)).unwrap_or_default()
}
