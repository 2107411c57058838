//! Service traits.

/// Greets.
#[::renamed::service(crate = ::renamed)]
pub trait Greeter {
    /// Greets somebody.
    async fn greet(&self, name: ::std::string::String) -> ::std::string::String;

    /// Says goodbye.
    async fn bye(&self, name: &str) -> usize {
        name.len()
    }
}

#[::renamed::service(crate = ::renamed)]
trait Undocumented<T: ::std::marker::Send + 'static> {
    fn put(&mut self, value: T);
}

#[derive(::std::fmt::Debug)]
struct English(u8);

#[::renamed::service(crate = ::renamed, also(Undocumented<u8>, Further))]
impl English {
    pub fn first(&mut self) {
        self.0 = 1;
    }
}

impl Undocumented<u8> for English {
    fn put(&mut self, value: u8) {
        self.0 = value;
    }
}

#[::renamed::service(crate = ::renamed)]
trait Further {
    fn further(&mut self) {}
}

impl Further for English {}

#[derive(::std::fmt::Debug)]
struct French;

#[::renamed::service(crate = ::renamed)]
impl Greeter for French {
    async fn greet(&self, name: ::std::string::String) -> ::std::string::String {
        name
    }
}

#[derive(::std::fmt::Debug)]
struct Slot<T>(::std::option::Option<T>);

#[::renamed::service(crate = ::renamed)]
impl<T> Undocumented<T> for Slot<T>
where
    T: ::renamed::Load + ::std::marker::Send + ::std::marker::Sync + 'static,
{
    fn put(&mut self, value: T) {
        self.0 = ::std::option::Option::Some(value);
    }
}

const _: fn() = || {
    let _ = (English(0), French, Slot(::std::option::Option::Some(0_u8)));
};
