//! What the example programs share. The programs themselves are in the folder `examples` beside
//! this one.

mod board;
mod chat;
mod door;
mod gateway;
mod hash;
mod news;
mod observers;
mod pair;
mod thermometer;
mod updater;
mod words;

pub use board::*;
pub use chat::*;
pub use door::*;
pub use gateway::*;
pub use hash::*;
pub use news::*;
pub use observers::*;
pub use pair::*;
pub use thermometer::*;
pub use updater::*;
pub use words::*;

/// The URI on the command line: the address to listen on, or to call.
pub fn uri() -> String {
    std::env::args().nth(1).unwrap_or_else(|| {
        eprintln!("the first argument is a URI, such as druby://localhost:9000");
        std::process::exit(2)
    })
}

/// The folder with certificates: the second argument on the command line.
pub fn folder() -> std::path::PathBuf {
    std::env::args_os().nth(2).map_or_else(|| "certificates".into(), Into::into)
}

/// Serves until Ctrl-C, then lets the calls that are under way come to their end.
///
/// # Errors
/// The signal cannot be waited for.
pub async fn until_interrupted(server: drb::Server) -> std::io::Result<()> {
    tokio::signal::ctrl_c().await?;
    server.drain(std::time::Duration::from_secs(10)).await;
    Ok(())
}
