//! Writes what the fuzzers begin with: the values and the messages that were captured from Ruby. For
//! `typed`, each value comes once for every type; for `request` and `reply`, each message comes in pieces of
//! one and of 255 bytes.
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
    for target in ["value", "typed", "request", "reply"] {
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

fn decode(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.chars().filter_map(|c| c.to_digit(16)).map(|d| d as u8).collect();
    digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn write(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).expect("a directory that can be written to");
}
