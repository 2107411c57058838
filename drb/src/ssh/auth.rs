//! How a user shows who that is.

use super::{Error, far::Far};
use russh::{
    AgentAuthError, MethodSet,
    client::{AuthResult, Handle, KeyboardInteractiveAuthResponse as Interactive},
    keys::{
        self, HashAlg, PrivateKeyWithHashAlg,
        agent::{AgentIdentity, client::AgentClient},
    },
};
use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::net::UnixStream;

/// So often does a server ask anew before it is given up.
const QUESTIONS: usize = 8;

/// One way to show it.
#[derive(Clone)]
pub(super) enum Credential {
    /// The agent at a socket, or at that which `SSH_AUTH_SOCK` names.
    Agent(Option<PathBuf>),
    KeyFile {
        path: PathBuf,
        passphrase: Option<String>,
    },
    Password(String),
}

/// Without what is secret.
impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Agent(path) => f.debug_tuple("Agent").field(path).finish(),
            Self::KeyFile { path, .. } => f.debug_tuple("KeyFile").field(path).finish(),
            Self::Password(_) => f.debug_tuple("Password").finish_non_exhaustive(),
        }
    }
}

/// As `ssh` does it that is told nothing: with the agent, and the user's own keys.
fn usual() -> Vec<Credential> {
    let agent = std::env::var_os("SSH_AUTH_SOCK").map(|_| Credential::Agent(None));
    let home = std::env::home_dir();
    let keys = ["id_ed25519", "id_ecdsa"].into_iter().filter_map(|name| {
        let path = home.as_ref()?.join(".ssh").join(name);
        path.is_file().then_some(Credential::KeyFile { path, passphrase: None })
    });
    agent.into_iter().chain(keys).collect()
}

/// Tries one after the other until the server is content.
pub(super) async fn authenticate(
    far: &mut Handle<Far>,
    user: &str,
    credentials: &[Credential],
) -> Result<(), Error> {
    let told = !credentials.is_empty();
    let credentials = if told { credentials.to_vec() } else { usual() };
    let mut attempts = Attempts { user, tried: Vec::new(), takes: MethodSet::empty() };
    // It says what it takes, and lets those in of whom it asks nothing.
    let asked = far.authenticate_none(user).await?;
    if attempts.done(asked, None) {
        return Ok(());
    }
    let mut unusable = None;
    for credential in &credentials {
        match credential.present(far, &mut attempts).await {
            Ok(true) => return Ok(()),
            Ok(false) => {}
            // What nobody has asked for needn't work.
            Err(error) if !told => unusable = Some(error),
            Err(error) => return Err(error),
        }
    }
    match unusable {
        Some(error) if attempts.tried.is_empty() => Err(error),
        _ => Err(attempts.failed()),
    }
}

struct Attempts<'a> {
    user: &'a str,
    tried: Vec<String>,
    takes: MethodSet,
}

impl Attempts<'_> {
    /// Whether the user is in.
    fn done(&mut self, result: AuthResult, tried: Option<String>) -> bool {
        self.tried.extend(tried);
        match result {
            AuthResult::Success => true,
            AuthResult::Failure { remaining_methods, .. } => {
                // It says nothing more when it hangs up.
                if !remaining_methods.is_empty() {
                    self.takes = remaining_methods;
                }
                false
            }
        }
    }

    fn failed(self) -> Error {
        let takes = self.takes.iter().map(|method| <&str>::from(method).to_owned()).collect();
        Error::Authentication { user: self.user.to_owned(), tried: self.tried, takes }
    }
}

impl Credential {
    /// Whether it lets the user in.
    async fn present(
        &self,
        far: &mut Handle<Far>,
        attempts: &mut Attempts<'_>,
    ) -> Result<bool, Error> {
        match self {
            Self::Agent(path) => ask_agent(far, attempts, path.as_deref()).await,
            Self::KeyFile { path, passphrase } => {
                let key = read_key(path.clone(), passphrase.clone()).await?;
                let key = PrivateKeyWithHashAlg::new(Arc::new(key), None);
                let result = far.authenticate_publickey(attempts.user, key).await?;
                Ok(attempts.done(result, Some(format!("the key {}", path.display()))))
            }
            Self::Password(password) => {
                let result = far.authenticate_password(attempts.user, password).await?;
                let answers = "keyboard-interactive";
                if attempts.done(result, Some("the password".to_owned())) {
                    return Ok(true);
                }
                // Many servers ask for the password in this way only.
                if !attempts.takes.iter().any(|method| <&str>::from(method) == answers) {
                    return Ok(false);
                }
                let result = answer(far, attempts.user, password).await?;
                Ok(attempts.done(result, Some("the password as an answer".to_owned())))
            }
        }
    }
}

