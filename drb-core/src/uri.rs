//! Addresses as Ruby's drb writes them.

use crate::{Error, Wire};
use std::{fmt, path::PathBuf, str::FromStr};

/// Where an SSH server listens.
const SSH_PORT: u16 = 22;

/// A URI that a server listens on or an object is called at.
///
/// - `druby://host:port`: TCP. The port 0 is for listening: the system picks one.
/// - `druby://:port`: listens on all addresses of the machine.
/// - `druby://::1:8787`: IPv6 as Ruby writes it; `druby://[::1]:8787` means the same.
/// - `drbunix:/path`: a Unix socket; `drbunix:` listens at a new path below `/tmp`.
/// - `drb://host:port`, `drb+unix:/path`: the same places over the native wire.
/// - `drbssl://host:port`, `drbs://host:port`: both wires within TLS (feature `tls` of the crate `drb`).
/// - `drbfire://host:port`: Ruby's drbfire, over TCP or within TLS, which such a URI doesn't say (feature `fire` of
///   the crate `drb`). In references `?` is followed by the number that the server there has given to a client.
/// - `drb+local:name`: a server of this very process; `drb+local:` listens under a new name.
/// - `drb+ssh://user@host:port/place`: over the native wire through an SSH server (feature `ssh` of the crate `drb`).
///   The place is one as seen from there: `host:port`, or the path of a Unix socket
///   (`drb+ssh://host//run/socket`). Without a user or a port it is as for `ssh`.
/// - `…?name`: the object with that name, rather than the front object.
///
/// ```
/// use drb_core::{Address, Uri};
///
/// let uri: Uri = "druby://localhost:9000?config".parse()?;
/// assert_eq!(uri.address, Address::Tcp { host: "localhost".into(), port: 9000 });
/// assert_eq!(uri.option.as_deref(), Some("config"));
/// assert_eq!(uri.to_string(), "druby://localhost:9000?config");
/// # Ok::<_, drb_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Uri {
    /// The protocol that is spoken there.
    pub wire: Wire,
    /// Whether it is spoken within TLS.
    pub tls: bool,
    /// Whether connections begin in the manner of drbfire. The URI then doesn't say whether there is TLS.
    pub fire: bool,
    /// Where the process is reached.
    pub address: Address,
    /// What follows the `?`: the name of an object. In a reference of drbfire, the number of a client.
    pub option: Option<String>,
}

/// Where a process is reached.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Address {
    /// Over TCP.
    Tcp {
        /// A name, an IPv4 or an IPv6 address (without brackets), or nothing for all addresses of
        /// this machine.
        host: String,
        /// The port.
        port: u16,
    },
    /// Over a Unix socket.
    Unix {
        /// The path; empty for a new one below `/tmp`.
        path: PathBuf,
    },
    /// Through an SSH server.
    Ssh {
        /// Who logs in there, if the URI says so.
        user: Option<String>,
        /// The server's name, or its address (without brackets).
        host: String,
        /// The server's port; 22 unless the URI says otherwise.
        port: u16,
        /// Where the process is reached from there: over TCP, or at a Unix socket.
        place: Box<Self>,
    },
    /// Within this process.
    Local {
        /// The server's name; empty for a new one.
        name: String,
    },
}

