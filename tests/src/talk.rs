//! The role `talk` of the program `peer`: one side of a conversation that is cut short, in which the
//! caller is called back. The same stands in `tests/ruby/talk.rb`, so that each side can be of either
//! kind.
//!
//! Both sides write what they do into one journal, which outlives them.

use drb::{Block, prelude::*};
use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    time::Duration,
};

/// The file in which both sides write what they do, line by line.
#[derive(Debug, Clone)]
pub struct Journal(PathBuf);

impl Journal {
    /// The journal in a file, which needn't be there yet.
    pub fn new(path: impl AsRef<Path>) -> Self {
        Self(path.as_ref().to_owned())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// What it says so far.
    pub fn lines(&self) -> Vec<String> {
        let text = fs::read_to_string(&self.0).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// Lets whoever pauses go on.
    ///
    /// # Errors
    /// What the system says.
    pub fn open_the_gate(&self) -> io::Result<()> {
        File::create(self.gate()).map(|_| ())
    }

    fn gate(&self) -> PathBuf {
        self.0.with_added_extension("gate")
    }

    /// Writes a line, in one piece.
    fn note(&self, line: &str) {
        let mut file = File::options().append(true).create(true).open(&self.0).expect("a journal");
        file.write_all(format!("{line}\n").as_bytes()).expect("a journal that can be written");
    }

    /// Writes a line, and waits at the gate if it is the one to pause at; not for ever, so that no
    /// process is left behind.
    async fn step(&self, line: &str, pause: &str) {
        self.note(line);
        if line != pause {
            return;
        }
        let gate = self.gate();
        for _ in 0..2000 {
            if gate.exists() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// What is called back.
#[derive(DrbUndumped)]
pub struct Listener {
    journal: Journal,
    pause: String,
}

impl Listener {
    /// One that pauses nowhere.
    pub fn new(journal: &Journal) -> Self {
        Self { journal: journal.clone(), pause: String::new() }
    }
}

#[drb::service]
impl Listener {
    /// Hears a number, and gives it back.
    pub async fn hear(&self, number: u32) -> u32 {
        self.journal.step(&format!("hear {number}"), &self.pause).await;
        self.journal.note(&format!("heard {number}"));
        number
    }
}

/// How much of everything the process holds.
#[derive(Debug, Clone, PartialEq, DrbDumped)]
pub struct Usage {
    /// Objects that others can call.
    pub exported: usize,
    /// Tasks that haven't ended.
    pub tasks: usize,
}

/// One side of the conversation; each can be either.
#[derive(DrbUndumped)]
pub struct Talker {
    journal: Journal,
    deadline: Duration,
    server: OnceLock<drb::Server>,
}

impl Talker {
    /// A side that writes into a journal, and gives each of its calls so long.
    pub fn new(journal: Journal, deadline: Duration) -> Self {
        Self { journal, deadline, server: OnceLock::new() }
    }

    /// Serves it. What it exports, it holds for a second without use.
    ///
    /// # Errors
    /// See [`drb::start_service`].
    pub async fn start(self, uri: &str) -> drb::Result<drb::Server> {
        let this = Arc::new(self);
        let builder = drb::Server::builder().front(Arc::clone(&this)).lease(Duration::from_secs(1));
        let server = builder.start(uri).await?;
        Ok(this.server.get_or_init(|| server).clone())
    }

    /// Notes how a callback has failed.
    fn check(&self, heard: drb::Result<u32>) -> drb::Result<u32> {
        if let Err(error) = &heard {
            self.journal.note(&format!("not heard: {}", describe(error)));
        }
        heard
    }
}

#[drb::service]
impl Talker {
    /// The caller's side: makes the call, and says how it has ended. `how` is `listener` or `block`,
    /// `pause` the line of the journal at which to pause, `reply` and `request` are numbers of bytes.
    pub async fn converse(
        &self,
        callee: TalkerProxy,
        how: String,
        pause: String,
        reply: usize,
        request: usize,
    ) -> String {
        let payload = "x".repeat(request);
        let listener = Arc::new(Listener { journal: self.journal.clone(), pause: pause.clone() });
        self.journal.note("call");
        let result = if how == "block" {
            let hear = async |number| listener.hear(number).await;
            callee.talk_to_block(&payload, &pause, reply, hear).deadline(self.deadline).await
        } else {
            callee.talk_to(&listener, &payload, &pause, reply).deadline(self.deadline).await
        };
        match result {
            Ok(text) => format!("done {}", text.len()),
            Err(error) => describe(&error),
        }
    }

    /// The callee's side, where the caller passes an object.
    pub async fn talk_to(
        &self,
        listener: ListenerProxy,
        payload: String,
        pause: String,
        reply: usize,
    ) -> drb::Result<String> {
        drop(payload);
        self.journal.step("talk", &pause).await;
        self.check(listener.hear(1).deadline(self.deadline).await)?;
        self.journal.step("between", &pause).await;
        self.check(listener.hear(2).deadline(self.deadline).await)?;
        self.journal.step("reply", &pause).await;
        Ok("x".repeat(reply))
    }

    /// The callee's side, where the caller passes a block.
    pub async fn talk_to_block(
        &self,
        payload: String,
        pause: String,
        reply: usize,
        block: Block<(u32,), u32>,
    ) -> drb::Result<String> {
        drop(payload);
        self.journal.step("talk", &pause).await;
        self.check(block.call((1,)).deadline(self.deadline).await)?;
        self.journal.step("between", &pause).await;
        self.check(block.call((2,)).deadline(self.deadline).await)?;
        self.journal.step("reply", &pause).await;
        Ok("x".repeat(reply))
    }

    /// What the process holds.
    pub fn usage(&self) -> Usage {
        let exported = self.server.get().map_or(0, drb::Server::exported);
        let tasks = tokio::runtime::Handle::current().metrics().num_alive_tasks();
        Usage { exported, tasks }
    }
}

/// What is known of the outcome, then why the call has failed.
fn describe(error: &drb::Error) -> String {
    format!("{:?}: {error}", error.outcome())
}
