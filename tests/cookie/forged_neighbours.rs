//! Forged cookies of the session's name beside the real one: an attacker on a sibling domain sets them,
//! in front or behind, and hides nothing.

use std::time::Duration;

use actix_http::Request;
use actix_service::Service;
use actix_web::{
    App, Error,
    body::MessageBody,
    dev::ServiceResponse,
    http::header::COOKIE,
    test::{TestRequest, init_service},
    web,
};
use sessions::{
    MemoryStore, ServerSide, Session, SessionConfig,
    backend::Backend,
    test::{Fault, FaultStore, Operation},
};
use sessions_tests::{Answer, AppSessions, Logged, Mode, key};

/// `GET` tells who the session's user is, `POST /alice` makes it alice's.
async fn app<B: Backend + Clone>(
    backend: B,
) -> impl Service<Request, Response = ServiceResponse<impl MessageBody>, Error = Error> {
    let read = async |session: Session| {
        session.get("user").map(|user| user.unwrap_or_else(|| "nobody".to_owned()))
    };
    let write = async |session: Session, user: web::Path<String>| {
        session.insert("user", user.into_inner()).map(|()| "kept")
    };
    let sessions = AppSessions { backend, config: SessionConfig::new() };
    init_service(
        App::new()
            .wrap(sessions)
            .route("/{user}", web::post().to(write))
            .default_service(web::get().to(read)),
    )
    .await
}

async fn token<S, B>(app: &S, user: &str) -> String
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    let answer = Answer::of(app, TestRequest::post().uri(&format!("/{user}"))).await;
    format!("session={}", answer.cookie().expect("the session is saved").value)
}

async fn user<S, B>(app: &S, cookies: &[String]) -> String
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    let request = TestRequest::default().append_header((COOKIE, cookies.join("; ")));
    Answer::of(app, request).await.body
}

fn modes(number: u8) -> Vec<Mode> {
    let mut modes = Mode::all(key(number)).to_vec();
    modes.push(Mode::flask(key(number)));
    modes
}

/// Well-formed tokens of this mode that are not the server's: under another key, of another store.
async fn forged(mode: Mode, count: usize) -> Vec<String> {
    let other = app(mode).await;
    let mut forged = Vec::new();
    for number in 0..count {
        forged.push(token(&other, &format!("mallory-{number}")).await);
    }
    forged
}

#[actix_web::test]
async fn well_formed_forged_cookies_hide_no_real_one() {
    for (mode, other) in modes(1).into_iter().zip(modes(2)) {
        let name = mode.name();
        let app = app(mode).await;
        let real = token(&app, "alice").await;
        let forged = forged(other, 149).await;
        for count in [1, 3, 4, 5, 7, 8, 9, 16, 64, 149] {
            for behind in [0, 1, count / 2, count - 1, count] {
                let mut cookies = forged[..count].to_vec();
                cookies.insert(count - behind, real.clone());
                let found = user(&app, &cookies).await;
                assert_eq!(found, "alice", "{name}: {count} forged, {behind} of them behind");
            }
        }
        assert_eq!(user(&app, &forged).await, "nobody", "{name}");
    }
}

#[actix_web::test]
async fn a_forged_cookie_with_a_signature_costs_the_store_nothing() {
    let store = FaultStore::new(MemoryStore::new());
    let app = app(ServerSide::new(store.clone()).signed(key(1))).await;
    let real = token(&app, "alice").await;
    let mut cookies = forged(modes(2).swap_remove(2), 500).await;
    cookies.push(real);
    let before = store.calls_of(Operation::Load);
    assert_eq!(user(&app, &cookies).await, "alice");
    assert_eq!(store.calls_of(Operation::Load) - before, 1);
}

#[actix_web::test]
async fn without_a_signature_at_most_170_cookies_are_looked_up() {
    let store = FaultStore::new(MemoryStore::new());
    let app = app(ServerSide::new(store.clone())).await;
    let forged = forged(modes(2).swap_remove(3), 400).await;
    let before = store.calls_of(Operation::Load);
    assert_eq!(user(&app, &forged).await, "nobody");
    assert_eq!(store.calls_of(Operation::Load) - before, 170);
    // As many as a header of 8 KiB holds, however short the name.
    let shortest = forged[..170].join("; ").replace("session=", "s=");
    assert!(shortest.len() > 8 * 1024, "{}", shortest.len());
}

#[actix_web::test]
async fn the_time_of_a_request_is_enough_for_all_of_them() {
    let store = FaultStore::new(MemoryStore::new());
    let app = app(ServerSide::new(store.clone())).await;
    let mut cookies = forged(modes(2).swap_remove(3), 169).await;
    cookies.push(token(&app, "alice").await);
    // One after the other they would take three times the second that a request has.
    tokio::time::pause();
    store.on_every_call_of(Operation::Load, Fault::Delays(Duration::from_millis(20)));
    assert_eq!(user(&app, &cookies).await, "alice");
}

#[actix_web::test]
async fn forged_cookies_fill_no_log() {
    for (mode, other) in modes(1).into_iter().zip(modes(2)) {
        let name = mode.name();
        let app = app(mode).await;
        let forged = forged(other, 149).await;
        let logged = Logged::start();
        user(&app, &forged).await;
        let lines = logged.take_own();
        assert_eq!(lines.len(), 9, "{name}: {lines:#?}");
        let (_, last) = lines.last().expect("a line");
        assert!(last.contains("their reasons are left out"), "{name}: {last}");
    }
}
