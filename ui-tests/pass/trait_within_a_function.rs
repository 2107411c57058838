fn main() {
    #[drb::service]
    trait Greeter {
        async fn greet(&self) -> u64;
    }

    struct English;

    #[drb::service]
    impl Greeter for English {
        async fn greet(&self) -> u64 {
            1
        }
    }

    fn is_service(_: impl drb::Service<Proxy = GreeterProxy>) {}
    is_service(English);
}
