//! Each event as it is written: its name, level, fields and reasons are those of the table.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    time::Duration,
};

use actix_http::Request;
use actix_service::{IntoServiceFactory, Service, ServiceFactory};
use actix_web::{
    App, Error, HttpRequest, HttpResponse,
    body::MessageBody,
    dev::{AppConfig, ServiceResponse},
    http::header::{AUTHORIZATION, CACHE_CONTROL, COOKIE, HOST, SET_COOKIE},
    test::{TestRequest, init_service},
    web,
};
use serde::{Deserialize, Serialize};
use sessions::{
    EncryptedCookie, HealthCheck, KeyRing, MemoryStore, SecretKey, ServerSide, Session,
    SessionConfig, SessionInterface, SessionMiddleware, SharedKeys, SignedCookie,
    backend::Backend,
    events::{Event, unfit_store},
    policy::SameSite,
    store::{Store, StoreError},
    test::{Fault, FaultStore, Operation, TestClient, TestClock},
};
use sessions_sqlx::SqliteStore;
use sessions_tests::{Answer, AppSessions, Browser, Line, Logged, key};
use tokio::{sync::Notify, time};

use super::{claims::Claims, imported};

const HOUR: Duration = Duration::from_secs(3_600);

type Faulty = FaultStore<MemoryStore>;

/// What an application needs to act as its paths say.
struct Stage<B> {
    backend: B,
    time: TestClock,
    waits: Notify,
    goes_on: Notify,
}

/// A backend that ends the sessions of an owner.
trait Ends: Backend + Clone {
    async fn end_all(&self, owner: &str);
    async fn end_others(&self, session: &Session);
}

impl<S: Store> Ends for ServerSide<S> {
    async fn end_all(&self, owner: &str) {
        self.end_all(owner).await.expect("the store works");
    }

    async fn end_others(&self, session: &Session) {
        self.end_others(session).await.expect("the store works");
    }
}

impl Ends for SignedCookie {
    async fn end_all(&self, owner: &str) {
        self.end_all(owner).await.expect("the store works");
    }

    async fn end_others(&self, session: &Session) {
        self.end_others(session).await.expect("the store works");
    }
}

impl Ends for EncryptedCookie {
    async fn end_all(&self, _: &str) {}

    async fn end_others(&self, _: &Session) {}
}

/// Does what the path says, one word after the other.
async fn act<B: Ends>(
    session: Session,
    request: HttpRequest,
    stage: web::Data<Stage<B>>,
) -> actix_web::Result<HttpResponse> {
    let mut response = HttpResponse::Ok();
    for word in request.path().split('/').skip(1) {
        match word {
            "read" => drop(session.get::<u32>("n")?),
            "n" => drop(session.update("n", |n: Option<u32>| n.unwrap_or(0) + 1)?),
            "wrong" => drop(session.get::<bool>("n")?),
            "login" => session.set_owner("alice")?,
            "renew" => session.renew()?,
            "rotate" => session.rotate()?,
            "purge" => drop(session.purge()?),
            "end_all" => stage.backend.end_all("alice").await,
            "end_others" => stage.backend.end_others(&session).await,
            "pass" => stage.time.advance(Duration::from_secs(1)),
            "wait" => {
                stage.waits.notify_one();
                stage.goes_on.notified().await;
            }
            "own" => drop(response.append_header((SET_COOKIE, "session=of-the-handler"))),
            "public" => drop(response.insert_header((CACHE_CONTROL, "public"))),
            other => panic!("nothing to do for {other}"),
        }
    }
    Ok(response.finish())
}

/// An application, and what its handlers share.
async fn app<B: Ends>(
    backend: B,
    config: SessionConfig,
    time: TestClock,
) -> (
    impl Service<Request, Response = ServiceResponse<impl MessageBody>, Error = Error>,
    web::Data<Stage<B>>,
) {
    let (waits, goes_on) = (Notify::new(), Notify::new());
    let stage =
        web::Data::new(Stage { backend: backend.clone(), time: time.clone(), waits, goes_on });
    let middleware =
        SessionMiddleware::new(AppSessions { backend, config }).with_clock(time.clock());
    let app = App::new().wrap(middleware).app_data(stage.clone());
    (init_service(app.default_service(web::to(act::<B>))).await, stage)
}

