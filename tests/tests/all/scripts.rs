//! The Ruby scripts of the other tests do what those rely on, with Ruby on both ends.

use drb_tests::{SOON, Server, ruby, ruby_script};

#[tokio::test]
async fn ruby_server() {
    let server = Server::ruby("server.rb", &["druby://127.0.0.1:0"]).await;
    let program = "
        front = DRbObject.new_with_uri(ARGV[0])
        p front.seen(1, 'a', b: :c)
        front.sleep_for(0) and front.counter.inc == 1 or abort
        begin
          front.buy('tea', 4)
        rescue => error
          p error.class, error.message
        end";
    let printed = ruby(program, &[server.uri()]).await;
    assert_eq!(printed, "[\"1\", \"\\\"a\\\"\", \"b: :c\"]\nDRb::DRbUnknownError\n\"Shop::\"\n");
}

#[tokio::test]
async fn random_values_cross_between_rubies() {
    let server = Server::ruby("echo_server.rb", &["druby://127.0.0.1:0"]).await;
    let printed = ruby_script("differential.rb", &[server.uri(), "500", "1", "ruby"], SOON).await;
    assert_eq!(printed, "500\n");
}
