//! Every bound on what a peer can make this process do, in one place.

use std::time::Duration;

/// The bounds that a server and a client work within.
///
/// Each bound names itself in the error that exceeding it causes ([`Limit`]). The defaults are
/// meant to be kept; raise one with struct update syntax:
///
/// ```
/// use drb_core::Limits;
///
/// let limits = Limits { message: 64 << 20, ..Limits::default() };
/// assert_eq!(limits.arguments, 256);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one frame of Ruby's wire that a peer sends: an argument, a result, or an exception.
    /// 25 MiB, which is the value that the documentation of Ruby's drb gives for `load_limit`. It is
    /// checked on the length that the peer claims, before a byte of the frame is read. What is sent
    /// to a peer is not subject to it, as in Ruby.
    pub frame: usize,
    /// Bytes of one whole message in or out: all frames of a request on Ruby's wire; on the native one all
    /// that is in the frames of a call or an answer, once without what tells them from others. 25 MiB.
    /// Outgoing messages are checked before the first byte is sent.
    pub message: usize,
    /// How deep values may nest. 128. Bounds the stack that decoding uses.
    pub depth: usize,
    /// Values (nodes) of one message, links followed counted each time. 1 048 576. Bounds the work
    /// that few bytes can cause.
    pub nodes: usize,
    /// Bytes of memory that the values decoded from one message may take: this many times the
    /// bytes of the message, plus [`Limits::memory_base`]. 4.
    pub memory_factor: usize,
    /// See [`Limits::memory_factor`]. 1 MiB.
    pub memory_base: usize,
    /// Upper end of the decoded memory of one message, whatever its size. 64 MiB.
    pub memory: usize,
    /// Bytes of memory that the arguments of calls may take which run for one peer of the native wire: those of
    /// calls of more than 64 KiB, reckoned as [`Limits::memory_factor`] times their bytes. 128 MiB; further
    /// large calls are refused. (On Ruby's wire a connection has one call at a time, and
    /// [`Limits::buffered`] counts those of all connections.)
    pub peer_memory: usize,
    /// Bytes that are allocated in advance because a peer claims a length. 64 KiB; further memory
    /// is taken as bytes really arrive.
    pub preallocation: usize,
    /// Bytes of the magnitude of an integer. 4 096.
    pub integer: usize,
    /// Distinct symbols of one message. 65 536.
    pub symbols: usize,
    /// Arguments of one call. 256, as Ruby's `argc_limit`.
    pub arguments: usize,
    /// Bytes of a frame of the native wire: larger messages go in pieces, which take turns with
    /// others. 32 KiB.
    pub chunk: usize,
    /// Bytes of a frame of the native wire that a peer may send. 256 KiB. (Pieces of large strings may be longer:
    /// they are read to where the strings are going to be.)
    pub chunk_in: usize,
    /// Messages of the native wire that may be arriving in pieces at a time. 8.
    pub partial: usize,
    /// Calls of one connection of the native wire that run at a time. 256; further ones are refused.
    pub calls: usize,
    /// Bytes that may wait to be sent to one peer on the native wire before its calls are refused: it
    /// reads less than it asks for. 64 MiB. Answers of calls that run already come on top.
    pub outbound: usize,
    /// Results of calls of one connection of the native wire that are kept, or are going to be, for calls on
    /// the object before the caller has it. 1 024; further calls whose results are to be kept are refused.
    /// Calls that wait for such an object count as those that run ([`Limits::calls`]), and their
    /// arguments together hold at most [`Limits::message`] bytes.
    pub promises: usize,
    /// Silence of a peer on the native wire after which it is asked whether it is there; after twice as
    /// long again without an answer the connection is given up. 15 s. With drbfire the system asks peers over TCP, in
    /// whole seconds, and a server asks a client of which it waits for a connection.
    pub keepalive: Duration,
    /// Calls that one peer of the native wire may cancel at a time after it has sent them; within five
    /// seconds as many again. 1 000. One that cancels more is disconnected. So it is with results that it gives
    /// back although none are kept for it ([`Limits::promises`]); both count together. drb itself tells half as many
    /// at a time to a peer: of the others when that is allowed again, unless they have been answered.
    pub cancels: usize,
    /// Frames in a row with nothing in them that a peer of the native wire may send. 100; with more it is
    /// disconnected.
    pub empty_frames: usize,
    /// What has to be between two pings of a peer on the native wire. 5 s; a peer of which three in a row
    /// come earlier is disconnected. drb itself keeps twice the distance, however short
    /// [`Limits::keepalive`] is.
    pub pings: Duration,
    /// Bytes a second that have to come over a connection while a message has arrived in part, on the
    /// average of [`Limits::stall`]. 1 024.
    pub progress: usize,
    /// References in one message. 1 024.
    pub references: usize,
    /// Objects exported to one peer at a time. 65 536.
    pub exports: usize,
    /// Objects exported at a time by all servers of the process, those that the program keeps
    /// included. 1 048 576.
    pub exports_total: usize,
    /// How deep calls may nest that come back into the process while they run, as far as their chain
    /// is known: calls within the process, not those that come over Ruby's wire. 32. Bounds the stack
    /// that endless recursion uses.
    pub recursion: usize,
    /// Connections that a server holds at a time. 10 000, but no more than 80 % of the files that the
    /// process may have open (`ulimit -n`) when the server starts; beyond it a connection is closed as soon
    /// as it is accepted.
    pub connections: usize,
    /// Connections that a server holds from one address at a time. 128, loopback excepted.
    pub connections_per_address: usize,
    /// Connections of a server that have not greeted yet ([`Limits::greeting`]), from which on a new one
    /// may drive out another one, picked at random. 64. The chance is 30 % there, and grows until it is
    /// certain with [`Limits::newcomers_most`]. Only one that has been silent for a second is picked, unless
    /// it has to be one: clients that come in a burst are all let in.
    pub newcomers: usize,
    /// Connections of a server that have not greeted yet. 256; each one beyond drives out another one.
    pub newcomers_most: usize,
    /// How long a peer may take from connecting to its greeting: the first 8 bytes of the native wire, the
    /// first 4 of a request on Ruby's, and the whole handshake of TLS before them. 10 s.
    pub greeting: Duration,
    /// How often peers from one address (of one network of 64 bits, for IPv6) may fail to show who they are,
    /// before the address is kept out for [`Limits::penalty`]. 3, loopback excepted.
    pub auth_failures: usize,
    /// How long an address is kept out after so many failures; twice as long after each further one, up to
    /// [`Limits::penalty_most`]. 5 s.
    pub penalty: Duration,
    /// How long an address is kept out at most. 600 s. Failures are forgotten so long after the last one's
    /// penalty.
    pub penalty_most: Duration,
    /// Bytes of memory for requests that have arrived in part or (on Ruby's wire) are being served, of all
    /// connections of a server together; the first 64 KiB of each connection are not counted. 256 MiB.
    pub buffered: usize,
    /// Bytes of an error's text. 8 KiB; longer texts are cut.
    pub error_text: usize,
    /// How long a call may take from its start to its result, if the caller doesn't say otherwise.
    /// 30 s.
    pub deadline: Duration,
    /// How long a connection over which something has come or gone looks for more before its thread sleeps, where that
    /// is worth it. 50 us; 0 to sleep at once. To be woken takes longer than many a call on the same machine, but who
    /// looks keeps a core busy. So it is left more and more where nothing comes so soon, and where the process has one
    /// core only, that goes to others before each look.
    pub spin: Duration,
    /// How long connecting may take. 10 s.
    pub connect: Duration,
    /// How long a peer may take to make progress in a message that it has begun. 30 s.
    pub stall: Duration,
    /// How long a connection stays open at the server that nobody needs: on Ruby's wire one without a call; on
    /// the native one without a call, and with nothing held by either side, no stream, and nobody who waits for
    /// its end. 300 s, or on the native wire up to a tenth longer. The client's next call makes another one.
    /// (Whether the peer of a connection is still there, [`Limits::keepalive`] is for.)
    pub idle: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            frame: 25 << 20,
            message: 25 << 20,
            depth: 128,
            nodes: 1 << 20,
            memory_factor: 4,
            memory_base: 1 << 20,
            memory: 64 << 20,
            peer_memory: 128 << 20,
            preallocation: 64 << 10,
            integer: 4096,
            symbols: 1 << 16,
            arguments: 256,
            chunk: 32 << 10,
            chunk_in: 256 << 10,
            partial: 8,
            calls: 256,
            outbound: 64 << 20,
            promises: 1024,
            keepalive: Duration::from_secs(15),
            cancels: 1000,
            empty_frames: 100,
            pings: Duration::from_secs(5),
            progress: 1024,
            references: 1024,
            exports: 1 << 16,
            exports_total: 1 << 20,
            recursion: 32,
            connections: 10_000,
            connections_per_address: 128,
            newcomers: 64,
            newcomers_most: 256,
            greeting: Duration::from_secs(10),
            auth_failures: 3,
            penalty: Duration::from_secs(5),
            penalty_most: Duration::from_secs(600),
            buffered: 256 << 20,
            error_text: 8 << 10,
            deadline: Duration::from_secs(30),
            spin: Duration::from_micros(50),
            connect: Duration::from_secs(10),
            stall: Duration::from_secs(30),
            idle: Duration::from_secs(300),
        }
    }
}

