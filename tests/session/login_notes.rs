//! The note about a login: what an application decides by later, out of reach for writes of keys.

use std::{cell::RefCell, rc::Rc, time::Duration};

use actix_web::{
    App, HttpResponse,
    test::{TestRequest, init_service},
    web,
};
use serde_json::{Value, json};
use sessions::{Session, SessionConfig, SessionError, SessionMiddleware, test::TestClock};
use sessions_tests::{Answer, AppSessions, Browser, Mode, key};

type Act = fn(&Session) -> Result<(), SessionError>;

/// What a request did, and the owner and the note that it sees after it.
type Step = (Act, Option<&'static str>, Value);

fn log_in(session: &Session) -> Result<(), SessionError> {
    session.set_owner_with("alice", &json!({"by": "passkey"}))
}

/// Does these steps in one handler, or each in a request of its own.
async fn run(mode: Mode, steps: &'static [Step], in_one: bool) {
    let name = mode.name();
    let seen = Rc::new(RefCell::new(Vec::new()));
    let see = Rc::clone(&seen);
    let handler = move |session: Session, at: web::Path<(usize, usize)>| {
        for (act, ..) in &steps[at.0..at.1] {
            act(&session).expect("the step is done");
            let note = session.login_note::<Value>().expect("JSON");
            see.borrow_mut().push((session.owner(), note.unwrap_or_default()));
        }
        std::future::ready(HttpResponse::Ok())
    };
    let sessions = AppSessions { backend: mode, config: SessionConfig::new() };
    let app = App::new().wrap(sessions).route("/{from}/{to}", web::get().to(handler));
    let app = init_service(app).await;
    let mut browser = Browser::new();
    if in_one {
        browser.get(&app, &format!("/0/{}", steps.len())).await;
    } else {
        for at in 0..steps.len() {
            let answer = browser.get(&app, &format!("/{at}/{}", at + 1)).await;
            assert_eq!(answer.status, 200, "{name}");
        }
    }
    let expected = steps.iter().map(|(_, owner, note)| (owner.map(str::to_owned), note.clone()));
    assert_eq!(*seen.borrow(), expected.collect::<Vec<_>>(), "{name}, in one request: {in_one}");
}

#[actix_web::test]
async fn a_note_belongs_to_its_login_and_ends_with_it() {
    let steps: &'static [Step] = Box::leak(Box::new([
        (log_in as Act, Some("alice"), json!({"by": "passkey"})),
        (|session| session.insert("a", 1), Some("alice"), json!({"by": "passkey"})),
        (|session| session.set_login_note("confirmed"), Some("alice"), json!("confirmed")),
        (|session| session.set_owner("alice"), Some("alice"), Value::Null),
        (log_in, Some("alice"), json!({"by": "passkey"})),
        (|session| session.set_owner("bob"), Some("bob"), Value::Null),
        (|session| session.set_owner_with("bob", &7), Some("bob"), json!(7)),
        (|session| session.purge().map(drop), None, Value::Null),
        (log_in, Some("alice"), json!({"by": "passkey"})),
        (|session| session.clear(), None, Value::Null),
    ]));
    for mode in Mode::all(key(1)).into_iter().chain([Mode::flask(key(1))]) {
        run(mode.clone(), steps, true).await;
        run(mode, steps, false).await;
    }
}

#[actix_web::test]
async fn a_note_needs_a_login_and_gives_the_session_a_new_token() {
    async fn note(session: Session) -> actix_web::Result<&'static str> {
        session.set_login_note("confirmed")?;
        Ok("noted")
    }
    async fn login(session: Session) -> actix_web::Result<&'static str> {
        session.insert("cart", 1)?;
        if let Err(err) = session.set_login_note("confirmed") {
            assert!(matches!(err, SessionError::NoOwner), "{err}");
        }
        session.set_owner("alice")?;
        Ok("logged in")
    }
    async fn read(session: Session) -> String {
        session.login_note::<String>().expect("a text").unwrap_or_default()
    }
    for mode in Mode::all(key(1)) {
        let name = mode.name();
        let sessions = AppSessions { backend: mode, config: SessionConfig::new() };
        let app = App::new().wrap(sessions).route("/note", web::get().to(note));
        let app = app.route("/login", web::get().to(login)).route("/read", web::get().to(read));
        let app = init_service(app).await;
        let mut browser = Browser::new();
        browser.get(&app, "/login").await;
        let before = browser.cookie("session").expect("a session").to_owned();
        assert_eq!(browser.get(&app, "/note").await.body, "noted", "{name}");
        assert_ne!(browser.cookie("session"), Some(&*before), "{name}");
        assert_eq!(browser.get(&app, "/read").await.body, "confirmed", "{name}");
        // A token from before the note has none of its rights.
        let request =
            TestRequest::get().uri("/read").append_header(("cookie", format!("session={before}")));
        assert_eq!(Answer::of(&app, request).await.body, "", "{name}");
    }
}

#[actix_web::test]
async fn a_login_whose_note_does_not_fit_is_none() {
    async fn login(session: Session) -> String {
        let result = session.set_owner_with("alice", &"x".repeat(70_000));
        let is_too_large =
            matches!(result, Err(SessionError::TooLarge { key, .. }) if &*key == "_login");
        format!("{is_too_large} {:?} {}", session.owner(), session.is_modified())
    }
    for mode in Mode::all(key(1)) {
        let name = mode.name();
        let sessions = AppSessions { backend: mode, config: SessionConfig::new() };
        let app = init_service(App::new().wrap(sessions).default_service(web::to(login))).await;
        assert_eq!(Browser::new().get(&app, "/").await.body, "true None false", "{name}");
    }
}

#[actix_web::test]
async fn the_time_of_a_session_is_that_of_its_middleware() {
    async fn now(session: Session) -> String {
        format!("{:?} {}", session.now(), session.is_accessed())
    }
    let time = TestClock::new();
    time.advance(Duration::from_secs(42));
    let sessions = AppSessions::signed(SessionConfig::new());
    let sessions = SessionMiddleware::new(sessions).with_clock(time.clock());
    let app = init_service(App::new().wrap(sessions).default_service(web::to(now))).await;
    let answer = Browser::new().get(&app, "/").await;
    assert_eq!(answer.body, format!("{:?} false", time.now()));
}
