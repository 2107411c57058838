//! Names of methods and shapes of structs: each is told once, and goes by its number from then on.

use crate::{
    DumpError, Form, Limit, Limits, LoadError,
    budget::exceeded,
    native::{
        Tables,
        frame::{self, Kind, malformed, put_text, take_text},
    },
};
use foldhash::fast::RandomState;
use std::{collections::HashMap, sync::Arc};

/// What both sides have told. (The shapes themselves are in the [`Tables`], which are shared.)
pub(super) struct Names {
    /// The numbers of the names of methods that this side has told.
    own: HashMap<String, u32, RandomState>,
    peer: Vec<Arc<str>>,
    /// How many of this side's shapes the peer knows.
    defined: u32,
    /// Bytes of memory that the names and shapes of the peer's take.
    peer_memory: usize,
    limits: Limits,
}

/// What a name or a shape takes in memory, whatever its length.
const EACH: usize = 64;

impl Names {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            own: HashMap::default(),
            peer: Vec::new(),
            defined: 0,
            peer_memory: 0,
            limits: *limits,
        }
    }

    /// The number of a method's name. If it is new, `out` is where it is told.
    pub(super) fn number(&mut self, name: &str, out: &mut Vec<u8>) -> Result<u32, DumpError> {
        if let Some(number) = self.own.get(name) {
            return Ok(*number);
        }
        let most = self.limits.symbols;
        if self.own.len() >= most || name.len() > self.limits.chunk {
            return Err(DumpError::limit(Limit::Symbols, most));
        }
        let number = self.own.len() as u32;
        self.own.insert(name.to_owned(), number);
        let start = frame::open(out, Kind::Name, 0);
        out.extend_from_slice(name.as_bytes());
        frame::close(out, start);
        Ok(number)
    }

    /// Takes the peer's next name.
    pub(super) fn take_name(&mut self, body: &[u8]) -> Result<(), LoadError> {
        let name = std::str::from_utf8(body).map_err(|_| malformed("a name in no UTF-8"))?;
        self.remember(body.len())?;
        self.peer.push(name.into());
        Ok(())
    }

    /// The name that the peer has told under a number.
    pub(super) fn peer(&self, number: u32) -> Result<Arc<str>, LoadError> {
        let name = self.peer.get(number as usize).cloned();
        name.ok_or_else(|| malformed("a method of an unknown name"))
    }

    /// Tells the peer of the shapes that it is going to need, up to a number.
    pub(super) fn define(&mut self, shapes: u32, tables: &Tables, out: &mut Vec<u8>) {
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

    /// Takes memory for a name or a shape, which is kept as long as the connection.
    fn remember(&mut self, bytes: usize) -> Result<(), LoadError> {
        self.peer_memory += bytes + EACH;
        if self.peer_memory > self.limits.memory_base {
            return Err(exceeded(Limit::Memory, self.limits.memory_base));
        }
        Ok(())
    }
}
