//! An application that does what a path says, and answers what each word came to.

use std::rc::Rc;

use actix_web::{
    App, HttpRequest, HttpResponse,
    http::header::COOKIE,
    test::{TestRequest, init_service},
    web,
};
use futures_util::future::LocalBoxFuture;
use serde_json::{Value, json};
use sessions::{
    ServerSide, Session, SessionConfig, SessionMiddleware, backend::OwnerError, policy::CookieName,
    store::Store, test::TestClock,
};
use sessions_tests::{Answer, AppSessions};

use super::event::Answered;

/// A host: an application with a queue of writers of its own.
pub(super) struct Host<S: Store> {
    pub(super) backend: ServerSide<S>,
    pub(super) clock: TestClock,
    send: Rc<dyn Fn(TestRequest) -> LocalBoxFuture<'static, Answered>>,
}

impl<S: Store + Clone> Host<S> {
    pub(super) async fn new(
        backend: ServerSide<S>,
        config: SessionConfig,
        clock: TestClock,
    ) -> Self {
        let config = config.cookie_name(CookieName::from_static("id"));
        let sessions = AppSessions { backend: backend.clone(), config };
        let middleware = SessionMiddleware::new(sessions.clone()).with_clock(clock.clock());
        let app = App::new()
            .wrap(middleware)
            .app_data(web::Data::new(sessions))
            .default_service(web::to(act::<S>));
        let app = Rc::new(init_service(app).await);
        let send = move |request: TestRequest| {
            let app = Rc::clone(&app);
            let answer = async move { Answered::of(&Answer::of(&*app, request).await) };
            Box::pin(answer) as LocalBoxFuture<'static, Answered>
        };
        Self { backend, clock, send: Rc::new(send) }
    }

    /// Sends a request with these tokens.
    pub(super) fn send(&self, path: &str, tokens: &[String]) -> LocalBoxFuture<'static, Answered> {
        let mut request = TestRequest::get().uri(path);
        if !tokens.is_empty() {
            let cookies: Vec<_> = tokens.iter().map(|token| format!("id={token}")).collect();
            request = request.insert_header((COOKIE, cookies.join("; ")));
        }
        (self.send)(request)
    }
}

impl Answered {
    fn of(answer: &Answer) -> Self {
        let said = serde_json::from_str(&answer.body).unwrap_or_default();
        Self { status: answer.status.as_u16(), cookie: answer.cookie(), said }
    }
}

async fn act<S: Store + Clone>(
    request: HttpRequest,
    session: Session,
    sessions: web::Data<AppSessions<ServerSide<S>>>,
) -> actix_web::Result<HttpResponse> {
    let backend = &sessions.backend;
    let mut words = request.path().split('/').skip(1);
    let tag = words.next().unwrap_or_default();
    let mut said: Vec<(&str, Value)> = Vec::new();
    for word in words {
        let (verb, object) = word.split_once('-').unwrap_or((word, ""));
        let answer = match verb {
            "read" => Value::Object(session.entries()?),
            "put" => {
                session.insert(object, tag)?;
                Value::Null
            }
            "remove" => json!(session.remove(object)?),
            "clear" => json!(session.clear()?),
            "purge" => json!(format!("{:?}", session.purge()?)),
            "renew" => json!(session.renew()?),
            "rotate" => json!(session.rotate()?),
            "login" => json!(session.set_owner(object)?),
            "now" => Value::Object(session.save_now().await?.entries()?),
            "end" => ended(end_first(backend, object).await),
            "all" => ended(backend.end_all(object).await),
            "others" => ended(backend.end_others(&session).await),
            other => return Err(actix_web::error::ErrorNotFound(other.to_owned())),
        };
        said.push((verb, answer));
    }
    Ok(HttpResponse::Ok().json(said))
}

async fn end_first<S: Store>(backend: &ServerSide<S>, owner: &str) -> Result<usize, OwnerError> {
    match backend.sessions_of(owner).await?.first() {
        Some(first) => backend.end(first).await.map(usize::from),
        None => Ok(0),
    }
}

/// A number where it was done.
fn ended(result: Result<usize, OwnerError>) -> Value {
    result.map_or_else(|err| json!(err.to_string()), |ended| json!(ended))
}
