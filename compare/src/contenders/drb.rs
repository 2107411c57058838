//! drb, over either wire.

use crate::{control, driver, workload::Record};
use drb::{DrbUndumped, Error, Proxy};
use std::{future::pending, sync::Arc};

struct Desk;

#[drb::service]
impl Desk {
    pub fn echo(&self, number: i64) -> i64 {
        number
    }

    pub fn bytes(&self, bytes: Vec<u8>) -> Vec<u8> {
        bytes
    }

    pub fn records(&self, records: Vec<Record>) -> Vec<Record> {
        records
    }

    pub async fn callback(&self, number: i64, back: BackProxy) -> drb::Result<i64> {
        back.next(number).await
    }
}

#[derive(DrbUndumped)]
struct Back;

#[drb::service]
impl Back {
    pub fn next(&self, number: i64) -> i64 {
        number + 1
    }
}

pub async fn serve(uri: &str) -> driver::Result<()> {
    let server = drb::start_service(uri, Desk).await?;
    control::announce(server.uri());
    pending().await
}

pub struct Caller {
    desk: DeskProxy,
    back: Arc<Back>,
}

impl driver::Caller for Caller {
    async fn connect(address: &str) -> driver::Result<Self> {
        if address.starts_with("druby:") {
            // On Ruby's wire, who is called back is a server too.
            drb::start_service(None, ()).await?;
        }
        Ok(Self { desk: DeskProxy::connect(address).await?, back: Arc::new(Back) })
    }

    fn share(&self) -> Option<Self> {
        let desk = DeskProxy::from_remote(self.desk.remote().clone());
        Some(Self { desk, back: Arc::clone(&self.back) })
    }

    async fn echo(&mut self, number: i64) -> driver::Result<i64> {
        Ok(self.desk.echo(number).await?)
    }

    async fn bytes(&mut self, bytes: Vec<u8>) -> driver::Result<Vec<u8>> {
        Ok(self.desk.bytes(bytes).await?)
    }

    async fn records(&mut self, records: &[Record]) -> driver::Result<Vec<Record>> {
        Ok(self.desk.records(records).await?)
    }

    async fn callback(&mut self, number: i64) -> driver::Result<i64> {
        let called: Result<i64, Error> = self.desk.callback(number, &self.back).await;
        Ok(called?)
    }
}
