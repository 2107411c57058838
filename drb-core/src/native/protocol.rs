//! The protocol of one connection as a state machine: bytes in, calls and answers out. Both sides are
//! the same.

use super::{
    Buffered, Piece, Tables, Tail,
    calls::{Abandon, Answered, Arrived, Calls, Ending},
    closing::{self, Watchers},
    exports::Exports,
    frame::{self, ASKS, HEAD, Kind, MORE, REFERENCES, take, take32},
    hello,
    imports::{Imports, Place},
    inbox::{Inbox, TooMuch, Whole},
    manners::{Cancels, Manners},
    outbox::{Lane, Message, Outbox, Sent},
    promises::{Aim, Promises},
    reader::{Mentioned, Reader},
    scan::Scan,
    sending::Sending,
    tail,
};
use crate::{
    Budget, DumpError, Exception, Form, Limit, Limits, LoadError, LoadErrorKind, ObjectId,
    Reference, dispatch::Dispatch,
};
use foldhash::fast::RandomState;
use std::{
    borrow::Cow,
    collections::HashMap,
    fmt,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

/// The first bytes of a connection, in both directions: a name that is neither the beginning of TLS
/// nor a length that Ruby's wire allows, and the version.
pub const PREAMBLE: [u8; 8] = *b"drb\n\0\0\0\x01";

/// What one side of a connection knows of it.
pub struct Protocol {
    pub(super) limits: Limits,
    pub(super) tables: Arc<Tables>,
    pub(super) outbox: Outbox,
    inbox: Inbox,
    calls: Calls,
    pub(super) exports: Exports,
    pub(super) imports: Imports,
    pub(super) watchers: Watchers,
    /// What the peer's calls are going to give.
    pub(super) promises: Promises,
    /// In which order the calls on promised objects are sent that this side makes: behind the calls
    /// that give the objects.
    pub(super) lanes: HashMap<u64, Lane>,
    /// The number of this side's next promise.
    pub(super) next_promise: u64,
    /// The numbers of the names of methods that this side has told.
    names: HashMap<String, u32, RandomState>,
    peer_names: Vec<Arc<str>>,
    /// How many of this side's shapes the peer knows.
    defined: u32,
    /// Bytes of memory that the names and shapes of the peer's take.
    peer_memory: usize,
    /// Objects that nobody holds any more, whose destructors are not run here.
    pub(super) dropped: Vec<Arc<dyn Dispatch>>,
    /// Whoever sends what waits to be sent, and whether it is to be woken for that.
    sender: Option<Waker>,
    sender_sleeps: bool,
    /// How often the peer has given back what it hasn't got.
    violations: u32,
    manners: Manners,
    /// What the peer is to be told when it may be.
    cancels: Cancels,
    /// How many calls of the peer's have begun to arrive.
    taken: u64,
    /// Whether the peer takes no further calls.
    gone_away: bool,
    /// Whether the peer has sent a frame.
    begun: bool,
    /// Whether the connection only goes on for what either side still holds.
    leaving: bool,
    /// When that has arrived which is looked at.
    pub(super) now: Option<Instant>,
}

/// A call that is to be made.
#[derive(Debug)]
pub struct Calling<'a> {
    /// Whose method is called.
    pub target: &'a ObjectId,
    /// The method's name.
    pub method: &'a str,
    /// How many arguments there are.
    pub count: usize,
    /// Whether the last one are arguments by name.
    pub keywords: bool,
    /// The block: a place in this side's table.
    pub block: Option<(u32, u32)>,
    /// How long the caller waits.
    pub deadline: Option<Duration>,
    /// Under which number the peer is to keep the answer, for calls on the object.
    pub promise: Option<u64>,
    /// The arguments.
    pub body: Vec<u8>,
    /// The string at their end, if that travels beside them.
    pub tail: Option<Arc<Vec<u8>>>,
    /// How many shapes the body needs.
    pub shapes: u32,
    /// Whether there are references in the body.
    pub references: bool,
}

/// A call that has arrived.
#[derive(Debug)]
pub struct Called<'a> {
    /// By which the caller knows it.
    pub id: u32,
    /// Whose method is called.
    pub target: Target,
    /// The method's name.
    pub method: Arc<str>,
    /// How many arguments there are.
    pub count: usize,
    /// Whether the last one are arguments by name.
    pub keywords: bool,
    /// The block: a place in the peer's table.
    pub block: Option<(u32, u32)>,
    /// How long the caller waits.
    pub deadline: Option<Duration>,
    /// When the caller stops waiting, for a call that has waited for its object.
    pub until: Option<Instant>,
    /// The arguments.
    pub body: Cow<'a, [u8]>,
    /// The string at their end, if that has travelled beside them.
    pub tail: Option<Arc<Tail>>,
    /// Whether there are references in the body.
    pub references: bool,
    /// Whether more waits to be sent to the peer than may: then it isn't to be made.
    pub crowded: bool,
    /// Whether the call has waited for its object.
    pub waited: bool,
    /// What it refers to of this side, which is held while it waits.
    pub(super) home: Vec<Place>,
}

/// Whose method is called.
#[derive(Clone)]
pub enum Target {
    /// An object that the caller has named.
    Id(ObjectId),
    /// What an earlier call has given: an object of the caller's, through this process.
    Object(Arc<dyn Dispatch>),
    /// What an earlier call has given: an object of a third process.
    Elsewhere(Reference),
}

