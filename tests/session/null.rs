//! The null session: what a request gets when there can be no session for it.

use actix_http::Request;
use actix_service::Service;
use actix_web::{
    App, Error, HttpResponse, body::MessageBody, dev::ServiceResponse, http::header,
    test::init_service, web,
};
use serde_json::json;
use sessions::{
    Session, SessionConfig, SessionError, SessionInterface, SessionMiddleware, SessionState,
    error::{OpenError, SaveError},
    interface::{NullSession, OpenContext, Opened, SaveContext, Saved},
    policy::OpenMode,
};
use sessions_tests::{Browser, ConfiguredSessions, key};

/// Configurations without a key: never set, or empty where they came from.
fn keyless() -> [SessionConfig; 4] {
    let from_json = |json| serde_json::from_value::<SessionConfig>(json).expect("right values");
    [
        SessionConfig::new(),
        SessionConfig::from_vars([("SECRET_KEY", "")]).expect("right values"),
        from_json(json!({"secret_key": ""})),
        from_json(json!({"secret_key": null})),
    ]
}

async fn app(
    config: SessionConfig,
) -> impl Service<Request, Response = ServiceResponse<impl MessageBody>, Error = Error> {
    init_service(
        App::new()
            .wrap(ConfiguredSessions { config })
            .route("/count", web::get().to(count))
            .route("/reads", web::get().to(reads))
            .route("/writes", web::get().to(writes))
            .route("/static", web::get().to(|| async { "static" })),
    )
    .await
}

async fn count(session: Session) -> actix_web::Result<String> {
    let visits = session.update("visits", |n: Option<u32>| n.unwrap_or(0) + 1)?;
    Ok(visits.to_string())
}

/// Calls everything that reads, and tells what is not as in an empty dictionary.
#[expect(clippy::len_zero, reason = "both are asked")]
async fn reads(session: Session) -> actix_web::Result<HttpResponse> {
    let empty = [
        ("get", session.get::<u32>("a")?.is_none()),
        ("contains_key", !session.contains_key("a")),
        ("keys", session.keys().is_empty()),
        ("len", session.len() == 0),
        ("is_empty", session.is_empty()),
        ("entries", session.entries()?.is_empty()),
        ("take_flashes", session.take_flashes()?.is_empty()),
        ("permanent", !session.permanent()),
        ("is_new", session.is_new()),
        ("is_modified", !session.is_modified()),
        ("owner", session.owner().is_none()),
    ];
    let wrong: Vec<_> = empty.iter().filter(|(_, empty)| !empty).collect();
    Ok(HttpResponse::Ok().json(wrong))
}

/// Calls everything that writes, and returns what each said.
async fn writes(session: Session) -> HttpResponse {
    let results = [
        session.insert("a", 1),
        session.remove("a").map(drop),
        session.take::<u32>("a").map(drop),
        session.clear(),
        session.extend([("a", 1), ("b", 2)]),
        session.get_or_insert_with("a", || 1).map(drop),
        session.update("a", |n: Option<u32>| n.unwrap_or(0)).map(drop),
        session.update_with("a", 1, |one, n: Option<u32>| n.unwrap_or(*one)).map(drop),
        session.set_permanent(true),
        session.set_permanent(false),
        session.set_modified(true),
        session.purge().map(drop),
        session.set_owner("ada"),
        session.renew(),
        session.rotate(),
        session.rollback(),
        session.flash("info", "hello"),
    ];
    let said = results.into_iter().map(|result| match result {
        Err(err @ SessionError::Null(_)) => err.to_string(),
        other => format!("no error of a null session: {other:?}"),
    });
    HttpResponse::Ok().json(said.collect::<Vec<_>>())
}

#[actix_web::test]
async fn without_a_key_reads_find_an_empty_dictionary() {
    for config in keyless() {
        let mut browser = Browser::new();
        browser.set_cookie("session", "junk");
        assert_eq!(browser.get(&app(config).await, "/reads").await.body, "[]");
    }
}

#[actix_web::test]
async fn a_null_session_is_not_permanent_where_new_sessions_are() {
    let app = app(SessionConfig::new().permanent(true)).await;
    assert_eq!(Browser::new().get(&app, "/reads").await.body, "[]");
}

#[actix_web::test]
async fn without_a_key_every_write_is_an_error_that_says_what_to_set() {
    for config in keyless() {
        let answer = Browser::new().get(&app(config).await, "/writes").await;
        let said: Vec<String> = serde_json::from_str(&answer.body).expect("a list of texts");
        assert_eq!(said.len(), 17);
        for text in said {
            assert_eq!(
                text,
                "there is no session to write to: no secret key is set; set `secret_key` in the \
                 `SessionConfig`, or `SECRET_KEY` if it is read from the environment"
            );
        }
    }
}

#[actix_web::test]
async fn a_write_that_nobody_handles_is_an_empty_500() {
    let answer = Browser::new().get(&app(SessionConfig::new()).await, "/count").await;
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (500, ""));
}

