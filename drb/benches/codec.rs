//! The codec beside Ruby's own Marshal: both work on the same bytes, in turns.
//!
//!     cargo bench -p drb --bench codec
//!
//! Prints, for each row, the time of one load and of one dump on both sides, the best of several
//! rounds, and how many times faster drb is. Loads and dumps are those of types.

use drb::{DrbDumped, Dump, Dumper, Limits, Load, Loader};
use std::{
    collections::HashMap,
    hint::black_box,
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

#[derive(Debug, PartialEq, DrbDumped)]
struct Entry {
    key: String,
    hits: i64,
    ratio: f64,
}

const ROUNDS: usize = 7;
const ROUND: Duration = Duration::from_millis(60);

fn main() {
    let mut ruby = Ruby::start();
    println!(
        "{:<14} {:>10} {:>10} {:>6}   {:>10} {:>10} {:>6}",
        "", "load", "Ruby", "", "dump", "Ruby", ""
    );
    // The small call: a method's name, the number of arguments, two arguments.
    call(&mut ruby);
    row::<Vec<i64>>(&mut ruby, "integers");
    row::<Vec<f64>>(&mut ruby, "floats");
    row::<Vec<String>>(&mut ruby, "strings");
    row::<Vec<HashMap<String, i64>>>(&mut ruby, "hashes");
    row::<Vec<Entry>>(&mut ruby, "objects");
    row::<Vec<u8>>(&mut ruby, "1 MB of bytes");
}

fn call(ruby: &mut Ruby) {
    let streams = ruby.streams("small call");
    let [name, count, first, second] = streams.as_slice() else { panic!("four streams") };
    let read =
        || (load::<String>(name), load::<i64>(count), load::<String>(first), load::<i64>(second));
    let (method, arguments, key, by) = read();
    assert_eq!((method.as_str(), arguments, key.as_str(), by), ("inc", 2, "counter", 1));
    let mut out = Vec::new();
    compare(
        ruby,
        "small call",
        || drop(black_box(read())),
        || {
            out.clear();
            dump(&method, &mut out);
            dump(&arguments, &mut out);
            dump(&key, &mut out);
            dump(&by, &mut out);
            black_box(&out);
        },
    );
}

fn row<T: Load + Dump>(ruby: &mut Ruby, name: &str) {
    let streams = ruby.streams(name);
    let [stream] = streams.as_slice() else { panic!("one stream") };
    let value = load::<T>(stream);
    let mut out = Vec::new();
    dump(&value, &mut out);
    // A map's order is its own.
    assert_eq!(out.len(), stream.len(), "{name} is dumped as Ruby dumps it");
    compare(
        ruby,
        name,
        || drop(black_box(load::<T>(stream))),
        || {
            out.clear();
            dump(&value, &mut out);
            black_box(&out);
        },
    );
}

fn load<T: Load>(stream: &[u8]) -> T {
    let mut loader =
        Loader::marshal(black_box(stream), &Limits::default(), None).expect("a version");
    T::load(&mut loader).expect("a value of the type")
}

fn dump<T: Dump + ?Sized>(value: &T, out: &mut Vec<u8>) {
    let mut dumper = Dumper::marshal(out, &Limits::default(), None);
    black_box(value).dump(&mut dumper).expect("a value that can be dumped");
    dumper.finish().expect("a value within the limits");
}

fn compare(ruby: &mut Ruby, name: &str, mut load: impl FnMut(), mut dump: impl FnMut()) {
    let [mut ours_load, mut rubys_load, mut ours_dump, mut rubys_dump] = [f64::INFINITY; 4];
    for _ in 0..ROUNDS {
        ours_load = ours_load.min(nanoseconds_of_one(&mut load));
        rubys_load = rubys_load.min(ruby.time("load", name));
        ours_dump = ours_dump.min(nanoseconds_of_one(&mut dump));
        rubys_dump = rubys_dump.min(ruby.time("dump", name));
    }
    println!(
        "{name:<14} {:>10} {:>10} {:>5.1}x   {:>10} {:>10} {:>5.1}x",
        text(ours_load),
        text(rubys_load),
        rubys_load / ours_load,
        text(ours_dump),
        text(rubys_dump),
        rubys_dump / ours_dump,
    );
}

fn nanoseconds_of_one(run: &mut impl FnMut()) -> f64 {
    let start = Instant::now();
    let mut count = 0_u32;
    let mut step = 1;
    while start.elapsed() < ROUND {
        for _ in 0..step {
            run();
        }
        count += step;
        step = (step * 2).min(64);
    }
    start.elapsed().as_nanos() as f64 / f64::from(count)
}

fn text(nanoseconds: f64) -> String {
    if nanoseconds < 10_000.0 {
        format!("{nanoseconds:.0} ns")
    } else {
        format!("{:.1} µs", nanoseconds / 1000.0)
    }
}

/// A Ruby process that measures on demand.
struct Ruby {
    process: Child,
    commands: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Ruby {
    fn start() -> Self {
        let mut process = Command::new("ruby")
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/benches/codec.rb"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Ruby is installed");
        let commands = process.stdin.take();
        let answers = BufReader::new(process.stdout.take().expect("stdout is piped"));
        Self { process, commands, answers }
    }

    fn ask(&mut self, command: &str) -> String {
        let commands = self.commands.as_mut().expect("stdin is piped");
        writeln!(commands, "{command}").expect("Ruby reads");
        let mut answer = String::new();
        self.answers.read_line(&mut answer).expect("Ruby answers");
        answer
    }

    fn streams(&mut self, row: &str) -> Vec<Vec<u8>> {
        let digit = |digit: u8| char::from(digit).to_digit(16).expect("a digit") as u8;
        let decode = |hex: &str| -> Vec<u8> {
            hex.as_bytes().chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
        };
        self.ask(&format!("bytes\t{row}")).split_whitespace().map(decode).collect()
    }

    fn time(&mut self, what: &str, row: &str) -> f64 {
        let answer = self.ask(&format!("{what}\t{row}\t{}", ROUND.as_secs_f64()));
        answer.trim().parse().expect("nanoseconds")
    }
}

impl Drop for Ruby {
    fn drop(&mut self) {
        // Its input ends, and so does it.
        self.commands = None;
        let _ = self.process.wait();
    }
}
