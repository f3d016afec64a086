//! Cookies that were valid once, and cookies that never were: ten thousand of each mode that open
//! nothing.

use std::time::Duration;

use actix_http::Request;
use actix_service::Service;
use actix_web::{
    App, Error, HttpResponse,
    body::MessageBody,
    dev::ServiceResponse,
    test::{TestRequest, init_service},
    web,
};
use sessions::{Session, SessionConfig, SessionMiddleware, test::TestClock};
use sessions_tests::{
    Answer, AppSessions, Mode,
    forged::{Random, forge, is_new},
    is_full, key,
};

/// `GET` tells whether the session is new, `POST /x` sets `user` to `x`.
async fn app(
    backend: Mode,
    config: SessionConfig,
    time: &TestClock,
) -> impl Service<Request, Response = ServiceResponse<impl MessageBody>, Error = Error> {
    let sessions = AppSessions { backend, config };
    let write = async |session: Session, user: web::Path<String>| {
        session.insert("user", user.into_inner()).map(|()| HttpResponse::Ok())
    };
    init_service(
        App::new()
            .wrap(SessionMiddleware::new(sessions).with_clock(time.clock()))
            .route("/{user}", web::post().to(write))
            .default_service(web::get().to(is_new)),
    )
    .await
}

async fn token<S, B>(app: &S, user: &str) -> Vec<u8>
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    let answer = Answer::of(app, TestRequest::post().uri(&format!("/{user}"))).await;
    answer.cookie().expect("the session is saved").value.into_bytes()
}

#[actix_web::test]
async fn invariant_3_a_bad_cookie_is_no_session() {
    const SEED: u64 = 0x5e55_1045;
    let full = is_full();
    let figure = if full { 1_000_000 } else { 10_000 };
    for (at, mode) in Mode::all(key(1)).into_iter().enumerate() {
        let mut random = Random(SEED);
        let (name, time) = (mode.name(), TestClock::new());
        // A store is asked for four of them.
        let batch = if matches!(mode, Mode::Id(_)) { 4 } else { 8 };
        let app = app(mode, SessionConfig::new(), &time).await;
        let mut valid = Vec::new();
        let mut foreign = Vec::new();
        for user in ["a", "alice", "bob-with-a-longer-name", "zoe"] {
            valid.push(token(&app, user).await);
            for (number, salt) in [(2, "session"), (1, "other"), (1, "session")] {
                for other in Mode::all(key(number)) {
                    let other = self::app(other, SessionConfig::new().salt(salt), &time).await;
                    foreign.push(token(&other, user).await);
                }
            }
            // The other modes under the same key and name.
            for (_, other) in Mode::all(key(1)).into_iter().enumerate().filter(|it| it.0 != at) {
                foreign
                    .push(token(&self::app(other, SessionConfig::new(), &time).await, user).await);
            }
            time.advance(Duration::from_secs(1));
            valid.push(token(&app, user).await);
        }
        let mut tried = 0;
        while tried < figure {
            let count = (figure - tried).min(10_000);
            let forged: Vec<_> = (0..count).map(|_| random.spoil(&valid, &foreign)).collect();
            let tally = forge(&app, "session", batch, &valid, forged).await;
            assert_eq!(tally.accepted, [""; 0], "{name}, seed {SEED:#x}");
            tried += tally.tried;
        }
        println!("{name}: {tried} bad cookies, seed {SEED:#x}: 0 accepted");
    }
}
