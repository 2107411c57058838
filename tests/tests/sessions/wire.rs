//! Messages on a socket, and the comparison of ours with captured ones.

use crate::notes::Differs;
use drb::{ObjectId, Reference, Value, value::Object};
use drb_tests::SOON;
use std::collections::{BTreeMap, HashMap};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};

/// Where the captured client's own server was, the captured server itself, and the proxy through
/// which the client has called it.
pub const CLIENT: &str = "druby://127.0.0.1:18798";
pub const SERVER: &str = "druby://127.0.0.1:18787";
pub const PROXY: &str = "druby://127.0.0.1:18797";

pub async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("druby://{}", listener.local_addr().unwrap());
    (listener, uri)
}

pub async fn dial(uri: &str) -> TcpStream {
    let authority = uri.strip_prefix("druby://").unwrap();
    soon(TcpStream::connect(authority)).await.unwrap()
}

/// Waits, but not for ever.
pub async fn soon<T>(wait: impl Future<Output = T>) -> T {
    timeout(SOON, wait).await.expect("in time")
}

pub async fn write(socket: &mut TcpStream, streams: &[Vec<u8>]) {
    let mut bytes = Vec::new();
    for stream in streams {
        bytes.extend_from_slice(&u32::try_from(stream.len()).unwrap().to_be_bytes());
        bytes.extend_from_slice(stream);
    }
    // The other side may have seen enough before the end.
    let _ = soon(socket.write_all(&bytes)).await;
}

/// The streams of a request, or none if the connection ends.
pub async fn read_request(socket: &mut TcpStream) -> Vec<Vec<u8>> {
    let mut streams = read(socket, 3).await;
    if let Some(count) = streams.get(2) {
        let count = Value::from_marshal(count).unwrap().as_i64().unwrap();
        streams.extend(read(socket, usize::try_from(count).unwrap() + 1).await);
    }
    streams
}

/// The streams of a reply, or none if the connection ends.
pub async fn read_reply(socket: &mut TcpStream) -> Vec<Vec<u8>> {
    read(socket, 2).await
}

async fn read(socket: &mut TcpStream, count: usize) -> Vec<Vec<u8>> {
    let mut streams = Vec::new();
    for _ in 0..count {
        let mut length = [0; 4];
        if soon(socket.read_exact(&mut length)).await.is_err() {
            break;
        }
        let mut stream = vec![0; u32::from_be_bytes(length).try_into().unwrap()];
        soon(socket.read_exact(&mut stream)).await.unwrap();
        streams.push(stream);
    }
    streams
}

/// Whether nothing more comes, up to the end of the connection.
pub async fn ends(socket: &mut TcpStream) -> bool {
    !matches!(soon(socket.read(&mut [0; 1])).await, Ok(1..))
}

/// What here stands for what in the capture: addresses, and the ids of objects.
#[derive(Default)]
pub struct Names {
    /// Here, there; of the same length.
    uris: Vec<(String, &'static str)>,
    ids: HashMap<(String, ObjectId), ObjectId>,
}

impl Names {
    /// An address here has to be as long as the captured one, so that no length changes where one
    /// stands for the other: the ports that systems pick have five digits, as the captured ones.
    pub fn uri(&mut self, here: &str, captured: &'static str) {
        assert_eq!(here.len(), captured.len(), "{here}");
        self.uris.push((here.to_owned(), captured));
    }

    /// Captured streams with the addresses from here; a reference, with the id as well.
    pub fn live(&self, streams: &[Vec<u8>]) -> Vec<Vec<u8>> {
        let pairs = self.uris.iter().map(|(here, captured)| (*captured, here.as_str()));
        let live = |stream: &Vec<u8>| {
            let known = match load(stream) {
                Value::Reference(reference) => self.live_reference(reference.reference()),
                _ => None,
            };
            replace(&known.unwrap_or_else(|| stream.clone()), pairs.clone())
        };
        streams.iter().map(live).collect()
    }

