//! The clients that have a control connection to a server of this process.

use super::{Error, numbers::Numbers};
use crate::{FireProblem, Identity, Peer, net::Stream, server::Shared};
use drb_core::Uri;
use std::{
    collections::{HashMap, VecDeque},
    io,
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};
use tokio::{
    sync::{Notify, oneshot},
    time::Instant,
};

/// For all servers of the process: where a reference leads, its number says alone, since each side may know the
/// server by another address.
static WAYS: LazyLock<Ways> = LazyLock::new(Ways::default);

#[derive(Default)]
struct Ways {
    numbers: Numbers,
    open: Mutex<HashMap<u32, Arc<Way>>>,
}

impl Ways {
    fn open(&self) -> MutexGuard<'_, HashMap<u32, Arc<Way>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The way back to one client.
pub(super) struct Way {
    pub(super) number: u32,
    server: Weak<Shared>,
    /// Where the client reaches the server.
    uri: Arc<str>,
    /// Who has opened the control connection.
    peer: Peer,
    identity: Identity,
    wanted: Mutex<Wanted>,
    /// Wakes who looks after the control connection.
    pub(super) more: Notify,
}

#[derive(Default)]
struct Wanted {
    /// Who waits for a connection.
    waiting: VecDeque<oneshot::Sender<Stream>>,
    /// How many the client has not been asked for yet.
    unsaid: usize,
    /// How many it may still open. Who waited for them may have given up.
    owed: usize,
    /// The client has been asked, and has not opened any since.
    silence: Option<Silence>,
    over: bool,
}

struct Silence {
    since: Instant,
    /// Whether it has been asked for one more, only to see whether it is there.
    again: bool,
}

/// What is to be done about a client that opens no connection.
pub(super) enum Answers {
    /// Nothing, unless it is silent until then.
    Until(Option<Instant>),
    /// It is gone.
    NoMore,
}

/// A way that is open as long as this is there.
pub(super) struct Open(pub(super) Arc<Way>);

impl Open {
    pub(super) fn new(server: &Arc<Shared>, uri: Arc<str>, peer: Peer, identity: Identity) -> Self {
        let number = WAYS.numbers.next();
        let server = Arc::downgrade(server);
        let (wanted, more) = Default::default();
        let way = Arc::new(Way { number, server, uri, peer, identity, wanted, more });
        WAYS.open().insert(number, Arc::clone(&way));
        Self(way)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        WAYS.open().remove(&self.0.number);
        self.0.close();
    }
}

impl Way {
    /// How many connections the client is to be asked for now, at most so many.
    pub(super) fn take_unsaid(&self, most: usize) -> usize {
        let mut wanted = self.wanted();
        let now = wanted.unsaid.min(most);
        wanted.unsaid -= now;
        now
    }

    /// Asks for a connection.
    fn want(&self) -> Result<oneshot::Receiver<Stream>, Error> {
        let (sender, receiver) = oneshot::channel();
        let mut wanted = self.wanted();
        if wanted.over {
            return Err(Error::Gone);
        }
        wanted.waiting.retain(|waits| !waits.is_closed());
        wanted.waiting.push_back(sender);
        wanted.unsaid += 1;
        wanted.owed += 1;
        wanted.silence.get_or_insert_with(|| Silence { since: Instant::now(), again: false });
        drop(wanted);
        self.more.notify_one();
        Ok(receiver)
    }

    /// Asks a client once more that has been silent for so long, and gives it up when it is for twice as long again: the
    /// protocol has no other question, and what can't be delivered the system tries to deliver for a quarter of an hour.
    pub(super) fn answers(&self, keepalive: Duration, now: Instant) -> Answers {
        let mut wanted = self.wanted();
        let Some(silence) = &mut wanted.silence else { return Answers::Until(None) };
        let (ask, end) = (silence.since + keepalive, silence.since + keepalive * 3);
        if silence.again || now < ask {
            let until = if silence.again { end } else { ask };
            return if now < end { Answers::Until(Some(until)) } else { Answers::NoMore };
        }
        silence.again = true;
        wanted.unsaid += 1;
        wanted.owed += 1;
        Answers::Until(Some(end))
    }