impl Target {
    pub(super) fn into_object(self) -> Option<Arc<dyn Dispatch>> {
        match self {
            Self::Object(object) => Some(object),
            Self::Id(_) | Self::Elsewhere(_) => None,
        }
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Object(object) => f.debug_tuple("Object").field(&object.class()).finish(),
            Self::Elsewhere(reference) => reference.fmt(f),
        }
    }
}

/// What has become of the bytes that have arrived.
#[derive(Debug)]
pub enum Received<'a> {
    /// The next frame is not there as a whole: it takes at least so many bytes.
    Needs(usize),
    /// The next bytes are those of a large string, for which [`Protocol::lend`] has memory.
    Large,
    /// Frames of so many bytes, after which there is nothing to do.
    Nothing(usize),
    /// Frames of so many bytes that complete a call.
    Call(usize, Called<'a>),
    /// Frames of so many bytes that complete a call which is not to be made, and why.
    Refused(usize, u32, Exception),
    /// Frames of so many bytes; the caller no longer wants what this call gives.
    Cancelled(usize, u32),
}

impl Received<'_> {
    /// The same with frames of so many bytes before it.
    fn after(self, taken: usize) -> Self {
        match self {
            Self::Needs(_) | Self::Large if taken > 0 => Self::Nothing(taken),
            Self::Large => Self::Large,
            Self::Needs(needs) => Self::Needs(needs),
            Self::Nothing(len) => Self::Nothing(taken + len),
            Self::Call(len, called) => Self::Call(taken + len, called),
            Self::Refused(len, id, exception) => Self::Refused(taken + len, id, exception),
            Self::Cancelled(len, id) => Self::Cancelled(taken + len, id),
        }
    }
}

const DEADLINE: u8 = 1;
const KEYWORDS: u8 = 2;
const BLOCK: u8 = 4;
const PROMISE: u8 = 8;

/// What a name or a shape takes in memory, whatever its length.
const NAME: usize = 64;

/// So often a peer may give back what it hasn't got.
const VIOLATIONS: u32 = 100;

impl Protocol {
    /// A connection that begins.
    pub fn new(limits: &Limits, tables: Arc<Tables>) -> Self {
        let mut outbox = Outbox::new(limits);
        outbox.ready().extend_from_slice(&PREAMBLE);
        Self {
            limits: *limits,
            tables,
            outbox,
            inbox: Inbox::new(limits),
            calls: Calls::default(),
            exports: Exports::default(),
            imports: Imports::default(),
            watchers: Watchers::default(),
            promises: Promises::new(limits),
            lanes: HashMap::new(),
            next_promise: 0,
            names: HashMap::default(),
            peer_names: Vec::new(),
            defined: 0,
            peer_memory: 0,
            dropped: Vec::new(),
            sender: None,
            sender_sleeps: false,
            violations: 0,
            manners: Manners::new(limits),
            cancels: Cancels::new(limits),
            taken: 0,
            gone_away: false,
            begun: false,
            leaving: false,
            now: None,
        }
    }

    /// Lets what has arrived in part count towards what a server's connections may hold together.
    pub fn share(&mut self, buffered: &Arc<Buffered>) {
        self.inbox.share(buffered);
    }

    /// Takes a call to be sent, and gives the number by which its answer is known.
    ///
    /// # Errors
    /// More names than a connection can have; a message that is too long.
    pub fn call(&mut self, call: Calling<'_>, now: Instant) -> Result<u32, DumpError> {
        let lane = self.lane(call.target)?;
        let name = self.name(call.method)?;
        self.define(call.shapes);
        let until = call.deadline.and_then(|deadline| now.checked_add(deadline));
        let id = self.calls.begin(until);
        let flags = if call.references { REFERENCES } else { 0 };
        let order = self.outbox.calls();
        let Calling { target, count, keywords, block, deadline, promise, body, tail, .. } = call;
        let head = Head { target, count, keywords, block, deadline, promise };
        let values = body.len() + tail.as_ref().map_or(0, |tail| tail.len());
        if head.is_too_long(values, self.limits.message, id, name) {
            self.calls.remove(id);
            return Err(DumpError::limit(Limit::Message, self.limits.message));
        }
        let head = |out: &mut Vec<u8>| head.put(out, id, name);
        let message = Message { kind: Kind::Call, flags, id, head, body, tail };
        let buffer = self.outbox.send(lane, message);
        let at_once = self.outbox.calls() > order;
        if let Some(number) = promise {
            self.lanes.insert(number, lane);
        }
        self.calls.begun(id, buffer, at_once.then_some(order));
        self.wake_sender();
        Ok(id)
    }

    /// What has become of a call.
    pub fn poll_answer(&mut self, id: u32, context: &mut Context<'_>) -> Poll<Ending> {
        let ending = self.calls.poll(id, context);
        if ending.is_ready() {
            self.settle();
        }
        ending
    }

    /// Whether it is known what has become of a call.
    pub(super) fn is_over(&self, id: u32) -> bool {
        self.calls.is_over(id)
    }

    /// Something is no longer needed, which may have been the last thing that the connection went on for.
    pub(super) fn settle(&mut self) {
        if self.leaving {
            self.wake_sender();
        }
    }

