//! Two hosts behind a load balancer whose clocks differ: what each difference costs, line by line of the
//! table in docs/production.md.

use std::time::Duration;

use actix_http::Request;
use actix_service::Service;
use actix_web::{
    App, Error,
    body::MessageBody,
    dev::ServiceResponse,
    http::StatusCode,
    test::init_service,
    web::{self, Path},
};
use sessions::{
    MemoryStore, ServerSide, Session, SessionConfig, SessionMiddleware, SignedCookie,
    backend::Backend, test::TestClock,
};
use sessions_tests::{AppSessions, Browser, Mode, key};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

/// Does what the path says: `log-in`, `read`, `end` (all of the owner's).
async fn host<B: Backend + Clone + EndAll>(
    backend: &B,
    config: &SessionConfig,
    time: &TestClock,
) -> impl Service<Request, Response = ServiceResponse<impl MessageBody>, Error = Error> {
    let act = async |session: Session, act: Path<String>, backend: web::Data<B>| {
        match act.as_str() {
            "log-in" => session.set_owner(7)?,
            "count" => drop(session.update("n", |n: Option<u32>| n.unwrap_or(0) + 1)?),
            "end" => backend.end_all_of_7().await,
            _ => {}
        }
        Ok::<_, Error>(session.owner().unwrap_or_else(|| "nobody".to_owned()))
    };
    let sessions = AppSessions { backend: backend.clone(), config: config.clone() };
    init_service(
        App::new()
            .app_data(web::Data::new(backend.clone()))
            .wrap(SessionMiddleware::new(sessions).with_clock(time.clock()))
            .route("/{act}", web::get().to(act)),
    )
    .await
}

trait EndAll {
    async fn end_all_of_7(&self);
}

impl EndAll for ServerSide<MemoryStore> {
    async fn end_all_of_7(&self) {
        self.end_all(7).await.expect("the store works");
    }
}

impl EndAll for SignedCookie {
    async fn end_all_of_7(&self) {
        self.end_all(7).await.expect("the store works");
    }
}

impl EndAll for Mode {
    async fn end_all_of_7(&self) {}
}

/// Returns the clocks of two hosts, the first so much ahead of the second.
fn apart(ahead: Duration) -> [TestClock; 2] {
    let clocks = [TestClock::new(), TestClock::new()];
    clocks[0].advance(ahead);
    clocks
}

fn pass(clocks: &[&TestClock], time: Duration) {
    for clock in clocks {
        clock.advance(time);
    }
}

#[actix_web::test]
async fn in_a_store_idle_timeouts_and_lifetimes_are_the_stores() {
    for ahead in [5 * MINUTE, 1_000 * HOUR] {
        let store = TestClock::new();
        let [fast, slow] = &apart(ahead);
        let backend = ServerSide::new(MemoryStore::with_clock(store.clock()));
        let config = SessionConfig::new().idle_timeout(10 * MINUTE);
        let apps = [host(&backend, &config, fast).await, host(&backend, &config, slow).await];
        for first in [0, 1] {
            let mut browser = Browser::new();
            browser.get(&apps[first], "/log-in").await;
            for turn in 0..4 {
                pass(&[fast, slow, &store], 9 * MINUTE);
                assert_eq!(browser.get(&apps[turn % 2], "/read").await.body, "7");
            }
            pass(&[fast, slow, &store], 11 * MINUTE);
            assert_eq!(browser.get(&apps[first], "/read").await.body, "nobody");
        }
    }
}

#[actix_web::test]
async fn in_a_store_an_absolute_timeout_is_wrong_by_the_difference() {
    let store = TestClock::new();
    let [fast, slow] = &apart(5 * MINUTE);
    let backend = ServerSide::new(MemoryStore::with_clock(store.clock()));
    let config = SessionConfig::new().absolute_timeout(HOUR);
    let apps = [host(&backend, &config, fast).await, host(&backend, &config, slow).await];
    let [mut early, mut late] = [Browser::new(), Browser::new()];
    early.get(&apps[1], "/log-in").await;
    late.get(&apps[0], "/log-in").await;
    pass(&[fast, slow, &store], Duration::from_secs(55 * 60 - 1));
    assert_eq!(early.get(&apps[0], "/read").await.body, "7");
    pass(&[fast, slow, &store], SECOND);
    assert_eq!(early.get(&apps[0], "/read").await.body, "nobody", "five minutes early");
    pass(&[fast, slow, &store], Duration::from_secs(10 * 60 - 1));
    assert_eq!(late.get(&apps[1], "/read").await.body, "7", "five minutes late");
    pass(&[fast, slow, &store], SECOND);
    assert_eq!(late.get(&apps[1], "/read").await.body, "nobody");
}

