//! From actix-session with actix-identity to sessions and back: who is logged in stays so.

use std::time::{Duration, Instant, SystemTime};

use actix_http::Request;
use actix_identity::{Identity, IdentityMiddleware};
use actix_service::Service;
use actix_session::{
    SessionMiddleware,
    config::CookieContentSecurity,
    storage::{CookieSessionStore, RedisSessionStore, SessionStore},
};
use actix_web::{
    App, Error, HttpMessage, HttpRequest, body::MessageBody, cookie::Key, dev::ServiceResponse,
    test, web,
};
use sessions::{
    KeyRing, MemoryStore, SecretKey, ServerSide, Session, SessionConfig, SessionInterface,
    SignedCookie,
    backend::Backend,
    import::{ActixIdentity, ActixSession, ActixSessionKey, ImportActixSession},
    policy::ImportMode,
};
use sessions_peers::{Answer, actix::get, redis_server::Redis};
use sessions_redis::{ActixSessionRedis, RedisStore};
use tokio::time::sleep;

/// A client's cookies, which both applications see.
#[derive(Debug, Default)]
struct Jar(Vec<(String, String)>);

impl Jar {
    async fn get<S, B>(&mut self, app: &S, path: &str) -> Answer
    where
        S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
        B: MessageBody + 'static,
    {
        let pairs: Vec<_> = self.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let answer = get(app, path, pairs.join("; ")).await;
        for cookie in answer.cookies() {
            self.0.retain(|(name, _)| *name != cookie.name);
            if !cookie.has("Max-Age=0") {
                self.0.push((cookie.name, cookie.value));
            }
        }
        answer
    }

    async fn user<S, B>(&mut self, app: &S) -> String
    where
        S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
        B: MessageBody + 'static,
    {
        let answer = self.get(app, "/user").await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.body
    }

    fn names(&self) -> Vec<&str> {
        let mut names: Vec<_> = self.0.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        names
    }
}

/// What both applications know.
#[derive(Clone)]
struct Setup {
    key: Key,
    security: CookieContentSecurity,
}

impl Setup {
    fn new(security: CookieContentSecurity) -> Self {
        Self { key: Key::generate(), security }
    }

    /// Says to the new application how the old one was.
    fn described(&self) -> ActixSession {
        let key = ActixSessionKey::from_bytes(self.key.master()).expect("a random key");
        let old = match self.security {
            CookieContentSecurity::Signed => ActixSession::signed(key),
            CookieContentSecurity::Private => ActixSession::private(key),
        };
        old.identity(ActixIdentity::new().login_deadline(Duration::from_secs(3_600)))
    }

    /// Returns the application on actix-session and actix-identity.
    async fn old<T: SessionStore + 'static>(
        self,
        store: T,
    ) -> impl Service<Request, Response = ServiceResponse<impl MessageBody>, Error = Error> {
        async fn login(
            request: HttpRequest,
            session: actix_session::Session,
        ) -> Result<String, Error> {
            session.insert("cart", ["tea", "ümlaut \"; ="])?;
            Identity::login(&request.extensions(), "alice".to_owned())
                .map_err(actix_web::error::ErrorInternalServerError)?;
            Ok("welcome".to_owned())
        }
        async fn user(identity: Option<Identity>) -> String {
            identity.and_then(|identity| identity.id().ok()).unwrap_or_else(|| "nobody".to_owned())
        }
        async fn logout(identity: Identity) -> &'static str {
            identity.logout();
            "goodbye"
        }

        let identity =
            IdentityMiddleware::builder().login_deadline(Some(Duration::from_secs(3_600))).build();
        let sessions = SessionMiddleware::builder(store, self.key)
            .cookie_content_security(self.security)
            .build();
        let app = App::new().wrap(identity).wrap(sessions);
        test::init_service(
            app.route("/login", web::get().to(login))
                .route("/user", web::get().to(user))
                .route("/logout", web::get().to(logout)),
        )
        .await
    }
}

#[derive(Clone, SessionInterface)]
#[session(cookie_name = "__Host-app")]
struct AppSessions<B: Backend + Clone> {
    backend: ImportActixSession<B>,
    config: SessionConfig,
}

/// Returns the application on sessions.
async fn new<B: Backend + Clone>(
    backend: B,
    old: ActixSession,
    import: ImportMode,
) -> impl Service<Request, Response = ServiceResponse<impl MessageBody>, Error = Error> {
    async fn user(session: Session) -> Result<String, Error> {
        let user: Option<String> = session.get("actix_identity.user_id")?;
        if user.is_some() {
            let cart: Option<Vec<String>> = session.get("cart")?;
            assert_eq!(cart.unwrap_or_default(), ["tea", "ümlaut \"; ="]);
        }
        Ok(user.unwrap_or_else(|| "nobody".to_owned()))
    }
    async fn logout(session: Session) -> Result<&'static str, Error> {
        session.purge()?;
        Ok("goodbye")
    }

    let config = SessionConfig::new().import(import);
    let until = SystemTime::now() + Duration::from_secs(86_400);
    let backend = ImportActixSession::new(backend, old, until);
    let app = App::new().wrap(AppSessions { backend, config });
    test::init_service(
        app.route("/user", web::get().to(user)).route("/logout", web::get().to(logout)),
    )
    .await
}