    /// Nobody waits for a call any more. What the peer answers is forgotten.
    pub fn abandon(&mut self, id: u32) {
        match self.take_back(id) {
            Sent::Nothing => self.calls.remove(id),
            sent => match self.calls.abandon(id) {
                Abandon::Cancel => self.cancel(id, sent),
                Abandon::Nothing => {}
                // It has come, but nobody has looked at it.
                Abandon::Answered(Arrived { mentioned, .. }) => {
                    if let Some(Ok(mentioned)) = mentioned.map(|mentioned| *mentioned) {
                        self.forget(&mentioned);
                        self.let_go_home(&mentioned);
                        self.wake_sender();
                    }
                }
            },
        }
        self.settle();
    }

    /// When something is to be done although nothing arrives, at the earliest.
    pub fn wakes_at(&self) -> Option<Instant> {
        let cancels = self.cancels.until();
        self.calls.earliest().into_iter().chain(cancels).min()
    }

    /// Ends the calls whose time is up.
    pub fn expire(&mut self, now: Instant) {
        self.cancels.look(now);
        for id in self.calls.expire(now) {
            let sent = self.take_back(id);
            self.calls.expired(id, sent);
            if sent != Sent::Nothing {
                self.cancel(id, sent);
            }
        }
    }

    /// Takes back what was not sent of a call. If that is anything, the peer doesn't get to see what it
    /// refers to.
    fn take_back(&mut self, id: u32) -> Sent {
        let (sent, message) = self.outbox.forget(Kind::Call, id);
        if let Some(message) = message
            && message.flags & REFERENCES != 0
        {
            self.give_back(&Scan::of(&message.body));
        }
        sent
    }

    /// A message that the peer has sent is not loaded: what it refers to is given back.
    pub(super) fn refuse(&mut self, body: &[u8]) {
        self.refuse_found(Scan::of(body));
    }

    fn refuse_found(&mut self, found: Vec<Place>) {
        for place in found {
            self.imports.let_go(place, 1);
        }
        self.wake_sender();
    }

    /// A message is not loaded, so nobody is going to hold what it refers to.
    pub(super) fn forget(&mut self, mentioned: &Mentioned) {
        for place in &mentioned.senders {
            self.imports.let_go(*place, 1);
        }
    }

    /// A message has been loaded, or is not going to be: what came home in it is no longer held for it.
    pub(super) fn let_go_home(&mut self, mentioned: &Mentioned) {
        self.give_back(&mentioned.receivers);
        self.settle();
    }

    pub(super) fn give_back(&mut self, places: &[Place]) {
        for (slot, generation) in places {
            let object = self.exports.release(*slot, *generation, 1);
            self.dropped.extend(object.ok().flatten());
        }
    }

    /// The peer is to be told that a call is no longer wanted.
    fn cancel(&mut self, id: u32, sent: Sent) {
        match sent {
            // It waits for more of it, and for so many only.
            Sent::Part => self.write_cancel(id),
            _ => self.cancels.push(id),
        }
        self.wake_sender();
    }

    fn write_cancel(&mut self, id: u32) {
        let out = self.outbox.ready();
        let start = frame::open(out, Kind::Cancel, 0);
        frame::put(out, u64::from(id));
        frame::close(out, start);
    }

    /// Takes the answer to a call of the peer's to be sent: a result or an exception.
    pub fn answer(
        &mut self,
        id: u32,
        success: bool,
        body: Vec<u8>,
        sending: &mut Sending,
    ) -> Vec<u8> {
        self.promises.answered();
        let Sending { shapes, references, ref mut tail, .. } = *sending;
        let tail = tail.take();
        self.define(shapes);
        let kind = if success { Kind::Result } else { Kind::Failure };
        let head = |out: &mut Vec<u8>| frame::put(out, u64::from(id));
        let flags = if references { REFERENCES } else { 0 };
        self.wake_sender();
        self.outbox.send(Lane::Answer(id), Message { kind, flags, id, head, body, tail })
    }

