//! An API and the sessions of its clients, under handlers that do what a path says.

use std::sync::Arc;

use actix_http::Request;
use actix_service::Service;
use actix_web::{
    App, Error, HttpRequest, HttpResponse, ResponseError,
    body::MessageBody,
    dev::ServiceResponse,
    http::header,
    test::{TestRequest, init_service},
    web,
};
use sessions::{
    ServerSide, Session, SessionConfig, SessionInterface, SessionMiddleware, store::Store,
    test::TestClock,
};
use sessions_tests::{
    Answer,
    stage::{Stage, Staged},
};
use tokio::sync::Barrier;

pub(crate) const COOKIE: &str = "__Host-id";

#[derive(Clone, SessionInterface)]
#[session(cookie_name = "__Host-id", bearer)]
pub(crate) struct Api<S: Store + Clone> {
    pub(crate) backend: ServerSide<S>,
    pub(crate) config: SessionConfig,
}

/// A host of the API.
pub(crate) struct Host<S: Store + Clone> {
    pub(crate) api: Api<S>,
    pub(crate) time: TestClock,
    barriers: Arc<[Barrier; 2]>,
}

impl<S: Store> Host<Staged<S>> {
    pub(crate) fn new(stage: &Stage<S>) -> Self {
        Self::with(stage, SessionConfig::new(), |backend| backend)
    }

    /// With this configuration, and a backend changed from its defaults.
    pub(crate) fn with(
        stage: &Stage<S>,
        config: SessionConfig,
        change: impl FnOnce(ServerSide<Staged<S>>) -> ServerSide<Staged<S>>,
    ) -> Self {
        let backend = change(stage.host().kept.backend);
        let barriers = Arc::new([Barrier::new(2), Barrier::new(2)]);
        Self { api: Api { backend, config }, time: stage.time.clone(), barriers }
    }
}

impl<S: Store + Clone> Host<S> {
    pub(crate) async fn app(
        &self,
    ) -> impl Service<Request, Response = ServiceResponse<impl MessageBody>, Error = Error> {
        self.app_of(self.api.clone()).await
    }

    /// Starts the application with these sessions.
    pub(crate) async fn app_of<I: SessionInterface>(
        &self,
        sessions: I,
    ) -> impl Service<Request, Response = ServiceResponse<impl MessageBody>, Error = Error> {
        init_service(
            App::new()
                .wrap(SessionMiddleware::new(sessions).with_clock(self.time.clock()))
                .app_data(web::Data::new(self.api.backend.clone()))
                .app_data(web::Data::from(Arc::clone(&self.barriers)))
                .route("/plain", web::get().to(async || "plain"))
                .default_service(web::to(act::<S>)),
        )
        .await
    }

    /// Runs a request that waits after its session is opened, and others meanwhile.
    pub(crate) async fn meanwhile<T>(
        &self,
        waiting: impl Future<Output = T>,
        others: impl AsyncFnOnce(),
    ) -> T {
        let others = async {
            self.barriers[0].wait().await;
            others().await;
            self.barriers[1].wait().await;
        };
        futures_util::future::join(waiting, others).await.0
    }
}

/// Does what the path says, one word after the other: `/login-7/token`.
async fn act<S: Store + Clone>(
    request: HttpRequest,
    session: Session,
    backend: web::Data<ServerSide<S>>,
    barriers: web::Data<[Barrier; 2]>,
) -> actix_web::Result<HttpResponse> {
    let mut said = String::new();
    let mut response = HttpResponse::Ok();
    for word in request.path().split('/').filter(|word| !word.is_empty()) {
        let (verb, object) = word.split_once('-').unwrap_or((word, ""));
        match verb {
            "wait" => {
                barriers[0].wait().await;
                barriers[1].wait().await;
            }
            "read" => said = serde_json::to_string(&session.entries()?)?,
            "count" => {
                said = session.update("n", |n: Option<u32>| n.unwrap_or(0) + 1)?.to_string();
            }
            "insert" => session.insert(object, true)?,
            "remove" => drop(session.remove(object)?),
            "clear" => session.clear()?,
            "flash" => session.flash("info", object)?,
            "login" => session.set_owner(object)?,
            "remember" => session.set_remembered(true)?,
            "renew" => session.renew()?,
            "rotate" => session.rotate()?,
            "purge" => said = format!("{:?}", session.purge()?),
            "owner" => said = session.owner().unwrap_or_default(),
            "transport" => said = format!("{:?}", session.transport()),
            "permanent" => session.set_permanent(true)?,
            "now" => said = format!("{:?}", session.save_now().await?.outcome()),
            "token" => session.bearer_token().await?.as_str().clone_into(&mut said),
            // The handler goes on.
            "refused" => {
                let err = session.bearer_token().await.expect_err("no token is handed out");
                said = format!("{} {err}", err.status_code().as_u16());
            }
            "devices" => {
                let sessions = backend.sessions_of(object).await?;
                let current = sessions.iter().filter(|one| one.is_current(&session)).count();
                said = format!("{} {current}", sessions.len());
            }
            "end" => {
                for one in backend.sessions_of(object).await? {
                    if !one.is_current(&session) {
                        backend.end(&one).await?;
                    }
                }
            }
            "others" => said = backend.end_others(&session).await?.to_string(),
            "all" => said = backend.end_all(object).await?.to_string(),
            "public" => {
                response.insert_header((header::CACHE_CONTROL, "public, max-age=60"));
            }
            "vary" => {
                response.append_header((header::VARY, "Accept-Encoding, cookie"));
            }
            "status" => {
                response.status(object.parse().expect("a status"));
            }
            other => return Err(actix_web::error::ErrorNotFound(other.to_owned())),
        }
    }
    Ok(response.body(said))
}

/// A request with a bearer token.
pub(crate) fn bearing(path: &str, token: &str) -> TestRequest {
    authorized(path, &format!("Bearer {token}"))
}

pub(crate) fn authorized(path: &str, credentials: &str) -> TestRequest {
    TestRequest::get().uri(path).insert_header((header::AUTHORIZATION, credentials))
}

pub(crate) fn with_cookie(request: TestRequest, token: &str) -> TestRequest {
    request.append_header((header::COOKIE, format!("{COOKIE}={token}")))
}

/// Asks for a path with a bearer token.
pub(crate) async fn ask<S, B>(app: &S, path: &str, token: &str) -> Answer
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    Answer::of(app, bearing(path, token)).await
}

/// Asks without anything that opens a session for a token, which the path hands out.
pub(crate) async fn token_of<S, B>(app: &S, path: &str) -> String
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    let answer = Answer::of(app, TestRequest::get().uri(path)).await;
    assert_eq!((answer.status.as_u16(), answer.cookie()), (200, None), "{path}: {}", answer.body);
    assert!(answer.body.starts_with("ses_"), "{path}");
    answer.body
}

/// Asks for the cookie that the path sets, as a browser.
pub(crate) async fn cookie_of<S, B>(app: &S, path: &str) -> String
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    let answer = Answer::of(app, TestRequest::get().uri(path)).await;
    answer.cookie().expect("the session has a cookie").value
}

/// What a client gets whose token opens nothing and who writes.
pub(crate) fn assert_invalid_token(answer: &Answer, what: &str) {
    assert_eq!(answer.status.as_u16(), 401, "{what}: {}", answer.body);
    assert_eq!(answer.all(header::WWW_AUTHENTICATE), [r#"Bearer error="invalid_token""#], "{what}");
    assert_eq!(answer.all(header::CACHE_CONTROL), ["no-store"], "{what}");
    assert_eq!((answer.body.as_str(), answer.cookie()), ("", None), "{what}");
}
