//! Both ends of a native connection: whatever two programs do with references, and however the bytes
//! arrive, the model of `drb-core/tests/model` has to hold. The bytes choose the steps.
#![no_main]

#[path = "../../drb-core/tests/model/model.rs"]
mod model;
#[path = "../../drb-core/tests/model/op.rs"]
mod op;
#[path = "../../drb-core/tests/model/side.rs"]
mod side;
#[path = "../../drb-core/tests/model/thing.rs"]
mod thing;
#[path = "../../drb-core/tests/model/world.rs"]
mod world;

use libfuzzer_sys::{
    arbitrary::{Result, Unstructured},
    fuzz_target,
};
use op::{Call, Op};
use thing::Method;
use world::World;

fuzz_target!(|bytes: &[u8]| {
    let mut bytes = Unstructured::new(bytes);
    let mut world = World::new();
    while !bytes.is_empty()
        && let Ok(op) = op(&mut bytes)
    {
        world.step(&op);
    }
    world.finish();
});

fn op(bytes: &mut Unstructured<'_>) -> Result<Op> {
    let kind = bytes.arbitrary::<u8>()?;
    let by = usize::from(kind >> 7);
    let which = |bytes: &mut Unstructured<'_>| bytes.arbitrary::<u8>().map(usize::from);
    Ok(match kind & 0x7f {
        0..40 => call(by, bytes)?,
        40..54 => Op::Drop { by, which: which(bytes)? },
        54..58 => Op::Clone { by, which: which(bytes)? },
        58..64 => Op::Forget { by, which: which(bytes)? },
        64..68 => Op::Revoke { by, which: which(bytes)? },
        68..75 => Op::Cancel { which: which(bytes)? },
        75..84 => Op::Open { by, which: which(bytes)? },
        84..100 => Op::Transmit { by, most: size(bytes)? },
        100..116 => Op::Deliver { to: by, bytes: size(bytes)? },
        116..119 => Op::Advance(bytes.arbitrary::<u8>()?.into()),
        119..122 => Op::Hostile {
            by,
            slot: bytes.arbitrary()?,
            generation: bytes.int_in_range(0..=3)?,
            count: bytes.arbitrary()?,
        },
        122 => Op::Break { by, promise: bytes.arbitrary()? },
        123 => Op::Renounce { by, which: which(bytes)? },
        124..126 => Op::Settle,
        _ => Op::End { by, lose: bytes.arbitrary()? },
    })
}

fn call(by: usize, bytes: &mut Unstructured<'_>) -> Result<Op> {
    let [target, method, flags, padding] = bytes.arbitrary::<[u8; 4]>()?;
    let method = Method::ALL[usize::from(method) % Method::ALL.len()];
    let some = |bytes: &mut Unstructured<'_>, count: u8| {
        (0..count % 5).map(|_| bytes.arbitrary::<u8>()).collect::<Result<Vec<_>>>()
    };
    let given = some(bytes, flags)?.into_iter().map(usize::from).collect();
    let wanted = some(bytes, flags >> 3)?.into_iter().map(u64::from).collect();
    let large = usize::from(padding & 0x7f) << (padding >> 4);
    let (length, size) = if flags & 0x40 == 0 { (large, 0) } else { (0, large) };
    let deadline = if flags & 0x80 == 0 { None } else { Some(bytes.int_in_range(1..=50)?) };
    let block = padding == 1 && matches!(method, Method::Wait | Method::WaitOn);
    let target = usize::from(target);
    let ahead = padding & 1 == 0 && matches!(method, Method::Find | Method::FindLater);
    let call =
        Call { by, target, method, given, wanted, padding: length, size, deadline, block, ahead };
    Ok(Op::Call(Box::new(call)))
}

fn size(bytes: &mut Unstructured<'_>) -> Result<usize> {
    let size = bytes.arbitrary::<u8>()?;
    Ok(usize::from(size & 0x1f) << (size >> 5 << 1))
}
