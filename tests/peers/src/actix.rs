//! actix-session: a small site, a client without a socket, and a store which can be watched.

use std::{
    cell::RefCell,
    collections::HashMap,
    rc::Rc,
    sync::atomic::{AtomicUsize, Ordering},
};

use actix_http::Request;
use actix_service::Service;
use actix_session::{
    Session,
    storage::{LoadError, SaveError, SessionKey, SessionStore, UpdateError},
};
use actix_web::{
    Error, HttpResponse,
    body::{self, MessageBody},
    cookie::{Key, time::Duration},
    dev::ServiceResponse,
    http::header::COOKIE,
    test::TestRequest,
    web::{self, ServiceConfig},
};
use tokio::task;

use crate::Answer;

/// Returns a key as a careful user has it: 64 different bytes.
pub fn key() -> Key {
    Key::from(&(0..64).collect::<Vec<u8>>())
}

/// Adds the pages which most tests need: `/login`, `/logout`, `/whoami`, `/untouched`.
pub fn site(config: &mut ServiceConfig) {
    config
        .route("/login", web::get().to(login))
        .route("/logout", web::get().to(logout))
        .route("/whoami", web::get().to(whoami))
        .route("/untouched", web::get().to(async || "no session in sight"));
}

async fn login(session: Session) -> Result<&'static str, Error> {
    session.insert("user", "alice")?;
    Ok("welcome")
}

async fn logout(session: Session) -> &'static str {
    session.purge();
    "goodbye"
}

async fn whoami(session: Session) -> Result<String, Error> {
    Ok(session.get("user")?.unwrap_or_else(|| "nobody".to_owned()))
}

/// Sends a request and returns what the client sees of the response.
///
/// An `Err` of the outermost middleware is turned into a response as the server does it.
pub async fn get<S, B>(app: &S, path: &str, cookies: impl AsRef<[u8]>) -> Answer
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody + 'static,
{
    let mut request = TestRequest::get().uri(path);
    if !cookies.as_ref().is_empty() {
        request = request.insert_header((COOKIE, cookies.as_ref()));
    }
    send(app, request).await
}

/// Sends a request that a test has put together itself.
pub async fn send<S, B>(app: &S, request: TestRequest) -> Answer
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody + 'static,
{
    match app.call(request.to_request()).await {
        Ok(response) => answer(response.into_parts().1).await,
        Err(err) => answer(err.error_response()).await,
    }
}

async fn answer<B: MessageBody>(response: HttpResponse<B>) -> Answer {
    let (head, body) = response.into_parts();
    let body = body::to_bytes(body).await.ok().expect("bodies in memory do not fail");
    let headers = head.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    Answer::new(head.status().as_u16(), headers, &body)
}

/// What a [`MemoryStore`] does when it is asked to load.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnLoad {
    /// Returns the record.
    #[default]
    Work,
    /// Fails as a store does which cannot be reached.
    Unreachable,
    /// Fails as a store does which cannot read the record.
    Corrupt,
}

/// A store in memory that counts its calls.
///
/// It follows the crate's own Redis store: `update` of a record that is no longer there falls back to `save`,
/// under a new key. Every call yields once, as a call over a network does.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore(Rc<RefCell<Shelf>>);

/// What is inside a [`MemoryStore`].
#[derive(Debug, Default)]
pub struct Shelf {
    /// The records, by session key.
    pub records: HashMap<String, HashMap<String, String>>,
    /// The number of `load` calls.
    pub loads: usize,
    /// The number of `save` and `update` calls.
    pub writes: usize,
    /// The number of `delete` calls.
    pub deletes: usize,
    /// What `load` does.
    pub on_load: OnLoad,
}

impl MemoryStore {
    /// Runs `read` on what is inside.
    pub fn with<T>(&self, read: impl FnOnce(&mut Shelf) -> T) -> T {
        read(&mut self.0.borrow_mut())
    }

    fn put(&self, key: &str, state: HashMap<String, String>) {
        self.with(|shelf| {
            shelf.writes += 1;
            shelf.records.insert(key.to_owned(), state);
        });
    }
}

impl SessionStore for MemoryStore {
    async fn load(&self, key: &SessionKey) -> Result<Option<HashMap<String, String>>, LoadError> {
        task::yield_now().await;
        self.with(|shelf| {
            shelf.loads += 1;
            match shelf.on_load {
                OnLoad::Work => Ok(shelf.records.get(key.as_ref()).cloned()),
                OnLoad::Unreachable => {
                    Err(LoadError::Other(anyhow::anyhow!("connection refused by 10.0.0.7")))
                }
                OnLoad::Corrupt => Err(LoadError::Deserialization(anyhow::anyhow!("not JSON"))),
            }
        })
    }

    async fn save(
        &self,
        state: HashMap<String, String>,
        _ttl: &Duration,
    ) -> Result<SessionKey, SaveError> {
        static NEXT: AtomicUsize = AtomicUsize::new(1);

        task::yield_now().await;
        let key = format!("record-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        self.put(&key, state);
        key.try_into().map_err(|err| SaveError::Other(anyhow::Error::new(err)))
    }

    async fn update(
        &self,
        key: SessionKey,
        state: HashMap<String, String>,
        ttl: &Duration,
    ) -> Result<SessionKey, UpdateError> {
        task::yield_now().await;
        if self.with(|shelf| shelf.records.contains_key(key.as_ref())) {
            self.put(key.as_ref(), state);
            return Ok(key);
        }
        self.save(state, ttl).await.map_err(|err| UpdateError::Other(anyhow::Error::new(err)))
    }

    async fn update_ttl(&self, _key: &SessionKey, _ttl: &Duration) -> Result<(), anyhow::Error> {
        task::yield_now().await;
        Ok(())
    }

    async fn delete(&self, key: &SessionKey) -> Result<(), anyhow::Error> {
        task::yield_now().await;
        self.with(|shelf| {
            shelf.deletes += 1;
            shelf.records.remove(key.as_ref());
        });
        Ok(())
    }
}
