//! Reads references: `DRb::DRbObject`, whose string is a Marshal stream of an array of the URI and
//! the id.

use super::{REFERENCE, REFERENCE_ALIAS, URI_OPTION, reader::Reader, walk::walk_pairs};
use crate::{LoadError, ObjectId, Reference, Value, load::Kind};
use std::sync::Arc;

impl<'de> Reader<'de> {
    pub(crate) fn reference(&mut self) -> Result<Reference, LoadError> {
        if self.kind()? != Kind::Reference {
            return Err(self.mismatch("a reference to a remote object"));
        }
        self.begin()?;
        let mut kind = self.stream.cursor.byte()?;
        let mut jump = None;
        if kind == b'@' {
            jump = Some(self.jump()?);
            kind = self.stream.cursor.byte()?;
        }
        let ivars = kind == b'I';
        while kind != b'u' {
            if matches!(kind, b'e' | b'C') {
                self.symbol_span()?;
            }
            kind = self.stream.cursor.byte()?;
        }
        if !matches!(self.name()?, REFERENCE | REFERENCE_ALIAS) {
            // What another process could not load, and passes on.
            let payload = self.stream.cursor.sized()?;
            let outer = self.enter(payload)?;
            let reference = self.reference();
            self.leave(outer);
            return self.referred(reference?, ivars, jump);
        }
        let payload = self.stream.cursor.sized()?;
        self.budget.take_reference()?;
        let reference = self.reference_of(payload)?;
        self.referred(reference, ivars, jump)
    }

    /// Ends what `reference` has begun.
    fn referred(
        &mut self,
        reference: Reference,
        ivars: bool,
        jump: Option<super::reader::Jump>,
    ) -> Result<Reference, LoadError> {
        if ivars {
            walk_pairs(self)?;
        }
        self.stream.objects += 1;
        if let Some(jump) = jump {
            self.jump_back(jump);
        }
        Ok(reference)
    }

    /// The reference whose class has made `payload` of it.
    pub(super) fn reference_of(&mut self, payload: &'de [u8]) -> Result<Reference, LoadError> {
        let depth = self.depth;
        let tails = self.tails();
        let outer = self.enter(payload)?;
        let reference = self.uri_and_id();
        self.leave(outer);
        // Reading goes on even where this is no reference, and was left in the middle.
        self.depth = depth;
        self.forget_tails(tails);
        reference
    }

    fn uri_and_id(&mut self) -> Result<Reference, LoadError> {
        let len = self.array()?;
        if len != 2 {
            return Err(LoadError::custom("a reference that is no pair of a URI and an id"));
        }
        let uri: Option<Arc<str>> = match self.take_nil()? {
            true => None,
            false => Some(self.str()?.into()),
        };
        let id = self.id()?;
        self.end()?;
        Ok(match uri {
            Some(uri) => Reference::new(uri, id),
            None => Reference::without_uri(id),
        })
    }

    /// Takes what names an object within its process.
    pub(crate) fn id(&mut self) -> Result<ObjectId, LoadError> {
        Ok(match &self.value()? {
            Value::Nil => ObjectId::Front,
            Value::Int(number) => ObjectId::Number(*number),
            Value::Object(object)
                if object.class().as_bytes() == URI_OPTION
                    && let Some(name) = object.get("option").and_then(Value::as_str) =>
            {
                ObjectId::Name(name.into())
            }
            other => {
                let bytes = other.to_marshal().map_err(|e| LoadError::custom(e.to_string()))?;
                ObjectId::Opaque(bytes.into())
            }
        })
    }
}