/// Gives the password as the answer to whatever is not to be seen.
async fn answer(far: &mut Handle<Far>, user: &str, password: &str) -> Result<AuthResult, Error> {
    let mut asked = far.authenticate_keyboard_interactive_start(user, None).await?;
    for _ in 0..QUESTIONS {
        let prompts = match asked {
            Interactive::Success => return Ok(AuthResult::Success),
            Interactive::Failure { remaining_methods, partial_success } => {
                return Ok(AuthResult::Failure { remaining_methods, partial_success });
            }
            Interactive::InfoRequest { prompts, .. } => prompts,
        };
        let hidden = |echo: bool| if echo { String::new() } else { password.to_owned() };
        let answers = prompts.iter().map(|prompt| hidden(prompt.echo)).collect();
        asked = far.authenticate_keyboard_interactive_respond(answers).await?;
    }
    Ok(AuthResult::Failure { remaining_methods: MethodSet::empty(), partial_success: false })
}

/// Has the agent sign with each of its keys.
async fn ask_agent(
    far: &mut Handle<Far>,
    attempts: &mut Attempts<'_>,
    path: Option<&Path>,
) -> Result<bool, Error> {
    let unusable = |error: &dyn fmt::Display| Error::Agent { problem: error.to_string() };
    let path = match (path, std::env::var_os("SSH_AUTH_SOCK")) {
        (Some(path), _) => path.to_owned(),
        (None, Some(path)) => PathBuf::from(path),
        (None, None) => return Err(unusable(&"SSH_AUTH_SOCK doesn't say where one is")),
    };
    let socket = UnixStream::connect(&path).await;
    let socket = socket.map_err(|error| unusable(&format_args!("{}: {error}", path.display())))?;
    let mut agent = AgentClient::connect(socket);
    let identities = agent.request_identities().await.map_err(|error| unusable(&error))?;
    for identity in identities {
        let AgentIdentity::PublicKey { key, .. } = identity else { continue };
        let hash = match key.algorithm().is_rsa() {
            true => Some(rsa_hash(far.best_supported_rsa_hash().await?)),
            false => None,
        };
        let tried = format!("the agent's key {}", key.fingerprint(HashAlg::Sha256));
        let result = far.authenticate_publickey_with(attempts.user, key, hash, &mut agent).await;
        match result {
            Ok(result) => {
                if attempts.done(result, Some(tried)) {
                    return Ok(true);
                }
            }
            // The agent has this key, but doesn't want to use it. The next one may serve.
            Err(AgentAuthError::Key(_)) => attempts.tried.push(format!("{tried} (refused)")),
            Err(AgentAuthError::Send(_)) => return Err(russh::Error::SendError.into()),
        }
        if far.is_closed() {
            return Ok(false);
        }
    }
    if attempts.tried.is_empty() {
        attempts.tried.push("an agent without keys".to_owned());
    }
    Ok(false)
}

/// Of what the server says that it takes, if it says so. Never SHA-1, which is broken: a server that takes nothing
/// else (`Some(None)`) refuses the key.
fn rsa_hash(told: Option<Option<HashAlg>>) -> HashAlg {
    told.flatten().unwrap_or(HashAlg::Sha512)
}

/// Deciphering one takes its time on purpose.
async fn read_key(path: PathBuf, passphrase: Option<String>) -> Result<keys::PrivateKey, Error> {
    let unusable = |path, problem| Error::Key { path, problem };
    let shown = path.clone();
    let read = tokio::task::spawn_blocking(move || {
        let text = std::fs::read_to_string(&path).map_err(keys::Error::IO);
        let locked = passphrase.is_none() && text.as_deref().is_ok_and(needs_passphrase);
        if locked {
            let problem = "it has a passphrase; give it with `key_file_with_passphrase`";
            return Err(unusable(path, problem.to_owned()));
        }
        let key = text.and_then(|text| keys::decode_secret_key(&text, passphrase.as_deref()));
        key.map_err(|error| unusable(path, explain(error, passphrase.is_some())))
    });
    read.await.unwrap_or_else(|error| Err(unusable(shown, error.to_string())))
}

fn needs_passphrase(text: &str) -> bool {
    match keys::PrivateKey::from_openssh(text) {
        Ok(key) => key.is_encrypted(),
        Err(_) => text.contains("ENCRYPTED"),
    }
}

fn explain(error: keys::Error, passphrase: bool) -> String {
    match error {
        keys::Error::IO(error) if error.kind() == io::ErrorKind::InvalidData => {
            "it is no text, and so no key".to_owned()
        }
        keys::Error::IO(error) => error.to_string(),
        error if passphrase => format!("the passphrase is wrong, or it is no key ({error})"),
        error => format!("it is no private key of Ed25519 or ECDSA ({error})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_rsa_key_never_signs_with_sha_1() {
        let hashes = [None, Some(None), Some(Some(HashAlg::Sha256)), Some(Some(HashAlg::Sha512))];
        let [unsaid, old, small, large] = hashes.map(rsa_hash);
        assert_eq!([unsaid, old, large], [HashAlg::Sha512; 3]);
        assert_eq!(small, HashAlg::Sha256);
    }
}