impl Limits {
    /// The memory that values decoded from a message of `bytes` bytes may take.
    pub fn memory_for(&self, bytes: usize) -> usize {
        bytes.saturating_mul(self.memory_factor).saturating_add(self.memory_base).min(self.memory)
    }
}

/// Which bound was exceeded. Each is the field of [`Limits`] of the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[allow(missing_docs)] // Each is documented at its field of `Limits`.
pub enum Limit {
    Frame,
    Message,
    Depth,
    Nodes,
    Memory,
    Integer,
    Symbols,
    Arguments,
    Partial,
    Calls,
    Outbound,
    Cancels,
    EmptyFrames,
    Pings,
    Promises,
    References,
    Exports,
    ExportsTotal,
    Recursion,
    Connections,
    ConnectionsPerAddress,
    Buffered,
    Newcomers,
    Greeting,
    Penalty,
    Progress,
    Stall,
    Keepalive,
    Idle,
    PeerMemory,
}

impl Limit {
    /// All of them, in the order of their numbers (`limit as usize`).
    pub const ALL: [Self; 30] = [
        Self::Frame,
        Self::Message,
        Self::Depth,
        Self::Nodes,
        Self::Memory,
        Self::Integer,
        Self::Symbols,
        Self::Arguments,
        Self::Partial,
        Self::Calls,
        Self::Outbound,
        Self::Cancels,
        Self::EmptyFrames,
        Self::Pings,
        Self::Promises,
        Self::References,
        Self::Exports,
        Self::ExportsTotal,
        Self::Recursion,
        Self::Connections,
        Self::ConnectionsPerAddress,
        Self::Buffered,
        Self::Newcomers,
        Self::Greeting,
        Self::Penalty,
        Self::Progress,
        Self::Stall,
        Self::Keepalive,
        Self::Idle,
        Self::PeerMemory,
    ];

