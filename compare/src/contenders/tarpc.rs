//! tarpc, with bincode over TCP.

use crate::{control, driver, workload::Record};
use futures_util::{StreamExt, future};
use serde_bytes::ByteBuf;
use tarpc::{
    client, context,
    serde_transport::tcp,
    server::{BaseChannel, Channel},
    tokio_serde::formats::Bincode,
};

#[tarpc::service]
trait Desk {
    async fn echo(number: i64) -> i64;
    async fn bytes(bytes: ByteBuf) -> ByteBuf;
    async fn records(records: Vec<Record>) -> Vec<Record>;
}

#[derive(Clone)]
struct Own;

impl Desk for Own {
    async fn echo(self, _: context::Context, number: i64) -> i64 {
        number
    }

    async fn bytes(self, _: context::Context, bytes: ByteBuf) -> ByteBuf {
        bytes
    }

    async fn records(self, _: context::Context, records: Vec<Record>) -> Vec<Record> {
        records
    }
}

pub async fn serve() -> driver::Result<()> {
    let mut incoming = tcp::listen("127.0.0.1:0", Bincode::default).await?;
    incoming.config_mut().max_frame_length(16 << 20);
    control::announce(&incoming.local_addr().to_string());
    while let Some(transport) = incoming.next().await {
        let transport = transport?;
        transport.get_ref().set_nodelay(true)?;
        let channel = BaseChannel::with_defaults(transport).execute(Own.serve());
        tokio::spawn(channel.for_each(|call| {
            tokio::spawn(call);
            future::ready(())
        }));
    }
    Ok(())
}

pub struct Caller(DeskClient);

impl driver::Caller for Caller {
    async fn connect(address: &str) -> driver::Result<Self> {
        let mut connecting = tcp::connect(address, Bincode::default);
        connecting.config_mut().max_frame_length(16 << 20);
        let transport = connecting.await?;
        transport.get_ref().set_nodelay(true)?;
        Ok(Self(DeskClient::new(client::Config::default(), transport).spawn()))
    }

    fn share(&self) -> Option<Self> {
        Some(Self(self.0.clone()))
    }

    async fn echo(&mut self, number: i64) -> driver::Result<i64> {
        Ok(self.0.echo(context::current(), number).await?)
    }

    async fn bytes(&mut self, bytes: Vec<u8>) -> driver::Result<Vec<u8>> {
        Ok(self.0.bytes(context::current(), ByteBuf::from(bytes)).await?.into_vec())
    }

    async fn records(&mut self, records: &[Record]) -> driver::Result<Vec<Record>> {
        Ok(self.0.records(context::current(), records.to_vec()).await?)
    }

    async fn callback(&mut self, _: i64) -> driver::Result<i64> {
        Err("its servers don't call".into())
    }
}
