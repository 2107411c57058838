//! What finds a side that is gone without a word, over TCP.

/// Where nothing else is under way, the system asks.
#[tokio::test]
async fn a_cable_that_is_pulled() {
    let printed = drb_tests::apart::alone("cable").await;
    let lines: Vec<&str> = printed.lines().collect();
    let [ends, client, server, error] = lines[..] else { panic!("{printed}") };
    assert_eq!([ends, client, server], ["2 ends", "the client knows", "the server knows"]);
    assert!(error.starts_with("no client of drbfire with the number"), "{error}");
}
