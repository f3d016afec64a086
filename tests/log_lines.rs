//! The lines as an application without a subscriber of `tracing` sees them: through `log`, as `env_logger`
//! formats them. The cause is in the text, no line is forged, and no password is shown.

use std::{
    io::{self, Write},
    sync::{Mutex, MutexGuard, PoisonError},
};

use actix_web::{App, HttpRequest, HttpResponse, middleware::Logger, test::init_service, web};
use env_logger::{Target, WriteStyle};
use log::LevelFilter;
use sessions::{
    MemoryStore, ServerSide, Session, SessionConfig,
    backend::OwnerError,
    store::{Store, StoreError},
    test::{Fault, FaultStore, store::random_key},
};
use sessions_redis::RedisStore;
use sessions_sqlx::{MySqlStore, PostgresStore, SqliteStore};
use sessions_tests::{AppSessions, Browser};
use sqlx::{MySqlPool, PgPool, SqlitePool, postgres::PgPoolOptions};

/// What was written.
static WRITTEN: Mutex<Vec<u8>> = Mutex::new(Vec::new());

fn written() -> MutexGuard<'static, Vec<u8>> {
    WRITTEN.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Sink;

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        written().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Returns the lines since the last call.
fn lines() -> Vec<String> {
    let text = String::from_utf8(std::mem::take(&mut *written())).expect("a log is text");
    text.lines().map(str::to_owned).collect()
}

#[track_caller]
fn the_line(level: &str) -> String {
    let mut lines = lines();
    lines.retain(|line| line.contains(&format!("{level} sessions")));
    assert_eq!(lines.len(), 1, "{lines:?}");
    lines.remove(0)
}

async fn act(session: Session, request: HttpRequest) -> actix_web::Result<HttpResponse> {
    match request.path() {
        "/read" => drop(session.get::<bool>("n")?),
        "/write" => session.insert("n", 1)?,
        "/key" => {
            let key = "a\n[2026-11-28T00:00:00Z INFO  sessions] forged\r\u{1b}[2J\u{2028}\u{202e}";
            session.insert(key, "secret value")?;
            session.get::<u8>(key).map(drop)?;
        }
        other => panic!("nothing to do at {other}"),
    }
    Ok(HttpResponse::Ok().finish())
}

/// One test, since the process has one logger.
#[actix_web::test]
async fn env_logger_shows_the_cause_and_nothing_else() {
    env_logger::Builder::new()
        .filter_level(LevelFilter::Info)
        .write_style(WriteStyle::Never)
        .target(Target::Pipe(Box::new(Sink)))
        .init();
    the_cause_of_an_outage_is_in_the_text_and_the_access_log_has_the_request().await;
    a_key_forges_no_line_and_a_value_is_in_none().await;
    errors_of_connections_name_the_server_and_never_the_password().await;
}

async fn the_cause_of_an_outage_is_in_the_text_and_the_access_log_has_the_request() {
    let store = FaultStore::new(MemoryStore::new());
    let backend = ServerSide::new(store.clone());
    let sessions = AppSessions { backend, config: SessionConfig::new() };
    let app = App::new().wrap(sessions).wrap(Logger::new("access %r %s"));
    let app = init_service(app.default_service(web::to(act))).await;
    let mut browser = Browser::new();
    browser.get(&app, "/write").await;
    lines();
    let refused = io::Error::new(io::ErrorKind::ConnectionRefused, "connection refused");
    store.on_every_call(Fault::Fails(StoreError::unavailable(refused)));
    for (path, cookie, what) in [("/read", true, "opened"), ("/write", false, "saved")] {
        let answer = if cookie {
            browser.get(&app, path).await
        } else {
            Browser::new().get(&app, path).await
        };
        assert_eq!(answer.status, 503);
        let lines = lines();
        let text = format!(
            "ERROR sessions] session not {what}: the session store is unavailable: connection refused"
        );
        assert!(lines[0].contains(&text), "{lines:?}");
        assert!(lines[0].contains(&format!("path=\"{path}\"")), "{lines:?}");
        assert!(lines[1].contains(&format!("access GET {path} HTTP/1.1 503")), "{lines:?}");
        assert_eq!(lines.len(), 2, "{lines:?}");
    }
}

async fn a_key_forges_no_line_and_a_value_is_in_none() {
    let backend = ServerSide::new(MemoryStore::new());
    let sessions = AppSessions { backend, config: SessionConfig::new() };
    let app = init_service(App::new().wrap(sessions).default_service(web::to(act))).await;
    assert_eq!(Browser::new().get(&app, "/key").await.status, 500);
    let line = the_line("ERROR");
    assert!(!line.contains(|character: char| character.is_control()), "{line:?}");
    assert!(!line.contains(['\u{2028}', '\u{202e}']), "{line:?}");
    assert!(line.contains("the value of `a\\n[2026-11-28T00:00:00Z INFO"), "{line}");
    assert!(line.contains("its type does not accept the value"), "{line}");
    assert!(!line.contains("secret"), "{line}");
}

/// A port on which nothing listens.
fn closed_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}

