//! What a struct looks like on the wire: the constant that `#[derive(DrbDumped)]` makes of it.

/// The wire form of a struct that crosses by value.
///
/// `#[derive(DrbDumped)]` makes one as a constant for each struct; [`Dumper::object`] and
/// [`Loader::object`] work from it.
///
/// [`Dumper::object`]: crate::Dumper::object
/// [`Loader::object`]: crate::Loader::object
#[derive(Debug)]
pub struct Shape {
    /// Ruby's name of the class, such as `Foo::Bar`.
    pub class: &'static str,
    /// What it is on Ruby's side.
    pub form: Form,
    /// The fields that travel, in the order of their positions.
    pub fields: &'static [Field],
}

/// What a struct is on Ruby's side. All three forms are accepted when loading a struct.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// An object with instance variables: `@name`.
    Object,
    /// A `Struct` with members: `name`.
    Struct,
    /// A `Hash` with symbols as keys: `:name`.
    Hash,
}

/// A field of a [`Shape`].
#[derive(Debug)]
pub struct Field {
    /// The name as a member of a Struct and as a key of a Hash.
    pub name: &'static str,
    /// The name as an instance variable, with its `@`.
    pub ivar: &'static str,
}
