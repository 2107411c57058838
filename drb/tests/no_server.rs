//! A process without a server: over Ruby's wire nobody can call it back. It is a test program of its own,
//! so that there really is none.

use drb::{DrbUndumped, DumpError, Error, Outcome, by_ref};

#[derive(DrbUndumped)]
struct Bell;

#[drb::service]
impl Bell {
    pub fn ring(&self) -> String {
        "ding".to_owned()
    }
}

#[drb::service]
trait Tower {
    async fn hang(&self, bell: BellProxy);
    async fn hang_all(&self, bells: Vec<BellProxy>);
}

#[tokio::test]
async fn an_object_cannot_be_passed() {
    // It is asked nothing.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let uri = format!("druby://{}", listener.local_addr().unwrap());
    let tower = TowerProxy::connect(&uri).await.unwrap();
    assert!(drb::current_server().is_none());
    let words = "argument cannot be sent: an object of Bell cannot go by reference because this \
                 process serves no address; start a server with `drb::start_service` first";
    for error in [tower.hang(Bell).await, tower.hang_all([by_ref(Bell)]).await] {
        let error = error.unwrap_err();
        assert!(matches!(error, Error::Dump(DumpError::NoServer { class: "Bell" })), "{error:?}");
        assert_eq!(error.outcome(), Outcome::NotExecuted);
        assert_eq!(error.to_string(), words);
    }
}