fn config() -> SessionConfig {
    SessionConfig::new().cookie_secure(false)
}

fn faulty() -> Faulty {
    FaultStore::new(MemoryStore::new())
}

async fn send<S, B>(app: &S, path: &str, tokens: &[&str]) -> Answer
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    let request = tokens.iter().fold(TestRequest::with_uri(path), |request, token| {
        request.append_header((COOKIE, format!("session={token}")))
    });
    Answer::of(app, request).await
}

/// What was seen of an event.
#[derive(Default)]
struct Seen {
    fields: BTreeSet<&'static str>,
    reasons: BTreeSet<String>,
}

#[actix_web::test]
async fn each_event_is_written_with_its_name_level_and_fields() {
    let logged = Logged::start();
    sessions_begin_change_and_end().await;
    cookies_are_refused_by_a_store().await;
    cookies_are_refused_by_themselves().await;
    requests_fail().await;
    requests_are_too_late().await;
    clients_without_cookies_are_refused().await;
    stores_fail_and_recover().await;
    stores_fail_health_checks().await;
    stores_fail_and_requests_go_on().await;
    stores_answer_oddly().await;
    stores_are_swept(&logged).await;
    keys_change();
    settings_are_wrong().await;
    responses_are_corrected().await;
    imported::sessions_are_imported().await;

    let mut seen: BTreeMap<&'static str, Seen> = BTreeMap::new();
    for line in logged.take() {
        if line.target != "sessions" {
            continue;
        }
        let Line { level, event, fields, text, .. } = line;
        let name = event.unwrap_or_else(|| panic!("no event in: {text}"));
        let event = *Event::ALL
            .iter()
            .find(|event| event.name() == name)
            .unwrap_or_else(|| panic!("no event {name}"));
        assert_eq!(level, event.level(), "{name}");
        let seen = seen.entry(event.name()).or_default();
        for (field, value) in fields {
            assert!(event.fields().contains(&field), "{name} has no field {field}: {text}");
            seen.fields.insert(field);
            if field == "reason" {
                seen.reasons.insert(value.trim_matches('"').to_owned());
            }
        }
    }
    for event in Event::ALL {
        let seen = seen.get(event.name()).unwrap_or_else(|| panic!("{event:?} is never written"));
        let fields: BTreeSet<_> = event.fields().iter().copied().collect();
        assert_eq!(seen.fields, fields, "{event:?}");
        let reasons: BTreeSet<_> = event.reasons().iter().map(|one| (*one).to_owned()).collect();
        assert_eq!(seen.reasons, reasons, "{event:?}");
    }
}

async fn sessions_begin_change_and_end() {
    let time = TestClock::new();
    let (app, _) = app(ServerSide::new(faulty()), config(), time.clone()).await;
    let mut browser = Browser::new();
    let paths =
        ["/n", "/renew", "/rotate", "/n/login", "/end_others", "/purge", "/n/login", "/end_all"];
    for path in paths {
        assert_eq!(browser.get(&app, path).await.status, 200, "{path}");
    }
    for (limited, status) in [
        (ServerSide::new(faulty()).at_most(1), 200),
        (ServerSide::new(faulty()).refuse_above(1), 409),
    ] {
        let (app, _) = self::app(limited, config(), time.clone()).await;
        for expected in [200, status] {
            assert_eq!(Browser::new().get(&app, "/n/login").await.status, expected);
        }
    }
    let (app, _) =
        self::app(SignedCookie::new(key(1)).revocable(MemoryStore::new()), config(), time.clone())
            .await;
    let mut browser = Browser::new();
    for path in ["/n", "/renew", "/rotate", "/n/login", "/end_others", "/purge", "/end_all"] {
        assert_eq!(browser.get(&app, path).await.status, 200, "{path}");
    }
}

