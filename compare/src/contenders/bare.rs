//! The bare program: frames by hand over tokio's sockets. Nothing is named, nothing is checked, and nobody
//! can wait for anything but what is measured. It says what there is to be reached.

use crate::{
    control, driver,
    workload::{Record, TASKS},
};
use std::{
    io::IoSlice,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{mpsc, oneshot},
};

/// A frame is a length in four bytes, what it is in one, a number of the caller's in four, and the rest.
const HEAD: usize = 9;

const ECHO: u8 = 0;
const BYTES: u8 = 1;
const RECORDS: u8 = 2;
const CALLBACK: u8 = 3;
const ASK: u8 = 4;
const TOLD: u8 = 5;

/// What is longer is not put together with others.
const LARGE: usize = 32 << 10;

fn head(what: u8, id: u32, len: usize) -> [u8; HEAD] {
    let [a, b, c, d] = (len as u32).to_be_bytes();
    let [e, f, g, h] = id.to_be_bytes();
    [a, b, c, d, what, e, f, g, h]
}

/// What a frame says of itself.
fn read_head(bytes: &[u8]) -> Option<(u8, u32, usize)> {
    let [a, b, c, d, what, e, f, g, h] = *bytes.first_chunk::<HEAD>()?;
    let len = u32::from_be_bytes([a, b, c, d]) as usize;
    Some((what, u32::from_be_bytes([e, f, g, h]), len))
}

fn put(out: &mut Vec<u8>, what: u8, id: u32, body: &[u8]) {
    out.extend_from_slice(&head(what, id, body.len()));
    out.extend_from_slice(body);
}

pub async fn serve() -> driver::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    control::announce(&listener.local_addr()?.to_string());
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(connection(stream));
    }
}

async fn connection(mut stream: TcpStream) -> driver::Result<()> {
    let (mut buffer, mut out) = (Vec::with_capacity(64 << 10), Vec::new());
    while stream.read_buf(&mut buffer).await? > 0 {
        let mut at = 0;
        while let Some((what, id, len)) = buffer.get(at..).and_then(read_head) {
            let whole = at..at + HEAD + len;
            let Some(frame) = buffer.get(whole.clone()) else {
                buffer.reserve(whole.end - buffer.len());
                break;
            };
            let body = &frame[HEAD..];
            match what {
                RECORDS => put(&mut out, RECORDS, id, &write_records(&read_records(body)?)),
                CALLBACK => put(&mut out, ASK, id, body),
                TOLD => put(&mut out, CALLBACK, id, body),
                // It goes back as it came.
                _ if len > LARGE => {
                    stream.write_all(&out).await?;
                    out.clear();
                    stream.write_all(frame).await?;
                }
                _ => out.extend_from_slice(frame),
            }
            at = whole.end;
        }
        buffer.drain(..at);
        stream.write_all(&out).await?;
        out.clear();
    }
    Ok(())
}

/// A caller that has the connection to itself.
pub struct Alone {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Alone {
    async fn call(&mut self, what: u8, body: &[u8]) -> driver::Result<Vec<u8>> {
        self.send(what, body).await?;
        self.receive(Vec::new()).await.map(|(_, body)| body)
    }

    async fn send(&mut self, what: u8, body: &[u8]) -> driver::Result<()> {
        if body.len() > LARGE {
            let head = head(what, 0, body.len());
            let parts = [IoSlice::new(&head), IoSlice::new(body)];
            let written = self.stream.write_vectored(&parts).await?;
            self.stream.write_all(head.get(written..).unwrap_or_default()).await?;
            self.stream.write_all(&body[written.saturating_sub(HEAD)..]).await?;
        } else {
            let mut frame = Vec::with_capacity(HEAD + body.len());
            put(&mut frame, what, 0, body);
            self.stream.write_all(&frame).await?;
        }
        Ok(())
    }

    /// The next frame, of which the rest goes into `body`.
    async fn receive(&mut self, mut body: Vec<u8>) -> driver::Result<(u8, Vec<u8>)> {
        let Self { stream, buffer } = self;
        loop {
            if let Some((what, _, len)) = read_head(buffer) {
                let here = buffer.len().min(HEAD + len);
                body.clear();
                body.extend_from_slice(&buffer[HEAD..here]);
                buffer.drain(..here);
                body.reserve(len - body.len());
                let mut rest = stream.take((len - body.len()) as u64);
                while rest.limit() > 0 && rest.read_buf(&mut body).await? > 0 {}
                return Ok((what, body));
            }
            if stream.read_buf(buffer).await? == 0 {
                return Err("the server has gone".into());
            }
        }
    }
}

impl driver::Caller for Alone {
    async fn connect(address: &str) -> driver::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(16 << 10) })
    }

    fn share(&self) -> Option<Self> {
        None
    }

    async fn echo(&mut self, number: i64) -> driver::Result<i64> {
        let body = self.call(ECHO, &number.to_be_bytes()).await?;
        Ok(i64::from_be_bytes(body.as_slice().try_into()?))
    }

    async fn bytes(&mut self, bytes: Vec<u8>) -> driver::Result<Vec<u8>> {
        self.send(BYTES, &bytes).await?;
        self.receive(bytes).await.map(|(_, body)| body)
    }

    async fn records(&mut self, records: &[Record]) -> driver::Result<Vec<Record>> {
        let body = self.call(RECORDS, &write_records(records)).await?;
        read_records(&body)
    }

    async fn callback(&mut self, number: i64) -> driver::Result<i64> {
        self.send(CALLBACK, &number.to_be_bytes()).await?;
        loop {
            let (what, body) = self.receive(Vec::new()).await?;
            let number = i64::from_be_bytes(body.as_slice().try_into()?);
            if what == CALLBACK {
                return Ok(number);
            }
            self.send(TOLD, &(number + 1).to_be_bytes()).await?;
        }
    }
}

