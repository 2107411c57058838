//! Values.

/// An entry.
#[derive(::std::fmt::Debug, ::renamed::DrbDumped)]
#[drb(crate = ::renamed, class = "Shop::Entry", rename_all = "camelCase")]
pub struct Entry<T> {
    /// A key.
    pub last_key: ::std::string::String,
    /// A value.
    #[drb(name = "it", default)]
    pub value: ::std::option::Option<T>,
    #[drb(skip, default = 3)]
    cached: u8,
}

/// A pair.
#[derive(::std::fmt::Debug, ::renamed::DrbDumped)]
#[drb(crate = ::renamed)]
pub struct Pair(pub u8, pub u8);

/// Options.
#[derive(::std::fmt::Debug, ::std::default::Default, ::renamed::DrbDumped)]
#[drb(crate = ::renamed, as_hash, default)]
pub struct Options {
    deep: bool,
}

/// A shape.
#[derive(::std::fmt::Debug, ::renamed::DrbDumped)]
#[drb(crate = ::renamed, rename_all = "kebab-case")]
pub enum Shape {
    /// Nothing.
    Empty,
    /// A circle.
    Circle(f64),
    /// A rectangle.
    BigRect {
        /// Its width.
        w: f64,
        /// Its height.
        #[drb(skip)]
        h: u8,
    },
}

const _: fn(&Entry<u8>, &Options) -> (u8, bool) = |entry, options| (entry.cached, options.deep);
