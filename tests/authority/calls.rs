//! How often a request calls the store.

use std::time::Duration;

use actix_web::http::StatusCode;
use sessions::{
    SessionConfig,
    store::Store,
    test::{Moment, Operation},
};
use sessions_tests::{Answer, Browser, stage::Stage, with_token};

/// Sessions of an owner beside the one that ends them.
const SESSIONS: usize = 5;

pub(crate) async fn a_request_costs_the_store_so_many_calls<S: Store>(stage: Stage<S>) {
    let host = stage.host();
    let app = host.app().await;
    let cost = async |what: &str, browser: &mut Browser, path: &str, expected: usize| {
        let before = stage.store.calls();
        let answer = browser.get(&app, path).await;
        let calls = stage.store.calls() - before;
        println!("{what}: {calls}");
        assert_eq!((answer.status, calls), (StatusCode::OK, expected), "{what}");
    };

    let mut guest = Browser::new();
    cost("untouched, without a cookie", &mut guest, "/plain", 0).await;
    cost("read, without a cookie", &mut guest, "/read", 0).await;
    cost("create", &mut guest, "/count", 1).await;
    cost("untouched", &mut guest, "/plain", 0).await;
    cost("read", &mut guest, "/read", 1).await;
    cost("write", &mut guest, "/count", 2).await;
    cost("rotate", &mut guest, "/rotate", 2).await;
    cost("renew", &mut guest, "/renew", 2).await;
    cost("log in, with a session", &mut guest, "/login-7", 4).await;
    cost("write, with an owner", &mut guest, "/count", 2).await;
    cost("rotate, with an owner", &mut guest, "/rotate", 2).await;
    cost("renew, with an owner", &mut guest, "/renew", 2).await;
    cost("log in again", &mut guest, "/login-7", 4).await;
    cost("log out, with an owner", &mut guest, "/purge", 3).await;
    cost("log in, without a session", &mut guest, "/login-7", 3).await;
    cost("log in as another", &mut guest, "/clear/login-8", 4).await;
    cost("log out", &mut guest, "/purge", 3).await;
    cost("create", &mut guest, "/count", 1).await;
    cost("purge, without an owner", &mut guest, "/purge", 2).await;

    let mut browsers: Vec<_> = (0..=SESSIONS).map(|_| Browser::new()).collect();
    for browser in &mut browsers {
        browser.get(&app, "/login-9").await;
    }
    // It looks for the moment, opens its own session, dates it anew, ends the others up to the moment,
    // and meets its own.
    let (ends, lists) = (2 + 3 * SESSIONS, 2 + SESSIONS);
    cost("list", &mut Browser::new(), "/devices-9", lists + 1).await;
    cost("end others", &mut browsers[0], "/others", 1 + 3 + ends + 1).await;
    for browser in &mut browsers[1..] {
        browser.get(&app, "/login-9").await;
    }
    browsers[0].get(&app, "/purge").await;
    cost("end one by one", &mut Browser::new(), "/end-9", lists + 3 * SESSIONS).await;
    for browser in &mut browsers[1..] {
        browser.get(&app, "/login-9").await;
    }
    cost("end all", &mut Browser::new(), "/all-9", ends).await;
    cost("end all, where there is none", &mut Browser::new(), "/all-9", 2).await;
}

/// A writer that finds another's result reads it and writes again.
pub(crate) async fn a_conflict_costs_two_calls_more<S: Store>(stage: Stage<S>) {
    let (host, other) = (stage.host(), stage.host());
    let (app, other) = (host.app().await, other.app().await);
    for (path, alone) in [("/count", 2), ("/rotate/count", 2), ("/renew", 2), ("/purge", 2)] {
        let mut browser = Browser::new();
        browser.get(&app, "/count").await;
        let token = browser.cookie("id").expect("it has a session").to_owned();
        let before = stage.store.calls();
        let slow = Answer::of(&app, with_token(path, &token));
        let fast = Answer::of(&other, with_token("/count", &token));
        let (slow, fast) = stage.store.overtake(Moment::After(Operation::Load), slow, fast).await;
        assert_eq!((slow.status, fast.status), (StatusCode::OK, StatusCode::OK), "{path}");
        // Those of the other one are 2.
        assert_eq!(stage.store.calls() - before - 2, alone + 2, "{path}");
    }
}

