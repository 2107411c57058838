//! Writes symbols: each once, and then its number.

use super::writer::Writer;
use crate::value::Encoding;
use std::collections::BTreeMap;

impl Writer<'_> {
    pub(crate) fn symbol(&mut self, name: &str) {
        if name.is_ascii() {
            self.symbol_bytes(name.as_bytes());
        } else {
            self.encoded_symbol(name.as_bytes(), &Encoding::Utf8);
        }
    }

    /// A symbol of ASCII (or of bytes without an encoding); gives its number.
    #[inline]
    pub(super) fn symbol_bytes(&mut self, name: &[u8]) -> usize {
        match self.symbols.find_or_add(name, 0) {
            Ok(number) => {
                self.symbol_link(number);
                number
            }
            Err(number) => {
                self.out.push(b':');
                self.sized(name);
                number
            }
        }
    }

    /// A symbol with an encoding, which is not of ASCII only; gives its number.
    pub(super) fn encoded_symbol(&mut self, name: &[u8], encoding: &Encoding) -> usize {
        let coding = self.shared.coding(encoding);
        match self.symbols.find_or_add(name, coding) {
            Ok(number) => {
                self.symbol_link(number);
                number
            }
            Err(number) => {
                self.out.extend_from_slice(b"I:");
                self.sized(name);
                self.out.push(6);
                self.encoding(encoding);
                number
            }
        }
    }

    #[inline]
    pub(super) fn symbol_link(&mut self, number: usize) {
        self.out.push(b';');
        self.long(number as i64);
    }
}

/// The symbols that have been written, by name and encoding.
#[derive(Default)]
pub(super) struct Symbols {
    /// The names of the first few, which are searched one by one.
    names: Vec<u8>,
    /// Where each of these ends, and its encoding.
    ends: Vec<(usize, usize)>,
    /// All of them, once there are many: encodings and numbers by name.
    index: BTreeMap<Box<[u8]>, Vec<(usize, usize)>>,
    count: usize,
}

/// From how many symbols on they are looked up.
const MANY: usize = 16;

impl Symbols {
    /// The number of a symbol: `Ok` if it has been written, `Err` if it is new.
    #[inline]
    fn find_or_add(&mut self, name: &[u8], coding: usize) -> Result<usize, usize> {
        if self.count >= MANY {
            return self.look_up(name, coding);
        }
        let mut start = 0;
        for (number, (end, own)) in self.ends.iter().enumerate() {
            if *own == coding && self.names.get(start..*end) == Some(name) {
                return Ok(number);
            }
            start = *end;
        }
        self.names.extend_from_slice(name);
        self.ends.push((self.names.len(), coding));
        self.count += 1;
        Err(self.count - 1)
    }

    fn look_up(&mut self, name: &[u8], coding: usize) -> Result<usize, usize> {
        if self.index.is_empty() {
            let mut start = 0;
            for (number, (end, coding)) in self.ends.iter().enumerate() {
                let name = self.names.get(start..*end).unwrap_or_default();
                self.index.entry(name.into()).or_default().push((*coding, number));
                start = *end;
            }
        }
        let known = self.index.get(name).into_iter().flatten().find(|(own, _)| *own == coding);
        if let Some((_, number)) = known {
            return Ok(*number);
        }
        self.index.entry(name.into()).or_default().push((coding, self.count));
        self.count += 1;
        Err(self.count - 1)
    }
}
