//! Addresses as Ruby's drb writes them.

use crate::{Error, Wire};
use std::{fmt, path::PathBuf, str::FromStr};

/// A URI that a server listens on or an object is called at.
///
/// - `druby://host:port`: TCP. The port 0 is for listening: the system picks one.
/// - `druby://:port`: listens on all addresses of the machine.
/// - `druby://::1:8787`: IPv6 as Ruby writes it; `druby://[::1]:8787` means the same.
/// - `drbunix:/path`: a Unix socket; `drbunix:` listens at a new path below `/tmp`.
/// - `drb://host:port`, `drb+unix:/path`: the same places over the native wire.
/// - `drbssl://host:port`, `drbs://host:port`: both wires within TLS (feature `tls` of the crate `drb`).
/// - `drb+local:name`: a server of this very process; `drb+local:` listens under a new name.
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
    /// Where the process is reached.
    pub address: Address,
    /// What follows the `?`: the name of an object.
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
        let tcp = TCP.iter().find_map(|&(scheme, wire, tls)| {
            let rest = uri.strip_prefix(scheme)?.strip_prefix("://")?;
            Some((wire, tls, rest))
        });
        if let Some((wire, tls, rest)) = tcp {
            let (place, option) = split_option(rest);
            let (host, port) = place.rsplit_once(':').ok_or_else(|| {
                bad("the port is missing; write druby://host:port, or port 0 for any free one")
            })?;
            if port.is_empty() || !port.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(bad("what follows the last colon is no port number"));
            }
            let port = port.parse().map_err(|_| bad("a port is at most 65535"))?;
            let host =
                host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
            if host.contains(['/', '[', ']', '@']) || host.contains(char::is_whitespace) {
                return Err(bad("the host is no name and no address; write druby://host:port"));
            }
            let address = Address::Tcp { host: host.to_owned(), port };
            return Ok(Self { wire, tls, address, option });
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
            return Ok(Self { wire, tls: false, address, option });
        }
        if let Some(rest) = uri.strip_prefix("drb+local:") {
            let (name, option) = split_option(rest);
            let address = Address::Local { name: name.to_owned() };
            return Ok(Self { wire: Wire::Native, tls: false, address, option });
        }
        Err(bad(
            "it doesn't begin with drb://, druby://, drbs://, drbssl://, drb+unix:, drbunix: or \
             drb+local:",
        ))
    }

    /// The URI of the process's front object, over a wire.
    pub fn front(&self, wire: Wire) -> String {
        Self { wire, option: None, ..self.clone() }.to_string()
    }

    /// The same way to another address.
    #[must_use]
    pub fn at(&self, address: Address) -> Self {
        Self { address, option: None, ..self.clone() }
    }
}

/// What stands before `://`, and what it means.
const TCP: [(&str, Wire, bool); 4] = [
    ("druby", Wire::Ruby, false),
    ("drb", Wire::Native, false),
    ("drbssl", Wire::Ruby, true),
    ("drbs", Wire::Native, true),
];

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
                let known = TCP.iter().find(|(_, of, tls)| (*of, *tls) == (wire, self.tls));
                let (scheme, ..) = known.unwrap_or(&TCP[0]);
                write!(f, "{scheme}://{host}:{port}")?;
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
            ("drb+unix:/tmp/x", Address::Unix { path: "/tmp/x".into() }, None),
            ("drb+local:shop", Address::Local { name: "shop".into() }, None),
            ("drb+local:?till", Address::Local { name: String::new() }, Some("till")),
        ] {
            let parsed = Uri::parse(uri).unwrap();
            let (scheme, _) = uri.split_once(':').unwrap();
            let native = scheme.starts_with("drb+") || ["drb", "drbs"].contains(&scheme);
            let wire = if native { Wire::Native } else { Wire::Ruby };
            let tls = ["drbs", "drbssl"].contains(&scheme);
            let option = option.map(str::to_owned);
            assert_eq!(parsed, Uri { wire, tls, address, option }, "{uri}");
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
            ("", "doesn't begin"),
            ("druby://h", "port is missing"),
            ("druby://h:", "no port number"),
            ("druby://h:x", "no port number"),
            ("druby://h:+1", "no port number"),
            ("druby://h:65536", "at most 65535"),
            ("druby://h/x:1", "the host"),
            ("druby://a b:1", "the host"),
            ("drbunix:a\0b", "zero byte"),
        ] {
            let error = Uri::parse(uri).unwrap_err().to_string();
            assert!(error.contains(problem), "{uri}: {error}");
        }
    }
}
