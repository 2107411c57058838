//! What is to be sent: small messages at once, large ones in pieces, between which others can go.

use super::{
    frame::{self, ASKS, HEAD, Kind, MORE},
    tail::{self, Piece},
    window::Window,
};
use crate::Limits;
use bytes::Bytes;
use std::{collections::VecDeque, hint::cold_path, time::Instant};

/// Frames on their way to the peer.
pub(super) struct Outbox {
    /// Whole frames.
    ready: Vec<u8>,
    /// The last frames, once nothing is to be sent behind them, whoever goes on to write.
    last: Option<Vec<u8>>,
    /// Messages that are sent in pieces. Of the first `partial` lanes it is the turn of the message of which the least is
    /// left.
    lanes: VecDeque<(Lane, VecDeque<Large>)>,
    /// Of so many messages some may have been sent.
    partial: usize,
    /// How many pieces there have been.
    pieces: u32,
    /// The most that one frame may hold.
    chunk: usize,
    /// How many calls have been begun.
    calls: u64,
    /// How many of them were given out to be written, and before that which was given out last.
    given_out: (u64, u64),
    /// How many messages were put into lanes.
    queued: u64,
    /// How much of them may be under way.
    pub(super) window: Window,
}

/// The pieces that are written in one go.
struct Turn<'a, F> {
    out: &'a mut Vec<u8>,
    chunk: usize,
    window: &'a mut Window,
    now: &'a F,
}

struct Large {
    message: Message<Vec<u8>>,
    body: Vec<u8>,
    sent: usize,
    /// How much of the string at its end.
    sent_tail: usize,
    /// Which of those in lanes it is.
    number: u64,
}

/// What a head takes at most, names of objects apart.
const ROOM: usize = 64;

/// One of so many pieces is that of the oldest message, so that what is very large gets on while others come that are
/// less so.
const FAIR: u32 = 4;

/// What is sent first: the preamble, a method, and its call.
const FIRST: usize = 128;

/// A message without its value: a frame's kind, and what stands before the value and behind it.
pub(super) struct Message<H> {
    pub(super) kind: Kind,
    pub(super) flags: u8,
    pub(super) id: u32,
    /// Writes it.
    pub(super) head: H,
    /// The string that follows it.
    pub(super) tail: Option<Bytes>,
}

/// A message that was taken back, and its body.
pub(super) type Unsent = (Message<Vec<u8>>, Vec<u8>);

/// Messages of one lane don't overtake each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Lane {
    /// To an object of the peer's: its kind and place.
    Object(u8, u32, u32),
    /// An answer to the peer, by the number of its call.
    Answer(u32),
}

/// What of a message has been sent when it is taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sent {
    Nothing,
    Part,
    All,
}

