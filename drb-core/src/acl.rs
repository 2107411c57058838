//! Who may connect: access control lists as Ruby's `ACL`.

use std::{
    net::{IpAddr, Ipv6Addr},
    str::FromStr,
};

/// An access control list: which addresses may connect.
///
/// It is Ruby's `ACL`, with the same patterns and the same two [orders](AclOrder):
///
/// - `all` or `*`: everyone;
/// - an address: `192.168.1.7`, `::1`;
/// - a network: `192.168.1.0/24`, `192.168.1.0/255.255.255.0`, `2001:db8::/32`;
/// - an IPv4 address with `*` for one or more of its parts: `192.168.1.*`, `10.*`;
/// - the name of a host, with `*` for one or more of its parts: `*.example.com`. See
///   [`Acl::allows`].
///
/// IPv4 addresses and IPv4 addresses mapped into IPv6 (`::ffff:192.168.1.7`) are the same, in a
/// pattern as well as in what it is compared with.
///
/// ```
/// use drb_core::Acl;
///
/// let acl = Acl::parse("deny all  allow 192.168.1.*  allow ::1")?;
/// assert!(acl.allows("192.168.1.7".parse()?));
/// assert!(!acl.allows("10.0.0.1".parse()?));
///
/// let same = Acl::deny_all().allow("192.168.1.*")?.allow("::1")?;
/// assert_eq!(acl, same);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Acl {
    order: AclOrder,
    allow: Vec<Pattern>,
    deny: Vec<Pattern>,
}

/// Which half of an [`Acl`] is asked first, and what holds for those that are in neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum AclOrder {
    /// Who is in `allow` may; else, who is in `deny` may not; everyone else may.
    #[default]
    DenyAllow,
    /// Who is in `deny` may not; else, who is in `allow` may; everyone else may not.
    AllowDeny,
}

/// An entry of an [`Acl`] that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AclError {
    /// Something else stands where a permission has to be.
    #[error("`{word}` in an ACL: an entry begins with `allow` or `deny`")]
    Permission {
        /// What stands there.
        word: String,
    },
    /// The list ends after a permission.
    #[error("`{permission}` at the end of an ACL needs a pattern, such as `all` or `192.168.1.*`")]
    Incomplete {
        /// The permission.
        permission: String,
    },
    /// A pattern that is no address, network, or name.
    #[error(
        "`{pattern}` in an ACL: expected `all`, an address, a network such as `192.168.1.0/24`, \
         or parts between dots of which `*` replaces whole ones, such as `192.168.1.*`"
    )]
    Pattern {
        /// The pattern.
        pattern: String,
    },
    /// A network whose mask or prefix length is wrong.
    #[error(
        "`{pattern}` in an ACL: behind the `/` stands a number of bits from 0 to {max}, or a mask \
         whose ones all come first"
    )]
    Prefix {
        /// The pattern.
        pattern: String,
        /// How many bits an address of that kind has.
        max: u8,
    },
}

impl Acl {
    /// An empty list: with [`AclOrder::DenyAllow`] it allows everyone, with
    /// [`AclOrder::AllowDeny`] nobody.
    pub fn new(order: AclOrder) -> Self {
        Self { order, ..Self::default() }
    }

    /// A list that allows nobody, until [`Acl::allow`] names somebody.
    pub fn deny_all() -> Self {
        Self { deny: vec![Pattern::All], ..Self::default() }
    }

    /// Reads `allow` and `deny` entries, in any number of lines. What follows a `#` in a line is
    /// a comment. The order is [`AclOrder::DenyAllow`], as in Ruby; [`Acl::with_order`] changes it.
    ///
    /// # Errors
    /// The first entry that cannot be used.
    pub fn parse(text: &str) -> Result<Self, AclError> {
        let code = text.lines().map(|line| line.split('#').next().unwrap_or_default());
        let mut words = code.flat_map(str::split_whitespace);
        let mut acl = Self::default();
        while let Some(permission) = words.next() {
            let list = match permission.to_ascii_lowercase().as_str() {
                "allow" => &mut acl.allow,
                "deny" => &mut acl.deny,
                _ => return Err(AclError::Permission { word: permission.to_owned() }),
            };
            let pattern = words
                .next()
                .ok_or_else(|| AclError::Incomplete { permission: permission.to_owned() })?;
            list.push(pattern.parse()?);
        }
        Ok(acl)
    }

