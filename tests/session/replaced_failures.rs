//! What the application puts in place of a failure hides no other failure, and no line of the log.

use actix_web::{
    App, Error, HttpResponse, ResponseError,
    body::BoxBody,
    dev::{ServiceRequest, ServiceResponse},
    http::StatusCode,
    middleware::{Next, from_fn},
    test::init_service,
    web,
};
use sessions::{
    MemoryStore, ServerSide, Session, SessionConfig, SessionError, SessionExt, SessionInterface,
    SignedCookie, TrySession,
    store::StoreError,
    test::{Fault, FaultStore, Operation},
};
use sessions_tests::{AppSessions, Browser, Logged, key};

#[derive(Clone, SessionInterface)]
#[session(cookie_name = "inner", secure = false)]
struct Inner {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(cookie_name = "outer", secure = false)]
struct Outer {
    backend: ServerSide<FaultStore<MemoryStore>>,
}

fn down() -> Fault {
    Fault::Fails(StoreError::unavailable(std::io::Error::other("told to fail")))
}

/// Makes a page of its own of each failure.
async fn page(
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let mut response = next.call(request).await?;
    if response.status().is_server_error() {
        *response.response_mut().status_mut() = StatusCode::OK;
        response = response.map_body(|_, _| BoxBody::new("all is fine"));
    }
    Ok(response)
}

#[actix_web::test]
async fn a_page_for_the_inner_failure_does_not_hide_the_outer_one() {
    async fn writes(
        inner: Session<Inner>,
        outer: Session<Outer>,
    ) -> Result<&'static str, SessionError> {
        outer.insert("order", 1)?;
        inner.insert("_started", 1)?;
        Ok("both are written")
    }
    let store = FaultStore::new(MemoryStore::new());
    let inner = Inner { backend: SignedCookie::new(key(1)) };
    let outer = Outer { backend: ServerSide::new(store.clone()) };
    let app = App::new().wrap(inner).wrap(from_fn(page)).wrap(outer);
    let app = init_service(app.default_service(web::to(writes))).await;
    store.on_every_call_of(Operation::Create, down());
    let logged = Logged::start();
    let answer = Browser::new().get(&app, "/").await;
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (503, ""));
    let lines = logged.take_own();
    let of = |text: &str| lines.iter().filter(|(_, line)| line.contains(text)).count();
    assert_eq!((of("session error"), of("session not saved"), lines.len()), (1, 1, 2), "{lines:?}");
}

#[actix_web::test]
async fn a_failure_that_try_session_shows_as_a_page_has_its_line() {
    async fn tries(session: TrySession) -> HttpResponse {
        match session.into_result() {
            Ok(session) => {
                session.insert("n", 1).expect("it is writable");
                HttpResponse::Ok().finish()
            }
            Err(err) => {
                let mut page = err.error_response();
                *page.status_mut() = StatusCode::OK;
                page
            }
        }
    }
    let store = FaultStore::new(MemoryStore::new());
    let outer = Outer { backend: ServerSide::new(store.clone()) };
    let app = init_service(App::new().wrap(outer).default_service(web::to(tries))).await;
    let mut browser = Browser::new();
    assert_eq!(browser.get(&app, "/").await.status, 200);
    store.on_every_call(down());
    let logged = Logged::start();
    assert_eq!(browser.get(&app, "/").await.status, 200);
    let lines = logged.take_own();
    assert_eq!(lines.len(), 1, "{lines:?}");
}

#[actix_web::test]
async fn an_error_that_outer_middleware_looks_at_has_one_line() {
    async fn looks(
        request: ServiceRequest,
        next: Next<BoxBody>,
    ) -> Result<ServiceResponse<BoxBody>, Error> {
        let result = next.call(request).await;
        if let Err(err) = &result {
            assert_eq!(err.error_response().status(), 500);
        }
        result
    }
    async fn fails(
        request: ServiceRequest,
        next: Next<BoxBody>,
    ) -> Result<ServiceResponse<BoxBody>, Error> {
        request.session().await?.insert("_started", 1)?;
        next.call(request).await
    }
    let sessions = AppSessions::signed(SessionConfig::new());
    let app = App::new().wrap(from_fn(fails)).wrap(sessions).wrap(from_fn(looks));
    let app = init_service(app.default_service(web::to(HttpResponse::Ok))).await;
    let logged = Logged::start();
    assert_eq!(Browser::new().get(&app, "/").await.status, 500);
    let lines = logged.take_own();
    assert_eq!(lines.len(), 1, "{lines:?}");
}
