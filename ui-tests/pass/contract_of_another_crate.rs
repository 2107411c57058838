//! The contract is in `drb_hygiene`, its server is here, under another name and without the proxy.

mod server {
    use drb_hygiene::contract::Greeter as Welcome;

    pub struct English;

    #[drb::service]
    impl Welcome for English {
        async fn greet(&self, name: String) -> String {
            name
        }
    }
}

fn is_service(_: impl drb::Service<Proxy = drb_hygiene::contract::GreeterProxy>) {}

fn stands_for_the_proxy(_: impl drb::Arg<drb_hygiene::contract::GreeterProxy>) {}

fn main() {
    is_service(server::English);
    stands_for_the_proxy(server::English);
    stands_for_the_proxy(std::sync::Arc::new(server::English));
}
