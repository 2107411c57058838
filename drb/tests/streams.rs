//! Streams, on both wires.

use drb::{Stream, prelude::*};
use futures_util::{StreamExt, stream};

struct Store;

#[drb::service]
impl Store {
    pub fn numbers(&self, count: i64) -> impl futures_util::Stream<Item = i64> {
        stream::iter(0..count)
    }
}

#[tokio::test]
async fn items_come_in_order() {
    let server = drb::start_service("druby://127.0.0.1:0", Store).await.unwrap();
    for uri in [server.native_uri(), server.uri()] {
        let store = StoreProxy::connect(uri).await.unwrap();
        let mut numbers: Stream<i64> = store.numbers(100_000).await.unwrap();
        let mut count = 0;
        while let Some(number) = numbers.next().await {
            assert_eq!(number.unwrap(), count);
            count += 1;
        }
        assert_eq!(count, 100_000);
    }
}
