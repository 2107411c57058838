//! Calls within calls, between processes: whoever waits for a reply is called meanwhile.

use drb::{Limits, Object, Server};
use drb_tests::{
    SOON, Server as Process,
    mirror::{Glass, MirrorProxy},
};
use std::time::{Duration, Instant};

async fn mirror_of(process: &Process) -> MirrorProxy {
    let object = Object::connect(process.uri()).await.unwrap();
    object.call("mirror", ()).await.unwrap()
}

#[tokio::test]
async fn rust_and_rust_call_each_other_while_they_wait() {
    let there = Process::program("mirror").await;
    let there = mirror_of(&there).await;
    let server = drb::start_service((), ()).await.unwrap();
    let here = Glass::kept(&server);
    // Deeper than the chain could be that is known.
    for times in [1, 2, 41] {
        assert_eq!(there.bounce(&here, times).await, Ok(times));
        assert_eq!(here.bounce(&there, times).await, Ok(times));
    }
}

#[tokio::test]
async fn rust_and_ruby_call_each_other_while_they_wait() {
    let there = Process::ruby("mirror.rb", &[]).await;
    let there = mirror_of(&there).await;
    let server = drb::start_service((), ()).await.unwrap();
    let here = Glass::kept(&server);
    for times in [1, 2, 41] {
        assert_eq!(there.bounce(&here, times).await, Ok(times));
        assert_eq!(here.bounce(&there, times).await, Ok(times));
    }
    // Many at a time, on the same objects.
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let (here, there) = (here.clone(), there.clone());
        calls.spawn(async move { there.bounce(&here, 9).await });
    }
    while let Some(result) = calls.join_next().await {
        assert_eq!(result.unwrap(), Ok(9));
    }
}

/// Over Ruby's wire nobody knows how deep a call is. The number of connections is bounded.
#[tokio::test]
async fn endless_recursion_with_ruby_ends_in_an_error() {
    let ruby = Process::ruby("mirror.rb", &[]).await;
    let there = mirror_of(&ruby).await;
    let limits = Limits { connections: 40, ..Limits::default() };
    let server = Server::builder().limits(limits).start(()).await.unwrap();
    let here = Glass::kept(&server);
    let begun = Instant::now();
    for _ in 0..2 {
        let error = there.endless(&here).await.unwrap_err();
        let exception = error.exception().unwrap_or_else(|| panic!("{error:?}"));
        assert_eq!(exception.class, "DRb::DRbConnError", "{error:?}");
        let error = here.endless(&there).await.unwrap_err();
        assert!(error.exception().is_some(), "{error:?}");
    }
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    // Both go on, as soon as the last connections are closed.
    let end = Instant::now() + SOON;
    while there.bounce(&here, 5).await != Ok(5) {
        assert!(Instant::now() < end, "they serve no more");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(here.bounce(&there, 5).await, Ok(5));
}
