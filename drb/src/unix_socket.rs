//! Unix sockets to listen on: their names in the file system, and who may connect there.

use crate::users;
use socket2::{Domain, SockAddr, Socket, Type};
use std::{
    fs::{self, File, OpenOptions, Permissions, TryLockError},
    io::{self, ErrorKind},
    os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt, lchown},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};
use tokio::{
    net::{UnixListener, UnixStream},
    time::{Instant, sleep},
};

/// So many connections wait in the system until they are accepted, if it lets so many wait.
pub(crate) const BACKLOG: i32 = 4096;

/// How long is waited for another process that starts at the same path, and how often is looked.
const TURN: (Duration, Duration) = (Duration::from_secs(5), Duration::from_millis(5));

/// So many names are tried where any is good.
const NAMES: usize = 16;

/// What the file of a socket is to be. Without a word it is as the process makes files.
#[derive(Debug, Clone, Default)]
pub(crate) struct FileOptions {
    pub(crate) mode: Option<u32>,
    /// A name, or a number.
    pub(crate) owner: Option<String>,
    pub(crate) group: Option<String>,
}

/// The name of a Unix socket in the file system, which is to vanish with the socket.
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    /// Its device and number: what others have put in its place stays.
    file: (u64, u64),
}

/// Listens at a path, or for an empty one at a new path. What a process that is gone has left there is
/// replaced.
pub(crate) async fn listen(
    path: &Path,
    options: &FileOptions,
) -> io::Result<(SocketFile, UnixListener)> {
    if !path.as_os_str().is_empty() {
        return listen_at(path, options).await;
    }
    let mut tries = NAMES;
    loop {
        match listen_at(&new_path(), options).await {
            // Another process has taken the name meanwhile.
            Err(error) if error.kind() == ErrorKind::AddrInUse && tries > 0 => tries -= 1,
            other => return other,
        }
    }
}

async fn listen_at(path: &Path, options: &FileOptions) -> io::Result<(SocketFile, UnixListener)> {
    // Of two processes that start here at once, neither takes the other one's socket for one that was
    // left behind.
    let _turn = Turn::wait(path).await?;
    if is_left_over(path).await {
        fs::remove_file(path)?;
    }
    let (file, socket) = bind(path, options)?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok((file, UnixListener::from_std(socket.into())?))
}

/// A socket with its file as that is to be. Nobody can connect before the socket listens, whatever the
/// file's mode was until here.
fn bind(path: &Path, options: &FileOptions) -> io::Result<(SocketFile, Socket)> {
    let owner = options.owner.as_deref().map(users::user).transpose()?;
    let group = options.group.as_deref().map(users::group).transpose()?;
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.bind(&SockAddr::unix(path)?)?;
    let file = SocketFile::of(path)?;
    if owner.is_some() || group.is_some() {
        lchown(path, owner, group)?;
    }
    if let Some(mode) = options.mode {
        fs::set_permissions(path, Permissions::from_mode(mode))?;
    }
    Ok((file, socket))
}

impl SocketFile {
    fn of(path: &Path) -> io::Result<Self> {
        let metadata = fs::symlink_metadata(path)?;
        Ok(Self { path: path.to_owned(), file: (metadata.dev(), metadata.ino()) })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let is_ours = |metadata: fs::Metadata| (metadata.dev(), metadata.ino()) == self.file;
        if fs::symlink_metadata(&self.path).is_ok_and(is_ours) {
            // That it is gone already is as good.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// The only one of those who start servers at a path: a locked file beside it, which goes when this is
/// dropped.
#[derive(Debug)]
struct Turn {
    lock: PathBuf,
    _file: File,
}

impl Turn {
    async fn wait(path: &Path) -> io::Result<Self> {
        let mut lock = path.as_os_str().to_owned();
        lock.push(".lock");
        let lock = PathBuf::from(lock);
        let until = Instant::now() + TURN.0;
        loop {
            if let Some(file) = Self::take(&lock)? {
                return Ok(Self { lock, _file: file });
            }
            if Instant::now() >= until {
                let problem = format!("another process has locked {}", lock.display());
                return Err(io::Error::new(ErrorKind::TimedOut, problem));
            }
            sleep(TURN.1).await;
        }
    }

    /// `None` if it is somebody else's turn.
    fn take(lock: &Path) -> io::Result<Option<File>> {
        let new = OpenOptions::new().write(true).create_new(true).mode(0o600).open(lock);
        let file = match new {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => match File::open(lock) {
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
                file => file?,
            },
            file => file?,
        };
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        // Who had it before has removed the file; a link leads to another one. Both are no lock.
        let (named, locked) = (fs::symlink_metadata(lock), file.metadata()?);
        let is_this =
            |named: fs::Metadata| (named.dev(), named.ino()) == (locked.dev(), locked.ino());
        Ok(named.is_ok_and(is_this).then_some(file))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        // While it is locked still, so that it is nobody else's.
        let _ = fs::remove_file(&self.lock);
    }
}

/// Whether a process that is gone has left its socket behind.
async fn is_left_over(path: &Path) -> bool {
    let is_socket =
        fs::symlink_metadata(path).is_ok_and(|metadata| metadata.file_type().is_socket());
    is_socket
        && matches!(
            UnixStream::connect(path).await,
            Err(error) if error.kind() == ErrorKind::ConnectionRefused
        )
}

/// A new path for a Unix socket, as Ruby names it.
fn new_path() -> PathBuf {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    loop {
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("druby{}.{number}", std::process::id()));
        if fs::symlink_metadata(&path).is_err() {
            return path;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixStream;

    #[test]
    fn nobody_connects_before_the_mode_is_set() {
        let (path, mode) = (new_path(), 0o640);
        let options = FileOptions { mode: Some(mode), ..FileOptions::default() };
        let (file, socket) = bind(&path, &options).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, mode);
        let refused = UnixStream::connect(&path).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        socket.listen(BACKLOG).unwrap();
        UnixStream::connect(&path).unwrap();
        drop(file);
        assert!(!path.exists());
    }
}
