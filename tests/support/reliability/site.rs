//! The application: requests that do what their path says, and wait for each other where it says so.
//!
//! `app STORE [ADDRESS] [unsigned]` serves on a free port, which it prints, until its standard
//! input ends. Everything that the framework logs goes to standard error.

use std::{
    collections::HashMap,
    io::{self, Read},
    str::FromStr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use sessions::{MemoryStore, ServerSide, Session, SessionInterface, store::Store};
use sessions_redis::RedisStore;
use sessions_sqlx::{MySqlStore, PostgresStore, SqliteStore};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tokio::{sync::Semaphore, time::timeout};
use tracing_subscriber::{filter::Targets, layer::SubscriberExt, util::SubscriberInitExt};

use crate::{Call, HookedStore, When, key};

/// How many threads serve requests.
const WORKERS: usize = 2;

#[derive(Clone, SessionInterface)]
#[session(cookie_name = "id", secure = false)]
struct Kept<S: Store + Clone> {
    backend: ServerSide<HookedStore<S>>,
}

/// Runs the process.
///
/// # Errors
///
/// When the store is not there, or nothing can be served.
///
/// # Panics
///
/// When it is called otherwise than by [`Fixture`](super::Fixture).
pub fn main() -> io::Result<()> {
    // What the framework logs, and nothing of the libraries below it.
    let own = ["sessions", "sessions_redis", "sessions_sqlx"];
    let own = Targets::new().with_targets(own.map(|name| (name, tracing::Level::TRACE)));
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr);
    tracing_subscriber::registry().with(lines).with(own).init();
    thread::spawn(|| {
        let _ = io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (store, rest) = arguments.split_first().expect("the name of a store");
    let (address, rest) = rest.split_first().expect("its address");
    let is_signed = rest.is_empty();
    actix_web::rt::System::new().block_on(async {
        match store.as_str() {
            "memory" => {
                let store = MemoryStore::new();
                let counted = store.clone();
                serve(store, is_signed, move || Some(counted.len())).await
            }
            "redis" => serve(RedisStore::new(address.as_str())?, is_signed, || None).await,
            "cluster" => {
                let store = RedisStore::connect_cluster(address.split(',')).await?;
                serve(store, is_signed, || None).await
            }
            "mariadb" => {
                let store = MySqlStore::connect(address).await?;
                store.migrate().await?;
                serve(store, is_signed, || None).await
            }
            "postgres" => serve(postgres(address).await?, is_signed, || None).await,
            "sqlite" => serve(SqliteStore::open(address).await?, is_signed, || None).await,
            other => panic!("no store is called {other}"),
        }
    })
}

/// A pool as the documentation of `sessions-sqlx` has it.
async fn postgres(url: &str) -> io::Result<PostgresStore> {
    let options = PgConnectOptions::from_str(url).map_err(io::Error::other)?;
    let pool = PgPoolOptions::new()
        .acquire_timeout(Duration::from_millis(200))
        .max_connections(20)
        .connect_with(options.options([("statement_timeout", "250ms")]))
        .await
        .map_err(io::Error::other)?;
    let store = PostgresStore::new(pool);
    store.migrate().await?;
    Ok(store)
}

async fn serve<S: Store + Clone>(
    store: S,
    is_signed: bool,
    count: impl Fn() -> Option<usize> + Send + Sync + 'static,
) -> io::Result<()> {
    let faults = web::Data::new(Faults::default());
    let hook = faults.clone().into_inner();
    let store = HookedStore::new(store, move |call, when| {
        hook.meet(call, when);
        Box::pin(async { Ok(()) })
    });
    let backend = ServerSide::new(store);
    let backend = if is_signed { backend.signed(key(1)) } else { backend };
    let kept = Kept { backend };
    let gates = web::Data::new(Gates::default());
    let count = web::Data::new(Count(Box::new(count)));
    let server = HttpServer::new(move || {
        App::new()
            .wrap(kept.clone())
            .app_data(web::Data::new(kept.clone()))
            .app_data(gates.clone())
            .app_data(faults.clone())
            .app_data(count.clone())
            .route("/plain", web::get().to(|| async { "plain" }))
            .route("/records", web::get().to(records))
            .route("/gate/{name}/arrived/{many}", web::get().to(arrived))
            .route("/gate/{name}/open", web::get().to(open))
            .route("/crash/{before}/{after}", web::get().to(crash))
            .service(web::scope("/s").default_service(web::to(act::<S>)))
    })
    .workers(WORKERS)
    // Crowds come at once, and wait.
    .backlog(4_096)
    .client_request_timeout(Duration::from_secs(60))
    .keep_alive(Duration::from_secs(600))
    // A client that goes away drops its request, wherever that is.
    .h1_allow_half_closed(false)
    .shutdown_timeout(10)
    .bind(("127.0.0.1", 0))?;
    println!("{}", server.addrs()[0].port());
    server.run().await
}

/// Does what the path says, one word after the other: `/s/read/wait-here/insert-a`.
async fn act<S: Store + Clone>(
    request: HttpRequest,
    session: Session,
    kept: web::Data<Kept<S>>,
    gates: web::Data<Gates>,
) -> actix_web::Result<HttpResponse> {
    let mut said = String::new();
    for word in request.path().split('/').skip(2) {
        let (verb, object) = word.split_once('-').unwrap_or((word, ""));
        match verb {
            "read" => said = serde_json::to_string(&session.entries()?)?,
            "count" => {
                let n = session.update("n", |n: Option<u64>| n.unwrap_or(0) + 1)?;
                said = n.to_string();
            }
            "insert" => session.insert(object, true)?,
            "purge" => drop(session.purge()?),
            "clear" => session.clear()?,
            "renew" => session.renew()?,
            "rotate" => session.rotate()?,
            "login" => session.set_owner(object)?,
            "owner" => said = session.owner().unwrap_or_default(),
            "wait" => gates.of(object).pass().await,
            "panic" => panic!("told to"),
            "devices" => said = kept.backend.sessions_of(object).await?.len().to_string(),
            "all" => said = kept.backend.end_all(object).await?.to_string(),
            other => return Err(actix_web::error::ErrorNotFound(other.to_owned())),
        }
    }
    Ok(HttpResponse::Ok().body(said))
}

/// Places where requests wait until they are let go on.
#[derive(Default)]
struct Gates(Mutex<HashMap<String, Arc<Gate>>>);

struct Gate {
    arrived: Semaphore,
    /// Never has a permit. It is open when it is closed.
    open: Semaphore,
}

impl Gates {
    fn of(&self, name: &str) -> Arc<Gate> {
        let mut gates = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Arc::new(Gate { arrived: Semaphore::new(0), open: Semaphore::new(0) });
        Arc::clone(gates.entry(name.to_owned()).or_insert_with(new))
    }
}

impl Gate {
    async fn pass(&self) {
        self.arrived.add_permits(1);
        let _ = self.open.acquire().await;
    }
}

/// Answers when this many requests wait, or when it takes too long: some may have failed before.
async fn arrived(gates: web::Data<Gates>, path: web::Path<(String, u32)>) -> HttpResponse {
    let (name, many) = path.into_inner();
    let gate = gates.of(&name);
    let _ = timeout(Duration::from_secs(10), gate.arrived.acquire_many(many)).await;
    HttpResponse::Ok().finish()
}

async fn open(gates: web::Data<Gates>, path: web::Path<String>) -> HttpResponse {
    gates.of(&path).open.close();
    HttpResponse::Ok().finish()
}

/// How many of the next records that are written crash their request.
#[derive(Default)]
struct Faults {
    before: AtomicUsize,
    after: AtomicUsize,
}

impl Faults {
    fn meet(&self, call: Call, when: When) {
        let left = match (call, when) {
            (Call::Create | Call::Replace, When::Before) => &self.before,
            (Call::Create | Call::Replace, When::After) => &self.after,
            _ => return,
        };
        let take = |left: usize| left.checked_sub(1);
        let taken = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
        assert!(taken.is_err(), "a crash that was asked for");
    }
}

async fn crash(faults: web::Data<Faults>, path: web::Path<(usize, usize)>) -> HttpResponse {
    let (before, after) = path.into_inner();
    faults.before.store(before, Ordering::Relaxed);
    faults.after.store(after, Ordering::Relaxed);
    HttpResponse::Ok().finish()
}

/// How many records there are, where the store is in this process.
struct Count(Box<dyn Fn() -> Option<usize> + Send + Sync>);

async fn records(count: web::Data<Count>) -> HttpResponse {
    match (count.0)() {
        Some(records) => HttpResponse::Ok().body(records.to_string()),
        None => HttpResponse::NotFound().finish(),
    }
}
