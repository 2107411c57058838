//! Calls `fire_server` (or `fire_server.rb`), and is called back, though this process listens nowhere:
//! `cargo run -p drb-examples --example fire_client drbfire://localhost:9000`

use drb_examples::{NewsProxy, Reader};
use std::sync::Arc;

struct Me;

#[drb::service]
impl Reader for Me {
    async fn hear(&self, news: String) {
        println!("I am told: {news}");
    }
}

#[tokio::main]
async fn main() -> drb::Result<()> {
    let uri = drb_examples::uri();
    // What is passed there is called through the server there.
    let here = drb::Server::builder().start_behind(&uri).await?;
    let news = NewsProxy::connect(&uri).await?;
    let count = news.each(|one| println!("I read: {one}")).await?;
    println!("{count} pieces of news");

    news.subscribe(Arc::new(Me)).await?;
    println!("readers told: {}", news.publish("there is cake").await?);
    here.stop();
    Ok(())
}
