//! Sessions that have an owner: logging in, listing them, ending them.

use std::time::Duration;

use actix_web::{http::StatusCode, test::TestRequest};
use sessions::SessionConfig;
use sessions_tests::{
    Answer, Browser,
    in_memory::{Fixture, meanwhile},
    with_token,
};

#[actix_web::test]
async fn rights_of_an_owner_do_not_come_back_by_a_renewal_without_a_login() {
    let fixture = Fixture::default();
    let app = fixture.app().await;
    let mut browser = Browser::new();
    browser.get(&app, "/login-7").await;
    let token = browser.cookie("id").unwrap().to_owned();
    let sudo = Answer::of(&app, with_token("/read/wait/renew/insert-sudo", &token));
    let answer = meanwhile(&fixture, sudo, async || {
        browser.get(&app, "/purge").await;
    })
    .await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert!(fixture.store().is_empty());
}

#[actix_web::test]
async fn another_owner_does_not_inherit_the_session() {
    let fixture = Fixture::default();
    let app = fixture.app().await;
    let mut browser = Browser::new();
    browser.get(&app, "/login-alice/insert-secret").await;
    let alices = browser.cookie("id").unwrap().to_owned();
    browser.get(&app, "/login-bob").await;
    assert_eq!(browser.get(&app, "/read").await.body, r#"{"_owner":"bob"}"#);
    assert_eq!(Answer::of(&app, with_token("/read", &alices)).await.body, "{}");
    assert_eq!(fixture.store().len(), 1);
}

#[actix_web::test]
async fn a_login_starts_the_absolute_limit_anew_and_a_renewal_does_not() {
    let minute = Duration::from_secs(60);
    let config = SessionConfig::new().absolute_timeout(10 * minute);
    let fixture = Fixture::with(config, |backend| backend);
    let app = fixture.app().await;
    let mut browser = Browser::new();
    browser.get(&app, "/count").await;
    fixture.time.advance(9 * minute);
    browser.get(&app, "/login-7").await;
    fixture.time.advance(9 * minute);
    browser.get(&app, "/renew").await;
    assert_eq!(browser.get(&app, "/owner").await.body, "7");
    fixture.time.advance(minute);
    assert_eq!(browser.get(&app, "/owner").await.body, "");
}

#[actix_web::test]
async fn owners_sessions_are_listed_and_ended() {
    let fixture = Fixture::default();
    let app = fixture.app().await;
    let mut browsers = [Browser::new(), Browser::new(), Browser::new()];
    for browser in &mut browsers {
        browser.get(&app, "/login-7").await;
    }
    let mut other = Browser::new();
    other.get(&app, "/login-8").await;
    let [one, two, three] = &mut browsers;
    assert_eq!(one.get(&app, "/devices-7").await.body, "3 1");
    assert_eq!(other.get(&app, "/devices-7").await.body, "3 0");
    assert_eq!(one.get(&app, "/others").await.body, "2");
    assert_eq!(one.get(&app, "/owner").await.body, "7");
    assert_eq!(two.get(&app, "/owner").await.body, "");
    assert_eq!(one.get(&app, "/devices-7").await.body, "1 1");
    two.get(&app, "/login-7").await;
    assert_eq!(two.get(&app, "/devices-7").await.body, "2 1", "a login after it stands");
    assert_eq!(other.get(&app, "/all-7").await.body, "2");
    for browser in [one, two, three] {
        assert_eq!(browser.get(&app, "/owner").await.body, "");
    }
    assert_eq!(other.get(&app, "/owner").await.body, "8");
    assert_eq!(fixture.store().len(), 1);
}

#[actix_web::test]
async fn sessions_past_their_absolute_limit_are_not_listed() {
    let hour = Duration::from_secs(3_600);
    let fixture = Fixture::with(SessionConfig::new().absolute_timeout(hour), |backend| backend);
    let app = fixture.app().await;
    let (mut former, mut latter) = (Browser::new(), Browser::new());
    former.get(&app, "/login-7").await;
    fixture.time.advance(Duration::from_secs(1));
    latter.get(&app, "/login-7").await;
    fixture.time.advance(Duration::from_secs(3_598));
    assert_eq!(latter.get(&app, "/devices-7").await.body, "2 1");
    fixture.time.advance(Duration::from_secs(1));
    assert_eq!(latter.get(&app, "/devices-7").await.body, "1 1");
    tokio::task::yield_now().await;
    assert_eq!(fixture.store().len(), 1, "it is deleted when it is met");
}

/// A login that waits on its way, while all sessions of its owner are ended.
async fn all_ended_during(login: &str) {
    let fixture = Fixture::default();
    let app = fixture.app().await;
    let login = Answer::of(&app, TestRequest::get().uri(login));
    let answer = meanwhile(&fixture, login, async || {
        fixture.time.advance(Duration::from_secs(1));
        Browser::new().get(&app, "/all-7").await;
    })
    .await;
    assert_eq!((answer.status, answer.cookie()), (StatusCode::CONFLICT, None));
    assert!(fixture.store().is_empty());
}

#[actix_web::test]
async fn a_login_under_way_does_not_outlive_the_end_of_all() {
    all_ended_during("/wait/login-7").await;
}

#[actix_web::test]
async fn who_logs_in_and_ends_the_others_in_one_request_is_logged_in() {
    let fixture = Fixture::default();
    let app = fixture.app().await;
    for before in ["", "/login-7", "/login-8", "/count"] {
        for path in ["/login-7/others", "/login-7/others/others", "/purge/login-7/others"] {
            let (mut here, mut elsewhere) = (Browser::new(), Browser::new());
            elsewhere.get(&app, "/login-7").await;
            if !before.is_empty() {
                here.get(&app, before).await;
            }
            let answer = here.get(&app, path).await;
            assert_eq!(answer.status, StatusCode::OK, "{before} {path}");
            assert_eq!(here.get(&app, "/owner").await.body, "7", "{before} {path}");
            assert_eq!(elsewhere.get(&app, "/owner").await.body, "", "{before} {path}");
            assert_eq!(here.get(&app, "/devices-7").await.body, "1 1", "{before} {path}");
        }
    }
}

#[actix_web::test]
async fn a_login_that_is_saved_early_is_the_current_one() {
    let fixture = Fixture::default();
    let app = fixture.app().await;
    let mut elsewhere = Browser::new();
    elsewhere.get(&app, "/login-7").await;
    let mut here = Browser::new();
    assert_eq!(here.get(&app, "/login-7/now/devices-7").await.body, "2 1");
    let mut here = Browser::new();
    assert_eq!(here.get(&app, "/login-7/now/others").await.body, "2");
    assert_eq!(here.get(&app, "/devices-7").await.body, "1 1");
    assert_eq!(elsewhere.get(&app, "/owner").await.body, "");
}

#[actix_web::test]
async fn a_login_that_ends_the_others_does_not_outlive_an_end_of_all_that_came_before() {
    all_ended_during("/wait/login-7/others").await;
    all_ended_during("/login-7/others/wait").await;
}
