//! Service traits: the contract, the server and the caller don't know each other.

use crate::wires::{On, everywhere};
use drb::{Service, start_service};

mod api {
    #[drb::service]
    pub trait Greeter {
        const GREETING: &'static str = "hello";
        type Mood: Default;

        /// Greets somebody.
        async fn greet(&self, name: String) -> String;

        #[drb(alias = "bye!")]
        async fn bye(&self, name: &str) -> String {
            let mood = Self::Mood::default();
            self.feel(&mood);
            format!("bye {name}, {}", Self::GREETING)
        }

        fn wire(&self, #[drb(context)] call: &drb::Context) -> String {
            format!("{:?}", call.wire())
        }

        fn helper() -> u64
        where
            Self: Sized,
        {
            3
        }

        #[drb(skip)]
        fn feel(&self, _: &Self::Mood) {}
    }

    #[drb::service]
    pub trait Slot<T: Clone + 'static> {
        fn set(&mut self, value: T);
        async fn get(&self) -> T;
        async fn borrow(&self) -> Option<&T>;
    }

    /// Without methods that give futures, objects of the trait are possible.
    #[drb::service]
    pub(crate) trait Switch {
        fn set(&mut self, on: bool);
    }
}

mod server {
    // Under another name, and without the proxy.
    use super::api::Greeter as Welcome;
    use super::api::{Slot, Switch};

    pub(super) struct English;

    #[drb::service]
    impl Welcome for English {
        type Mood = ();

        async fn greet(&self, name: String) -> String {
            tokio::task::yield_now().await;
            format!("{} {name} {}", Self::GREETING, Self::helper())
        }
    }

    #[drb::service(class = "Box")]
    pub(super) struct Held<T>(pub(super) T);

    #[drb::service]
    impl<T> Slot<T> for Held<T>
    where
        T: Clone + drb::Load + drb::Dump + drb::Outbound + Send + Sync + 'static,
    {
        fn set(&mut self, value: T) {
            self.0 = value;
        }

        async fn get(&self) -> T {
            self.0.clone()
        }

        async fn borrow(&self) -> Option<&T> {
            Some(&self.0)
        }
    }

    pub(super) struct One(pub(super) u64);

    #[drb::service(class = "Number::One")]
    impl Slot<u64> for One {
        fn set(&mut self, value: u64) {
            self.0 = value;
        }

        async fn get(&self) -> u64 {
            self.0
        }

        async fn borrow(&self) -> Option<&u64> {
            None
        }
    }

    impl Switch for One {
        fn set(&mut self, on: bool) {
            self.0 = u64::from(on);
        }
    }
}

#[test]
fn tables_and_classes() {
    let names: Vec<_> = server::English::methods().iter().map(|method| method.info.name).collect();
    assert_eq!(names, ["bye", "bye!", "greet", "wire"]);
    assert_eq!(server::English::CLASS, "English");
    assert_eq!(server::Held::<u64>::CLASS, "Box");
    assert_eq!(server::One::CLASS, "Number::One");
}

#[test]
fn objects_of_a_trait() {
    let mut one = server::One(0);
    let switch: &mut dyn api::Switch = &mut one;
    switch.set(true);
    assert_eq!(one.0, 1);
}

everywhere!(the_proxy_of_a_trait, a_generic_trait_with_exclusive_methods);

async fn the_proxy_of_a_trait(wire: On) {
    let server = start_service(wire.at(), server::English).await.unwrap();
    let greeter = api::GreeterProxy::connect(&wire.uri(&server)).await.unwrap();
    assert_eq!(greeter.greet("you").await.unwrap(), "hello you 3");
    assert_eq!(greeter.bye("you").await.unwrap(), "bye you, hello");
    assert_eq!(greeter.wire().await.unwrap(), format!("{:?}", wire.wire()));
}

async fn a_generic_trait_with_exclusive_methods(wire: On) {
    let server = start_service(wire.at(), server::Held("a".to_owned())).await.unwrap();
    let slot = api::SlotProxy::<String>::connect(&wire.uri(&server)).await.unwrap();
    slot.set("b").await.unwrap();
    assert_eq!(slot.get().await.unwrap(), "b");
    assert_eq!(slot.borrow().await.unwrap().as_deref(), Some("b"));
    let server = start_service(wire.at(), server::One(1)).await.unwrap();
    let slot = api::SlotProxy::<u64>::connect(&wire.uri(&server)).await.unwrap();
    slot.set(3).await.unwrap();
    assert_eq!(slot.get().await.unwrap(), 3);
    assert_eq!(slot.borrow().await.unwrap(), None);
}

#[test]
fn a_local_object_stands_for_its_proxy() {
    fn takes<P>(_: impl drb::Arg<P>) {}
    takes::<api::GreeterProxy>(server::English);
    takes::<api::GreeterProxy>(std::sync::Arc::new(server::English));
    takes::<api::SlotProxy<u64>>(server::One(1));
    takes::<api::SlotProxy<u8>>(server::Held(1_u8));
}
