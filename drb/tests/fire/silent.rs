//! Clients that are gone without a word: no end of a connection tells it. The clock is the runtime's and stands still
//! while anything is to do, so the times are exact.

use crate::{
    hostile::{brought, call, claim, is_answered, is_at_its_end, start_for_streams, wanted},
    *,
};
use drb::{Error, Limit, Limits, fire};
use std::io::ErrorKind;
use tokio::{
    io::{AsyncReadExt, DuplexStream},
    time::{Instant, sleep},
};

const SECOND: Duration = Duration::from_secs(1);
/// [`Limits::keepalive`].
const KEEPALIVE: Duration = Duration::from_secs(15);

async fn control(server: &Server) -> (DuplexStream, u32) {
    let mut control = brought(server, "192.0.2.1:1", b"3", 64).await;
    let number = control.read_u32().await.unwrap();
    (control, number)
}

/// Nobody has opened a connection for it in time.
fn is_in_vain(error: &Error) -> bool {
    matches!(error, Error::Connect { source, .. } if source.kind() == ErrorKind::TimedOut)
}

/// Nothing arrives there any more, and nothing comes back.
#[tokio::test(start_paused = true)]
async fn a_client_that_is_gone_is_found_out_with_the_first_call() {
    let server = start_for_streams(Limits::default());
    let (mut gone, number) = control(&server).await;
    // Of whom nothing is wanted, nothing has to come.
    sleep(3600 * SECOND).await;
    let began = Instant::now();
    for _ in 0..4 {
        assert!(is_in_vain(&call(&server, number).await.unwrap_err()));
    }
    assert_eq!(began.elapsed().as_secs(), 40);
    assert_eq!(server.counters().exceeded(Limit::Keepalive), 0);
    // This one waits when it is over.
    let error = call(&server, number).await.unwrap_err();
    assert_eq!(fire::Error::of(&error), Some(&fire::Error::Gone), "{error}");
    assert_eq!(began.elapsed().as_secs(), (3 * KEEPALIVE).as_secs());
    assert_eq!(server.counters().exceeded(Limit::Keepalive), 1);
    // One for each call, and one to see whether anybody is there.
    let mut said = Vec::new();
    gone.read_to_end(&mut said).await.unwrap();
    assert_eq!(said, b"000000");
    let error = call(&server, number).await.unwrap_err();
    let number = number.to_string();
    assert_eq!(fire::Error::of(&error), Some(&fire::Error::NotConnected { number }), "{error}");
}

/// A connection that it couldn't open is no reason to give it up: it is asked once more.
#[tokio::test(start_paused = true)]
async fn a_client_that_has_missed_a_call_is_kept() {
    let server = start_for_streams(Limits::default());
    let (mut control, number) = control(&server).await;
    for round in 0..3 {
        let began = Instant::now();
        assert!(is_in_vain(&call(&server, number).await.unwrap_err()));
        assert_eq!(control.read_u8().await.unwrap(), b'0');
        assert_eq!(control.read_u8().await.unwrap(), b'0');
        assert_eq!(began.elapsed().as_secs(), KEEPALIVE.as_secs());
        // It takes as long as it may.
        sleep(2 * KEEPALIVE - SECOND).await;
        let from = format!("192.0.2.1:{}", 2 + round);
        is_at_its_end(&mut brought(&server, &from, &claim(number), 64).await).await;
        // It may still open the other one, and is not asked again.
        sleep(600 * SECOND).await;
    }
    let called = wanted(Client::new(), &server, number, &mut control).await;
    is_answered(called, &mut brought(&server, "192.0.2.1:9", &claim(number), 64).await).await;
    assert_eq!(server.counters().exceeded(Limit::Keepalive), 0);
}

/// One that opens what is wanted is never asked for more.
#[tokio::test(start_paused = true)]
async fn a_client_that_answers_is_not_asked() {
    let server = start_for_streams(Limits::default());
    let (mut control, number) = control(&server).await;
    for port in 2..6 {
        let called = wanted(Client::new(), &server, number, &mut control).await;
        sleep(9 * SECOND).await;
        let from = format!("192.0.2.1:{port}");
        is_answered(called, &mut brought(&server, &from, &claim(number), 64).await).await;
        sleep(100 * SECOND).await;
    }
    server.stop();
    is_at_its_end(&mut control).await;
}

/// With shorter limits it is found earlier.
#[tokio::test(start_paused = true)]
async fn how_long_it_may_be_silent_can_be_set() {
    let keepalive = Duration::from_millis(700);
    let server = start_for_streams(Limits { keepalive, ..Limits::default() });
    let (_gone, number) = control(&server).await;
    let began = Instant::now();
    let error = call(&server, number).await.unwrap_err();
    assert_eq!(fire::Error::of(&error), Some(&fire::Error::Gone), "{error}");
    assert!((2100..2200).contains(&began.elapsed().as_millis()), "{:?}", began.elapsed());
}
