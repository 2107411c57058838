//! Whether a host is the one that it was before: the file `known_hosts`, as OpenSSH writes it.

use super::Error;
use ring::hmac;
use russh::keys::{
    Algorithm, HashAlg, PublicKey,
    ssh_key::known_hosts::{Entry, HostPatterns, Marker},
};
use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
    str::FromStr,
};

/// What the files know of one host.
pub(super) struct KnownHost {
    /// As it stands in the files: `host`, or `[host]:port` for another port than 22.
    name: String,
    /// The file to which a line is to be added.
    file: PathBuf,
    keys: Vec<Known>,
}

struct Known {
    file: PathBuf,
    line: usize,
    revoked: bool,
    key: PublicKey,
}

/// Where OpenSSH looks.
fn default_files() -> Vec<PathBuf> {
    let own = std::env::home_dir().map(|home| home.join(".ssh/known_hosts"));
    own.into_iter().chain([PathBuf::from("/etc/ssh/ssh_known_hosts")]).collect()
}

impl KnownHost {
    /// Reads the files; without any, OpenSSH's. One that isn't there knows nobody.
    pub(super) fn read(host: &str, port: u16, files: &[PathBuf]) -> Result<Self, Error> {
        let host = host.to_ascii_lowercase();
        let name = if port == 22 { host } else { format!("[{host}]:{port}") };
        let files = if files.is_empty() { default_files() } else { files.to_vec() };
        let mut keys = Vec::new();
        for file in &files {
            match std::fs::read(file) {
                Ok(bytes) => keys.extend(known(&String::from_utf8_lossy(&bytes), &name, file)),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => {
                    let (path, problem) = (file.clone(), error.to_string());
                    return Err(Error::KnownHosts { path, problem });
                }
            }
        }
        let file = files.into_iter().next().unwrap_or_default();
        Ok(Self { name, file, keys })
    }

    /// The kinds of keys to ask the host for, those first that it is known by.
    pub(super) fn algorithms(&self, supported: &[Algorithm]) -> Vec<Algorithm> {
        let known = |algorithm: &Algorithm| {
            self.keys.iter().any(|known| !known.revoked && known.key.algorithm() == *algorithm)
        };
        let (mut first, others): (Vec<_>, Vec<_>) = supported.iter().cloned().partition(known);
        first.extend(others);
        first
    }

    /// Whether the host may have this key.
    pub(super) fn check(&self, key: &PublicKey) -> Result<(), Error> {
        let same = |known: &&Known| known.key.key_data() == key.key_data();
        let host = self.name.clone();
        let fingerprint = key.fingerprint(HashAlg::Sha256).to_string();
        if let Some(known) = self.keys.iter().filter(same).find(|known| known.revoked) {
            let (path, line) = (known.file.clone(), known.line);
            return Err(Error::HostKeyRevoked { host, fingerprint, path, line });
        }
        if self.keys.iter().any(|known| same(&known)) {
            return Ok(());
        }
        let add = format!("{host} {}", bare(key));
        let other = |known: &&Known| !known.revoked && known.key.algorithm() == key.algorithm();
        match self.keys.iter().find(other) {
            Some(Known { file, line, .. }) => {
                let (path, line) = (file.clone(), *line);
                Err(Error::HostKeyChanged { host, fingerprint, path, line, add })
            }
            None => Err(Error::UnknownHost { host, fingerprint, path: self.file.clone(), add }),
        }
    }
}

/// The key in one line, without a comment.
fn bare(key: &PublicKey) -> String {
    PublicKey::from(key.key_data().clone()).to_openssh().unwrap_or_default()
}

/// The lines about one host. As for OpenSSH, a line that cannot be understood is none.
fn known(text: &str, name: &str, file: &Path) -> Vec<Known> {
    let lines = text.lines().zip(1..).filter(|(line, _)| !line.trim_start().starts_with('#'));
    let understood = lines.filter_map(|(line, number)| {
        let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
        Some((Entry::from_str(&line).ok()?, number))
    });
    understood
        .filter(|(entry, _)| entry.marker() != Some(&Marker::CertAuthority))
        .filter(|(entry, _)| is_for(entry.host_patterns(), name))
        .map(|(entry, line)| Known {
            file: file.to_owned(),
            line,
            revoked: entry.marker() == Some(&Marker::Revoked),
            key: entry.public_key().clone(),
        })
        .collect()
}

fn is_for(patterns: &HostPatterns, name: &str) -> bool {
    match patterns {
        HostPatterns::Patterns(patterns) => {
            let matches = |pattern: &str| glob(&pattern.to_ascii_lowercase(), name);
            let (not, yes): (Vec<&str>, Vec<&str>) =
                patterns.iter().map(String::as_str).partition(|pattern| pattern.starts_with('!'));
            yes.into_iter().any(matches)
                && !not.into_iter().any(|pattern| matches(pattern.trim_start_matches('!')))
        }
        HostPatterns::HashedName { salt, hash } => {
            let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, salt);
            hmac::verify(&key, name.as_bytes(), hash).is_ok()
        }
    }
}

