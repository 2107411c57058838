//! What must hold of a history. It knows nothing of drb.

mod streams;

use crate::history::{Event, Life, Outcome, Record, Seen};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    time::Duration,
};

/// Something that must not have happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Violation {
    /// A call has run more than once.
    Repeated(u64),
    /// A call has run that nobody has made.
    Unasked(u64),
    /// The caller was told that the call has not run, but it has.
    RanAfterAll(u64),
    /// The caller was told that the call has run, but it has not.
    NeverRan(u64),
    /// The caller has a result, but the method has not come to its end by then.
    NoResult(u64),
    /// The second call has begun before the first one, which was made earlier on the same proxy.
    Overtaken(u64, u64),
    /// A call's connection has ended although nothing went wrong.
    CutOff(u64),
    /// The caller was not told in time how the call has ended.
    Hung(u64),
    /// A call has ended twice.
    EndedTwice(u64),
    /// A method runs on although nobody waits for it.
    RunsOn(u64),
    /// An object was gone that the caller had a proxy of.
    Lost(u64),
    /// An object's destructor has run twice, or without the object.
    DestroyedTwice(u64),
    /// An object is still there although nobody needs it.
    Leaked(u64),
    /// A reader of a stream got another item than the next one.
    WrongItem(u64),
    /// A stream has ended for its reader before its last item.
    Short(u64),
    /// A reader of a stream waits for ever.
    Endless(u64),
    /// A reader got something after the end.
    AfterTheEnd(u64),
    /// A stream has made more items than its reader wants.
    RanAhead(u64),
    /// A host still holds something for its peers, or has a connection.
    NotAtRest(Life),
    /// A host has not said what it holds in the end.
    Unrested(Life),
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// All that is known of one call.
#[derive(Default)]
struct Call<'a> {
    made: Option<Made>,
    /// The call whose block it is of.
    outer: Option<u64>,
    /// Where in the history it has begun.
    began: Vec<(usize, Life)>,
    finished: Option<usize>,
    over: bool,
    ended: Vec<(usize, Duration, &'a Seen)>,
}

impl Call<'_> {
    fn has_ended_before(&self, index: usize) -> bool {
        self.ended.first().is_some_and(|(ended, ..)| *ended < index)
    }
}

#[derive(Clone, Copy)]
struct Made {
    at: Duration,
    by: Life,
    lane: u64,
    within: Duration,
}

/// Finds all that is wrong with a history. `slack` is how much longer than its deadline a call may
/// take until its caller knows.
pub fn check(history: &[Record], slack: Duration) -> Vec<Violation> {
    let mut found = Vec::new();
    let calls = calls(history);
    let killed: BTreeSet<Life> = history
        .iter()
        .filter_map(|record| match record.event {
            Event::Crashed(life) => Some(life),
            _ => None,
        })
        .collect();
    let faulty = history.iter().any(|record| matches!(record.event, Event::Fault(_)));
    for (number, call) in &calls {
        let outer = call.outer.and_then(|outer| calls.get(&outer));
        check_call(*number, call, outer, &killed, slack, &mut found);
    }
    check_order(&calls, faulty, &mut found);
    if !faulty {
        check_connections(history, &mut found);
    }
    check_objects(history, &killed, &mut found);
    streams::check(history, &killed, &mut found);
    check_rest(history, &killed, &mut found);
    found
}

fn calls(history: &[Record]) -> BTreeMap<u64, Call<'_>> {
    let mut calls: BTreeMap<u64, Call<'_>> = BTreeMap::new();
    for (index, Record { at, event }) in history.iter().enumerate() {
        match event {
            Event::Called { call, by, lane, within, .. } => {
                let made = Made { at: *at, by: *by, lane: *lane, within: *within };
                calls.entry(*call).or_default().made = Some(made);
            }
            Event::Yields { outer, call } => calls.entry(*call).or_default().outer = Some(*outer),
            Event::Began { call, on } => calls.entry(*call).or_default().began.push((index, *on)),
            Event::Finished { call } => {
                let call = calls.entry(*call).or_default();
                call.finished.get_or_insert(index);
                call.over = true;
            }
            Event::Dropped { call } => calls.entry(*call).or_default().over = true,
            Event::Ended { call, seen, .. } => {
                calls.entry(*call).or_default().ended.push((index, *at, seen));
            }
            _ => {}
        }
    }
    calls
}

