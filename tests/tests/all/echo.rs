//! Values of every kind, made by real Ruby, through a Rust server that has never heard of their
//! classes.

use drb_tests::{Server, ruby_script};
use std::time::Duration;

/// How many random values cross. Each seed gives the same ones each time.
const VALUES: u32 = 100_000;

/// `DRB_SEED` gives another seed than the one that every run uses.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_values_come_back_unchanged() {
    let seed: u32 = std::env::var("DRB_SEED").map_or(1, |seed| seed.parse().expect("a number"));
    let server = Server::example("echo_server").await;
    // Two programs, because there are two cores.
    let half = (VALUES / 2).to_string();
    let seeds = [2 * seed, 2 * seed + 1].map(|seed| seed.to_string());
    let limit = Duration::from_secs(600);
    let run = async |seed: &str| {
        ruby_script("differential.rb", &[server.uri(), &half, seed], limit).await
    };
    let (first, second) = tokio::join!(run(&seeds[0]), run(&seeds[1]));
    assert_eq!([first, second], [format!("{half}\n"), format!("{half}\n")]);
}
