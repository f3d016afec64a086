//! Sessions in a store, in memory by default, under an application that does what a path says.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use actix_http::Request;
use actix_service::Service;
use actix_web::{
    App, Error, HttpRequest, HttpResponse, body::MessageBody, dev::ServiceResponse,
    test::init_service, web,
};
use sessions::{
    MemoryStore, ServerSide, Session, SessionConfig, SessionInterface, SessionMiddleware,
    policy::CookieName, request::Clock, store::Store, test::TestClock,
};
use tokio::sync::Barrier;

/// An interface whose sessions live in a store.
#[derive(Clone, Debug, SessionInterface)]
#[session(secure = false)]
pub struct Kept<S: Store = MemoryStore> {
    /// Keeps the sessions.
    pub backend: ServerSide<S>,
    config: SessionConfig,
}

/// An application whose handlers wait for each other where their path says so.
#[derive(Debug)]
pub struct Fixture<S: Store = MemoryStore> {
    /// The interface.
    pub kept: Kept<S>,
    /// What sessions and store take for the time.
    pub time: TestClock,
    opened: Arc<Barrier>,
    go_on: Arc<Barrier>,
    crowd: Arc<Barrier>,
}

impl Default for Fixture {
    fn default() -> Self {
        Self::with(SessionConfig::new(), |backend| backend)
    }
}

impl Fixture {
    /// With this configuration, and a backend changed from its defaults.
    pub fn with(
        config: SessionConfig,
        change: impl FnOnce(ServerSide<MemoryStore>) -> ServerSide<MemoryStore>,
    ) -> Self {
        let time = TestClock::new();
        let backend = change(ServerSide::new(MemoryStore::with_clock(time.clock())));
        Self::of(backend, config.cookie_name(CookieName::from_static("id")), time)
    }
}

impl<S: Store + Clone> Fixture<S> {
    /// With this backend, on a host with this clock.
    pub fn of(backend: ServerSide<S>, config: SessionConfig, time: TestClock) -> Self {
        let barrier = |size| Arc::new(Barrier::new(size));
        let kept = Kept { backend, config };
        Self { kept, time, opened: barrier(2), go_on: barrier(2), crowd: barrier(1) }
    }

    /// Returns the host with a barrier at which requests meet, their sessions opened.
    #[must_use]
    pub fn in_crowd(self, crowd: &Arc<Barrier>) -> Self {
        Self { crowd: Arc::clone(crowd), ..self }
    }

    /// Returns the store.
    pub fn store(&self) -> &S {
        self.kept.backend.store()
    }

    /// Waits until a request waits, its session opened.
    pub async fn arrived(&self) {
        self.opened.wait().await;
    }

    /// Lets the request that waits go on.
    pub async fn release(&self) {
        self.go_on.wait().await;
    }

    /// Starts the application.
    pub async fn app(
        &self,
    ) -> impl Service<Request, Response = ServiceResponse<impl MessageBody>, Error = Error> {
        let barriers = [&self.opened, &self.go_on, &self.crowd].map(Arc::clone);
        let clock: Clock = self.time.clock();
        init_service(
            App::new()
                .wrap(SessionMiddleware::new(self.kept.clone()).with_clock(clock))
                .app_data(web::Data::new(self.kept.clone()))
                .app_data(web::Data::new(barriers))
                .route("/plain", web::get().to(|| async { "plain" }))
                .route("/forbidden", web::get().to(forbidden))
                .default_service(web::to(act::<S>)),
        )
        .await
    }
}

async fn forbidden(session: Session) -> actix_web::Result<HttpResponse> {
    session.insert("seen", true)?;
    Ok(HttpResponse::Forbidden().finish())
}

/// Does what the path says, one word after the other: `/read/wait/insert-a`.
async fn act<S: Store + Clone>(
    request: HttpRequest,
    session: Session,
    kept: web::Data<Kept<S>>,
    barriers: web::Data<[Arc<Barrier>; 3]>,
) -> actix_web::Result<HttpResponse> {
    let mut said = String::new();
    for word in request.path().split('/').filter(|word| !word.is_empty()) {
        let (verb, object) = word.split_once('-').unwrap_or((word, ""));
        match verb {
            "wait" => {
                barriers[0].wait().await;
                barriers[1].wait().await;
            }
            "meet" => {
                barriers[2].wait().await;
            }
            "read" => said = serde_json::to_string(&session.entries()?)?,
            "count" => {
                let n = session.update("n", |n: Option<u32>| n.unwrap_or(0) + 1)?;
                said = n.to_string();
            }
            "insert" => session.insert(object, true)?,
            "remove" => drop(session.remove(object)?),
            "take" => match session.take::<bool>(object)? {
                Some(value) => said = value.to_string(),
                None => return Ok(HttpResponse::NotFound().finish()),
            },
            "pop" => said = format!("{:?}", session.take::<u32>(object)?),
            "drop" => said = session.remove(object)?.to_string(),
            "seek" => said = format!("{:?}", session.take::<bool>(object)?),
            "make" => {
                static MADE: AtomicU32 = AtomicU32::new(0);
                let make = || MADE.fetch_add(1, Ordering::Relaxed);
                said = session.get_or_insert_with(object, make)?.to_string();
            }
            "flash" => session.flash("info", object)?,
            "flashes" => {
                let messages = session.take_flashes()?.into_iter();
                said = messages.map(|(_, text)| text).collect::<Vec<_>>().join(" ");
            }
            "act" => said = String::from("acted"),
            "clear" => session.clear()?,
            "purge" => said = format!("{:?}", session.purge()?),
            "renew" => session.renew()?,
            "rotate" => session.rotate()?,
            "login" => session.set_owner(object)?,
            "end" => {
                let sessions = kept.backend.sessions_of(object).await?;
                for one in &sessions {
                    kept.backend.end(one).await?;
                }
                said = sessions.len().to_string();
            }
            "owner" => said = session.owner().unwrap_or_default(),
            "permanent" => session.set_permanent(true)?,
            "now" => {
                let saved = session.save_now().await?;
                let key = if object.is_empty() { "n" } else { object };
                let n: Option<u32> = saved.get(key)?;
                said = format!("{:?} {n:?}", saved.outcome());
            }
            "devices" => {
                let sessions = kept.backend.sessions_of(object).await?;
                let current = sessions.iter().filter(|one| one.is_current(&session)).count();
                said = format!("{} {current}", sessions.len());
            }
            "others" => said = kept.backend.end_others(&session).await?.to_string(),
            "all" => said = kept.backend.end_all(object).await?.to_string(),
            other => return Err(actix_web::error::ErrorNotFound(other.to_owned())),
        }
    }
    Ok(HttpResponse::Ok().body(said))
}

/// Runs a request that waits after its session is opened, and others meanwhile.
pub async fn meanwhile<T, S: Store + Clone>(
    fixture: &Fixture<S>,
    waiting: impl Future<Output = T>,
    others: impl AsyncFnOnce(),
) -> T {
    let others = async {
        fixture.arrived().await;
        others().await;
        fixture.release().await;
    };
    futures_util::future::join(waiting, others).await.0
}
