//! A connection that stays open is told when its session ends, in every backend, and asking is no use of
//! the session.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex},
    time::Duration,
};

use actix_web::{App, HttpRequest, test::init_service, web};
use sessions::{
    EncryptedCookie, Lifetimes, MemoryStore, SecretKey, ServerSide, Session, SessionConfig,
    SessionInterface, SessionMiddleware, SessionState, SignedCookie,
    backend::{AnyBackend, Backend},
    error::{OpenError, SaveError},
    flask::FlaskCookie,
    interface::{OpenContext, Opened, SaveContext, Saved},
    store::StoreError,
    test::{Fault, FaultStore, Operation, TestClock},
};
use sessions_tests::Browser;
use tokio::time::{pause, sleep, timeout};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const INTERVAL: Duration = Duration::from_secs(5);

type Ended = Pin<Box<dyn Future<Output = ()> + Send>>;
type Waiting = Arc<Mutex<Vec<Ended>>>;

#[derive(Clone, SessionInterface)]
#[session(cookie_name = "id", secure = false)]
#[session(lifetime = "1 day", idle_timeout = "30 minutes", absolute_timeout = "2 hours")]
struct Kept {
    backend: AnyBackend,
}

/// A backend of an application, which says nothing of ends.
struct Silent(SignedCookie);

impl Backend for Silent {
    async fn open(&self, cx: &OpenContext<'_>) -> Result<Opened<SessionState>, OpenError> {
        self.0.open(cx).await
    }

    async fn save(&self, state: &SessionState, cx: &SaveContext<'_>) -> Result<Saved, SaveError> {
        self.0.save(state, cx).await
    }
}

/// Does what the path says, and begins to wait where it says so.
async fn act(
    request: HttpRequest,
    session: Session,
    waiting: web::Data<Waiting>,
) -> actix_web::Result<&'static str> {
    for word in request.path().split('/').filter(|word| !word.is_empty()) {
        let (verb, object) = word.split_once('-').unwrap_or((word, ""));
        match verb {
            "login" => session.set_owner(object)?,
            "remember" => session.set_remembered(true)?,
            "kiosk" => {
                let kiosk = Lifetimes::new().idle_timeout(2 * MINUTE);
                session.set_lifetimes(kiosk.absolute_timeout(5 * MINUTE))?;
            }
            "insert" => session.insert(object, true)?,
            "read" => _ = session.get::<bool>("a")?,
            "renew" => session.renew()?,
            "rotate" => session.rotate()?,
            "purge" => _ = session.purge()?,
            "save" => _ = session.save_now().await?,
            "wait" => waiting.lock().expect("no panic").push(Box::pin(session.ended(INTERVAL))),
            // A handler that goes on, as in long polling.
            "poll" => {
                if timeout(INTERVAL * 2, session.ended(INTERVAL)).await.is_ok() {
                    return Ok("ended");
                }
            }
            other => return Err(actix_web::error::ErrorNotFound(other.to_owned())),
        }
    }
    Ok("done")
}

/// An application, the clock of its sessions, and what waits for their ends.
struct World {
    kept: Kept,
    time: TestClock,
    waiting: Waiting,
}

impl World {
    fn of(backend: impl Backend, time: TestClock) -> Self {
        Self { kept: Kept { backend: AnyBackend::new(backend) }, time, waiting: Waiting::default() }
    }

    async fn get(&self, browser: &mut Browser, path: &str) -> String {
        let app = App::new()
            .wrap(SessionMiddleware::new(self.kept.clone()).with_clock(self.time.clock()))
            .app_data(web::Data::new(Arc::clone(&self.waiting)))
            .default_service(web::to(act));
        let answer = browser.get(&init_service(app).await, path).await;
        assert!(answer.status.is_success(), "{path}: {}", answer.status);
        answer.body
    }

    /// Waits for the end of the session that this request has.
    async fn wait(&self, browser: &mut Browser, path: &str) -> Ended {
        self.get(browser, path).await;
        self.waiting.lock().expect("no panic").pop().expect("it waits")
    }
}

/// Whether the end is told within an interval.
async fn has_ended(ended: &mut Ended) -> bool {
    timeout(INTERVAL + Duration::from_millis(1), ended).await.is_ok()
}

fn unavailable() -> Fault {
    Fault::Fails(StoreError::unavailable(std::io::Error::other("told to")))
}

fn stored() -> (World, ServerSide<FaultStore<MemoryStore>>) {
    pause();
    let time = TestClock::new();
    let backend = ServerSide::new(FaultStore::new(MemoryStore::with_clock(time.clock())));
    (World::of(backend.clone(), time), backend)
}

#[actix_web::test]
async fn in_a_store_a_logout_elsewhere_a_login_and_a_change_of_rights_end_it_and_no_use_does() {
    let (world, _) = stored();
    for (path, ends) in [
        ("/purge", true),
        ("/login-8", true),
        ("/login-7", true),
        ("/renew", true),
        ("/rotate", false),
        ("/insert-b", false),
        ("/read", false),
    ] {
        let mut browser = Browser::new();
        world.get(&mut browser, "/login-7/insert-a").await;
        let mut ended = world.wait(&mut browser, "/wait").await;
        assert!(!has_ended(&mut ended).await, "{path}");
        world.get(&mut browser, path).await;
        assert_eq!(has_ended(&mut ended).await, ends, "{path}");
    }
}

