//! Each form of a closure, and of the type of a block.
use drb::{Block, Value};
use std::ops::ControlFlow;

struct Store;

#[drb::service]
impl Store {
    pub async fn none(&self, block: Block) {
        let _ = block;
    }

    pub async fn first(&self, mut block: Block<(u64,), String>, by: &str) -> Result<u64, String> {
        block = block.clone();
        block.call((by.len() as u64,)).await.map_err(|error| error.to_string())?;
        Ok(1)
    }

    pub async fn many(
        &self,
        r#for: ::drb::Block<(u8, u8, u8, u8, u8, u8, u8, Option<Value>), Vec<u8>>,
    ) -> &str {
        let _ = r#for;
        ""
    }

    pub async fn any(&self, each: std::option::Option<drb::Block<Vec<std::sync::Arc<Store>>>>) {
        let _ = each;
    }
}

impl drb::Outbound for Store {
    type Arrives = StoreProxy;

    fn send(self, dumper: &mut drb::Dumper<'_>) -> Result<(), drb::DumpError> {
        drb::Arg::<StoreProxy>::dump_arg(self, dumper)
    }

    fn send_shared(
        shared: std::sync::Arc<Self>,
        dumper: &mut drb::Dumper<'_>,
    ) -> Result<(), drb::DumpError> {
        drb::Arg::<StoreProxy>::dump_arg(shared, dumper)
    }
}

async fn call(store: StoreProxy) -> Result<(), Box<dyn std::error::Error>> {
    let mut count = 0;
    store.none(|| count += 1).await?;
    store.none(|| ()).await?;
    store.none(async || ()).await?;
    store.none(|| async {}).await?;
    store.none(|| Ok::<_, String>(())).await?;
    store.none(async || Err::<(), _>(String::new())).await?;
    store.none(|| ControlFlow::<()>::Break(())).await?;
    store.first("a", |i| i.to_string()).await?;
    store.first("a", |_| "text").await?;
    store.first("a", |i| format!("{i}{count}")).await?;
    store.first("a", async |_| "text").await?;
    let leave = |i| if i > 1 { ControlFlow::Break(i) } else { ControlFlow::Continue("") };
    store.first("a", leave).await?;
    store.first("a", async |i| ControlFlow::<_, String>::Break(i)).await?;
    store.many(|a, _, _, _, _, _, _, value: Option<Value>| vec![a; value.iter().len()]).await?;
    store.many(|_, _, _, _, _, _, _, _| [1_u8]).await?;
    store.any().await?;
    store.any_with(|stores: Vec<StoreProxy>| drop(stores)).await?;
    store.none(refuse).await?;
    Ok(())
}

fn refuse() -> Result<(), drb::Exception> {
    Err(drb::Exception::new("RuntimeError", "no"))
}

fn main() {
    let _ = call;
}
