//! Flask's behaviours as a client sees them: the headers of a response and the cookie. Those of
//! time are in `flask_expiry.rs`, those of keys, opening and saving in `flask_saving.rs`.

use std::borrow::Cow;

use actix_http::Request;
use actix_service::Service;
use actix_web::{
    App, Error, HttpRequest, HttpResponse,
    body::MessageBody,
    dev::ServiceResponse,
    http::header,
    test::{TestRequest, init_service},
    web,
};
use sessions::{
    SameSite, Session, SessionConfig, SessionError, SessionInterface, SessionMiddleware,
    SessionState, SignedCookie,
    backend::Backend,
    error::{OpenError, SaveError},
    interface::{OpenContext, Opened, SaveContext, Saved},
    policy::{CookieDomain, CookiePath, OpenMode},
};
use sessions_tests::{Browser, ConfiguredSessions, SetCookie, key};

use crate::{read, set, signed};

/// What a handler does with its session.
type Act = fn(&Session) -> Result<(), SessionError>;

const NOTHING: Act = |_| Ok(());

/// An application whose page `/act` answers whether the session is accessed and modified.
async fn app(
    config: SessionConfig,
    act: Act,
) -> impl Service<Request, Response = ServiceResponse<impl MessageBody>, Error = Error> {
    let handler = move |session: Session| async move {
        act(&session)?;
        let (accessed, modified) = (session.is_accessed(), session.is_modified());
        Ok::<_, SessionError>(format!("accessed: {accessed}, modified: {modified}"))
    };
    init_service(
        App::new()
            .wrap(ConfiguredSessions { config })
            .route("/static", web::get().to(|| async { "static" }))
            .route("/read", web::get().to(read))
            .route("/set", web::get().to(set))
            .route("/clear", web::get().to(clear))
            .route("/act", web::get().to(handler)),
    )
    .await
}

async fn clear(session: Session) -> actix_web::Result<&'static str> {
    session.clear()?;
    Ok("cleared")
}

// Headers.

#[actix_web::test]
async fn an_untouched_session_is_neither_accessed_nor_modified_and_causes_no_header() {
    let app = app(signed(), NOTHING).await;
    let mut browser = Browser::new();
    browser.get(&app, "/set").await;
    for path in ["/static", "/act"] {
        let answer = browser.get(&app, path).await;
        assert!(answer.all(header::VARY).is_empty(), "{path}");
        assert_eq!(answer.cookie(), None, "{path}");
    }
    let answer = browser.get(&app, "/act").await;
    assert_eq!(answer.body, "accessed: false, modified: false");
}

#[actix_web::test]
async fn a_session_that_is_read_is_accessed_and_varies_by_cookie() {
    let reads: [Act; 10] = [
        |session| session.get::<u32>("a").map(drop),
        |session| session.get::<u32>("missing").map(drop),
        |session| session.entries().map(drop),
        |session| session.take_flashes().map(drop),
        |session| session.get_or_insert_with("a", || 7).map(drop),
        |session| {
            session.contains_key("a");
            Ok(())
        },
        |session| {
            session.len();
            Ok(())
        },
        |session| {
            session.is_empty();
            Ok(())
        },
        |session| {
            session.keys();
            Ok(())
        },
        |session| {
            session.permanent();
            Ok(())
        },
    ];
    for (at, act) in reads.into_iter().enumerate() {
        let app = app(signed(), act).await;
        let mut browser = Browser::new();
        browser.get(&app, "/set").await;
        let answer = browser.get(&app, "/act").await;
        assert_eq!(answer.body, "accessed: true, modified: false", "{at}");
        assert_eq!(answer.all(header::VARY), ["Cookie"], "{at}");
        assert_eq!(answer.cookie(), None, "{at}");
    }
}

#[actix_web::test]
async fn a_session_that_is_written_is_accessed_and_modified_and_sets_its_cookie() {
    let writes: [Act; 7] = [
        |session| session.insert("a", 2),
        |session| session.remove("a").map(drop),
        |session| session.take::<u32>("a").map(drop),
        |session| session.get_or_insert_with("b", || 7).map(drop),
        |session| session.update("a", |_: Option<u32>| 3).map(drop),
        |session| session.flash("info", "saved"),
        |session| session.set_permanent(true),
    ];
    for (at, act) in writes.into_iter().enumerate() {
        let app = app(signed(), act).await;
        let mut browser = Browser::new();
        browser.get(&app, "/set").await;
        let answer = browser.get(&app, "/act").await;
        assert_eq!(answer.body, "accessed: true, modified: true", "{at}");
        assert_eq!(answer.all(header::VARY), ["Cookie"], "{at}");
        assert!(answer.cookie().is_some(), "{at}");
    }
}