#[actix_web::test]
async fn in_a_store_the_end_of_an_owner_s_sessions_ends_it_and_those_that_are_spared_go_on() {
    let (world, backend) = stored();
    let [mut phone, mut laptop] = [Browser::new(), Browser::new()];
    let mut ends = Vec::new();
    for browser in [&mut phone, &mut laptop] {
        world.get(browser, "/login-7").await;
        ends.push(world.wait(browser, "/wait").await);
        world.time.advance(MINUTE);
    }
    let oldest = backend.sessions_of("7").await.unwrap().pop().unwrap();
    assert!(backend.end(&oldest).await.unwrap());
    assert!(has_ended(&mut ends[0]).await);
    assert!(!has_ended(&mut ends[1]).await);
    backend.end_all("7").await.unwrap();
    assert!(has_ended(&mut ends[1]).await);
}

#[actix_web::test]
async fn asking_is_no_use_and_one_call_an_interval() {
    let (world, backend) = stored();
    let mut browser = Browser::new();
    let mut ended = world.wait(&mut browser, "/insert-a/wait").await;
    let calls = backend.store().calls();
    for minutes in [10, 10, 9] {
        world.time.advance(minutes * MINUTE);
        assert!(!has_ended(&mut ended).await);
    }
    assert_eq!(backend.store().calls(), calls + 3);
    assert_eq!(backend.store().calls_of(Operation::Load), 3);
    // 30 minutes after its only use.
    world.time.advance(MINUTE);
    assert!(has_ended(&mut ended).await);
}

#[actix_web::test]
async fn a_session_that_is_used_all_the_time_ends_at_its_absolute_timeout() {
    let (world, _) = stored();
    let mut browser = Browser::new();
    let mut ended = world.wait(&mut browser, "/insert-a/wait").await;
    for _ in 0..5 {
        world.time.advance(20 * MINUTE);
        world.get(&mut browser, "/read").await;
        assert!(!has_ended(&mut ended).await);
    }
    world.time.advance(20 * MINUTE);
    assert!(has_ended(&mut ended).await);
}

#[actix_web::test]
async fn an_outage_is_no_end_and_what_ended_meanwhile_is_told_after_it() {
    let (world, backend) = stored();
    let mut browser = Browser::new();
    let mut ended = world.wait(&mut browser, "/login-7/wait").await;
    for fault in [unavailable(), Fault::Hangs] {
        backend.store().on_every_call(fault.clone());
        for _ in 0..10 {
            assert!(!has_ended(&mut ended).await, "{fault:?}");
        }
        backend.store().mend();
    }
    for _ in 0..3 {
        assert!(!has_ended(&mut ended).await);
    }
    backend.end_all("7").await.unwrap();
    assert!(has_ended(&mut ended).await);
}

#[actix_web::test]
async fn it_is_the_session_that_the_request_leaves() {
    let (world, _) = stored();
    // One that its request makes, renews, or makes before it goes on.
    for path in ["/insert-a/wait", "/wait/insert-a", "/login-7/wait", "/insert-a/save/wait"] {
        let mut ended = world.wait(&mut Browser::new(), path).await;
        assert!(!has_ended(&mut ended).await, "{path}");
    }
    let mut browser = Browser::new();
    world.get(&mut browser, "/insert-a").await;
    for path in ["/wait/renew", "/login-7/wait", "/rotate/wait", "/purge/insert-b/wait"] {
        let mut ended = world.wait(&mut browser, path).await;
        assert!(!has_ended(&mut ended).await, "{path}");
        world.get(&mut browser, "/purge/insert-a").await;
        assert!(has_ended(&mut ended).await, "{path}");
    }
    // Where there is none in the end.
    for path in ["/wait", "/purge/wait", "/wait/purge"] {
        let mut ended = world.wait(&mut browser, path).await;
        assert_eq!(has_ended(&mut ended).await, path != "/wait", "{path}");
    }
    assert!(has_ended(&mut world.wait(&mut Browser::new(), "/wait").await).await);
}

#[actix_web::test]
async fn a_handler_that_goes_on_is_told_of_an_end_elsewhere() {
    let (world, _) = stored();
    let mut browser = Browser::new();
    world.get(&mut browser, "/login-7").await;
    assert_eq!(world.get(&mut browser, "/poll").await, "done");
    let mut other = Browser::new();
    other.set_cookie("id", browser.cookie("id").unwrap());
    let poll = world.get(&mut browser, "/poll");
    let purge = async {
        sleep(Duration::from_millis(10)).await;
        world.get(&mut other, "/purge").await;
    };
    assert_eq!(futures_util::future::join(poll, purge).await.0, "ended");
}

