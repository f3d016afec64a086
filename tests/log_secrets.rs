//! Invariant 10 in the logs: requests of all kinds, everything down to `TRACE`, Actix's own lines
//! included, and in none of them a token, a part of one, a key, or a value.

use std::sync::{Arc, Mutex};

use actix_http::Request;
use actix_service::Service;
use actix_web::{
    App, Error, HttpRequest, HttpResponse,
    body::MessageBody,
    dev::ServiceResponse,
    http::header::{COOKIE, SET_COOKIE},
    middleware::Logger,
    test::{TestRequest, init_service},
    web,
};
use log::{LevelFilter, Log, Record};
use sessions::{
    KeyRing, SecretKey, Session, SessionConfig, SessionInterface, SharedKeys,
    policy::{OnLoadError, OnSaveError},
};
use sessions_tests::{Answer, Logged, Mode, SetCookie, Switched, Switches};

/// A value of a session, and how serde quotes another one.
const VALUE: &str = "4111-1111-1111-1111";
const QUOTED: &str = "boolean `true`";

const KEYS: [&str; 2] = ["Zk3vQ8rT1yWn5LxB7dGmPc0HsJf9aEu2", "q7Yp2MsX9cVb4NhK6tRw1ZgUe8LaDj3F"];

/// Keeps what goes through `log`, which is where Actix writes.
struct Records(Mutex<Vec<String>>);

static RECORDS: Records = Records(Mutex::new(Vec::new()));

impl Log for Records {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        self.0.lock().expect("nothing panics here").push(format!("{}", record.args()));
    }

    fn flush(&self) {}
}

#[derive(Clone, SessionInterface)]
#[session(httponly = true)]
struct AppSessions {
    backend: Switched<Mode>,
    config: SessionConfig,
}

fn secret(number: usize) -> SecretKey {
    SecretKey::from_bytes(KEYS[number]).expect("it is strong")
}

fn configured(backend: Mode, config: SessionConfig) -> (AppSessions, Arc<Switches>) {
    let (backend, switches) = Switched::new(backend);
    (AppSessions { backend, config }, switches)
}

async fn act(session: Session, request: HttpRequest) -> actix_web::Result<HttpResponse> {
    let mut response = HttpResponse::Ok();
    match request.path() {
        "/read" => drop(session.keys()),
        "/wrong" => drop(session.get::<u32>("user")?),
        "/wrong-bool" => session.get::<u32>("yes").map(drop)?,
        "/wrong-update" => drop(session.update("user", |n: Option<u32>| n.unwrap_or(0))?),
        "/write" => {
            session.insert("user", format!("{}-{VALUE}", request.query_string()))?;
            session.insert("yes", true)?;
        }
        "/fill" => session.insert("big", "x".repeat(5_000))?,
        "/renew" => session.renew()?,
        "/purge" => drop(session.purge()?),
        _ => {
            session.renew()?;
            response.append_header((SET_COOKIE, "session=of-the-handler"));
        }
    }
    Ok(response.finish())
}

/// Collects what must not be seen.
#[derive(Default)]
struct Secrets(Vec<String>);

impl Secrets {
    fn add_token(&mut self, token: &str) {
        self.0.extend(token.split('.').filter(|part| part.len() >= 6).map(str::to_owned));
    }

    /// Sends a request with these tokens, and collects what comes back.
    async fn send<S, B>(&mut self, app: &S, path: &str, tokens: &[&str]) -> Option<SetCookie>
    where
        S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
        B: MessageBody,
    {
        let mut request = TestRequest::with_uri(path);
        for token in tokens {
            self.add_token(token);
            request = request.append_header((COOKIE, format!("session={token}")));
        }
        let answer = Answer::of(app, request).await;
        for secret in &self.0 {
            assert!(!answer.body.contains(secret), "{path}: {}", answer.body);
        }
        let others = answer.headers.iter().filter(|(name, _)| *name != SET_COOKIE);
        for (name, value) in others {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            assert!(self.0.iter().all(|secret| !value.contains(secret)), "{name}: {value}");
        }
        let cookie = answer.cookie();
        if let Some(cookie) = &cookie {
            self.add_token(&cookie.value);
        }
        cookie
    }
}

#[actix_web::test]
async fn invariant_10_secrets_do_not_leak_into_any_line_of_the_log() {
    log::set_logger(&RECORDS).expect("the only logger");
    log::set_max_level(LevelFilter::Trace);
    let logged = Logged::start();
    let mut secrets = Secrets(KEYS.map(str::to_owned).to_vec());
    secrets.0.extend([VALUE.to_owned(), QUOTED.to_owned()]);
    let configs = [
        SessionConfig::new(),
        SessionConfig::new().cookie_httponly(false).permanent(true),
        SessionConfig::new().on_load_error(OnLoadError::Null).on_save_error(OnSaveError::Log),
    ];
    for (mode, config) in (0..4).flat_map(|mode| configs.iter().map(move |it| (mode, it.clone()))) {
        let of_mode = |keys: SharedKeys| Mode::all(keys)[mode].clone();
        let (old, _) = configured(of_mode(secret(1).into()), config.clone());
        let old = init_service(App::new().wrap(old).default_service(web::to(act))).await;
        let ring = KeyRing::new(secret(0)).with_fallback(secret(1));
        let (sessions, switches) = configured(of_mode(ring.into()), config.secret_key(secret(0)));
        let app = init_service(
            App::new().wrap(sessions).wrap(Logger::default()).default_service(web::to(act)),
        )
        .await;
        let former = secrets.send(&old, "/write?former", &[]).await.unwrap().value;
        let alice = secrets.send(&app, "/write?alice", &[]).await.unwrap().value;
        let bob = secrets.send(&app, "/write?bob", &[]).await.unwrap().value;
        let forged = alice.replacen(['A', 'e'], "x", 1);
        let cut = &alice[..alice.len() - 1];
        let junk = "junk-junk.junk-junk.junk-junk";
        let jars: [&[&str]; 8] = [
            &[],
            &[&alice],
            &[&former],
            &[&alice, &bob],
            &[&forged],
            &[cut, junk, &forged, "", &alice],
            &[junk],
            &[&former, &alice, cut],
        ];
        for jar in jars {
            for path in [
                "/read",
                "/wrong",
                "/wrong-bool",
                "/wrong-update",
                "/write?new",
                "/fill",
                "/renew",
                "/purge",
                "/own",
            ] {
                secrets.send(&app, path, jar).await;
                switches.fail_save(true);
                secrets.send(&app, path, jar).await;
                switches.fail_save(false);
                switches.fail_open(true);
                secrets.send(&app, path, jar).await;
                switches.fail_open(false);
            }
        }
    }
    let lines: Vec<String> = logged.take().into_iter().map(|line| line.text).collect();
    let records = std::mem::take(&mut *RECORDS.0.lock().unwrap());
    println!("{} events and {} records looked through", lines.len(), records.len());
    assert!(lines.len() > 300 && records.len() > 300, "{} {}", lines.len(), records.len());
    secrets.0.sort_unstable();
    secrets.0.dedup();
    for line in lines.iter().chain(&records) {
        for secret in &secrets.0 {
            assert!(!line.contains(secret), "{secret} in: {line}");
        }
    }
}