impl Uri {
    /// Understands a URI.
    ///
    /// # Errors
    /// [`Error::BadUri`], which says what to change.
    pub fn parse(uri: &str) -> Result<Self, Error> {
        let bad = |problem| Error::BadUri { uri: uri.to_owned(), problem };
        let tcp = TCP.iter().find_map(|&(scheme, wire, tls, fire)| {
            let rest = uri.strip_prefix(scheme)?.strip_prefix("://")?;
            Some((wire, tls, fire, rest))
        });
        if let Some((wire, tls, fire, rest)) = tcp {
            let (place, option) = split_option(rest);
            let address = tcp_place(place).map_err(bad)?;
            return Ok(Self { wire, tls, fire, address, option });
        }
        let (wire, unix) = match (uri.strip_prefix("drbunix:"), uri.strip_prefix("drb+unix:")) {
            (Some(rest), _) => (Wire::Ruby, Some(rest)),
            (None, rest) => (Wire::Native, rest),
        };
        if let Some(rest) = unix {
            let (path, option) = split_option(rest);
            if path.contains('\0') {
                return Err(bad("a path has no zero byte in it"));
            }
            let address = Address::Unix { path: PathBuf::from(path) };
            return Ok(Self { wire, tls: false, fire: false, address, option });
        }
        if let Some(rest) = uri.strip_prefix("drb+ssh://") {
            let (rest, option) = split_option(rest);
            let address = ssh_place(rest).map_err(bad)?;
            return Ok(Self { wire: Wire::Native, tls: false, fire: false, address, option });
        }
        if let Some(rest) = uri.strip_prefix("drb+local:") {
            let (name, option) = split_option(rest);
            let address = Address::Local { name: name.to_owned() };
            return Ok(Self { wire: Wire::Native, tls: false, fire: false, address, option });
        }
        Err(bad(
            "it doesn't begin with drb://, druby://, drbs://, drbssl://, drbfire://, drb+unix:, \
             drbunix:, drb+ssh:// or drb+local:",
        ))
    }

    /// The URI of the process's front object, over a wire.
    pub fn front(&self, wire: Wire) -> String {
        let fire = self.fire && wire == Wire::Ruby;
        Self { wire, fire, option: None, ..self.clone() }.to_string()
    }

    /// The same way to another address.
    #[must_use]
    pub fn at(&self, address: Address) -> Self {
        Self { address, option: None, ..self.clone() }
    }
}

/// What stands before `://`, and what it means: the wire, and whether it is within TLS and by drbfire.
const TCP: [(&str, Wire, bool, bool); 5] = [
    ("druby", Wire::Ruby, false, false),
    ("drb", Wire::Native, false, false),
    ("drbssl", Wire::Ruby, true, false),
    ("drbs", Wire::Native, true, false),
    ("drbfire", Wire::Ruby, false, true),
];

/// `host:port`.
fn tcp_place(place: &str) -> Result<Address, &'static str> {
    let (host, port) = place
        .rsplit_once(':')
        .ok_or("the port is missing; write druby://host:port, or port 0 for any free one")?;
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    Ok(Address::Tcp { host: self::host(host)?, port: self::port(port)? })
}

/// `user@host:port/place`.
fn ssh_place(rest: &str) -> Result<Address, &'static str> {
    const MISSING: &str = "what is called behind the SSH server is missing; \
        write drb+ssh://user@host/localhost:9000, or drb+ssh://user@host//path for a Unix socket";
    let (server, place) = rest.split_once('/').ok_or(MISSING)?;
    let (user, server) = match server.rsplit_once('@') {
        Some((user, server)) => (Some(user), server),
        None => (None, server),
    };
    if user.is_some_and(|user| user.is_empty() || user.contains(char::is_whitespace)) {
        return Err("what stands before the @ is no name of a user");
    }
    let (host, port) = match (server.strip_prefix('['), server.rsplit_once(':')) {
        (Some(server), _) => {
            let (host, port) = server.split_once(']').ok_or("a ] is missing")?;
            (
                host,
                if port.is_empty() { None } else { Some(port.strip_prefix(':').unwrap_or(port)) },
            )
        }
        // An address of IPv6, which has a port only behind brackets.
        (None, Some((host, _))) if host.contains(':') => (server, None),
        (None, Some((host, port))) => (host, Some(port)),
        (None, None) => (server, None),
    };
    if host.is_empty() {
        return Err("there is no SSH server; write drb+ssh://user@host/localhost:9000");
    }
    let (user, host) = (user.map(str::to_owned), self::host(host)?);
    let port = port.map_or(Ok(SSH_PORT), self::port)?;
    let place = match place {
        "" => return Err(MISSING),
        path if path.contains('\0') => return Err("a path has no zero byte in it"),
        path if path.starts_with('/') => Address::Unix { path: PathBuf::from(path) },
        place => tcp_place(place)?,
    };
    Ok(Address::Ssh { user, host, port, place: Box::new(place) })
}

