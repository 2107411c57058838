//! A server and a client in one program, over a real socket:
//! `cargo run -p drb-examples --example quickstart`

use drb::prelude::*;
use std::{collections::HashMap, sync::Mutex};

/// Crosses by value.
#[derive(Debug, DrbDumped)]
struct Entry {
    key: String,
    hits: u64,
}

/// Stays where it is.
#[derive(Default, DrbUndumped)]
struct Store {
    hits: Mutex<HashMap<String, u64>>,
}

#[derive(Debug, thiserror::Error, DrbError)]
enum StoreError {
    #[error("there is no `{key}`")]
    Missing { key: String },
}

/// What is `pub` here can be called from elsewhere, and nothing else.
#[drb::service]
impl Store {
    pub fn inc(&self, key: String, by: u64) -> u64 {
        let mut hits = self.hits.lock().unwrap();
        let count = hits.entry(key).or_default();
        *count += by;
        *count
    }

    pub fn get(&self, key: String) -> Result<Entry, StoreError> {
        match self.hits.lock().unwrap().get(&key) {
            Some(&hits) => Ok(Entry { key, hits }),
            None => Err(StoreError::Missing { key }),
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = drb::start_service("druby://localhost:0", Store::default()).await?;
    println!("listening on {}", server.uri());

    let store = StoreProxy::connect(server.uri()).await?;
    println!("inc  -> {}", store.inc("counter", 1).await?);
    println!("inc  -> {}", store.inc("counter", 41).await?);
    println!("get  -> {:?}", store.get("counter").await?);

    // A method's own error comes back as itself.
    match store.get("nobody").await {
        Err(CallError::Method(StoreError::Missing { key })) => println!("get  -> no {key}"),
        other => println!("get  -> {other:?}"),
    }

    // What isn't exposed, nobody can call.
    let anything = drb::Object::connect(server.uri()).await?;
    if let Err(error) = anything.call::<()>("instance_eval", ("exit",)).await {
        println!("eval -> {error}");
    }
    Ok(())
}