#[actix_web::test]
async fn a_cookie_that_is_refreshed_without_access_varies_by_cookie() {
    for (mode, path) in [(OpenMode::Eager, "/static"), (OpenMode::Lazy, "/act")] {
        let app = app(signed().permanent(true).open(mode), NOTHING).await;
        let mut browser = Browser::new();
        browser.get(&app, "/set").await;
        let answer = browser.get(&app, path).await;
        assert!(!answer.cookie().expect("refreshed").is_removal());
        assert_eq!(answer.all(header::VARY), ["Cookie"], "{mode}");
        let answer = browser.get(&app, "/act").await;
        assert_eq!(answer.body, "accessed: false, modified: false", "{mode}");
    }
}

/// Ends the session of a client that sends `x-banned`, whatever the handler does.
struct Bans {
    inner: SignedCookie,
}

impl SessionInterface for Bans {
    type Content = SessionState;

    async fn open_session(&self, cx: OpenContext<'_>) -> Result<Opened<SessionState>, OpenError> {
        let mut opened = self.inner.open(&cx).await?;
        if let Opened::Session(state) = &mut opened
            && cx.request().headers().contains_key("x-banned")
        {
            state.clear().map_err(OpenError::internal)?;
        }
        Ok(opened)
    }

    async fn save_session(
        &self,
        content: &SessionState,
        cx: SaveContext<'_>,
    ) -> Result<Saved, SaveError> {
        self.inner.save(content, &cx).await
    }
}

#[actix_web::test]
async fn a_cookie_that_is_removed_without_access_varies_by_cookie() {
    let inner = SignedCookie::new(key(1));
    let app = init_service(
        App::new()
            .wrap(SessionMiddleware::new(Bans { inner }))
            .route("/set", web::get().to(set))
            .route("/extract", web::get().to(|_: Session| async { "" })),
    )
    .await;
    let mut browser = Browser::new();
    browser.get(&app, "/set").await;
    let request = TestRequest::with_uri("/extract").insert_header(("x-banned", "1"));
    let answer = browser.send(&app, request).await;
    assert!(answer.cookie().expect("removed").is_removal());
    assert_eq!(answer.all(header::VARY), ["Cookie"]);
}

#[actix_web::test]
async fn vary_is_one_header_with_what_the_handler_set() {
    let cases: [(&[&str], &str); 5] = [
        (&[], "Cookie"),
        (&["Accept-Encoding, Accept-Language"], "Accept-Encoding, Accept-Language, Cookie"),
        (&["Accept-Encoding", "Origin"], "Accept-Encoding, Origin, Cookie"),
        (&["Cookie"], "Cookie"),
        (&["Accept-Encoding", "Cookie"], "Accept-Encoding, Cookie"),
    ];
    for (given, expected) in cases {
        let handler = move |session: Session| async move {
            session.len();
            let mut response = HttpResponse::Ok();
            for value in given {
                response.append_header((header::VARY, *value));
            }
            response.finish()
        };
        let sessions = ConfiguredSessions { config: signed() };
        let app = init_service(App::new().wrap(sessions).default_service(web::to(handler))).await;
        let answer = Browser::new().get(&app, "/").await;
        assert_eq!(answer.all(header::VARY), [expected], "{given:?}");
    }
}

// The cookie.

/// Returns the cookie that a session gets when it is written to, and the one that removes it.
async fn cookies_under(config: SessionConfig) -> (SetCookie, SetCookie) {
    let app = app(config, NOTHING).await;
    let mut browser = Browser::new();
    let set = browser.get(&app, "/set").await.cookie();
    let removed = browser.get(&app, "/clear").await.cookie();
    (
        set.expect("a session that is written to is saved"),
        removed.expect("a session that is emptied is removed"),
    )
}

#[actix_web::test]
async fn the_path_falls_back_to_the_application_root() {
    let (foo, bar) = (CookiePath::from_static("/foo"), CookiePath::from_static("/bar"));
    let cases = [
        (signed(), "/"),
        (signed().application_root(foo.clone()), "/foo"),
        (signed().cookie_path(bar.clone()), "/bar"),
        (signed().application_root(foo).cookie_path(bar), "/bar"),
    ];
    for (config, path) in cases {
        let (set, removed) = cookies_under(config).await;
        assert_eq!(set.attribute("Path"), Some(path));
        assert_eq!(removed.attribute("Path"), Some(path));
    }
}

