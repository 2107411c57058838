//! Methods and shapes of structs: each is told once, and goes by its number from then on.

use crate::{
    DumpError, Form, Limit, Limits, LoadError,
    budget::exceeded,
    dispatch::{MethodInfo, ParamKind, Signature},
    native::{
        Tables,
        frame::{self, HEAD, Kind, malformed, put, put_text, take_text, take32},
        head::{LONGEST, Name},
    },
};
use foldhash::fast::RandomState;
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

/// What both sides have told. (The shapes themselves are in the [`Tables`], which are shared.)
pub(super) struct Names {
    /// The numbers of the methods that this side has told: by their names alone, and by the addresses of
    /// what its proxies know of them, which are quicker to look up.
    own: HashMap<String, u32, RandomState>,
    known: BTreeMap<usize, u32>,
    /// The one of these that was looked up last.
    last: Option<(usize, u32)>,
    peer: Vec<Arc<Signature>>,
    /// Bytes of the peer's memory that these take.
    own_memory: usize,
    known_memory: usize,
    /// How many of this side's shapes the peer knows.
    defined: u32,
    /// Bytes of memory that the names and shapes of the peer's take.
    peer_memory: usize,
    limits: Arc<Limits>,
}

/// What a name, a parameter or a shape takes in memory, whatever its length.
const EACH: usize = 64;

/// The kinds of parameters, by the bytes that stand for them.
const KINDS: [ParamKind; 7] = [
    ParamKind::Required,
    ParamKind::Optional,
    ParamKind::Rest,
    ParamKind::KeywordRequired,
    ParamKind::Keyword,
    ParamKind::KeywordRest,
    ParamKind::Block,
];

impl Names {
    pub(super) fn new(limits: &Arc<Limits>) -> Self {
        Self {
            own: HashMap::default(),
            known: BTreeMap::new(),
            last: None,
            peer: Vec::new(),
            own_memory: 0,
            known_memory: 0,
            defined: 0,
            peer_memory: 0,
            limits: Arc::clone(limits),
        }
    }

