//! What went wrong once.

use crate::{
    op::{Call, Op},
    run,
    thing::Method::{self, Broken, Echo, Give, Keep, Wait, WaitOn},
};

fn call(by: usize, method: Method, given: &[usize], wanted: &[u64]) -> Call {
    let (given, wanted) = (given.to_vec(), wanted.to_vec());
    let (padding, size, deadline, block, ahead) = (0, 0, None, false, false);
    Call { by, target: 0, method, given, wanted, padding, size, deadline, block, ahead }
}

impl From<Call> for Op {
    fn from(call: Call) -> Self {
        Self::Call(Box::new(call))
    }
}

#[test]
fn a_result_that_cannot_be_dumped_takes_back_what_it_refers_to() {
    run(&[call(0, Broken, &[], &[0, 9]).into()]);
    run(&[Call { size: 70_000, ..call(0, Give, &[], &[0, 9]) }.into()]);
}

#[test]
fn a_call_that_is_refused_gives_back_what_it_refers_to() {
    // One more than may run.
    let calls: Vec<_> = (0..6).map(|_| call(0, Wait, &[99], &[]).into()).collect();
    run(&calls);
}

#[test]
fn a_message_that_is_too_long_gives_back_what_it_refers_to() {
    run(&[Call { padding: 40_000, ..call(0, Keep, &[99, 98], &[]) }.into()]);
    // An answer, for a caller who takes less.
    run(&[Call { size: 40_000, ..call(1, Give, &[], &[99, 98]) }.into()]);
}

#[test]
fn no_more_messages_are_begun_than_the_peer_puts_together() {
    let mut ops: Vec<Op> = vec![call(0, Give, &[], &[99, 98, 97]).into(), Op::Settle];
    ops.extend(
        (1..4).map(|target| Op::from(Call { target, padding: 600, ..call(0, Keep, &[], &[]) })),
    );
    run(&ops);
}

#[test]
fn an_answer_after_the_end_takes_back_what_it_refers_to() {
    let end = Op::End { by: 0, lose: false };
    run(&[call(0, WaitOn, &[], &[99]).into(), Op::Settle, end]);
}

#[test]
fn a_reference_to_an_object_that_was_taken_back_is_counted_or_not_sent() {
    let own = Op::Revoke { by: 1, which: 0 };
    let keeps = call(1, Wait, &[0], &[]);
    let comes_home = call(1, Echo, &[0], &[]);
    // The other process still holds it, or no longer, when it is sent once more.
    for given in [vec![keeps, comes_home.clone()], vec![comes_home]] {
        let mut ops: Vec<Op> = given.into_iter().map(Op::from).collect();
        ops.extend([own.clone(), Op::Settle]);
        ops.extend((0..4).map(|number| call(1, Keep, &[number], &[]).into()));
        run(&ops);
    }
}
