use drb::DrbError;

#[derive(Debug, thiserror::Error, DrbError)]
#[error("store")]
enum StoreError {
    Full { bt: u64, mesg: u64 },
}

fn main() {}
