//! drb's macros where nothing is imported, drb has another name, and every lint is an error.
//! That it compiles is the test.
#![no_implicit_prelude]
#![deny(
    warnings,
    missing_docs,
    missing_debug_implementations,
    rust_2018_idioms,
    unreachable_pub,
    unused,
    unused_qualifications,
    elided_lifetimes_in_paths,
    explicit_outlives_requirements,
    let_underscore,
    meta_variable_misuse,
    non_ascii_idents,
    redundant_lifetimes,
    single_use_lifetimes,
    trivial_casts,
    trivial_numeric_casts,
    unit_bindings,
    unsafe_code,
    unused_crate_dependencies,
    unused_import_braces,
    unused_lifetimes,
    unused_results,
    variant_size_differences,
    future_incompatible,
    keyword_idents
)]
#![deny(clippy::all, clippy::pedantic, clippy::nursery)]
// These are for the services that are written here, not for what is made of them.
#![allow(
    clippy::missing_const_for_fn,
    clippy::missing_errors_doc,
    clippy::must_use_candidate,
    clippy::needless_pass_by_value,
    clippy::unused_async,
    clippy::unused_self
)]

pub mod contract;
pub mod errors;
pub mod service;
mod shadowed;
pub mod values;
