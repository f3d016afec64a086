//! How far away a store may be: the longest round trip with which each request is still answered.

use std::time::Duration;

use actix_web::http::StatusCode;
use sessions::{MemoryStore, test::Fault};
use sessions_tests::{Browser, stage::Stage};
use tokio::time::Instant;

const PAGE: &str = include_str!("../../docs/production.md");
/// A step of the search, in milliseconds.
const STEP: u64 = 10;
/// Sessions of the owner whose sessions are listed and ended.
const SESSIONS: usize = 5;

/// What is measured, and the path of the application that does it.
const REQUESTS: [(&str, Visitor, &str); 8] = [
    ("reads", Visitor::Guest, "/read"),
    ("creates a session", Visitor::Stranger, "/count"),
    ("changes it", Visitor::Guest, "/count"),
    ("renews it", Visitor::Guest, "/renew"),
    ("logs in, without a session", Visitor::Stranger, "/login-7"),
    ("logs in, with one", Visitor::Guest, "/login-7"),
    ("logs out", Visitor::Owner, "/purge"),
    ("ends all 5 sessions of an owner", Visitor::Admin, "/all-7"),
];

/// Who sends a request.
#[derive(Clone, Copy)]
enum Visitor {
    /// Has no session.
    Stranger,
    /// Has one without an owner.
    Guest,
    /// Is logged in.
    Owner,
    /// Has no session; the owner has some.
    Admin,
}

/// Sends the request to a store that is so far away. Returns the calls, the time and the status.
async fn answer(who: Visitor, path: &str, round_trip: u64) -> (usize, Duration, StatusCode) {
    let stage = Stage::new(MemoryStore::new());
    let host = stage.host();
    let app = host.app().await;
    let mut browser = Browser::new();
    match who {
        Visitor::Stranger => {}
        Visitor::Guest => assert_eq!(browser.get(&app, "/count").await.status, StatusCode::OK),
        Visitor::Owner => assert_eq!(browser.get(&app, "/login-7").await.status, StatusCode::OK),
        Visitor::Admin => {
            for _ in 0..SESSIONS {
                let login = Browser::new().get(&app, "/login-7").await;
                assert_eq!(login.status, StatusCode::OK);
            }
        }
    }
    stage.store.on_every_call(Fault::Delays(Duration::from_millis(round_trip)));
    let (calls, start) = (stage.store.calls(), Instant::now());
    let status = browser.get(&app, path).await.status;
    (stage.store.calls() - calls, start.elapsed(), status)
}

#[tokio::test(start_paused = true)]
async fn the_page_on_production_says_how_far_away_a_store_may_be() {
    let mut missing = Vec::new();
    for (what, who, path) in REQUESTS {
        let (calls, _, status) = answer(who, path, 1).await;
        assert_eq!(status, StatusCode::OK, "{what}");
        let mut longest = 0;
        for round_trip in (STEP..).step_by(usize::try_from(STEP).expect("a small number")) {
            // A millisecond is the server's.
            let (_, took, status) = answer(who, path, round_trip + 1).await;
            if status != StatusCode::OK {
                assert!(
                    took <= Duration::from_secs(1) + Duration::from_millis(10),
                    "{what}: {took:?}"
                );
                break;
            }
            longest = round_trip;
        }
        let row = format!("| {what} | {calls} | {longest} ms |");
        println!("{row}");
        if !PAGE.contains(&row) {
            missing.push(row);
        }
    }
    assert!(missing.is_empty(), "docs/production.md does not have {missing:#?}");
}
