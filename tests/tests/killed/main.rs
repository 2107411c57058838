//! A process is killed at each step of a conversation in which the caller is called back. The other
//! one doesn't hang, keeps nothing, and tells the truth about what has run.
//!
//! What has run stands in a journal that both processes write. What a process holds is counted before
//! and afterwards: objects, tasks, file descriptors. `/proc` says what waits in which socket.
#![cfg(target_os = "linux")]

mod process;

use drb::{Client, ObjectId, Proxy, Reference};
use drb_tests::{
    Server,
    talk::{Journal, TalkerProxy, Usage},
};
use process::{Process, eventually};
use std::{
    fmt,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};
use tokio::{
    task::{JoinHandle, JoinSet},
    time::Instant,
};

/// More than any buffer of the system holds.
const LARGE: usize = 16 << 20;

/// So long that no call ends by its deadline.
const PATIENT: Duration = Duration::from_secs(60);

/// How one process is killed.
#[derive(Clone, Copy)]
struct Case {
    /// Whether it is the one that has called.
    caller: bool,
    /// `ruby` or `rust`.
    kind: &'static str,
    /// What the caller is called back through: `listener` or `block`.
    how: &'static str,
    wire: Wire,
}

#[derive(Debug, Clone, Copy)]
enum Wire {
    Tcp,
    Unix,
    /// Between processes of Rust.
    Native,
}

/// Steps that look into the sockets, where only those of TCP can be looked into.
const TCP: &[Wire] = &[Wire::Tcp];
const BOTH: &[Wire] = &[Wire::Tcp, Wire::Unix];
/// On the native wire methods and callbacks end with the connection of those who wait for them, and say
/// nothing more. What is left to be seen of that is how the call ends for a caller that goes on.
const ALL: &[Wire] = &[Wire::Tcp, Wire::Unix, Wire::Native];

/// Both processes of one case.
struct Scene {
    case: Case,
    number: u32,
    victim: Process,
    survivor: Process,
    journal: Journal,
    before: (Usage, usize),
    client: Client,
}

/// Every case of one step: the processes are started, the step goes its way, the survivor is looked at.
macro_rules! steps {
    ($($name:ident: $caller:literal $deadline:expr, $wires:expr;)+) => {$(
        #[tokio::test]
        async fn $name() {
            let mut cases = JoinSet::new();
            for &wire in $wires {
                for kind in ["ruby", "rust"] {
                    if matches!((wire, kind), (Wire::Native, "ruby")) {
                        continue;
                    }
                    for how in ["listener", "block"] {
                        let case = Case { caller: $caller, kind, how, wire };
                        cases.spawn(async move {
                            let mut scene = Scene::start(case, $deadline).await;
                            steps::$name(&mut scene).await;
                            scene.nothing_is_left().await;
                        });
                    }
                }
            }
            while let Some(case) = cases.join_next().await {
                if let Err(error) = case {
                    std::panic::resume_unwind(error.into_panic());
                }
            }
        }
    )+};
}

steps! {
    // The callee is killed …
    a_callee_that_is_gone: false PATIENT, ALL;
    a_callee_that_has_part_of_the_request: false PATIENT, TCP;
    a_callee_that_has_not_read_the_request: false PATIENT, TCP;
    a_callee_in_its_method: false PATIENT, ALL;
    a_callee_that_is_calling_back: false PATIENT, BOTH;
    a_callee_that_has_not_read_what_it_asked_for: false PATIENT, TCP;
    a_callee_between_two_callbacks: false PATIENT, ALL;
    a_callee_in_its_reply: false PATIENT, TCP;
    a_callee_that_does_not_go_on: false Duration::from_millis(500), ALL;
    a_callee_at_any_moment: false PATIENT, ALL;
    // … or the caller.
    a_caller_in_its_request: true PATIENT, TCP;
    a_caller_that_has_sent_its_request: true PATIENT, TCP;
    a_caller_while_the_method_runs: true PATIENT, BOTH;
    a_caller_that_has_not_read_what_it_is_asked: true PATIENT, TCP;
    a_caller_that_is_called_back: true PATIENT, BOTH;
    a_caller_between_two_callbacks: true PATIENT, BOTH;
    a_caller_that_does_not_read_its_reply: true PATIENT, TCP;
    a_caller_that_does_not_go_on: true Duration::from_millis(500), BOTH;
    a_caller_at_any_moment: true PATIENT, BOTH;
}

mod steps {
    use super::*;

    pub(super) async fn a_callee_that_is_gone(scene: &mut Scene) {
        // The second call finds a connection that was good for the first.
        assert_eq!(scene.converse("", 1, 1).await.unwrap().unwrap(), "done 1", "{scene}");
        scene.victim.kill().await;
        scene.ends(scene.converse("", 1, 1), "NotExecuted").await;
        scene.has_run(1, 2);
    }