fn host(host: &str) -> Result<String, &'static str> {
    if host.chars().any(|char| matches!(char, '/' | '[' | ']' | '@') || char.is_whitespace()) {
        return Err("the host is no name and no address; write druby://host:port");
    }
    Ok(host.to_owned())
}

fn port(port: &str) -> Result<u16, &'static str> {
    if port.is_empty() || !port.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("what follows the last colon is no port number");
    }
    port.parse().map_err(|_| "a port is at most 65535")
}

/// A lone `?` is the empty name, as it is for Ruby.
fn split_option(rest: &str) -> (&str, Option<String>) {
    match rest.split_once('?') {
        Some((place, option)) => (place, Some(option.to_owned())),
        None => (rest, None),
    }
}

impl FromStr for Uri {
    type Err = Error;

    fn from_str(uri: &str) -> Result<Self, Error> {
        Self::parse(uri)
    }
}

/// In Ruby's way: an IPv6 address without brackets, since Ruby cannot connect with them.
impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.address, self.wire) {
            (Address::Tcp { host, port }, wire) => {
                let asked = (wire, self.tls, self.fire);
                let known = TCP.iter().find(|(_, of, tls, fire)| (*of, *tls, *fire) == asked);
                let (scheme, ..) = known.unwrap_or(&TCP[0]);
                // Each way to a process begins with this, and it takes a third of what `write!` does.
                for part in [scheme, "://", host, ":"] {
                    f.write_str(part)?;
                }
                port.fmt(f)?;
            }
            (Address::Unix { path }, Wire::Native) => write!(f, "drb+unix:{}", path.display())?,
            (address, _) => address.fmt(f)?,
        }
        match &self.option {
            Some(option) => write!(f, "?{option}"),
            None => Ok(()),
        }
    }
}

