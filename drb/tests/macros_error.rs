//! `#[derive(DrbError)]`.
#![deny(warnings)]
use drb::{DrbError, Exception, MethodError};

#[derive(Debug, PartialEq, Clone, thiserror::Error, DrbError)]
enum StoreError {
    #[error("no entry {key}")]
    #[drb(class = "KeyError")]
    NotFound {
        key: String,
        #[drb(name = "tries")]
        n: Option<u64>,
    },
    #[error("full: {0} of {1}")]
    Full(u64, u64),
    #[error("busy")]
    Busy,
    #[error("bad: {0}")]
    #[drb(class = "ArgumentError")]
    Invalid(#[drb(message)] String),
    #[error("odd: {0}")]
    Odd(#[drb(message)] String, #[drb(skip)] u8),
    #[error("other: {0}")]
    #[drb(other)]
    Other(Exception),
}
#[derive(Debug, PartialEq, Clone, thiserror::Error, DrbError)]
#[error("too long: {0}")]
#[drb(class = "RangeError")]
struct TooLong(#[drb(name = "length")] u64);
#[derive(Debug, PartialEq, Clone, thiserror::Error, DrbError)]
#[error("plain")]
struct Plain;

#[test]
fn round_trips() {
    let all = [
        StoreError::NotFound { key: "a".into(), n: Some(2) },
        StoreError::Full(1, 2),
        StoreError::Busy,
        StoreError::Invalid("x".into()),
        StoreError::Odd("x".into(), 0),
        StoreError::Other(Exception::new("ZeroDivisionError", "divided by 0")),
    ];
    for error in all {
        let exception = error.clone().raise();
        assert_eq!(StoreError::rescue(exception), Ok(error));
    }
    assert_eq!(TooLong::rescue(TooLong(3).raise()), Ok(TooLong(3)));
    assert_eq!(Plain::rescue(Plain.raise()), Ok(Plain));
    let other = StoreError::Busy.raise();
    assert_eq!(Plain::rescue(other.clone()), Err(other));
}
