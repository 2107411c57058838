//! Runs a seed: hosts with the code of drb as it is, over a network that turmoil simulates.

use crate::{
    checker::{self, Violation},
    client,
    fault::{Planted, Tampered, Wires},
    history::{self, Event, History, Life, Record},
    host::Host,
    plan::{Plan, Step, What},
    service::Desk,
};
use drb::{Address, Client, Limit, Limits, Peer, Server};
use std::{
    cell::{Cell, RefCell},
    io,
    net::{IpAddr, Ipv4Addr},
    rc::Rc,
    sync::Arc,
    time::Duration,
};
use tokio::{sync::Notify, task::JoinSet};

const PORT: u16 = 9000;

/// So long a server that is stopped lets calls run.
const DRAIN: Duration = Duration::from_millis(100);

/// So many pieces are under way on a connection.
const SEGMENTS: usize = 64;

/// How much longer than its deadline a call may take until its caller knows: the runtime's timers count
/// milliseconds, and the deadline of a call that dials is looked at once more before it is sent.
const SLACK: Duration = Duration::from_millis(20);

/// The lives of a host.
#[derive(Clone, Default)]
struct Lives {
    /// The number of the one that it lives.
    number: Rc<Cell<u32>>,
    /// Ends its connections.
    kill: Rc<Notify>,
    /// Stops its server, and starts another one.
    drain: Rc<Notify>,
}

/// What has come of a seed.
#[derive(Debug)]
pub struct Run {
    /// What has happened.
    pub history: Vec<Record>,
    /// What must not have happened.
    pub violations: Vec<Violation>,
    /// How long it was on the clock of the simulation.
    pub elapsed: Duration,
}

impl Run {
    /// By which runs can be compared.
    pub fn fingerprint(&self) -> u64 {
        history::fingerprint(&self.history)
    }
}

/// Where a host's desk is.
pub(crate) fn uri(host: usize) -> String {
    format!("drb://{}:{PORT}", name(host))
}

fn name(host: usize) -> String {
    format!("host{host}")
}

/// The bounds of all hosts: a peer that is gone is found within 1.6 s, and clients pause for longer than
/// connections stay that nobody needs.
fn limits() -> Limits {
    Limits {
        keepalive: Duration::from_millis(400),
        pings: Duration::from_millis(100),
        stall: Duration::from_millis(1500),
        connect: Duration::from_millis(400),
        deadline: Duration::from_millis(800),
        idle: Duration::from_millis(40),
        ..Limits::default()
    }
}

/// Runs a seed, with something planted that must be found, if that is asked for.
pub fn run(seed: u64, planted: Option<Planted>) -> Run {
    let plan = Arc::new(Plan::new(seed));
    let history = History::default();
    let mut sim = turmoil::Builder::new()
        .rng_seed(seed)
        .simulation_duration(plan.rest * 2)
        .tick_duration(plan.tick)
        .min_message_latency(plan.latency.0)
        .max_message_latency(plan.latency.1)
        .tcp_capacity(SEGMENTS)
        .enable_random_order()
        .build();
    let mut lives = Vec::new();
    for host in 0..plan.hosts {
        let its = Lives::default();
        lives.push(its.clone());
        let (plan, history) = (Arc::clone(&plan), history.clone());
        sim.host(name(host), move || {
            let (life, wires) = (Life { host, number: its.number.get() }, Wires::default());
            let (plan, history, its) = (Arc::clone(&plan), history.clone(), its.clone());
            async move {
                let kill = Rc::clone(&its.kill);
                let living = live(life, &plan, history, its, wires.clone(), planted);
                tokio::select! {
                    biased;
                    () = kill.notified() => {
                        wires.cut();
                        std::future::pending().await
                    }
                    ended = living => ended,
                }
            }
        });
    }
    let mut violations = Vec::new();
    let mut faults = plan.faults.iter().peekable();
    while sim.elapsed() < plan.rest + Duration::from_millis(50) {
        let mut killed = Vec::new();
        while let Some(Step { what, .. }) = faults.next_if(|step| step.at <= sim.elapsed()) {
            apply(&mut sim, *what, &history, &lives);
            if let What::Kill(host) = what {
                killed.push(*host);
            }
        }
        if let Err(error) = sim.step() {
            history.at(sim.elapsed(), || history.record(Event::Fault(error.to_string())));
            break;
        }
        killed.into_iter().for_each(|host| crash(&mut sim, host, &history, &lives));
    }
    let elapsed = sim.elapsed();
    let written = history.take();
    // What is dropped with the simulation, nobody looks at.
    history.at(elapsed, || drop(sim));
    violations.extend(checker::check(&written, SLACK + plan.tick * 2));
    Run { history: written, violations, elapsed }
}

