use drb::DrbError;

#[derive(Debug, thiserror::Error, DrbError)]
#[error("store")]
enum StoreError {
    Full(#[drb(message)] String, #[drb(message)] String),
}

fn main() {}
