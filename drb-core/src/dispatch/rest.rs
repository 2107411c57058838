//! Parameters that take any number of arguments.

use crate::Load;
use std::{
    collections::{BTreeMap, HashMap},
    hash::BuildHasher,
};

/// The type of a parameter marked `#[drb(rest)]`: a `Vec`.
#[diagnostic::on_unimplemented(
    message = "a parameter marked `#[drb(rest)]` cannot be a `{Self}`",
    label = "write `Vec<…>` or `&[…]`"
)]
pub trait Rest: From<Vec<Self::Item>> {
    /// One of the arguments.
    type Item: Load;
}

impl<T: Load> Rest for Vec<T> {
    type Item = T;
}

/// The type of a parameter marked `#[drb(keywords)]`: a map from the names of the arguments to
/// their values, or a list of pairs where their order matters.
#[diagnostic::on_unimplemented(
    message = "a parameter marked `#[drb(keywords)]` cannot be a `{Self}`",
    label = "write `BTreeMap<String, …>`, `HashMap<String, …>` or `Vec<(String, …)>`"
)]
pub trait KeywordRest: Default + Extend<(String, Self::Value)> {
    /// One of the arguments.
    type Value: Load;
}

impl<T: Load> KeywordRest for BTreeMap<String, T> {
    type Value = T;
}

impl<T: Load, S: BuildHasher + Default> KeywordRest for HashMap<String, T, S> {
    type Value = T;
}

impl<T: Load> KeywordRest for Vec<(String, T)> {
    type Value = T;
}
