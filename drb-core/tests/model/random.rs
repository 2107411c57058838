//! Steps at random, for proptest.

use crate::{
    op::{Call, Op},
    thing::Method,
};
use proptest::prelude::*;

fn size() -> impl Strategy<Value = usize> {
    prop_oneof![6 => Just(0_usize), 3 => 0..500_usize, 1 => 0..60_000_usize]
}

fn call() -> impl Strategy<Value = Op> {
    let references = || prop::collection::vec(0..40_usize, 0..5);
    let wanted = prop::collection::vec(0..40_u64, 0..5);
    let deadline = prop_oneof![3 => Just(None), 1 => (1..50_u64).prop_map(Some)];
    let method = prop::sample::select(Method::ALL.to_vec());
    let who = (0..2_usize, 0..20_usize, method);
    let how = (any::<bool>(), any::<bool>());
    (who, references(), wanted, size(), size(), deadline, how).prop_map(
        |((by, target, method), given, wanted, padding, size, deadline, (block, ahead))| {
            // Only one of them calls a block.
            let block = block && matches!(method, Method::Wait | Method::WaitOn);
            let ahead = ahead && matches!(method, Method::Find | Method::FindLater);
            let call =
                Call { by, target, method, given, wanted, padding, size, deadline, block, ahead };
            Op::Call(Box::new(call))
        },
    )
}

/// Any step but the end of the connection.
pub(crate) fn op() -> impl Strategy<Value = Op> {
    let side = || 0..2_usize;
    let which = || 0..40_usize;
    prop_oneof![
        20 => call(),
        10 => (side(), which()).prop_map(|(by, which)| Op::Drop { by, which }),
        3 => (side(), which()).prop_map(|(by, which)| Op::Clone { by, which }),
        4 => (side(), which()).prop_map(|(by, which)| Op::Forget { by, which }),
        2 => (side(), which()).prop_map(|(by, which)| Op::Revoke { by, which }),
        5 => which().prop_map(|which| Op::Cancel { which }),
        6 => (side(), which()).prop_map(|(by, which)| Op::Open { by, which }),
        15 => (side(), 0..600_usize).prop_map(|(by, most)| Op::Transmit { by, most }),
        15 => (side(), prop_oneof![0..600_usize, 0..20_000_usize]).prop_map(|(to, bytes)| Op::Deliver { to, bytes }),
        3 => (1..40_u64).prop_map(Op::Advance),
        2 => (side(), any::<u8>(), 0..4_u8, any::<u8>()).prop_map(
            |(by, slot, generation, count)| Op::Hostile { by, slot, generation, count }
        ),
        2 => (side(), 0..12_u8).prop_map(|(by, promise)| Op::Break { by, promise }),
        3 => (side(), which()).prop_map(|(by, which)| Op::Renounce { by, which }),
        3 => Just(Op::Settle),
    ]
}

/// The end of a connection.
pub(crate) fn end() -> impl Strategy<Value = Op> {
    (0..2_usize, any::<bool>()).prop_map(|(by, lose)| Op::End { by, lose })
}