fn apply(sim: &mut turmoil::Sim<'_>, what: What, history: &History, lives: &[Lives]) {
    let others = |host| (0..lives.len()).filter(move |other| *other != host);
    history.at(sim.elapsed(), || history.record(Event::Fault(what.to_string())));
    match what {
        What::Part(a, b) => sim.partition(name(a), name(b)),
        What::PartOneWay(a, b) => sim.partition_oneway(name(a), name(b)),
        What::Repair(a, b) => sim.repair(name(a), name(b)),
        What::Hold(a, b) => sim.hold(name(a), name(b)),
        What::Release(a, b) => sim.release(name(a), name(b)),
        What::Slow(a, b, most) => {
            let most = Duration::from_millis(most);
            sim.set_link_max_message_latency(name(a), name(b), most);
        }
        What::Drain(host) => lives[host].drain.notify_one(),
        // Its connections end in the next step, and it does after that.
        What::Kill(host) => lives[host].kill.notify_one(),
        What::PowerCut(host) => {
            others(host).for_each(|other| sim.partition(name(host), name(other)));
            crash(sim, host, history, lives);
        }
        What::Restart(host) => {
            others(host).for_each(|other| sim.repair(name(host), name(other)));
            sim.bounce(name(host));
        }
    }
}

/// Ends the life of a host.
fn crash(sim: &mut turmoil::Sim<'_>, host: usize, history: &History, lives: &[Lives]) {
    history.at(sim.elapsed(), || {
        history.record(Event::Crashed(Life { host, number: lives[host].number.get() }));
        sim.crash(name(host));
    });
    lives[host].number.set(lives[host].number.get() + 1);
}

/// The software of a host.
async fn live(
    life: Life,
    plan: &Arc<Plan>,
    history: History,
    lives: Lives,
    wires: Wires,
    planted: Option<Planted>,
) -> turmoil::Result {
    history.record(Event::Started(life));
    let slice = plan.slice;
    let connector = {
        let wires = wires.clone();
        move |address: Address| {
            let wires = wires.clone();
            async move {
                let Address::Tcp { host, port } = address else {
                    return Err(io::ErrorKind::Unsupported.into());
                };
                let stream = turmoil::net::TcpStream::connect((host, port)).await?;
                Ok(Tampered::new(stream, &wires, planted, slice))
            }
        }
    };
    let client = Client::builder().limits(limits()).connector(connector).build();
    let host = Arc::new(Host { life, history: history.clone(), client, plan: Arc::clone(plan) });
    let serving = Rc::new(RefCell::new(Serving::start(&host)?));
    tokio::task::spawn_local(accept(Rc::clone(&serving), wires, slice));
    tokio::task::spawn_local(drain(Rc::clone(&serving), lives.drain, Arc::clone(&host)));

    let mut clients = JoinSet::new();
    for number in 0..plan.clients {
        clients.spawn(client::run(Arc::clone(&host), number));
    }
    while let Some(ended) = clients.join_next().await {
        ended?;
    }
    // The others' clients may still leave something here until they end.
    sleep_until(plan.busy + Duration::from_millis(1200)).await;
    serving.borrow().desk.clear();
    sleep_until(plan.rest).await;
    let server = serving.borrow().server.clone();
    let (served, called) = (server.usage(), host.client.usage());
    history.record(Event::Resting {
        on: life,
        connections: served.connections + called.connections,
        exported: served.exported + called.exported + server.exported(),
        imported: served.imported + called.imported,
    });
    std::future::pending().await
}

/// A server of a host.
struct Serving {
    server: Server,
    desk: Arc<Desk>,
}

impl Serving {
    fn start(host: &Arc<Host>) -> Result<Self, drb::Error> {
        let desk = Arc::new(Desk::new(Arc::clone(host)));
        let (history, life) = (host.history.clone(), host.life);
        let server = Server::builder()
            .front(Arc::clone(&desk))
            .limits(limits())
            .client(host.client.clone())
            .on_refusal(move |refusal| {
                if refusal.limit == Some(Limit::Idle) {
                    history.record(Event::Unneeded(life));
                }
            })
            .start_without_listener(&uri(host.life.host))?;
        Ok(Self { server, desk })
    }
}

/// Stops a host's server and starts another one, as often as that is asked for.
async fn drain(serving: Rc<RefCell<Serving>>, drain: Rc<Notify>, host: Arc<Host>) {
    loop {
        drain.notified().await;
        let server = serving.borrow().server.clone();
        server.drain(DRAIN).await;
        if let Ok(next) = Serving::start(&host) {
            let last = serving.replace(next);
            last.desk.clear();
        }
    }
}

async fn accept(serving: Rc<RefCell<Serving>>, wires: Wires, slice: usize) -> turmoil::Result {
    let listener =
        turmoil::net::TcpListener::bind((IpAddr::V4(Ipv4Addr::UNSPECIFIED), PORT)).await?;
    loop {
        let (stream, address) = listener.accept().await?;
        let stream = Tampered::new(stream, &wires, None, slice);
        let server = serving.borrow().server.clone();
        // One that is being stopped takes no connection.
        let _ = server.serve_stream(stream, Peer::Tcp(address)).await;
    }
}

async fn sleep_until(time: Duration) {
    let now = turmoil::sim_elapsed().unwrap_or_default();
    tokio::time::sleep(time.saturating_sub(now)).await;
}