    fn live_reference(&self, captured: &Reference) -> Option<Vec<u8>> {
        let uri = captured.uri()?;
        let (_, here) = self.pairs(uri).find(|(there, _)| *there == captured.id())?;
        Some(dump(Reference::new(uri, here.clone())))
    }

    /// The id here of the object whose captured id a stream is.
    pub fn live_id(&self, uri: &str, captured: &[u8]) -> Vec<u8> {
        let captured = load(captured).as_i64().map(ObjectId::Number).unwrap();
        match self.pairs(uri).find(|(there, _)| **there == captured) {
            Some((_, ObjectId::Number(here))) => dump(*here),
            other => panic!("{other:?}"),
        }
    }

    /// The ids of the objects of a captured process: there, here.
    fn pairs(&self, uri: &str) -> impl Iterator<Item = (&ObjectId, &ObjectId)> {
        let own = move |((known, _), _): &(&(String, ObjectId), &ObjectId)| known == uri;
        self.ids.iter().filter(own).map(|((_, here), there)| (there, here))
    }

    /// Bytes from here with the addresses of the capture.
    pub fn captured(&self, streams: &[Vec<u8>]) -> Vec<Vec<u8>> {
        let pairs = self.uris.iter().map(|(here, captured)| (here.as_str(), *captured));
        streams.iter().map(|stream| replace(stream, pairs.clone())).collect()
    }

    /// Compares a message from here with the captured one, or with what is expected in its place.
    pub fn check(
        &mut self,
        captured: &[Vec<u8>],
        here: &[Vec<u8>],
        differs: Option<&Differs>,
    ) -> Result<(), String> {
        let Some(Differs { expected, .. }) = differs else { return self.compare(captured, here) };
        if self.compare(captured, here).is_ok() {
            return Err(format!("no longer differs: {expected}"));
        }
        same_text(expected, &render(&self.captured(here)))
    }

    /// Compares a message from here with the captured one: byte for byte, save for ids of objects
    /// that each process picks, and for the texts and insides of exceptions.
    pub fn compare(&mut self, captured: &[Vec<u8>], here: &[Vec<u8>]) -> Result<(), String> {
        let here = self.captured(here);
        if captured.len() != here.len() {
            return Err(format!("{} instead of {}", render(&here), render(captured)));
        }
        let failed = captured.first().is_some_and(|first| first == b"\x04\x08F");
        for (captured, here) in captured.iter().zip(&here) {
            let (a, b) = (load(captured), load(here));
            let same = match (&a, &b) {
                (Value::Object(_), Value::Object(_)) if failed => same_exception(&a, &b),
                _ => captured == here || self.same_but_for_ids(&a, &b),
            };
            if !same {
                return Err(format!("{b} instead of {a}"));
            }
        }
        Ok(())
    }

    fn same_but_for_ids(&mut self, captured: &Value, here: &Value) -> bool {
        match (captured, here) {
            (Value::Reference(captured), Value::Reference(here)) => {
                self.same_object(captured.reference(), here.reference())
            }
            (Value::Dumped(_), Value::Dumped(_)) | (Value::Array(_), Value::Array(_)) => {
                let items = (captured.as_array(), here.as_array());
                let (Some(captured_items), Some(here_items)) = items else { return false };
                captured.class() == here.class()
                    && captured_items.len() == here_items.len()
                    && std::iter::zip(captured_items.iter(), here_items.iter())
                        .all(|(captured, here)| self.same_but_for_ids(captured, here))
            }
            _ => captured.to_marshal() == here.to_marshal(),
        }
    }