fn in_cookies() -> SignedCookie {
    SignedCookie::new(KeyRing::new(SecretKey::generate()))
}

/// Plays the switch, the way back and a logout, with one jar.
async fn play(
    old: &impl Service<Request, Response = ServiceResponse<impl MessageBody + 'static>, Error = Error>,
    new: &impl Service<Request, Response = ServiceResponse<impl MessageBody + 'static>, Error = Error>,
    import: ImportMode,
) {
    let mut jar = Jar::default();
    jar.get(old, "/login").await;
    assert_eq!(jar.user(old).await, "alice");
    assert_eq!(jar.names(), ["id"]);

    // The switch.
    assert_eq!(jar.user(new).await, "alice");
    assert_eq!(jar.user(new).await, "alice");

    // The way back.
    if import == ImportMode::Copy {
        assert_eq!(jar.names(), ["__Host-app", "id"]);
        assert_eq!(jar.user(old).await, "alice");
    } else {
        assert_eq!(jar.names(), ["__Host-app"]);
        assert_eq!(jar.user(old).await, "nobody");
    }

    // And forth: who logs out is logged out in both.
    assert_eq!(jar.user(new).await, "alice");
    let before: Vec<_> = jar.0.iter().filter(|(name, _)| name == "id").cloned().collect();
    jar.get(new, "/logout").await;
    assert_eq!(jar.user(new).await, "nobody");
    assert_eq!(jar.user(old).await, "nobody");
    // Even where the browser kept the old cookie.
    jar.0.extend(before);
    assert_eq!(jar.user(new).await, "nobody");
    let _ = jar.get(old, "/logout").await;
}

#[actix_web::test]
async fn a_login_in_a_cookie_is_a_login_after_the_switch_and_after_the_switch_back() {
    for security in [CookieContentSecurity::Signed, CookieContentSecurity::Private] {
        for import in [ImportMode::Copy, ImportMode::Move] {
            let setup = Setup::new(security);
            let old = setup.clone().old(CookieSessionStore::default()).await;
            play(&old, &new(in_cookies(), setup.described(), import).await, import).await;
            let kept = ServerSide::new(MemoryStore::new());
            play(&old, &new(kept, setup.described(), import).await, import).await;
        }
    }
}

#[actix_web::test]
#[ignore = "needs redis-server: run scripts/test"]
async fn a_login_in_redis_is_a_login_after_the_switch_and_after_the_switch_back() {
    let redis = Redis::new();
    let store = RedisSessionStore::builder(redis.url())
        .cache_keygen(|key| format!("old:{key}"))
        .build()
        .await
        .expect("the server is up");
    for security in [CookieContentSecurity::Signed, CookieContentSecurity::Private] {
        for import in [ImportMode::Copy, ImportMode::Move] {
            let setup = Setup::new(security);
            let records = || {
                ActixSessionRedis::new(redis.url())
                    .expect("a URL")
                    .cache_keygen(|key| format!("old:{key}"))
            };
            let old = setup.clone().old(store.clone()).await;
            let described = || setup.described().records(records());
            play(&old, &new(in_cookies(), described(), import).await, import).await;
            let kept = ServerSide::new(RedisStore::new(redis.url()).expect("a URL"));
            play(&old, &new(kept, described(), import).await, import).await;
        }
    }
}

#[actix_web::test]
#[ignore = "needs redis-server: run scripts/test"]
async fn a_record_whose_time_has_passed_is_no_session_and_an_outage_is_an_error() {
    let mut redis = Redis::with(&["appendonly yes", "appendfsync always"]);
    let store = RedisSessionStore::new(redis.url()).await.expect("the server is up");
    let setup = Setup::new(CookieContentSecurity::Private);
    let old = setup.clone().old(store).await;
    let described =
        || setup.described().records(ActixSessionRedis::new(redis.url()).expect("a URL"));
    let new = new(in_cookies(), described(), ImportMode::Copy).await;
    let (mut gone, mut there) = (Jar::default(), Jar::default());
    gone.get(&old, "/login").await;
    let _: () = redis.command(&["FLUSHALL"]);
    there.get(&old, "/login").await;
    assert_eq!(gone.user(&new).await, "nobody");

    redis.kill();
    let outage = there.get(&new, "/user").await;
    assert_eq!((outage.status, outage.body.as_str()), (503, ""));
    assert!(outage.cookies().is_empty());
    redis.start();
    // The client notices within two seconds.
    let deadline = Instant::now() + Duration::from_secs(3);
    while there.get(&new, "/user").await.status == 503 && Instant::now() < deadline {
        sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(there.user(&new).await, "alice");
}

#[actix_web::test]
async fn a_key_that_was_derived_is_derived_alike() {
    let master: Vec<u8> =
        (0..48_u32).map(|n| u8::try_from(n * 151 % 251).expect("below 251")).collect();
    let setup = Setup { key: Key::derive_from(&master), security: CookieContentSecurity::Private };
    let old = setup.clone().old(CookieSessionStore::default()).await;
    let derived = ActixSessionKey::derive_from(&master).expect("a strong key");
    let new = new(in_cookies(), ActixSession::private(derived), ImportMode::Copy).await;
    let mut jar = Jar::default();
    jar.get(&old, "/login").await;
    assert_eq!(jar.user(&new).await, "alice");
}
