use drb::DrbError;

#[derive(Debug, thiserror::Error, DrbError)]
#[error("store")]
enum StoreError {
    #[drb(other)]
    Other,
}

fn main() {}