    /// Takes the first frames of what has arrived: those after which there is nothing to do, and one
    /// more.
    ///
    /// # Errors
    /// The peer doesn't follow the protocol: the connection is at its end.
    pub fn receive<'a>(
        &mut self,
        bytes: &'a [u8],
        now: Instant,
    ) -> Result<Received<'a>, LoadError> {
        let mut taken = 0;
        self.now = Some(now);
        // Calls that have waited go before those that come.
        let received = match self.next_waited() {
            Some(waited) => waited,
            None => loop {
                match self.receive_one(bytes.get(taken..).unwrap_or_default(), now)? {
                    Received::Nothing(len) => taken += len,
                    other => break other.after(taken),
                }
            },
        };
        if matches!(received, Received::Call(..) | Received::Refused(..)) {
            self.promises.begun();
        }
        Ok(received)
    }

    fn receive_one<'a>(
        &mut self,
        bytes: &'a [u8],
        now: Instant,
    ) -> Result<Received<'a>, LoadError> {
        if let Some(left) = self.inbox.reading() {
            return self.fill(bytes, left);
        }
        if bytes.first().is_some_and(|byte| byte & !(MORE | ASKS) == Kind::Tail.byte()) {
            return self.begin_tail(bytes);
        }
        let (byte, mut body) = match frame::split(bytes) {
            Ok((_, body)) if body.len() > self.limits.chunk_in => {
                return Err(malformed("a frame that is too long"));
            }
            Ok(frame) => frame,
            Err(needs) if needs > HEAD + self.limits.chunk_in => {
                return Err(malformed("a frame that is too long"));
            }
            Err(needs) => return Ok(Received::Needs(needs)),
        };
        let taken = HEAD + body.len();
        let kind = Kind::from_byte(byte).ok_or_else(|| malformed("a frame of an unknown kind"))?;
        let first = !std::mem::replace(&mut self.begun, true);
        self.taken += u64::from(kind == Kind::Call);
        match kind {
            Kind::Call | Kind::Result | Kind::Failure => self.manners.says_something(),
            kind => self.manners.frame(kind, is_empty(kind, byte, body))?,
        }
        match kind {
            Kind::Call | Kind::Result | Kind::Failure if byte & MORE != 0 => {
                self.inbox.begin(kind, byte, body)?;
            }
            Kind::Call | Kind::Result | Kind::Failure if body.len() > self.limits.message => {
                let whole = Inbox::too_long(kind, byte, body)?;
                return self.whole(taken, whole);
            }
            Kind::Call => return self.called(taken, byte, Cow::Borrowed(body), None),
            Kind::Result | Kind::Failure => self.answered(kind, byte, body, None)?,
            Kind::Chunk => {
                self.inbox.intake.take(body.len(), byte & ASKS != 0);
                self.tell_taken();
                let whole = self.inbox.piece(body, byte & MORE != 0)?;
                if let Some(whole) = whole {
                    return self.whole(taken, whole);
                }
            }
            Kind::Hello if first => hello::read(body)?,
            Kind::Hello => return Err(malformed("a hello behind other frames")),
            // It isn't read as a frame.
            Kind::Tail => return Err(malformed("a string in the wrong place")),
            Kind::Taken => {
                self.outbox.window.taken(take(&mut body)?, now)?;
            }
            Kind::Cancel => {
                let id = take32(&mut body)?;
                let in_part = self.inbox.forget_call(id);
                if !in_part {
                    self.manners.cancelled(now)?;
                }
                if in_part || self.forget_waiting(id) {
                    let refused = Exception::new("DRb::DRbConnError", "cancelled");
                    return Ok(Received::Refused(taken, id, refused));
                }
                return Ok(Received::Cancelled(taken, id));
            }
            Kind::Name => {
                let name =
                    std::str::from_utf8(body).map_err(|_| malformed("a name in no UTF-8"))?;
                let name: Arc<str> = name.into();
                self.remember(body.len())?;
                self.peer_names.push(name);
            }
            Kind::Shape => self.shape(body)?,
            Kind::Release => self.released(body)?,
            Kind::Gone => {
                let Self { imports, watchers, .. } = self;
                closing::read_gone(body, |place| {
                    // It may have been let go of just now.
                    if imports.holds(place) {
                        watchers.gone(place);
                    }
                })?;
            }
            Kind::Promises => {
                while !body.is_empty() {
                    let kept = self.promises.release(take(&mut body)?);
                    self.let_go_kept(kept);
                }
            }
            Kind::Ping => {
                self.manners.pinged(now)?;
                let out = self.outbox.ready();
                let start = frame::open(out, Kind::Pong, 0);
                frame::close(out, start);
                self.wake_sender();
            }
            Kind::Pong => {}
            Kind::GoAway => {
                self.gone_away = true;
                self.calls.go_away(take(&mut body)?);
            }
        }
        Ok(Received::Nothing(taken))
    }

    /// A frame with bytes of a string begins: they go to where they are to be, not through a frame.
    fn begin_tail<'a>(&mut self, bytes: &'a [u8]) -> Result<Received<'a>, LoadError> {
        let Some((&[byte, a, b, c], rest)) = bytes.split_first_chunk() else {
            return Ok(Received::Needs(HEAD));
        };
        let len = u32::from_be_bytes([0, a, b, c]) as usize;
        if len > self.limits.chunk_in {
            return Err(malformed("a frame that is too long"));
        }
        // Which message it is for, and padding.
        let (key, before) = match tail::head(rest.get(..len).unwrap_or(rest)) {
            Ok(head) => head,
            Err(needs) if needs <= len => return Ok(Received::Needs(HEAD + needs)),
            Err(_) => return Err(LoadError::truncated()),
        };
        self.begun = true;
        let flags = (byte & MORE != 0, byte & ASKS != 0);
        self.manners.frame(Kind::Tail, before == len && flags.0)?;
        self.inbox.begin_tail(key, (before, len - before), flags)?;
        Ok(Received::Nothing(HEAD + before))
    }

    /// Takes bytes of a string, of which `left` are to come before the next frame.
    fn fill<'a>(&mut self, bytes: &'a [u8], left: usize) -> Result<Received<'a>, LoadError> {
        let bytes = bytes.get(..left).unwrap_or(bytes);
        if bytes.len() < left && bytes.is_empty() {
            return Ok(Received::Large);
        }
        self.inbox.fill(bytes);
        if bytes.len() < left {
            return Ok(Received::Nothing(bytes.len()));
        }
        let whole = self.inbox.end_tail()?;
        self.tell_taken();
        match whole {
            Some(whole) => self.whole(bytes.len(), whole),
            None => Ok(Received::Nothing(bytes.len())),
        }
    }

    /// Memory to which the next bytes that arrive may be read, behind what is in it, and how many of
    /// them belong there: they are part of a large string. There is room for [`BEHIND`](super::BEHIND)
    /// more, so that it shows when no more are there; those go to [`Protocol::receive`] as ever.
    ///
    /// It has to be given back with [`Protocol::lent`] before anything else is received.
    pub fn lend(&mut self) -> Option<(Vec<u8>, usize)> {
        self.inbox.lend()
    }

    /// Takes back what was lent, with `read` bytes more of the string in it. `receive` then goes on, even
    /// if there is nothing else for it.
    pub fn lent(&mut self, memory: Vec<u8>, read: usize) {
        self.inbox.lent(memory, read);
    }

    /// The bytes of a piece have been written.
    pub fn sent(&mut self, piece: Piece) {
        if let Some(memory) = piece.into_memory() {
            self.inbox.keep(memory);
        }
    }

    /// Moves what is to be sent next to `out`, which then has about `most` bytes, if there are so
    /// many. What it gives is to be sent after these, before anything else.
    ///
    /// `now` is asked for only where that has to be known.
    #[must_use]
    pub fn transmit(
        &mut self,
        out: &mut Vec<u8>,
        most: usize,
        now: impl Fn() -> Instant,
    ) -> Option<Piece> {
        // Whoever asks doesn't have to be woken.
        self.sender_sleeps = false;
        if self.imports.has_releases() {
            let (oldest, next) = self.outbox.numbers();
            let (out, chunk) = (self.outbox.ready(), self.limits.chunk);
            self.imports.write_releases(out, chunk, oldest, next);
        }
        if self.outbox.is_ready()
            && let Some(taken) = self.inbox.intake.mention()
        {
            self.write_taken(taken);
        }
        if self.cancels.is_ready() {
            let (mut cancels, now) =
                (std::mem::replace(&mut self.cancels, Cancels::new(&self.limits)), now());
            while let Some(id) = cancels.next(now, |id| self.calls.is_abandoned(id)) {
                self.write_cancel(id);
            }
            self.cancels = cancels;
        }
        self.outbox.transmit(out, most, now)
    }

    /// Tells the peer what of large messages has been taken, if it has asked.
    fn tell_taken(&mut self) {
        if let Some(taken) = self.inbox.intake.answer() {
            self.write_taken(taken);
        }
    }

    fn write_taken(&mut self, taken: usize) {
        let out = self.outbox.ready();
        let start = frame::open(out, Kind::Taken, 0);
        frame::put(out, taken as u64);
        frame::close(out, start);
    }

    /// If large messages wait for the peer to take what was sent of them: how much it has taken so far.
    pub fn held_up(&self) -> Option<u64> {
        self.outbox.is_held_up().then(|| self.outbox.window.taken_so_far())
    }

    /// Whether so many small messages wait to be sent that nothing more is to be taken in.
    pub fn is_crowded_out(&self) -> bool {
        self.outbox.small() > self.limits.outbound
    }

    /// Ready when there is something to be sent.
    pub fn poll_transmit(&mut self, context: &mut Context<'_>) -> Poll<()> {
        // Releases don't overtake what is held up.
        let releases = self.imports.has_releases() && !self.outbox.is_held_up();
        if releases || self.outbox.is_ready() || self.cancels.is_ready() {
            return Poll::Ready(());
        }
        self.watch(context);
        Poll::Pending
    }

    /// Lets whoever sends be woken when there is more to be sent, which may have to be answered by
    /// another time than what was known before.
    pub fn watch(&mut self, context: &Context<'_>) {
        match &mut self.sender {
            // It is nearly always the same one.
            Some(sender) => sender.clone_from(context.waker()),
            None => self.sender = Some(context.waker().clone()),
        }
        self.sender_sleeps = true;
    }

    /// Tells the peer that no further calls are taken.
    pub fn go_away(&mut self) {
        let out = self.outbox.ready();
        let start = frame::open(out, Kind::GoAway, 0);
        frame::put(out, self.taken);
        frame::close(out, start);
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

    /// How many bytes wait to be sent.
    pub fn waiting(&self) -> usize {
        self.outbox.waiting()
    }

    /// The one who has made the connection needs it no longer, but for what is held.
    pub fn leave(&mut self) {
        self.leaving = true;
        self.wake_sender();
    }

    /// Whether nobody needs the connection any more.
    pub fn is_left(&self) -> bool {
        self.leaving && self.imports.len() == 0 && self.exports.len() == 0 && self.calls.len() == 0
    }

    /// Whether the connection has ended.
    pub fn has_ended(&self) -> bool {
        self.calls.has_ended()
    }

    /// Whether the peer takes no further calls.
    pub fn has_gone_away(&self) -> bool {
        self.gone_away
    }

    /// The objects that nobody holds any more. Their destructors are the caller's business: they may
    /// do anything, and so mustn't run where this is locked.
    pub fn take_dropped(&mut self) -> Vec<Arc<dyn Dispatch>> {
        std::mem::take(&mut self.dropped)
    }

    /// Whether more of a message is to come from the peer.
    pub fn is_receiving(&self) -> bool {
        self.inbox.is_partial()
    }

    /// The connection has ended: no call gets an answer any more, and nobody holds anything.
    pub fn end(&mut self) {
        self.calls.end();
        self.outbox.end();
        self.inbox = Inbox::new(&self.limits);
        self.cancels = Cancels::new(&self.limits);
        self.watchers.end();
        self.dropped.append(&mut self.promises.clear());
        self.dropped.append(&mut self.exports.clear());
    }

    pub(super) fn let_go(&mut self, place: Place, received: u64) {
        self.imports.let_go(place, received);
        if !self.imports.holds(place) {
            self.watchers.let_go(place);
        }
        self.wake_sender();
    }

    /// Takes an object away from the peer, if it holds it, and tells it.
    pub(super) fn revoke(&mut self, object: &Arc<dyn Dispatch>) -> bool {
        let Some(place) = self.exports.withdraw(object) else { return false };
        closing::write_gone(self.outbox.ready(), place);
        self.wake_sender();
        true
    }

    pub(super) fn wake_sender(&mut self) {
        if let (true, Some(sender)) = (self.sender_sleeps, &self.sender) {
            self.sender_sleeps = false;
            sender.wake_by_ref();
        }
    }

    /// The number of a method's name, which is told before it is used.
    fn name(&mut self, name: &str) -> Result<u32, DumpError> {
        if let Some(number) = self.names.get(name) {
            return Ok(*number);
        }
        let most = self.limits.symbols;
        if self.names.len() >= most || name.len() > self.limits.chunk {
            return Err(DumpError::limit(Limit::Symbols, most));
        }
        let number = self.names.len() as u32;
        self.names.insert(name.to_owned(), number);
        let out = self.outbox.ready();
        let start = frame::open(out, Kind::Name, 0);
        out.extend_from_slice(name.as_bytes());
        frame::close(out, start);
        Ok(number)
    }

    /// Tells the peer of the shapes that it is going to need.
    fn define(&mut self, shapes: u32) {
        while self.defined < shapes
            && let Some((class, form, fields)) = self.tables.own(self.defined)
        {
            let out = self.outbox.ready();
            let start = frame::open(out, Kind::Shape, 0);
            out.push(match form {
                Form::Object => 0,
                Form::Struct => 1,
                Form::Hash => 2,
            });
            put_text(out, class);
            for field in fields {
                put_text(out, field);
            }
            frame::close(out, start);
            self.defined += 1;
        }
    }

    fn shape(&mut self, mut body: &[u8]) -> Result<(), LoadError> {
        // Each field takes at least a byte of what has arrived.
        self.remember(body.len().saturating_mul(size_of::<String>()))?;
        let (form, rest) = body.split_first().ok_or_else(LoadError::truncated)?;
        let form = match form {
            0 => Form::Object,
            1 => Form::Struct,
            2 => Form::Hash,
            _ => return Err(malformed("a shape of an unknown form")),
        };
        body = rest;
        let class = take_text(&mut body)?.to_owned();
        let mut fields = Vec::new();
        while !body.is_empty() {
            fields.push(take_text(&mut body)?.to_owned());
        }
        self.tables.define(class, form, fields);
        Ok(())
    }

    /// Takes memory for a name or a shape, which is kept as long as the connection.
    fn remember(&mut self, bytes: usize) -> Result<(), LoadError> {
        self.peer_memory += bytes + NAME;
        if self.peer_memory > self.limits.memory_base {
            return Err(crate::budget::exceeded(Limit::Memory, self.limits.memory_base));
        }
        Ok(())
    }

    fn whole<'a>(&mut self, taken: usize, whole: Whole) -> Result<Received<'a>, LoadError> {
        let Whole { kind, flags, id, body, tail } = whole;
        match (kind, body) {
            (Kind::Call, Ok(body)) => self.called(taken, flags, Cow::Owned(body), tail),
            (Kind::Call, Err(TooMuch { limit, found })) => {
                self.refuse_found(found);
                let error = self.too_much(limit);
                Ok(Received::Refused(taken, id, (&error).into()))
            }
            (kind, Ok(body)) => {
                self.answered(kind, flags, &body, tail)?;
                Ok(Received::Nothing(taken))
            }
            (_, Err(TooMuch { limit, found })) => {
                self.refuse_found(found);
                let error = self.too_much(limit);
                self.calls.arrived(id, Err(error));
                Ok(Received::Nothing(taken))
            }
        }
    }

    fn too_much(&self, limit: Limit) -> LoadError {
        let Limits { message, buffered, .. } = self.limits;
        crate::budget::exceeded(limit, if limit == Limit::Buffered { buffered } else { message })
    }

    fn called<'a>(
        &mut self,
        taken: usize,
        byte: u8,
        body: Cow<'a, [u8]>,
        tail: Option<Arc<Tail>>,
    ) -> Result<Received<'a>, LoadError> {
        let whole = body.len();
        let mut rest: &[u8] = &body;
        let id = take32(&mut rest)?;
        let target = self.take_target(&mut rest)?;
        let name = take32(&mut rest)?;
        let method = self.peer_names.get(name as usize).cloned();
        let method = method.ok_or_else(|| malformed("a method of an unknown name"))?;
        let (&flags, after) = rest.split_first().ok_or_else(LoadError::truncated)?;
        rest = after;
        let deadline = match flags & DEADLINE {
            0 => None,
            _ => Some(Duration::from_millis(take(&mut rest)?)),
        };
        let block = match flags & BLOCK {
            0 => None,
            _ => Some((take32(&mut rest)?, take32(&mut rest)?)),
        };
        let promise = match flags & PROMISE {
            0 => None,
            _ => Some(take(&mut rest)?),
        };
        let count = usize::try_from(take(&mut rest)?).unwrap_or(usize::MAX);
        let references = byte & REFERENCES != 0;
        let aim = match &target {
            Named::Id(id) => Aim::Call(Target::Id(id.clone())),
            Named::Promise(number) => {
                let bytes = rest.len() + tail.as_ref().map_or(0, |tail| tail.len());
                self.promises.aim(*number, bytes)
            }
        };
        let refused = self.refusal(id, promise, count, &aim)?;
        if let Some(exception) = refused {
            if references {
                self.refuse_found(Scan::of(rest));
            }
            return Ok(Received::Refused(taken, id, exception));
        }
        let at = whole - rest.len();
        let body = match body {
            Cow::Borrowed(body) => Cow::Borrowed(body.get(at..).unwrap_or_default()),
            Cow::Owned(mut body) => {
                body.drain(..at);
                Cow::Owned(body)
            }
        };
        let (target, waits) = match (aim, target) {
            (Aim::Call(target), _) => (target, None),
            // Its object is going to be known.
            (_, Named::Promise(number)) => (Target::Id(ObjectId::Front), Some(number)),
            (_, Named::Id(id)) => (Target::Id(id), None),
        };
        let called = Called {
            id,
            target,
            method,
            count,
            keywords: flags & KEYWORDS != 0,
            block,
            deadline,
            until: None,
            body,
            tail,
            references,
            crowded: self.outbox.waiting() > self.limits.outbound,
            waited: false,
            home: Vec::new(),
        };
        match waits {
            None => Ok(Received::Call(taken, called)),
            Some(number) => Ok(self.wait(taken, number, called)),
        }
    }

    /// Why a call is not made, if it isn't; else its answer will be kept, if it is to be.
    fn refusal(
        &mut self,
        id: u32,
        promise: Option<u64>,
        count: usize,
        aim: &Aim,
    ) -> Result<Option<Exception>, LoadError> {
        if let Some(number) = promise {
            let promised = self.promises.promise(number, id);
            if !promised.map_err(|_| malformed("a promise's number that is taken"))? {
                let error = crate::budget::exceeded(Limit::Promises, self.limits.promises);
                return Ok(Some((&error).into()));
            }
        }
        if count > self.limits.arguments {
            let error = crate::budget::exceeded(Limit::Arguments, self.limits.arguments);
            return Ok(Some((&error).into()));
        }
        Ok(match aim {
            Aim::Refuse(exception) => Some(exception.clone()),
            Aim::Call(_) | Aim::Wait => None,
        })
    }

    fn answered(
        &mut self,
        kind: Kind,
        byte: u8,
        mut body: &[u8],
        tail: Option<Arc<Tail>>,
    ) -> Result<(), LoadError> {
        let id = take32(&mut body)?;
        let success = kind == Kind::Result;
        let mentioned = match byte & REFERENCES {
            0 => None,
            _ if self.calls.waits(id) => {
                let mentioned = self.references(body, tail.as_deref()).map(|mut mentioned| {
                    // The peer may let go of them next, before anybody has loaded this.
                    let count = |(slot, generation): &Place| self.exports.count(*slot, *generation);
                    mentioned.receivers.retain(count);
                    mentioned
                });
                if mentioned.is_err() {
                    self.refuse(body);
                }
                Some(Box::new(mentioned))
            }
            _ => {
                self.refuse(body);
                None
            }
        };
        match self.calls.answered(id, success, mentioned, body, tail) {
            Answered::Waited | Answered::Abandoned => Ok(()),
            Answered::Unknown => Err(malformed("an answer to a call that was not made")),
        }
    }

    /// The places of the objects that a message refers to.
    pub(super) fn references(
        &self,
        body: &[u8],
        tail: Option<&Tail>,
    ) -> Result<Mentioned, LoadError> {
        let budget = Budget::new(&self.limits, body.len());
        let mut reader = Reader::new(body, budget, &self.tables);
        reader.end_with(tail);
        reader.references()
    }

    fn released(&mut self, mut body: &[u8]) -> Result<(), LoadError> {
        while !body.is_empty() {
            let (slot, generation) = (take32(&mut body)?, take32(&mut body)?);
            match self.exports.release(slot, generation, take(&mut body)?) {
                Ok(object) => self.dropped.extend(object),
                Err(_) => {
                    self.violations += 1;
                    if self.violations > VIOLATIONS {
                        return Err(malformed("releases of what was never given"));
                    }
                }
            }
        }
        Ok(())
    }

    fn take_target(&self, body: &mut &[u8]) -> Result<Named, LoadError> {
        let (kind, rest) = body.split_first().ok_or_else(LoadError::truncated)?;
        *body = rest;
        Ok(Named::Id(match kind {
            0 => ObjectId::Front,
            1 => {
                let (slot, generation) = (take32(body)?, take32(body)?);
                ObjectId::Slot { table: self.tables.own_objects, slot, generation }
            }
            2 => ObjectId::Name(take_text(body)?.into()),
            3 => return Ok(Named::Promise(take(body)?)),
            _ => return Err(malformed("a target of an unknown kind")),
        }))
    }

    /// Which queue a call goes through.
    fn lane(&self, target: &ObjectId) -> Result<Lane, DumpError> {
        Ok(match target {
            ObjectId::Front => Lane::Object(0, 0, 0),
            ObjectId::Slot { slot, generation, .. } => Lane::Object(1, *slot, *generation),
            // Names share one: they are few.
            ObjectId::Name(_) => Lane::Object(2, 0, 0),
            ObjectId::Promise { number, .. } => {
                let lane = self.lanes.get(number).copied();
                lane.ok_or_else(|| {
                    DumpError::custom("the call that gives the object was not made")
                })?
            }
            ObjectId::Number(_) | ObjectId::Opaque(_) => {
                return Err(DumpError::custom(
                    "an object of a Ruby process is not called over this wire",
                ));
            }
        })
    }
}

