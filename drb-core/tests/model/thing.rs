//! The objects that are passed, and what they do when they are called.

use drb_core::{
    Dump, DumpError, Dumper, Error, Load, LoadError, LoadErrorKind, Loader, Proxy, Reference,
    Remote, Symbol,
    dispatch::{Completed, Dispatch, Incoming, Invoked, MethodInfo, Reply},
};
use std::{
    any::Any,
    collections::{HashMap, HashSet},
    future::poll_fn,
    sync::{
        Arc, Mutex, MutexGuard, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::Poll,
};

/// One process: its objects, and what it holds of the other one's.
#[derive(Default)]
pub(crate) struct Process(Mutex<State>);

#[derive(Default)]
pub(crate) struct State {
    /// Objects that the program holds itself.
    pub(crate) own: Vec<Arc<Thing>>,
    /// All that there ever were.
    pub(crate) made: Vec<Weak<Thing>>,
    /// What methods have kept and calls have given.
    pub(crate) kept: Vec<Handle>,
    /// Methods that wait.
    pub(crate) waiting: Vec<Weak<Gate>>,
    /// Objects that were taken back from everybody.
    pub(crate) revoked: HashSet<u64>,
    /// Whether the connection has ended.
    pub(crate) ended: bool,
    /// Whether the peer may say what isn't so: then nothing of it is believed.
    pub(crate) distrusts: bool,
    /// How often each call has run, by its token.
    pub(crate) runs: HashMap<u64, u32>,
    /// The token of the last call of each object that has run, of those that were made in one way.
    pub(crate) last: HashMap<(u64, u64), u64>,
    /// What calls have found, by their tokens.
    pub(crate) found: HashMap<u64, Found>,
}

/// The object that a call has given, and how often it had been taken back.
#[derive(Clone, Copy)]
pub(crate) struct Found {
    pub(crate) id: u64,
    pub(crate) era: u64,
}

/// An object that the other process can call.
pub(crate) struct Thing {
    pub(crate) id: u64,
    /// How often it was taken back from everybody.
    pub(crate) era: AtomicU64,
    process: Arc<Process>,
}

/// A method waits here, with what it was given.
pub(crate) struct Gate {
    pub(crate) open: AtomicBool,
    pub(crate) holds: Vec<Handle>,
}

/// A reference, and which object it has to mean.
#[derive(Clone)]
pub(crate) struct Handle {
    pub(crate) id: u64,
    pub(crate) era: u64,
    pub(crate) remote: Remote,
}

/// What a message refers to.
#[derive(Clone)]
pub(crate) enum Refers {
    Own(Arc<Thing>),
    Held(Handle),
}

/// The methods of every object, in the order of their names' positions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    /// Keeps what it is given.
    Keep,
    /// Gives back what it is given.
    Echo,
    /// Gives objects of its process.
    Give,
    /// Waits until it is told to go on, and calls the block meanwhile, if there is one.
    Wait,
    /// The same, and it isn't stopped.
    WaitOn,
    /// Panics.
    Panic,
    /// Takes something else than it is given.
    Refuse,
    /// Gives what cannot be dumped.
    Broken,
    /// Gives the first of the objects that it is asked for, and nothing else; nil, if there is none.
    Find,
    /// The same, when it is told to go on.
    FindLater,
}

impl Method {
    pub(crate) const ALL: [Self; 10] = [
        Self::Keep,
        Self::Echo,
        Self::Give,
        Self::Wait,
        Self::WaitOn,
        Self::Panic,
        Self::Refuse,
        Self::Broken,
        Self::Find,
        Self::FindLater,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Echo => "echo",
            Self::Give => "give",
            Self::Wait => "wait",
            Self::WaitOn => "wait on",
            Self::Panic => "panic",
            Self::Refuse => "refuse",
            Self::Broken => "broken",
            Self::Find => "find",
            Self::FindLater => "find later",
        }
    }
}

/// What a method gives.
pub(crate) struct Answer {
    pub(crate) id: u64,
    pub(crate) items: Vec<Handle>,
}

/// So many bytes that nobody looks at.
pub(crate) struct Padding(pub(crate) usize);

