//! The invariants of docs/architecture.md that no single subject owns. The others are named
//! `invariant_…` where their subject is tested.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use actix_web::{
    App, HttpResponse,
    test::{TestRequest, init_service},
    web,
};
use sessions::{
    Session, SessionConfig, SessionError, SessionInterface, SessionMiddleware, SessionState,
    SignedCookie,
    error::{OpenError, SaveError},
    interface::{OpenContext, Opened, SaveContext, Saved},
};
use sessions_tests::{Answer, Browser, Switched, key, on_another_thread};

#[derive(Clone, SessionInterface)]
struct Keyed {
    config: SessionConfig,
}

#[derive(Clone, SessionInterface)]
struct Switchable {
    backend: Switched,
}

#[actix_web::test]
async fn invariant_2_nothing_is_lost_in_silence_without_a_key() {
    async fn write(session: Session) -> Result<&'static str, SessionError> {
        session.insert("a", 1)?;
        Ok("kept")
    }
    let app = App::new().wrap(Keyed { config: SessionConfig::new() });
    let app = init_service(app.default_service(web::to(write))).await;
    let answer = Browser::new().get(&app, "/").await;
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (500, ""));
}

#[actix_web::test]
async fn invariant_2_nothing_is_lost_in_silence_when_it_does_not_fit() {
    async fn write(session: Session) -> Result<&'static str, SessionError> {
        session.insert("essay", "x".repeat(4_096))?;
        Ok("kept")
    }
    let app = App::new().wrap(Keyed { config: SessionConfig::new().secret_key(key(1)) });
    let app = init_service(app.default_service(web::to(write))).await;
    let answer = Browser::new().get(&app, "/").await;
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (500, ""));
    assert_eq!(answer.cookie(), None);
}

#[actix_web::test]
async fn invariant_2_nothing_is_lost_in_silence_when_the_store_is_down() {
    async fn write(session: Session) -> Result<&'static str, SessionError> {
        session.insert("a", 1)?;
        Ok("kept")
    }
    let (backend, switches) = Switched::new(SignedCookie::new(key(1)));
    let app = App::new().wrap(Switchable { backend });
    let app = init_service(app.default_service(web::to(write))).await;
    switches.fail_save(true);
    let answer = Browser::new().get(&app, "/").await;
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (500, ""));
}

#[actix_web::test]
async fn invariant_2_nothing_is_lost_in_silence_after_the_session_is_saved() {
    let late = std::rc::Rc::new(std::cell::RefCell::new(None));
    let keep = std::rc::Rc::clone(&late);
    let handler = move |session: Session| {
        *keep.borrow_mut() = Some(session);
        async { "answered" }
    };
    let app = App::new().wrap(Keyed { config: SessionConfig::new().secret_key(key(1)) });
    let app = init_service(app.default_service(web::to(handler))).await;
    Browser::new().get(&app, "/").await;
    let late = late.borrow_mut().take().unwrap();
    assert!(matches!(late.insert("a", 1), Err(SessionError::Saved)));
    assert!(matches!(late.purge(), Err(SessionError::Saved)));
}

/// Opens a new session, and counts the cookies it is shown.
struct Counts(Arc<AtomicUsize>);

impl SessionInterface for Counts {
    type Content = SessionState;

    async fn open_session(&self, cx: OpenContext<'_>) -> Result<Opened<SessionState>, OpenError> {
        self.0.store(cx.cookies().iter().count(), Ordering::SeqCst);
        Ok(SessionState::new().into())
    }

    async fn save_session(&self, _: &SessionState, _: SaveContext<'_>) -> Result<Saved, SaveError> {
        Ok(Saved::unchanged())
    }
}

#[actix_web::test]
async fn invariant_11_at_most_eight_cookies_are_tried() {
    let seen = Arc::<AtomicUsize>::default();
    let app = App::new().wrap(SessionMiddleware::new(Counts(Arc::clone(&seen))));
    let read = |session: Session| async move { session.len().to_string() };
    let app = init_service(app.default_service(web::to(read))).await;
    for (sent, expected) in [(0, 0), (1, 1), (8, 8), (9, 8), (5_000, 8)] {
        let cookies: Vec<_> = (0..sent).map(|number| format!("session={number}")).collect();
        let request = TestRequest::default().insert_header(("cookie", cookies.join("; ")));
        Answer::of(&app, request).await;
        assert_eq!(seen.load(Ordering::SeqCst), expected, "of {sent}");
    }
}

#[actix_web::test]
async fn invariant_11_an_update_that_never_meets_a_quiet_session_gives_up() {
    async fn restless(session: Session) -> HttpResponse {
        let runs = Arc::<AtomicUsize>::default();
        let (inner, count) = (session.clone(), Arc::clone(&runs));
        let result = session.update("a", move |_: Option<usize>| {
            let run = count.fetch_add(1, Ordering::SeqCst);
            on_another_thread(|| inner.insert("b", run)).unwrap();
            run
        });
        assert!(matches!(result, Err(SessionError::Contended)));
        HttpResponse::Ok().body(runs.load(Ordering::SeqCst).to_string())
    }
    let app = App::new().wrap(Keyed { config: SessionConfig::new().secret_key(key(1)) });
    let app = init_service(app.default_service(web::to(restless))).await;
    assert_eq!(Browser::new().get(&app, "/").await.body, "1000");
}
