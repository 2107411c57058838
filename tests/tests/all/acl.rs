//! Who may connect.

use drb_tests::{Server, ruby};

/// Connects from the loopback address `from`, and gives what Ruby makes of it.
async fn call_from(from: &str, server: &Server) -> String {
    // Ruby's drb has no option for the address that a client comes from.
    let program = r#"
        uri, from = ARGV
        TCPSocket.singleton_class.prepend(Module.new do
          define_method(:open) { |host, port| super(host, port, from) }
        end)
        begin
          p DRbObject.new_with_uri(uri).inc(:n)
        rescue DRb::DRbConnError
          puts 'refused'
        end
    "#;
    ruby(program, &[server.uri(), from]).await
}

#[tokio::test]
async fn addresses_are_allowed_and_denied() {
    let table = [
        ("deny all allow 127.0.0.1", "127.0.0.1", true),
        ("deny all allow 127.0.0.1", "127.0.0.2", false),
        ("deny all allow 127.0.0.*", "127.0.0.2", true),
        ("deny all allow 127.0.0.0/30", "127.0.0.2", true),
        ("deny all allow 127.0.0.0/30", "127.0.0.4", false),
        ("deny 127.0.0.2", "127.0.0.1", true),
        ("deny 127.0.0.2", "127.0.0.2", false),
        ("deny all", "127.0.0.1", false),
        ("deny all allow ::ffff:127.0.0.2", "127.0.0.2", true),
    ];
    for (acl, from, allowed) in table {
        let server = Server::example_at("acl_server", "druby://127.0.0.1:0", &[acl]).await;
        let answer = call_from(from, &server).await;
        assert_eq!(answer, if allowed { "1\n" } else { "refused\n" }, "{acl} from {from}");
    }
}

/// Those who are denied cost the others nothing.
#[tokio::test]
async fn a_denied_crowd_keeps_nobody_out() {
    let server = Server::example_at("acl_server", "druby://127.0.0.1:0", &["deny 127.0.0.2"]).await;
    for expected in 1..4 {
        for _ in 0..3 {
            assert_eq!(call_from("127.0.0.2", &server).await, "refused\n");
        }
        assert_eq!(call_from("127.0.0.1", &server).await, format!("{expected}\n"));
    }
}

/// With an ACL a server may listen beyond loopback.
#[tokio::test]
async fn an_acl_allows_listening_everywhere() {
    let server = Server::example_at("acl_server", "druby://:0", &["deny all allow 127.*"]).await;
    let port = server.uri().rsplit_once(':').unwrap().1;
    let program = "p DRbObject.new_with_uri(\"druby://127.0.0.1:#{ARGV[0]}\").inc(:n)";
    assert_eq!(ruby(program, &[port]).await, "1\n");
}
