//! Looking for what comes next, for a while, before the thread sleeps.
//!
//! To fall asleep and to be woken takes longer than many a call on the same machine: on a virtual one, 50 us in place
//! of 5. So a connection over which something has come or gone looks whether more has come, again and again, after all
//! others of its thread have had their turns. It does so less and less where nothing comes so soon, and leaves it for long
//! where others have to take the core from it for that. Where there is one core only, others have it before each look:
//! the peer may be one of them, and that way none of the two has to be woken.
//!
//! Whether something comes so soon depends on whether the peer looks, too: who is asleep has to be woken before it can
//! answer. So after looking in vain, it is looked for twice as long, in which a peer on the same machine can be woken; and
//! all processes of a machine which have given it up try it again at the same times.

mod patience;
mod usage;

use self::{
    patience::{Patience, all_try},
    usage::Usage,
};
use crate::{alarm, net::Stream, server::after_others, wait};
use std::{
    cell::Cell,
    io,
    sync::LazyLock,
    task::{Context, Poll},
    thread,
    time::Duration,
};
use tokio::{runtime::Handle, time::Instant};

/// A thread that gets to look later than that has other things to do. Then there is nothing to be gained. (What is large
/// takes up to half of it to be read or written.)
const GAP: Duration = Duration::from_micros(20);

/// A thread over whose other connections so much has come meanwhile doesn't sleep anyway.
const OTHERS: u32 = 3;

/// So often it is looked at most, however the clock goes.
const LOOKS: u16 = 1000;

/// A new connection for which it doesn't pay begins with the call after so many: many have fewer.
const FIRST: u16 = 4;

/// After so many times that were not in vain it is looked whether it is in the way of others.
const GAINS: u8 = 16;

/// Then so often it is not looked before the next time: once others may have come between, and if they do so again each
/// time more often, up to so often.
const IN_THE_WAY: (u16, u16) = (63, 4095);

/// Whether this process has one core only, on which others can do nothing while it looks.
static ONE_CORE: LazyLock<bool> =
    LazyLock::new(|| thread::available_parallelism().is_ok_and(|cores| cores.get() == 1));

/// Whether it can be told if it is in the way of others.
static TELLS: LazyLock<bool> = LazyLock::new(|| Usage::now().is_some());

/// Of one connection.
pub(crate) struct Spin {
    /// How long it looks: [`Limits::spin`](crate::Limits::spin).
    time: Duration,
    /// Whether others have the core before each look.
    yields: bool,
    looks: Option<Looks>,
    /// How much had come over all connections of the thread when something came over this one last, and whether that
    /// was much more than the time before.
    came: u32,
    of_many: bool,
    /// Something has come or gone since it has looked last.
    renewed: bool,
    /// Whether it is the first time.
    new: bool,
    patience: Patience,
    /// How often it was not in vain since then, and what its thread had used by then.
    gains: u8,
    usage: Option<Usage>,
    /// So often it is left if it is in the way of others.
    in_the_way: u16,
}

/// It is looking.
struct Looks {
    begun: Instant,
    last: Instant,
    left: u16,
    /// How much had come over all connections of the thread.
    came: u32,
}

thread_local! {
    static CAME: Cell<u32> = const { Cell::new(0) };
}

impl Spin {
    pub(crate) fn new(time: Duration, stream: &Stream) -> Self {
        // Of one thread of the runtime's, as others would be woken to help it, in vain.
        let one_thread = || Handle::try_current().is_ok_and(|it| it.metrics().num_workers() == 1);
        let yields = *ONE_CORE && stream.is_socket() && one_thread();
        let may = yields || !*ONE_CORE && *TELLS;
        let time = if may { time } else { Duration::ZERO };
        let new = !time.is_zero() && Patience::of_new(|new| new.is_to_look(all_try));
        let patience = Patience { leaves: if new { 0 } else { FIRST }, ..Patience::default() };
        Self {
            time,
            yields,
            looks: None,
            came: 0,
            of_many: false,
            renewed: false,
            new,
            patience,
            gains: 0,
            usage: None,
            in_the_way: IN_THE_WAY.0,
        }
    }

    /// Something has come, at this time.
    pub(crate) fn came(&mut self, now: impl FnOnce() -> Instant) {
        if let Some(looks) = self.looks.take() {
            // What the thread had to do with what has come last is no gap, nor is what others did.
            let no_gap = self.renewed || self.yields || now() < looks.last + GAP;
            match no_gap && !looks.is_one_of_many() {
                true if looks.last <= looks.begun + self.time => self.gain(),
                true => self.went_so(Patience::wait),
                false => self.leave(),
            }
        }
        self.renewed = true;
        let came = CAME.get().wrapping_add(1);
        CAME.set(came);
        self.of_many = came.wrapping_sub(self.came) > OTHERS + 1;
        self.came = came;
    }

