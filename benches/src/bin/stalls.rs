//! How long sessions hold a worker: handlers that write as much as they can, and 1,000 writers of one session.
//!
//!     cargo run --release --manifest-path benches/Cargo.toml --bin stalls
//!
//! A task beside the requests notes how long it has to wait for its next turn, in the CPU time of the thread.

use std::{cell::Cell, collections::BTreeMap, rc::Rc, time::Duration};

use actix_http::Request;
use actix_service::Service;
use actix_web::{
    App, Error, HttpRequest, HttpResponse,
    body::MessageBody,
    dev::ServiceResponse,
    http::header::{COOKIE, SET_COOKIE},
    rt,
    test::{TestRequest, init_service},
    web,
};
use nix::time::{ClockId, clock_gettime};
use sessions::{
    AnyBackend, MemoryStore, SecretKey, ServerSide, Session, SessionError, SessionInterface,
    SignedCookie,
    store::{
        CreateOutcome, DeleteIfOutcome, DeleteOutcome, Loaded, OwnerIndex, Record, RecordKey,
        ReplaceOutcome, Revision, Store, StoreError, Touch,
    },
};
use tokio::{task::yield_now, time::sleep};

#[derive(Clone, SessionInterface)]
#[session(secure = false)]
struct Sessions {
    backend: AnyBackend,
}

/// A store that answers after a millisecond, as one on another host does.
#[derive(Debug)]
struct Remote(MemoryStore);

const ROUND_TRIP: Duration = Duration::from_millis(1);
const WRITERS: usize = 1_000;
/// How often a handler tries to write.
const WRITES: u64 = 100_000;

impl Store for Remote {
    async fn create(
        &self,
        key: &RecordKey,
        record: &Record,
        ttl: Duration,
    ) -> Result<CreateOutcome, StoreError> {
        sleep(ROUND_TRIP).await;
        self.0.create(key, record, ttl).await
    }

    async fn load(
        &self,
        key: &RecordKey,
        touch: Option<Touch>,
    ) -> Result<Option<Loaded>, StoreError> {
        sleep(ROUND_TRIP).await;
        self.0.load(key, touch).await
    }

    async fn replace(
        &self,
        key: &RecordKey,
        revision: Revision,
        record: &Record,
        ttl: Duration,
    ) -> Result<ReplaceOutcome, StoreError> {
        sleep(ROUND_TRIP).await;
        self.0.replace(key, revision, record, ttl).await
    }

    async fn delete(&self, key: &RecordKey) -> Result<DeleteOutcome, StoreError> {
        self.0.delete(key).await
    }

    async fn delete_if(
        &self,
        key: &RecordKey,
        revision: Revision,
    ) -> Result<DeleteIfOutcome, StoreError> {
        self.0.delete_if(key, revision).await
    }

    fn owners(&self) -> Option<&dyn OwnerIndex> {
        self.0.owners()
    }
}

fn cpu_time() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("Linux has this clock").into()
}

/// Returns how long another task of the worker had to wait at most, and the result of the work.
async fn stall<T>(work: impl Future<Output = T>) -> (f64, T) {
    let longest = Rc::new(Cell::new(Duration::ZERO));
    let noted = Rc::clone(&longest);
    let other = rt::spawn(async move {
        let mut last = cpu_time();
        loop {
            yield_now().await;
            let now = cpu_time();
            noted.set(noted.get().max(now.saturating_sub(last)));
            last = now;
        }
    });
    yield_now().await;
    let done = work.await;
    yield_now().await;
    other.abort();
    (longest.get().as_secs_f64() * 1e3, done)
}

type Write = fn(&Session, u64) -> Result<(), SessionError>;

/// A number that looks random.
fn random(number: u64) -> u64 {
    number.wrapping_mul(6_364_136_223_846_793_005).rotate_left(29) >> 20
}

const KINDS: [(&str, Write); 16] = [
    ("random keys", |session, n| session.insert(&format!("{:x}", random(n)), 1)),
    ("sorted keys", |session, n| session.insert(&format!("{n:06}"), 1)),
    ("reversed keys", |session, n| session.insert(&format!("{:06}", WRITES - n), 1)),
    ("a growing value", |session, n| {
        session.insert("key", "x".repeat(usize::try_from(n).unwrap_or(usize::MAX)))
    }),
    ("one key", |session, n| session.insert("key", n)),
    ("two keys", |session, n| session.insert(if n % 2 == 0 { "a" } else { "b" }, n)),
    ("a counter", |session, _| {
        session.update("key", |n: Option<u64>| n.unwrap_or(0) + 1).map(drop)
    }),
    ("a growing list", |session, n| {
        let push = move |list: Option<Vec<u64>>| {
            let mut list = list.unwrap_or_default();
            list.push(n);
            list
        };
        session.update("key", push).map(drop)
    }),
    ("a large map", |session, n| {
        let fill = || (0..3_000).map(|n| (format!("k{n}"), n)).collect();
        let set = move |map: Option<BTreeMap<String, u64>>| {
            let mut map = map.unwrap_or_else(fill);
            map.insert("k0".into(), n);
            map
        };
        session.update("key", set).map(drop)
    }),
    ("messages", |session, _| session.flash("info", "a message")),
    ("clear", |session, _| session.clear()),
    ("clear and insert", |session, n| session.clear().and_then(|()| session.insert("a", n))),
    ("insert and take", |session, n| {
        session.insert("a", n).and_then(|()| session.take::<u64>("a").map(drop))
    }),
    ("a megabyte", |session, _| session.insert("key", "x".repeat(1_100_000))),
    ("extend, a megabyte", |session, _| {
        session.extend((0..60_000).map(|n| (format!("{:x}", random(n)), random(n))))
    }),
    ("extend, again and again", |session, n| {
        session.extend((0..1_000).map(|key| (format!("{key:06}"), n)))
    }),
];

