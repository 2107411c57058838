//! Services within one process, called through the same proxies as those elsewhere: for tests, and for
//! what may become a process of its own later. Then its address changes, and nothing else.
//!
//! ```sh
//! cargo run -p drb-examples --example in_process
//! cargo run -p drb-examples --example in_process drb://localhost:0
//! ```

use drb::{Stream, prelude::*};
use futures_util::StreamExt;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

#[derive(Debug, Clone, PartialEq, DrbDumped)]
struct Item {
    name: String,
    price: u64,
}

#[derive(Default)]
struct Stock(Mutex<HashMap<String, Item>>);

#[drb::service]
impl Stock {
    pub fn put(&self, item: Item) {
        self.0.lock().unwrap().insert(item.name.clone(), item);
    }

    pub fn find(&self, name: String) -> Option<Item> {
        self.0.lock().unwrap().get(&name).cloned()
    }

    pub fn items(&self) -> impl futures_util::Stream<Item = Item> {
        let mut items: Vec<_> = self.0.lock().unwrap().values().cloned().collect();
        items.sort_by(|a, b| a.name.cmp(&b.name));
        futures_util::stream::iter(items)
    }
}

/// Knows the stock by its proxy, wherever that is.
struct Till {
    stock: StockProxy,
}

#[drb::service]
impl Till {
    pub async fn sell(&self, name: String, receipt: Block<(String, u64)>) -> drb::Result<bool> {
        let Some(Item { name, price }) = self.stock.find(name).await? else { return Ok(false) };
        receipt.call((name, price)).await?;
        Ok(true)
    }
}

async fn run(stock: StockProxy, till: TillProxy) -> drb::Result<()> {
    let mut tea = Item { name: "tea".to_owned(), price: 3 };
    stock.put(&tea).await?;
    stock.put(Item { name: "milk".to_owned(), price: 1 }).await?;
    // What is copied is a copy, also where nothing lies in between.
    tea.price = 1000;

    let mut items: Stream<Item> = stock.items().await?;
    while let Some(item) = items.next().await {
        let Item { name, price } = item?;
        println!("{name} costs {price}");
    }
    till.sell("tea", |name, price| println!("sold: {name} for {price}")).await?;
    println!(
        "cake: {}",
        if till.sell("cake", |_, _| ()).await? { "sold" } else { "there is none" }
    );
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let uri = std::env::args().nth(1).unwrap_or_else(|| "drb+local:stock".to_owned());
    let server = drb::start_service(uri, Stock::default()).await?;
    let stock = StockProxy::connect(server.uri()).await?;
    // An object needs no server to be called.
    let till: TillProxy = drb::local(Arc::new(Till { stock: stock.clone() }));
    run(stock, till).await?;
    println!("at {}", server.uri().split(':').next().unwrap_or_default());
    Ok(())
}
