//! Interfaces and backends around bearer tokens.

use actix_web::{
    App, HttpRequest, HttpResponse,
    http::header,
    test::{TestRequest, init_service},
    web,
};
use serde::{Deserialize, Serialize};
use sessions::{
    AnyBackend, KeyRing, MemoryStore, SecretKey, ServerSide, Session, SessionConfig,
    SessionInterface, SessionState, SharedKeys, SignedCookie,
    backend::Backend,
    error::{OpenError, SaveError},
    interface::{OpenContext, Opened, SaveContext, Saved},
    session::is_bearer,
    store::StoreError,
    test::{Fault, TestClient},
};
use sessions_tests::{Answer, Logged, key, stage::Stage};

use crate::host::{
    Api, Host, ask, assert_invalid_token, bearing, cookie_of, token_of, with_cookie,
};

fn memory() -> ServerSide<MemoryStore> {
    ServerSide::new(MemoryStore::new())
}

#[derive(Clone, SessionInterface)]
#[session(cookie_name = "__Host-id")]
struct CookiesOnly<B: Backend + Clone> {
    backend: B,
}

#[derive(Clone, SessionInterface)]
#[session(cookie_name = "__Host-id", bearer)]
struct Chosen {
    backend: AnyBackend,
}

#[actix_web::test]
async fn a_client_of_tests_has_a_token_as_programs_have_it() {
    let host = Host::new(&Stage::new(MemoryStore::new()));
    let client = TestClient::with_clock(&host.api, host.time.clock());
    let app = host.app().await;
    let request = TestRequest::get().uri("/owner");
    let request = client.with_bearer(request, |session| session.set_owner(7)).await;
    let response = client.call(&app, request).await;
    assert!(!response.headers().contains_key(header::SET_COOKIE));
    assert_eq!(client.session_after(&response).await.owner().as_deref(), Some("7"));
    // The jar is another client's.
    let response = client.call(&app, TestRequest::get().uri("/owner")).await;
    assert_eq!(client.session_after(&response).await.owner(), None);
}

#[actix_web::test]
async fn without_the_attribute_the_header_is_not_read_and_no_token_is_handed_out() {
    let host = Host::new(&Stage::new(MemoryStore::new()));
    let api = host.app().await;
    let app = host.app_of(CookiesOnly { backend: host.api.backend.clone() }).await;
    let token = token_of(&api, "/login-7/token").await;
    let cookie = cookie_of(&app, "/login-8").await;
    let both = with_cookie(bearing("/owner", &token), &cookie);
    let answer = Answer::of(&app, both).await;
    assert_eq!(answer.body, "8");
    assert_eq!(answer.all(header::VARY), ["Cookie"]);
    assert_eq!(ask(&app, "/owner", &token).await.body, "");
    let answer = Answer::of(&app, TestRequest::get().uri("/count/refused/transport")).await;
    assert_eq!((answer.body.as_str(), answer.cookie().is_some()), ("Cookie", true));
    let said = Answer::of(&app, TestRequest::get().uri("/count/refused")).await.body;
    assert!(said.starts_with("500 the interface hands out no bearer tokens"), "{said}");
}