async fn cookies_are_refused_by_a_store() {
    let time = TestClock::new();
    let store = FaultStore::new(MemoryStore::with_clock(time.clock()));
    let (app, _) = app(
        ServerSide::new(store),
        config().absolute_timeout(HOUR).lifetime(3 * HOUR),
        time.clone(),
    )
    .await;
    let token = async |path: &str, tokens: &[&str]| {
        send(&app, path, tokens).await.cookie().expect("a cookie").value
    };
    let former = token("/n", &[]).await;
    let renewed = token("/renew", &[&former]).await;
    let another = token("/n", &[]).await;
    send(&app, "/read", &[&former]).await;
    send(&app, "/read", &[&renewed, &another]).await;
    let (selector, _) = renewed.split_once('.').expect("two halves");
    let (_, verifier) = another.split_once('.').expect("two halves");
    send(&app, "/read", &[&format!("{selector}.{verifier}")]).await;
    let (of_none, _) = token("/n/purge/n", &[])
        .await
        .split_once('.')
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .expect("two halves");
    send(&app, "/purge", &[&another]).await;
    send(&app, "/read", &[&another]).await;
    let many: Vec<_> =
        (0..171_u32).map(|n| format!("{}{n:03}A.{verifier}", &of_none[..18])).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    send(&app, "/read", &many).await;
    time.advance(2 * HOUR);
    send(&app, "/read", &[&renewed]).await;
}

async fn cookies_are_refused_by_themselves() {
    let time = TestClock::new();
    let (signed, _) =
        app(SignedCookie::new(key(1)).revocable(MemoryStore::new()), config(), time.clone()).await;
    let token = async |path: &str| send(&signed, path, &[]).await.cookie().expect("a cookie").value;
    let (token, of_alice) = (token("/n").await, token("/n/login").await);
    send(&signed, "/read", &["junk"]).await;
    send(&signed, "/read", &[&token.replacen(['A', 'e'], "x", 1)]).await;
    let (sealed, _) = app(EncryptedCookie::new(key(1)), config(), time.clone()).await;
    send(&sealed, "/read", &["junk"]).await;
    send(&signed, "/end_all", &[]).await;
    send(&signed, "/read", &[&of_alice]).await;
    time.go_back(HOUR);
    send(&signed, "/read", &[&token]).await;
    time.advance(2_000 * HOUR);
    send(&signed, "/read", &[&token]).await;
}

async fn requests_fail() {
    let down = || io::Error::other("told to fail");
    let failures = [
        StoreError::unavailable(down()),
        StoreError::Timeout,
        StoreError::read_only(down()),
        StoreError::Full,
        StoreError::NewerFormat { format: 9 },
    ];
    for failure in failures {
        let store = faulty();
        let (app, _) = app(ServerSide::new(store.clone()), config(), TestClock::new()).await;
        let mut browser = Browser::new();
        browser.get(&app, "/n").await;
        store.on_every_call(Fault::Fails(failure));
        assert_eq!(browser.get(&app, "/n").await.status, 503);
        store.mend();
        assert_eq!(browser.get(&app, "/wrong").await.status, 500);
    }
    let bare = init_service(App::new().default_service(web::to(|session: Session| async move {
        session.get::<u32>("n").map(|_| "read")
    })))
    .await;
    assert_eq!(Browser::new().get(&bare, "/").await.status, 500);
}

async fn requests_are_too_late() {
    let time = TestClock::new();
    let (app, stage) = app(ServerSide::new(faulty()), config(), time.clone()).await;
    let mut browser = Browser::new();
    browser.get(&app, "/n/login").await;
    assert_eq!(browser.get(&app, "/read/end_all/n").await.status, 409);
    assert_eq!(Browser::new().get(&app, "/read/pass/end_all/pass/n/login").await.status, 409);

    let token = send(&app, "/n", &[]).await.cookie().expect("a cookie").value;
    let tokens = [&*token];
    let late = send(&app, "/read/wait/n", &tokens);
    let meanwhile = async {
        stage.waits.notified().await;
        send(&app, "/renew", &[&token]).await;
        stage.goes_on.notify_one();
    };
    assert_eq!(futures_util::future::join(late, meanwhile).await.0.status, 409);

    // Another host, whose writers do not queue with those of this one.
    let another = ServerSide::new(stage.backend.store().clone());
    let (another, _) = self::app(another, config(), time.clone()).await;
    let token = send(&app, "/n", &[]).await.cookie().expect("a cookie").value;
    let tokens = [&*token];
    let late = send(&app, "/read/wait/n", &tokens);
    let meanwhile = async {
        stage.waits.notified().await;
        send(&another, "/n", &[&token]).await;
        stage.goes_on.notify_one();
    };
    assert_eq!(futures_util::future::join(late, meanwhile).await.0.status, 200);
}