    /// Something has gone.
    pub(crate) fn went(&mut self) {
        self.renewed = true;
    }

    /// Whether it gives the core to others before it reads.
    pub(crate) fn yields(&self) -> bool {
        self.yields && self.looks.is_some()
    }

    /// Reads once, as [`wait::poll_read`] does.
    pub(crate) fn poll_read(
        &self,
        stream: &mut Stream,
        buffer: &mut Vec<u8>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        if self.yields() {
            thread::yield_now();
            // The runtime doesn't know yet what has come meanwhile.
            if let Some(read) = wait::read_now(stream, buffer) {
                return Poll::Ready(Ok(read));
            }
        }
        wait::poll_read(stream, buffer, context)
    }

    /// The task waits. If it is to look once more before its thread sleeps, it is woken for that.
    pub(crate) fn wait(&mut self, context: &Context<'_>) {
        // A clock that a test has stopped goes on when all threads sleep.
        if self.is_to_look(Instant::now, all_try) && !alarm::is_virtual() {
            match self.yields {
                // What came over this connection is seen without the runtime, which looks for the rest often enough.
                true => context.waker().wake_by_ref(),
                false => after_others(context.waker()),
            }
        }
    }

    fn is_to_look(&mut self, now: impl Fn() -> Instant, all_try: fn() -> bool) -> bool {
        let renewed = std::mem::take(&mut self.renewed);
        if self.looks.is_none() {
            if !renewed || self.of_many || self.time.is_zero() {
                return false;
            }
            if !self.patience.is_to_look(all_try) {
                return false;
            }
        }
        let (now, time) = (now(), self.time * if self.patience.late > 0 { 2 } else { 1 });
        let begins = || Looks { begun: now, last: now, left: LOOKS, came: CAME.get() };
        let looks = self.looks.get_or_insert_with(begins);
        let gap = !self.yields && now >= looks.last + GAP;
        let late = gap || now >= looks.begun + time || looks.left == 0;
        if looks.is_one_of_many() || (late && !renewed) {
            self.looks = None;
            self.leave();
            return false;
        }
        if renewed {
            *looks = begins();
        }
        looks.last = now;
        looks.left -= 1;
        true
    }

    /// It was not in vain.
    fn gain(&mut self) {
        self.went_so(Patience::gain);
        if self.yields {
            return;
        }
        self.gains = (self.gains + 1) % GAINS;
        let Some(before) = &mut self.usage else {
            (self.usage, self.gains) = (Usage::now(), 0);
            return;
        };
        if self.gains == 0 {
            let is_in_the_way = Usage::now().and_then(|now| before.goes_on(now));
            self.learns(is_in_the_way);
        }
    }

    /// Whether it is in the way of others, if that is known.
    fn learns(&mut self, is_in_the_way: Option<bool>) {
        match is_in_the_way {
            Some(true) => {
                self.leave();
                let (leaves, most) = (self.in_the_way, IN_THE_WAY.1);
                (self.patience.leaves, self.in_the_way) = (leaves, (leaves * 8 + 7).min(most));
            }
            Some(false) => self.in_the_way = IN_THE_WAY.0,
            None => {}
        }
    }

    /// It was in vain.
    fn leave(&mut self) {
        self.went_so(Patience::leave);
        self.usage = None;
    }

    /// The first time it says something of new connections, too.
    fn went_so(&mut self, how: fn(&mut Patience)) {
        how(&mut self.patience);
        if std::mem::take(&mut self.new) {
            Patience::of_new(how);
        }
    }
}

impl Looks {
    fn is_one_of_many(&self) -> bool {
        CAME.get().wrapping_sub(self.came) > OTHERS
    }
}

#[cfg(test)]
mod tests {
    use super::{
        patience::{LATE, PAYS},
        usage::WINDOW,
        *,
    };
    use crate::net::Brought;
    use drb_core::Peer;

    const TIME: Duration = Duration::from_micros(100);
    const STEP: Duration = Duration::from_micros(1);

    /// One that isn't read.
    fn stream() -> Stream {
        Brought::new(tokio::io::empty(), Peer::Unix).into()
    }

    /// One that has left its first calls behind it, and a clock.
    fn spin() -> (Spin, Instant) {
        let mut spin = Spin::new(TIME, &stream());
        // Whatever machine this is, and whatever others have done.
        (spin.time, spin.yields, spin.new, spin.patience.leaves) = (TIME, false, false, FIRST);
        let now = Instant::now();
        for _ in 0..FIRST {
            spin.came(|| now);
            assert!(!spin.is_to_look(|| now, never));
        }
        (spin, now)
    }

