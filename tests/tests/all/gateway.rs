//! The example `gateway`: objects on one network are called from another.

use drb::{DrbUndumped, Object, Symbol, Value};
use drb_tests::{Server, ruby, socket_path};
use std::{ops::ControlFlow, sync::Arc};

/// A gateway, and its URIs on both sides.
async fn gateway(name: &str) -> (Server, [String; 2]) {
    let unix = format!("drbunix:{}", socket_path(name).display());
    let gateway = Server::example_at("gateway", "druby://127.0.0.1:0", &[&unix]).await;
    let tcp = gateway.uri().to_owned();
    (gateway, [tcp, unix])
}

/// Where somebody on each side listens.
const OWN: [&str; 2] = ["druby://127.0.0.1:0", "drbunix:"];

async fn shop(gateway: &str, own: &str) -> Server {
    Server::ruby("gateway_side.rb", &[gateway, own, "shop"]).await
}

#[tokio::test]
async fn ruby_calls_ruby_on_the_other_side() {
    let (_gateway, uris) = gateway("gateway-ruby").await;
    for (here, there) in [(0, 1), (1, 0)] {
        let shop = shop(&uris[there], OWN[there]).await;
        let program = r#"
            class Customer
              include DRbUndumped
              def answer(about) "a question about #{about}" end
              def each
                yield :one
                yield :two
              end
            end
            class Refused < StandardError
              attr_reader :by
            end
            gateway, own, other = ARGV
            DRb.start_service(own, nil)
            gateway = DRbObject.new_with_uri(gateway)
            shop = gateway[:shop]
            # It is reached through the gateway alone.
            p shop.__drburi == other, shop.__drburi == gateway.__drburi
            p shop.name, shop.respond_to?(:ask), shop.respond_to?(:nothing)
            # In a result, and within one.
            p shop.clerk.name, shop.clerks.values.flatten.map(&:name)
            # What comes back is the object itself, here and there.
            p shop.clerk?(shop.clerk), shop.clerk == shop.clerk, shop.clerk?(shop)
            customer = Customer.new
            p shop.echo(customer).equal?(customer), shop.echo([customer])[0].equal?(customer)
            gateway[:customer] = customer
            p gateway[:customer].equal?(customer)
            # In an argument.
            p shop.ask(customer, about: 'tea')
            # What is yielded.
            shop.each { |thing, count| p [thing.is_a?(DRbObject) ? thing.name : thing, count] }
            p shop.each { |thing, _| break [thing, :left] }
            things = []
            shop.each_twice(customer) { |*thing| things << thing.first }
            p things
            # In an exception.
            begin
              shop.refuse
            rescue Refused => error
              p error.message, error.by.name
            end
            begin
              shop.fetch(:nowhere)
            rescue => error
              p error.class
            end
            begin
              shop.nothing
            rescue NoMethodError
              p :nothing
            end
            p gateway[:nobody]"#;
        let printed = ruby(program, &[&uris[here], OWN[here], shop.uri()]).await;
        let expected = r#"false
true
"shop"
true
false
"clerk of shop"
["clerk of shop", "clerk of shop"]
true
true
false
true
true
true
"shop: a question about tea"
["tea", 1]
["milk", 2]
["clerk of shop", 3]
["tea", :left]
[:one, :two, :one, :one, :two, :two]
"refused by clerk of shop"
"clerk of shop"
KeyError
:nothing
nil
"#;
        assert_eq!(printed, expected, "from {}", OWN[here]);
    }
}

#[derive(DrbUndumped)]
struct Customer;

#[drb::service]
impl Customer {
    pub fn answer(&self, about: String) -> String {
        format!("Rust answers about {about}")
    }
}

#[tokio::test]
async fn rust_and_ruby_call_each_other_across() {
    let (_gateway, uris) = gateway("gateway-rust").await;
    for (here, there) in [(0, 1), (1, 0)] {
        let _shop = shop(&uris[there], OWN[there]).await;
        let own = match here {
            0 => OWN[0].to_owned(),
            _ => format!("drbunix:{}", socket_path("gateway-rust-own").display()),
        };
        let server = drb::start_service(&own, ()).await.unwrap();
        let gateway = Object::connect(&uris[here]).await.unwrap();
        let shop: Object = gateway.call("[]", (Symbol::from("shop"),)).await.unwrap();

        // Rust calls Ruby, and is called back.
        assert_eq!(shop.call::<String>("name", ()).await.unwrap(), "shop");
        let customer = Arc::new(Customer);
        let asked = shop.call::<String>(
            "ask",
            (drb::by_ref(Arc::clone(&customer)), drb::keywords([("about", "milk")])),
        );
        assert_eq!(asked.await.unwrap(), "shop: Rust answers about milk");
        let clerk: Object = shop.call("clerk", ()).await.unwrap();
        assert!(shop.call::<bool>("clerk?", (&clerk,)).await.unwrap());
        assert_eq!(shop.call::<Object>("clerk", ()).await.unwrap(), clerk);

        // A closure on this side is called from the other one.
        let mut things = Vec::new();
        let each = shop.call_with("each", (), |(thing, count): (Value, u64)| {
            things.push((thing.as_str().map(str::to_owned), count));
        });
        assert_eq!(each.await.map(|done: Symbol| done.to_string()).unwrap(), "done");
        assert_eq!(things, [(Some("tea".to_owned()), 1), (Some("milk".to_owned()), 2), (None, 3)]);
        let left: u64 = shop
            .call_with("each", (), |(_, count): (Value, u64)| match count {
                1 => ControlFlow::Continue(Value::Nil),
                _ => ControlFlow::Break(count * 10),
            })
            .await
            .unwrap();
        assert_eq!(left, 20);
        match shop.call::<Value>("fetch", (Symbol::from("nowhere"),)).await {
            Err(drb::Error::Raised(exception)) => assert_eq!(exception.class, "KeyError"),
            other => panic!("{other:?}"),
        }

        // Ruby on the other side calls Rust.
        let offered = (Symbol::from("customer"), drb::by_ref(customer));
        gateway.call::<()>("[]=", offered).await.unwrap();
        let program = "
            DRb.start_service(ARGV[1], nil)
            customer = DRbObject.new_with_uri(ARGV[0])[:customer]
            puts customer.answer('tea')
            begin
              customer.nothing
            rescue NoMethodError => error
              puts error.message
            end";
        let printed = ruby(program, &[&uris[there], OWN[there]]).await;
        let expected = "Rust answers about tea\n\
            undefined method 'nothing' for #<Customer>\n";
        assert_eq!(printed, expected);
        server.drain(drb_tests::SOON).await;
    }
}