    pub(super) async fn a_callee_that_has_part_of_the_request(scene: &mut Scene) {
        scene.victim.signal("STOP").await;
        let call = scene.converse("", 1, LARGE);
        scene.victim.port().is_stuffed().await;
        scene.victim.kill().await;
        scene.ends(call, "NotExecuted").await;
        scene.has_run(0, 0);
    }

    pub(super) async fn a_callee_that_has_not_read_the_request(scene: &mut Scene) {
        scene.victim.signal("STOP").await;
        let call = scene.converse("", 1, 1);
        scene.victim.port().has_unread().await;
        scene.victim.kill().await;
        scene.ends(call, "Unknown").await;
        scene.has_run(0, 0);
    }

    pub(super) async fn a_callee_in_its_method(scene: &mut Scene) {
        let call = scene.converse("talk", 1, 1);
        scene.reaches("talk").await;
        scene.victim.kill().await;
        scene.ends(call, "Unknown").await;
        scene.has_run(1, 0);
    }

    pub(super) async fn a_callee_that_is_calling_back(scene: &mut Scene) {
        let call = scene.converse("hear 1", 1, 1);
        scene.reaches("hear 1").await;
        scene.victim.kill().await;
        scene.ends(call, "Unknown").await;
        scene.open_the_gate();
        // A block ends with its call; an object of its own goes on to the end of its method.
        if scene.case.how == "listener" {
            scene.reaches("heard 1").await;
        }
        scene.has_run(1, 1);
    }

    pub(super) async fn a_callee_that_has_not_read_what_it_asked_for(scene: &mut Scene) {
        let call = scene.converse("hear 1", 1, 1);
        scene.reaches("hear 1").await;
        scene.victim.signal("STOP").await;
        scene.open_the_gate();
        scene.reaches("heard 1").await;
        scene.survivor.port().has_unread_elsewhere().await;
        scene.victim.kill().await;
        scene.ends(call, "Unknown").await;
        scene.has_run(1, 1);
    }

    pub(super) async fn a_callee_between_two_callbacks(scene: &mut Scene) {
        let call = scene.converse("between", 1, 1);
        scene.reaches("between").await;
        scene.victim.kill().await;
        scene.ends(call, "Unknown").await;
        scene.has_run(1, 1);
    }

    pub(super) async fn a_callee_in_its_reply(scene: &mut Scene) {
        let call = scene.converse("reply", LARGE, 1);
        scene.reaches("reply").await;
        scene.survivor.signal("STOP").await;
        scene.open_the_gate();
        scene.victim.port().is_stuffed_elsewhere().await;
        scene.victim.kill().await;
        scene.survivor.signal("CONT").await;
        // Whoever begins to give a result has run the method.
        scene.ends(call, "Executed").await;
        scene.has_run(1, 2);
    }

    /// It doesn't die, it only stops: the deadline ends the call.
    pub(super) async fn a_callee_that_does_not_go_on(scene: &mut Scene) {
        let call = scene.converse("talk", 1, 1);
        scene.reaches("talk").await;
        scene.victim.signal("STOP").await;
        let stopped = Instant::now();
        let said = call.await.unwrap().unwrap();
        assert!(said.starts_with("Unknown: no result within 500ms"), "{scene}: {said}");
        assert!(stopped.elapsed() < PATIENT / 4, "{scene}: {:?}", stopped.elapsed());
        scene.victim.kill().await;
        scene.has_run(1, 0);
    }

    /// One conversation follows the other, until one is cut somewhere.
    pub(super) async fn a_callee_at_any_moment(scene: &mut Scene) {
        let talks = scene.converse_on();
        scene.reaches("reply").await;
        scene.wait_a_moment().await;
        scene.victim.kill().await;
        let (done, last) = talks.await.unwrap();
        let last = last.unwrap();
        let run = scene.count("talk");
        match last.split_once(':') {
            Some(("NotExecuted", _)) => assert_eq!(run, done, "{scene}: {last}"),
            Some(("Executed", _)) => assert_eq!(run, done + 1, "{scene}: {last}"),
            Some(("Unknown", _)) => assert!((done..=done + 1).contains(&run), "{scene}: {last}"),
            _ => panic!("{scene}: {last}"),
        }
    }