#[actix_web::test]
async fn nothing_is_saved_and_what_was_read_varies_by_the_cookie() {
    for config in keyless() {
        for mode in [OpenMode::Lazy, OpenMode::Eager] {
            let app = app(config.clone().open(mode).permanent(true)).await;
            let mut with_cookie = Browser::new();
            with_cookie.set_cookie("session", "kept");
            for mut browser in [Browser::new(), with_cookie] {
                for path in ["/static", "/reads", "/writes", "/count"] {
                    let answer = browser.get(&app, path).await;
                    let expected: (&[&str], &[&str]) = match path {
                        "/static" => (&[], &[]),
                        "/count" => (&["Cookie"], &["no-store"]),
                        _ => (&["Cookie"], &["private"]),
                    };
                    let found = (answer.all(header::VARY), answer.all(header::CACHE_CONTROL));
                    assert_eq!((&*found.0, &*found.1), expected, "{mode} {path}");
                    assert!(answer.cookies().is_empty(), "{mode} {path}");
                }
            }
        }
    }
}

#[actix_web::test]
async fn a_fallback_key_alone_is_no_key() {
    let old = app(SessionConfig::new().secret_key(key(1))).await;
    let mut browser = Browser::new();
    browser.get(&old, "/count").await;
    let app = app(SessionConfig::new().secret_key_fallback(key(1))).await;
    assert_eq!(browser.get(&app, "/reads").await.body, "[]");
    assert_eq!(browser.get(&app, "/count").await.status.as_u16(), 500);
}

#[actix_web::test]
async fn with_a_key_the_same_struct_has_sessions_and_finds_them_again() {
    let with_key = app(SessionConfig::new().secret_key(key(1))).await;
    let mut browser = Browser::new();
    for visits in ["1", "2"] {
        assert_eq!(browser.get(&with_key, "/count").await.body, visits);
    }
    let without = app(SessionConfig::new()).await;
    assert_eq!(browser.get(&without, "/count").await.status.as_u16(), 500);
    assert_eq!(browser.get(&with_key, "/count").await.body, "3");
}

// Reasons.

/// Opens no session, and says why.
async fn open_none<I>(_: &I, cx: OpenContext<'_>) -> Result<Opened<SessionState>, OpenError> {
    let reason = if cx.request().path() == "/refused" { REFUSED } else { CLOSED };
    Ok(Opened::Null(NullSession::new(reason)))
}

async fn save_never<I>(_: &I, _: &SessionState, _: SaveContext<'_>) -> Result<Saved, SaveError> {
    panic!("null sessions are not saved")
}

#[derive(Clone, SessionInterface)]
#[session(open_with = open_none, save_with = save_never)]
struct NoSessions;

#[derive(Clone, SessionInterface)]
#[session(open_with = open_none, save_with = save_never, null_session = explain)]
struct ExplainedByAttribute {
    page: &'static str,
}

#[expect(clippy::needless_pass_by_value, reason = "the contract gives it away")]
fn explain(sessions: &ExplainedByAttribute, null: NullSession) -> SessionState {
    let (reason, page) = (null.reason(), sessions.page);
    SessionState::null(NullSession::new(format!("{reason}; see {page}")))
}

struct ExplainedByHand {
    page: &'static str,
}

impl SessionInterface for ExplainedByHand {
    type Content = SessionState;

    async fn open_session(&self, cx: OpenContext<'_>) -> Result<Opened<SessionState>, OpenError> {
        open_none(self, cx).await
    }

    async fn save_session(
        &self,
        content: &SessionState,
        cx: SaveContext<'_>,
    ) -> Result<Saved, SaveError> {
        save_never(self, content, cx).await
    }

    fn make_null_session(&self, null: NullSession) -> SessionState {
        let (reason, page) = (null.reason(), self.page);
        SessionState::null(NullSession::new(format!("{reason}; see {page}")))
    }
}

/// Returns the reasons that the errors of a write give, on one page and on another.
async fn reasons<I: SessionInterface>(sessions: I) -> [String; 2] {
    async fn write(session: Session) -> String {
        match session.insert("a", 1) {
            Err(SessionError::Null(null)) => null.reason().to_owned(),
            other => format!("no error of a null session: {other:?}"),
        }
    }
    let app = init_service(
        App::new().wrap(SessionMiddleware::new(sessions)).default_service(web::to(write)),
    )
    .await;
    let mut browser = Browser::new();
    [browser.get(&app, "/refused").await.body, browser.get(&app, "/closed").await.body]
}

const REFUSED: &str = "the client refused; ask it first";
const CLOSED: &str = "closed until Monday; come back";

#[actix_web::test]
async fn the_reason_of_no_session_reaches_the_error_of_a_write() {
    assert_eq!(reasons(NoSessions).await, [REFUSED, CLOSED]);
}

#[actix_web::test]
async fn the_null_session_can_be_made_by_a_function_or_by_hand() {
    let page = "/help";
    let expected = [REFUSED, CLOSED].map(|reason| format!("{reason}; see /help"));
    assert_eq!(reasons(ExplainedByAttribute { page }).await, expected);
    assert_eq!(reasons(ExplainedByHand { page }).await, expected);
}
