//! `bytes`: strings of bytes that are shared, not copied.

use crate::{Arg, Dump, DumpError, Dumper, Load, LoadError, Loader};
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

macro_rules! as_bytes {
    ($($param:ty: $($form:ty)*);* $(;)?) => {$($(
        impl Arg<$param> for $form {
            fn dump_arg(self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
                Arg::<$form>::dump_arg(self, dumper)
            }
        }
    )*)*};
}

// On the wires they are the same.
as_bytes! {
    Bytes: Vec<u8> &Vec<u8> &[u8];
    Vec<u8>: Bytes &Bytes;
}
