//! Ruby is called, and calls back a process that listens nowhere.

use drb::{Client, tls::ClientTls};
use drb_tests::{
    Server,
    certificates::Certificates,
    desk::{Counter, CounterProxy, DeskProxy},
};
use std::sync::Arc;

async fn talk(client: Client, uri: &str) {
    let back = drb::Server::builder().client(client.clone()).start_behind(uri).await.unwrap();
    assert!(back.uri().starts_with(&format!("{uri}?")));
    let desk: DeskProxy = client.connect(uri).await.unwrap();
    assert_eq!(desk.echo("tea").await.unwrap(), "tea");
    let large = "x".repeat(300_000);
    assert_eq!(desk.echo(&large).await.unwrap(), large);
    let theirs: CounterProxy = desk.counter().await.unwrap();
    assert_eq!((theirs.inc().await.unwrap(), theirs.inc().await.unwrap()), (1, 2));
    let counter = Arc::new(Counter::default());
    assert_eq!(desk.call(Arc::clone(&counter)).await.unwrap(), 1);
    desk.keep(counter).await.unwrap();
    assert_eq!(desk.call_kept().await.unwrap(), 2);
    assert_eq!(desk.each(10, |number| number * 2).await.unwrap(), 90);
    let refuses = |number: u32| match number {
        3 => Err("no tea".to_owned()),
        number => Ok(number),
    };
    let error = desk.each(10, refuses).await.unwrap_err();
    assert!(error.to_string().contains("no tea"), "{error}");
    let calls = (1..11).map(|add| desk.each(10, move |number| number + add));
    let sums =
        futures_util::future::try_join_all(calls.map(IntoFuture::into_future)).await.unwrap();
    assert_eq!(sums, (1..11).map(|add| 45 + 10 * add).collect::<Vec<u32>>());
    assert!(back.counters().connections > 0);
    assert!(back.drain(drb_tests::SOON).await);
}

#[tokio::test]
async fn calls_objects_and_blocks() {
    let server = Server::ruby("fire_server.rb", &["drbfire://localhost:0"]).await;
    for _ in 0..2 {
        talk(Client::new(), server.uri()).await;
    }
}

#[tokio::test]
async fn within_tls() {
    let certificates = Certificates::new();
    let arguments = ["drbfire://localhost:0", certificates.folder()];
    let server = Server::ruby("fire_server.rb", &arguments).await;
    let tls = ClientTls::new(certificates.trust("ca"));
    let tls = tls.certificate(certificates.certificate("client"));
    talk(Client::builder().tls(tls).build(), server.uri()).await;
}

/// The server behind goes with the one that it is called through.
#[tokio::test]
async fn the_server_is_lost() {
    let server = Server::ruby("fire_server.rb", &["drbfire://localhost:0"]).await;
    let back = drb::Server::builder().start_behind(server.uri()).await.unwrap();
    server.kill().await;
    tokio::time::timeout(drb_tests::SOON, back.wait()).await.unwrap();
}
