//! The entries of an access control list.

use super::AclError;
use crate::{Identity, Peer};
use std::{
    net::{IpAddr, Ipv6Addr},
    str::FromStr,
};

/// Who wants to connect, or to call.
#[derive(Clone, Copy)]
pub(super) struct Candidate<'a> {
    address: Option<IpAddr>,
    /// The name of its host, where the program knows it.
    host: Option<&'a str>,
    /// What the program calls it.
    name: Option<&'a str>,
    /// `None` as long as it is not known.
    identity: Option<&'a Identity>,
    is_unix: bool,
}

impl<'a> Candidate<'a> {
    pub(super) fn new(peer: &'a Peer, identity: Option<&'a Identity>) -> Self {
        let (address, name) = match peer {
            Peer::Tcp(address) => (Some(address.ip()), None),
            Peer::Named(name) => (None, Some(&**name)),
            Peer::Unix | Peer::Local => (None, None),
        };
        Self { address, host: None, name, identity, is_unix: matches!(peer, Peer::Unix) }
    }

    /// One of which nothing but the address is there to be known.
    pub(super) fn at(address: IpAddr) -> Self {
        let identity = Some(&Identity::Anonymous);
        Self { address: Some(address), host: None, name: None, identity, is_unix: false }
    }

    /// The same with the name of its host.
    pub(super) fn at_host(self, host: &'a str) -> Self {
        Self { host: Some(host), ..self }
    }
}

/// All addresses as IPv6, IPv4 mapped into it: one kind of number to compare.
fn bits(address: IpAddr) -> u128 {
    let address: Ipv6Addr = match address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    };
    address.into()
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Pattern {
    All,
    Network {
        bits: u128,
        mask: u128,
    },
    Address(Parts),
    Host(Parts),
    /// A user of this machine; `None` for each.
    User(Option<Id>),
    Group(Id),
    /// A name in a certificate.
    Tls(Parts),
    Fingerprint([u8; 32]),
    /// What the program calls a peer.
    Named(Box<str>),
}

/// A user or a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Id {
    Number(u32),
    /// One whose number is still to be asked for.
    Name(Box<str>),
}

impl Pattern {
    /// `None` where only something could tell that isn't known.
    pub(super) fn matches(&self, peer: &Candidate<'_>) -> Option<bool> {
        match self {
            Self::All => Some(true),
            Self::Network { bits: network, mask } => {
                Some(peer.address.is_some_and(|address| bits(address) & mask == *network))
            }
            // IPv4 has its own form even if it came mapped into IPv6.
            Self::Address(parts) => Some(
                peer.address
                    .is_some_and(|address| parts.match_text(&address.to_canonical().to_string())),
            ),
            Self::Host(_) if peer.address.is_none() => Some(false),
            Self::Host(parts) => peer.host.map(|host| parts.match_text(host)),
            Self::User(wanted) => match (peer.identity, wanted) {
                (Some(Identity::Unix { .. }), None) => Some(true),
                (Some(Identity::Unix { uid, .. }), Some(wanted)) => wanted.is(*uid),
                // The system hasn't told it.
                _ if peer.is_unix => None,
                _ => Some(false),
            },
            Self::Group(wanted) => match peer.identity {
                Some(Identity::Unix { gid, .. }) => wanted.is(*gid),
                _ if peer.is_unix => None,
                _ => Some(false),
            },
            Self::Tls(parts) => match peer.identity? {
                Identity::Tls(certificate) => {
                    Some(certificate.names().iter().any(|name| parts.match_text(name)))
                }
                _ => Some(false),
            },
            Self::Fingerprint(wanted) => match peer.identity? {
                Identity::Tls(certificate) => Some(certificate.fingerprint() == wanted),
                _ => Some(false),
            },
            Self::Named(wanted) => Some(peer.name.is_some_and(|name| *name == **wanted)),
        }
    }

    /// Whether it is a handshake that tells.
    pub(super) fn needs_handshake(&self) -> bool {
        matches!(self, Self::User(_) | Self::Group(_) | Self::Tls(_) | Self::Fingerprint(_))
    }

    /// Puts numbers in the place of names.
    pub(super) fn resolve(
        &mut self,
        user: &impl Fn(&str) -> Option<u32>,
        group: &impl Fn(&str) -> Option<u32>,
    ) -> Result<(), AclError> {
        match self {
            Self::User(Some(id)) => id.resolve("user", user),
            Self::Group(id) => id.resolve("group", group),
            _ => Ok(()),
        }
    }

    /// What a word before a colon says that it is.
    fn marked(pattern: &str) -> Option<Result<Self, AclError>> {
        let (mark, rest) = pattern.split_once(':')?;
        let found = match mark {
            "user" if rest == "*" => Some(Self::User(None)),
            "user" => Id::parse(rest).map(|id| Self::User(Some(id))),
            "group" => Id::parse(rest).map(Self::Group),
            "tls" => {
                Parts::split(rest, |byte| byte.is_ascii_graphic() && byte != b'*').map(Self::Tls)
            }
            "sha256" => fingerprint(rest).map(Self::Fingerprint),
            "name" => (!rest.is_empty()).then(|| Self::Named(rest.into())),
            _ => return None,
        };
        Some(found.ok_or_else(|| AclError::Pattern { pattern: pattern.to_owned() }))
    }