/// Sends a request, and returns the cookie that is to be sent with the next.
async fn cookie<S, B>(app: &S, path: &str) -> String
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    let answer = app.call(TestRequest::with_uri(path).to_request()).await.expect("an answer");
    let cookie = answer.headers().get(SET_COOKIE).expect("a new session");
    let cookie = cookie.to_str().expect("ASCII").split(';').next();
    cookie.unwrap_or_default().to_owned()
}

/// Prints how long handlers hold the worker that write until it is refused.
async fn handlers(name: &str, backend: AnyBackend, opened_bytes: usize) {
    let open = move |session: Session| async move {
        let members = (0..=opened_bytes / 18).map(|n| (format!("{:x}", n * 7_919), "0123456789"));
        session.extend(members).expect("it fits");
        HttpResponse::Ok().finish()
    };
    let fill = |session: Session, kind: web::Path<usize>| async move {
        let (_, write) = KINDS[*kind];
        let refused = (0..WRITES).find_map(|n| Some((n, write(&session, n).err()?)));
        HttpResponse::Ok().body(match refused {
            Some((n, err)) => format!("{n} writes, then: {err}"),
            None => format!("{WRITES} writes"),
        })
    };
    let app = App::new().wrap(Sessions { backend });
    let app = app.route("/open", web::get().to(open)).route("/{kind}", web::get().to(fill));
    let app = init_service(app).await;
    for (number, (kind, _)) in KINDS.iter().enumerate() {
        let pair = cookie(&app, "/open").await;
        let request = TestRequest::with_uri(&format!("/{number}")).insert_header((COOKIE, pair));
        let (longest, answer) = stall(app.call(request.to_request())).await;
        let answer = answer.expect("an answer").into_body();
        let said = actix_web::body::to_bytes(answer).await.ok().unwrap_or_default();
        let said = String::from_utf8_lossy(&said);
        println!("{name:14} {kind:24} {longest:8.2} ms  {said:.100}");
    }
}

/// What the writers write: each its own key, or its own element of one list.
async fn write(
    session: Session,
    request: HttpRequest,
    number: web::Path<usize>,
) -> actix_web::Result<HttpResponse> {
    if request.path().starts_with("/list") {
        session.update_with("list", *number, |number, list: Option<Vec<String>>| {
            let mut list = list.unwrap_or_default();
            list[*number] = "written!".into();
            list
        })?;
    } else {
        session.insert(&format!("key-{number:06}"), "written to it")?;
    }
    Ok(HttpResponse::Ok().finish())
}

/// Prints how many of those that write one session at the same time are saved, and how long they hold the
/// worker together.
async fn writers(kind: &str) {
    let members = |session: Session| async move {
        session
            .extend((0..2_000).map(|n| (format!("key-{n:06}"), "0123456789abc")))
            .expect("it fits");
        HttpResponse::Ok().finish()
    };
    let list = |session: Session| async move {
        let list: Vec<_> = (0..5_000).map(|n| format!("{n:08}")).collect();
        session.insert("list", list).expect("it fits");
        HttpResponse::Ok().finish()
    };
    let kept = |session: Session| async move {
        let entries = session.entries().expect("it is JSON");
        serde_json::to_string(&entries).expect("it is JSON").matches("written").count().to_string()
    };
    let backend = AnyBackend::new(ServerSide::new(Remote(MemoryStore::new())));
    let app = App::new()
        .wrap(Sessions { backend })
        .route("/open/members", web::get().to(members))
        .route("/open/list", web::get().to(list))
        .route("/kept", web::get().to(kept))
        .route("/members/{number}", web::get().to(write))
        .route("/list/{number}", web::get().to(write));
    let app = Rc::new(init_service(app).await);
    let pair = cookie(&*app, &format!("/open/{kind}")).await;
    let request = |path: &str| {
        TestRequest::with_uri(path).insert_header((COOKIE, pair.as_str())).to_request()
    };
    let requests = (0..WRITERS).map(|number| request(&format!("/{kind}/{number}")));
    let send = async {
        let tasks: Vec<_> = requests
            .map(|request| {
                let app = Rc::clone(&app);
                rt::spawn(async move { app.call(request).await.is_ok_and(|it| it.status() == 200) })
            })
            .collect();
        let mut saved = 0;
        for task in tasks {
            saved += usize::from(task.await.expect("it does not panic"));
        }
        saved
    };
    let (longest, saved) = stall(send).await;
    let kept = app.call(request("/kept")).await.expect("an answer").into_body();
    let kept = actix_web::body::to_bytes(kept).await.ok().unwrap_or_default();
    let kept = String::from_utf8_lossy(&kept);
    println!(
        "{WRITERS} writers, {kind}: {saved} saved, {kept} kept, longest stall {longest:.2} ms"
    );
}

#[actix_web::main]
async fn main() {
    let store = || AnyBackend::new(ServerSide::new(MemoryStore::new()));
    handlers("store", store(), 0).await;
    handlers("store, 40 KB", store(), 40_000).await;
    handlers("signed cookie", AnyBackend::new(SignedCookie::new(SecretKey::generate())), 0).await;
    writers("members").await;
    writers("list").await;
}
