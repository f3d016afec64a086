//! Policies, opening and saving that functions decide.

use std::{
    borrow::Cow,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use actix_web::{
    App, HttpRequest,
    http::header::HOST,
    test::{TestRequest, init_service},
    web,
};
use sessions::{
    SameSite, Session, SessionInterface, SessionState, SignedCookie,
    error::{OpenError, SaveError},
    interface::{NullSession, OpenContext, Opened, SaveContext, Saved},
    session::Typed,
};
use sessions_tests::{Answer, Browser, SetCookie, linted::Cart};

use crate::{count, no_domain, signed};

mod policies {
    use super::{AllFunctions, Cow, HttpRequest};

    pub(super) fn path<'r>(_: &'r AllFunctions, request: &'r HttpRequest) -> Cow<'r, str> {
        request.path().into()
    }

    /// One function for several policies.
    pub(super) fn asked_for<T>(_: &T, request: &HttpRequest) -> bool {
        request.query_string().contains("yes")
    }
}

/// Each policy is a function: a method, of `Self` or of the type, or one of a module.
#[derive(Clone, SessionInterface)]
#[session(cookie_name = Self::cookie_name_of, domain = no_domain, path = policies::path)]
#[session(httponly = policies::asked_for, secure = policies::asked_for::<Self>)]
#[session(samesite = AllFunctions::samesite, partitioned = policies::asked_for)]
#[session(expiration_time = Self::in_a_minute, should_set_cookie = Self::looked_at)]
struct AllFunctions {
    backend: SignedCookie,
    prefix: &'static str,
}

impl AllFunctions {
    fn cookie_name_of<'r>(&'r self, request: &'r HttpRequest) -> Cow<'r, str> {
        format!("{}-{}", self.prefix, request.method().as_str().to_lowercase()).into()
    }

    fn samesite(&self, request: &HttpRequest) -> SameSite {
        if policies::asked_for(self, request) { SameSite::None } else { SameSite::Strict }
    }

    #[expect(
        clippy::unused_self,
        clippy::unnecessary_wraps,
        reason = "the signature of the policy"
    )]
    fn in_a_minute(&self, _: &SessionState, now: SystemTime) -> Option<SystemTime> {
        Some(now + Duration::from_secs(60))
    }

    #[expect(clippy::unused_self, reason = "the signature of the policy")]
    fn looked_at(&self, content: &SessionState) -> bool {
        content.is_accessed()
    }
}

#[actix_web::test]
async fn every_policy_can_be_a_function() {
    async fn handler(session: Session, request: HttpRequest) -> actix_web::Result<String> {
        if request.method() == "POST" {
            session.insert("a", 1)?;
        }
        Ok(session.len().to_string())
    }
    let sessions = AllFunctions { backend: signed(), prefix: "id" };
    let app = init_service(App::new().wrap(sessions).default_service(web::to(handler))).await;

    let yes = Answer::of(&app, TestRequest::post().uri("/some/page?yes")).await;
    let cookie = yes.cookie().expect("a new key");
    assert_eq!(cookie.name, "id-post");
    assert_eq!(cookie.attribute("Path"), Some("/some/page"));
    assert_eq!(cookie.attribute("Domain"), None);
    assert_eq!(cookie.attribute("SameSite"), Some("None"));
    assert_eq!(cookie.attribute("Max-Age"), Some("60"));
    for flag in ["HttpOnly", "Secure", "Partitioned"] {
        assert_eq!(cookie.attribute(flag), Some(""), "{flag}");
    }

    let mut browser = Browser::new();
    let no = browser.send(&app, TestRequest::post().uri("/?no")).await.cookie().expect("a new key");
    assert_eq!(no.attribute("SameSite"), Some("Strict"));
    for flag in ["HttpOnly", "Secure", "Partitioned"] {
        assert_eq!(no.attribute(flag), None, "{flag}");
    }

    browser.set_cookie("id-get", &no.value);
    let name_is_signed = browser.get(&app, "/").await;
    assert_eq!(name_is_signed.body, "0", "the token of `id-post` is none of `id-get`");
    let token = no.value.clone();
    browser.set_cookie("id-post", &token);
    let looked = browser.send(&app, TestRequest::post().uri("/")).await;
    assert!(looked.cookie().is_some(), "`should_set_cookie` says so");
}

/// The database of a program that opens and saves by itself.
#[derive(Clone, SessionInterface)]
#[session(open_with = open_from_memory, save_with = Self::save_in_memory)]
#[session(null_session = Self::closed)]
struct InMemory {
    memory: Arc<Mutex<Option<String>>>,
    open: bool,
}

const TOKEN: &str = "the-only-one";

async fn open_from_memory(
    sessions: &InMemory,
    cx: OpenContext<'_>,
) -> Result<Opened<SessionState>, OpenError> {
    if !sessions.open {
        return Ok(Opened::Null(NullSession::new("closed for now")));
    }
    let known = cx.cookies().iter().any(|token| token == TOKEN.as_bytes());
    let json = sessions.memory.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let state = match json {
        Some(json) if known => SessionState::from_json(json).map_err(OpenError::unavailable)?,
        _ => SessionState::new(),
    };
    Ok(state.into())
}