/// `*` stands for any text, `?` for any one byte.
fn glob(pattern: &str, name: &str) -> bool {
    // Which of the name's beginnings the pattern matches, so far.
    let mut matched = vec![false; name.len() + 1];
    matched[0] = true;
    for wanted in pattern.bytes() {
        let mut before = matched[0];
        if wanted != b'*' {
            matched[0] = false;
        }
        for (place, byte) in matched[1..].iter_mut().zip(name.bytes()) {
            let this = *place;
            *place = match wanted {
                b'*' => this || before,
                wanted => before && (wanted == b'?' || wanted == byte),
            };
            before = if wanted == b'*' { *place } else { this };
        }
    }
    matched.last() == Some(&true)
}

#[cfg(test)]
mod tests {
    use super::*;

    // `ssh-keygen -t ed25519` has made them.
    const ONE: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEennEACvTBb/3dgXWk0tGNqSxUEuBlYmhOE7R4kqrOW";
    const TWO: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIG0m01f0AoCQwCM+xT3bL7VHUFZmD2k7qzeUbGjYSLfB";
    const HASHED: &str = "|1|7FxeDzcox8bdRIsvDSVkcNwpkU0=|pTNSHXzqPrH0tW8/jxAaY9bW5II=";
    const HASHED_PORT: &str = "|1|iHugxs9fEe6Pv/hLGoBXdAhsyWs=|gHr35BIUNjcnVGr8HrVBayZOhH0=";

    fn check(text: &str, name: &str, key: &str) -> Result<(), Error> {
        let keys = known(text, name, Path::new("known"));
        let host = KnownHost { name: name.to_owned(), file: "known".into(), keys };
        host.check(&PublicKey::from_openssh(key).unwrap())
    }

    #[test]
    fn lines_as_openssh_writes_them() {
        // The hashed names are what `ssh-keygen -H` makes of `example.com` and `[example.com]:2222`.
        for (hosts, name) in [
            ("example.com", "example.com"),
            ("EXAMPLE.com,10.0.0.1", "example.com"),
            ("a,example.com", "example.com"),
            ("[example.com]:2222", "[example.com]:2222"),
            ("*.com", "example.com"),
            ("exampl?.com", "example.com"),
            ("*", "example.com"),
            ("[*]:2222", "[example.com]:2222"),
            (HASHED, "example.com"),
            (HASHED_PORT, "[example.com]:2222"),
        ] {
            for line in [format!("{hosts} {ONE}"), format!("{hosts}\t{ONE} a comment")] {
                let text = format!("# example.com {TWO}\n\nnonsense\n{line}\n");
                assert!(check(&text, name, ONE).is_ok(), "{line}");
                let changed = check(&text, name, TWO).unwrap_err();
                assert!(matches!(changed, Error::HostKeyChanged { line: 4, .. }), "{changed:?}");
                let other = check(&text, "other.example", ONE);
                assert_eq!(other.is_ok(), hosts == "*", "{line}");
            }
        }
    }

    #[test]
    fn who_is_not_known_is_told_the_line_to_add() {
        let line = format!("*.com,!example.com {ONE}");
        let ecdsa = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBNLHktB8tieeep3/sb7BPYLoLRU3iw/JLyZNrEmg9n7b6yDm/5M32SMeCqBj8IKh2DlzWWlCJrcVuiSyVvN1kbk=";
        for text in ["", line.as_str(), &format!("example.com {ecdsa}")] {
            let Err(Error::UnknownHost { add, path, .. }) = check(text, "example.com", ONE) else {
                panic!("{text}")
            };
            assert_eq!((add.as_str(), path), (&*format!("example.com {ONE}"), "known".into()));
            assert!(check(&format!("{text}\n{add}"), "example.com", ONE).is_ok(), "it helps");
        }
    }

    #[test]
    fn a_revoked_key_stays_revoked() {
        let text = format!("example.com {ONE}\n@revoked * {ONE}\n@cert-authority * {TWO}\n");
        let revoked = check(&text, "example.com", ONE).unwrap_err();
        assert!(matches!(revoked, Error::HostKeyRevoked { line: 2, .. }), "{revoked:?}");
        // An authority's key is none of the host's own.
        assert!(matches!(check(&text, "a", TWO), Err(Error::UnknownHost { .. })));
    }

    #[test]
    fn patterns() {
        for (pattern, name, matches) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("a*", "abc", true),
            ("a*c", "abcbc", true),
            ("a*c", "abcb", false),
            ("*b*", "abc", true),
            ("?", "", false),
            ("?b", "ab", true),
            ("?b", "b", false),
            ("**a", "a", true),
        ] {
            assert_eq!(glob(pattern, name), matches, "{pattern} {name}");
        }
    }
}