fn check_call(
    number: u64,
    call: &Call<'_>,
    outer: Option<&Call<'_>>,
    killed: &BTreeSet<Life>,
    slack: Duration,
    found: &mut Vec<Violation>,
) {
    let Some(made) = call.made else { return found.push(Violation::Unasked(number)) };
    if call.began.len() > 1 {
        found.push(Violation::Repeated(number));
    }
    let ran = !call.began.is_empty();
    if ran && !call.over && call.began.iter().all(|(_, on)| !killed.contains(on)) {
        found.push(Violation::RunsOn(number));
    }
    if call.ended.len() > 1 {
        found.push(Violation::EndedTwice(number));
    }
    let Some((index, at, seen)) = call.ended.first() else {
        // Nobody is left to be told.
        if !killed.contains(&made.by) {
            found.push(Violation::Hung(number));
        }
        return;
    };
    if *at > made.at + made.within + slack {
        found.push(Violation::Hung(number));
    }
    match seen {
        Seen::Success if call.finished.is_none_or(|finished| finished > *index) => {
            found.push(Violation::NoResult(number));
        }
        Seen::Answered(Outcome::Executed) | Seen::Failed(Outcome::Executed)
            if call.began.first().is_none_or(|(began, _)| began > index) =>
        {
            found.push(Violation::NeverRan(number));
        }
        Seen::Answered(Outcome::NotExecuted) | Seen::Failed(Outcome::NotExecuted) if ran => {
            found.push(Violation::RanAfterAll(number));
        }
        // A block is there as long as its caller waits.
        Seen::Gone if outer.is_some_and(|outer| outer.has_ended_before(*index)) => {}
        Seen::Gone => found.push(Violation::Lost(number)),
        _ => {}
    }
}

/// Calls of one proxy begin in the order in which they are made, as far as they begin.
///
/// What was on a connection that has broken may still arrive while the next calls go over another one.
/// So where there were faults, this holds for calls that were answered: they were on the same
/// connection as all that has begun before their answers.
fn check_order(calls: &BTreeMap<u64, Call<'_>>, faulty: bool, found: &mut Vec<Violation>) {
    // Numbers are given in the order in which calls are made.
    let mut lanes: BTreeMap<u64, Vec<(u64, &Call<'_>)>> = BTreeMap::new();
    for (number, call) in calls {
        if let Some(made) = call.made {
            lanes.entry(made.lane).or_default().push((*number, call));
        }
    }
    let answered = |call: &Call<'_>| {
        call.ended
            .first()
            .is_some_and(|(_, _, seen)| matches!(seen, Seen::Success | Seen::Answered(_)))
    };
    for lane in lanes.values() {
        // The latest beginning so far, and whose.
        let mut latest: Option<(usize, u64)> = None;
        for (number, call) in lane {
            let Some((began, _)) = call.began.first() else { continue };
            if let Some((before, first)) = latest
                && *began < before
            {
                found.push(Violation::Overtaken(first, *number));
            }
            if (!faulty || answered(call)) && latest.is_none_or(|(before, _)| before < *began) {
                latest = Some((*began, *number));
            }
        }
    }
}

/// A connection that somebody needs doesn't end by itself.
fn check_connections(history: &[Record], found: &mut Vec<Violation>) {
    for Record { event, .. } in history {
        if let Event::Ended { call, error, .. } = event
            && error.contains("connection to ")
        {
            found.push(Violation::CutOff(*call));
        }
    }
}

fn check_objects(history: &[Record], killed: &BTreeSet<Life>, found: &mut Vec<Violation>) {
    let mut there: BTreeMap<u64, Life> = BTreeMap::new();
    for Record { event, .. } in history {
        match event {
            Event::Created { object, on } => drop(there.insert(*object, *on)),
            Event::Destroyed { object } if there.remove(object).is_none() => {
                found.push(Violation::DestroyedTwice(*object));
            }
            _ => {}
        }
    }
    let left = there.iter().filter(|(_, on)| !killed.contains(on));
    found.extend(left.map(|(object, _)| Violation::Leaked(*object)));
}

