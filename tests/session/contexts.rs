//! What an interface is told when it opens and saves, and what it keeps in between.

use std::{
    borrow::Cow,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use actix_web::{
    App, Error, HttpRequest, HttpResponse,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    error::ErrorForbidden,
    middleware::{Next, from_fn},
    test::init_service,
    web,
};
use serde::Serialize;
use sessions::{
    KeyRing, SecretKey, Session, SessionInterface, SessionMiddleware, SessionState, SharedKeys,
    SignedCookie,
    error::{OpenError, SaveError},
    interface::{OpenContext, Opened, SaveContext, Saved, SessionStatus},
};
use sessions_tests::{Browser, key};
use static_assertions::assert_not_impl_any;

/// The path that was opened, kept until the session is saved.
#[derive(Debug, PartialEq)]
struct Path(String);

/// What was told when a session was saved: what was kept at its opening, what the request did to the session,
/// the status, and whether there were headers with an `x-tag`.
type Told = (String, SessionStatus, u16, Option<bool>);

#[derive(Default)]
struct Attentive(Arc<Mutex<Vec<Told>>>);

impl SessionInterface for Attentive {
    type Content = SessionState;

    async fn open_session(&self, cx: OpenContext<'_>) -> Result<Opened<SessionState>, OpenError> {
        let mut state = SessionState::new();
        state.extensions_mut().insert(Path("replaced".to_owned()));
        state.extensions_mut().insert(Path(cx.request().path().to_owned()));
        state.extensions_mut().insert(7_u8);
        assert_eq!(
            (state.extensions().get(), state.extensions().get::<u16>()),
            (Some(&7_u8), None)
        );
        Ok(state.into())
    }

    async fn save_session(
        &self,
        state: &SessionState,
        cx: SaveContext<'_>,
    ) -> Result<Saved, SaveError> {
        let Path(path) = state.extensions().get().expect("it was kept");
        let headers = cx.response_headers().map(|headers| headers.contains_key("x-tag"));
        let told = (path.clone(), cx.session_status(), cx.response_status().as_u16(), headers);
        self.0.lock().expect("nothing panics here").push(told);
        Ok(Saved::unchanged())
    }
}

async fn act(session: Session, what: web::Path<String>) -> actix_web::Result<HttpResponse> {
    match what.as_str() {
        "renew" => session.renew()?,
        "rotate" => session.rotate()?,
        "purge" => drop(session.purge()?),
        _ => {}
    }
    session.insert("a", 1)?;
    Ok(HttpResponse::Created().insert_header(("x-tag", "1")).finish())
}

/// Answers `/forbidden` with an error.
async fn forbids(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let is_forbidden = request.path() == "/forbidden";
    let response = next.call(request).await?;
    if is_forbidden { Err(ErrorForbidden("no entry")) } else { Ok(response) }
}

#[actix_web::test]
async fn saving_is_told_what_the_request_did_and_what_it_is_answered() {
    let told = Arc::<Mutex<Vec<Told>>>::default();
    let sessions = SessionMiddleware::new(Attentive(Arc::clone(&told)));
    let app = App::new().wrap(from_fn(forbids)).wrap(sessions);
    let app = init_service(app.route("/{what}", web::get().to(act))).await;
    for (path, status, code, headers) in [
        ("/insert", SessionStatus::Changed, 201, Some(true)),
        ("/renew", SessionStatus::Renewed, 201, Some(true)),
        ("/rotate", SessionStatus::Rotated, 201, Some(true)),
        // What was kept at the opening is there after a purge too.
        ("/purge", SessionStatus::Purged, 201, Some(true)),
        // An error of an inner middleware has a status and no response yet.
        ("/forbidden", SessionStatus::Changed, 403, None),
    ] {
        Browser::new().get(&app, path).await;
        let told = told.lock().expect("nothing panics here").pop();
        assert_eq!(told, Some((path.to_owned(), status, code, headers)));
    }
}

#[actix_web::test]
async fn the_policies_of_the_cookie_are_asked_once_for_each_request_that_uses_its_session() {
    #[derive(Clone, SessionInterface)]
    #[session(cookie_name = counted_name, path = counted_path, permanent = true)]
    struct Counted {
        backend: SignedCookie,
        asked: Arc<[AtomicUsize; 2]>,
    }
    fn counted_name<'r>(counted: &'r Counted, _: &'r HttpRequest) -> Cow<'r, str> {
        counted.asked[0].fetch_add(1, Ordering::SeqCst);
        "id".into()
    }
    fn counted_path<'r>(counted: &'r Counted, _: &'r HttpRequest) -> Cow<'r, str> {
        counted.asked[1].fetch_add(1, Ordering::SeqCst);
        "/".into()
    }
    async fn write(one: Session, _other: Session) -> actix_web::Result<&'static str> {
        one.update("n", |n: Option<u32>| n.unwrap_or(0) + 1)?;
        Ok("written")
    }
    let counted = Counted { backend: SignedCookie::new(key(1)), asked: Arc::default() };
    let app = App::new().wrap(counted.clone()).route("/write", web::get().to(write));
    let app = init_service(app.route("/plain", web::get().to(|| async { "plain" }))).await;
    let mut browser = Browser::new();
    for (path, expected) in [("/plain", 0), ("/write", 1), ("/write", 1), ("/plain", 0)] {
        assert_eq!(browser.get(&app, path).await.status, 200);
        let asked = counted.asked.each_ref().map(|asked| asked.swap(0, Ordering::SeqCst));
        assert_eq!(asked, [expected, expected], "{path}");
    }
}

#[test]
fn nothing_serialises_a_key() {
    assert_not_impl_any!(SecretKey: Serialize, std::fmt::Display);
    assert_not_impl_any!(KeyRing: Serialize, std::fmt::Display);
    assert_not_impl_any!(SharedKeys: Serialize, std::fmt::Display);
}
