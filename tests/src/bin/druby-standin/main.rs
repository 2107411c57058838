//! Stands in for the Ruby programs that ruby/drb's own test suite starts as its servers.
//!
//! The suite starts `$RUBY path/of/ut_drb.rb <uri of its manager> <name>`; which of them this is to
//! be, it finds in the name of the script, which it doesn't read. `tests/ruby-suite` runs the suite
//! with it.

mod array;
mod equality;
mod ext_serv;
mod hash;
mod large;
mod ruby_like;
mod standard;

use drb::{
    Client, Limits, Server, ServerBuilder,
    tls::{ClientTls, ServerTls, Trust},
};
use std::{path::Path, process::ExitCode, sync::Arc, time::Duration};

/// A suite that has died leaves no server behind for longer than this.
const LIFETIME: Duration = Duration::from_secs(600);

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [script, manager, name] = arguments.as_slice() else {
        eprintln!("usage: druby-standin ut_<server>.rb <uri of the manager> <name>");
        return ExitCode::FAILURE;
    };
    match serve(script, manager, name).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("druby-standin {script}: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(script: &str, manager: &str, name: &str) -> Result<(), Box<dyn std::error::Error>> {
    let script = Path::new(script).file_stem().and_then(|stem| stem.to_str()).unwrap_or(script);
    let (role, uri, over_tls) = match script.rsplit_once('_') {
        Some((role, "drbunix")) => (role, "drbunix:", false),
        Some((role, "drbssl")) => (role, "drbssl://localhost:0", true),
        _ => (script, "druby://localhost:0", false),
    };
    // As there: each side has a certificate that it has made itself, and takes any.
    let client = Client::builder().tls(ClientTls::new(Trust::dangerously_anyone())).build();
    let mut server = server(role).ok_or("no such server")?.client(client.clone());
    if over_tls {
        let own = drb::dev_certificates([""; 0])?.server_certificate()?;
        server = server.tls(ServerTls::new(own).ask_clients(Trust::dangerously_anyone()));
    }
    let server = server.start(uri).await?;
    ext_serv::register(&server, &client, manager, name).await?;
    // It is ended by a call of `stop_service`.
    tokio::time::timeout(LIFETIME, server.wait()).await?;
    Ok(())
}

/// What the script of that name serves, within the limits that it sets.
fn server(role: &str) -> Option<ServerBuilder> {
    let limits = |arguments, frame| Limits { arguments, frame, ..Limits::default() };
    let builder = Server::builder();
    Some(match role {
        "ut_array" | "ut_safe1" => builder.front(array::Row::mixed()),
        "ut_drb" => builder
            .front(Arc::new(ruby_like::RubyLike::new(standard::Standard)))
            .named("foo", standard::Text("foo"))
            .limits(limits(8, 4096)),
        "ut_eq" => builder.front(equality::Bar::default()),
        "ut_large" => builder.front(large::Large).limits(limits(3, 100_000)),
        _ => return None,
    })
}