#[actix_web::test]
async fn in_cookies_times_end_it_and_a_logout_is_not_seen() {
    pause();
    let (key, config) = (SecretKey::generate(), SessionConfig::new());
    let backends = [
        AnyBackend::new(SignedCookie::new(key.clone())),
        AnyBackend::new(EncryptedCookie::new(key.clone())),
        AnyBackend::new(FlaskCookie::new(key.clone())),
        AnyBackend::new(config.secret_key(key)),
    ];
    for backend in backends {
        let world = World::of(backend, TestClock::new());
        let mut browser = Browser::new();
        // 30 minutes after the token that the request set.
        let mut ended = world.wait(&mut browser, "/login-7/wait").await;
        world.time.advance((30 * MINUTE).saturating_sub(SECOND));
        assert!(!has_ended(&mut ended).await);
        let mut second = world.wait(&mut browser, "/wait").await;
        world.time.advance(SECOND);
        assert!(has_ended(&mut ended).await);
        assert!(!has_ended(&mut second).await);
        for _ in 0..4 {
            world.time.advance(20 * MINUTE);
            second = world.wait(&mut browser, "/insert-a/wait").await;
            assert!(!has_ended(&mut second).await);
        }
        world.get(&mut browser, "/purge").await;
        assert!(!has_ended(&mut second).await);
        // Two hours after the login.
        world.time.advance(10 * MINUTE);
        assert!(has_ended(&mut second).await);
    }
}

#[actix_web::test]
async fn a_remembered_session_ends_when_its_own_time_is_over() {
    pause();
    let (key, time) = (SecretKey::generate(), TestClock::new());
    let store = MemoryStore::with_clock(time.clock());
    let backends = [
        AnyBackend::new(ServerSide::new(store)),
        AnyBackend::new(SignedCookie::new(key.clone())),
        AnyBackend::new(EncryptedCookie::new(key.clone())),
        AnyBackend::new(FlaskCookie::new(key)),
    ];
    for backend in backends {
        let world = World::of(backend, time.clone());
        let mut ended = world.wait(&mut Browser::new(), "/login-7/remember/wait").await;
        world.time.advance((30 * DAY).saturating_sub(SECOND));
        assert!(!has_ended(&mut ended).await);
        world.time.advance(SECOND);
        assert!(has_ended(&mut ended).await);
    }
}

#[actix_web::test]
async fn in_revocable_cookies_the_end_of_an_owner_s_sessions_ends_it_and_an_outage_does_not() {
    pause();
    let (key, time) = (SecretKey::generate(), TestClock::new());
    let store = FaultStore::new(MemoryStore::with_clock(time.clock()));
    let backend = SignedCookie::new(key).revocable(store.clone());
    let world = World::of(backend.clone(), time);
    let [mut browser, mut visitor] = [Browser::new(), Browser::new()];
    let mut at_login = world.wait(&mut browser, "/login-7/wait").await;
    let mut ended = world.wait(&mut browser, "/wait").await;
    let mut other = world.wait(&mut visitor, "/insert-a/wait").await;
    assert!(!has_ended(&mut ended).await && !has_ended(&mut at_login).await);
    store.on_every_call(unavailable());
    for _ in 0..10 {
        assert!(!has_ended(&mut ended).await);
    }
    store.mend();
    assert!(!has_ended(&mut ended).await);
    backend.end_all("7").await.unwrap();
    assert!(has_ended(&mut ended).await && has_ended(&mut at_login).await);
    assert!(!has_ended(&mut other).await);
}

#[actix_web::test]
async fn a_backend_that_cannot_tell_and_a_null_session_end_it_at_once() {
    pause();
    let silent = World::of(Silent(SignedCookie::new(SecretKey::generate())), TestClock::new());
    let mut ended = silent.wait(&mut Browser::new(), "/insert-a/wait").await;
    assert!(has_ended(&mut ended).await);
    let keyless = World::of(SessionConfig::new(), TestClock::new());
    let mut ended = keyless.wait(&mut Browser::new(), "/wait").await;
    assert!(has_ended(&mut ended).await);
}

#[actix_web::test]
async fn a_session_with_timeouts_of_its_own_ends_by_them() {
    pause();
    let key = SecretKey::generate();
    for in_store in [true, false] {
        let time = TestClock::new();
        let world = if in_store {
            World::of(ServerSide::new(MemoryStore::with_clock(time.clock())), time)
        } else {
            World::of(SignedCookie::new(key.clone()), time)
        };
        // Unused, and used each minute: a cookie ends with the token that its request brought.
        for (uses, left) in [(0, 2 * MINUTE), (4, MINUTE)] {
            let mut browser = Browser::new();
            let mut ended = world.wait(&mut browser, "/login-7/kiosk/wait").await;
            for _ in 0..uses {
                world.time.advance(MINUTE);
                ended = world.wait(&mut browser, "/read/wait").await;
            }
            world.time.advance(left.saturating_sub(SECOND));
            assert!(!has_ended(&mut ended).await, "in a store: {in_store}, {uses}");
            world.time.advance(SECOND);
            assert!(has_ended(&mut ended).await, "in a store: {in_store}, {uses}");
        }
    }
}
