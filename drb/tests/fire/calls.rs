//! Calls, calls back and blocks.

use crate::*;
use std::sync::atomic::AtomicUsize;

#[tokio::test]
async fn objects_and_blocks_of_a_process_that_listens_nowhere_are_called() {
    let server = Elsewhere::start();
    let back = server.behind().await;
    assert_eq!(back.uri().split_once('?').unwrap().0, server.uri);
    assert_eq!(back.native_uri(), back.uri());

    let desk = server.desk().await;
    assert_eq!(desk.echo("tea").await.unwrap(), "tea");
    let counter = Arc::new(Counter::default());
    assert_eq!(desk.call(Arc::clone(&counter)).await.unwrap(), 1);
    assert_eq!(desk.call(Arc::clone(&counter)).await.unwrap(), 2);
    assert_eq!(counter.0.load(Ordering::SeqCst), 2, "it was this very one");
    assert_eq!(desk.each(10, |number| number * 2).await.unwrap(), 90);
    // A reference to an object of the server is called as ever.
    let theirs = desk.counter().await.unwrap();
    assert_eq!(theirs.inc().await.unwrap(), 1);
    assert_eq!(desk.call(&theirs).await.unwrap(), 2);
    // And when no call of this process runs there.
    desk.keep(Arc::clone(&counter)).await.unwrap();
    assert_eq!(desk.call_kept().await.unwrap(), 3);
    let counters = back.counters();
    assert!((1..=2).contains(&counters.connections), "they are used again: {counters:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_clients_with_many_calls_back_side_by_side() {
    let server = Arc::new(Elsewhere::start());
    let right = Arc::new(AtomicUsize::new(0));
    let clients = (0..5).map(|client| {
        let (server, right) = (Arc::clone(&server), Arc::clone(&right));
        tokio::spawn(async move {
            let back = server.behind().await;
            let desk = server.desk().await;
            let calls = (0..20).map(|call| {
                let (desk, right) = (desk.clone(), Arc::clone(&right));
                let add = client * 1000 + call;
                let call = back.as_current(|| desk.each(5, move |number| number + add));
                tokio::spawn(async move {
                    assert_eq!(call.await.unwrap(), 10 + 5 * add);
                    right.fetch_add(1, Ordering::SeqCst);
                })
            });
            for call in calls.collect::<Vec<_>>() {
                call.await.unwrap();
            }
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.await.unwrap();
    }
    assert_eq!(right.load(Ordering::SeqCst), 100);
}

/// The port is one for everybody: those who come without drbfire are told of places without it.
#[tokio::test]
async fn one_port_serves_all() {
    let (server, _) = start().await;
    let place = server.uri().strip_prefix("drbfire:").unwrap();
    assert_eq!(server.native_uri(), format!("drb:{place}"));
    for scheme in ["drbfire", "druby", "drb"] {
        let desk: DeskProxy = Client::new().connect(&format!("{scheme}:{place}")).await.unwrap();
        let uri = desk.uri().await.unwrap();
        let told = if scheme == "drbfire" { "drbfire" } else { "druby" };
        assert_eq!(uri, format!("{told}:{place}"));
        assert_eq!(desk.counter().await.unwrap().inc().await.unwrap(), 1);
    }
}

/// A process can have both kinds of servers, and each peer gets a reference that it can follow.
#[tokio::test]
async fn references_are_such_that_the_peer_can_follow_them() {
    let server = Elsewhere::start();
    let back = server.behind().await;
    let plain = drb::start_service(None, ()).await.unwrap();
    let counter = Arc::new(Counter::default());
    let fire = server.desk().await;
    let druby: DeskProxy =
        Client::new().connect(&server.uri.replace("drbfire:", "druby:")).await.unwrap();
    for round in 1..3 {
        for (desk, calls) in [(&fire, 2 * round - 1), (&druby, 2 * round)] {
            assert_eq!(desk.call(Arc::clone(&counter)).await.unwrap(), calls);
        }
    }
    assert_eq!((back.counters().connections, plain.counters().connections), (1, 1));
}

#[tokio::test]
async fn what_cannot_be_started() {
    let (server, _) = start().await;
    let number = format!("{}?7", server.uri());
    for (uri, problem) in [
        ("druby://localhost:1", "only through a server of drbfire"),
        (number.as_str(), "gives the number"),
        ("drbfire://localhost", "port is missing"),
    ] {
        let error = Server::builder().start_behind(uri).await.unwrap_err();
        assert!(error.to_string().contains(problem), "{error}");
    }
    let advertised = Server::builder().advertise("druby://x:1").start("drbfire://localhost:0");
    assert!(advertised.await.unwrap_err().to_string().contains("advertised at drbfire"));
    let advertised = Server::builder().advertise("drbfire://x:1").start_behind(server.uri()).await;
    assert!(advertised.unwrap_err().to_string().contains("no address to advertise"));
    // Nobody listens there, and who listens there speaks no drbfire.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = format!("drbfire://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = Server::builder().start_behind(&closed).await.unwrap_err();
    assert!(matches!(error, drb::Error::Connect { .. }), "{error}");
    let (plain, refused) = start_with(Server::builder(), "druby://localhost:0").await;
    let fire = plain.uri().replace("druby:", "drbfire:");
    let error = soon(Server::builder().start_behind(&fire)).await.unwrap_err();
    assert_eq!(drb::fire::Error::of(&error), Some(&drb::fire::Error::NoNumber), "{error}");
    let error = Client::new()
        .connect::<DeskProxy>(&fire)
        .await
        .unwrap()
        .echo("tea")
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("speaks no drbfire: write druby://"), "{error}");
    assert_eq!(refused.wait_for(2).await, ["this server speaks no drbfire"; 2]);
    assert_eq!(plain.counters().refused_fire, 2);
}