    /// How to name a method, of which there may be a signature. If it is new, `out` is where it is told.
    pub(super) fn name<'a>(
        &mut self,
        name: &'a str,
        signature: Option<&'static Signature>,
        out: &mut Vec<u8>,
    ) -> Result<Name<'a>, DumpError> {
        let number = match signature.map(Signature::address) {
            Some(address) => match self.last {
                Some((last, number)) if last == address => Some(number),
                _ => {
                    let number = self.known.get(&address).copied();
                    self.last = number.map(|number| (address, number)).or(self.last);
                    number
                }
            },
            None => self.own.get(name).copied(),
        };
        match number {
            Some(number) => Ok(Name::Number(number)),
            None => self.tell(name, signature, out),
        }
    }

    /// The peer's memory is bounded, and names may be anybody's: those of calls that are passed on are those of
    /// whoever has made them. So half of it is for signatures and a quarter for names, and then they go without
    /// a number.
    #[cold]
    fn tell<'a>(
        &mut self,
        name: &'a str,
        signature: Option<&'static Signature>,
        out: &mut Vec<u8>,
    ) -> Result<Name<'a>, DumpError> {
        let number = (self.own.len() + self.known.len()) as u32;
        let Limits { chunk, memory_base, .. } = *self.limits;
        let start = out.len();
        if let Some((signature, info)) = signature.and_then(|own| Some((own, own.info()?))) {
            frame::open(out, Kind::Method, 0);
            put_method(info, out);
            let len = out.len() - start - HEAD;
            let takes = self.known_memory + len + EACH * (1 + info.params.len());
            if len <= chunk && takes <= memory_base / 2 {
                self.known_memory = takes;
                self.known.insert(signature.address(), number);
                frame::close(out, start);
                return Ok(Name::Number(number));
            }
            out.truncate(start);
            if let Some(number) = self.own.get(name) {
                return Ok(Name::Number(*number));
            }
        }
        let takes = self.own_memory + name.len() + EACH;
        if name.len() <= chunk && takes <= memory_base / 4 {
            self.own_memory = takes;
            self.own.insert(name.to_owned(), number);
            frame::open(out, Kind::Name, 0);
            out.extend_from_slice(name.as_bytes());
            frame::close(out, start);
            return Ok(Name::Number(number));
        }
        match name.len() {
            0..=LONGEST => Ok(Name::Text(name)),
            _ => Err(DumpError::custom(format!(
                "the name of a method has more than {LONGEST} bytes"
            ))),
        }
    }

    /// Takes the peer's next method, of which it tells the name.
    pub(super) fn take_name(&mut self, body: &[u8]) -> Result<(), LoadError> {
        let name = std::str::from_utf8(body).map_err(|_| malformed("a name in no UTF-8"))?;
        self.remember(body.len())?;
        self.peer.push(Arc::new(Signature::named(name)));
        Ok(())
    }

    /// Takes the peer's next method, of which it tells what it knows.
    pub(super) fn take_method(&mut self, body: &[u8]) -> Result<(), LoadError> {
        let method = self.take_signature(body)?;
        self.peer.push(Arc::new(method));
        Ok(())
    }

    fn take_signature(&mut self, mut body: &[u8]) -> Result<Signature, LoadError> {
        self.remember(body.len())?;
        let (name, result) = (take_text(&mut body)?, take_text(&mut body)?);
        let mut params = Vec::new();
        while let Some((kind, rest)) = body.split_first() {
            body = rest;
            self.remember(0)?;
            let kind = KINDS.get(usize::from(*kind)).copied();
            let kind = kind.ok_or_else(|| malformed("a parameter of an unknown kind"))?;
            params.push((kind, take_text(&mut body)?, take_text(&mut body)?));
        }
        Ok(Signature::told(name, &params, result))
    }

    /// Tells the peer what this side knows of a method of the peer's.
    pub(super) fn tell_apart(&self, method: &Signature, own: &MethodInfo, out: &mut Vec<u8>) {
        let number = self.peer.iter().position(|peer| std::ptr::eq(&**peer, method));
        let Some(number) = number else { return };
        let start = frame::open(out, Kind::Apart, 0);
        put(out, number as u64);
        put_method(own, out);
        match out.len() - start <= self.limits.chunk {
            true => frame::close(out, start),
            false => out.truncate(start),
        }
    }

    /// Takes what the peer knows of a method of this side's.
    pub(super) fn take_apart(&mut self, mut body: &[u8], tables: &Tables) -> Result<(), LoadError> {
        let number = take32(&mut body)?;
        if number as usize >= self.own.len() + self.known.len() {
            return Err(malformed("word of a method that was not told"));
        }
        let method = self.take_signature(body)?;
        let known = self.known.iter().find(|(_, known)| **known == number);
        if let Some((signature, _)) = known {
            tables.tell_apart(*signature, method.to_string());
        }
        Ok(())
    }

    /// The method that the peer means.
    #[inline]
    pub(super) fn method(&self, name: Name<'_>) -> Result<Arc<Signature>, LoadError> {
        let method = match name {
            Name::Number(number) => self.peer.get(number as usize).cloned(),
            Name::Text(text) => Some(Arc::new(Signature::named(text))),
        };
        method.ok_or_else(|| malformed("a method of an unknown name"))
    }

    /// Tells the peer of the shapes that it is going to need, up to a number.
    #[inline]
    pub(super) fn define(&mut self, shapes: u32, tables: &Tables, out: &mut Vec<u8>) {
        if self.defined < shapes {
            self.define_more(shapes, tables, out);
        }
    }

    fn define_more(&mut self, shapes: u32, tables: &Tables, out: &mut Vec<u8>) {
        while self.defined < shapes
            && let Some((class, form, fields)) = tables.own(self.defined)
        {
            let start = frame::open(out, Kind::Shape, 0);
            out.push(match form {
                Form::Object => 0,
                Form::Struct => 1,
                Form::Hash => 2,
            });
            put_text(out, class);
            for field in fields {
                put_text(out, field);
            }
            frame::close(out, start);
            self.defined += 1;
        }
    }

    /// Takes the peer's next shape.
    pub(super) fn take_shape(&mut self, mut body: &[u8], tables: &Tables) -> Result<(), LoadError> {
        // Each field takes at least a byte of what has arrived.
        self.remember(body.len().saturating_mul(size_of::<String>()))?;
        let (form, rest) = body.split_first().ok_or_else(LoadError::truncated)?;
        let form = match form {
            0 => Form::Object,
            1 => Form::Struct,
            2 => Form::Hash,
            _ => return Err(malformed("a shape of an unknown form")),
        };
        body = rest;
        let class = take_text(&mut body)?.to_owned();
        let mut fields = Vec::new();
        while !body.is_empty() {
            fields.push(take_text(&mut body)?.to_owned());
        }
        tables.define(class, form, fields);
        Ok(())
    }

    /// Takes memory for a name, a parameter or a shape, which is kept as long as the connection.
    fn remember(&mut self, bytes: usize) -> Result<(), LoadError> {
        self.peer_memory += bytes + EACH;
        if self.peer_memory > self.limits.memory_base {
            return Err(exceeded(Limit::Memory, self.limits.memory_base));
        }
        Ok(())
    }
}

/// What this side knows of a method.
fn put_method(info: &MethodInfo, out: &mut Vec<u8>) {
    put_text(out, info.name);
    put_text(out, info.result);
    for param in info.params {
        let kind = KINDS.iter().position(|kind| *kind == param.kind);
        out.push(kind.unwrap_or_default() as u8);
        put_text(out, param.name);
        put_text(out, param.ty);
    }
}