async fn clients_without_cookies_are_refused() {
    #[derive(Clone, SessionInterface)]
    #[session(bearer)]
    struct Api {
        backend: ServerSide<MemoryStore>,
    }

    let token = async |session: Session| -> actix_web::Result<HttpResponse> {
        session.set_owner("alice")?;
        session.bearer_token().await?;
        Ok(HttpResponse::Ok().finish())
    };
    let write = async |session: Session| -> actix_web::Result<HttpResponse> {
        session.insert("n", 1)?;
        Ok(HttpResponse::Ok().finish())
    };
    let app = App::new()
        .wrap(Api { backend: ServerSide::new(MemoryStore::new()) })
        .route("/token", web::get().to(token))
        .route("/write", web::get().to(write));
    let app = init_service(app).await;
    let request = TestRequest::with_uri("/write").insert_header((AUTHORIZATION, "Bearer ses_x"));
    assert_eq!(Answer::of(&app, request).await.status, 401);
    assert_eq!(send(&app, "/token", &["junk"]).await.status, 403);
}

async fn stores_fail_and_recover() {
    let down = || StoreError::unavailable(io::Error::other("told to fail"));
    time::pause();
    for failure in [down(), StoreError::Full] {
        let store = faulty();
        let (app, _) = app(ServerSide::new(store.clone()), config(), TestClock::new()).await;
        store.on_every_call(Fault::Fails(failure));
        for _ in 0..5 {
            assert_eq!(send(&app, "/n", &[]).await.status, 503);
        }
        store.mend();
        time::advance(Duration::from_secs(2)).await;
        assert_eq!(send(&app, "/n", &[]).await.status, 200);
    }
    time::resume();
}

async fn stores_fail_health_checks() {
    let store = faulty();
    let sessions = AppSessions { backend: ServerSide::new(store.clone()), config: config() };
    let health = HealthCheck::new(sessions);
    let app = init_service(App::new().route("/", web::get().to(health))).await;
    store.on_every_call(Fault::Fails(StoreError::Timeout));
    time::pause();
    assert_eq!(send(&app, "/", &[]).await.status, 503);
    store.mend();
    time::advance(Duration::from_secs(2)).await;
    assert_eq!(send(&app, "/", &[]).await.status, 200);
    time::resume();
}

async fn stores_fail_and_requests_go_on() {
    let down = || Fault::Fails(StoreError::unavailable(io::Error::other("told to fail")));
    let store = faulty();
    let permanent = config().permanent(true);
    let (app, _) = app(ServerSide::new(store.clone()), permanent, TestClock::new()).await;
    let mut browser = Browser::new();
    browser.get(&app, "/n/login").await;
    // The second call of a page that only reads makes sure that its token may be sent again.
    store.on_call_of(Operation::Load, 2, down());
    assert_eq!(browser.get(&app, "/read").await.status, 200);
    store.on_call_of(Operation::IndexRemove, 1, down());
    assert_eq!(browser.get(&app, "/purge").await.status, 200);
}

async fn stores_answer_oddly() {
    // As `RedisStore::connect` tells of a server that evicts keys.
    unfit_store("it evicts keys");
    let time = TestClock::new();
    let store = Claims::default();
    let (claims, _) = app(ServerSide::new(store), config(), time.clone()).await;
    assert_eq!(send(&claims, "/n", &[]).await.status, 200);

    let store = faulty();
    let (app, _) = app(ServerSide::new(store.clone()), config(), time.clone()).await;
    let mut browser = Browser::new();
    browser.get(&app, "/n").await;
    let unreadable = StoreError::Corrupt { problem: "it is cut off" };
    store.on_call_of(Operation::Load, 1, Fault::Fails(unreadable));
    assert_eq!(browser.get(&app, "/read").await.status, 200);
}