impl Outbox {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            ready: Vec::with_capacity(FIRST),
            last: None,
            lanes: VecDeque::new(),
            partial: limits.partial.max(1),
            pieces: 0,
            chunk: limits.chunk.clamp(64, frame::MOST),
            calls: 0,
            given_out: (0, 0),
            queued: 0,
            window: Window::default(),
        }
    }

    /// Where small frames are written.
    pub(super) fn ready(&mut self) -> &mut Vec<u8> {
        &mut self.ready
    }

    /// Sends a message behind those of its lane. The memory of its `body` is taken only if that has to wait.
    pub(super) fn send(
        &mut self,
        lane: Lane,
        message: Message<impl Fn(&mut Vec<u8>)>,
        body: &mut Vec<u8>,
    ) {
        let Message { kind, flags, id, head, tail } = message;
        // Mostly, nothing waits.
        let before = match self.lanes.is_empty() {
            true => None,
            false => self.lanes.iter().position(|(other, _)| *other == lane),
        };
        if before.is_none() && tail.is_none() && body.len() + ROOM <= self.chunk {
            let start = frame::open(&mut self.ready, kind, flags);
            head(&mut self.ready);
            if self.ready.len() - start + body.len() <= self.chunk {
                self.calls += u64::from(kind == Kind::Call);
                self.window.small();
                self.ready.extend_from_slice(body);
                frame::close(&mut self.ready, start);
                return;
            }
            cold_path();
            // The name of an object is long.
            self.ready.truncate(start);
        }
        let mut written = Vec::new();
        head(&mut written);
        let message = Message { kind, flags, id, head: written, tail };
        let body = std::mem::take(body);
        let large = Large { message, body, sent: 0, sent_tail: 0, number: self.queued };
        self.queued += 1;
        match before.and_then(|at| self.lanes.get_mut(at)) {
            Some((_, messages)) => messages.push_back(large),
            None => self.lanes.push_back((lane, VecDeque::from([large]))),
        }
    }

    /// Nothing more is to be sent but what is ready, and why that is so.
    pub(super) fn close(&mut self, why: &str) {
        self.lanes.clear();
        let start = frame::open(&mut self.ready, Kind::Close, 0);
        self.ready.extend_from_slice(why.as_bytes());
        frame::close(&mut self.ready, start);
        self.last = Some(std::mem::take(&mut self.ready));
    }

    /// Nothing can be sent any more.
    pub(super) fn shut(&mut self) {
        self.last = Some(Vec::new());
    }

    /// Whether nothing more is taken.
    pub(super) fn is_closed(&self) -> bool {
        self.last.is_some()
    }

    /// Nothing more is to be sent.
    pub(super) fn end(&mut self) {
        self.ready = Vec::new();
        self.last = self.last.as_ref().map(|_| Vec::new());
        self.lanes.clear();
    }

    /// How many calls have been begun: the next small one is the one after these.
    pub(super) fn calls(&self) -> u64 {
        self.calls
    }

    /// How many calls may have been written, of which the last ones weren't if nothing of what was given out last
    /// was written; and the numbers of those in lanes, which surely weren't as a whole.
    pub(super) fn written(&self, last: bool) -> (u64, Vec<u32>) {
        let large = self.lanes.iter().flat_map(|(_, messages)| messages);
        let unsent = large.filter(|large| large.message.kind == Kind::Call);
        let unsent = unsent.map(|large| large.message.id).collect();
        (if last { self.given_out.0 } else { self.given_out.1 }, unsent)
    }

    /// Takes back what has not been sent of a message: says how much was, and gives the message and its body, if
    /// it wasn't all.
    pub(super) fn forget(&mut self, kind: Kind, id: u32) -> (Sent, Option<Unsent>) {
        for (index, (_, messages)) in self.lanes.iter_mut().enumerate() {
            let same = |large: &Large| large.message.kind == kind && large.message.id == id;
            if let Some(large) = messages.iter().position(same).and_then(|at| messages.remove(at)) {
                if messages.is_empty() {
                    self.lanes.remove(index);
                }
                let sent = if large.sent == 0 { Sent::Nothing } else { Sent::Part };
                return (sent, Some((large.message, large.body)));
            }
        }
        (Sent::All, None)
    }

    /// The number of the first message of those in lanes, and the number of the next one.
    pub(super) fn numbers(&self) -> (Option<u64>, u64) {
        let large = self.lanes.iter().flat_map(|(_, messages)| messages);
        (large.map(|large| large.number).min(), self.queued)
    }

    /// Whether anything can be sent at the moment.
    pub(super) fn is_ready(&self) -> bool {
        !self.ready.is_empty()
            || (!self.lanes.is_empty() && self.window.is_open())
            || self.last.as_ref().is_some_and(|last| !last.is_empty())
    }

    /// Whether large messages are under way.
    pub(super) fn has_large(&self) -> bool {
        !self.lanes.is_empty()
    }

    /// Whether a piece of a large message goes next, between which and the one before small messages go.
    pub(super) fn lets_small_between(&self) -> bool {
        self.has_large() && self.window.is_open() && self.window.is_tight()
    }

    /// Whether large messages wait for the peer to take what was sent.
    pub(super) fn is_held_up(&self) -> bool {
        !self.lanes.is_empty() && !self.window.is_open()
    }

    /// How many large messages there have been.
    pub(super) fn queued(&self) -> u64 {
        self.queued
    }

    /// How many bytes of whole frames wait.
    pub(super) fn small(&self) -> usize {
        self.ready.len()
    }

    /// How many bytes wait.
    pub(super) fn waiting(&self) -> usize {
        if self.lanes.is_empty() {
            return self.ready.len();
        }
        let large = self.lanes.iter().flat_map(|(_, messages)| messages);
        self.ready.len() + large.map(Large::left).sum::<usize>()
    }

    /// Moves what is to be sent next to `out`: all that is ready, and pieces of large messages until
    /// there are `most` bytes. What it gives is to be sent after it, before anything else.
    pub(super) fn transmit(
        &mut self,
        out: &mut Vec<u8>,
        most: usize,
        now: impl Fn() -> Instant,
    ) -> Option<Piece> {
        let before = self.given_out.1;
        let piece = self.give_out(out, most, now);
        self.given_out = (before, self.calls);
        piece
    }

    /// The place of the lane whose turn it is. Large messages end one after the other that way, each as soon as it can,
    /// and what is done about them isn't done all at once.
    fn turn(&mut self) -> Option<usize> {
        self.pieces = self.pieces.wrapping_add(1);
        let is_oldest_s = self.pieces.is_multiple_of(FAIR);
        let key = |large: &Large| if is_oldest_s { large.number } else { large.left() as u64 };
        let lanes = self.lanes.iter().take(self.partial).enumerate();
        lanes.min_by_key(|(_, (_, messages))| messages.front().map(key)).map(|(at, _)| at)
    }

    fn give_out(
        &mut self,
        out: &mut Vec<u8>,
        most: usize,
        now: impl Fn() -> Instant,
    ) -> Option<Piece> {
        if let Some(last) = &mut self.last {
            out.append(last);
            self.ready.clear();
            self.lanes.clear();
            return None;
        }
        match out.is_empty() {
            true => std::mem::swap(out, &mut self.ready),
            false => out.append(&mut self.ready),
        }
        while !self.lanes.is_empty()
            && out.len() < most
            && self.window.is_open()
            && let Some(at) = self.turn()
            && let Some(large) = self.lanes.get_mut(at).and_then(|(_, lane)| lane.front_mut())
        {
            self.calls += u64::from(large.sent == 0 && large.message.kind == Kind::Call);
            let mut turn =
                Turn { out: &mut *out, chunk: self.chunk, window: &mut self.window, now: &now };
            let (done, piece) = match large.tail() {
                None => (turn.piece(large), None),
                Some(tail) => {
                    let (done, piece) = turn.tail(large, tail);
                    (done, Some(piece))
                }
            };
            if done {
                self.end_first(at);
            }
            if piece.is_some() {
                return piece;
            }
        }
        None
    }

    /// All was given out of the first message of a lane. Those that are begun stand before those that aren't.
    fn end_first(&mut self, at: usize) {
        let Some((lane, mut messages)) = self.lanes.remove(at) else { return };
        messages.pop_front();
        if !messages.is_empty() {
            self.lanes.push_back((lane, messages));
        }
    }
}