#[actix_web::test]
async fn all_settings_of_the_cookie_count_at_once() {
    let config = signed()
        .server_name("www.example.com:8080")
        .application_root(CookiePath::from_static("/test"))
        .cookie_domain(CookieDomain::from_static(".example.com"))
        .cookie_path(CookiePath::from_static("/app"))
        .cookie_httponly(false)
        .cookie_secure(true)
        .cookie_samesite(SameSite::None)
        .cookie_partitioned(true);
    let (set, _) = cookies_under(config).await;
    assert_eq!(
        set.attributes,
        [
            ("Domain", ".example.com"),
            ("Path", "/app"),
            ("Secure", ""),
            ("SameSite", "None"),
            ("Partitioned", ""),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
    );
}

#[actix_web::test]
async fn the_cookie_that_removes_differs_in_value_and_lifetime_only() {
    let domain = CookieDomain::from_static("example.com");
    let configs = [
        signed(),
        signed().permanent(true),
        signed().cookie_secure(false).cookie_samesite(SameSite::Unset),
        signed()
            .cookie_domain(domain)
            .cookie_path(CookiePath::from_static("/app"))
            .cookie_httponly(false)
            .cookie_samesite(SameSite::None)
            .cookie_partitioned(true),
    ];
    for config in configs {
        let (set, removed) = cookies_under(config).await;
        assert!(!set.is_removal() && !set.value.is_empty());
        assert!(removed.is_removal() && removed.value.is_empty());
        assert_eq!(removed.attribute("Expires"), Some("Thu, 01 Jan 1970 00:00:00 GMT"));
        assert_eq!(removed.name, set.name);
        assert_eq!(removed.lasting(), set.lasting());
    }
}

#[actix_web::test]
async fn samesite_is_each_of_its_values_or_absent() {
    let cases = [
        (SameSite::Unset, None),
        (SameSite::Lax, Some("Lax")),
        (SameSite::Strict, Some("Strict")),
        (SameSite::None, Some("None")),
    ];
    for (samesite, written) in cases {
        let (set, _) = cookies_under(signed().cookie_samesite(samesite)).await;
        assert_eq!(set.attribute("SameSite"), written);
    }
}

#[test]
fn an_invalid_samesite_is_an_error() {
    for invalid in ["invalid", "lax", "STRICT", "none", " Lax", "true"] {
        let err = SessionConfig::from_vars([("SESSION_COOKIE_SAMESITE", invalid)]).unwrap_err();
        assert_eq!(err.name(), "SESSION_COOKIE_SAMESITE", "{invalid}");
    }
}

#[derive(Clone, SessionInterface)]
#[session(cookie_name = by_tenant)]
struct TenantSessions {
    backend: SignedCookie,
}

fn by_tenant<'a>(_: &'a TenantSessions, request: &'a HttpRequest) -> Cow<'a, str> {
    let tenant = request.match_info().get("tenant");
    tenant.map_or("session".into(), |tenant| format!("session-{tenant}").into())
}

#[actix_web::test]
async fn the_cookies_name_can_differ_from_request_to_request() {
    async fn count(session: Session) -> actix_web::Result<String> {
        let visits = session.update("visits", |n: Option<u32>| n.unwrap_or(0) + 1)?;
        Ok(visits.to_string())
    }
    let sessions = TenantSessions { backend: SignedCookie::new(key(1)) };
    let app = init_service(App::new().service(
        web::scope("/{tenant}").service(web::resource("/count").wrap(sessions).to(count)),
    ))
    .await;
    let mut browser = Browser::new();
    let visits = ["/red/count", "/blue/count", "/red/count", "/red/count", "/blue/count"];
    let mut answers = Vec::new();
    for path in visits {
        let answer = browser.get(&app, path).await;
        answers.push((answer.cookie().expect("counted").name, answer.body));
    }
    let expected = [("red", "1"), ("blue", "1"), ("red", "2"), ("red", "3"), ("blue", "2")];
    let expected = expected.map(|(name, body)| (format!("session-{name}"), body.to_owned()));
    assert_eq!(answers, expected);
}

#[actix_web::test]
async fn an_emptied_session_removes_its_cookie() {
    let empties: [Act; 4] = [
        Session::clear,
        |session| session.purge().map(drop),
        |session| session.remove("a").map(drop),
        |session| session.take::<u32>("a").map(drop),
    ];
    for (at, act) in empties.into_iter().enumerate() {
        let app = app(signed(), act).await;
        let mut browser = Browser::new();
        browser.get(&app, "/set").await;
        let answer = browser.get(&app, "/act").await;
        assert!(answer.cookie().expect("removed").is_removal(), "{at}");
        assert_eq!(browser.get(&app, "/read").await.body, "none", "{at}");
    }
}

#[actix_web::test]
async fn an_empty_session_that_stays_empty_sets_nothing() {
    let app = app(signed().permanent(true).open(OpenMode::Eager), Session::clear).await;
    let mut junk = Browser::new();
    junk.set_cookie("session", "junk");
    for mut browser in [Browser::new(), junk] {
        for path in ["/static", "/read", "/act"] {
            assert_eq!(browser.get(&app, path).await.cookie(), None, "{path}");
        }
    }
}
