//! `bytes`: strings of bytes that are shared, not copied.

use crate::{Dump, DumpError, Dumper, Load, LoadError, Loader};
use bytes::{Bytes, BytesMut};

by_value!([] Bytes, [] BytesMut);

impl Dump for Bytes {
    fn dump(&self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        dumper.own_bytes(self.clone())
    }

    fn dump_own(self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        dumper.own_bytes(self)
    }
}

impl Load for Bytes {
    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError> {
        loader.shared_bytes()
    }
}

impl Dump for BytesMut {
    fn dump(&self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        dumper.bytes(self)
    }

    fn dump_own(self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        dumper.own_bytes(self.freeze())
    }
}

impl Load for BytesMut {
    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError> {
        loader.shared_bytes().map(Self::from)
    }
}
