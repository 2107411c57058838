//! The users and groups that the system knows.

use drb_core::{Acl, AclError};
use nix::unistd::{Group, User};
use std::io::{self, ErrorKind};

/// The number of a user that is given by name, or by that number.
pub(crate) fn user(name: &str) -> io::Result<u32> {
    match name.parse() {
        Ok(number) => Ok(number),
        Err(_) => match User::from_name(name)? {
            Some(user) => Ok(user.uid.as_raw()),
            None => Err(unknown("user", name)),
        },
    }
}

/// The number of a group that is given by name, or by that number.
pub(crate) fn group(name: &str) -> io::Result<u32> {
    match name.parse() {
        Ok(number) => Ok(number),
        Err(_) => match Group::from_name(name)? {
            Some(group) => Ok(group.gid.as_raw()),
            None => Err(unknown("group", name)),
        },
    }
}

/// The name of the user of this process.
#[cfg(feature = "ssh")]
pub(crate) fn own_name() -> Option<String> {
    let own = User::from_uid(nix::unistd::Uid::current()).ok().flatten();
    own.map(|user| user.name).or_else(|| std::env::var("USER").ok())
}

/// An ACL with the numbers of the users and groups that it names.
pub(crate) fn resolve(acl: Acl) -> Result<Acl, AclError> {
    acl.resolve(|name| user(name).ok(), |name| group(name).ok())
}

fn unknown(kind: &str, name: &str) -> io::Error {
    io::Error::new(ErrorKind::NotFound, format!("this machine has no {kind} `{name}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_name_and_by_number() {
        assert_eq!((user("root").unwrap(), user("4711").unwrap()), (0, 4711));
        assert_eq!(group("4711").unwrap(), 4711);
        let error = user("nobody at all").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert_eq!(error.to_string(), "this machine has no user `nobody at all`");
        assert!(group("nobody at all").unwrap_err().to_string().contains("no group"));
    }
}