    pub(super) async fn a_caller_at_any_moment(scene: &mut Scene) {
        let talks = scene.converse_on();
        scene.reaches("reply").await;
        scene.wait_a_moment().await;
        scene.victim.kill().await;
        let (done, last) = talks.await.unwrap();
        assert!(last.is_err(), "{scene}: {last:?}");
        scene.nothing_is_left().await;
        // The last conversation may have got anywhere.
        let (talks, replies, heard) =
            (scene.count("talk"), scene.count("reply"), scene.count("heard "));
        let journal = scene.journal.lines();
        assert!((done..=done + 1).contains(&talks), "{scene}: {done} done, {journal:?}");
        assert!((2 * replies..=2 * talks).contains(&heard), "{scene}: {done} done, {journal:?}");
        assert_eq!(talks - replies, scene.count("not heard: "), "{scene}: {journal:?}");
    }

    pub(super) async fn a_caller_in_its_request(scene: &mut Scene) {
        scene.survivor.signal("STOP").await;
        let call = scene.converse("", 1, LARGE);
        scene.survivor.port().is_stuffed().await;
        scene.victim.kill().await;
        scene.survivor.signal("CONT").await;
        scene.is_cut(call).await;
        scene.nothing_is_left().await;
        scene.has_run(0, 0);
    }

    pub(super) async fn a_caller_that_has_sent_its_request(scene: &mut Scene) {
        scene.survivor.signal("STOP").await;
        let call = scene.converse("", 1, 1);
        scene.survivor.port().has_unread().await;
        scene.victim.kill().await;
        scene.survivor.signal("CONT").await;
        scene.is_cut(call).await;
        scene.reaches("not heard: NotExecuted").await;
        scene.has_run(1, 0);
    }

    pub(super) async fn a_caller_while_the_method_runs(scene: &mut Scene) {
        let call = scene.converse("talk", 1, 1);
        scene.reaches("talk").await;
        scene.victim.kill().await;
        scene.is_cut(call).await;
        scene.open_the_gate();
        scene.reaches("not heard: NotExecuted").await;
        scene.has_run(1, 0);
    }

    pub(super) async fn a_caller_that_has_not_read_what_it_is_asked(scene: &mut Scene) {
        let call = scene.converse("talk", 1, 1);
        scene.reaches("talk").await;
        scene.victim.signal("STOP").await;
        scene.open_the_gate();
        scene.victim.port().has_unread().await;
        scene.victim.kill().await;
        scene.is_cut(call).await;
        scene.reaches("not heard: Unknown").await;
        scene.has_run(1, 0);
    }

    pub(super) async fn a_caller_that_is_called_back(scene: &mut Scene) {
        let call = scene.converse("hear 1", 1, 1);
        scene.reaches("hear 1").await;
        scene.victim.kill().await;
        scene.is_cut(call).await;
        scene.reaches("not heard: Unknown").await;
        scene.has_run(1, 1);
    }

    pub(super) async fn a_caller_between_two_callbacks(scene: &mut Scene) {
        let call = scene.converse("between", 1, 1);
        scene.reaches("between").await;
        scene.victim.kill().await;
        scene.is_cut(call).await;
        scene.open_the_gate();
        scene.reaches("not heard: NotExecuted").await;
        scene.has_run(1, 1);
    }

    pub(super) async fn a_caller_that_does_not_read_its_reply(scene: &mut Scene) {
        let call = scene.converse("reply", LARGE, 1);
        scene.reaches("reply").await;
        scene.victim.signal("STOP").await;
        scene.open_the_gate();
        scene.survivor.port().is_stuffed_elsewhere().await;
        scene.victim.kill().await;
        scene.is_cut(call).await;
        scene.has_run(1, 2);
    }

    /// It doesn't die, it only stops: the deadline ends the callback.
    pub(super) async fn a_caller_that_does_not_go_on(scene: &mut Scene) {
        let call = scene.converse("talk", 1, 1);
        scene.reaches("talk").await;
        scene.victim.signal("STOP").await;
        scene.open_the_gate();
        scene.reaches("not heard: Unknown: no result within 500ms").await;
        scene.victim.kill().await;
        scene.is_cut(call).await;
        scene.has_run(1, 0);
    }
}