impl Process {
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// A new object, which the program holds.
    pub(crate) fn make(self: &Arc<Self>) -> Arc<Thing> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        let thing = Arc::new(Thing { id, era: AtomicU64::new(0), process: Arc::clone(self) });
        let mut state = self.lock();
        state.own.push(Arc::clone(&thing));
        state.made.push(Arc::downgrade(&thing));
        thing
    }

    /// The object or the reference that a number of the test's stands for.
    pub(crate) fn choose(self: &Arc<Self>, number: usize) -> Refers {
        let state = self.lock();
        let at = number % (state.own.len() + state.kept.len() + 1);
        let chosen = match (state.own.get(at), state.kept.get(at.wrapping_sub(state.own.len()))) {
            (Some(thing), _) => Some(Refers::Own(Arc::clone(thing))),
            (None, Some(handle)) => Some(Refers::Held(handle.clone())),
            (None, None) => None,
        };
        drop(state);
        chosen.unwrap_or_else(|| Refers::Own(self.make()))
    }

    /// Where a method waits.
    fn gate(&self, holds: Vec<Handle>) -> Arc<Gate> {
        let gate = Arc::new(Gate { open: AtomicBool::new(false), holds });
        self.lock().waiting.push(Arc::downgrade(&gate));
        gate
    }

    /// Keeps what has arrived. What is of this process has to be the object itself.
    pub(crate) fn keep(&self, handles: Vec<Handle>) {
        self.check(&handles);
        self.lock().kept.extend(handles);
    }

    fn check(&self, handles: &[Handle]) {
        if self.lock().distrusts {
            return;
        }
        for handle in handles.iter().filter(|handle| !handle.is_held()) {
            let state = self.lock();
            match handle.local() {
                Some(local) => {
                    assert_eq!(local.id, handle.id, "it has come home as another object")
                }
                None => {
                    let gone = state.ended || state.revoked.contains(&handle.id);
                    assert!(gone, "{} was lost on its way home", handle.id);
                }
            }
        }
    }
}

impl Gate {
    async fn opens(&self) {
        poll_fn(|_| match self.open.load(Ordering::Relaxed) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        })
        .await;
    }
}

impl Handle {
    /// The object itself, if it is one of the process that has the handle.
    pub(crate) fn local(&self) -> Option<Arc<Thing>> {
        let object: Arc<dyn Any + Send + Sync> = self.remote.link().local()?;
        object.downcast().ok()
    }

    /// Whether it holds an object of the peer's.
    pub(crate) fn is_held(&self) -> bool {
        self.remote.link().session().is_some()
    }

    pub(crate) fn reference(&self) -> &Reference {
        self.remote.reference()
    }
}

impl Thing {
    /// Notes that a call has run. Calls that are made in the same way keep their order.
    fn ran(&self, token: u64, way: u64) {
        let mut state = self.process.lock();
        if state.distrusts {
            return;
        }
        *state.runs.entry(token).or_default() += 1;
        let last = state.last.insert((self.id, way), token);
        assert!(last.is_none_or(|last| last < token), "{token} has come after {last:?}");
    }

    /// Gives one object as such, which can be called before it is there.
    fn find_one(&self, reply: Reply, token: u64, items: &[Refers]) -> Completed {
        let found = items.first().map(|item| match item {
            Refers::Own(thing) => Found { id: thing.id, era: thing.era.load(Ordering::Relaxed) },
            Refers::Held(handle) => {
                let era = handle.local().map(|local| local.era.load(Ordering::Relaxed));
                Found { id: handle.id, era: era.unwrap_or(handle.era) }
            }
        });
        if let Some(found) = found {
            self.process.lock().found.insert(token, found);
        }
        reply.success(|dumper| match items.first() {
            Some(Refers::Own(thing)) => dumper.export(Arc::clone(thing) as _),
            Some(Refers::Held(handle)) => handle.remote.dump(dumper),
            None => dumper.nil(),
        })
    }

    fn answer(&self, reply: Reply, items: &[Refers], padding: usize) -> Completed {
        reply.success(|dumper| {
            dumper.array(3)?;
            self.id.dump(dumper)?;
            items.dump(dumper)?;
            Padding(padding).dump(dumper)?;
            dumper.end();
            Ok(())
        })
    }
}

