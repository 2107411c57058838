//! The hash of `hash_server` and `acl_server`.

use drb::{Value, prelude::*};
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// A hash that many programs use at once. Keys are strings or symbols; values can be anything.
#[derive(Default, DrbUndumped)]
pub struct SharedHash {
    values: Mutex<HashMap<Value, Value>>,
}

/// Ruby programs rescue these as a `TypeError` and an `ArgumentError`.
#[derive(Debug, PartialEq, thiserror::Error, DrbError)]
pub enum HashError {
    /// The key is neither a string nor a symbol.
    #[error("a key is a string or a symbol, not {key}")]
    #[drb(class = "TypeError")]
    BadKey {
        /// The key as Ruby inspects it.
        key: String,
    },
    /// What is to be counted up is not a count.
    #[error("{value} cannot be counted up")]
    #[drb(class = "ArgumentError")]
    NoCount {
        /// The value as Ruby inspects it.
        value: String,
    },
}

#[drb::service]
impl SharedHash {
    /// The value of a key, `nil` where there is none.
    #[drb(name = "[]")]
    pub fn get(&self, key: Value) -> Result<Value, HashError> {
        Ok(self.values().get(&checked(key)?).cloned().unwrap_or_default())
    }

    /// Sets the value of a key.
    #[drb(name = "[]=")]
    pub fn set(&self, key: Value, value: Value) -> Result<(), HashError> {
        self.values().insert(checked(key)?, value);
        Ok(())
    }

    /// Counts up, beginning with 1, and gives the new count.
    pub fn inc(&self, key: Value) -> Result<i64, HashError> {
        let mut values = self.values();
        let value = values.entry(checked(key)?).or_insert(Value::Int(0));
        let count = value.as_i64().and_then(|count| count.checked_add(1));
        let count = count.ok_or_else(|| HashError::NoCount { value: value.to_string() })?;
        *value = Value::Int(count);
        Ok(count)
    }
}

impl SharedHash {
    fn values(&self) -> MutexGuard<'_, HashMap<Value, Value>> {
        self.values.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn checked(key: Value) -> Result<Value, HashError> {
    match key {
        Value::Str(_) | Value::Symbol(_) => Ok(key),
        other => Err(HashError::BadKey { key: other.to_string() }),
    }
}