/// Whom a call names: an object, or what an earlier call is going to give.
enum Named {
    Id(ObjectId),
    Promise(u64),
}

/// Skips what stands before the value of an answer, or the arguments of a call.
pub(super) fn skip_head(kind: Kind, body: &mut &[u8]) -> Result<(), LoadError> {
    take32(body)?;
    if kind != Kind::Call {
        return Ok(());
    }
    let byte = |body: &mut &[u8]| {
        let (byte, rest) = body.split_first().ok_or_else(LoadError::truncated)?;
        *body = rest;
        Ok::<u8, LoadError>(*byte)
    };
    match byte(body)? {
        0 => {}
        1 => _ = (take32(body)?, take32(body)?),
        3 => _ = take(body)?,
        _ => _ = take_text(body)?,
    }
    take32(body)?;
    let flags = byte(body)?;
    if flags & DEADLINE != 0 {
        take(body)?;
    }
    if flags & BLOCK != 0 {
        _ = (take32(body)?, take32(body)?);
    }
    if flags & PROMISE != 0 {
        take(body)?;
    }
    take(body)?;
    Ok(())
}

/// What stands before the arguments of a call.
struct Head<'a> {
    target: &'a ObjectId,
    count: usize,
    keywords: bool,
    block: Option<(u32, u32)>,
    deadline: Option<Duration>,
    promise: Option<u64>,
}

