//! A control connection, as the process sees it that is called through it.

use super::{Error, WANTED, open};
use crate::{
    Client, Server,
    client::{Deadline, current_runtime},
    net::Stream,
    timer::Timer,
    wire::{CALLS_BACK, CONTROL},
};
use drb_core::Uri;
use std::{io, pin::pin, sync::Arc};
use tokio::{io::AsyncReadExt, task::JoinSet, time::Instant};

/// So many connections are made at once, however many are wanted.
const AT_ONCE: usize = 64;

/// What leads to a server that listens nowhere.
pub(crate) struct Behind {
    control: Stream,
    to: Arc<Uri>,
    number: u32,
    client: Client,
}

impl Behind {
    /// Connects, and waits for a number.
    pub(crate) async fn connect(to: Uri, client: Client) -> Result<Self, crate::Error> {
        let uri: Arc<str> = to.to_string().into();
        current_runtime(&uri)?;
        let connecting = async {
            let mut control = open(&to, &client, &[CONTROL]).await?;
            let number = match control.read_u32().await {
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    return Err(Error::NoNumber.into());
                }
                number => number?,
            };
            Ok((control, number))
        };
        let (deadline, mut timer) = (Deadline::new(None), Timer::default());
        let most = client.limits().connect;
        let bound = deadline.bound(&mut timer, most, &uri, pin!(connecting)).await;
        let (control, number) = bound?;
        Ok(Self { control, to: Arc::new(to), number, client })
    }

    /// Where the server calls this process.
    pub(crate) fn uri(&self) -> Uri {
        let mut uri = (*self.to).clone();
        uri.option = Some(self.number.to_string());
        uri
    }

    /// Has `server` serve the connections that are wanted, until it ends or the control connection does.
    pub(crate) async fn run(mut self, server: Server) {
        tokio::select! {
            biased;
            () = server.stopped() => {}
            _ = self.answer(&server) => server.stop(),
        }
    }

    /// Gives the error with which the connection ends. Who doesn't keep to the protocol ends it as well.
    async fn answer(&mut self, server: &Server) -> io::Error {
        let mut made = JoinSet::new();
        loop {
            let heard = tokio::select! {
                biased;
                Some(_) = made.join_next() => continue,
                heard = self.control.read_u8(), if made.len() < AT_ONCE => heard,
            };
            match heard {
                Ok(WANTED) => {
                    made.spawn(back(
                        Arc::clone(&self.to),
                        self.number,
                        self.client.clone(),
                        server.clone(),
                    ));
                }
                Ok(_) => return io::ErrorKind::InvalidData.into(),
                Err(error) => return error,
            }
        }
    }
}

/// Makes a connection on which the server calls. If it can't be made, those who wait for it there learn that by
/// waiting.
async fn back(to: Arc<Uri>, number: u32, client: Client, server: Server) {
    let mut purpose = vec![CALLS_BACK];
    purpose.extend(number.to_be_bytes());
    let until = Instant::now() + client.limits().connect;
    let opened = Timer::default().by(until, pin!(open(&to, &client, &purpose))).await;
    if let Ok(Ok(stream)) = opened {
        // It only fails where the server has ended.
        let _ = server.take(stream).await;
    }
}
