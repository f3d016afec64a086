//! The interfaces that most tests wrap, one for each way to come by a backend.

use sessions::{
    ServerSide, SessionConfig, SessionInterface, SignedCookie, backend::Backend, store::Store,
};

use crate::key;

/// An interface of any backend and configuration.
#[derive(Clone, Debug, SessionInterface)]
pub struct AppSessions<B: Backend = SignedCookie> {
    /// Keeps the sessions.
    pub backend: B,
    /// Decides the policies.
    pub config: SessionConfig,
}

impl AppSessions {
    /// Returns an interface of cookies signed with [`key`] 1.
    pub fn signed(config: SessionConfig) -> Self {
        Self { backend: SignedCookie::new(key(1)), config }
    }
}

/// An interface without a backend: the configuration's secret key signs its cookies.
#[derive(Clone, Debug, SessionInterface)]
pub struct ConfiguredSessions {
    /// Decides the policies, and has the key.
    pub config: SessionConfig,
}

/// An interface whose sessions live in a store. Its cookie is `id`, and needs no TLS.
#[derive(Clone, Debug, SessionInterface)]
#[session(cookie_name = "id", secure = false)]
pub struct StoredSessions<S: Store + Clone> {
    /// Keeps the sessions.
    pub backend: ServerSide<S>,
}

impl<S: Store + Clone> StoredSessions<S> {
    /// Returns an interface whose sessions live in this store, kept as by default.
    pub fn new(store: S) -> Self {
        Self { backend: ServerSide::new(store) }
    }
}