/// Below a limit, at it, and above it.
pub(crate) async fn a_limit_costs_calls_at_logins_only<S: Store>(stage: Stage<S>) {
    let capped = stage.host_changed(|backend| backend.at_most(2));
    let refusing = stage.host_changed(|backend| backend.refuse_above(2));
    // The login of each of four browsers: 3 without a limit.
    let at_most = (capped, [4, 4, 4 + 3 + 2, 4 + 3 + 2]);
    let refuse_above = (refusing, [9, 9, 3 + 2, 3 + 2]);
    for (owner, (host, logins)) in [(7, at_most), (8, refuse_above)] {
        let app = host.app().await;
        let cost = async |browser: &mut Browser, path: &str, expected: usize| {
            let before = stage.store.calls();
            browser.get(&app, path).await;
            assert_eq!(stage.store.calls() - before, expected, "{owner} {path}");
        };
        for expected in logins {
            stage.time.advance(Duration::from_secs(60));
            let mut browser = Browser::new();
            cost(&mut browser, &format!("/login-{owner}"), expected).await;
            if browser.cookie("id").is_some() {
                for (path, expected) in
                    [("/plain", 0), ("/read", 1), ("/count", 2), ("/rotate", 2), ("/renew", 2)]
                {
                    cost(&mut browser, path, expected).await;
                }
            }
        }
        let mut guest = Browser::new();
        for (path, expected) in [("/plain", 0), ("/count", 1), ("/count", 2), ("/purge", 2)] {
            cost(&mut guest, path, expected).await;
        }
    }
}

/// A session that is written all the time costs one call more in a lifetime, for its owner's index. One
/// that is read costs two more each time that its use is noted: a read leaves the record as it is, which
/// therefore does not know that the index was asked.
pub(crate) async fn a_session_that_is_used_all_the_time_costs_few_calls_more<S: Store>(
    stage: Stage<S>,
) {
    let ttl = Duration::from_secs(1_000);
    let host = stage.host_with(SessionConfig::new().idle_timeout(ttl).touch_interval(ttl / 2));
    let app = host.app().await;
    let lifetimes = 50;
    for (path, alone, noted) in [("/count", 2, 0), ("/read", 1, 2 * lifetimes)] {
        let mut browser = Browser::new();
        browser.get(&app, "/login-7").await;
        let (before, adds) = (stage.store.calls(), stage.store.calls_of(Operation::IndexAdd));
        let requests = 10 * lifetimes;
        for _ in 0..requests {
            stage.time.advance(ttl / 10);
            assert_eq!(browser.get(&app, path).await.status, StatusCode::OK);
        }
        let calls = stage.store.calls() - before;
        let adds = stage.store.calls_of(Operation::IndexAdd) - adds;
        println!(
            "{path}, {requests} times in {lifetimes} lifetimes: {calls}, {adds} of them to the index"
        );
        assert_eq!(calls, alone * requests + noted + adds, "{path}");
        assert!((1..=lifetimes).contains(&adds), "{path}: {adds} calls");
        assert_eq!(browser.get(&app, "/owner").await.body, "7");
    }
}

/// Two versions of an application, or two applications, with other timeouts: each would undo the touch
/// of the other.
pub(crate) async fn two_idle_timeouts_on_one_store_settle<S: Store>(stage: Stage<S>) {
    let minutes = |n: u64| Duration::from_secs(60 * n);
    let idle = |n| SessionConfig::new().idle_timeout(minutes(n));
    let hosts = [stage.host_with(idle(30)), stage.host_with(idle(10))];
    let apps = [hosts[0].app().await, hosts[1].app().await];
    let mut browser = Browser::new();
    browser.get(&apps[1], "/login-7/count").await;
    let before = stage.store.calls();
    for app in apps.iter().cycle().take(100) {
        assert!(browser.get(app, "/read").await.body.contains(r#""n":1"#));
    }
    let calls = stage.store.calls() - before;
    println!("100 reads under two idle timeouts: {calls}");
    // The longer one touches once, and asks the owner's index.
    assert!(calls <= 103, "{calls}");

    // The shorter one holds from the first touch under it: once the longer time has run down to it.
    for _ in 0..30 {
        stage.time.advance(minutes(1));
        assert!(browser.get(&apps[1], "/read").await.body.contains(r#""n":1"#));
    }
    stage.time.advance(minutes(10));
    assert_eq!(browser.get(&apps[1], "/read").await.body, "{}");
}
