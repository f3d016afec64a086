//! actix-session: what the client gets, on success and on failure.

use std::{cell::Cell, future, rc::Rc};

use actix_session::{
    Session, SessionMiddleware,
    config::{PersistentSession, TtlExtensionPolicy},
    storage::CookieSessionStore,
};
use actix_web::{
    App, Error, HttpResponse,
    body::BoxBody,
    dev::{ServiceRequest, ServiceResponse},
    error::{ErrorForbidden, ErrorInternalServerError},
    middleware::{self, Next},
    test, web,
};
use sessions_peers::{
    actix::{MemoryStore, OnLoad, get, key, site},
    report,
};

const PEER: &str = "actix-session";

#[actix_web::test]
async fn an_inner_middleware_which_fails_loses_the_changes() {
    async fn refuse(
        request: ServiceRequest,
        next: Next<BoxBody>,
    ) -> Result<ServiceResponse<BoxBody>, Error> {
        next.call(request).await?;
        Err(ErrorForbidden("refused"))
    }

    let store = MemoryStore::default();
    let sessions = || SessionMiddleware::new(store.clone(), key());
    let plain = test::init_service(App::new().wrap(sessions()).configure(site)).await;
    let failing = test::init_service(
        App::new().wrap(middleware::from_fn(refuse)).wrap(sessions()).configure(site),
    )
    .await;

    let login = get(&failing, "/login", "").await;
    assert_eq!((login.status, login.cookies().len()), (403, 0));
    assert_eq!(store.with(|shelf| shelf.writes), 0);
    report(
        PEER,
        "4 inner `Err`",
        "a login before an inner middleware's `Err` is lost: no cookie, 0 writes",
    );

    let cookie = get(&plain, "/login", "").await.cookie().pair();
    let logout = get(&failing, "/logout", &cookie).await;
    assert_eq!((logout.status, logout.cookies().len()), (403, 0));
    assert_eq!(store.with(|shelf| shelf.deletes), 0);
    assert_eq!(get(&plain, "/whoami", &cookie).await.body, "alice");
    report(
        PEER,
        "4 inner `Err`",
        "a logout before it is lost too: no removal cookie, 0 deletes, the session lives on",
    );
}

#[actix_web::test]
async fn a_handler_which_fails_keeps_the_changes() {
    async fn fail(session: Session) -> Result<&'static str, Error> {
        session.insert("user", "alice")?;
        Err(ErrorInternalServerError("broken"))
    }

    let store = MemoryStore::default();
    let sessions = SessionMiddleware::new(store.clone(), key());
    let app = test::init_service(App::new().wrap(sessions).route("/", web::get().to(fail))).await;

    let answer = get(&app, "/", "").await;

    assert_eq!((answer.status, answer.cookies().len()), (500, 1));
    assert_eq!(store.with(|shelf| shelf.writes), 1);
    report(PEER, "4 inner `Err`", "for comparison, a handler's `Err` (500): saved, cookie set");
}

#[actix_web::test]
async fn a_store_which_cannot_be_reached_answers_500_on_every_page() {
    let calls = Rc::new(Cell::new(0));
    let optional = {
        let calls = Rc::clone(&calls);
        move |session: Option<Session>| {
            calls.set(calls.get() + 1);
            future::ready(if session.is_some() { "some" } else { "none" })
        }
    };
    let store = MemoryStore::default();
    let sessions = SessionMiddleware::new(store.clone(), key());
    let app = App::new().wrap(sessions).configure(site).route("/optional", web::get().to(optional));
    let app = test::init_service(app).await;
    let cookie = get(&app, "/login", "").await.cookie().pair();

    store.with(|shelf| shelf.on_load = OnLoad::Unreachable);

    for page in ["/whoami", "/optional", "/untouched", "/no-such-page"] {
        let answer = get(&app, page, &cookie).await;
        assert_eq!((answer.status, &*answer.body), (500, ""), "{page}");
        assert_eq!((answer.cookies().len(), answer.header("retry-after")), (0, None), "{page}");
    }
    assert_eq!(calls.get(), 0);
    report(
        PEER,
        "5 failed load",
        "500, empty body, no `Retry-After`, no cookie; handlers never run, also with `Option<Session>`, without a session and for a 404",
    );
}

#[actix_web::test]
async fn a_record_which_cannot_be_read_is_overwritten() {
    let store = MemoryStore::default();
    let app = test::init_service(
        App::new().wrap(SessionMiddleware::new(store.clone(), key())).configure(site),
    )
    .await;
    let cookie = get(&app, "/login", "").await.cookie().pair();
    let keys =
        |store: &MemoryStore| store.with(|shelf| shelf.records.keys().cloned().collect::<Vec<_>>());
    let before = keys(&store);

    store.with(|shelf| shelf.on_load = OnLoad::Corrupt);
    let read = get(&app, "/whoami", &cookie).await;
    let write = get(&app, "/login", &cookie).await;

    assert_eq!((read.status, &*read.body), (200, "nobody"));
    assert_eq!((write.status, keys(&store)), (200, before));
    report(
        PEER,
        "5 failed load",
        "a record which does not decode: anonymous, and the next write overwrites it under the same id",
    );
}

#[actix_web::test]
async fn never_varies_by_cookie() {
    let refreshing = PersistentSession::default()
        .session_ttl_extension_policy(TtlExtensionPolicy::OnEveryRequest);
    let sessions = SessionMiddleware::builder(CookieSessionStore::default(), key())
        .session_lifecycle(refreshing)
        .build();
    let app = test::init_service(App::new().wrap(sessions).configure(site)).await;

    let written = get(&app, "/login", "").await;
    let cookie = written.cookie().pair();
    let read = get(&app, "/whoami", &cookie).await;
    let refreshed = get(&app, "/untouched", &cookie).await;
    let removed = get(&app, "/logout", &cookie).await;

    assert_eq!((&*read.body, refreshed.cookies().len(), removed.cookies().len()), ("alice", 1, 1));
    for answer in [written, read, refreshed, removed] {
        assert_eq!(answer.header("vary"), None);
    }
    report(
        PEER,
        "8 `Vary: Cookie`",
        "absent when the session was read, written, refreshed or removed",
    );
}

#[actix_web::test]
async fn says_nothing_to_caches() {
    async fn cached(session: Session) -> Result<HttpResponse, Error> {
        session.insert("user", "alice")?;
        Ok(HttpResponse::Ok().insert_header(("cache-control", "public, max-age=3600")).finish())
    }

    let sessions = SessionMiddleware::new(CookieSessionStore::default(), key());
    let app = App::new().wrap(sessions).configure(site).route("/cached", web::get().to(cached));
    let app = test::init_service(app).await;

    let silent = get(&app, "/login", "").await;
    let public = get(&app, "/cached", "").await;

    assert_eq!((silent.cookies().len(), silent.header("cache-control")), (1, None));
    assert_eq!(
        (public.cookies().len(), public.header("cache-control")),
        (1, Some("public, max-age=3600"))
    );
    report(
        PEER,
        "9 `Cache-Control`",
        "absent beside `Set-Cookie`; a handler's `public, max-age=3600` is left beside it",
    );
}
