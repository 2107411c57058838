//! Writes what the fuzzers begin with: the values and the messages that were captured from Ruby. For
//! `typed`, each value comes once for every type; for `request` and `reply`, each message comes in pieces of
//! one and of 255 bytes. For `certificate` they are the authorities that the system trusts, where it has a file
//! of them.
//!
//! `seeds VALUES MESSAGES DIRECTORY`

use std::{env, fs, path::Path};

const TYPES: u8 = 16;

fn main() {
    let mut arguments = env::args().skip(1);
    let values = arguments.next().expect("the file with the values");
    let messages = arguments.next().expect("the file with the messages");
    let directory = arguments.next().expect("the directory to write to");
    let directory = Path::new(&directory);
    let targets = [
        "value",
        "typed",
        "request",
        "reply",
        "native_value",
        "native_session",
        "certificate",
        "fire",
    ];
    for target in targets {
        fs::create_dir_all(directory.join(target)).expect("a directory that can be written to");
    }
    for line in fs::read_to_string(values).expect("a file that can be read").lines() {
        if line.starts_with('#') {
            continue;
        }
        let mut columns = line.split('\t');
        let (Some(name), Some(hex)) = (columns.next(), columns.nth(1)) else { continue };
        let bytes = decode(hex);
        write(&directory.join("value").join(name), &bytes);
        for choice in 0..TYPES {
            let path = directory.join("typed").join(format!("{name}-{choice}"));
            write(&path, &[&[choice], &bytes[..]].concat());
        }
    }
    let authorities = AUTHORITIES.iter().find_map(|path| fs::read_to_string(path).ok());
    for (number, certificate) in certificates(&authorities.unwrap_or_default()).enumerate() {
        write(&directory.join("certificate").join(number.to_string()), &certificate);
    }
    for (number, value) in NATIVE.iter().enumerate() {
        for choice in (0..TYPES).chain([0x80]) {
            let path = directory.join("native_value").join(format!("{number}-{choice}"));
            write(&path, &[&[choice], *value].concat());
        }
    }
    for (name, conversation) in [("calls", native()), ("promises", promises())] {
        for step in [1, 255] {
            let path = directory.join("native_session").join(format!("{name}-{step}"));
            write(&path, &[&[step], &conversation[..]].concat());
        }
    }
    for (number, script) in FIRE.iter().enumerate() {
        write(&directory.join("fire").join(number.to_string()), script);
    }
    let messages = fs::read_to_string(messages).expect("a file that can be read");
    for (number, line) in messages.lines().enumerate() {
        let columns: Vec<&str> = line.split('\t').collect();
        if let [_, kind, _, hex] = columns.as_slice() {
            for step in [1, 255] {
                let path = directory.join(kind).join(format!("{number}-{step}"));
                write(&path, &[&[step], &decode(hex)[..]].concat());
            }
        }
    }
}

/// What happens at a server of drbfire (0), in pairs of what and how, and what a client is sent (1) in what pieces.
const FIRE: &[&[u8]] = &[
    // A control connection, a call, its connection and its answer.
    b"\0\x00\x80\x01\0\x04\0\x03\0\x04\0\x00\x83\x81\x01\x04\x01\x7a\x01\0\0\0\x03\x04\x08T\0\0\0\x04\x04\x08i\x0c\x06\x14",
    // One that is gone, and one that has another address.
    b"\0\x00\x80\x01\0\x04\0\x03\0\x06\x0a\x03\0\x00\x81\x81\x01\x04\x01\x06\x3c\x05\0",
    // Calls by either wire.
    b"\0\x00\x80\x41\0\x00\x80\x42\x01drb\n\0\0\0\x01\x04\x01",
    b"\x01\x01\0\0\0\x07000",
    b"\x01\xff\0\0\0\x0700x0",
    b"\x01\x03\0\0",
];

/// Where systems have the certificates of the authorities that they trust.
const AUTHORITIES: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// What is in a file of PEM.
fn certificates(pem: &str) -> impl Iterator<Item = Vec<u8>> {
    let parts = pem.split("-----BEGIN CERTIFICATE-----").skip(1);
    parts.filter_map(|part| part.split_once("-----END")).map(|(base64, _)| unpack(base64))
}

/// Base64.
fn unpack(text: &str) -> Vec<u8> {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = text.bytes().filter_map(|byte| DIGITS.iter().position(|digit| *digit == byte));
    let (mut bytes, mut held, mut bits) = (Vec::new(), 0, 0);
    for digit in digits {
        (held, bits) = ((held << 6 | digit as u32) & 0xffff, bits + 6);
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits) as u8);
        }
    }
    bytes
}

