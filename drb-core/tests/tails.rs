//! Strings that travel beside their messages, frame by frame. (`docs/native.md` says what the frames
//! are; the bytes here are written by hand after it.)

mod frames;

use bytes::Bytes;
use drb_core::{
    Limits, LoadError, ObjectId,
    native::{BEHIND, Calling, Protocol, Received, Tables},
};
use frames::{CALL, CANCEL, NAME};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

const TAIL: u8 = 0x15;
const MORE: u8 = 0x80;

fn protocol(limits: &Limits) -> Protocol {
    let mut protocol = Protocol::new(&Arc::new(*limits), Arc::new(Tables::new()));
    assert!(protocol.transmit(&mut Vec::new(), usize::MAX, Instant::now).is_none());
    protocol
}

fn frame(byte: u8, parts: &[&[u8]]) -> Vec<u8> {
    frames::frame(byte, &parts.concat())
}

/// A name, and a call of it with one argument: the head of a string of so many bytes.
fn begin(id: u8, claim: u32) -> Vec<u8> {
    // Number, target, method, flags, count.
    let head = [id, 0, 0, 0, 1];
    [frame(NAME, &[b"m"]), frame(CALL | MORE, &[&head, &[0xc6], &claim.to_be_bytes()])].concat()
}

/// Gives all to the protocol, in pieces of so many bytes; what came of it.
fn receive(
    protocol: &mut Protocol,
    bytes: &[u8],
    size: usize,
) -> Result<Vec<(u32, Option<usize>)>, LoadError> {
    let mut input = Vec::new();
    let mut seen = Vec::new();
    for piece in bytes.chunks(size) {
        input.extend_from_slice(piece);
        let mut at = 0;
        loop {
            let mut called = None;
            let taken = match protocol.receive(&input[at..], Instant::now(), &mut called)? {
                Received::Needs(_) | Received::Large => break,
                Received::Nothing(len) | Received::Cancelled(len, _) => len,
                Received::Call(len) => {
                    let called = called.expect("a call");
                    seen.push((called.id, called.tail.map(|_| called.body.len())));
                    len
                }
                Received::Refused(len, id, exception) => {
                    assert!(exception.to_string().contains("message"), "{exception}");
                    seen.push((id, None));
                    len
                }
            };
            at += taken;
        }
        input.drain(..at);
    }
    assert!(input.is_empty(), "{} bytes are left", input.len());
    Ok(seen)
}

/// All that is to be sent at the moment, and whether there were bytes of a string at its end.
fn transmit(protocol: &mut Protocol) -> (Vec<u8>, bool) {
    let mut out = Vec::new();
    let piece = protocol.transmit(&mut out, usize::MAX, Instant::now);
    let is_some = piece.is_some();
    if let Some(piece) = piece {
        out.extend_from_slice(piece.rest());
        protocol.sent(piece);
    }
    (out, is_some)
}

fn string(len: usize) -> Vec<u8> {
    (0..len).map(|index| index as u8).collect()
}

#[test]
fn a_string_arrives_however_the_bytes_come() {
    let string = string(20_000);
    let mut bytes = begin(3, 20_000);
    bytes.extend(frame(TAIL | MORE, &[&[0, 3, 0], &string[..15_000]]));
    bytes.extend(frame(TAIL | MORE, &[&[0, 3, 0]]));
    bytes.extend(frame(TAIL, &[&[0, 3, 0], &string[15_000..]]));
    bytes.extend(frame(CALL, &[&[4, 0, 0, 0, 0]]));
    for size in [1, 2, 3, 5, 7, 1000, 30_000] {
        let mut protocol = protocol(&Limits::default());
        let seen = receive(&mut protocol, &bytes, size).unwrap();
        assert_eq!(seen, [(3, Some(5)), (4, None)], "{size}");
    }
}

