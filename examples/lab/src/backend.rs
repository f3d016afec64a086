//! Where sessions are kept: chosen by `SESSIONS_BACKEND` when the program starts.

use std::{env, io, sync::Arc, time::Duration};

use futures_util::future::LocalBoxFuture;
use sessions::{
    AnyBackend, EncryptedCookie, MemoryStore, SecretKey, ServerSide, SharedKeys, SignedCookie,
    backend::{OwnedSession, OwnerError},
    store::Store,
};
use sessions_redis::RedisStore;
use sessions_sqlx::{PostgresStore, SqliteStore};

use crate::sessions::LabSession;

/// How long a store may take: longer than by default, since a lab runs beside everything else on a laptop.
const CALL: Duration = Duration::from_secs(2);
const REQUEST: Duration = Duration::from_secs(5);
/// How often expired sessions are removed from a database.
const SWEEP_EVERY: Duration = Duration::from_mins(5);

/// The chosen backend, and what it can do besides keeping sessions.
#[derive(Clone)]
pub(crate) struct Backend {
    /// Its kind, without the rest of a URL, which may have a password.
    pub(crate) kind: &'static str,
    pub(crate) any: AnyBackend,
    pub(crate) tokens: Tokens,
    /// The sessions of a user, if the backend can list and end them.
    pub(crate) devices: Option<Arc<dyn Devices>>,
}

/// What the token in the cookie is.
#[derive(Clone)]
pub(crate) enum Tokens {
    Signed(SignedCookie),
    Encrypted(EncryptedCookie),
    /// A random id and a secret beside it.
    Random,
}

impl Backend {
    pub(crate) async fn from_env(keys: &SharedKeys) -> io::Result<Self> {
        let choice = env::var("SESSIONS_BACKEND").unwrap_or("memory".to_owned());
        match choice.split(':').next().unwrap_or_default() {
            "memory" => Ok(Self::in_store("memory", MemoryStore::new())),
            "signed" => {
                let backend = SignedCookie::new(keys.clone());
                let tokens = Tokens::Signed(backend.clone());
                Ok(Self { kind: "signed", any: AnyBackend::new(backend), tokens, devices: None })
            }
            "encrypted" => {
                let backend = EncryptedCookie::new(keys.clone());
                let tokens = Tokens::Encrypted(backend.clone());
                Ok(Self { kind: "encrypted", any: AnyBackend::new(backend), tokens, devices: None })
            }
            "redis" | "rediss" => Ok(Self::in_store("redis", RedisStore::connect(&*choice).await?)),
            "postgres" | "postgresql" => {
                let store = PostgresStore::connect(&choice).await?;
                store.migrate().await?;
                store.spawn_sweeper(SWEEP_EVERY);
                Ok(Self::in_store("postgres", store))
            }
            "sqlite" => {
                let path = choice.trim_start_matches("sqlite:").trim_start_matches("//");
                let store = SqliteStore::open(path).await?;
                store.migrate().await?;
                store.spawn_sweeper(SWEEP_EVERY);
                Ok(Self::in_store("sqlite", store))
            }
            _ => Err(io::Error::other(
                "`SESSIONS_BACKEND` is invalid: expected `memory`, `signed`, `encrypted`, `redis://…`, \
                 `postgres://…` or `sqlite://…`",
            )),
        }
    }

    fn in_store<S: Store>(kind: &'static str, store: S) -> Self {
        let backend =
            ServerSide::new(store).with_call_deadline(CALL).with_request_deadline(REQUEST);
        Self {
            kind,
            any: AnyBackend::new(backend.clone()),
            tokens: Tokens::Random,
            devices: Some(Arc::new(backend)),
        }
    }
}

/// Returns the key of `SECRET_KEY`, or one in a file for development.
pub(crate) fn keys() -> io::Result<SharedKeys> {
    let key = match env::var_os("SECRET_KEY") {
        Some(_) => SecretKey::from_env("SECRET_KEY")?,
        None => SecretKey::for_development(env::temp_dir().join("sessions-lab.key"))?,
    };
    Ok(SharedKeys::new(key))
}

/// The sessions of a user on all devices, whatever the store.
pub(crate) trait Devices: Send + Sync {
    fn list(&self, owner: i64) -> LocalBoxFuture<'_, Result<Vec<OwnedSession>, OwnerError>>;
    fn end<'a>(&'a self, owner: i64, id: &'a str) -> LocalBoxFuture<'a, Result<bool, OwnerError>>;
    fn end_others<'a>(
        &'a self,
        session: &'a LabSession,
    ) -> LocalBoxFuture<'a, Result<usize, OwnerError>>;
    fn end_all(&self, owner: i64) -> LocalBoxFuture<'_, Result<usize, OwnerError>>;
}

impl<S: Store> Devices for ServerSide<S> {
    fn list(&self, owner: i64) -> LocalBoxFuture<'_, Result<Vec<OwnedSession>, OwnerError>> {
        Box::pin(self.sessions_of(owner))
    }

    fn end<'a>(&'a self, owner: i64, id: &'a str) -> LocalBoxFuture<'a, Result<bool, OwnerError>> {
        Box::pin(self.end_by_id(owner, id))
    }

    fn end_others<'a>(
        &'a self,
        session: &'a LabSession,
    ) -> LocalBoxFuture<'a, Result<usize, OwnerError>> {
        Box::pin(ServerSide::end_others(self, session))
    }

    fn end_all(&self, owner: i64) -> LocalBoxFuture<'_, Result<usize, OwnerError>> {
        Box::pin(ServerSide::end_all(self, owner))
    }
}
