mod api {
    #[derive(drb::DrbDumped)]
    pub struct Key(pub u64);
}

struct Store;

#[drb::service]
impl Store {
    #[allow(non_snake_case)]
    pub fn go(&self, str: &str, u64: u64, String: String, api: api::Key) -> usize {
        str.len() + u64 as usize + String.len() + api.0 as usize
    }

    pub fn key(&self, key: u8) -> u8 {
        key
    }
}

fn main() {}
