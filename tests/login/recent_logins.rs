//! Logins that were proved a moment ago.

use std::time::Duration;

use actix_web::{http::header, test::TestRequest};
use sessions_tests::{Answer, Browser, Mode, key};

use crate::site::{PAGE, Site, log_in, post};

const MINUTE: Duration = Duration::from_secs(60);

#[actix_web::test]
async fn a_login_is_recent_for_its_minutes_and_again_once_it_is_confirmed() {
    for mode in Mode::all(key(1)).into_iter().chain([Mode::flask(key(1))]) {
        let name = mode.name();
        let site = Site::new(mode);
        let app = site.app().await;
        let mut browser = Browser::new();
        log_in(&mut browser, &app, "bob").await;
        assert_eq!(browser.get(&app, "/delete").await.body, "bob is deleted", "{name}");
        site.time.advance(Duration::from_secs(15 * 60 - 1));
        assert_eq!(browser.get(&app, "/delete").await.body, "bob is deleted", "{name}");
        site.time.advance(Duration::from_secs(1));
        assert_eq!(browser.get(&app, "/delete").await.status, 403, "{name}");
        assert_eq!(browser.get(&app, "/me").await.body, "bob", "{name}: still logged in");
        let before = browser.cookie("session").map(str::to_owned);
        assert_eq!(post(&mut browser, &app, "/confirm").await.status, 303, "{name}");
        assert_ne!(browser.cookie("session").map(str::to_owned), before, "{name}");
        assert_eq!(browser.get(&app, "/delete").await.body, "bob is deleted", "{name}");
        site.time.advance(15 * MINUTE);
        assert_eq!(browser.get(&app, "/delete").await.status, 403, "{name}");
    }
}

#[actix_web::test]
async fn a_browser_whose_login_is_not_recent_is_sent_to_the_confirm_page() {
    let [mode, ..] = Mode::all(key(1));
    let site = Site::new(mode);
    let app = site.app().await;
    let mut browser = Browser::new();
    log_in(&mut browser, &app, "alice").await;
    site.time.advance(15 * MINUTE);
    let page = || TestRequest::get().uri("/delete?id=1").append_header(PAGE);
    let answer = browser.send(&app, page()).await;
    assert_eq!(answer.status, 303);
    let [confirm_page] = answer.all(header::LOCATION)[..] else { panic!("no confirm page") };
    assert_eq!(confirm_page, "/confirm?why=old&next=/delete%3Fid%3D1");
    assert_eq!(answer.all(header::CACHE_CONTROL), ["no-store"]);
    let answer = post(&mut browser, &app, confirm_page).await;
    assert_eq!(answer.all(header::LOCATION), ["/delete?id=1"]);
    // Nobody goes to the login page instead.
    let answer = Answer::of(&app, page()).await;
    assert_eq!(answer.all(header::LOCATION), ["/login?next=/delete%3Fid%3D1"]);
}

#[actix_web::test]
async fn a_login_of_the_future_is_not_recent() {
    let [.., mode] = Mode::all(key(1));
    let site = Site::new(mode);
    let app = site.app().await;
    let mut browser = Browser::new();
    log_in(&mut browser, &app, "bob").await;
    // The login came from a host that is ahead.
    site.time.go_back(MINUTE);
    assert_eq!(browser.get(&app, "/delete").await.status, 200);
    site.time.go_back(Duration::from_secs(1));
    assert_eq!(browser.get(&app, "/delete").await.status, 403);
}

#[actix_web::test]
async fn who_is_nobody_confirms_nothing() {
    for mode in Mode::all(key(1)) {
        let name = mode.name();
        let site = Site::new(mode);
        let app = site.app().await;
        let mut browser = Browser::new();
        assert_eq!(post(&mut browser, &app, "/confirm").await.status, 500, "{name}");
        assert_eq!(browser.get(&app, "/maybe").await.body, "nobody", "{name}");
    }
}