async fn errors_of_connections_name_the_server_and_never_the_password() {
    const PASSWORD: &str = "p4ssw0rd";
    let port = closed_port();
    let here = format!("127.0.0.1:{port}");
    let mut shown = Vec::new();
    for url in [
        format!("redis://:{PASSWORD}@{here}"),
        format!("redis://zara:{PASSWORD}@{here}/0"),
        format!("redis://zara:%7034ssw0rd{PASSWORD}@{here}/0?protocol=resp3"),
    ] {
        let store = RedisStore::new(url.as_str()).expect("a URL");
        shown.push((format!("{store:?}"), ""));
        let connected = RedisStore::connect(url.as_str()).await.expect_err("nothing listens");
        shown.push((format!("{connected} {connected:?}"), &*here));
        shown.push((outage_of(store).await, &*here));
    }
    let socket = "/tmp/no-such-socket.sock";
    let url = format!("redis+unix://{socket}?user=user&pass={PASSWORD}");
    shown.push((outage_of(RedisStore::new(url.as_str()).expect("a URL")).await, socket));
    for url in [
        format!("redis://zara:{PASSWORD}@{here}:x"),
        format!("redis://zara:{PASSWORD}@:{port}/x"),
        format!("http://zara:{PASSWORD}@{here}"),
        format!("zara:{PASSWORD}@{here}"),
    ] {
        let err = RedisStore::new(url.as_str()).expect_err("it is not a Redis URL");
        shown.push((format!("{err} {err:?}"), "the Redis URL is invalid"));
        let err = RedisStore::connect_cluster([url.as_str()]).await.expect_err("nor of a cluster");
        shown.push((format!("{err} {err:?}"), ""));
    }
    let cluster = RedisStore::connect_cluster([format!("redis://zara:{PASSWORD}@{here}")]).await;
    let err = cluster.expect_err("nothing listens");
    shown.push((format!("{err} {err:?}"), &here));

    let url = format!("postgres://zara:{PASSWORD}@{here}/app");
    let err = PostgresStore::connect(&url).await.expect_err("nothing listens");
    shown.push((format!("{err} {err:?}"), &here));
    let options = PgPoolOptions::new().acquire_timeout(std::time::Duration::from_millis(50));
    let pool: PgPool = options.connect_lazy(&url).expect("a URL");
    shown.push((outage_of(PostgresStore::new(pool)).await, &here));
    let url = format!("postgres://zara:{PASSWORD}@localhost/app?host=/no/such/place");
    let pool: PgPool = PgPool::connect_lazy(&url).expect("a URL");
    shown.push((outage_of(PostgresStore::new(pool)).await, "/no/such/place"));
    for url in
        [format!("postgres://zara:{PASSWORD}@{here}:x/app"), format!("zara:{PASSWORD}@{here}")]
    {
        let err = PostgresStore::connect(&url).await.expect_err("it is not a URL");
        shown.push((format!("{err} {err:?}"), ""));
    }

    let url = format!("mysql://zara:{PASSWORD}@{here}/app");
    let err = MySqlStore::connect(&url).await.expect_err("nothing listens");
    shown.push((format!("{err} {err:?}"), &here));
    let url = format!("mysql://zara:{PASSWORD}@localhost/app?socket=/no/such/place");
    let pool: MySqlPool = MySqlPool::connect_lazy(&url).expect("a URL");
    shown.push((outage_of(MySqlStore::new(pool)).await, "/no/such/place"));
    for url in [format!("mysql://zara:{PASSWORD}@{here}:x/app"), format!("zara:{PASSWORD}@{here}")]
    {
        let err = MySqlStore::connect(&url).await.expect_err("it is not a URL");
        shown.push((format!("{err} {err:?}"), ""));
    }

    let pool = SqlitePool::connect_lazy("sqlite:///no/such/folder/sessions.db").expect("a URL");
    shown.push((outage_of(SqliteStore::new(pool)).await, "/no/such/folder/sessions.db"));

    for (text, server) in shown {
        println!("{text}");
        assert!(text.contains(server), "no {server} in: {text}");
        assert!(!text.contains(PASSWORD) && !text.contains("zara:"), "{text}");
    }
}

/// Returns the line about a page whose session is in this store, which is down.
async fn outage_of(store: impl Store + Clone) -> String {
    let down = store.load(&random_key(), None).await.expect_err("it is down");
    let unavailable =
        matches!(down, StoreError::Unavailable { .. } | StoreError::NoConnection { .. });
    assert!(unavailable, "{down:?}");
    let backend = ServerSide::new(store);
    let end_all = {
        let backend = backend.clone();
        move |_: HttpRequest| {
            let backend = backend.clone();
            async move {
                backend.end_all(7).await.map(|ended| ended.to_string()) as Result<_, OwnerError>
            }
        }
    };
    let sessions = AppSessions { backend, config: SessionConfig::new() };
    let app = init_service(App::new().wrap(sessions).default_service(web::to(end_all))).await;
    lines();
    let answer = Browser::new().get(&app, "/").await;
    assert_eq!((answer.status.as_u16(), answer.all("retry-after")), (503, vec!["1"]));
    the_line("ERROR")
}