#[test]
fn bytes_that_are_read_to_where_they_belong_arrive_as_well() {
    let mut protocol = protocol(&Limits::default());
    let string = string(300_000);
    let mut bytes = begin(3, 300_000);
    bytes.extend(frame(TAIL | MORE, &[&[0, 3, 0], &string[..200_000]]));
    bytes.extend(frame(TAIL, &[&[0, 3, 0], &string[200_000..]]));
    bytes.extend(frame(CALL, &[&[4, 0, 0, 0, 0]]));

    let mut at = 0;
    let mut lent = 0;
    let mut seen = Vec::new();
    while at < bytes.len() {
        let (next, mut called) = (&bytes[at..(at + 20).min(bytes.len())], None);
        match protocol.receive(next, Instant::now(), &mut called).unwrap() {
            Received::Nothing(len) => at += len,
            Received::Call(len) => {
                at += len;
                seen.push(called.expect("a call").id);
            }
            Received::Needs(_) => panic!("twenty bytes are enough for each"),
            Received::Large => unreachable!("there are bytes"),
            other => panic!("{other:?}"),
        }
        if let Some((mut memory, most)) = protocol.lend() {
            assert!(memory.capacity() - memory.len() >= most + BEHIND);
            // Never more than as much again as has arrived, or a little.
            assert!(memory.capacity() <= 2 * memory.len().max(64 << 10) + BEHIND);
            let most = most.min(50_000);
            memory.extend_from_slice(&bytes[at..at + most]);
            protocol.lent(memory, most);
            (at, lent) = (at + most, lent + most);
        }
    }
    assert_eq!(seen, [3, 4]);
    assert!(lent > 299_000, "{lent}");
}

#[test]
fn what_goes_out_comes_in_and_memory_is_used_again() {
    let (mut here, mut there) = (protocol(&Limits::default()), protocol(&Limits::default()));
    call(&mut here, string(1_800_000), Instant::now());
    let mut pieces = 0;
    let mut seen = Vec::new();
    loop {
        let (out, piece) = transmit(&mut here);
        seen.extend(receive(&mut there, &out, usize::MAX).unwrap());
        // What it has taken.
        let (back, _) = transmit(&mut there);
        assert!(receive(&mut here, &back, usize::MAX).unwrap().is_empty());
        match piece {
            true => pieces += 1,
            false => break,
        }
    }
    // All of it fits the window, so that no small one goes before.
    assert_eq!(pieces, 3);
    assert_eq!(seen, [(0, Some(5))]);

    // The memory of what was sent is where the next string arrives.
    let mut bytes = begin(3, 20_000);
    bytes.extend(frame(TAIL, &[&[0, 3, 0], &string(20_000)]));
    let split = bytes.len() - 10_000;
    assert!(receive(&mut here, &bytes[..split], usize::MAX).unwrap().is_empty());
    let (memory, most) = here.lend().unwrap();
    assert!(memory.capacity() >= 1_800_000);
    assert_eq!(most, 10_000);
    here.lent(memory, 0);
}

fn call(protocol: &mut Protocol, tail: impl Into<Bytes>, now: Instant) -> u32 {
    let tail = tail.into();
    let mut body = vec![0xc6];
    body.extend_from_slice(&(tail.len() as u32).to_be_bytes());
    let mut call = Calling {
        promise: None,
        target: &ObjectId::Front,
        method: "m",
        signature: None,
        count: 1,
        keywords: false,
        block: None,
        deadline: Some(Duration::from_secs(1)),
        body: &mut body,
        tail: Some(tail),
        shapes: 0,
        references: false,
    };
    protocol.call(&mut call, || now, None).unwrap()
}

#[test]
fn what_others_have_is_sent_from_where_it_is_and_stays_as_it_is() {
    let mut here = protocol(&Limits::default());
    let kept = Bytes::from(string(20_000));
    call(&mut here, kept.clone(), Instant::now());
    let piece = here.transmit(&mut Vec::new(), usize::MAX, Instant::now).unwrap();
    assert_eq!(piece.rest().as_ptr(), kept.as_ptr());
    here.sent(piece);
    // Nothing arrives where it is.
    let mut bytes = begin(3, 17_000);
    bytes.extend(frame(TAIL, &[&[0, 3, 0], &[0; 17_000]]));
    assert!(receive(&mut here, &bytes[..bytes.len() - 1], usize::MAX).unwrap().is_empty());
    let (memory, _) = here.lend().unwrap();
    assert_ne!(memory.as_ptr(), kept.as_ptr());
    here.lent(memory, 0);
    assert_eq!(kept, string(20_000));
}

#[test]
fn one_that_is_cancelled_while_it_is_sent_is_not_called() {
    let (mut here, mut there) = (protocol(&Limits::default()), protocol(&Limits::default()));
    let now = Instant::now();
    let (first, second) =
        (call(&mut here, string(1_800_000), now), call(&mut here, string(20_000), now));
    let mut seen = Vec::new();
    loop {
        let (out, piece) = transmit(&mut here);
        here.abandon(first);
        let mut at = 0;
        loop {
            let mut called = None;
            match there.receive(&out[at..], Instant::now(), &mut called).unwrap() {
                Received::Nothing(len) => at += len,
                Received::Call(len) => {
                    at += len;
                    seen.push((called.expect("a call").id, true));
                }
                Received::Refused(len, id, _) => {
                    at += len;
                    seen.push((id, false));
                }
                _ => break,
            }
        }
        assert_eq!(at, out.len());
        let (back, _) = transmit(&mut there);
        receive(&mut here, &back, usize::MAX).unwrap();
        if !piece && back.is_empty() {
            break;
        }
    }
    assert_eq!(seen, [(first, false), (second, true)]);
}

