//! Gives back what it gets, whatever it is: a class that only the caller knows comes back to it
//! unchanged. `cargo run -p drb-examples --example echo_server druby://localhost:9000`

use drb::{Value, prelude::*};

#[derive(DrbUndumped)]
struct Echo;

#[drb::service]
impl Echo {
    pub fn echo(&self, value: Value) -> Value {
        value
    }

    pub fn echo_many(&self, #[drb(rest)] values: Vec<Value>) -> Vec<Value> {
        values
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = drb::start_service(&drb_examples::uri(), Echo).await?;
    println!("ready {}", server.uri());
    Ok(drb_examples::until_interrupted(server).await?)
}
