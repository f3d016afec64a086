//! Every systematic mutation of a token, in every mode: none opens a session.

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
use sessions::{
    Session, SessionConfig, SessionInterface, SessionMiddleware, SignedCookie,
    backend::HashAlgorithm, policy::CookieName, test::TestClock,
};
use sessions_tests::{
    Answer, AppSessions, Mode,
    forged::{flipped_bits, forge, is_new, mutations},
    key,
};

/// How many tokens of each mode are spoiled.
const TOKENS: usize = 20;

async fn app(
    backend: Mode,
    config: SessionConfig,
    time: &TestClock,
) -> impl Service<Request, Response = ServiceResponse<impl MessageBody>, Error = Error> {
    let sessions = SessionMiddleware::new(AppSessions { backend, config });
    let write = async |session: Session, user: web::Path<String>| {
        session.insert("user", user.into_inner()).map(|()| HttpResponse::Ok())
    };
    init_service(
        App::new()
            .wrap(sessions.with_clock(time.clock()))
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

/// How many tokens of a mode one request may carry so that all of them are looked at.
fn batch(mode: &Mode) -> usize {
    match mode {
        Mode::Id(_) => 4,
        _ => 8,
    }
}

#[actix_web::test]
async fn every_mutation_of_twenty_tokens_of_each_mode_is_refused() {
    for mode in Mode::all(key(1)).into_iter().chain([Mode::flask(key(1))]) {
        let (name, batch, time) = (mode.name(), batch(&mode), TestClock::new());
        let app = app(mode, SessionConfig::new(), &time).await;
        let mut valid = Vec::new();
        for number in 0..TOKENS {
            valid.push(token(&app, &"x".repeat(number + 1)).await);
            time.advance(Duration::from_secs(1));
        }
        let (mut tried, mut bits) = (0, 0);
        for number in 0..TOKENS {
            let others = [&valid[(number + 1) % TOKENS], &valid[(number + 7) % TOKENS]];
            let forged = mutations(&valid[number], &others.map(Clone::clone));
            for (count, forged) in [(&mut bits, flipped_bits(&valid[number])), (&mut tried, forged)]
            {
                let tally = forge(&app, "session", batch, &valid, forged).await;
                assert_eq!(tally.accepted, [""; 0], "{name}");
                *count += tally.tried;
            }
        }
        println!(
            "{name}: {bits} flipped bits that a header carries, {tried} mutations of other kinds, \
             of {TOKENS} tokens: 0 accepted"
        );
        assert!(tried > 20_000, "{name}: {tried}");
    }
}

#[actix_web::test]
async fn a_token_opens_only_in_its_own_mode_and_under_its_own_name_salt_and_key() {
    let time = TestClock::new();
    let named = |name| SessionConfig::new().cookie_name(CookieName::from_static(name));
    let mut sites = Vec::new();
    for (number, config) in [
        (1, SessionConfig::new()),
        (1, named("admin")),
        (1, named("Session")),
        (1, SessionConfig::new().salt("shared")),
        (1, SessionConfig::new().salt("")),
        (2, SessionConfig::new()),
    ] {
        let name = config.clone();
        for mode in Mode::all(key(number)) {
            sites.push((mode, name.clone()));
        }
    }
    let sha512 = SignedCookie::new(key(1)).with_hash(HashAlgorithm::Sha512);
    sites.push((Mode::Signed(sha512), SessionConfig::new()));

    let mut apps = Vec::new();
    for (mode, config) in sites {
        let sessions = AppSessions { backend: mode.clone(), config: config.clone() };
        let name = sessions.policies().cookie_name().to_owned();
        let app = app(mode.clone(), config, &time).await;
        let token = token(&app, "alice").await;
        apps.push((mode, name, app, token));
    }
    let mut accepted = 0;
    for (from, (made_by, _, _, token)) in apps.iter().enumerate() {
        for (to, (mode, name, app, _)) in apps.iter().enumerate() {
            let cookie = format!("{name}={}", String::from_utf8_lossy(token));
            let answer =
                Answer::of(app, TestRequest::default().insert_header(("cookie", cookie))).await;
            let opened = answer.body != "new";
            assert_eq!(opened, from == to, "{} {from} at {} {to}", made_by.name(), mode.name());
            accepted += usize::from(opened);
        }
    }
    let n = apps.len();
    assert_eq!(accepted, n);
    println!("{n} x {n} modes, names, salts and keys: {accepted} accepted, all on the diagonal");
}
