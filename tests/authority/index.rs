//! The index of owners outlives what it points to.

use std::time::Duration;

use actix_web::http::StatusCode;
use sessions::{
    SessionConfig,
    store::{Store, StoreError},
    test::{Fault, Operation},
};
use sessions_tests::{Answer, Browser, in_memory::meanwhile, stage::Stage, with_token};

const SECOND: Duration = Duration::from_secs(1);

/// With an idle timeout below two touch intervals no touch is ever due, and every write prolongs.
pub(crate) async fn a_session_that_is_written_all_the_time_is_found_at_the_end_of_all<S: Store>(
    stage: Stage<S>,
) {
    let ttl = Duration::from_secs(100);
    let idle = SessionConfig::new().idle_timeout(ttl).touch_interval(50 * SECOND);
    let plain = SessionConfig::new().lifetime(ttl).refresh_each_request(false);
    for (config, every) in [(idle, 10), (plain, 90)] {
        let host = stage.host_with(config);
        let app = host.app().await;
        let mut browser = Browser::new();
        browser.get(&app, "/login-7").await;
        let before = stage.store.calls_of(Operation::IndexAdd);
        let (mut passed, mut lifetimes) = (Duration::ZERO, 0);
        while passed < 10 * ttl {
            stage.time.advance(every * SECOND);
            passed += every * SECOND;
            lifetimes = passed.as_secs() / ttl.as_secs();
            assert_eq!(browser.get(&app, "/count").await.status, StatusCode::OK);
        }
        let asked = stage.store.calls_of(Operation::IndexAdd) - before;
        assert!(asked as u64 <= lifetimes, "{asked} calls in {lifetimes} lifetimes");
        let mut admin = Browser::new();
        assert_eq!(admin.get(&app, "/devices-7").await.body, "1 0");
        assert_eq!(admin.get(&app, "/all-7").await.body, "1");
        assert_eq!(browser.get(&app, "/read").await.body, "{}");
    }
}

pub(crate) async fn a_record_is_not_prolonged_beyond_its_index_entry<S: Store>(stage: Stage<S>) {
    let ttl = Duration::from_secs(1_000);
    let host = stage.host_with(SessionConfig::new().idle_timeout(ttl).touch_interval(10 * SECOND));
    let app = host.app().await;
    for path in ["/read", "/count"] {
        let mut browser = Browser::new();
        browser.get(&app, "/login-7").await;
        stage.store.on_every_call_of(Operation::IndexAdd, Fault::Fails(StoreError::Full));
        let mut admin = Browser::new();
        for _ in 0..30 {
            stage.time.advance(Duration::from_secs(100));
            assert_eq!(browser.get(&app, path).await.status, StatusCode::OK, "{path}");
            let lives = !matches!(&*browser.get(&app, "/owner").await.body, "");
            let listed = admin.get(&app, "/devices-7").await.body != "0 0";
            assert!(listed || !lives, "{path}: it lives and is not found");
        }
        assert_eq!(browser.get(&app, "/owner").await.body, "", "{path}");
        stage.store.mend();
    }

    // Once the index answers again, the session lives on.
    let mut browser = Browser::new();
    browser.get(&app, "/login-7").await;
    stage.store.on_every_call_of(Operation::IndexAdd, Fault::Fails(StoreError::Full));
    for _ in 0..11 {
        stage.time.advance(Duration::from_secs(100));
        assert_eq!(browser.get(&app, "/count").await.status, StatusCode::OK);
    }
    stage.store.mend();
    for _ in 0..30 {
        stage.time.advance(Duration::from_secs(100));
        assert_eq!(browser.get(&app, "/count").await.status, StatusCode::OK);
    }
    assert_eq!(browser.get(&app, "/owner").await.body, "7");
    assert_eq!(browser.get(&app, "/all-7").await.body, "1");
}

/// A server that evicts keys has lost the entry, so that the end of all misses the session.
pub(crate) async fn a_session_the_index_lost_ends_when_it_is_next_noted<S: Store>(stage: Stage<S>) {
    let ttl = Duration::from_secs(1_000);
    // A use that prolongs, and a write where no other use does.
    let touched = SessionConfig::new().idle_timeout(ttl).touch_interval(10 * SECOND);
    let written = SessionConfig::new().lifetime(ttl).refresh_each_request(false);
    for (config, path, refused) in
        [(touched, "/owner", StatusCode::OK), (written, "/count", StatusCode::CONFLICT)]
    {
        let host = stage.host_with(config);
        let app = host.app().await;
        let mut browser = Browser::new();
        browser.get(&app, "/login-7").await;
        let token = browser.cookie("id").unwrap().to_owned();
        stage.store.inner().evict(&stage.owner("7")).await.unwrap();
        assert_eq!(Browser::new().get(&app, "/all-7").await.body, "0");
        let mut last = StatusCode::OK;
        for _ in 0..25 {
            stage.time.advance(Duration::from_secs(100));
            let answer = Answer::of(&app, with_token(path, &token)).await;
            last = answer.status;
            if last == StatusCode::CONFLICT || answer.body.is_empty() {
                break;
            }
        }
        assert_eq!(last, refused, "{path}");
        let answer = Answer::of(&app, with_token("/owner", &token)).await;
        assert_eq!(answer.body, "", "{path}");
    }
}

pub(crate) async fn a_failed_login_leaves_no_entry<S: Store>(stage: Stage<S>) {
    let host = stage.host();
    let app = host.app().await;
    stage.store.on_every_call_of(Operation::Create, Fault::Fails(StoreError::Full));
    for number in 0..20 {
        let answer = Browser::new().get(&app, &format!("/login-{number}")).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    }
    assert_eq!(stage.store.inner().entries(), 0);
    stage.store.mend();
    // Nor does one that is refused, since all of its owner's were ended meanwhile.
    let mut late = Browser::new();
    let slow = late.get(&app, "/wait/login-1");
    let refused = meanwhile(&host, slow, async || {
        stage.time.advance(SECOND);
        Browser::new().get(&app, "/all-1").await;
    })
    .await;
    assert_eq!((refused.status, stage.store.inner().entries()), (StatusCode::CONFLICT, 0));
    Browser::new().get(&app, "/login-1").await;
    assert_eq!(stage.store.inner().entries(), 1);
}
