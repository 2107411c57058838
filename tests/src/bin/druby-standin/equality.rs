//! `ut_eq.rb`: a reference that comes home is the object itself.

use drb::prelude::*;
use std::sync::Arc;

#[derive(DrbUndumped)]
pub(crate) struct Foo;

#[drb::service(class = "DRbTests::Foo")]
impl Foo {}

pub(crate) struct Bar {
    foo: Arc<Foo>,
}

impl Default for Bar {
    fn default() -> Self {
        Self { foo: Arc::new(Foo) }
    }
}

#[drb::service(class = "DRbTests::Bar")]
impl Bar {
    pub fn foo(&self) -> Arc<Foo> {
        Arc::clone(&self.foo)
    }

    #[drb(name = "foo?")]
    pub fn is_foo(&self, other: FooProxy) -> bool {
        other.local::<Foo>().is_some_and(|other| Arc::ptr_eq(&other, &self.foo))
    }
}
