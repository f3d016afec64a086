//! What is taken over, when, and what happens to the old cookie and record.

use std::time::Duration;

use serde_json::{Value, json};
use sessions::{
    EncryptedCookie,
    flask::FlaskCookie,
    import::ActixSession,
    policy::{CookieName, CookiePath, ImportMode},
    test::TestClock,
};
use sessions_tests::{Browser, Logged, key};

use super::{
    OLD, OWN, Shelf, alice, app, config, importing, in_cookies, named, old_key, private,
    server_side, signed, state, unix, with_old,
};

#[actix_web::test]
async fn takes_over_a_session_at_its_first_use() {
    let time = TestClock::new();
    let old = [
        (ActixSession::signed(old_key()), signed(&alice())),
        (ActixSession::private(old_key()), private(&alice(), OLD)),
        (ActixSession::private(old_key()).records(Shelf::with("k", alice())), private("k", OLD)),
        (ActixSession::signed(old_key()).records(Shelf::with("k", alice())), signed("k")),
    ];
    for (old, value) in old {
        for with_records in [false, true] {
            let mut browser = with_old(&value);
            let import = |old: &ActixSession| importing(in_cookies(), old.clone(), &time);
            let kept = importing(server_side(&time), old.clone(), &time);
            let (count, read, cookies, again) = if with_records {
                let app = app(kept.clone(), config(), &time).await;
                let untouched = browser.get(&app, "/plain").await;
                assert!(untouched.cookies().is_empty());
                let read = browser.get(&app, "/read").await;
                let again = browser.get(&app, "/new").await;
                (kept.taken_over(), read.body.clone(), read.cookies(), again)
            } else {
                let import = import(&old);
                let app = app(import.clone(), config(), &time).await;
                let read = browser.get(&app, "/read").await;
                let again = browser.get(&app, "/new").await;
                (import.taken_over(), read.body.clone(), read.cookies(), again)
            };
            let read: Value = serde_json::from_str(&read).unwrap();
            let expected = json!({
                "actix_identity.user_id": "alice", "cart": [1, 2.5, {"n": "é"}], "seen": true
            });
            assert_eq!(read, expected);
            assert_eq!(cookies.len(), 1, "{cookies:?}");
            assert_eq!(cookies[0].name, OWN);
            assert_eq!(browser.cookie(OLD), Some(value.as_str()), "copied, not moved");
            assert_eq!((again.body.as_str(), again.cookies().len()), ("false", 0));
            assert_eq!(count, 1);
        }
    }
}

#[actix_web::test]
async fn what_our_session_says_counts_from_then_on() {
    let time = TestClock::new();
    let import = importing(in_cookies(), ActixSession::signed(old_key()), &time);
    let app = app(import, config(), &time).await;
    let mut browser = with_old(&signed(&alice()));
    browser.get(&app, "/insert-mine").await;
    browser.set_cookie(OLD, &signed(&state(&json!({"actix_identity.user_id": "mallory"}))));
    let read: Value = serde_json::from_str(&browser.get(&app, "/read").await.body).unwrap();
    assert_eq!(read["actix_identity.user_id"], "alice");
    assert_eq!(read["mine"], true);
}

#[actix_web::test]
async fn moving_removes_the_old_cookie_and_deletes_the_old_record() {
    let time = TestClock::new();
    let shelf = Shelf::with("k", alice());
    let old = ActixSession::private(old_key())
        .cookie_path(CookiePath::from_static("/app"))
        .records(shelf.clone());
    let import = importing(server_side(&time), old, &time);
    let app = app(import, config().import(ImportMode::Move), &time).await;
    let mut browser = with_old(&private("k", OLD));
    // A handler that fails takes the session over too.
    let answer = browser.get(&app, "/user/fail").await;
    assert_eq!(answer.status, 500);
    let cookies = answer.cookies();
    assert_eq!(cookies.len(), 2, "{cookies:?}");
    let removal = named(&cookies, OLD).unwrap();
    assert!(removal.is_removal());
    assert_eq!(removal.attribute("Path"), Some("/app"));
    assert!(shelf.records().is_empty());
    assert_eq!(browser.get(&app, "/user").await.body, "alice");
}