    /// The name of its field of [`Limits`].
    pub fn name(self) -> &'static str {
        match self {
            Self::Frame => "frame",
            Self::Message => "message",
            Self::Depth => "depth",
            Self::Nodes => "nodes",
            Self::Memory => "memory",
            Self::Integer => "integer",
            Self::Symbols => "symbols",
            Self::Arguments => "arguments",
            Self::Partial => "partial",
            Self::Calls => "calls",
            Self::Outbound => "outbound",
            Self::Cancels => "cancels",
            Self::EmptyFrames => "empty_frames",
            Self::Pings => "pings",
            Self::Promises => "promises",
            Self::References => "references",
            Self::Exports => "exports",
            Self::ExportsTotal => "exports_total",
            Self::Recursion => "recursion",
            Self::Connections => "connections",
            Self::ConnectionsPerAddress => "connections_per_address",
            Self::Buffered => "buffered",
            Self::Newcomers => "newcomers",
            Self::Greeting => "greeting",
            Self::Penalty => "penalty",
            Self::Progress => "progress",
            Self::Stall => "stall",
            Self::Keepalive => "keepalive",
            Self::Idle => "idle",
            Self::PeerMemory => "peer_memory",
        }
    }

    /// The bound whose field of [`Limits`] has the name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|limit| limit.name() == name)
    }
}

impl std::fmt::Display for Limit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_found_by_its_number_and_its_name() {
        for (number, limit) in Limit::ALL.into_iter().enumerate() {
            assert_eq!(limit as usize, number);
            assert_eq!(Limit::from_name(limit.name()), Some(limit));
        }
    }
}
