//! `#[derive(DrbError)]`.
use crate::wires::{On, everywhere};
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

struct Desk;

#[drb::service]
impl Desk {
    pub fn find(&self, key: String) -> Result<u64, StoreError> {
        Err(StoreError::NotFound { key, n: None })
    }

    pub async fn measure(&self, text: String) -> Result<usize, TooLong> {
        if text.len() > 3 { Err(TooLong(text.len() as u64)) } else { Ok(text.len()) }
    }
}

everywhere!(a_method_s_own_error_comes_back_as_itself);

async fn a_method_s_own_error_comes_back_as_itself(wire: On) {
    let server = drb::start_service(wire.at(), Desk).await.unwrap();
    let desk = DeskProxy::connect(&wire.uri(&server)).await.unwrap();
    let not_found = StoreError::NotFound { key: "k".into(), n: None };
    assert_eq!(desk.find("k").await, Err(drb::CallError::Method(not_found)));
    assert_eq!(desk.measure("four").await, Err(drb::CallError::Method(TooLong(4))));
    assert_eq!(desk.measure("two").await, Ok(3));
}