    /// One object there is one object here, and another one another.
    fn same_object(&mut self, captured: &Reference, here: &Reference) -> bool {
        let uri = captured.uri().unwrap_or_default();
        if here.uri() != captured.uri()
            || (*here.id() == ObjectId::Front) != (*captured.id() == ObjectId::Front)
        {
            return false;
        }
        let known =
            self.ids.iter().find(|((known, _), there)| known == uri && *there == captured.id());
        match known {
            Some(((_, known), _)) => known == here.id(),
            None => self
                .ids
                .insert((uri.to_owned(), here.id().clone()), captured.id().clone())
                .is_none(),
        }
    }
}

/// The same class, message and fields. Aside: the backtrace, how the message is encoded and quoted,
/// addresses in memory, and our word to our own clients that the method has not run.
fn same_exception(captured: &Value, here: &Value) -> bool {
    const ASIDE: [&str; 3] = ["bt", "bt_locations", "@drb_not_executed"];
    let fields = |value: &Value| -> BTreeMap<String, Value> {
        let fields = value.as_object().unwrap().fields().iter();
        let fields = fields.map(|(name, value)| (name.to_string(), value.clone()));
        fields.filter(|(name, _)| !ASIDE.contains(&name.as_str())).collect()
    };
    let (captured_fields, here_fields) = (fields(captured), fields(here));
    captured.class() == here.class()
        && captured_fields.len() == here_fields.len()
        && std::iter::zip(&captured_fields, &here_fields).all(|((name, captured), (own, here))| {
            name == own
                && match (captured, here) {
                    _ if name == "mesg" => plain(&message(captured)) == plain(&message(here)),
                    (Value::Object(a), Value::Object(_)) if a.get("mesg").is_some() => {
                        same_exception(captured, here)
                    }
                    _ => captured == here,
                }
        })
}

fn message(value: &Value) -> String {
    match value {
        Value::Str(text) => String::from_utf8_lossy(text.as_bytes()).into_owned(),
        // Of a NameError.
        Value::Dumped(text) => String::from_utf8_lossy(text.payload()).into_owned(),
        other => other.to_string(),
    }
}

/// A text with the quotes of newer Rubies, and without addresses in memory.
pub fn plain(text: &str) -> String {
    let text = text.replace('`', "'");
    let mut parts = text.split(":0x");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push_str(part.trim_start_matches(|c: char| c.is_ascii_hexdigit()));
    }
    out
}

/// A reply as text, to be compared with one that is written down. Without the backtrace, which may
/// be one that a peer has given.
pub fn render(streams: &[Vec<u8>]) -> String {
    let values: Vec<String> = streams
        .iter()
        .map(|stream| match load(stream) {
            Value::Object(exception) if exception.get("bt").is_some() => {
                let fields = exception.fields().iter().filter(|(name, _)| *name != "bt");
                Value::from(Object::new(exception.class().clone(), fields.cloned())).to_string()
            }
            other => without_ids(&other.to_string()),
        })
        .collect();
    if values.is_empty() { "the end of the connection".to_owned() } else { values.join(" ") }
}

/// Ids of objects are random.
fn without_ids(text: &str) -> String {
    let mut parts = text.split("@ref=");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_digit());
        out.push_str(if rest.len() < part.len() { "@ref=…" } else { "@ref=" });
        out.push_str(rest);
    }
    out
}

pub fn load(stream: &[u8]) -> Value {
    Value::from_marshal(stream).unwrap()
}

/// The id in the reference that a reply consists of.
pub fn id_of(reply: &[Vec<u8>]) -> Vec<u8> {
    let value = load(&reply[1]);
    match value.as_reference().map(Reference::id) {
        Some(ObjectId::Number(id)) => dump(*id),
        other => panic!("{other:?}"),
    }
}

pub fn dump(value: impl Into<Value>) -> Vec<u8> {
    value.into().to_marshal().unwrap()
}

pub fn same_text(expected: &str, here: &str) -> Result<(), String> {
    if expected == here { Ok(()) } else { Err(format!("{here} instead of {expected}")) }
}

fn replace<'a>(bytes: &[u8], pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for (from, to) in pairs {
        let mut at = 0;
        while let Some(window) = bytes.get_mut(at..at + from.len()) {
            if window == from.as_bytes() {
                window.copy_from_slice(to.as_bytes());
            }
            at += 1;
        }
    }
    bytes
}