impl InMemory {
    #[expect(clippy::unused_async, reason = "the signature of the policy")]
    async fn save_in_memory(
        &self,
        content: &SessionState,
        _: SaveContext<'_>,
    ) -> Result<Saved, SaveError> {
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        if content.is_empty() {
            *memory = None;
            return Ok(Saved::removed());
        }
        *memory = Some(content.to_json());
        Ok(Saved::token(TOKEN.to_owned()))
    }

    #[expect(clippy::needless_pass_by_value, reason = "the signature of the policy")]
    fn closed(&self, null: NullSession) -> SessionState {
        let reason = format!("closed ({}): {null}", self.open);
        SessionState::null(NullSession::new(reason))
    }
}

#[actix_web::test]
async fn opening_and_saving_can_be_functions() {
    async fn end(session: Session) -> actix_web::Result<&'static str> {
        session.purge()?;
        Ok("gone")
    }
    let sessions = InMemory { memory: Arc::default(), open: true };
    let cookie = assert_counts!(sessions.clone());
    assert_eq!(cookie.value, TOKEN);
    assert_eq!(sessions.memory.lock().unwrap().as_deref(), Some(r#"{"visits":2}"#));

    let app = init_service(App::new().wrap(sessions.clone()).default_service(web::to(end))).await;
    let mut browser = Browser::new();
    browser.set_cookie("session", TOKEN);
    assert!(browser.get(&app, "/").await.cookie().is_some_and(|cookie| cookie.is_removal()));
    assert_eq!(*sessions.memory.lock().unwrap(), None);
}

#[actix_web::test]
async fn the_null_session_can_be_a_function() {
    async fn why(session: Session) -> String {
        let err = session.insert("a", 1).expect_err("there is no session");
        err.to_string()
    }
    let sessions = InMemory { memory: Arc::default(), open: false };
    let app = init_service(App::new().wrap(sessions).default_service(web::to(why))).await;
    let answer = Browser::new().get(&app, "/").await;
    assert!(answer.body.contains("closed (false): closed for now"), "{}", answer.body);
    assert_eq!(answer.cookie(), None);
}

#[actix_web::test]
async fn functions_get_typed_content() {
    #[derive(Clone, SessionInterface)]
    #[session(data = Cart, should_set_cookie = never, save_with = save)]
    struct Shop {
        backend: SignedCookie,
    }
    fn never(_: &Shop, _: &Typed<Cart>) -> bool {
        false
    }
    async fn save(
        _: &Shop,
        content: &Typed<Cart>,
        cx: SaveContext<'_>,
    ) -> Result<Saved, SaveError> {
        let dictionary = sessions::interface::SessionContent::state(content);
        assert_eq!(cx.response_status(), 200);
        Ok(Saved::token(format!("items-{}", dictionary.raw("items").unwrap_or("none"))))
    }
    async fn add(session: Session<Shop>) -> actix_web::Result<&'static str> {
        session.modify(|cart| cart.items += 2)?;
        session.renew()?;
        Ok("added")
    }
    let app =
        init_service(App::new().wrap(Shop { backend: signed() }).default_service(web::to(add)))
            .await;
    let cookie = Browser::new().get(&app, "/").await.cookie().expect("a renewed session is saved");
    assert_eq!(cookie.value, "items-2");
}

// Tenants.

/// One application for many shops, each below a host of its own.
#[derive(Clone, SessionInterface)]
#[session(cookie_name = "__Secure-shop", domain = Self::tenant, samesite = "Strict")]
struct Tenants {
    backend: SignedCookie,
    domains: &'static [&'static str],
}

impl Tenants {
    /// The domain that the host is, or is below.
    fn tenant<'r>(&'r self, request: &'r HttpRequest) -> Option<Cow<'r, str>> {
        let host = request.headers().get(HOST)?.to_str().ok()?;
        let is_at = |domain: &&&str| {
            host.strip_suffix(**domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        self.domains.iter().find(is_at).map(|&domain| domain.into())
    }
}

#[actix_web::test]
async fn one_application_serves_many_domains() {
    let domains = &["example.com", "example.org", "shop.example.net"];
    let app = counting!(Tenants { backend: signed(), domains });
    let request = |host: &'static str| TestRequest::default().insert_header((HOST, host));
    for (host, domain) in [
        ("example.com", Some("example.com")),
        ("www.example.org", Some("example.org")),
        ("shop.example.net", Some("shop.example.net")),
        ("notexample.com", None),
        ("example.net", None),
    ] {
        let answer = Answer::of(&app, request(host)).await;
        let cookie: SetCookie = answer.cookie().expect("the session is saved");
        assert_eq!(cookie.name, "__Secure-shop", "{host}");
        assert_eq!(cookie.attribute("Domain"), domain, "{host}");
        assert_eq!(answer.body, "1", "{host}");
    }

    let mut browser = Browser::new();
    for (host, visits) in [("example.com", "1"), ("a.example.com", "2"), ("b.example.com", "3")] {
        assert_eq!(browser.send(&app, request(host)).await.body, visits);
    }
}