#[test]
fn the_frame_of_a_string_may_be_as_long_as_frames_can_be() {
    let string = string((1 << 24) - 4);
    let mut bytes = begin(3, string.len() as u32);
    bytes.extend(frame(TAIL, &[&[0, 3, 0], &string]));
    bytes.extend(frame(CALL, &[&[4, 0, 0, 0, 0]]));
    let mut protocol = protocol(&Limits::default());
    assert_eq!(receive(&mut protocol, &bytes, 1 << 20).unwrap(), [(3, Some(5)), (4, None)]);
}

#[test]
fn what_is_too_long_is_skipped_and_refused() {
    let limits = Limits { message: 30_000, ..Limits::default() };
    let fits = limits.message as u32 - 10;
    for (claim, tail) in [(fits, Some(5)), (fits + 6, None), (u32::MAX, None)] {
        let mut protocol = protocol(&limits);
        let len = claim.min(200_000) as usize;
        let mut bytes = begin(3, claim);
        bytes.extend(frame(TAIL | MORE, &[&[0, 3, 0], &string(len - 1000)]));
        bytes.extend(frame(TAIL, &[&[0, 3, 0], &string(1000)]));
        bytes.extend(frame(CALL, &[&[4, 0, 0, 0, 0]]));
        let seen = receive(&mut protocol, &bytes, 1000).unwrap();
        assert_eq!(seen, [(3, tail), (4, None)], "{claim}");
    }
}

#[test]
fn strings_that_nobody_waits_for_are_ignored() {
    let mut protocol = protocol(&Limits::default());
    let mut bytes = frame(TAIL, &[&[0, 9, 0], &string(20_000)]);
    bytes.extend(frame(TAIL | MORE, &[&[1, 9, 2, 0, 0], &string(20)]));
    bytes.extend(frame(CANCEL, &[&[9]]));
    bytes.extend(begin(3, 20));
    bytes.extend(frame(TAIL, &[&[0, 3, 0], &string(20)]));
    assert_eq!(receive(&mut protocol, &bytes, 11).unwrap(), [(3, Some(5))]);
}

#[test]
fn lies_about_strings_end_the_connection() {
    let string = string(20_000);
    let head = [3, 0, 0, 0, 1];
    let none = [frame(NAME, &[b"m"]), frame(CALL | MORE, &[&head, &[0xc0]])].concat();
    let cases: [(&str, Vec<Vec<u8>>); 9] = [
        ("more bytes than said", vec![begin(3, 10), frame(TAIL, &[&[0, 3, 0], &string])]),
        (
            "more in the second frame",
            vec![
                begin(3, 20_000),
                frame(TAIL | MORE, &[&[0, 3, 0], &string[1..]]),
                frame(TAIL, &[&[0, 3, 0], &string[..2]]),
            ],
        ),
        ("fewer bytes than said", vec![begin(3, 20_001), frame(TAIL, &[&[0, 3, 0], &string])]),
        ("of no bytes", vec![begin(3, 0), frame(TAIL, &[&[0, 3, 0]])]),
        ("for a message without one", vec![none, frame(TAIL, &[&[0, 3, 0], &string])]),
        (
            "more of the message behind it",
            vec![
                begin(3, 20_001),
                frame(TAIL | MORE, &[&[0, 3, 0], &string]),
                frame(0x13, &[&[0, 3], &[1]]),
            ],
        ),
        ("with more padding than there is", vec![begin(3, 10), frame(TAIL, &[&[0, 3, 9, 0, 0]])]),
        ("without a number", vec![frame(TAIL, &[])]),
        (
            "in a frame that is too long for what has to be kept",
            vec![begin(3, 1 << 20), frame(0x13, &[&[0, 3], &vec![0; 1 << 19]])],
        ),
    ];
    for (what, bytes) in cases {
        for size in [1, 100, 1 << 20] {
            let mut protocol = protocol(&Limits::default());
            assert!(receive(&mut protocol, &bytes.concat(), size).is_err(), "{what}");
        }
    }
}