impl Large {
    /// How many bytes are still to be sent.
    fn left(&self) -> usize {
        let Message { head, tail, .. } = &self.message;
        let tail = tail.as_ref().map_or(0, |tail| tail.len());
        head.len() + self.body.len().saturating_sub(self.sent) + tail.saturating_sub(self.sent_tail)
    }

    /// The string at its end, if that is next.
    fn tail(&self) -> Option<Bytes> {
        self.message.tail.clone().filter(|_| self.sent == self.body.len())
    }

    /// Numbers of calls are those of the one who calls, so the kind belongs to them.
    fn put_number(&self, out: &mut Vec<u8>) {
        let Message { kind, id, .. } = &self.message;
        out.push(u8::from(*kind != Kind::Call));
        frame::put(out, u64::from(*id));
    }
}

impl<F: Fn() -> Instant> Turn<'_, F> {
    /// Writes the next piece, and says whether it was the last one.
    fn piece(&mut self, large: &mut Large) -> bool {
        let Large { message: Message { kind, flags, head, tail, .. }, body, .. } = &*large;
        let (out, first) = (&mut *self.out, large.sent == 0);
        let room = match first {
            true => self.chunk.saturating_sub(head.len()).max(1),
            false => self.chunk - HEAD * 2,
        };
        let end = large.sent.saturating_add(room).min(body.len());
        let last = end == body.len() && tail.is_none();
        let more = if last { 0 } else { MORE };
        let start = match first {
            true => frame::open(out, *kind, flags | more),
            false => frame::open(out, Kind::Chunk, more),
        };
        match first {
            true => out.extend_from_slice(head),
            false => large.put_number(out),
        }
        out.extend_from_slice(body.get(large.sent..end).unwrap_or_default());
        frame::close(out, start);
        large.sent = end;
        if !first {
            self.count(start, 0);
        }
        last
    }

    /// Writes what stands before the next bytes of the string at the end. Gives these, and whether they
    /// are the last ones.
    fn tail(&mut self, large: &mut Large, bytes: Bytes) -> (bool, Piece) {
        let (out, from, len) = (&mut *self.out, large.sent_tail, bytes.len());
        let to = from.saturating_add(self.window.piece(tail::piece(self.chunk))).min(len);
        let start = frame::open(out, Kind::Tail, if to < len { MORE } else { 0 });
        large.put_number(out);
        tail::pad(out);
        frame::close_before(out, start, to - from);
        large.sent_tail = to;
        self.count(start, to - from);
        (to == len, Piece(bytes.slice(from..to)))
    }

    /// Counts the frame that begins at `start`, of which so many bytes follow, and asks the peer to say
    /// when it has taken it, if that is to be known.
    fn count(&mut self, start: usize, following: usize) {
        let len = self.out.len().saturating_sub(start + HEAD) + following;
        if self.window.send(len, self.now)
            && let Some(byte) = self.out.get_mut(start)
        {
            *byte |= ASKS;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn send(outbox: &mut Outbox, lane: Lane, id: u32, body: &[u8]) {
        let head = move |out: &mut Vec<u8>| out.push(id as u8);
        let message = Message { kind: Kind::Call, flags: 0, id, head, tail: None };
        outbox.send(lane, message, &mut body.to_vec());
    }

    fn outbox(partial: usize) -> Outbox {
        Outbox::new(&Limits { chunk: 80, partial, ..Limits::default() })
    }

    /// The frames of what is sent: each one's byte, and the number of the message.
    fn frames(mut bytes: &[u8]) -> Vec<(u8, u8)> {
        let mut frames = Vec::new();
        while let Ok((byte, body)) = frame::split(bytes) {
            let chunk = byte & !(MORE | ASKS) == Kind::Chunk.byte();
            let byte = if chunk { byte & !ASKS } else { byte };
            frames.push((byte, body[usize::from(chunk)]));
            bytes = &bytes[HEAD + body.len()..];
        }
        frames
    }

    /// All that is to be sent; the peer takes everything at once.
    fn transmit_all(outbox: &mut Outbox) -> Vec<u8> {
        let mut all = Vec::new();
        loop {
            let mut out = Vec::new();
            assert!(outbox.transmit(&mut out, usize::MAX, Instant::now).is_none());
            if out.is_empty() {
                return all;
            }
            all.append(&mut out);
            outbox.window.take_all();
        }
    }

    #[test]
    fn the_least_that_is_left_goes_first_and_small_ones_before() {
        let mut outbox = outbox(8);
        send(&mut outbox, Lane::Object(0, 0, 0), 1, &[0; 200]);
        send(&mut outbox, Lane::Object(1, 1, 0), 2, &[0; 100]);
        // It is small, but mustn't overtake the first one, which is for the same object.
        send(&mut outbox, Lane::Object(0, 0, 0), 3, b"x");
        send(&mut outbox, Lane::Object(1, 2, 0), 4, b"y");
        let out = transmit_all(&mut outbox);
        let (call, chunk) = (Kind::Call.byte(), Kind::Chunk.byte());
        let expected = [
            (call, 4),
            (call | MORE, 2),
            (chunk, 2),
            (call | MORE, 1),
            (chunk | MORE, 1),
            (chunk, 1),
            (call, 3),
        ];
        let numbers: Vec<_> = frames(&out);
        assert_eq!(numbers, expected);
        assert_eq!(outbox.waiting(), 0);
    }

    /// Of each frame, how many messages are under way with it.
    fn under_way(frames: &[(u8, u8)]) -> Vec<usize> {
        let mut begun = std::collections::BTreeSet::new();
        let counts = frames.iter().map(|(byte, number)| {
            begun.insert(*number);
            let count = begun.len();
            if byte & MORE == 0 {
                begun.remove(number);
            }
            count
        });
        counts.collect()
    }

    #[test]
    fn no_more_are_begun_than_the_peer_puts_together() {
        for partial in [1, 2, 3] {
            let mut outbox = outbox(partial);
            for id in 1..=6 {
                // Each one is smaller than those before it.
                send(&mut outbox, Lane::Answer(id), id, &vec![0; 2000 - 100 * id as usize]);
            }
            let mut out = Vec::new();
            let _ = outbox.transmit(&mut out, 300, Instant::now);
            // Also if one of them is taken back meanwhile, which has been begun or not.
            assert_ne!(outbox.forget(Kind::Call, 2).0, Sent::All);
            out.append(&mut transmit_all(&mut outbox));
            let mut frames = frames(&out);
            // It is not going to end.
            frames.retain(|(_, number)| *number != 2);
            let most = under_way(&frames).into_iter().max().unwrap();
            assert!(most <= partial && most >= partial.min(2), "{most} {frames:?}");
            assert_eq!(outbox.waiting(), 0);
        }
    }

    #[test]
    fn what_is_very_large_gets_on_while_others_come() {
        let mut outbox = outbox(8);
        send(&mut outbox, Lane::Answer(1), 1, &[0; 8000]);
        let mut all = Vec::new();
        for id in 2..=40 {
            // As much comes as goes.
            send(&mut outbox, Lane::Answer(id), id, &[0; 200]);
            let mut out = Vec::new();
            let _ = outbox.transmit(&mut out, 200, Instant::now);
            outbox.window.take_all();
            all.append(&mut frames(&out));
        }
        let very_large = all.iter().filter(|(_, number)| *number == 1).count();
        assert!(very_large * 5 >= all.len() && very_large * 3 <= all.len(), "{very_large} {all:?}");
        // The others go one after the other.
        let others: Vec<_> = all.iter().filter(|(_, number)| *number != 1).copied().collect();
        assert!(under_way(&others).iter().all(|count| *count <= 2), "{others:?}");
    }

    #[test]
    fn nothing_comes_behind_the_frame_that_says_so() {
        let mut outbox = outbox(8);
        send(&mut outbox, Lane::Object(1, 1, 0), 1, b"x");
        send(&mut outbox, Lane::Object(1, 2, 0), 2, &[0; 200]);
        outbox.close("why");
        assert!(outbox.is_closed());
        // Others don't know it yet.
        send(&mut outbox, Lane::Object(1, 1, 0), 3, b"x");
        send(&mut outbox, Lane::Object(1, 2, 0), 4, &[0; 200]);
        outbox.ready().push(Kind::Ping.byte());
        let expected = [(Kind::Call.byte(), 1), (Kind::Close.byte(), b'w')];
        assert_eq!(frames(&transmit_all(&mut outbox)), expected);
        send(&mut outbox, Lane::Object(1, 1, 0), 5, b"x");
        assert!(transmit_all(&mut outbox).is_empty());
    }

    #[test]
    fn what_was_not_written_is_known() {
        let mut outbox = outbox(8);
        let give = |outbox: &mut Outbox| {
            let mut out = Vec::new();
            assert!(outbox.transmit(&mut out, 1, Instant::now).is_none());
        };
        send(&mut outbox, Lane::Object(1, 1, 0), 1, b"x");
        assert_eq!(outbox.written(false), (0, vec![]));
        give(&mut outbox);
        send(&mut outbox, Lane::Object(1, 2, 0), 2, b"x");
        send(&mut outbox, Lane::Object(1, 3, 0), 3, &[0; 200]);
        // The first one may have been written, unless nothing was.
        assert_eq!((outbox.written(false), outbox.written(true)), ((1, vec![3]), (0, vec![3])));
        give(&mut outbox);
        assert_eq!((outbox.written(false), outbox.written(true)), ((2, vec![3]), (1, vec![3])));
        // What goes out before the end may be written as well.
        send(&mut outbox, Lane::Object(1, 2, 0), 4, b"x");
        outbox.close("why");
        give(&mut outbox);
        assert_eq!((outbox.written(false), outbox.written(true)), ((3, vec![]), (2, vec![])));
        outbox.shut();
        assert_eq!(outbox.written(false), (3, vec![]));
    }

    #[test]
    fn what_is_taken_back_is_not_sent() {
        let mut outbox = outbox(8);
        send(&mut outbox, Lane::Answer(1), 1, &[0; 100]);
        send(&mut outbox, Lane::Answer(2), 2, &[0; 100]);
        let mut out = Vec::new();
        assert!(outbox.transmit(&mut out, 1, Instant::now).is_none());
        assert_eq!(outbox.forget(Kind::Call, 1).0, Sent::Part);
        assert_eq!(outbox.forget(Kind::Call, 2).0, Sent::Nothing);
        assert_eq!(outbox.forget(Kind::Call, 2).0, Sent::All);
        assert!(transmit_all(&mut outbox).is_empty());
    }
}