/// Waits for an event, which a task writes.
async fn until_written(logged: &Logged, lines: &mut Vec<Line>, event: Event) {
    while !lines.iter().any(|line| line.event.as_deref() == Some(event.name())) {
        tokio::task::yield_now().await;
        time::sleep(Duration::from_millis(1)).await;
        lines.extend(logged.take());
    }
}

async fn stores_are_swept(logged: &Logged) {
    let pool = sqlx::SqlitePool::connect("sqlite::memory:").await.expect("a database");
    let store = SqliteStore::new(pool.clone());
    store.migrate().await.expect("it is migrated");
    let mut lines = Vec::new();
    let sweeper = store.spawn_sweeper(Duration::from_millis(1));
    until_written(logged, &mut lines, Event::StoreSwept).await;
    sqlx::query("DROP TABLE sessions").execute(&pool).await.expect("it is dropped");
    until_written(logged, &mut lines, Event::StoreNotSwept).await;
    sweeper.abort();
    for line in lines {
        logged.put_back(line);
    }
}

fn keys_change() {
    let keys = SharedKeys::new(key(1));
    keys.replace(KeyRing::new(key(2)).with_fallback(key(1)));
    let file = std::env::temp_dir().join(format!("sessions-events-{}.key", std::process::id()));
    SecretKey::for_development(&file).expect("it is written");
    std::fs::remove_file(file).expect("it was written");
}

#[derive(Clone, SessionInterface)]
#[session(samesite = "Lax")]
struct Overridden {
    backend: SignedCookie,
    config: SessionConfig,
}

async fn settings_are_wrong() {
    let contradiction = SessionConfig::new().cookie_samesite(SameSite::None).cookie_secure(false);
    let sessions = AppSessions { backend: SignedCookie::new(key(1)), config: contradiction };
    let app = App::new().wrap(SessionMiddleware::new(sessions));
    let app = app.default_service(web::to(HttpResponse::Ok));
    let config = AppConfig::default();
    assert!(app.into_factory().new_service(config).await.is_err());

    let config = SessionConfig::new().cookie_samesite(SameSite::Strict);
    let sessions = Overridden { backend: SignedCookie::new(key(1)), config };
    init_service(App::new().wrap(sessions).default_service(web::to(HttpResponse::Ok))).await;

    let time = TestClock::new();
    for name in ["localhost", "a..b"] {
        let config = self::config().server_name(name);
        let (app, _) = self::app(SignedCookie::new(key(1)), config, time.clone()).await;
        send(&app, "/n", &[]).await;
    }
    let variables = [("SESSION_COOKIE_PARTITIONED", "off")];
    SessionConfig::from_flask_vars(variables).expect("they are valid");
    // It does not follow a test's clock.
    let (app, _) =
        self::app(ServerSide::new(Claims::default()), self::config(), time.clone()).await;
    send(&app, "/n", &[]).await;
}

#[derive(Clone, Default, Deserialize, Serialize)]
struct Cart {
    n: u32,
}

#[derive(Clone, SessionInterface)]
#[session(data = Cart)]
struct Shop {
    backend: SignedCookie,
    config: SessionConfig,
}

async fn responses_are_corrected() {
    let (app, _) = app(SignedCookie::new(key(1)), config(), TestClock::new()).await;
    send(&app, "/n/own", &[]).await;
    send(&app, "/n/public", &[]).await;
    let shop = Shop { backend: SignedCookie::new(key(1)), config: config() };
    let former = AppSessions { backend: shop.backend.clone(), config: config() };
    let former = TestClient::new(&former);
    let stored = former.with(TestRequest::default(), |s| s.insert("n", "a text once")).await;
    let read = |session: Session<Shop>| async move { session.read(|cart| cart.n.to_string()) };
    let shop = init_service(App::new().wrap(shop).default_service(web::to(read))).await;
    assert_eq!(Answer::of(&shop, stored).await.body, "0");
    let secure = AppSessions { backend: SignedCookie::new(key(1)), config: SessionConfig::new() };
    let write = |session: Session| async move { session.insert("a", 1).map(|()| "written") };
    let app = App::new().wrap(SessionMiddleware::new(secure)).default_service(web::to(write));
    let app = init_service(app).await;
    let request = TestRequest::default().append_header((HOST, "shop.example.com"));
    assert_eq!(Answer::of(&app, request).await.status, 200);
}