    /// Adds a pattern to those that are allowed.
    ///
    /// # Errors
    /// The pattern cannot be used.
    pub fn allow(mut self, pattern: &str) -> Result<Self, AclError> {
        self.allow.push(pattern.parse()?);
        Ok(self)
    }

    /// Adds a pattern to those that are denied.
    ///
    /// # Errors
    /// The pattern cannot be used.
    pub fn deny(mut self, pattern: &str) -> Result<Self, AclError> {
        self.deny.push(pattern.parse()?);
        Ok(self)
    }

    /// The same entries in another order.
    #[must_use]
    pub fn with_order(mut self, order: AclOrder) -> Self {
        self.order = order;
        self
    }

    /// Whether a peer with this address may connect.
    ///
    /// A server asks this, and never asks a name server who the peer says it is. So an entry with
    /// the name of a host cannot be decided here, and counts against the peer: it allows nobody,
    /// and it denies everybody. (In Ruby it allows nobody and denies nobody.)
    pub fn allows(&self, address: IpAddr) -> bool {
        self.decide(&Candidate::new(address, None))
    }

    /// Whether a peer with this address and this name may connect, for programs that know the
    /// names of their peers from a source that they trust.
    pub fn allows_host(&self, address: IpAddr, name: &str) -> bool {
        self.decide(&Candidate::new(address, Some(name)))
    }

    fn decide(&self, peer: &Candidate<'_>) -> bool {
        let allowed = || self.allow.iter().any(|pattern| pattern.matches(peer) == Some(true));
        let denied = || self.deny.iter().any(|pattern| pattern.matches(peer) != Some(false));
        match self.order {
            AclOrder::DenyAllow => allowed() || !denied(),
            AclOrder::AllowDeny => !denied() && allowed(),
        }
    }
}

impl FromStr for Acl {
    type Err = AclError;

    fn from_str(text: &str) -> Result<Self, AclError> {
        Self::parse(text)
    }
}

/// Who wants to connect, in the forms in which patterns are compared.
struct Candidate<'a> {
    bits: u128,
    /// The address as text. IPv4 has its own form even if it came mapped into IPv6.
    text: String,
    name: Option<&'a str>,
}

impl<'a> Candidate<'a> {
    fn new(address: IpAddr, name: Option<&'a str>) -> Self {
        Self { bits: bits(address), text: address.to_canonical().to_string(), name }
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
enum Pattern {
    All,
    Network { bits: u128, mask: u128 },
    Address(Parts),
    Name(Parts),
}

impl Pattern {
    /// `None` where only the peer's name could tell.
    fn matches(&self, peer: &Candidate<'_>) -> Option<bool> {
        match self {
            Self::All => Some(true),
            Self::Network { bits, mask } => Some(peer.bits & mask == *bits),
            Self::Address(parts) => Some(parts.match_text(&peer.text)),
            Self::Name(parts) => peer.name.map(|name| parts.match_text(name)),
        }
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
        let refused = || AclError::Pattern { pattern: pattern.to_owned() };
        let parts = Parts::parse(pattern).ok_or_else(refused)?;
        if !parts.all_numbers() {
            return Ok(Self::Name(parts));
        }
        // Without `*`, or with more parts than an address has, it is a mistyped address.
        if parts.is_possible_address() { Ok(Self::Address(parts)) } else { Err(refused()) }
    }
}

/// What stands between dots. `None` is a `*`, which stands for one or more parts.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Parts(Vec<Option<Box<str>>>);

impl Parts {
    fn parse(pattern: &str) -> Option<Self> {
        let part = |part: &str| match part {
            "*" => Some(None),
            "" => None,
            _ => part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
                .then(|| Some(part.into())),
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

#[cfg(test)]
mod tests;