    /// Asks for no more connections. Whoever waits for one learns that nothing will come.
    pub(super) fn close(&self) {
        *self.wanted() = Wanted { over: true, ..Wanted::default() };
    }

    /// Whether this is who has opened the control connection: by the certificate, where there is one, else by the
    /// address.
    fn is(&self, peer: &Peer, identity: &Identity) -> bool {
        let same_place = || match (&self.peer, peer) {
            (Peer::Tcp(one), Peer::Tcp(other)) => one.ip() == other.ip(),
            (one, other) => one == other,
        };
        self.identity == *identity && (matches!(identity, Identity::Tls(_)) || same_place())
    }

    fn wanted(&self) -> MutexGuard<'_, Wanted> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Connects to the client with a number.
pub(super) async fn connect(number: &str) -> io::Result<Stream> {
    let way = find(number).ok_or_else(|| Error::NotConnected { number: number.to_owned() })?;
    let wanted = way.want()?;
    drop(way);
    Ok(wanted.await.map_err(|_| Error::Gone)?)
}

fn find(number: &str) -> Option<Arc<Way>> {
    WAYS.open().get(&number.parse().ok()?).cloned()
}

/// The server that a client is connected to whose URI this is, and where the client reaches it.
pub(crate) fn way_back(uri: &str) -> Option<(Arc<Shared>, Arc<str>)> {
    if !uri.starts_with("drbfire:") {
        return None;
    }
    let way = find(Uri::parse(uri).ok()?.option.as_deref()?)?;
    Some((way.server.upgrade()?, Arc::clone(&way.uri)))
}

/// What becomes of a connection that a client was asked for.
pub(crate) enum Claim {
    /// It goes to a call.
    For(oneshot::Sender<Stream>),
    /// It comes too late: nobody waits any more.
    ForNobody,
}

/// Somebody who has connected to `server` says that it is the client with a number, of whom a connection is wanted.
///
/// # Errors
/// It isn't, or none is.
pub(crate) fn claim(
    server: &Arc<Shared>,
    number: u32,
    peer: &Peer,
    identity: &Identity,
) -> Result<Claim, FireProblem> {
    let way = WAYS.open().get(&number).cloned();
    let is_his = |way: &Arc<Way>| {
        std::ptr::eq(way.server.as_ptr(), Arc::as_ptr(server)) && way.is(peer, identity)
    };
    let way = way.filter(is_his).ok_or(FireProblem::NotTheClient { number })?;
    let mut wanted = way.wanted();
    wanted.owed = wanted.owed.checked_sub(1).ok_or(FireProblem::NotWanted { number })?;
    wanted.silence = None;
    while let Some(waits) = wanted.waiting.pop_front() {
        if !waits.is_closed() {
            return Ok(Claim::For(waits));
        }
    }
    Ok(Claim::ForNobody)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TlsIdentity;

    fn way(peer: &Peer, identity: &Identity) -> Way {
        let (peer, identity) = (peer.clone(), identity.clone());
        let (wanted, more) = Default::default();
        Way { number: 7, server: Weak::new(), uri: "".into(), peer, identity, wanted, more }
    }

    #[test]
    fn a_client_is_known_by_its_certificate_or_else_by_its_address() {
        let at = |place: &str| Peer::Tcp(place.parse().unwrap());
        let tls = |byte| Identity::Tls(TlsIdentity::new(Vec::new(), [byte; 32]));
        let (here, nobody) = (at("192.0.2.1:1"), Identity::Anonymous);
        let anonymous = way(&here, &nobody);
        assert!(anonymous.is(&at("192.0.2.1:2"), &nobody));
        assert!(!anonymous.is(&at("192.0.2.2:1"), &nobody));
        assert!(!anonymous.is(&here, &tls(1)));
        assert!(!anonymous.is(&Peer::Unix, &nobody));
        // Whoever has the key may have another address by now.
        let certified = way(&here, &tls(1));
        assert!(certified.is(&at("192.0.2.2:1"), &tls(1)));
        assert!(!certified.is(&here, &tls(2)));
        assert!(!certified.is(&here, &nobody));
        let named = way(&Peer::Named("one".into()), &nobody);
        assert!(named.is(&Peer::Named("one".into()), &nobody));
        assert!(!named.is(&Peer::Named("other".into()), &nobody));
    }
}
