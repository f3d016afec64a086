//! Actix Web with our sessions.

use std::{io, rc::Rc};

use actix_web::{
    App, Error, HttpRequest,
    error::ErrorInternalServerError,
    test::init_service,
    web::{self, ServiceConfig},
};
use sessions::{
    EncryptedCookie, MemoryStore, SecretKey, ServerSide, Session, SessionInterface, SignedCookie,
};
use sessions_redis::RedisStore;
use tokio::runtime::Runtime;

use super::{Site, actix::ActixSite, filling, next};
use crate::payload::{COUNTER, CSRF, USER, Value};

/// Sessions in signed cookies.
#[derive(Clone, SessionInterface)]
pub struct Signed {
    backend: SignedCookie,
}

/// Sessions in encrypted cookies.
#[derive(Clone, SessionInterface)]
pub struct Encrypted {
    backend: EncryptedCookie,
}

/// Sessions in memory.
#[derive(Clone, SessionInterface)]
pub struct InMemory {
    backend: ServerSide<MemoryStore>,
}

/// Sessions in Redis.
#[derive(Clone, SessionInterface)]
pub struct InRedis {
    backend: ServerSide<RedisStore>,
}

impl Signed {
    /// Signs with a key of this process.
    pub fn new() -> Self {
        Self { backend: SignedCookie::new(SecretKey::generate()) }
    }
}

impl Encrypted {
    /// Encrypts with a key of this process.
    pub fn new() -> Self {
        Self { backend: EncryptedCookie::new(SecretKey::generate()) }
    }
}

impl InMemory {
    /// Keeps as many as memory holds.
    pub fn new() -> Self {
        Self { backend: ServerSide::new(MemoryStore::with_capacity(usize::MAX)) }
    }
}

impl InRedis {
    /// Keeps them at this URL.
    ///
    /// # Errors
    ///
    /// When that is no URL of Redis.
    pub fn new(url: &str) -> io::Result<Self> {
        Ok(Self { backend: ServerSide::new(RedisStore::new(url)?) })
    }
}

impl Default for Signed {
    fn default() -> Self {
        Self::new()
    }
}

impl Default for Encrypted {
    fn default() -> Self {
        Self::new()
    }
}

impl Default for InMemory {
    fn default() -> Self {
        Self::new()
    }
}

pub(super) fn signed(runtime: Rc<Runtime>) -> Box<dyn Site> {
    let app = App::new().wrap(Signed::new()).configure(pages);
    let app = runtime.block_on(init_service(app));
    Box::new(ActixSite::new(runtime, app))
}

pub(super) fn encrypted(runtime: Rc<Runtime>) -> Box<dyn Site> {
    let app = App::new().wrap(Encrypted::new()).configure(pages);
    let app = runtime.block_on(init_service(app));
    Box::new(ActixSite::new(runtime, app))
}

pub(super) fn memory(runtime: Rc<Runtime>) -> Box<dyn Site> {
    let app = App::new().wrap(InMemory::new()).configure(pages);
    let app = runtime.block_on(init_service(app));
    Box::new(ActixSite::new(runtime, app))
}

/// The pages with our sessions.
pub fn pages(config: &mut ServiceConfig) {
    config
        .route("/untouched", web::get().to(async || "ok"))
        .route("/read", web::get().to(read))
        .route("/write", web::get().to(write))
        .route("/create", web::get().to(create))
        .route("/fill", web::get().to(fill));
}

async fn read(session: Session) -> Result<&'static str, Error> {
    counter(&session).map(|_| "ok")
}

async fn write(session: Session) -> Result<&'static str, Error> {
    let counter = counter(&session)?;
    session.insert(COUNTER, next(counter))?;
    Ok("ok")
}

async fn create(session: Session) -> Result<&'static str, Error> {
    session.insert(CSRF.0, CSRF.1)?;
    session.insert(USER.0, USER.1)?;
    session.insert(COUNTER, 41)?;
    Ok("ok")
}

async fn fill(request: HttpRequest, session: Session) -> Result<&'static str, Error> {
    insert(&session, filling(request.uri().query()))
}

fn counter(session: &Session) -> Result<u64, Error> {
    session.get(COUNTER)?.ok_or_else(|| ErrorInternalServerError("no session"))
}

fn insert(session: &Session, members: Vec<(String, Value)>) -> Result<&'static str, Error> {
    for (key, value) in members {
        match value {
            Value::Number(number) => session.insert(&key, number)?,
            Value::Text(text) => session.insert(&key, text)?,
        }
    }
    Ok("ok")
}
