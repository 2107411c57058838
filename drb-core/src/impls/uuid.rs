//! `uuid`, with the feature `uuid`: strings such as `67e55044-10b1-426f-9247-bb680e5fe0c8`.

use crate::{Dump, DumpError, Dumper, Load, LoadError, Loader};
use uuid::Uuid;

by_value!([] Uuid);

impl Dump for Uuid {
    fn dump(&self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        dumper.str(self.hyphenated().encode_lower(&mut Self::encode_buffer()))
    }
}

impl Load for Uuid {
    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError> {
        let text = loader.str()?;
        text.parse().map_err(|error| LoadError::custom(format!("{text:?} is no UUID: {error}")))
    }
}
