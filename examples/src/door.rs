//! The object of `ssl_server`.

use drb::{Block, Context, Identity};

/// Knows who knocks, by their certificate.
pub struct Door;

#[drb::service]
impl Door {
    /// Greets the caller by the first name in its certificate.
    pub fn knock(&self, #[drb(context)] call: &Context) -> String {
        match call.identity() {
            Identity::Tls(certificate) => match certificate.names().first() {
                Some(name) => format!("come in, {name}"),
                None => "come in, whoever you are".to_owned(),
            },
            _ => "who is there?".to_owned(),
        }
    }

    /// Calls the block for each room: it runs where the caller is, and is called over TLS as well.
    pub async fn rooms(&self, block: Block<(String,)>) -> drb::Result<u64> {
        let rooms = ["hall", "kitchen", "attic"];
        for room in rooms {
            block.call((room.to_owned(),)).await?;
        }
        Ok(rooms.len() as u64)
    }
}
