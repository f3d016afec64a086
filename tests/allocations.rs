//! What a request allocates because of its session: limits that hold, so that it stays true.
//!
//! A binary of its own, since the counter replaces the allocator.

use actix_http::Request;
use actix_service::Service;
use actix_web::{
    App, Error, HttpResponse,
    body::MessageBody,
    dev::ServiceResponse,
    http::header::{COOKIE, SET_COOKIE},
    test::{TestRequest, init_service},
    web::{self, ServiceConfig},
};
use sessions::{
    EncryptedCookie, MemoryStore, SecretKey, ServerSide, Session, SessionInterface,
    SessionMiddleware, SignedCookie, backend::Backend,
};
use tokio::runtime::{Builder, Runtime};

#[derive(Clone, SessionInterface)]
struct AppSessions<B: Backend> {
    backend: B,
}

/// The pages, without sessions and with.
fn bare(config: &mut ServiceConfig) {
    for path in ["/untouched", "/read", "/write", "/create"] {
        config.route(path, web::get().to(HttpResponse::Ok));
    }
}

fn pages(config: &mut ServiceConfig) {
    config
        .route("/untouched", web::get().to(HttpResponse::Ok))
        .route("/read", web::get().to(read))
        .route("/write", web::get().to(write))
        .route("/create", web::get().to(create));
}

async fn read(session: Session) -> actix_web::Result<HttpResponse> {
    let visits: Option<u64> = session.get("visits")?;
    assert_eq!(visits, Some(41));
    Ok(HttpResponse::Ok().finish())
}

async fn write(session: Session) -> actix_web::Result<HttpResponse> {
    let visits: Option<u64> = session.get("visits")?;
    session.insert("visits", visits.map(|visits| visits + 1))?;
    Ok(HttpResponse::Ok().finish())
}

async fn create(session: Session) -> actix_web::Result<HttpResponse> {
    session.insert("csrf", "Zx3pQ7vLk2Rt9wYb5nHd8sJf4mGc6aUe1oKiTqXhVz")?;
    session.insert("user", "7f9c2ba4-e88f-4827-a3f0-1c5d3b2a9e64")?;
    session.insert("visits", 41)?;
    Ok(HttpResponse::Ok().finish())
}

fn allocations<S, B>(runtime: &Runtime, app: &S, path: &str, cookie: Option<&str>) -> u64
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    let count = || {
        let mut request = TestRequest::get().uri(path);
        if let Some(cookie) = cookie {
            request = request.insert_header((COOKIE, cookie));
        }
        let request = request.to_request();
        let call = || drop(runtime.block_on(app.call(request)));
        allocation_counter::measure(call).count_total
    };
    // Pools and tables that grow have grown.
    (0..10).map(|_| count()).min().expect("there are ten")
}

/// The most allocations above bare Actix Web of a session that is unused, read, written and created. A
/// session that takes the way of those that wait has more.
fn assert_costs<B: Backend>(name: &str, backend: B, limits: [u64; 4]) {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let bare = runtime.block_on(init_service(App::new().configure(bare)));
    let sessions = SessionMiddleware::new(AppSessions { backend });
    let app = runtime.block_on(init_service(App::new().wrap(sessions).configure(pages)));

    let request = TestRequest::get().uri("/create").to_request();
    let created = runtime.block_on(app.call(request)).expect("it is created");
    let set_cookie = created.headers().get(SET_COOKIE).expect("a cookie").to_str().expect("ASCII");
    let cookie = set_cookie.split(';').next();

    let [unused, read, write, create] = limits;
    for (path, cookie, limit) in [
        ("/untouched", None, unused),
        ("/untouched", cookie, unused),
        ("/read", cookie, read),
        ("/write", cookie, write),
        ("/create", None, create),
    ] {
        let with = allocations(&runtime, &app, path, cookie);
        let without = allocations(&runtime, &bare, path, cookie);
        println!("{name} {path}: {} allocations, at most {limit}", with - without);
        assert!(with - without <= limit, "{name} {path}: {with} with a session, {without} without");
    }
}

#[test]
fn a_session_costs_few_allocations() {
    let key = SecretKey::generate();
    assert_costs("signed", SignedCookie::new(key.clone()), [2, 5, 9, 10]);
    assert_costs("encrypted", EncryptedCookie::new(key.clone()), [2, 6, 11, 11]);
    // The last one of a new record is for the table of its shard, when that is new or full.
    assert_costs("memory", ServerSide::new(MemoryStore::new()), [2, 6, 14, 14]);
    assert_costs(
        "memory, signed id",
        ServerSide::new(MemoryStore::new()).signed(key),
        [2, 6, 14, 14],
    );
}