#[actix_web::test]
async fn a_record_that_cannot_be_deleted_does_not_keep_a_session_from_moving() {
    let time = TestClock::new();
    let shelf = Shelf::with("k", alice());
    let old = ActixSession::signed(old_key()).records(shelf.clone());
    let import = importing(server_side(&time), old, &time);
    let app = app(import, config().import(ImportMode::Move), &time).await;
    let mut browser = with_old(&signed("k"));
    let logged = Logged::start();
    browser.get(&app, "/user").await;
    shelf.has(Some("connection refused"));
    browser.set_cookie(OLD, &signed("k"));
    // With the next response that sets our cookie.
    let answer = browser.get(&app, "/insert-a").await;
    assert_eq!(answer.status, 200);
    let lines: Vec<_> = logged.take();
    assert!(
        lines.iter().any(|line| line.text.contains("former store is not deleted")),
        "{lines:#?}"
    );
}

#[actix_web::test]
async fn what_does_not_fit_is_not_moved() {
    let time = TestClock::new();
    let large = state(&json!({"actix_identity.user_id": "alice", "text": "x".repeat(4_000)}));
    let shelf = Shelf::with("k", large);
    let old = ActixSession::signed(old_key()).records(shelf.clone());
    let import = importing(in_cookies(), old, &time);
    let app = app(import.clone(), config().import(ImportMode::Move), &time).await;
    let mut browser = with_old(&signed("k"));
    for _ in 0..2 {
        let answer = browser.get(&app, "/user").await;
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, "alice"));
        assert!(answer.cookies().is_empty());
    }
    assert_eq!(browser.get(&app, "/insert-a").await.status, 500);
    assert_eq!(shelf.records().len(), 1);
    assert_eq!(import.taken_over(), 0);
}

#[actix_web::test]
async fn any_backend_takes_over() {
    let time = TestClock::new();
    let old = || ActixSession::private(old_key());
    let encrypted = importing(EncryptedCookie::new(key(1)), old(), &time);
    let flask = importing(FlaskCookie::new(key(1)), old(), &time);
    let signed = importing(server_side(&time).signed(key(1)), old(), &time);
    let value = private(&alice(), OLD);
    let mut users = Vec::new();
    let [mut one, mut two, mut three] = std::array::from_fn(|_| with_old(&value));
    let encrypted = app(encrypted, config(), &time).await;
    let flask = app(flask, config(), &time).await;
    let signed = app(signed, config(), &time).await;
    for _ in 0..2 {
        users.push(one.get(&encrypted, "/user").await.body);
        users.push(two.get(&flask, "/user").await.body);
        users.push(three.get(&signed, "/user").await.body);
        for browser in [&mut one, &mut two, &mut three] {
            browser.set_cookie(OLD, "gone");
        }
    }
    assert_eq!(users, ["alice"; 6]);
}

#[actix_web::test]
async fn a_session_goes_on_counting_from_its_login() {
    let hour = 3_600;
    for kept in [false, true] {
        let time = TestClock::new();
        let content = state(&json!({
            "actix_identity.user_id": "alice",
            "actix_identity.logged_in_at": unix(&time) - 1_800,
        }));
        let config = config().absolute_timeout(Duration::from_secs(hour));
        let mut browser = with_old(&signed(&content));
        let old = ActixSession::signed(old_key());
        let mut said = Vec::new();
        if kept {
            let app = app(importing(server_side(&time), old, &time), config, &time).await;
            for _ in 0..3 {
                said.push(browser.get(&app, "/user").await.body);
                time.advance(Duration::from_secs(901));
            }
        } else {
            let app = app(importing(in_cookies(), old, &time), config, &time).await;
            for _ in 0..3 {
                said.push(browser.get(&app, "/user").await.body);
                time.advance(Duration::from_secs(901));
            }
        }
        assert_eq!(said, ["alice", "alice", "nobody"], "kept on the server: {kept}");
    }
}

