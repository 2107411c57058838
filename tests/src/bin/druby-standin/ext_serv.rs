//! How a server of the suite makes itself known to it, and how it is ended: Ruby's `DRb::ExtServ`.

use drb::{Client, Object, ObjectId, Proxy, Reference, Server, Value, prelude::*};

/// The suite's side: Ruby's `DRb::ExtServManager`.
#[drb::service]
trait Manager {
    /// Called `register` as well by newer Rubies.
    async fn regist(&self, name: String, service: ExtServProxy) -> Value;
    async fn unregist(&self, name: String) -> Value;
}

/// What the manager is given of this server.
#[derive(DrbUndumped)]
struct ExtServ {
    server: Server,
    manager: ManagerProxy,
    name: String,
}

#[drb::service(class = "DRb::ExtServ")]
impl ExtServ {
    #[drb(name = "alive?")]
    pub fn is_alive(&self) -> bool {
        true
    }

    pub fn front(&self) -> Object {
        front(self.server.uri())
    }

    /// The reply to this very call is still sent.
    pub async fn stop_service(&self) -> drb::Result<bool> {
        self.manager.unregist(&self.name).await?;
        self.server.stop();
        Ok(true)
    }
}

/// Tells the manager that the server is there.
pub(crate) async fn register(
    server: &Server,
    client: &Client,
    manager: &str,
    name: &str,
) -> drb::Result<()> {
    let manager: ManagerProxy = client.connect(manager).await?;
    let service =
        ExtServ { server: server.clone(), manager: manager.clone(), name: name.to_owned() };
    manager.regist(name, service).await?;
    Ok(())
}

/// A reference to the front object of the server at a URI.
pub(crate) fn front(uri: &str) -> Object {
    Object::from_remote(Client::new().remote(Reference::new(uri, ObjectId::Front)))
}
