//! `bytes`, with the feature `bytes`: strings of bytes.

use crate::{Dump, DumpError, Dumper, Load, LoadError, Loader};
use bytes::{Bytes, BytesMut};

by_value!([] Bytes, [] BytesMut);

impl Dump for Bytes {
    fn dump(&self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        dumper.bytes(self)
    }
}

impl Load for Bytes {
    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError> {
        Vec::load(loader).map(Self::from)
    }
}

impl Dump for BytesMut {
    fn dump(&self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        dumper.bytes(self)
    }
}

impl Load for BytesMut {
    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError> {
        Vec::<u8>::load(loader).map(|bytes| Self::from(bytes.as_slice()))
    }
}
