use drb::DrbError;

#[derive(Debug, thiserror::Error, DrbError)]
#[error("store")]
enum StoreError {
    #[drb(other)]
    Other(drb::Exception),
    #[drb(other, class = "KeyError")]
    More(drb::Exception),
}

fn main() {}
