//! What the program `crowd` does with ten thousand connections, with a few hundred.

use drb_benches::crowd::{Harm, Raw, address, flood, hold, newcomers, polite, serve};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

#[test]
fn a_newcomer_is_served_beside_those_who_only_hold_connections() {
    runtime().block_on(async {
        for raw in [Raw::Ruby, Raw::Native] {
            let server = serve(None).await.unwrap();
            let uri = raw.at(server.uri());
            let held = hold(address(&uri), raw, 400).await.unwrap();
            let mut harm = Harm::default();
            harm.silent(address(&uri), 400, SECOND / 10);
            harm.trickling(address(&uri), raw, 20, SECOND / 10);
            tokio::time::sleep(SECOND / 2).await;
            let (latencies, _) = newcomers(drb::Client::new, &uri, 50, SECOND / 100).await.unwrap();
            // How fast is measured by the program; here it is enough that all are served.
            assert_eq!(latencies.len(), 50);
            // Those who are silent drive out each other, and not those who have greeted.
            let driven_out = server.counters().exceeded(drb::Limit::Newcomers);
            assert!(driven_out >= 400 - 256, "{driven_out}");
            for stream in &held {
                match stream.try_read(&mut [0; 64]) {
                    Ok(0) => panic!("a connection that is held was closed"),
                    Ok(_) => {}
                    Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock),
                }
            }
            drop(harm);
            server.drain(SECOND).await;
        }
    });
}

#[test]
fn polite_clients_are_served_beside_a_flood() {
    runtime().block_on(async {
        for raw in [Raw::Ruby, Raw::Native] {
            let server = serve(None).await.unwrap();
            let uri = raw.at(server.uri());
            let other = uri.clone();
            let flooder = tokio::spawn(async move { flood(&other, 4, 16, 0, SECOND).await });
            let latencies = polite(&uri, 20, SECOND / 50, 0, SECOND / 2).await.unwrap();
            assert!(latencies.len() >= 20, "each at least once: {latencies}");
            assert!(flooder.await.unwrap().unwrap() > 100);
            server.drain(SECOND).await;
        }
    });
}

#[cfg(feature = "tls")]
#[test]
fn connections_are_held_within_tls() {
    use drb_benches::{crowd::hold_within_tls, secure};
    runtime().block_on(async {
        let certificates = secure::Certificates::new().unwrap();
        let folder = certificates.folder().unwrap();
        for raw in [Raw::Ruby, Raw::Native] {
            let server = serve(Some(folder)).await.unwrap();
            let uri = raw.at(server.uri());
            let held = hold_within_tls(address(&uri), raw, 50, folder).await.unwrap();
            assert_eq!(held.len(), 50);
            let clients = secure::clients(Some(folder)).unwrap();
            let (latencies, refused) = newcomers(clients, &uri, 5, SECOND / 100).await.unwrap();
            assert_eq!((latencies.len(), refused), (5, 0));
            assert_eq!(server.counters().failed_handshakes, 0);
            drop(held);
            server.drain(SECOND).await;
        }
    });
}