/// One of several callers over one connection.
pub struct Shared {
    line: Arc<Line>,
    id: usize,
}

struct Line {
    out: mpsc::UnboundedSender<[u8; HEAD + 8]>,
    waiting: Mutex<Vec<Option<oneshot::Sender<i64>>>>,
    callers: AtomicUsize,
}

impl Line {
    /// Writes what is there, all at once.
    async fn write(
        mut calls: mpsc::UnboundedReceiver<[u8; HEAD + 8]>,
        mut stream: OwnedWriteHalf,
    ) -> driver::Result<()> {
        let mut batch = Vec::new();
        while calls.recv_many(&mut batch, TASKS).await > 0 {
            stream.write_all(batch.as_flattened()).await?;
            batch.clear();
        }
        Ok(())
    }

    async fn read(self: Arc<Self>, mut stream: OwnedReadHalf) -> driver::Result<()> {
        let mut buffer = Vec::with_capacity(16 << 10);
        while stream.read_buf(&mut buffer).await? > 0 {
            let mut at = 0;
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            while let Some(frame) = buffer.get(at..at + HEAD + 8)
                && let Some((_, id, _)) = read_head(frame)
            {
                let number = i64::from_be_bytes(frame[HEAD..].try_into()?);
                if let Some(caller) = waiting[id as usize].take() {
                    let _ = caller.send(number);
                }
                at += HEAD + 8;
            }
            drop(waiting);
            buffer.drain(..at);
        }
        Ok(())
    }
}

impl driver::Caller for Shared {
    async fn connect(address: &str) -> driver::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (read, write) = stream.into_split();
        let (out, calls) = mpsc::unbounded_channel();
        let waiting = Mutex::new(Vec::from([const { None }; 2 * TASKS + 1]));
        let line = Arc::new(Line { out, waiting, callers: AtomicUsize::new(0) });
        tokio::spawn(Line::write(calls, write));
        tokio::spawn(Arc::clone(&line).read(read));
        Ok(Self { line, id: 0 })
    }

    fn share(&self) -> Option<Self> {
        let id = 1 + self.line.callers.fetch_add(1, Ordering::Relaxed) % (2 * TASKS);
        Some(Self { line: Arc::clone(&self.line), id })
    }

    async fn echo(&mut self, number: i64) -> driver::Result<i64> {
        let (sender, answer) = oneshot::channel();
        self.line.waiting.lock().unwrap_or_else(PoisonError::into_inner)[self.id] = Some(sender);
        let mut frame = [0; HEAD + 8];
        frame[..HEAD].copy_from_slice(&head(ECHO, self.id as u32, 8));
        frame[HEAD..].copy_from_slice(&number.to_be_bytes());
        self.line.out.send(frame)?;
        Ok(answer.await?)
    }

    async fn bytes(&mut self, _: Vec<u8>) -> driver::Result<Vec<u8>> {
        Err("that is measured with one caller".into())
    }

    async fn records(&mut self, _: &[Record]) -> driver::Result<Vec<Record>> {
        Err("that is measured with one caller".into())
    }

    async fn callback(&mut self, _: i64) -> driver::Result<i64> {
        Err("that is measured with one caller".into())
    }
}

fn write_records(records: &[Record]) -> Vec<u8> {
    let mut out = Vec::with_capacity(64 * records.len());
    let text = |out: &mut Vec<u8>, text: &str| {
        out.extend_from_slice(&(text.len() as u32).to_be_bytes());
        out.extend_from_slice(text.as_bytes());
    };
    out.extend_from_slice(&(records.len() as u32).to_be_bytes());
    for Record { id, name, price, stock, tags } in records {
        out.extend_from_slice(&id.to_be_bytes());
        text(&mut out, name);
        out.extend_from_slice(&price.to_be_bytes());
        out.extend_from_slice(&stock.to_be_bytes());
        out.extend_from_slice(&(tags.len() as u32).to_be_bytes());
        tags.iter().for_each(|tag| text(&mut out, tag));
    }
    out
}

fn read_records(mut body: &[u8]) -> driver::Result<Vec<Record>> {
    fn take<'a>(body: &mut &'a [u8], len: usize) -> driver::Result<&'a [u8]> {
        let (taken, rest) = body.split_at_checked(len).ok_or("it is cut off")?;
        *body = rest;
        Ok(taken)
    }
    fn long(body: &mut &[u8]) -> driver::Result<u64> {
        Ok(u64::from_be_bytes(take(body, 8)?.try_into()?))
    }
    fn short(body: &mut &[u8]) -> driver::Result<u32> {
        Ok(u32::from_be_bytes(take(body, 4)?.try_into()?))
    }
    fn text(body: &mut &[u8]) -> driver::Result<String> {
        let len = short(body)? as usize;
        Ok(std::str::from_utf8(take(body, len)?)?.to_owned())
    }
    let count = short(&mut body)?;
    let mut records = Vec::with_capacity(count.min(1000) as usize);
    for _ in 0..count {
        let (id, name) = (long(&mut body)?, text(&mut body)?);
        let (price, stock) = (f64::from_bits(long(&mut body)?), short(&mut body)?);
        let tags =
            (0..short(&mut body)?).map(|_| text(&mut body)).collect::<driver::Result<_>>()?;
        records.push(Record { id, name, price, stock, tags });
    }
    Ok(records)
}