#[actix_web::test]
async fn values_that_are_no_json_and_reserved_keys_are_left_out() {
    let time = TestClock::new();
    let content = json!({
        "a": "1", "b": "not JSON", "c": "1,\"_owner\":\"root\"", "_owner": "\"root\"",
        "_started": "0", "d": "\"x\"",
    });
    let import = importing(server_side(&time), ActixSession::signed(old_key()), &time);
    let app = app(import, config(), &time).await;
    let mut browser = with_old(&signed(&content.to_string()));
    assert_eq!(browser.get(&app, "/read").await.body, "{\"a\":1,\"d\":\"x\"}");
    assert_eq!(browser.get(&app, "/owner").await.body, "nobody");
}

#[actix_web::test]
async fn a_cookie_of_the_same_name_is_replaced() {
    let time = TestClock::new();
    let config = config().cookie_name(CookieName::from_static(OLD));
    for mode in [ImportMode::Copy, ImportMode::Move] {
        let import = importing(server_side(&time), ActixSession::signed(old_key()), &time);
        let app = app(import, config.clone().import(mode), &time).await;
        let value = signed(&alice());
        let mut browser = with_old(&value);
        let answer = browser.get(&app, "/user").await;
        assert_eq!((answer.body.as_str(), answer.cookies().len()), ("alice", 1));
        assert_ne!(browser.cookie(OLD), Some(value.as_str()));
        let ours = browser.cookie(OLD).unwrap().to_owned();
        assert_eq!(browser.get(&app, "/user").await.body, "alice");
        assert_eq!(browser.get(&app, "/purge").await.cookies().len(), 1);
        assert_eq!(browser.get(&app, "/user").await.body, "nobody");
        // Beside an old one from another path, neither the mark nor what has ended lets it in.
        for other in ["ended", &ours] {
            browser.set_cookie(OLD, &format!("{value}; {OLD}={other}"));
            assert_eq!(browser.get(&app, "/user").await.body, "nobody");
        }
    }
}

#[actix_web::test]
async fn purging_says_whether_copies_go_on() {
    let time = TestClock::new();
    let shelf = Shelf::with("k", alice());
    let kept = ActixSession::signed(old_key()).records(shelf);
    let app_kept = app(importing(server_side(&time), kept, &time), config(), &time).await;
    assert_eq!(with_old(&signed("k")).get(&app_kept, "/purge").await.body, "TokenRevoked");
    // A mark in the store ends the copies of a cookie that holds its session, too.
    let old = ActixSession::signed(old_key());
    let app_marked = app(importing(server_side(&time), old.clone(), &time), config(), &time).await;
    assert_eq!(with_old(&signed(&alice())).get(&app_marked, "/purge").await.body, "TokenRevoked");
    let app = app(importing(in_cookies(), old, &time), config(), &time).await;
    assert_eq!(with_old(&signed(&alice())).get(&app, "/purge").await.body, "CookieRemoved");
}

#[actix_web::test]
async fn sessions_that_are_taken_over_are_permanent_by_the_policy() {
    let time = TestClock::new();
    let import = importing(in_cookies(), ActixSession::signed(old_key()), &time);
    for permanent in [false, true] {
        let app = app(import.clone(), config().permanent(permanent), &time).await;
        let answer = with_old(&signed(&alice())).get(&app, "/user").await;
        assert_eq!(answer.cookie().unwrap().attribute("Max-Age").is_some(), permanent);
    }
}

#[actix_web::test]
async fn old_attributes_that_contradict_each_other_are_an_error() {
    let time = TestClock::new();
    let old = ActixSession::signed(old_key())
        .cookie_name(CookieName::from_static("__Host-id"))
        .cookie_path(CookiePath::from_static("/app"));
    let app = app(importing(in_cookies(), old, &time), config(), &time).await;
    assert_eq!(Browser::new().get(&app, "/user").await.status, 500);
    assert_eq!(Browser::new().get(&app, "/plain").await.status, 200);
}
