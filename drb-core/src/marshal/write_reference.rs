//! Writes references to objects.

use super::{REFERENCE, URI_OPTION, writer::Writer};
use crate::{DumpError, Limit, Limits, ObjectId, Reference};

impl Writer<'_> {
    /// A reference as it is.
    pub(crate) fn reference(&mut self, reference: &Reference) -> Result<(), DumpError> {
        self.count_reference()?;
        let mut payload = Vec::with_capacity(64);
        let mut writer = Writer::new(&mut payload, &Limits::default(), None);
        writer.array(2)?;
        match reference.uri() {
            Some(uri) => writer.str(uri),
            None => writer.nil(),
        }
        writer.id(reference.id())?;
        writer.end();
        writer.finish()?;
        self.out.push(b'u');
        self.symbol_bytes(REFERENCE);
        self.sized(&payload);
        self.objects += 1;
        Ok(())
    }

    /// What names an object within its process.
    pub(crate) fn id(&mut self, id: &ObjectId) -> Result<(), DumpError> {
        match id {
            ObjectId::Front => self.nil(),
            ObjectId::Number(number) => self.int(*number),
            ObjectId::Name(name) => self.uri_option(name),
            ObjectId::Opaque(stream) => self.opaque(stream)?,
            ObjectId::Slot { .. } | ObjectId::Promise { .. } => {
                return Err(DumpError::custom(
                    "an object of a native connection has no name elsewhere",
                ));
            }
        }
        Ok(())
    }

    fn uri_option(&mut self, name: &str) {
        self.objects += 1;
        self.out.push(b'o');
        self.symbol_bytes(URI_OPTION);
        self.out.push(6);
        self.symbol_bytes(b"@option");
        self.str(name);
    }

    /// A value that is a stream already.
    fn opaque(&mut self, stream: &[u8]) -> Result<(), DumpError> {
        let value = crate::Value::from_marshal(stream)
            .map_err(|error| DumpError::custom(format!("a reference's id: {error}")))?;
        self.value(&value)
    }

    pub(super) fn count_reference(&mut self) -> Result<(), DumpError> {
        self.references += 1;
        if self.references > self.max_references {
            return Err(DumpError::limit(Limit::References, self.max_references));
        }
        Ok(())
    }
}