    fn never() -> bool {
        false
    }

    /// How often it looks.
    fn looks(spin: &mut Spin, now: &mut Instant, all_try: fn() -> bool) -> usize {
        let mut count = 0;
        while spin.is_to_look(|| *now, all_try) {
            count += 1;
            *now += STEP;
        }
        count
    }

    /// How often it doesn't look when something has come, before it does again, and for how long it does that.
    fn left(spin: &mut Spin, now: &mut Instant) -> Option<(usize, Duration)> {
        for left in 0..2000 {
            spin.came(|| *now);
            match looks(spin, now, never) {
                0 => {}
                looks => return Some((left, TIME * ((looks as u32 + 50) / 100))),
            }
        }
        None
    }

    #[test]
    fn what_comes_soon_is_waited_for_again() {
        let (mut spin, mut now) = spin();
        for _ in 0..100 {
            spin.came(|| now);
            for _ in 0..20 {
                assert!(spin.is_to_look(|| now, never));
                now += STEP;
            }
            // The caller has something to do with the answer, and asks again.
            now += GAP * 3;
            spin.went();
            assert!(spin.is_to_look(|| now, never));
        }
    }

    #[test]
    fn what_does_not_come_is_looked_for_less_and_less() {
        let (mut spin, mut now) = spin();
        let found: Vec<_> = (0..6).map(|_| left(&mut spin, &mut now)).collect();
        let twice = TIME * 2;
        let [once, again] = [(0, TIME), (0, twice)].map(Some);
        assert_eq!(found, [once, again, Some((15, twice)), Some((255, twice)), None, None]);
        // When all try it, it does.
        spin.came(|| now);
        assert!(looks(&mut spin, &mut now, || true).abs_diff(200) <= 1);
        // Nothing has come or gone.
        assert_eq!(looks(&mut spin, &mut now, || true), 0);
    }

    #[test]
    fn who_looks_at_the_same_time_as_the_peer_goes_on_with_it() {
        let (mut spin, mut now) = spin();
        while left(&mut spin, &mut now).is_some() {}
        for round in 0..20 {
            spin.came(|| now);
            // Only the first time the peer has to be woken.
            let after = if round == 0 { TIME * 3 / 2 } else { TIME / 2 };
            let all_try: fn() -> bool = if round == 0 { || true } else { never };
            let until = now + after;
            while now < until {
                assert!(spin.is_to_look(|| now, all_try), "{round}");
                now += STEP;
            }
        }
        spin.came(|| now);
        assert_eq!((spin.patience.late, spin.patience.left), (0, 0));
    }

    #[test]
    fn what_is_always_late_is_not_looked_for() {
        let (mut spin, mut now) = spin();
        spin.patience.late = 1;
        let comes_late = |spin: &mut Spin, now: &mut Instant| {
            spin.came(|| *now);
            let until = *now + TIME * 3 / 2;
            let mut looks = false;
            while *now < until {
                looks |= spin.is_to_look(|| *now, never);
                *now += STEP;
            }
            looks
        };
        for left in [15, 255, 2000] {
            for _ in 0..LATE {
                assert!(comes_late(&mut spin, &mut now));
            }
            assert!((0..left).all(|_| !comes_late(&mut spin, &mut now)), "{left}");
        }
    }

    #[test]
    fn it_is_looked_for_again_where_it_comes() {
        let (mut spin, mut now) = spin();
        while left(&mut spin, &mut now).is_some() {}
        for _ in 0..10 {
            spin.came(|| now);
            assert!(spin.is_to_look(|| now, || true));
            now += STEP;
        }
        spin.came(|| now);
        assert_eq!((spin.patience.left, left(&mut spin, &mut now)), (0, Some((0, TIME))));
    }

    #[test]
    fn a_thread_that_has_other_things_to_do_does_not_look() {
        let (mut spin, mut now) = spin();
        spin.came(|| now);
        assert!(spin.is_to_look(|| now, never));
        now += GAP;
        assert!(!spin.is_to_look(|| now, never) && spin.patience.late == 1);
        spin.came(|| now);
        assert!(spin.is_to_look(|| now, never));
        spin.came(|| now + GAP);
        assert_eq!(spin.patience.leaves, PAYS - 1);
    }

