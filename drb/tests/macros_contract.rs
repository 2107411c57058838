//! Service traits.
#![deny(warnings)]
#![allow(missing_docs, unreachable_pub)]
use drb::Service;

pub mod api {
    /// Greets.
    #[drb::service]
    pub trait Greeter {
        const NAME: &'static str = "x";
        type Extra;
        /// Greets somebody.
        async fn greet(&self, name: String) -> String;
        #[drb(alias = "bye!")]
        async fn bye(&self, name: &str) -> String {
            let _ = Self::NAME;
            format!("bye {name}")
        }
        fn now(&self, #[drb(context)] c: &drb::Context) -> u64 {
            let _ = c;
            4
        }
        fn helper() -> u64
        where
            Self: Sized,
        {
            3
        }
        #[drb(skip)]
        fn extra(&self, _e: Self::Extra) {}
    }
    #[drb::service]
    pub trait Cell<T: Clone + 'static> {
        fn set(&mut self, value: T);
        async fn get(&self) -> T;
        async fn get2(&self) -> Option<&T>;
    }
    #[drb::service]
    pub(crate) trait Sync2 {
        fn set(&mut self, value: u64);
    }
}
mod server {
    use super::api::Cell;
    use super::api::Greeter as G;
    pub(crate) struct English;
    #[drb::service]
    impl G for English {
        type Extra = ();
        async fn greet(&self, name: String) -> String {
            name
        }
    }
    #[drb::service(class = "Foo::Held")]
    pub struct Held<T>(pub T);
    #[drb::service]
    impl<T: Clone + drb::Load + drb::Dump + drb::Outbound + Send + Sync + 'static> Cell<T> for Held<T> {
        fn set(&mut self, value: T) {
            self.0 = value;
        }
        async fn get(&self) -> T {
            self.0.clone()
        }
        async fn get2(&self) -> Option<&T> {
            todo!()
        }
    }
    pub struct One;
    #[drb::service]
    impl Cell<u64> for One {
        fn set(&mut self, value: u64) {
            let _ = value;
        }
        async fn get(&self) -> u64 {
            1
        }
        async fn get2(&self) -> Option<&u64> {
            None
        }
    }
    impl super::api::Sync2 for One {
        fn set(&mut self, _: u64) {}
    }
}
fn dynamic(x: &mut dyn api::Sync2) {
    x.set(1)
}
#[test]
fn tables() {
    dynamic(&mut server::One);
    let names = |m: &[drb::__private::Method<server::English>]| {
        m.iter().map(|m| m.info.name).collect::<Vec<_>>()
    };
    assert_eq!(names(server::English::methods()), ["bye", "bye!", "greet", "now"]);
    assert_eq!(server::English::CLASS, "English");
    assert_eq!(server::Held::<u64>::CLASS, "Foo::Held");
    assert_eq!(server::Held::<u64>::methods().len(), 3);
    assert_eq!(server::One::methods().len(), 3);
    let _ = server::Held(3u64);
}
#[allow(dead_code)]
async fn caller(g: api::GreeterProxy, c: api::CellProxy<u64>) {
    let _: String = g.greet("a").await.unwrap();
    let _: Option<u64> = c.get2().await.unwrap();
    fn takes(_: impl drb::Arg<api::GreeterProxy>) {}
    takes(server::English);
    takes(std::sync::Arc::new(server::English));
}
