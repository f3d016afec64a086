//! What server-side sessions promise, on a store in memory.

use std::time::Duration;

use actix_web::{
    http::{StatusCode, header},
    test::TestRequest,
};
use futures_util::future::join_all;
use sessions::{
    MemoryStore, ServerSide, SessionConfig,
    policy::{CookieName, OnGone},
    session::{PurgeOutcome, SaveOutcome},
    store::Store,
    test::TestClock,
};
use sessions_tests::{
    Answer, Browser, Logged,
    in_memory::{Fixture, meanwhile},
    key, with_token,
};

#[actix_web::test]
async fn a_session_lives_from_request_to_request() {
    let fixture = Fixture::default();
    let app = fixture.app().await;
    let mut browser = Browser::new();
    for expected in ["1", "2", "3"] {
        assert_eq!(browser.get(&app, "/count").await.body, expected);
    }
    assert_eq!(fixture.store().len(), 1);
    let token = browser.cookie("id").unwrap();
    assert_eq!(token.len(), 45);
    assert_eq!(browser.get(&app, "/read").await.body, r#"{"n":3}"#);
}

#[actix_web::test]
async fn reading_and_probing_create_no_record() {
    let fixture = Fixture::default();
    let app = fixture.app().await;
    for path in ["/read", "/purge", "/clear", "/renew", "/plain", "/nowhere"] {
        let answer = Browser::new().get(&app, path).await;
        assert_eq!(answer.cookie(), None, "{path}");
    }
    assert!(fixture.store().is_empty());
}

#[actix_web::test]
async fn invariant_9_ids_are_never_adopted() {
    let fixture = Fixture::default();
    let app = fixture.app().await;
    let unknown = format!("{}.{}", "A".repeat(22), "A".repeat(22));
    let answer = Answer::of(&app, with_token("/count", &unknown)).await;
    let given = answer.cookie().unwrap().value;
    assert_ne!(given, unknown);
    assert_ne!(given[..22], unknown[..22]);
    assert_eq!(fixture.store().len(), 1);

    // The half that finds it does not open it.
    let guessed = format!("{}.{}", &given[..22], "A".repeat(22));
    assert_eq!(Answer::of(&app, with_token("/read", &guessed)).await.body, "{}");
}

#[actix_web::test]
async fn invariant_9_a_token_from_before_a_renewal_opens_an_empty_session_and_sets_no_cookie() {
    let fixture = Fixture::default();
    let app = fixture.app().await;
    let mut browser = Browser::new();
    browser.get(&app, "/count").await;
    let old = browser.cookie("id").unwrap().to_owned();
    browser.get(&app, "/renew").await;
    let new = browser.cookie("id").unwrap().to_owned();
    assert_eq!(old[..22], new[..22]);
    assert_ne!(old, new);
    assert_eq!(browser.get(&app, "/read").await.body, r#"{"n":1}"#);

    let answer = Answer::of(&app, with_token("/read", &old)).await;
    assert_eq!((answer.body.as_str(), answer.cookie()), ("{}", None));
    for (path, status) in [("/count", StatusCode::CONFLICT), ("/count/clear", StatusCode::OK)] {
        let answer = Answer::of(&app, with_token(path, &old)).await;
        assert_eq!((answer.status, answer.cookie()), (status, None), "{path}");
    }
    let answer = Answer::of(&app, with_token("/login-7/count", &old)).await;
    let fresh = answer.cookie().unwrap().value;
    assert_ne!(fresh[..22], old[..22], "a login starts a session of its own");
    assert_eq!(browser.get(&app, "/read").await.body, r#"{"n":1}"#);
}

#[actix_web::test]
async fn invariant_6_concurrent_requests_do_not_erase_each_other() {
    let fixture = Fixture::default();
    let app = fixture.app().await;
    let mut browser = Browser::new();
    browser.get(&app, "/count").await;
    let token = browser.cookie("id").unwrap().to_owned();

    let slow = Answer::of(&app, with_token("/read/wait/count/insert-slow", &token));
    let answer = meanwhile(&fixture, slow, async || {
        for path in ["/count", "/insert-fast", "/count"] {
            assert_eq!(browser.get(&app, path).await.status, StatusCode::OK);
        }
    })
    .await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(browser.get(&app, "/read").await.body, r#"{"fast":true,"n":4,"slow":true}"#);
}

#[actix_web::test]
async fn invariant_6_emptying_deletes_only_what_nobody_else_changed() {
    for act in ["clear", "remove-n"] {
        let fixture = Fixture::default();
        let app = fixture.app().await;
        let mut browser = Browser::new();
        browser.get(&app, "/count").await;
        let token = browser.cookie("id").unwrap().to_owned();
        let path = format!("/read/wait/{act}");
        let emptied = Answer::of(&app, with_token(&path, &token));
        let answer = meanwhile(&fixture, emptied, async || {
            browser.get(&app, "/insert-kept").await;
        })
        .await;
        assert_eq!((answer.status, answer.cookie()), (StatusCode::OK, None), "{act}");
        assert_eq!(browser.get(&app, "/read").await.body, r#"{"kept":true}"#, "{act}");

        let answer = browser.get(&app, "/clear").await;
        assert!(answer.cookie().unwrap().is_removal(), "{act}");
        assert!(fixture.store().is_empty(), "{act}");
    }
}

#[actix_web::test]
async fn invariant_5_gone_stays_gone() {
    for (on_gone, status) in [(OnGone::Error, 409), (OnGone::Drop, 200)] {
        let fixture = Fixture::with(SessionConfig::new().on_gone(on_gone), |backend| backend);
        let app = fixture.app().await;
        let mut browser = Browser::new();
        browser.get(&app, "/count").await;
        let token = browser.cookie("id").unwrap().to_owned();
        let slow = Answer::of(&app, with_token("/read/wait/count", &token));
        let answer = meanwhile(&fixture, slow, async || {
            assert_eq!(
                browser.get(&app, "/purge").await.body,
                format!("{:?}", PurgeOutcome::TokenRevoked)
            );
            assert_eq!(browser.cookie("id"), None);
        })
        .await;
        assert_eq!(answer.status, status);
        assert!(answer.cookie().unwrap().is_removal());
        assert!(fixture.store().is_empty());
        assert_eq!(Answer::of(&app, with_token("/read", &token)).await.body, "{}");
    }
}

#[actix_web::test]
async fn invariant_5_a_renewal_on_a_gone_session_starts_a_fresh_one_with_its_own_changes() {
    let fixture = Fixture::default();
    let app = fixture.app().await;
    let mut browser = Browser::new();
    browser.get(&app, "/insert-before").await;
    let token = browser.cookie("id").unwrap().to_owned();
    let login = Answer::of(&app, with_token("/read/wait/login-7/count", &token));
    let answer = meanwhile(&fixture, login, async || {
        browser.get(&app, "/purge").await;
    })
    .await;
    assert_eq!(answer.status, StatusCode::OK);
    let fresh = answer.cookie().unwrap().value;
    let answer = Answer::of(&app, with_token("/read", &fresh)).await;
    assert_eq!(answer.body, r#"{"_owner":"7","n":1}"#);
}

#[actix_web::test]
async fn of_two_renewals_one_wins_and_the_other_writes_nothing() {
    let fixture = Fixture::default();
    let app = fixture.app().await;
    let mut browser = Browser::new();
    browser.get(&app, "/count").await;
    let token = browser.cookie("id").unwrap().to_owned();
    let slow = Answer::of(&app, with_token("/read/wait/renew/insert-slow", &token));
    let answer = meanwhile(&fixture, slow, async || {
        browser.get(&app, "/renew").await;
    })
    .await;
    assert_eq!((answer.status, answer.cookie()), (StatusCode::CONFLICT, None));
    assert_eq!(browser.get(&app, "/read").await.body, r#"{"n":1}"#);
    assert_eq!(Answer::of(&app, with_token("/read", &token)).await.body, "{}");
}

#[actix_web::test]
async fn idle_and_absolute_limits_end_sessions_to_the_second() {
    let minute = Duration::from_secs(60);
    let second = Duration::from_secs(1);
    let config = SessionConfig::new()
        .idle_timeout(2 * minute)
        .absolute_timeout(10 * minute)
        .touch_interval(second);
    let fixture = Fixture::with(config, |backend| backend);
    let app = fixture.app().await;
    let mut browser = Browser::new();
    browser.get(&app, "/count").await;
    fixture.time.advance(2 * minute);
    assert_eq!(browser.get(&app, "/read").await.body, "{}");

    browser.get(&app, "/count").await;
    for _ in 0..5 {
        fixture.time.advance(119 * second);
        assert_eq!(browser.get(&app, "/read").await.body, r#"{"n":1}"#);
    }
    fixture.time.advance(4 * second);
    assert_eq!(browser.get(&app, "/read").await.body, r#"{"n":1}"#);
    fixture.time.advance(second);
    assert_eq!(browser.get(&app, "/read").await.body, "{}", "ten minutes are over");
    tokio::task::yield_now().await;
    fixture.store().sweep();
    assert!(fixture.store().is_empty());
}

#[actix_web::test]
async fn a_token_from_before_a_renewal_does_not_keep_a_session_alive() {
    let minute = Duration::from_secs(60);
    let fixture = Fixture::with(
        SessionConfig::new().idle_timeout(minute).touch_interval(Duration::from_secs(1)),
        |backend| backend,
    );
    let app = fixture.app().await;
    let mut browser = Browser::new();
    browser.get(&app, "/count").await;
    let former = browser.cookie("id").unwrap().to_owned();
    let guessed = format!("{}.{}", former.split_once('.').unwrap().0, "A".repeat(22));
    browser.get(&app, "/renew").await;
    for token in [&former, &guessed] {
        fixture.time.advance(minute / 3);
        assert_eq!(Answer::of(&app, with_token("/read", token)).await.body, "{}");
    }
    fixture.time.advance(Duration::from_secs(19));
    assert_eq!(browser.get(&app, "/read").await.body, r#"{"n":1}"#, "the right one prolongs it");
    for token in [&former, &guessed] {
        fixture.time.advance(minute / 3);
        assert_eq!(Answer::of(&app, with_token("/read", token)).await.body, "{}");
    }
    fixture.time.advance(minute / 3);
    assert_eq!(browser.get(&app, "/read").await.body, "{}");
}

#[actix_web::test]
async fn save_now_returns_the_values_that_are_stored() {
    let fixture = Fixture::default();
    let app = fixture.app().await;
    let mut browser = Browser::new();
    let answer = browser.get(&app, "/count/now").await;
    assert_eq!(answer.body, format!("{:?} Some(1)", SaveOutcome::Saved));
    let token = browser.cookie("id").unwrap().to_owned();
    let slow = Answer::of(&app, with_token("/read/wait/count/now", &token));
    let answer = meanwhile(&fixture, slow, async || {
        browser.get(&app, "/count").await;
    })
    .await;
    assert_eq!(answer.body, format!("{:?} Some(3)", SaveOutcome::Saved));
    assert_eq!(
        browser.get(&app, "/read/now").await.body,
        format!("{:?} Some(3)", SaveOutcome::Unchanged)
    );
    let answer = browser.get(&app, "/purge/now").await;
    assert_eq!(answer.body, format!("{:?} None", SaveOutcome::Removed));
    assert!(answer.cookie().unwrap().is_removal());
    let answer = browser.get(&app, "/count/now/count").await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
}

#[actix_web::test]
async fn signed_tokens_are_checked_before_the_store_is_asked() {
    let fixture = Fixture::with(SessionConfig::new(), |backend| backend.signed(key(1)));
    let app = fixture.app().await;
    let mut browser = Browser::new();
    browser.get(&app, "/count").await;
    let token = browser.cookie("id").unwrap().to_owned();
    assert_eq!(token.len(), 45 + 1 + 43);
    assert_eq!(browser.get(&app, "/read").await.body, r#"{"n":1}"#);
    let logged = Logged::start();
    let other_than = |text: &str| if text == "A" { "E" } else { "A" };
    let first = format!("{}{}", other_than(&token[..1]), &token[1..]);
    let last = format!("{}{}", &token[..88], other_than(&token[88..]));
    for forged in [&token[..45], &first, &last] {
        assert_eq!(Answer::of(&app, with_token("/read", forged)).await.body, "{}");
    }
    let lines = logged.take_own();
    assert!(lines.iter().all(|(_, text)| !text.contains("store")), "{lines:?}");
}

#[actix_web::test]
async fn the_newest_of_several_cookies_wins_and_170_reach_the_store() {
    let fixture = Fixture::default();
    let app = fixture.app().await;
    let mut older = Browser::new();
    older.get(&app, "/insert-older").await;
    fixture.time.advance(Duration::from_secs(1));
    let mut newer = Browser::new();
    newer.get(&app, "/insert-newer").await;
    let (older, newer) = (older.cookie("id").unwrap(), newer.cookie("id").unwrap());
    for pair in [[older, newer], [newer, older]] {
        let cookies = pair.map(|token| format!("id={token}")).join("; ");
        let request = TestRequest::get().uri("/read").append_header((header::COOKIE, cookies));
        assert_eq!(Answer::of(&app, request).await.body, r#"{"newer":true}"#);
    }
    for (unknown, expected) in [(4, r#"{"newer":true}"#), (169, r#"{"newer":true}"#), (170, "{}")] {
        let junk =
            (0..unknown).map(|n| format!("id={n:03}{}.{}; ", "A".repeat(19), "A".repeat(22)));
        let cookies = format!("id=junk; {}id={newer}", junk.collect::<String>());
        let request = TestRequest::get().uri("/read").append_header((header::COOKIE, cookies));
        assert_eq!(Answer::of(&app, request).await.body, expected, "{unknown}");
    }
}

#[actix_web::test]
async fn a_payload_above_the_limit_is_an_error_that_changes_nothing() {
    let fixture = Fixture::with(SessionConfig::new(), |backend| backend.with_max_payload(40));
    let app = fixture.app().await;
    let mut browser = Browser::new();
    browser.get(&app, "/count").await;
    let answer = browser.get(&app, "/insert-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa").await;
    assert_eq!((answer.status, answer.cookie()), (StatusCode::INTERNAL_SERVER_ERROR, None));
    assert_eq!(browser.get(&app, "/read").await.body, r#"{"n":1}"#);
}

#[actix_web::test]
async fn permanent_cookies_are_refreshed_without_a_write() {
    let fixture = Fixture::default();
    let app = fixture.app().await;
    let mut browser = Browser::new();
    browser.get(&app, "/count/permanent").await;
    let token = browser.cookie("id").unwrap().to_owned();
    fixture.time.advance(Duration::from_secs(30));
    let cookie = browser.get(&app, "/read").await.cookie().unwrap();
    assert_eq!(cookie.value, token);
    assert!(cookie.attribute("Expires").is_some());
}

#[actix_web::test]
async fn a_slow_refresh_does_not_bring_back_a_token_from_before_a_renewal_or_a_logout() {
    let fixture = Fixture::default();
    let app = fixture.app().await;
    for end in ["/renew", "/purge", "/login-7"] {
        let mut browser = Browser::new();
        browser.get(&app, "/count/permanent").await;
        let slow = with_token("/wait/read", browser.cookie("id").unwrap());
        let slow = meanwhile(&fixture, Answer::of(&app, slow), async || {
            assert!(browser.get(&app, end).await.cookie().is_some(), "{end}");
        })
        .await;
        assert_eq!((slow.status, &*slow.body), (StatusCode::OK, r#"{"_permanent":true,"n":1}"#));
        assert_eq!(slow.cookie(), None, "{end}");
    }
}

#[actix_web::test]
async fn what_a_refused_response_changed_is_saved_by_save_when() {
    let config = SessionConfig::new().save_when(sessions::policy::SaveWhen::Success);
    let fixture = Fixture::with(config, |backend| backend);
    let app = fixture.app().await;
    let mut browser = Browser::new();
    browser.get(&app, "/count").await;
    browser.get(&app, "/forbidden").await;
    assert_eq!(browser.get(&app, "/read").await.body, r#"{"n":1}"#);
    let answer = browser.get(&app, "/login-7/nowhere").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert_eq!(browser.get(&app, "/owner").await.body, "", "nobody is logged in by an error");
}

#[actix_web::test]
async fn a_row_of_writers_costs_the_store_one_write_each() {
    let fixture = Fixture::default();
    let app = fixture.app().await;
    let mut browser = Browser::new();
    browser.get(&app, "/count").await;
    let token = browser.cookie("id").unwrap().to_owned();
    let writers = (0..100).map(|_| Answer::of(&app, with_token("/count", &token)));
    let answers = join_all(writers).await;
    assert!(answers.iter().all(|answer| answer.status == StatusCode::OK));
    assert_eq!(browser.get(&app, "/read").await.body, r#"{"n":101}"#);
    assert!(fixture.store().owners().is_some());
}

#[actix_web::test]
async fn visitors_that_fill_the_store_leave_room_for_logins() {
    let time = TestClock::new();
    let fixture = Fixture::of(
        ServerSide::new(MemoryStore::with_capacity(100)),
        SessionConfig::new().cookie_name(CookieName::from_static("id")),
        time,
    );
    let app = fixture.app().await;
    let mut full = 0;
    for _ in 0..200 {
        full += usize::from(Browser::new().get(&app, "/count").await.status == 503);
    }
    assert_eq!((fixture.store().len(), full), (75, 125));
    for number in 0..25 {
        let mut browser = Browser::new();
        let login = if number % 2 == 0 { "/login-7" } else { "/renew/insert-user" };
        assert_eq!(browser.get(&app, login).await.status, StatusCode::OK);
        assert_eq!(browser.get(&app, "/count").await.status, StatusCode::OK);
    }
    assert_eq!(Browser::new().get(&app, "/login-7").await.status, 503);
}