#[actix_web::test]
async fn in_cookies_a_minute_is_tolerated_and_beyond_it_a_login_of_the_fast_host_opens_nothing() {
    for mode in [0, 1] {
        let backend = Mode::in_cookie(key(1))[mode].clone();
        let config = SessionConfig::new();
        for (ahead, seen) in [(MINUTE, "7"), (MINUTE + SECOND, "nobody"), (HOUR, "nobody")] {
            let [fast, slow] = &apart(ahead);
            let apps = [host(&backend, &config, fast).await, host(&backend, &config, slow).await];
            let mut browser = Browser::new();
            browser.get(&apps[0], "/log-in").await;
            assert_eq!(browser.get(&apps[1], "/read").await.body, seen, "{ahead:?}");
            assert_eq!(browser.get(&apps[0], "/read").await.body, "7", "and it stays");
            // Once its clock has come so far.
            pass(&[slow], ahead);
            assert_eq!(browser.get(&apps[1], "/read").await.body, "7");
        }
        // What the slow host writes meanwhile takes the cookie of the login.
        let [fast, slow] = &apart(2 * MINUTE);
        let apps = [host(&backend, &config, fast).await, host(&backend, &config, slow).await];
        let mut browser = Browser::new();
        browser.get(&apps[0], "/log-in").await;
        browser.get(&apps[1], "/count").await;
        assert_eq!(browser.get(&apps[0], "/read").await.body, "nobody");
        // The other way round nothing is lost.
        browser.get(&apps[1], "/log-in").await;
        browser.get(&apps[0], "/count").await;
        assert_eq!(browser.get(&apps[0], "/read").await.body, "7");
    }
}

#[actix_web::test]
async fn in_cookies_timeouts_are_wrong_by_the_difference() {
    let ahead = Duration::from_secs(50);
    for mode in [0, 1] {
        let backend = Mode::in_cookie(key(1))[mode].clone();
        let configs = [
            SessionConfig::new().idle_timeout(10 * MINUTE),
            SessionConfig::new().lifetime(10 * MINUTE),
            SessionConfig::new().absolute_timeout(10 * MINUTE),
        ];
        for config in &configs {
            let [fast, slow] = &apart(ahead);
            let apps = [host(&backend, config, fast).await, host(&backend, config, slow).await];
            let [mut early, mut late] = [Browser::new(), Browser::new()];
            early.get(&apps[1], "/log-in").await;
            late.get(&apps[0], "/log-in").await;
            pass(&[fast, slow], Duration::from_secs(10 * 60 - 50 + 1));
            assert_eq!(early.get(&apps[0], "/read").await.body, "nobody", "{config:?}");
            pass(&[fast, slow], Duration::from_secs(2 * 50 - 2));
            let mut copy = Browser::new();
            copy.set_cookie("session", late.cookie("session").expect("set"));
            assert_eq!(copy.get(&apps[1], "/read").await.body, "7");
            pass(&[fast, slow], 2 * SECOND);
            assert_eq!(late.get(&apps[1], "/read").await.body, "nobody");
        }
    }
}

#[actix_web::test]
async fn revocable_cookies_end_in_the_stores_order() {
    for (ahead, fast_ends) in [(MINUTE, true), (MINUTE, false)] {
        let store = TestClock::new();
        let [fast, slow] = &apart(ahead);
        let backend = SignedCookie::new(key(1)).revocable(MemoryStore::with_clock(store.clock()));
        let config = SessionConfig::new();
        let apps = [host(&backend, &config, fast).await, host(&backend, &config, slow).await];
        let (ends, logs_in) = if fast_ends { (0, 1) } else { (1, 0) };
        let mut browser = Browser::new();
        browser.get(&apps[logs_in], "/log-in").await;
        pass(&[fast, slow, &store], SECOND);
        Browser::new().get(&apps[ends], "/end").await;
        assert_eq!(browser.get(&apps[0], "/read").await.body, "nobody");
        assert_eq!(browser.get(&apps[1], "/read").await.body, "nobody");
        // A login after the end is one, within the same second.
        assert_eq!(browser.get(&apps[logs_in], "/log-in").await.status, StatusCode::OK);
        assert_eq!(browser.get(&apps[0], "/read").await.body, "7");
        assert_eq!(browser.get(&apps[1], "/read").await.body, "7");
    }
}