#[actix_web::test]
async fn a_backend_without_a_stable_token_opens_nothing_and_hands_none_out() {
    let host = Host::new(&Stage::new(MemoryStore::new()));
    let stored = Chosen { backend: AnyBackend::new(host.api.backend.clone()) };
    assert!(stored.check().is_ok());
    let app = host.app_of(stored).await;
    let token = token_of(&app, "/count/token").await;
    assert_eq!(ask(&app, "/count", &token).await.body, "2");

    // It is chosen at run time, so that it is told in the log.
    let logged = Logged::start();
    let signed = Chosen { backend: AnyBackend::new(SignedCookie::new(key(1))) };
    assert!(signed.check().is_ok());
    let told: Vec<_> = logged.take_own().into_iter().map(|(_, text)| text).collect();
    let text = "`bearer` has no effect with `SignedCookie`: it applies to sessions in a store; remove it, or \
                use `ServerSide`";
    assert!(told.iter().any(|line| line.starts_with(text)), "{told:?}");
    let app = host.app_of(signed).await;
    let cookie = cookie_of(&app, "/insert-a").await;
    for token in [cookie.clone(), format!("ses_{cookie}"), token] {
        assert_eq!(ask(&app, "/read", &token).await.body, "{}");
        assert_invalid_token(&ask(&app, "/count", &token).await, "a cookie's session");
        assert_eq!(ask(&app, "/insert-a/token", &token).await.status, 500);
    }
    let answer = Answer::of(&app, TestRequest::get().uri("/insert-a/token")).await;
    assert_eq!((answer.status.as_u16(), answer.cookie()), (500, None));
}

struct ByHand<B> {
    backend: B,
}

impl<B: Backend> SessionInterface for ByHand<B> {
    type Content = SessionState;

    async fn open_session(&self, cx: OpenContext<'_>) -> Result<Opened<SessionState>, OpenError> {
        self.backend.open(&cx).await
    }

    async fn save_session(
        &self,
        state: &SessionState,
        cx: SaveContext<'_>,
    ) -> Result<Saved, SaveError> {
        self.backend.save(state, &cx).await
    }

    fn check_backend(
        &self,
        cx: &sessions::interface::CheckContext<'_>,
    ) -> Result<(), sessions::error::ConfigError> {
        self.backend.check(cx)
    }

    fn bearer(&self) -> bool {
        true
    }
}

#[actix_web::test]
async fn an_interface_by_hand_takes_tokens_by_a_method() {
    let host = Host::new(&Stage::new(MemoryStore::new()));
    let app = host.app_of(ByHand { backend: host.api.backend.clone() }).await;
    let token = token_of(&app, "/count/token").await;
    assert_eq!(ask(&app, "/count", &token).await.body, "2");
    let err = ByHand { backend: SignedCookie::new(key(1)) }.check().unwrap_err();
    assert!(err.to_string().contains("`bearer` has no effect with `SignedCookie`"), "{err}");
    assert!(ByHand { backend: memory() }.check().is_ok());
}

#[derive(Default, Serialize, Deserialize)]
struct Cart {
    items: Vec<String>,
}

#[derive(Clone, SessionInterface)]
#[session(cookie_name = "__Host-id", bearer, data = Cart, confidential)]
struct Shop {
    backend: ServerSide<MemoryStore>,
}

#[actix_web::test]
async fn typed_content_is_kept_as_with_a_cookie() {
    async fn add(session: Session<Shop>) -> actix_web::Result<String> {
        session.modify(|cart| cart.items.push("tea".to_owned()))?;
        Ok(session.bearer_token().await?.as_str().to_owned())
    }
    async fn count(session: Session<Shop>) -> actix_web::Result<String> {
        Ok(session.read(|cart| cart.items.len())?.to_string())
    }
    let app = App::new()
        .wrap(Shop { backend: memory() })
        .route("/add", web::get().to(add))
        .route("/count", web::get().to(count));
    let app = init_service(app).await;
    let first = token_of(&app, "/add").await;
    let second = ask(&app, "/add", &first).await.body;
    assert_eq!(ask(&app, "/count", &second).await.body, "2");
}

#[actix_web::test]
async fn a_token_under_a_fallback_key_opens_until_the_key_is_removed() {
    let keys = SharedKeys::new(KeyRing::new(key(1)));
    let stage = Stage::new(MemoryStore::new());
    let host = Host::with(&stage, SessionConfig::new(), |backend| backend.signed(keys.clone()));
    let app = host.app().await;
    let token = token_of(&app, "/count/token").await;
    let fresh = token_of(&app, "/count/token").await;
    keys.replace(KeyRing::new(key(2)).with_fallback(key(1)));
    let answer = ask(&app, "/count", &token).await;
    assert_eq!((answer.body.as_str(), answer.cookie()), ("2", None));
    let fresh = ask(&app, "/token", &fresh).await.body;
    keys.replace(KeyRing::new(key(2)));
    assert_invalid_token(&ask(&app, "/count", &token).await, "without its key");
    assert_eq!(ask(&app, "/count", &fresh).await.body, "2");
}

