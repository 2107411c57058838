//! Who may connect, and who may call what: access control lists as Ruby's `ACL`, and more.

mod pattern;

use crate::{Identity, Peer};
use pattern::{Candidate, Pattern};
use std::{net::IpAddr, str::FromStr};

/// An access control list: who may connect, or call.
///
/// It is Ruby's `ACL`, with the same patterns and the same two [orders](AclOrder), and further patterns
/// for what is known of a peer beyond its address:
///
/// - `all` or `*`: everyone;
/// - an address: `192.168.1.7`, `::1`;
/// - a network: `192.168.1.0/24`, `192.168.1.0/255.255.255.0`, `2001:db8::/32`;
/// - an IPv4 address with `*` for one or more of its parts: `192.168.1.*`, `10.*`;
/// - the name of a host, with `*` for one or more of its parts: `*.example.com`. See
///   [`Acl::allows`];
/// - `user:alice`, `user:1000`, `user:*`: a user of this machine, on a Unix socket;
/// - `group:staff`, `group:50`: a process on a Unix socket whose (effective) group that is;
/// - `tls:ruby.example`, `tls:*.example`, `tls:*`: a name in the peer's certificate, with `*` for one or
///   more parts between dots;
/// - `sha256:5a:…`: the certificate with that SHA-256, in hexadecimal digits with or without colons;
/// - `name:backup`: a [`Peer::Named`], which the program has let in.
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
         parts between dots of which `*` replaces whole ones, such as `192.168.1.*`, or what \
         `user:`, `group:`, `tls:`, `sha256:` or `name:` stands before"
    )]
    Pattern {
        /// The pattern.
        pattern: String,
    },
    /// A user or a group that this machine doesn't know.
    #[error("`{pattern}` in an ACL: this machine doesn't know it; a number is taken as it is")]
    Unknown {
        /// The pattern.
        pattern: String,
    },
    /// A method that the object doesn't have.
    #[error("an ACL for the method `{method}`, which {class} doesn't have")]
    Method {
        /// The method.
        method: String,
        /// The object's class.
        class: &'static str,
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
        self.decide(&Candidate::at(address), false)
    }

    /// Whether a peer with this address and this name may connect, for programs that know the
    /// names of their peers from a source that they trust.
    pub fn allows_host(&self, address: IpAddr, name: &str) -> bool {
        self.decide(&Candidate::at(address).at_host(name), false)
    }

    /// Whether a peer may connect, or call. This very process always may.
    ///
    /// ```
    /// use drb_core::{Acl, Identity, Peer};
    ///
    /// let acl = Acl::parse("deny all  allow user:1000")?;
    /// let user = |uid| Identity::Unix { uid, gid: 100, pid: None };
    /// assert!(acl.allows_peer(&Peer::Unix, &user(1000)));
    /// assert!(!acl.allows_peer(&Peer::Unix, &user(1001)));
    /// # Ok::<(), drb_core::AclError>(())
    /// ```
    pub fn allows_peer(&self, peer: &Peer, identity: &Identity) -> bool {
        matches!(peer, Peer::Local) || self.decide(&Candidate::new(peer, Some(identity)), false)
    }

    /// Whether a peer of which only the address is known yet can turn out to be allowed: if not, there is
    /// no use in a handshake.
    pub fn may_allow(&self, peer: &Peer) -> bool {
        matches!(peer, Peer::Local) || self.decide(&Candidate::new(peer, None), true)
    }

    /// The same list with numbers in place of the names of users and groups, which are asked for. Without
    /// this a name counts against a peer, as that of a host does.
    ///
    /// # Errors
    /// [`AclError::Unknown`].
    pub fn resolve(
        mut self,
        user: impl Fn(&str) -> Option<u32>,
        group: impl Fn(&str) -> Option<u32>,
    ) -> Result<Self, AclError> {
        for pattern in self.allow.iter_mut().chain(&mut self.deny) {
            pattern.resolve(&user, &group)?;
        }
        Ok(self)
    }

    /// What nobody can know counts against the peer. What only a handshake will tell, `before` that counts
    /// in its favour.
    fn decide(&self, peer: &Candidate<'_>, before: bool) -> bool {
        let matches = |pattern: &Pattern, unknown: bool| match pattern.matches(peer) {
            Some(matches) => matches,
            None if before && pattern.needs_handshake() => !unknown,
            None => unknown,
        };
        let allowed = || self.allow.iter().any(|pattern| matches(pattern, false));
        let denied = || self.deny.iter().any(|pattern| matches(pattern, true));
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

#[cfg(test)]
mod tests;
