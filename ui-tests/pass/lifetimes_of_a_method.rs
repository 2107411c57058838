struct Store;

#[drb::service]
impl Store {
    pub fn go<'a, 'b: 'a>(&'a self, key: &'b str) -> &'a str {
        let _ = key;
        ""
    }

    pub async fn later<'a>(&'a self, key: &'a str) -> Option<&'a str>
    where
        'a: 'a,
    {
        Some(key).filter(|_| false)
    }
}

fn main() {}
