//! How long a server keeps a connection that nobody uses.

use std::time::Duration;
use tokio::time::Instant;

/// For how long nothing has been done over a connection, and nothing could be missed if it ended.
///
/// It is looked at when a time comes at which it may be too long, and not with each call. So what was done in
/// between without anything arriving shows only then: such a connection ends between once and twice the
/// time after that.
pub(super) struct Idle {
    most: Duration,
    since: Instant,
    /// When it is looked at next; `None` if there is no bound.
    look: Option<Instant>,
    /// Whether it was in use when it was looked at last.
    used: bool,
    /// How many calls had gone on by themselves until then.
    begun: u64,
    /// The peer is told by now, and makes no further calls. Those that it had made before are served.
    told: bool,
}

/// What is to be done about a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    Nothing,
    /// The peer is to be told to use another one.
    Tell,
    /// It has been told, and has had the time to read that.
    End,
}

impl Idle {
    pub(super) fn new(most: Duration, now: Instant) -> Self {
        let look = now.checked_add(most);
        Self { most, since: now, look, used: false, begun: 0, told: false }
    }

    /// Something has arrived, other than what only shows that the peer is there.
    pub(super) fn stirs(&mut self, now: Instant) {
        self.since = now;
    }

    /// When it is to be looked at.
    pub(super) fn until(&self) -> Option<Instant> {
        self.look
    }

    /// Looks at it, if it is time to. `in_use` says whether it is being used, `begun` how many calls have gone
    /// on by themselves so far, and `grace` how long a peer that was told has to read that.
    pub(super) fn look(&mut self, now: Instant, in_use: bool, begun: u64, grace: Duration) -> Look {
        if self.look.is_none_or(|look| now < look) {
            return Look::Nothing;
        }
        let used = in_use || begun != self.begun;
        if used || self.used {
            self.since = now;
        }
        (self.used, self.begun) = (used, begun);
        let most = if self.told { grace } else { self.most };
        let over = !used && now.saturating_duration_since(self.since) >= most;
        match (over, self.told) {
            (false, _) => {
                self.look = self.since.checked_add(most);
                Look::Nothing
            }
            (true, false) => {
                self.told = true;
                (self.since, self.look) = (now, now.checked_add(grace));
                Look::Tell
            }
            (true, true) => Look::End,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: Duration = Duration::from_secs(300);
    const GRACE: Duration = Duration::from_secs(15);
    const TICK: Duration = Duration::from_millis(1);

    /// Looks whenever that is due, up to `until`, and gives what there was to be done, and when.
    fn looks(idle: &mut Idle, until: Instant, in_use: bool, begun: u64) -> Vec<(Instant, Look)> {
        let mut found = Vec::new();
        while let Some(at) = idle.until().filter(|at| *at <= until) {
            assert_eq!(idle.look(at - TICK, in_use, begun, GRACE), Look::Nothing);
            match idle.look(at, in_use, begun, GRACE) {
                Look::Nothing => {}
                what => found.push((at, what)),
            }
            if found.last().is_some_and(|(_, what)| *what == Look::End) {
                break;
            }
        }
        found
    }

    #[test]
    fn it_ends_in_two_steps() {
        let start = Instant::now();
        let mut idle = Idle::new(MOST, start);
        assert_eq!(looks(&mut idle, start + MOST - TICK, false, 0), []);
        let expected = [(start + MOST, Look::Tell), (start + MOST + GRACE, Look::End)];
        assert_eq!(looks(&mut idle, start + MOST * 9, false, 0), expected);
    }

    #[test]
    fn what_arrives_begins_it_anew() {
        let start = Instant::now();
        let mut idle = Idle::new(MOST, start);
        idle.stirs(start + MOST - TICK);
        assert_eq!(looks(&mut idle, start + MOST * 2 - TICK * 2, false, 0), []);
        let found = looks(&mut idle, start + MOST * 3, false, 0);
        assert_eq!(found.first(), Some(&(start + MOST * 2 - TICK, Look::Tell)));
        // What comes after the peer was told, before it knows.
        let mut idle = Idle::new(MOST, start);
        assert_eq!(looks(&mut idle, start + MOST, false, 0), [(start + MOST, Look::Tell)]);
        idle.stirs(start + MOST + GRACE - TICK);
        let expected = [(start + MOST + GRACE * 2 - TICK, Look::End)];
        assert_eq!(looks(&mut idle, start + MOST * 9, false, 0), expected);
    }

    #[test]
    fn what_is_in_use_or_was_stays() {
        let start = Instant::now();
        let mut idle = Idle::new(MOST, start);
        assert_eq!(looks(&mut idle, start + MOST * 3, true, 0), []);
        // It has been used until just now, for all that is known.
        let found = looks(&mut idle, start + MOST * 9, false, 0);
        assert_eq!(found.first(), Some(&(start + MOST * 5, Look::Tell)));
        // The same if only a call shows that it was.
        let mut idle = Idle::new(MOST, start);
        assert_eq!(looks(&mut idle, start + MOST, false, 1), []);
        let found = looks(&mut idle, start + MOST * 9, false, 1);
        assert_eq!(found.first(), Some(&(start + MOST * 3, Look::Tell)));
    }

    #[test]
    fn without_a_bound_there_is_nothing_to_look_at() {
        let mut idle = Idle::new(Duration::MAX, Instant::now());
        assert_eq!(idle.until(), None);
        let much_later = Instant::now() + MOST * 1000;
        assert_eq!(idle.look(much_later, false, 0, GRACE), Look::Nothing);
    }
}