#[actix_web::test]
async fn a_request_is_bearer_where_every_session_around_the_route_takes_the_token() {
    #[derive(Clone, SessionInterface)]
    #[session(cookie_name = "other", bearer)]
    struct Other {
        backend: ServerSide<MemoryStore>,
    }

    #[derive(Clone, SessionInterface)]
    #[session(cookie_name = "page")]
    struct Page {
        backend: SignedCookie,
    }

    async fn tell(request: HttpRequest) -> HttpResponse {
        HttpResponse::Ok().body(is_bearer(&request).to_string())
    }
    let api = || Api { backend: memory(), config: SessionConfig::new() };
    let page = || Page { backend: SignedCookie::new(SecretKey::generate()) };
    let other = || Other { backend: memory() };
    let route = || web::get().to(tell);
    let bare = init_service(App::new().default_service(route())).await;
    let one = init_service(App::new().wrap(api()).default_service(route())).await;
    let two = init_service(App::new().wrap(api()).wrap(other()).default_service(route())).await;
    let mixed = init_service(App::new().wrap(api()).wrap(page()).default_service(route())).await;
    let credentials = |text: &str| crate::host::authorized("/", text);
    for (text, expected) in [("Bearer x", true), ("bearer ses_x", true), ("Basic x", false)] {
        let expected = expected.to_string();
        assert_eq!(Answer::of(&one, credentials(text)).await.body, expected, "{text}");
        assert_eq!(Answer::of(&two, credentials(text)).await.body, expected, "{text}");
        assert_eq!(Answer::of(&mixed, credentials(text)).await.body, "false", "{text}");
        assert_eq!(Answer::of(&bare, credentials(text)).await.body, "false", "{text}");
    }
}

#[actix_web::test]
async fn no_line_of_the_log_has_a_token() {
    let logged = Logged::start();
    let stage = Stage::new(MemoryStore::new());
    let host = Host::with(&stage, SessionConfig::new(), |backend| backend.signed(key(1)));
    let app = host.app().await;
    let token = token_of(&app, "/login-7/token").await;
    let next = ask(&app, "/renew/token", &token).await.body;
    for (path, token) in [
        ("/count", &token),
        ("/renew", &next),
        ("/token/token", &next),
        ("/purge", &next),
        ("/count", &next),
        ("/read", &format!("{next}x")),
    ] {
        ask(&app, path, token).await;
    }
    let lines = logged.take();
    assert!(lines.len() > 8, "{lines:?}");
    let mut unauthorized = 0;
    for line in lines {
        for token in [&token, &next] {
            let parts = token[4..].split('.').chain([token.as_str()]);
            for part in parts.filter(|part| part.len() > 8) {
                assert!(!line.text.contains(part), "{line:?}");
            }
        }
        unauthorized += usize::from(line.event.as_deref() == Some("session.unauthorized"));
    }
    assert_eq!(unauthorized, 2);
}

#[actix_web::test]
async fn on_a_null_session_there_is_no_token() {
    let null = SessionConfig::new().on_load_error(sessions::policy::OnLoadError::Null);
    let stage = Stage::new(MemoryStore::new());
    let host = Host::with(&stage, null, |backend| backend);
    let app = host.app().await;
    let token = token_of(&app, "/count/token").await;
    stage.store.on_every_call(Fault::Fails(StoreError::Timeout));
    let answer = ask(&app, "/token", &token).await;
    assert_eq!((answer.status.as_u16(), answer.cookie()), (503, None));
    stage.store.mend();
    assert_eq!(ask(&app, "/count", &token).await.body, "2");
}
