//! How long a call may take, what becomes of its method when nobody waits any more, and what its failure
//! says.
//!
//! ```sh
//! cargo run -p drb-examples --example deadlines
//! ```

use drb::{Error, Outcome, prelude::*};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

const SHORT: Duration = Duration::from_millis(250);

#[derive(Default)]
struct Kitchen {
    stopped: AtomicUsize,
    paid: AtomicUsize,
    oven: Option<OvenProxy>,
}

/// Counts when a method is stopped where it waits: its destructors run.
struct Stopped<'a>(&'a AtomicUsize);

impl Drop for Stopped<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[drb::service]
impl Kitchen {
    pub async fn cook(&self) {
        let stopped = Stopped(&self.stopped);
        tokio::time::sleep(Duration::from_secs(60)).await;
        std::mem::forget(stopped);
    }

    /// What has begun here is brought to its end, whether somebody waits or not.
    #[drb(no_cancel)]
    pub async fn pay(&self) {
        tokio::time::sleep(2 * SHORT).await;
        self.paid.fetch_add(1, Ordering::SeqCst);
    }

    /// Calls another server, and says nothing of deadlines: that of its caller holds there, too.
    #[drb(no_cancel)]
    pub async fn bake(&self) -> String {
        let Some(oven) = &self.oven else { return "there is no oven".to_owned() };
        match oven.heat().no_deadline().await {
            Err(Error::DeadlineExceeded { .. }) => "the oven had only what was left".to_owned(),
            other => format!("{other:?}"),
        }
    }

    pub fn stopped(&self) -> usize {
        self.stopped.load(Ordering::SeqCst)
    }
}

#[derive(DrbUndumped)]
struct Oven(Arc<tokio::sync::Notify>);

#[drb::service]
impl Oven {
    pub async fn heat(&self) {
        let _said = Said(Arc::clone(&self.0));
        tokio::time::sleep(Duration::from_secs(60)).await;
    }
}

/// Says that the oven is off.
struct Said(Arc<tokio::sync::Notify>);

impl Drop for Said {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let off = Arc::new(tokio::sync::Notify::new());
    let oven = drb::start_service("drb://localhost:0", Oven(Arc::clone(&off))).await?;
    let kitchen = Arc::new(Kitchen {
        oven: Some(OvenProxy::connect(oven.uri()).await?),
        ..Kitchen::default()
    });
    let server = drb::start_service("drb://localhost:0", Arc::clone(&kitchen)).await?;

    // Each call has 30 seconds, unless the client or the call says otherwise.
    let client = drb::Client::builder().deadline(Duration::from_secs(10)).build();
    let proxy: KitchenProxy = client.connect(server.uri()).await?;

    match proxy.cook().deadline(SHORT).await {
        Err(error @ Error::DeadlineExceeded { .. }) => println!("cook: {error}"),
        other => println!("cook: {other:?}"),
    }
    until(|| kitchen.stopped() == 1).await;
    println!("cook: the method was stopped");

    // A call that is dropped is cancelled in the same way.
    let _ = tokio::time::timeout(SHORT, proxy.cook().no_deadline()).await;
    until(|| kitchen.stopped() == 2).await;
    println!("cook: the other one as well");

    let outcome = proxy.pay().deadline(SHORT).await.err().map(|error| error.outcome());
    until(|| kitchen.paid.load(Ordering::SeqCst) == 1).await;
    println!("pay: {}, and it was paid once", outcome.unwrap_or(Outcome::Executed));

    // The deadline goes along to the third process, where it stops the method.
    let _ = proxy.bake().deadline(SHORT).await;
    off.notified().await;
    println!("bake: the oven is off");

    // Calls of a server that isn't there any more have surely not run, which can be relied on.
    server.drain(Duration::from_secs(5)).await;
    let error = proxy.cook().await.unwrap_err();
    println!("afterwards: {}", error.outcome());
    Ok(())
}

async fn until(is: impl Fn() -> bool) {
    while !is() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
