//! A client that nobody can connect to is called back: over the connection that it has made. What keeps
//! others out, a firewall or an address translation, needs no setting.
//!
//! The client here runs in a process of its own that listens nowhere, which it shows before it begins.
//!
//! ```sh
//! cargo run -p drb-examples --example callbacks_behind_nat
//! ```

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    process::Command,
    sync::{Notify, mpsc},
};

/// What clients implement. The server knows no more of them.
#[drb::service]
trait Subscriber {
    async fn hear(&self, news: String);
}

/// Tells everybody.
#[derive(Default)]
struct Radio {
    subscribers: Mutex<Vec<SubscriberProxy>>,
    announced: Notify,
}

#[drb::service]
impl Radio {
    pub fn subscribe(&self, subscriber: SubscriberProxy) {
        self.subscribers.lock().unwrap().push(subscriber);
    }

    /// Calls whoever has subscribed. Those that are gone are forgotten.
    pub async fn announce(&self, news: String) -> usize {
        let mut subscribers = std::mem::take(&mut *self.subscribers.lock().unwrap());
        let mut heard = Vec::new();
        for subscriber in subscribers.drain(..) {
            let call = subscriber.hear(&news).deadline(Duration::from_secs(5));
            if call.await.is_ok() {
                heard.push(subscriber);
            }
        }
        let count = heard.len();
        self.subscribers.lock().unwrap().append(&mut heard);
        self.announced.notify_one();
        count
    }
}

struct Listener(mpsc::UnboundedSender<String>);

#[drb::service]
impl Subscriber for Listener {
    async fn hear(&self, news: String) {
        // Whether anybody reads it is not the radio's business.
        let _ = self.0.send(news);
    }
}

/// The process behind the firewall.
async fn client(uri: &str) -> Result<(), Box<dyn std::error::Error>> {
    println!(
        "client: my server is {:?}",
        drb::current_server().map(|server| server.uri().to_owned())
    );
    let radio = RadioProxy::connect(uri).await?;
    let (sender, mut news) = mpsc::unbounded_channel();
    radio.subscribe(Arc::new(Listener(sender))).await?;
    println!("client: {} was told", radio.announce("the tea is ready").await?);
    // The next one comes while no call of this process is under way.
    for _ in 0..2 {
        if let Some(news) = news.recv().await {
            println!("client: I hear that {news}");
        }
    }
    // With the process goes the subscription.
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    if let Some(uri) = std::env::args().nth(1) {
        return client(&uri).await;
    }
    let radio = Arc::new(Radio::default());
    let server = drb::start_service("drb://localhost:0", Arc::clone(&radio)).await?;
    let mut client =
        Command::new(std::env::current_exe()?).arg(server.uri()).kill_on_drop(true).spawn()?;
    // The client has had its own say.
    radio.announced.notified().await;
    radio.announce("there is cake".to_owned()).await;
    client.wait().await?;
    println!("server: {} hear this", radio.announce("good night".to_owned()).await);
    Ok(())
}
