//! Processes that may have few files open.

use drb_tests::{SOON, Server, ruby};
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

async fn still_serves(server: &mut Server) {
    let program = "p DRbObject.new_with_uri(ARGV[0]).echo([1, 'a', :b])";
    assert_eq!(ruby(program, &[server.uri()]).await, "[1, \"a\", :b]\n");
    assert!(server.is_running());
}

/// Connections that have greeted, over either wire in turn.
async fn connections(server: &Server, count: usize) -> Vec<TcpStream> {
    let address = server.uri().strip_prefix("druby://").unwrap();
    let mut open = Vec::new();
    for number in 0..count {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let greeting: &[u8] = if number % 2 == 0 { b"\0\0\0\x03" } else { b"drb\n\0\0\0\x01" };
        // It may have been closed already.
        let _ = stream.write_all(greeting).await;
        open.push(stream);
    }
    open
}

/// How many the server has closed, or closes soon.
async fn closed(open: &mut [TcpStream]) -> usize {
    let (mut closed, mut buffer) = (0, [0; 64]);
    for stream in open {
        loop {
            match timeout(Duration::from_millis(100), stream.read(&mut buffer)).await {
                Ok(Ok(0) | Err(_)) => closed += 1,
                Ok(Ok(_)) => continue,
                Err(_) => {}
            }
            break;
        }
    }
    closed
}

/// A fifth of the files is left to the program.
#[tokio::test]
async fn a_server_holds_fewer_connections_than_the_process_may_have_files() {
    let mut server = Server::example_with_files("echo_server", 64).await;
    let mut open = connections(&server, 80).await;
    assert_eq!(closed(&mut open).await, 80 - 51);
    drop(open);
    tokio::time::sleep(Duration::from_millis(200)).await;
    still_serves(&mut server).await;
}

/// Where even these are too many, connections wait in the system until there are files again.
#[tokio::test]
async fn a_server_without_files_goes_on_when_there_are_some() {
    let mut server = Server::example_with_files("echo_server", 16).await;
    let mut open = connections(&server, 60).await;
    assert!(closed(&mut open).await < 60);
    drop(open);
    timeout(SOON, still_serves(&mut server)).await.unwrap();
}
