//! Who is let in, and how who isn't is told so.

use crate::journal;
use drb::{
    Client,
    ssh::{Error, Session, SessionBuilder},
};
use drb_tests::{
    SOON,
    far::{FarHost, GUEST, PASSWORD},
    talk::TalkerProxy,
};
use std::{
    path::PathBuf,
    process::Stdio,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};
use tokio::{
    net::UnixStream,
    process::{Child, Command},
    time::timeout,
};

/// Either way, it is told at once.
async fn login(builder: SessionBuilder, far: &FarHost) -> Result<Session, Error> {
    timeout(SOON, builder.connect(&far.address())).await.expect("at once")
}

#[tokio::test]
async fn a_user_is_let_in_or_not() {
    let far = FarHost::new().await;
    let fresh = || Session::builder().known_hosts(far.path("known_hosts"));
    let to = far.address();
    let wrong =
        fresh().key_file(far.path("other")).password("guess").connect(&to).await.unwrap_err();
    let Error::Authentication { tried, takes, .. } = &wrong else { panic!("{wrong}") };
    assert_eq!(tried.len(), 2, "{tried:?}");
    assert_eq!(tried[1], "the password");
    assert!(takes.iter().any(|method| method == "publickey"), "{takes:?}");
    // One after the other, until one fits.
    fresh().key_file(far.path("other")).key_file(far.path("id")).connect(&to).await.unwrap();
    let locked = far.path("locked");
    fresh().key_file_with_passphrase(&locked, "open sesame").connect(&to).await.unwrap();
    for (builder, problem) in [
        (fresh().key_file(&locked), "it has a passphrase"),
        (fresh().key_file_with_passphrase(&locked, "open"), "the passphrase is wrong"),
        (fresh().key_file(far.path("nothing")), "No such file"),
        (fresh().key_file(far.path("known_hosts")), "no private key"),
    ] {
        let error = builder.connect(&to).await.unwrap_err();
        assert!(matches!(error, Error::Key { .. }), "{error:?}");
        assert!(error.to_string().contains(problem), "{error}");
    }
    let shown =
        format!("{:?}", fresh().password("hunter2").key_file_with_passphrase("a", "hunter2"));
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[tokio::test]
async fn a_password_lets_in() {
    let far = FarHost::new().await;
    let journal = journal(&far).path().display().to_string();
    let _peer = far.peer("talk", &["drb://localhost:9000", &journal, "60000"]).await;
    let guest = || Session::builder().user(GUEST).known_hosts(far.path("known_hosts"));
    for builder in [guest().password(PASSWORD), guest().password("guess").password(PASSWORD)] {
        let session = login(builder, &far).await.unwrap();
        let client = Client::builder().through(&session).build();
        let talker: TalkerProxy = client.connect("drb://localhost:9000").await.unwrap();
        talker.usage().await.unwrap();
    }
    // The user may stand in the URI, too.
    let client = Client::builder().ssh(guest().user("nobody").password(PASSWORD)).build();
    let uri = format!("drb+ssh://{GUEST}@{}/localhost:9000", far.address());
    let talker: TalkerProxy = client.connect(&uri).await.unwrap();
    talker.usage().await.unwrap();
}

#[tokio::test]
async fn a_wrong_password_is_told_at_once() {
    let far = FarHost::new().await;
    let guest = || Session::builder().user(GUEST).known_hosts(far.path("known_hosts"));
    for password in ["guess", "", "open sesame "] {
        let error = login(guest().password(password), &far).await.unwrap_err();
        let Error::Authentication { user, tried, takes } = &error else { panic!("{error}") };
        assert_eq!((&**user, &tried[..]), (GUEST, &["the password".to_owned()][..]));
        assert!(takes.iter().any(|method| method == "password"), "{takes:?}");
        let told = "the SSH server doesn't let `drb-guest` in by the password; it takes ";
        assert!(error.to_string().starts_with(told), "{error}");
        assert!(password.is_empty() || !error.to_string().contains(password), "{error}");
    }
    // The server hangs up when it has had enough.
    let guesses = (0..10).fold(guest(), |builder, _| builder.password("guess"));
    let error = login(guesses.password(PASSWORD), &far).await.unwrap_err();
    assert!(matches!(&error, Error::Lost { problem } if problem.contains("Too many")), "{error}");
    // It takes none at all.
    let far = FarHost::with("PasswordAuthentication no").await;
    let guest = Session::builder().user(GUEST).known_hosts(far.path("known_hosts"));
    let error = login(guest.password(PASSWORD), &far).await.unwrap_err();
    let Error::Authentication { takes, .. } = &error else { panic!("{error}") };
    assert_eq!(takes, &["publickey"]);
}

#[tokio::test]
async fn a_password_is_the_answer_where_the_server_asks() {
    // What most hosts say.
    let config = "UsePAM yes\nPasswordAuthentication no\nKbdInteractiveAuthentication yes";
    let far = FarHost::with(config).await;
    let guest = || Session::builder().user(GUEST).known_hosts(far.path("known_hosts"));
    login(guest().password(PASSWORD), &far).await.unwrap();
    let error = login(guest().password("guess"), &far).await.unwrap_err();
    let Error::Authentication { tried, takes, .. } = &error else { panic!("{error}") };
    assert_eq!(tried, &["the password", "the password as an answer"]);
    assert_eq!(takes, &["publickey", "keyboard-interactive"]);
}

/// OpenSSH's agent, which begins with no keys.
struct Agent {
    process: Child,
    socket: PathBuf,
}

impl Agent {
    async fn start(far: &FarHost) -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let socket = far.path(&format!("agent-{}", NEXT.fetch_add(1, Ordering::Relaxed)));
        let mut command = Command::new("ssh-agent");
        command.args(["-D", "-a"]).arg(&socket).stdout(Stdio::null()).kill_on_drop(true);
        let process = command.spawn().unwrap();
        // Its socket is there before it listens.
        let listening = async {
            while UnixStream::connect(&socket).await.is_err() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(SOON, listening).await.expect("the agent listens");
        Self { process, socket }
    }

    async fn add(&self, far: &FarHost, key: &str) {
        let mut command = Command::new("ssh-add");
        command.arg("-q").arg(far.path(key)).env("SSH_AUTH_SOCK", &self.socket);
        assert!(command.status().await.unwrap().success());
    }
}

#[tokio::test]
async fn an_agent_signs() {
    let far = FarHost::new().await;
    let mut agent = Agent::start(&far).await;
    let fresh = || Session::builder().known_hosts(far.path("known_hosts")).agent_at(&agent.socket);
    let empty = fresh().connect(&far.address()).await.unwrap_err();
    assert!(
        matches!(&empty, Error::Authentication { tried, .. } if tried[0].contains("without keys"))
    );
    agent.add(&far, "other").await;
    let wrong = fresh().connect(&far.address()).await.unwrap_err();
    assert!(matches!(&wrong, Error::Authentication { tried, .. } if tried[0].contains("SHA256:")));
    agent.add(&far, "id").await;
    fresh().connect(&far.address()).await.unwrap();
    let once_more = fresh();
    agent.process.kill().await.unwrap();
    let gone = once_more.connect(&far.address()).await.unwrap_err();
    assert!(matches!(gone, Error::Agent { .. }), "{gone:?}");
}

/// An RSA key signs with SHA-2, and never with SHA-1, which is broken. (One with `rsa-sha2-256` alone isn't among
/// them: OpenSSH 9.2 says that it takes both all the same, and refuses `ssh` as well.)
#[tokio::test]
async fn an_agent_signs_with_an_rsa_key() {
    for (taken, lets_in) in [
        ("rsa-sha2-512,rsa-sha2-256", &["rsa"][..]),
        ("rsa-sha2-512", &["rsa"]),
        ("ssh-ed25519", &["id"]),
        ("ssh-rsa", &[]),
        ("ssh-rsa,ssh-ed25519", &["id"]),
    ] {
        let far = FarHost::with(&format!("PubkeyAcceptedAlgorithms {taken}")).await;
        let mut keygen = Command::new("ssh-keygen");
        keygen.args(["-q", "-t", "rsa", "-b", "2048", "-N", "", "-f"]).arg(far.path("rsa"));
        assert!(keygen.status().await.unwrap().success());
        let keys = ["rsa.pub", "id.pub"].map(|name| std::fs::read(far.path(name)).unwrap());
        std::fs::write(far.path("authorized_keys"), keys.concat()).unwrap();
        // One that isn't the right one, each of both alone, and both.
        for keys in [&["other"][..], &["rsa"], &["id"], &["other", "rsa", "id"]] {
            let agent = Agent::start(&far).await;
            for key in keys {
                agent.add(&far, key).await;
            }
            let builder = Session::builder().known_hosts(far.path("known_hosts"));
            let session = login(builder.agent_at(&agent.socket), &far).await;
            match session {
                Ok(_) => assert!(keys.iter().any(|key| lets_in.contains(key)), "{taken} {keys:?}"),
                Err(Error::Authentication { tried, .. }) => {
                    assert!(!keys.iter().any(|key| lets_in.contains(key)), "{taken} {keys:?}");
                    assert_eq!(tried.len(), keys.len(), "{tried:?}");
                }
                Err(error) => panic!("{taken} {keys:?}: {error}"),
            }
        }
    }
}
