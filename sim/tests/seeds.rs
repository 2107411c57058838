//! Some hundreds of seeds, those that have found something, and whether faults would be found.

use drb_sim::{
    checker::Violation,
    fault::Planted,
    history::{Event, StreamEnd},
    run,
};
use std::thread;

/// Runs seeds on all cores, and gives those that fail.
fn failing(seeds: &[u64]) -> Vec<(u64, Vec<Violation>)> {
    drb_sim::quiet();
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let chunk = seeds.len().div_ceil(cores).max(1);
    let work = |seeds: &[u64]| -> Vec<_> {
        let runs = seeds.iter().map(|seed| (*seed, run(*seed, None).violations));
        runs.filter(|(_, violations)| !violations.is_empty()).collect()
    };
    thread::scope(|scope| {
        let workers: Vec<_> =
            seeds.chunks(chunk).map(|seeds| scope.spawn(move || work(seeds))).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    })
}

#[test]
fn hundreds_of_seeds_hold() {
    let seeds: Vec<u64> = (0..200).collect();
    assert_eq!(failing(&seeds), []);
}

/// What each has found is in the comment. What a seed does changes with the workload, so there is a
/// test of each beside the code as well.
#[test]
fn seeds_that_have_failed_hold() {
    let seeds = [
        168,   // A call waited longer than its deadline for a connection that another one made.
        505,   // What came home in an answer was gone, since the peer had let go of it behind that.
        382,   // The same, where it was handed on to a third host.
        43,    // A call that was made while nothing could be written was not ended in time.
        5756,  // Calls that waited for the connection were overtaken by the first one after it.
        75538, // A process in the middle had no answer, and its caller was told that the method has run.
        42246, // A call gave the object that it was to give, which the two hosts then held for each other.
    ];
    assert_eq!(failing(&seeds), []);
}

/// A run is the same each time, times included.
#[test]
fn a_seed_gives_the_same_history_twice() {
    drb_sim::quiet();
    for seed in 0..40 {
        let (first, second) = (run(seed, None), run(seed, None));
        let difference =
            first.history.iter().zip(&second.history).find(|(first, second)| first != second);
        assert_eq!(difference, None, "seed {seed}");
        assert_eq!(first.history.len(), second.history.len(), "seed {seed}");
        assert_eq!(first.fingerprint(), second.fingerprint(), "seed {seed}");
    }
    // It says something, since other seeds give other histories.
    assert_ne!(run(0, None).fingerprint(), run(1, None).fingerprint());
}

/// Also where another thread simulates something else at the same time.
#[test]
fn a_history_does_not_depend_on_other_threads() {
    drb_sim::quiet();
    let alone: Vec<u64> = (0..8).map(|seed| run(seed, None).fingerprint()).collect();
    let together: Vec<u64> = thread::scope(|scope| {
        let runs: Vec<_> =
            (0..8).map(|seed| scope.spawn(move || run(seed, None).fingerprint())).collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    assert_eq!(alone, together);
}

/// The faults do happen, and so does all that is checked.
#[test]
fn the_seeds_do_what_they_are_for() {
    drb_sim::quiet();
    let histories: Vec<_> = (0..60).map(|seed| run(seed, None).history).collect();
    let count = |wanted: &dyn Fn(&Event) -> bool| {
        histories.iter().flatten().filter(|record| wanted(&record.event)).count()
    };
    for fault in ["Part(", "PartOneWay(", "Hold(", "Slow(", "Kill(", "PowerCut("] {
        let happens =
            count(&|event| matches!(event, Event::Fault(what) if what.starts_with(fault)));
        assert!(happens > 3, "{fault} {happens}");
    }
    let seen = |text: &str| {
        count(&|event| matches!(event, Event::Ended { seen, .. } if format!("{seen:?}") == text))
    };
    for (text, least) in [
        ("Success", 5000),
        ("Answered(Executed)", 300),
        ("Failed(Unknown)", 100),
        ("Failed(NotExecuted)", 50),
        ("Cancelled", 200),
    ] {
        assert!(seen(text) > least, "{text}: {}", seen(text));
    }
    // Calls of what an earlier one was to give, and did not.
    let unresolved = count(
        &|event| matches!(event, Event::Ended { error, .. } if error.contains("because of an earlier call")),
    );
    assert!(unresolved > 20, "{unresolved}");
    assert!(count(&|event| matches!(event, Event::Dropped { .. })) > 100);
    assert!(count(&|event| matches!(event, Event::Destroyed { .. })) > 1000);
    let read = |wanted| count(&|event| matches!(event, Event::Read { end, .. } if *end == wanted));
    for (end, least) in [(StreamEnd::Whole, 60), (StreamEnd::Left, 60), (StreamEnd::Failed, 10)] {
        assert!(read(end) > least, "{end:?}: {}", read(end));
    }
    assert!(count(&|event| matches!(event, Event::Took { .. })) > 5000);
    assert!(count(&|event| matches!(event, Event::Unneeded(_))) > 300);
    for method in [
        "stream",
        "swallow",
        "poke",
        "ponder",
        "take",
        "keep",
        "give",
        "pass",
        "bulk",
        "block",
        "make_some",
    ] {
        let made = count(
            &|event| matches!(event, Event::Called { method: called, .. } if *called == method),
        );
        assert!(made > 50, "{method}: {made}");
    }
}

/// Plants something into the connections, and says what is found within so many seeds.
fn finds(planted: Planted, is_it: impl Fn(&Violation) -> bool) {
    drb_sim::quiet();
    let found = (0..80).any(|seed| run(seed, Some(planted)).violations.iter().any(&is_it));
    assert!(found, "{planted:?} is not found");
}

#[test]
fn a_repeated_call_is_found() {
    finds(Planted::RepeatedCall, |found| matches!(found, Violation::Repeated(_)));
}

#[test]
fn calls_that_change_places_are_found() {
    finds(Planted::SwappedCalls, |found| matches!(found, Violation::Overtaken(..)));
}

#[test]
fn a_lost_release_is_found() {
    finds(Planted::LostRelease, |found| matches!(found, Violation::Leaked(_)));
    finds(Planted::LostRelease, |found| matches!(found, Violation::NotAtRest(_)));
}

#[test]
fn an_early_release_is_found() {
    finds(Planted::EarlyRelease, |found| matches!(found, Violation::Lost(_)));
}

#[test]
fn a_lost_answer_is_found() {
    finds(Planted::LostAnswer, |found| matches!(found, Violation::NotAtRest(_)));
}

#[test]
fn a_wrong_outcome_is_found() {
    finds(Planted::WrongOutcome, |found| matches!(found, Violation::RanAfterAll(_)));
}

#[test]
fn batches_that_change_places_are_found() {
    finds(Planted::SwappedBatches, |found| matches!(found, Violation::WrongItem(_)));
}
