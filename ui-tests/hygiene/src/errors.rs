//! Errors.

/// An error.
#[derive(::std::fmt::Debug, ::renamed::DrbError)]
#[drb(crate = ::renamed)]
pub enum StoreError {
    /// There is none.
    #[drb(class = "KeyError")]
    NotFound {
        /// Which one.
        key: ::std::string::String,
    },
    /// It is full.
    Full(u64),
    /// It is wrong.
    #[drb(class = "ArgumentError")]
    Invalid(#[drb(message)] ::std::string::String),
    /// Something else.
    #[drb(other)]
    Other(::renamed::Exception),
}

impl ::std::fmt::Display for StoreError {
    fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
        ::std::fmt::Debug::fmt(self, f)
    }
}

/// A struct as an error.
#[derive(::std::fmt::Debug, ::renamed::DrbError)]
#[drb(crate = ::renamed)]
pub struct Busy;

impl ::std::fmt::Display for Busy {
    fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
        f.write_str("busy")
    }
}
