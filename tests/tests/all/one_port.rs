//! One server, one port, one object: for Ruby, for Rust over Ruby's wire and for Rust over the native one,
//! all at once, each in a process of its own.

use drb_tests::{Program, hall::Hall};
use futures_util::future::join_all;
use std::sync::Arc;

const TASKS: u64 = 4;
const CALLS: u64 = 150;

#[tokio::test]
async fn one_object_serves_all_kinds_of_clients_at_once() {
    let hall = Arc::new(Hall::default());
    let server = drb::start_service("druby://127.0.0.1:0", Arc::clone(&hall)).await.unwrap();
    let (ruby, native) = (server.uri(), server.native_uri());
    assert_eq!(ruby.strip_prefix("druby://"), native.strip_prefix("drb://"), "it is one port");
    let (tasks, calls) = (TASKS.to_string(), CALLS.to_string());
    let names = ["Ruby", "Rust on druby", "Rust on drb"];
    let mut guests = [
        Program::ruby("guest.rb", &[ruby, names[0], &tasks, &calls]),
        Program::own("guest", &[ruby, names[1], &tasks, &calls]),
        Program::own("guest", &[native, names[2], &tasks, &calls]),
    ];
    for guest in &mut guests {
        assert_eq!(guest.line().await.as_deref(), Some("ready"));
    }
    // This process counts as well, meanwhile.
    let own = tokio::spawn({
        let hall = Arc::clone(&hall);
        async move {
            let mut sum = 0;
            for _ in 0..CALLS {
                sum += hall.count();
                tokio::task::yield_now().await;
            }
            sum
        }
    });
    join_all(guests.iter_mut().map(|guest| guest.say("go"))).await;
    let mut sum = own.await.unwrap();
    for (guest, name) in guests.iter_mut().zip(names) {
        let line = guest.line().await.unwrap();
        let (counted, greeting) = line.split_once(' ').unwrap();
        sum += counted.parse::<u64>().unwrap();
        assert_eq!(greeting, format!("hello {name}"));
    }
    // Each call has counted once, and no two were given the same number.
    let count = 3 * TASKS * CALLS + CALLS;
    assert_eq!(hall.count(), count + 1);
    assert_eq!(sum, count * (count + 1) / 2);
    for news in ["the tea is ready", "over"] {
        assert_eq!(hall.announce(news.to_owned()).await, Ok(3));
    }
    for guest in guests {
        assert_eq!(guest.end().await, ["heard the tea is ready", "heard over"]);
    }
}