/// A value of each form.
const NATIVE: &[&[u8]] = &[
    &[0xc0],
    &[0xc3],
    &[0xd0, 0x80],
    &[0xcf, 0xff, 0, 0, 0, 0, 0, 0, 0],
    &[0xcb, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0],
    b"\xa4text",
    b"\xc4\x03abc",
    b"\x93\x01\xa1a\xc0",
    b"\x82\xa1a\x01\xa1b\x90",
    &[0xc7, 10, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1],
    b"\xc7\x03\x02sym",
    b"\xc7\x0b\x03\x08US-ASCIIab",
    &[0xc7, 12, 4, 0, 0, 0, 0, 1, 2, 3, 4, 0, 0, 0, 5],
    &[0xc7, 9, 5, 1, 0, 0, 0, 0, 0, 0, 0, 0],
    b"\xc7\x0a\x06\x04\x08c\x0bString",
    b"\x95\xd4\x10\x00\xa1a\x05\x90\xc0",
    b"\x95\xd4\x10\x01\xc0\xc0\x90\xa1a",
    b"\x93\xd4\x10\x02\x01\x02",
    b"\x93\xd4\x10\x03\x01\x02",
    b"\x95\xc7\x04\x11Tree\xa5@name\xa1a\xa5@size\x01",
    b"\x93\xc7\x00\x13\x01\x02",
    b"\x93\xc7\x00\x14\xa1a\x01",
];

/// Every kind of frame, and a call of each method.
fn native() -> Vec<u8> {
    let mut out = Vec::new();
    frame(&mut out, 0x01, b"\x01\x03abc\x05\0");
    let names = ["keep", "echo", "give", "wait", "wait on", "panic", "refuse", "broken"];
    for name in names {
        frame(&mut out, 0x02, name.as_bytes());
    }
    frame(&mut out, 0x03, b"\0\x05Shape\x02@a\x02@b");
    // What a caller knows of a method, and what is known of one of this side's.
    frame(&mut out, 0x04, b"\x04keep\x05Value\0\x01a\x01A\x01\x01b\x01B\x06\x05block\x01C");
    frame(&mut out, 0x05, b"\0\x04keep\x02()");
    for (number, _) in (0..).zip(names) {
        frame(&mut out, 0x50, &[&[number, 0, number, 1, 100, 6], ARGUMENTS].concat());
        frame(&mut out, 0x14, &[number]);
    }
    // Answers: one whole, one in pieces with a string behind it, and an exception.
    frame(
        &mut out,
        0x51,
        b"\x01\x93\x00\x91\x93\x01\x00\xc7\x09\x05\x00\x00\x00\x00\x01\x00\x00\x00\x00\xc4\x00",
    );
    frame(&mut out, 0x91, b"\x02\x93\x00");
    frame(&mut out, 0x93, b"\x01\x02\x90\xc6\x00\x00\x00\x02");
    frame(&mut out, 0x15, b"\x01\x02ab");
    frame(&mut out, 0x12, b"\x00\x95\xc7\x0d\x11StandardError\xa4mesg\xa1m\xa2bt\xc0");
    frame(&mut out, 0x20, &[0, 0, 1, 1, 0, 1]);
    frame(&mut out, 0x21, &[1, 0]);
    frame(&mut out, 0x23, &[0, 0, 2, 0]);
    frame(&mut out, 0x30, b"");
    frame(&mut out, 0x31, b"");
    frame(&mut out, 0x10, &[9, 1, 0, 0, 0, 4, 5, 0, 1, 0xc0]);
    // One whose method has no number.
    frame(&mut out, 0x10, b"\x0a\0\xff\xff\xff\xff\x0f\x04echo\0\x01\xc0");
    frame(&mut out, 0x32, &[3]);
    out
}

/// The same about objects that are called before they are there, of both sides.
fn promises() -> Vec<u8> {
    let mut out = Vec::new();
    for name in ["keep", "find", "find later"] {
        frame(&mut out, 0x02, name.as_bytes());
    }
    // Two promises, a call of what each gives, and what an earlier one gives called ahead.
    for (number, method) in [(0, 1), (1, 2)] {
        frame(&mut out, 0x50, &[&[number, 0, method, 8, number, 6], ARGUMENTS].concat());
        frame(&mut out, 0x50, &[&[number + 2, 3, number, 0, 0, 6], ARGUMENTS].concat());
    }
    frame(&mut out, 0x50, &[&[4, 3, 0, 1, 8, 2, 6], ARGUMENTS].concat());
    frame(&mut out, 0x22, &[0, 1]);
    // What has been promised here: an object of the sender's, and one of the receiver's.
    frame(&mut out, 0x51, b"\x03\xc7\x09\x05\x00\x00\x00\x00\x02\x00\x00\x00\x00");
    frame(&mut out, 0x51, b"\x04\xc7\x09\x05\x01\x00\x00\x00\x00\x00\x00\x00\x00");
    frame(&mut out, 0x11, &[5, 0xc0]);
    frame(&mut out, 0x22, &[2, 7]);
    out
}

/// A token, of which calls it is one, what is wanted, an object of the sender's and one of the receiver's,
/// and sizes.
const ARGUMENTS: &[u8] = b"\x00\x00\x91\x00\x92\
    \x93\x01\x00\xc7\x09\x05\x00\x00\x00\x00\x01\x00\x00\x00\x00\
    \x93\x00\x00\xc7\x09\x05\x01\x00\x00\x00\x00\x00\x00\x00\x00\
    \x10\xc4\x01x";

fn frame(out: &mut Vec<u8>, byte: u8, body: &[u8]) {
    let [_, a, b, c] = (body.len() as u32).to_be_bytes();
    out.extend_from_slice(&[byte, a, b, c]);
    out.extend_from_slice(body);
}

fn decode(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.chars().filter_map(|c| c.to_digit(16)).map(|d| d as u8).collect();
    digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn write(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).expect("a directory that can be written to");
}