impl Head<'_> {
    /// Whether a message of it and so many bytes more has more than `most`.
    fn is_too_long(&self, values: usize, most: usize, id: u32, name: u32) -> bool {
        /// No head takes more, names of objects apart.
        const ROOM: usize = 64;
        let named = match self.target {
            ObjectId::Name(name) => name.len(),
            _ => 0,
        };
        if values.saturating_add(named + ROOM) <= most {
            return false;
        }
        let mut head = Vec::new();
        self.put(&mut head, id, name);
        values.saturating_add(head.len()) > most
    }

    fn put(&self, out: &mut Vec<u8>, id: u32, name: u32) {
        frame::put(out, u64::from(id));
        match self.target {
            ObjectId::Slot { slot, generation, .. } => {
                out.push(1);
                frame::put(out, u64::from(*slot));
                frame::put(out, u64::from(*generation));
            }
            ObjectId::Name(name) => {
                out.push(2);
                put_text(out, name);
            }
            ObjectId::Promise { number, .. } => {
                out.push(3);
                frame::put(out, *number);
            }
            _ => out.push(0),
        }
        frame::put(out, u64::from(name));
        let deadline = if self.deadline.is_some() { DEADLINE } else { 0 };
        let keywords = if self.keywords { KEYWORDS } else { 0 };
        let block = if self.block.is_some() { BLOCK } else { 0 };
        let promise = if self.promise.is_some() { PROMISE } else { 0 };
        out.push(deadline | keywords | block | promise);
        if let Some(deadline) = self.deadline {
            // At least what the caller waits, so that it is the one who tells.
            let millis = deadline.as_micros().div_ceil(1000);
            frame::put(out, u64::try_from(millis).unwrap_or(u64::MAX));
        }
        if let Some((slot, generation)) = self.block {
            frame::put(out, u64::from(slot));
            frame::put(out, u64::from(generation));
        }
        if let Some(number) = self.promise {
            frame::put(out, number);
        }
        frame::put(out, self.count as u64);
    }
}

/// Whether a frame that is no call and no answer says nothing.
fn is_empty(kind: Kind, byte: u8, mut body: &[u8]) -> bool {
    match kind {
        Kind::Chunk if byte & MORE != 0 => {
            body = body.get(1..).unwrap_or_default();
            take32(&mut body).is_ok() && body.is_empty()
        }
        Kind::Release | Kind::Gone | Kind::Promises => body.is_empty(),
        Kind::Taken => take(&mut body) == Ok(0),
        _ => false,
    }
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    frame::put(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

fn take_text<'a>(body: &mut &'a [u8]) -> Result<&'a str, LoadError> {
    let len = usize::try_from(take(body)?).unwrap_or(usize::MAX);
    let (text, rest) = body.split_at_checked(len).ok_or_else(LoadError::truncated)?;
    *body = rest;
    std::str::from_utf8(text).map_err(|_| malformed("a text in no UTF-8"))
}

fn malformed(problem: &'static str) -> LoadError {
    LoadErrorKind::Malformed { offset: 0, problem }.into()
}
