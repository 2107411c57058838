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
struct English;

#[::renamed::service(crate = ::renamed)]
impl Greeter for English {
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
    let _ = (English, Slot(::std::option::Option::Some(0_u8)));
};
