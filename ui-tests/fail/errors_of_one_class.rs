use drb::DrbError;

#[derive(Debug, thiserror::Error, DrbError)]
#[error("store")]
enum StoreError {
    #[drb(class = "KeyError")]
    NotFound,
    #[drb(class = "KeyError")]
    Gone,
}

fn main() {}
