use drb::DrbError;

#[derive(Debug, DrbError)]
enum StoreError {
    Full,
}

fn main() {}
