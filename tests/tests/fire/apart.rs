//! The client is where nobody can connect to it: on a network of its own, which only a way to the server leads out of.

use drb_tests::{Server, apart::Apart, desk::Desk};

/// What the examples print, in Rust and in Ruby.
const PRINTED: &str = "I read: there is fresh tea
I read: the milk is sour
2 pieces of news
I am told: there is cake
readers told: 1
";

#[tokio::test]
async fn every_server_calls_every_client() {
    let at = "drbfire://localhost:0";
    let rust = Server::example_at("fire_server", at, &[]).await;
    let ruby = Server::ruby_example_at("fire_server.rb", at, &[]).await;
    for server in [rust, ruby] {
        let apart = Apart::from(server.uri()).await;
        assert_eq!(apart.example("fire_client", &[server.uri()]).await, PRINTED);
        assert_eq!(apart.ruby_example("fire_client.rb", &[server.uri()]).await, PRINTED);
    }
}

/// With Ruby's wire alone it is only called, and calls back find nobody.
#[tokio::test]
async fn drbfire_makes_the_difference() {
    let server = drb::Server::builder().front(Desk::default());
    let server = server.start("drbfire://localhost:0").await.unwrap();
    let apart = Apart::from(server.uri()).await;
    let words = [server.uri(), "listening", "echo", "each"];
    assert_eq!(apart.ruby_script("fire_client.rb", &words).await, "0\n\"tea\"\n90\n");
    let plain = "
        DRb.start_service('druby://localhost:0')
        desk = DRbObject.new_with_uri(ARGV[0])
        puts desk.echo('tea')
        begin
          desk.each(10) { |number| number }
        rescue DRb::DRbConnError => error
          puts error.message[/cannot connect to druby:..(localhost|127.0.0.1)/]
        end";
    let printed = apart.ruby(plain, &[&server.uri().replace("drbfire:", "druby:")]).await;
    assert_eq!(printed, "tea\ncannot connect to druby://localhost\n");
}
