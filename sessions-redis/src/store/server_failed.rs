//! The error of a server, which names it.

use std::{error::Error, fmt, sync::Arc};

use redis::RedisError;
use sessions::store::StoreError;

use super::RedisStore;
use crate::error::{advice, store_error};

impl<C> RedisStore<C> {
    /// Names the server, for the text of an error.
    pub(super) fn server_name(&self) -> &str {
        self.server.as_deref().unwrap_or("the Redis server")
    }

    pub(super) fn error(&self, err: RedisError) -> StoreError {
        let advice = advice(&err);
        let named = |source: Arc<dyn Error + Send + Sync>| {
            let server = self.server_name();
            // An attempt to connect names the server already.
            if advice.is_none() && source.to_string().contains(server) {
                return ServerFailed { server: None, advice, source };
            }
            ServerFailed { server: Some(server.into()), advice, source }
        };
        match store_error(err) {
            StoreError::Unavailable { source } => StoreError::unavailable(named(source)),
            StoreError::ReadOnly { source } => StoreError::read_only(named(source)),
            err => err,
        }
    }
}

/// The error of a server.
#[derive(Debug)]
struct ServerFailed {
    /// `None` where the source names it.
    server: Option<Box<str>>,
    /// What is the matter, and what to do.
    advice: Option<&'static str>,
    source: Arc<dyn Error + Send + Sync>,
}

impl fmt::Display for ServerFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.server, self.advice) {
            (Some(server), Some(advice)) => write!(f, "{server} {advice}"),
            (Some(server), None) => f.write_str(server),
            (None, _) => self.source.fmt(f),
        }
    }
}

impl Error for ServerFailed {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self.server {
            Some(_) => Some(&*self.source),
            None => self.source.source(),
        }
    }
}