impl Scene {
    async fn start(case: Case, deadline: Duration) -> Self {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let name = format!("drb-{}-killed-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let journal = Journal::new(&path);
        let path = path.to_str().unwrap();
        let deadline = deadline.as_millis().to_string();
        let uri = |side: &str| match case.wire {
            Wire::Tcp => "druby://127.0.0.1:0".to_owned(),
            Wire::Unix => format!("drbunix:{path}.{side}"),
            Wire::Native => "drb://127.0.0.1:0".to_owned(),
        };
        let victim = match case.kind {
            "ruby" => Server::ruby("talk.rb", &[&uri("victim"), path]).await,
            _ => Server::peer("talk", &[&uri("victim"), path, &deadline]).await,
        };
        let survivor = Server::peer("talk", &[&uri("survivor"), path, &deadline]).await;
        let (victim, survivor) = (Process::new(victim), Process::new(survivor));
        let client = Client::new();
        // The connection over which it is asked stays open.
        let before = usage(&client, &survivor).await;
        let mut scene = Self { case, number, victim, survivor, journal, before, client };
        scene.before = scene.usage().await;
        scene
    }

    /// Begins the conversation. What it gives is how the caller says that its call has ended, or that
    /// the caller itself is gone.
    fn converse(
        &self,
        pause: &str,
        reply: usize,
        request: usize,
    ) -> JoinHandle<drb::Result<String>> {
        tokio::spawn(self.conversation()(pause, reply, request))
    }

    /// Has one conversation after the other for as long as they end well; gives how many that were,
    /// and how the last one ended.
    fn converse_on(&self) -> JoinHandle<(usize, drb::Result<String>)> {
        let converse = self.conversation();
        tokio::spawn(async move {
            let mut done = 0;
            loop {
                let last = converse("", 1, 1).await;
                if !last.as_ref().is_ok_and(|said| said.starts_with("done ")) {
                    return (done, last);
                }
                done += 1;
            }
        })
    }

    fn conversation(&self) -> impl Fn(&str, usize, usize) -> drb::Call<String> + Send + use<> {
        let (caller, callee) = match self.case.caller {
            true => (&self.victim, &self.survivor),
            false => (&self.survivor, &self.victim),
        };
        let proxy = |process: &Process| {
            let front = Reference::new(process.uri(), ObjectId::Front);
            TalkerProxy::from_remote(self.client.remote(front))
        };
        let (caller, callee, how) = (proxy(caller), proxy(callee), self.case.how);
        move |pause: &str, reply, request| {
            caller.converse(&callee, how, pause, reply, request).deadline(PATIENT)
        }
    }

    /// Waits for another moment in each scene.
    async fn wait_a_moment(&self) {
        tokio::time::sleep(Duration::from_micros(u64::from(self.number % 13) * 700)).await;
    }

    /// The surviving caller says how its call has ended; not by its deadline.
    async fn ends(&self, call: JoinHandle<drb::Result<String>>, outcome: &str) {
        let said = call.await.unwrap().unwrap();
        assert!(said.starts_with(&format!("{outcome}: ")), "{self}: {said}");
        assert!(!said.contains("no result within"), "{self}: {said}");
    }

    /// The caller is gone, so the test is told nothing.
    async fn is_cut(&self, call: JoinHandle<drb::Result<String>>) {
        let lost = call.await.unwrap().unwrap_err();
        assert!(matches!(lost, drb::Error::ConnectionLost { .. }), "{self}: {lost:?}");
    }

    async fn reaches(&self, line: &str) {
        let there = || self.journal.lines().iter().any(|known| known.starts_with(line));
        eventually(there, || format!("{self}: `{line}` in {:?}", self.journal.lines())).await;
    }

    fn open_the_gate(&self) {
        self.journal.open_the_gate().unwrap();
    }

    /// How often the method has run, and how often the callback, according to the journal.
    fn has_run(&self, methods: usize, callbacks: usize) {
        let run = (self.count("talk"), self.count("hear "));
        assert_eq!(run, (methods, callbacks), "{self}: {:?}", self.journal.lines());
    }

    /// How many lines of the journal begin so.
    fn count(&self, begin: &str) -> usize {
        self.journal.lines().iter().filter(|line| line.starts_with(begin)).count()
    }

    async fn usage(&self) -> (Usage, usize) {
        usage(&self.client, &self.survivor).await
    }

    /// The survivor holds what it held before, and no more.
    async fn nothing_is_left(&self) {
        let mut last = None;
        for _ in 0..1000 {
            let now = self.usage().await;
            // On the native wire the test's own connection may have been closing at the beginning.
            let less = now.0.exported <= self.before.0.exported
                && now.0.tasks <= self.before.0.tasks
                && now.1 <= self.before.1;
            if now == self.before || (matches!(self.case.wire, Wire::Native) && less) {
                return;
            }
            last = Some(now);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let open = self.survivor.open_files();
        panic!("{self}: {last:?} instead of {:?}; {open:?}", self.before);
    }
}

async fn usage(client: &Client, process: &Process) -> (Usage, usize) {
    let talker: TalkerProxy = client.connect(process.uri()).await.unwrap();
    (talker.usage().await.unwrap(), process.open_files().len())
}

impl fmt::Display for Scene {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Case { caller, kind, how, wire } = self.case;
        let side = if caller { "caller" } else { "callee" };
        write!(f, "a {kind} {side} with a {how} over {wire:?}")
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        // They may never have been written.
        let path = self.journal.path();
        let _ = std::fs::remove_file(path);
        for extension in ["gate", "victim", "survivor"] {
            let _ = std::fs::remove_file(path.with_added_extension(extension));
        }
    }
}
