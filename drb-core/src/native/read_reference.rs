//! Reads references: one where a value is loaded, and all that a message has before that.

use super::{
    Held,
    call::HeldObject,
    ext,
    imports::Place,
    reader::{Head, Reader, malformed},
};
use crate::{LoadError, Loader, ObjectId, Reference, Remote, Value};

/// So many bytes take a reference to an object of either side, as this implementation writes it.
const SHORT: usize = 12;

/// A message that refers to so many objects consists of references, as it seems.
const MANY: usize = 256;

/// The places of the objects that a message refers to, each as often as it does.
#[derive(Debug, Default)]
pub struct Mentioned {
    /// Objects of the side that sends the message.
    pub(super) senders: Vec<HeldObject>,
    /// Objects of the side that receives it, which come home.
    pub(super) receivers: Vec<Place>,
}

impl Mentioned {
    fn add(&mut self, whose: u8, place: Place) {
        match whose {
            ext::MINE => self.senders.push((place, None)),
            _ => self.receivers.push(place),
        }
    }
}

impl<'de> Reader<'de> {
    pub(crate) fn reference(&mut self) -> Result<Reference, LoadError> {
        let start = self.rest;
        if let Some((whose, place, rest)) = self.short_reference() {
            self.rest = rest;
            self.budget.take_reference()?;
            return Ok(self.to_place(whose, place));
        }
        match self.head()? {
            Head::Ext(ext::REFERENCE, len) => self.reference_of(len),
            _ => Err(self.other(start, "a reference to a remote object")),
        }
    }

    /// What names an object within a process; on this wire it is no value of its own.
    pub(crate) fn id(&mut self) -> Result<ObjectId, LoadError> {
        self.reference().map(|reference| reference.id().clone())
    }

    /// The objects that are referred to may be taken out of `held`: nothing is loaded twice.
    pub(crate) fn take_from(&mut self, held: &'de mut Held) {
        self.held = held.objects();
    }

    /// Takes a reference to the object that is held for whoever loads what comes next, if that is one.
    pub(crate) fn remote(&mut self) -> Result<Option<Remote>, LoadError> {
        let Some((ext::MINE, place, rest)) = self.short_reference() else { return Ok(None) };
        if self.held.first().is_none_or(|(held, _)| *held != place) {
            return Ok(None);
        }
        let first = self.held.split_off_first_mut();
        let Some(import) = first.and_then(|(_, import)| import.take()) else { return Ok(None) };
        self.rest = rest;
        self.budget.take_reference()?;
        Ok(Some(Remote::new(import, self.to_place(ext::MINE, place))))
    }

    /// A reference as a value, which holds the object as a proxy does.
    pub(super) fn held_reference(&self, reference: Reference) -> Value {
        match self.session {
            None => reference.into(),
            Some(session) => session.remote(reference).into(),
        }
    }

    /// The places of all references to objects of the peer's, as often as they are there.
    pub(super) fn references(mut self) -> Result<Mentioned, LoadError> {
        let mut mentioned = Mentioned::default();
        while !self.rest.is_empty() {
            self.budget.take_nodes(1)?;
            if mentioned.senders.len() == MANY {
                // More of them than that are likely to be all that there is.
                mentioned.senders.reserve(self.rest.len() / SHORT);
            }
            if let Some((whose, place, rest)) = self.short_reference() {
                self.rest = rest;
                self.budget.take_reference()?;
                mentioned.add(whose, place);
                continue;
            }
            match self.head()? {
                Head::Ext(ext::REFERENCE, len) => {
                    let bytes = self.take(len)?;
                    if let Some((&whose @ (ext::MINE | ext::YOURS), place)) = bytes.split_first()
                        && let Ok(place) = place.try_into().map(place_of)
                    {
                        self.budget.take_reference()?;
                        mentioned.add(whose, place);
                    }
                }
                Head::Str(len) | Head::Bytes(len) => self.pass(len)?,
                Head::Ext(_, len) => {
                    self.take(len)?;
                }
                // What is in arrays and maps comes next.
                _ => {}
            }
        }
        Ok(mentioned)
    }

    /// The next value, if it is a reference as this implementation writes it, to an object of either side.
    /// Gives what follows it, too.
    #[inline]
    pub(super) fn short_reference(&self) -> Option<(u8, Place, &'de [u8])> {
        match self.rest.split_first_chunk::<SHORT>()? {
            ([0xc7, 9, ty, whose @ (ext::MINE | ext::YOURS), place @ ..], rest)
                if *ty == ext::REFERENCE as u8 =>
            {
                Some((*whose, place_of(place), rest))
            }
            _ => None,
        }
    }

    pub(super) fn reference_of(&mut self, len: usize) -> Result<Reference, LoadError> {
        let at = self.pos();
        let bytes = self.take(len)?;
        self.budget.take_reference()?;
        let none = || malformed(at, "a reference that is none");
        let (whose, rest) = bytes.split_first().ok_or_else(none)?;
        match *whose {
            whose @ (ext::MINE | ext::YOURS) => {
                let place = rest.try_into().map(place_of).map_err(|_| none())?;
                Ok(self.to_place(whose, place))
            }
            ext::ELSEWHERE => {
                let (len, rest) = rest.split_first_chunk::<2>().ok_or_else(none)?;
                let len = usize::from(u16::from_be_bytes(*len));
                let (uri, id) = rest.split_at_checked(len).ok_or_else(none)?;
                let uri = std::str::from_utf8(uri).map_err(|_| none())?;
                let mut loader = Loader::marshal_with(id, self.budget, None)?;
                let id = loader.object_id()?;
                self.budget = loader.budget();
                Ok(match uri {
                    "" => Reference::without_uri(id),
                    uri => Reference::new(uri, id),
                })
            }
            _ => Err(none()),
        }
    }

    /// The object in a place of one of both sides.
    fn to_place(&self, whose: u8, (slot, generation): Place) -> Reference {
        let table = match whose {
            // What is the sender's there is the peer's here.
            ext::MINE => self.tables.peer_objects,
            _ => self.tables.own_objects,
        };
        Reference::without_uri(ObjectId::Slot { table, slot, generation })
    }
}

pub(super) fn place_of(&[a, b, c, d, e, f, g, h]: &[u8; 8]) -> Place {
    (u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h]))
}