    fn network(pattern: &str) -> Result<Option<Self>, AclError> {
        let (address, prefix) = match pattern.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (pattern, None),
        };
        let Ok(address) = address.parse::<IpAddr>() else { return Ok(None) };
        let max = if address.is_ipv4() { 32 } else { 128 };
        let length = match prefix {
            Some(prefix) => prefix_length(prefix, address, max)
                .ok_or_else(|| AclError::Prefix { pattern: pattern.to_owned(), max })?,
            None => max,
        };
        let host_bits = u32::from(max - length);
        let mask = u128::MAX.checked_shl(host_bits).unwrap_or(0);
        Ok(Some(Self::Network { bits: bits(address) & mask, mask }))
    }
}

/// The number of bits that `prefix` gives, as `24` or as `255.255.255.0`.
fn prefix_length(prefix: &str, address: IpAddr, max: u8) -> Option<u8> {
    if prefix.bytes().all(|byte| byte.is_ascii_digit()) {
        return prefix.parse().ok().filter(|length| *length <= max);
    }
    let (ones, total) = match (address, prefix.parse().ok()?) {
        (IpAddr::V4(_), IpAddr::V4(mask)) => {
            let mask = u32::from(mask);
            (mask.leading_ones(), mask.count_ones())
        }
        (IpAddr::V6(_), IpAddr::V6(mask)) => {
            let mask = u128::from(mask);
            (mask.leading_ones(), mask.count_ones())
        }
        _ => return None,
    };
    if ones == total { u8::try_from(ones).ok() } else { None }
}

impl FromStr for Pattern {
    type Err = AclError;

    fn from_str(pattern: &str) -> Result<Self, AclError> {
        if pattern == "*" || pattern == "all" {
            return Ok(Self::All);
        }
        if let Some(network) = Self::network(pattern)? {
            return Ok(network);
        }
        if let Some(marked) = Self::marked(pattern) {
            return marked;
        }
        let refused = || AclError::Pattern { pattern: pattern.to_owned() };
        let parts = Parts::parse(pattern).ok_or_else(refused)?;
        if !parts.all_numbers() {
            return Ok(Self::Host(parts));
        }
        // Without `*`, or with more parts than an address has, it is a mistyped address.
        if parts.is_possible_address() { Ok(Self::Address(parts)) } else { Err(refused()) }
    }
}

impl Id {
    /// A number, or a name as systems have them.
    fn parse(text: &str) -> Option<Self> {
        if text.is_empty() || text.contains(['*', ':']) {
            return None;
        }
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            return text.parse().ok().map(Self::Number);
        }
        Some(Self::Name(text.into()))
    }

    fn resolve(
        &mut self,
        kind: &str,
        number: impl Fn(&str) -> Option<u32>,
    ) -> Result<(), AclError> {
        if let Self::Name(name) = self {
            let unknown = || AclError::Unknown { pattern: format!("{kind}:{name}") };
            *self = Self::Number(number(name).ok_or_else(unknown)?);
        }
        Ok(())
    }

    fn is(&self, number: u32) -> Option<bool> {
        match self {
            Self::Number(wanted) => Some(*wanted == number),
            Self::Name(_) => None,
        }
    }
}

/// 64 hexadecimal digits, with or without colons between the bytes.
fn fingerprint(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    let mut rest = text;
    for (place, byte) in bytes.iter_mut().enumerate() {
        if place > 0 {
            rest = rest.strip_prefix(':').unwrap_or(rest);
        }
        let (digits, behind) = rest.split_at_checked(2)?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        *byte = u8::from_str_radix(digits, 16).ok()?;
        rest = behind;
    }
    rest.is_empty().then_some(bytes)
}

/// What stands between dots. `None` is a `*`, which stands for one or more parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parts(Vec<Option<Box<str>>>);

impl Parts {
    fn parse(pattern: &str) -> Option<Self> {
        Self::split(pattern, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    }

    /// Parts of such bytes, or a `*` for one.
    fn split(pattern: &str, allowed: impl Fn(u8) -> bool) -> Option<Self> {
        let part = |part: &str| match part {
            "*" => Some(None),
            "" => None,
            _ => part.bytes().all(&allowed).then(|| Some(part.into())),
        };
        pattern.split('.').map(part).collect::<Option<_>>().map(Self)
    }

    fn literals(&self) -> impl Iterator<Item = &str> {
        self.0.iter().flatten().map(AsRef::as_ref)
    }

    fn all_numbers(&self) -> bool {
        self.literals().all(|part| part.bytes().all(|byte| byte.is_ascii_digit()))
    }

    fn is_possible_address(&self) -> bool {
        let canonical = |part: &str| part.parse::<u8>().is_ok_and(|byte| byte.to_string() == part);
        self.0.contains(&None) && self.0.len() <= 4 && self.literals().all(canonical)
    }

    /// Letters of either case are equal, as in the names of hosts.
    fn match_text(&self, text: &str) -> bool {
        let parts: Vec<&str> = text.split('.').collect();
        let (mut pattern, mut at) = (0, 0);
        // Where the last `*` is, and the part up to which it reaches for now. Only the last one
        // has to be stretched: what comes before it has found its first match, which is the best.
        let mut star: Option<(usize, usize)> = None;
        while let Some(part) = parts.get(at) {
            match self.0.get(pattern) {
                Some(None) => {
                    star = Some((pattern, at));
                    (pattern, at) = (pattern + 1, at + 1);
                }
                Some(Some(literal)) if literal.eq_ignore_ascii_case(part) => {
                    (pattern, at) = (pattern + 1, at + 1);
                }
                _ => match &mut star {
                    Some((begin, reach)) => {
                        *reach += 1;
                        (pattern, at) = (*begin + 1, *reach + 1);
                    }
                    None => return false,
                },
            }
        }
        pattern == self.0.len()
    }
}
