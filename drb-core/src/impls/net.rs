//! Addresses, as texts.

use crate::{Dump, DumpError, Dumper, Load, LoadError, Loader};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

macro_rules! texts {
    ($($ty:ty, $what:literal;)*) => {$(
        impl Dump for $ty {
            fn dump(&self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
                dumper.str(&self.to_string())
            }
        }

        impl Load for $ty {
            fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError> {
                let text = loader.str()?;
                text.parse()
                    .map_err(|_| LoadError::custom(format!("{text:?} is no {}", $what)))
            }
        }

        by_value!([] $ty);
    )*};
}

texts! {
    IpAddr, "IP address";
    Ipv4Addr, "IPv4 address";
    Ipv6Addr, "IPv6 address";
    SocketAddr, "IP address with a port";
}