/// The URI of the process's front object, over Ruby's wire if that leads there.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } => write!(f, "druby://{host}:{port}"),
            Self::Unix { path } => write!(f, "drbunix:{}", path.display()),
            Self::Ssh { user, host, port, place } => {
                f.write_str("drb+ssh://")?;
                if let Some(user) = user {
                    write!(f, "{user}@")?;
                }
                match host.contains(':') {
                    true => write!(f, "[{host}]")?,
                    false => f.write_str(host)?,
                }
                if *port != SSH_PORT {
                    write!(f, ":{port}")?;
                }
                match &**place {
                    Self::Tcp { host, port } => write!(f, "/{host}:{port}"),
                    Self::Unix { path } => write!(f, "/{}", path.display()),
                    // Nothing else is behind an SSH server.
                    other => write!(f, "/{other}"),
                }
            }
            Self::Local { name } => write!(f, "drb+local:{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(host: &str, port: u16) -> Address {
        Address::Tcp { host: host.to_owned(), port }
    }

    fn unix(path: &str) -> Address {
        Address::Unix { path: path.into() }
    }

    fn through(user: Option<&str>, host: &str, port: u16, place: Address) -> Address {
        let (user, host) = (user.map(str::to_owned), host.to_owned());
        Address::Ssh { user, host, port, place: Box::new(place) }
    }

    #[test]
    fn an_ssh_server_with_an_address_of_ipv6() {
        let place = || tcp("::1", 1);
        for (uri, address, shown) in [
            ("drb+ssh://[::2]/[::1]:1", through(None, "::2", 22, place()), "drb+ssh://[::2]/::1:1"),
            ("drb+ssh://::2/::1:1", through(None, "::2", 22, place()), "drb+ssh://[::2]/::1:1"),
            (
                "drb+ssh://[::2]:3/::1:1",
                through(None, "::2", 3, place()),
                "drb+ssh://[::2]:3/::1:1",
            ),
        ] {
            let parsed = Uri::parse(uri).unwrap();
            assert_eq!(parsed.address, address, "{uri}");
            assert_eq!(parsed.to_string(), shown);
            assert_eq!(Uri::parse(shown).unwrap(), parsed);
        }
    }

    #[test]
    fn what_ruby_understands() {
        // The table follows the patterns of Ruby's drb: a host as short as possible, a port in
        // digits, and all behind the first question mark.
        for (uri, address, option) in [
            ("druby://localhost:8787", tcp("localhost", 8787), None),
            ("druby://:0", tcp("", 0), None),
            ("druby://::1:8787", tcp("::1", 8787), None),
            ("druby://[::1]:8787", tcp("::1", 8787), None),
            ("druby://fe80::1%eth0:1", tcp("fe80::1%eth0", 1), None),
            ("druby://h:1?", tcp("h", 1), Some("")),
            ("druby://h:1?a?b:2", tcp("h", 1), Some("a?b:2")),
            ("drbunix:/tmp/x", Address::Unix { path: "/tmp/x".into() }, None),
            ("drbunix:/tmp/x?y", Address::Unix { path: "/tmp/x".into() }, Some("y")),
            ("drbunix:", Address::Unix { path: PathBuf::new() }, None),
            ("drb://h:1?x", tcp("h", 1), Some("x")),
            ("drbssl://localhost:8787?x", tcp("localhost", 8787), Some("x")),
            ("drbssl://[::1]:8787", tcp("::1", 8787), None),
            ("drbs://:0", tcp("", 0), None),
            ("drbfire://localhost:8787", tcp("localhost", 8787), None),
            ("drbfire://localhost:8787?1", tcp("localhost", 8787), Some("1")),
            ("drb+unix:/tmp/x", Address::Unix { path: "/tmp/x".into() }, None),
            ("drb+ssh://h/localhost:1", through(None, "h", 22, tcp("localhost", 1)), None),
            ("drb+ssh://me@h:2/:1?x", through(Some("me"), "h", 2, tcp("", 1)), Some("x")),
            ("drb+ssh://a@b@h//run/x?y", through(Some("a@b"), "h", 22, unix("/run/x")), Some("y")),
            ("drb+local:shop", Address::Local { name: "shop".into() }, None),
            ("drb+local:?till", Address::Local { name: String::new() }, Some("till")),
        ] {
            let parsed = Uri::parse(uri).unwrap();
            let (scheme, _) = uri.split_once(':').unwrap();
            let native = scheme.starts_with("drb+") || ["drb", "drbs"].contains(&scheme);
            let wire = if native { Wire::Native } else { Wire::Ruby };
            let tls = ["drbs", "drbssl"].contains(&scheme);
            let fire = scheme == "drbfire";
            let option = option.map(str::to_owned);
            assert_eq!(parsed, Uri { wire, tls, fire, address, option }, "{uri}");
            assert_eq!(parsed.to_string(), uri.replace(['[', ']'], ""), "{uri}");
        }
    }

    #[test]
    fn what_is_no_uri_says_why() {
        for (uri, problem) in [
            ("http://h:1", "doesn't begin"),
            ("druby:h:1", "doesn't begin"),
            ("drbsslx://h:1", "doesn't begin"),
            ("drbssl://h", "port is missing"),
            ("drbfire:h:1", "doesn't begin"),
            ("", "doesn't begin"),
            ("druby://h", "port is missing"),
            ("druby://h:", "no port number"),
            ("druby://h:x", "no port number"),
            ("druby://h:+1", "no port number"),
            ("druby://h:65536", "at most 65535"),
            ("druby://h/x:1", "the host"),
            ("druby://a b:1", "the host"),
            ("drbunix:a\0b", "zero byte"),
            ("drb+ssh://h", "behind the SSH server"),
            ("drb+ssh://h/", "behind the SSH server"),
            ("drb+ssh:///x:1", "no SSH server"),
            ("drb+ssh://@h/x:1", "no name of a user"),
            ("drb+ssh://h:x/x:1", "no port number"),
            ("drb+ssh://[::1/x:1", "a ] is missing"),
            ("drb+ssh://[::1]x/x:1", "no port number"),
            ("drb+ssh://h/x", "port is missing"),
            ("drb+ssh://h/x/y:1", "the host"),
            ("drb+ssh://h//a\0b", "zero byte"),
        ] {
            let error = Uri::parse(uri).unwrap_err().to_string();
            assert!(error.contains(problem), "{uri}: {error}");
        }
    }
}