    /// What the peer and others do with the core in the meantime is no reason to sleep.
    #[test]
    fn who_gives_the_core_to_others_goes_on_for_as_long_as_it_may() {
        let (mut spin, mut now) = spin();
        spin.yields = true;
        for _ in 0..usize::from(GAINS) * 3 {
            spin.came(|| now);
            assert!(!spin.yields());
            for _ in 0..4 {
                assert!(spin.is_to_look(|| now, never) && spin.yields());
                now += GAP + STEP;
            }
        }
        assert!(spin.usage.is_none(), "it is in nobody's way");
        spin.came(|| now);
        assert!(spin.is_to_look(|| now, never));
        assert!(!spin.is_to_look(|| now + TIME, never) && !spin.yields());
    }

    /// It reads what the runtime was not told of, as much as there is room for, and is not the only one to do so.
    #[tokio::test]
    async fn what_has_come_is_read_whoever_knows_of_it() {
        let (mine, mut peer) = tokio::net::UnixStream::pair().unwrap();
        let (mut stream, mut bytes) = (Stream::Unix(mine), Vec::with_capacity(16));
        let (mut spin, now) = spin();
        (spin.yields, spin.renewed) = (true, true);
        assert!(spin.is_to_look(|| now, never));
        let mut nobody = Context::from_waker(std::task::Waker::noop());
        assert!(spin.poll_read(&mut stream, &mut bytes, &mut nobody).is_pending());
        tokio::io::AsyncWriteExt::write_all(&mut peer, b"abc").await.unwrap();
        let read = spin.poll_read(&mut stream, &mut bytes, &mut nobody);
        assert!(matches!(read, Poll::Ready(Ok(3))) && bytes == b"abc", "{read:?}");
        // It is no longer there for the runtime, which hears of what comes next.
        assert!(spin.poll_read(&mut stream, &mut bytes, &mut nobody).is_pending());
        tokio::io::AsyncWriteExt::write_all(&mut peer, &[b'd'; 100]).await.unwrap();
        spin.looks = None;
        while bytes.len() < 103 {
            wait::make_room(&mut bytes, 0);
            let read =
                std::future::poll_fn(|context| spin.poll_read(&mut stream, &mut bytes, context));
            read.await.unwrap();
        }
        drop(peer);
        spin.renewed = true;
        assert!(spin.is_to_look(|| now, never));
        wait::make_room(&mut bytes, 0);
        let read = std::future::poll_fn(|context| spin.poll_read(&mut stream, &mut bytes, context));
        assert_eq!((read.await.unwrap(), bytes.len()), (0, 103));
    }

    #[test]
    fn one_of_many_does_not_look() {
        let (mut one, now) = spin();
        let mut others: Vec<Spin> = (0..=OTHERS).map(|_| spin().0).collect();
        for (few, late) in [(3, 0), (4, 1)] {
            // After the first time it is known not to have been one of many.
            one.came(|| now);
            one.came(|| now);
            assert!(one.is_to_look(|| now, never));
            others.iter_mut().take(few).for_each(|other| other.came(|| now));
            one.came(|| now);
            assert_eq!(one.patience.late, late);
        }
        // It doesn't even begin, until it is one of few again.
        assert!(!one.is_to_look(|| now, never));
        one.came(|| now);
        assert!(one.is_to_look(|| now, never));
        others.iter_mut().for_each(|other| other.came(|| now));
        one.went();
        assert!(!one.is_to_look(|| now, never));
    }

    #[test]
    fn a_clock_that_stands_still_and_no_time_at_all_end_it() {
        let (mut spin, now) = spin();
        spin.came(|| now);
        assert_eq!(
            (0..2000).filter(|_| spin.is_to_look(|| now, never)).count(),
            usize::from(LOOKS)
        );
        let mut off = Spin::new(Duration::ZERO, &stream());
        for _ in 0..100 {
            off.came(|| now);
            assert!(!off.is_to_look(|| now, || true));
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn it_is_looked_whether_others_have_to_take_the_core() {
        let (mut spin, now) = spin();
        // This thread has slept for long, it seems.
        let usage = Usage::now().unwrap();
        spin.usage = Some(Usage { at: usage.at.checked_sub(WINDOW * 10).unwrap(), ..usage });
        for _ in 0..GAINS {
            spin.came(|| now);
            assert!(spin.is_to_look(|| now, never));
        }
        spin.came(|| now);
        assert_eq!((spin.patience.leaves, spin.is_to_look(|| now, never)), (63, false));
    }

    #[test]
    fn who_is_in_the_way_again_and_again_is_left_for_longer() {
        let (mut spin, _) = spin();
        for leaves in [63, 511, 4095, 4095] {
            spin.learns(Some(true));
            assert_eq!(spin.patience.leaves, leaves);
        }
        for (is_in_the_way, leaves) in [(None, 4095), (Some(false), 63)] {
            spin.learns(is_in_the_way);
            spin.learns(Some(true));
            assert_eq!(spin.patience.leaves, leaves);
        }
    }
}