fn check_rest(history: &[Record], killed: &BTreeSet<Life>, found: &mut Vec<Violation>) {
    let mut unrested = BTreeSet::new();
    for Record { event, .. } in history {
        match event {
            Event::Started(life) if !killed.contains(life) => drop(unrested.insert(*life)),
            Event::Resting { on, connections, exported, imported } => {
                unrested.remove(on);
                if (*connections, *exported, *imported) != (0, 0, 0) {
                    found.push(Violation::NotAtRest(*on));
                }
            }
            _ => {}
        }
    }
    found.extend(unrested.into_iter().map(Violation::Unrested));
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFE: Life = Life { host: 0, number: 0 };
    const SLACK: Duration = Duration::from_millis(10);

    fn called(call: u64, lane: u64) -> Event {
        let within = Duration::from_millis(100);
        Event::Called { call, method: "touch", by: LIFE, lane, within }
    }

    fn began(call: u64) -> Event {
        Event::Began { call, on: LIFE }
    }

    fn finished(call: u64) -> Event {
        Event::Finished { call }
    }

    fn ended(call: u64, seen: Seen) -> Event {
        Event::Ended { call, seen, error: String::new() }
    }

    fn resting(connections: usize, exported: usize, imported: usize) -> Event {
        Event::Resting { on: LIFE, connections, exported, imported }
    }

    /// What is found in a history of one event a millisecond, of a host that is at rest in the end.
    fn found(events: impl IntoIterator<Item = Event>) -> Vec<Violation> {
        let events = [Event::Started(LIFE)].into_iter().chain(events).chain([resting(0, 0, 0)]);
        let history: Vec<_> = (0..)
            .map(Duration::from_millis)
            .zip(events)
            .map(|(at, event)| Record { at, event })
            .collect();
        check(&history, SLACK)
    }

    fn call(call: u64, seen: Seen) -> [Event; 4] {
        [called(call, 1), began(call), finished(call), ended(call, seen)]
    }

    #[test]
    fn a_good_history_is_good() {
        let expired = Seen::Failed(Outcome::Unknown);
        let good = call(1, Seen::Success)
            .into_iter()
            .chain([called(2, 1), ended(2, expired.clone())])
            .chain([called(3, 1), began(3), ended(3, expired), Event::Dropped { call: 3 }])
            .chain([called(4, 1), ended(4, Seen::Failed(Outcome::NotExecuted))])
            .chain(call(5, Seen::Answered(Outcome::Executed)))
            .chain([called(6, 1), ended(6, Seen::Cancelled), began(6), finished(6)])
            .chain([Event::Created { object: 1, on: LIFE }, Event::Destroyed { object: 1 }]);
        assert_eq!(found(good), []);
    }

    #[test]
    fn a_call_that_runs_twice_is_found() {
        let events = call(1, Seen::Success).into_iter().chain([began(1), finished(1)]);
        assert_eq!(found(events), [Violation::Repeated(1)]);
        assert_eq!(found([began(1), finished(1)]), [Violation::Unasked(1)]);
    }

    #[test]
    fn a_connection_that_ends_by_itself_is_found() {
        let lost = |fault: Option<Event>| {
            let error = "connection to drb://host1:9000 lost (the method has not run): why".into();
            let ended = Event::Ended { call: 1, seen: Seen::Failed(Outcome::NotExecuted), error };
            found(fault.into_iter().chain([called(1, 1), ended]))
        };
        assert_eq!(lost(None), [Violation::CutOff(1)]);
        assert_eq!(lost(Some(Event::Fault("Kill(1)".into()))), []);
        assert_eq!(lost(Some(Event::Unneeded(LIFE))), [Violation::CutOff(1)]);
    }

    #[test]
    fn an_outcome_that_is_not_true_is_found() {
        for answer in [Seen::Answered, Seen::Failed] {
            let ran = call(1, answer(Outcome::NotExecuted));
            assert_eq!(found(ran), [Violation::RanAfterAll(1)]);
            // Also if it runs only later.
            let [called, began, finished, ended] = call(1, answer(Outcome::NotExecuted));
            assert_eq!(found([called, ended, began, finished]), [Violation::RanAfterAll(1)]);
        }
        for answer in [Seen::Answered, Seen::Failed] {
            let never = [called(1, 1), ended(1, answer(Outcome::Executed))];
            assert_eq!(found(never), [Violation::NeverRan(1)]);
        }
        assert_eq!(found([called(1, 1), ended(1, Seen::Success)]), [Violation::NoResult(1)]);
        let early = [called(1, 1), began(1), ended(1, Seen::Success), finished(1)];
        assert_eq!(found(early), [Violation::NoResult(1)]);
        let gone = [called(1, 1), ended(1, Seen::Gone)];
        assert_eq!(found(gone), [Violation::Lost(1)]);
    }

    #[test]
    fn calls_of_one_proxy_that_overtake_each_other_are_found() {
        let swapped = |lane, seen: Seen| {
            let made = [called(1, 1), called(2, lane)];
            let ran = [began(2), finished(2), began(1), finished(1)];
            let ended = [ended(1, seen), ended(2, Seen::Success)];
            made.into_iter().chain(ran).chain(ended)
        };
        assert_eq!(found(swapped(1, Seen::Success)), [Violation::Overtaken(1, 2)]);
        assert_eq!(found(swapped(1, Seen::Cancelled)), [Violation::Overtaken(1, 2)]);
        assert_eq!(found(swapped(2, Seen::Success)), []);
        // What was on a broken connection may come late.
        let fault = || [Event::Fault("cut".to_owned())];
        let lost = swapped(1, Seen::Failed(Outcome::Unknown));
        assert_eq!(found(fault().into_iter().chain(lost)), []);
        let answered = swapped(1, Seen::Success);
        assert_eq!(found(fault().into_iter().chain(answered)), [Violation::Overtaken(1, 2)]);
    }

    #[test]
    fn calls_without_an_end_are_found() {
        assert_eq!(found([called(1, 1)]), [Violation::Hung(1)]);
        assert_eq!(found([called(1, 1), Event::Crashed(LIFE)]), []);
        let wait = (0..120).map(|_| Event::Fault(String::new()));
        let late = [called(1, 1)].into_iter().chain(wait).chain([ended(1, Seen::Cancelled)]);
        assert_eq!(found(late), [Violation::Hung(1)]);
        let twice = call(1, Seen::Success).into_iter().chain([ended(1, Seen::Success)]);
        assert_eq!(found(twice), [Violation::EndedTwice(1)]);
        let runs = [called(1, 1), began(1), ended(1, Seen::Cancelled)];
        assert_eq!(found(runs), [Violation::RunsOn(1)]);
    }

    /// Found by the seed 49586, before the checker knew how long a block is there.
    #[test]
    fn a_block_is_gone_when_its_caller_waits_no_longer_and_not_before() {
        let outer = [called(1, 1), began(1)];
        let block = [Event::Yields { outer: 1, call: 2 }, called(2, 2)];
        let ends = [ended(1, Seen::Cancelled), finished(1)];
        let gone = ended(2, Seen::Gone);
        let late = outer.iter().chain(&block).chain(&ends).chain([&gone]);
        assert_eq!(found(late.cloned()), []);
        let early = outer.iter().chain(&block).chain([&gone]).chain(&ends);
        assert_eq!(found(early.cloned()), [Violation::Lost(2)]);
    }

    #[test]
    fn objects_that_stay_and_tables_that_are_not_empty_are_found() {
        let created = || Event::Created { object: 7, on: LIFE };
        let destroyed = || Event::Destroyed { object: 7 };
        assert_eq!(found([created()]), [Violation::Leaked(7)]);
        assert_eq!(found([created(), Event::Crashed(LIFE)]), []);
        let twice = [created(), destroyed(), destroyed()];
        assert_eq!(found(twice), [Violation::DestroyedTwice(7)]);
        for held in [resting(1, 0, 0), resting(0, 1, 0), resting(0, 0, 1)] {
            assert_eq!(found([held]), [Violation::NotAtRest(LIFE)]);
        }
        let record = |event| Record { at: Duration::ZERO, event };
        assert_eq!(check(&[record(Event::Started(LIFE))], SLACK), [Violation::Unrested(LIFE)]);
    }
}
