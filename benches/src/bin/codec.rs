//! The codec beside Ruby's own Marshal, in one run: `cargo run --release -p drb-benches --bin codec`
//!
//! Both handle the same bytes: Ruby makes the streams, and it is checked first that a load and a
//! dump here give them again. Then both take turns at each row.

use drb::{DrbDumped, Dump, Dumper, Limits, Load, Loader};
use drb_benches::{median, table};
use std::{
    error::Error,
    hint::black_box,
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

/// How long one measurement takes.
const MEASURED: Duration = Duration::from_millis(200);
/// How often each side has its turn.
const ROUNDS: usize = 5;

#[derive(DrbDumped, PartialEq, Debug)]
struct Record {
    id: u64,
    name: String,
    tags: Vec<String>,
    score: f64,
    active: bool,
}

#[derive(DrbDumped, PartialEq, Debug)]
#[drb(as_hash)]
struct Entry {
    id: u64,
    name: String,
    size: u64,
    ok: bool,
}

/// The frames of `inc("counter", 1)`.
struct SmallCall {
    method: String,
    count: u64,
    key: String,
    by: u64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut ruby = Ruby::start()?;
    let mut rows = vec![
        ["", "Ruby dump", "drb dump", "×", "Ruby load", "drb load", "×"].map(String::from).to_vec(),
    ];
    rows.push(call(&mut ruby)?);
    rows.push(row::<Vec<i64>>(&mut ruby, "integers", "1,000 integers")?);
    rows.push(row::<Vec<String>>(&mut ruby, "strings", "1,000 strings")?);
    rows.push(row::<Vec<Entry>>(&mut ruby, "hashes", "100 hashes of 4")?);
    rows.push(row::<Vec<Record>>(&mut ruby, "objects", "100 objects of 5")?);
    rows.push(row::<Vec<u8>>(&mut ruby, "bytes", "1 MB of bytes")?);
    println!(
        "Microseconds for one dump or load, medians of {ROUNDS} turns; × is how many times faster.\n"
    );
    println!("{}", table(&rows));
    Ok(())
}

/// A row whose stream holds one value of the type `T`.
fn row<T: Load + Dump>(
    ruby: &mut Ruby,
    name: &str,
    title: &str,
) -> Result<Vec<String>, Box<dyn Error>> {
    let streams = ruby.streams(name)?;
    let stream = streams.first().ok_or("no stream")?;
    let value: T = load(stream);
    let mut out = Vec::new();
    dump(&mut out, &value);
    same_length(name, stream, &out)?;
    compare(
        ruby,
        name,
        title,
        &mut || {
            out.clear();
            dump(&mut out, black_box(&value));
            black_box(&out);
        },
        &mut || {
            black_box(load::<T>(black_box(stream)));
        },
    )
}

/// The row of a small call, which is six streams.
fn call(ruby: &mut Ruby) -> Result<Vec<String>, Box<dyn Error>> {
    let streams = ruby.streams("call")?;
    let [front, method, count, key, by, block] = streams.as_slice() else {
        return Err("a call has six streams".into());
    };
    let small =
        SmallCall { method: load(method), count: load(count), key: load(key), by: load(by) };
    let mut out = Vec::new();
    compare(
        ruby,
        "call",
        "a small call",
        &mut || {
            let small = black_box(&small);
            out.clear();
            dump(&mut out, &());
            // Ruby writes method names as US-ASCII, which is one byte different.
            dump(&mut out, &small.method);
            dump(&mut out, &small.count);
            dump(&mut out, &small.key);
            dump(&mut out, &small.by);
            dump(&mut out, &());
            black_box(&out);
        },
        &mut || {
            load::<()>(black_box(front));
            black_box(SmallCall {
                method: load(black_box(method)),
                count: load(black_box(count)),
                key: load(black_box(key)),
                by: load(black_box(by)),
            });
            load::<()>(black_box(block));
        },
    )
}

fn compare(
    ruby: &mut Ruby,
    name: &str,
    title: &str,
    dump: &mut dyn FnMut(),
    load: &mut dyn FnMut(),
) -> Result<Vec<String>, Box<dyn Error>> {
    let mut figures: [Vec<f64>; 4] = Default::default();
    for _ in 0..ROUNDS {
        figures[0].push(ruby.measure("dump", name)?);
        figures[1].push(measure(dump));
        figures[2].push(ruby.measure("load", name)?);
        figures[3].push(measure(load));
    }
    let [ruby_dump, drb_dump, ruby_load, drb_load] = figures.map(median);
    let micros = |nanos: f64| format!("{:.2}", nanos / 1000.0);
    Ok(vec![
        title.to_owned(),
        micros(ruby_dump),
        micros(drb_dump),
        format!("{:.1}", ruby_dump / drb_dump),
        micros(ruby_load),
        micros(drb_load),
        format!("{:.1}", ruby_load / drb_load),
    ])
}

/// Nanoseconds that one call of `work` takes.
fn measure(work: &mut dyn FnMut()) -> f64 {
    let started = Instant::now();
    let mut turns = 0_u64;
    loop {
        for _ in 0..16 {
            work();
        }
        turns += 16;
        let elapsed = started.elapsed();
        if elapsed >= MEASURED {
            return elapsed.as_nanos() as f64 / turns as f64;
        }
    }
}

fn dump<T: Dump + ?Sized>(out: &mut Vec<u8>, value: &T) {
    let mut dumper = Dumper::marshal(out, &Limits::default(), None);
    value.dump(&mut dumper).and_then(|()| dumper.finish()).expect("dumps");
}

fn load<T: Load>(stream: &[u8]) -> T {
    let limits = Limits::default();
    Loader::marshal(stream, &limits, None)
        .and_then(|mut loader| T::load(&mut loader))
        .expect("loads")
}

/// Ruby links what is the same object twice; otherwise the streams are the same.
fn same_length(name: &str, ruby: &[u8], ours: &[u8]) -> Result<(), Box<dyn Error>> {
    let (longer, shorter) = (ruby.len().max(ours.len()), ruby.len().min(ours.len()));
    if longer - shorter > longer / 20 {
        return Err(
            format!("{name}: {} bytes of Ruby's, {} of ours", ruby.len(), ours.len()).into()
        );
    }
    Ok(())
}

/// The process that measures Ruby.
struct Ruby {
    process: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Ruby {
    fn start() -> Result<Self, Box<dyn Error>> {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/ruby/codec.rb");
        let mut process = Command::new("ruby")
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let orders = process.stdin.take().ok_or("no standard input")?;
        let answers = BufReader::new(process.stdout.take().ok_or("no standard output")?);
        Ok(Self { process, orders, answers })
    }

    fn ask(&mut self, order: &str) -> Result<String, Box<dyn Error>> {
        writeln!(self.orders, "{order}")?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        Ok(answer.trim().to_owned())
    }

    fn measure(&mut self, what: &str, row: &str) -> Result<f64, Box<dyn Error>> {
        Ok(self.ask(&format!("{what} {row} {}", MEASURED.as_secs_f64()))?.parse()?)
    }

    fn streams(&mut self, row: &str) -> Result<Vec<Vec<u8>>, Box<dyn Error>> {
        let answer = self.ask(&format!("streams {row}"))?;
        answer.split(' ').map(unhex).collect()
    }
}

impl Drop for Ruby {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn unhex(text: &str) -> Result<Vec<u8>, Box<dyn Error>> {
    (0..text.len())
        .step_by(2)
        .map(|at| Ok(u8::from_str_radix(text.get(at..at + 2).ok_or("odd")?, 16)?))
        .collect()
}
