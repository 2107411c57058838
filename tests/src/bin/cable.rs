//! A server of drbfire and a client behind it, whose cable is pulled: no end of a connection arrives any more, and
//! each side has to find out by itself that the other one is gone. It needs a network of its own.

use drb::{Client, Limits, Object, ObjectId, Proxy, Reference, Server, Value, fire};
use std::{error::Error, fs, process::Command, time::Duration};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let limits = Limits { keepalive: Duration::from_secs(1), ..Limits::default() };
    let server = Server::builder().limits(limits).front(()).start("drbfire://127.0.0.1:0").await?;
    let client = Client::builder().limits(limits).build();
    let back = Server::builder().client(client).start_behind(server.uri()).await?;
    println!("{} ends", ends()?);

    loopback("down")?;
    back.wait().await;
    println!("the client knows");
    while ends()? > 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    println!("the server knows");

    loopback("up")?;
    let there = Reference::new(back.uri(), ObjectId::Front);
    let object = Object::from_remote(Client::new().remote(there));
    let error = object.call::<Value>("size", ()).await.unwrap_err();
    println!("{}", fire::Error::of(&error).ok_or("another error")?);
    Ok(())
}

/// How many ends of connections over TCP there are.
fn ends() -> Result<usize, Box<dyn Error>> {
    let sockets = fs::read_to_string("/proc/self/net/tcp")?;
    let states = sockets.lines().filter_map(|line| line.split_whitespace().nth(3));
    Ok(states.filter(|state| *state == "01").count())
}

fn loopback(how: &str) -> Result<(), Box<dyn Error>> {
    match Command::new("ip").args(["link", "set", "lo", how]).status()?.success() {
        true => Ok(()),
        false => Err("`ip` fails".into()),
    }
}
