use drb::DrbError;

#[derive(Debug, thiserror::Error, DrbError)]
#[error("store")]
enum StoreError {
    Io(std::io::Error),
}

fn main() {}
