//! What a service doesn't expose cannot be called: on every example.

use drb_tests::{SOON, Server, ruby_script};

async fn refuses(example: &str, arguments: &[&str], exposed: &[&str]) {
    let mut server = Server::example_at(example, "druby://127.0.0.1:0", arguments).await;
    let arguments: Vec<&str> = [server.uri()].iter().chain(exposed).copied().collect();
    let printed = ruby_script("dangerous.rb", &arguments, SOON).await;
    assert_eq!(printed, "", "{example} answers calls that it must refuse");
    assert!(server.is_running(), "{example} still runs");
}

#[tokio::test]
async fn hash_server_refuses() {
    refuses("hash_server", &[], &["[]", "[]=", "inc"]).await;
}

#[tokio::test]
async fn echo_server_refuses() {
    refuses("echo_server", &[], &["echo", "echo_many"]).await;
}

#[tokio::test]
async fn wrapper_server_refuses() {
    refuses("wrapper_server", &[], &["read", "names"]).await;
}

#[tokio::test]
async fn acl_server_refuses() {
    refuses("acl_server", &["deny all allow 127.0.0.1"], &["[]", "[]=", "inc"]).await;
}

#[tokio::test]
async fn session_store_refuses() {
    refuses("session_store", &[], &["visit", "remove"]).await;
}

#[tokio::test]
async fn update_server_refuses() {
    refuses("update_server", &[], &["update"]).await;
}

#[tokio::test]
async fn blocks_server_refuses() {
    refuses("blocks_server", &[], &["each", "map"]).await;
}

#[tokio::test]
async fn observer_server_refuses() {
    let exposed = ["add_observer", "delete_observer", "count_observers", "degrees="];
    refuses("observer_server", &[], &exposed).await;
}

#[tokio::test]
async fn chat_server_refuses() {
    refuses("chat_server", &[], &["join", "say", "leave"]).await;
}

#[tokio::test]
async fn gateway_refuses() {
    refuses("gateway", &["drbunix:"], &["[]", "[]="]).await;
}
