//! Services.

/// A store.
#[::renamed::service(crate = ::renamed, class = "Shop::Store")]
#[derive(::std::fmt::Debug, ::renamed::DrbUndumped)]
#[drb(crate = ::renamed)]
pub struct Store {
    name: ::std::string::String,
    count: u64,
}

#[::renamed::service(crate = ::renamed)]
impl Store {
    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Counts.
    #[drb(name = "inc!", alias = "increment")]
    pub fn inc(&mut self, #[drb(default = 1)] by: u64) -> u64 {
        self.count += by;
        self.count
    }

    /// Counts with a block.
    pub async fn each(
        &self,
        block: ::renamed::Block<(u64, ::std::string::String), u64>,
    ) -> ::renamed::Result<u64> {
        block.call((self.count, ::std::string::String::new())).await
    }

    /// Counts with a block or without.
    pub async fn maybe(
        &mut self,
        block: ::std::option::Option<::renamed::Block<::std::vec::Vec<u64>>>,
    ) -> ::renamed::Result<u64> {
        if let ::std::option::Option::Some(block) = block {
            block.call(::std::vec::Vec::new()).await?;
        }
        ::std::result::Result::Ok(self.count)
    }

    /// Counts later.
    pub async fn later(&mut self, key: &str, #[drb(rest)] all: &[u64]) -> Counted {
        let _ = key;
        ::std::result::Result::Ok(all.len() as u64)
    }

    /// Blocks.
    #[drb(blocking)]
    pub fn block(
        &self,
        #[drb(context)] call: &::renamed::Context,
        #[drb(keyword)] deep: bool,
        #[drb(keyword, default)] limit: ::std::option::Option<u8>,
        #[drb(keywords)] others: ::std::collections::BTreeMap<::std::string::String, u64>,
    ) -> usize {
        let _ = (call, deep, limit);
        others.len()
    }
}

/// An alias of `Result` under another name.
pub(crate) type Counted = ::std::result::Result<u64, ::std::string::String>;

/// A generic service.
#[derive(::std::fmt::Debug)]
pub struct Held<T>(T);

#[::renamed::service(crate = ::renamed)]
impl<T> Held<T>
where
    T: ::std::clone::Clone + ::std::marker::Send + ::std::marker::Sync + 'static,
{
    /// What is held.
    pub fn get(&self) -> T {
        self.0.clone()
    }

    /// What is held, later.
    pub async fn later(&self) -> ::std::option::Option<T> {
        ::std::option::Option::Some(self.0.clone())
    }
}

// A private type has a public proxy, of which nothing is used.
#[derive(::std::fmt::Debug)]
struct Private;

#[::renamed::service(crate = ::renamed)]
impl Private {
    /// Gives another one.
    pub fn secret(&self, secret: Secret) -> Secret {
        secret
    }
}

#[derive(::std::fmt::Debug, ::renamed::DrbDumped)]
#[drb(crate = ::renamed)]
struct Secret(u64);

// They are used, so that only what is generated may be unused.
const _: fn() = || {
    let _: [usize; 2] = [
        ::std::mem::size_of_val(&(Private, Secret(0), Held(0))),
        ::std::mem::size_of_val(&Store { name: ::std::string::String::new(), count: 0 }),
    ];
};