impl Dispatch for Thing {
    fn class(&self) -> &'static str {
        "Thing"
    }

    fn find(&self, name: &str) -> Option<usize> {
        Method::ALL.iter().position(|method| method.name() == name)
    }

    fn method(&self, _: usize) -> Option<&'static MethodInfo> {
        None
    }

    fn invoke(self: Arc<Self>, index: usize, call: &mut Incoming<'_>) -> Invoked {
        let method = Method::ALL[index];
        let loaded = call.load(|args| {
            args.expect(6, 0, false, false)?;
            let token = args.required::<u64>("token")?;
            let way = args.required::<u64>("way")?;
            let wanted = args.required::<Vec<u64>>("wanted")?;
            let given = match method {
                Method::Refuse => {
                    // A reference is no symbol; and the last argument is never looked at.
                    args.required::<Vec<Symbol>>("given")?;
                    return Err(LoadErrorKind::Arity { given: 0, expected: "1".to_owned() }.into());
                }
                _ => args.required::<Vec<Handle>>("given")?,
            };
            let size = args.required::<usize>("size")?;
            args.required::<Padding>("padding")?;
            let block = args.optional_block::<(u64,), u64>()?;
            Ok((token, way, wanted, given, size, block))
        });
        let ((token, way, wanted, given, size, block), reply) = match loaded {
            Ok(loaded) => loaded,
            Err(refused) => return refused,
        };
        self.ran(token, way);
        self.process.check(&given);
        let wanted = move |process: &Arc<Process>| -> Vec<_> {
            wanted.iter().map(|number| process.choose(*number as usize)).collect()
        };
        match method {
            Method::Keep | Method::Refuse => {
                self.process.keep(given);
                Invoked::Done(self.answer(reply, &[], size))
            }
            Method::Echo => {
                let items: Vec<_> = given.into_iter().map(Refers::Held).collect();
                Invoked::Done(self.answer(reply, &items, size))
            }
            Method::Give => Invoked::Done(self.answer(reply, &wanted(&self.process), size)),
            Method::Wait | Method::WaitOn => {
                let gate = self.process.gate(given);
                let run = Invoked::run(reply, |reply| async move {
                    if let Some(block) = block {
                        let given = block.call((token,)).await;
                        match given {
                            _ if self.process.lock().distrusts => {}
                            Ok(got) => assert_eq!(got, token + 1),
                            Err(Error::NoMethod(_)) => panic!("the block has become an object"),
                            // It may be over before the method is.
                            Err(_) => {}
                        }
                    }
                    gate.opens().await;
                    self.answer(reply, &wanted(&self.process), size)
                });
                if method == Method::WaitOn { run.no_cancel() } else { run }
            }
            Method::Find => Invoked::Done(self.find_one(reply, token, &wanted(&self.process))),
            Method::FindLater => {
                let gate = self.process.gate(given);
                Invoked::run(reply, |reply| async move {
                    gate.opens().await;
                    self.find_one(reply, token, &wanted(&self.process))
                })
            }
            // Without the message that a panic writes.
            Method::Panic => std::panic::resume_unwind(Box::new("a panic")),
            Method::Broken => {
                let items = wanted(&self.process);
                Invoked::Done(reply.success(|dumper| {
                    items.dump(dumper)?;
                    Err(DumpError::custom("broken"))
                }))
            }
        }
    }
}

/// Which object it is stands beside a reference.
impl Dump for Refers {
    fn dump(&self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        dumper.array(3)?;
        match self {
            Self::Own(thing) => {
                thing.id.dump(dumper)?;
                thing.era.load(Ordering::Relaxed).dump(dumper)?;
                dumper.export(Arc::clone(thing) as _)?;
            }
            Self::Held(handle) => {
                // An object of this process goes as what it is now.
                let era = handle.local().map(|local| local.era.load(Ordering::Relaxed));
                handle.id.dump(dumper)?;
                era.unwrap_or(handle.era).dump(dumper)?;
                handle.remote.dump(dumper)?;
            }
        }
        dumper.end();
        Ok(())
    }
}

impl Load for Handle {
    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError> {
        loader.array()?;
        let (id, era) = (Load::load(loader)?, Load::load(loader)?);
        let remote = Remote::load(loader)?;
        loader.end()?;
        Ok(Self { id, era, remote })
    }
}

impl Load for Answer {
    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError> {
        loader.array()?;
        let (id, items) = (Load::load(loader)?, Load::load(loader)?);
        Padding::load(loader)?;
        loader.end()?;
        Ok(Self { id, items })
    }
}

impl Dump for Padding {
    fn dump(&self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        dumper.bytes(&vec![0; self.0])
    }
}

impl Load for Padding {
    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError> {
        Ok(Self(loader.bytes()?.len()))
    }
}

/// An object that a call is going to give.
#[derive(Clone)]
pub(crate) struct Ahead(Remote);

impl Dump for Ahead {
    fn dump(&self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        self.0.dump(dumper)
    }
}

impl Load for Ahead {
    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError> {
        Ok(Self(Remote::load(loader)?))
    }
}

impl Proxy for Ahead {
    fn from_remote(remote: Remote) -> Self {
        Self(remote)
    }

    fn remote(&self) -> &Remote {
        &self.0
    }
}
