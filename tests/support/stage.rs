//! Several hosts on one store, under a clock that a test sets: for what must hold on every store.

use std::sync::atomic::{AtomicU32, Ordering};

use sessions::{
    ServerSide, SessionConfig,
    policy::CookieName,
    store::{OwnerKey, Store},
    test::{FaultStore, TestClock, store::owner_key_in},
};

use crate::{TimedStore, in_memory::Fixture};

/// The store of a [`Stage`].
pub type Staged<S> = FaultStore<TimedStore<S>>;

/// A store, and what its hosts have in common.
#[derive(Debug)]
pub struct Stage<S: Store> {
    /// The store, which fails and waits on command.
    pub store: Staged<S>,
    /// The store's clock, and the hosts' that have no other.
    pub time: TestClock,
    namespace: String,
}

impl<S: Store> Stage<S> {
    /// Returns a stage on this store. Others may use it at the same time.
    pub fn new(store: S) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let time = TestClock::new();
        let store = FaultStore::new(TimedStore::new(store, time.clone()));
        Self { store, time, namespace: format!("{}-{number}", std::process::id()) }
    }

    /// Returns a host: an interface and a queue of writers of its own.
    pub fn host(&self) -> Fixture<Staged<S>> {
        self.host_with(SessionConfig::new())
    }

    /// Returns a host with this configuration.
    pub fn host_with(&self, config: SessionConfig) -> Fixture<Staged<S>> {
        self.host_at(config, self.time.clone())
    }

    /// Returns a host whose backend is changed from its defaults.
    pub fn host_changed(
        &self,
        change: impl FnOnce(ServerSide<Staged<S>>) -> ServerSide<Staged<S>>,
    ) -> Fixture<Staged<S>> {
        let Fixture { kept, time, .. } = self.host();
        let config = SessionConfig::new().cookie_name(CookieName::from_static("id"));
        Fixture::of(change(kept.backend), config, time)
    }

    /// Returns a host with this configuration and a clock of its own.
    pub fn host_at(&self, config: SessionConfig, time: TestClock) -> Fixture<Staged<S>> {
        self.named("id", config, time)
    }

    /// Returns a host whose cookie has this name.
    pub fn named(
        &self,
        cookie: &'static str,
        config: SessionConfig,
        time: TestClock,
    ) -> Fixture<Staged<S>> {
        let backend = ServerSide::new(self.store.clone());
        let backend = backend.with_owner_namespace(self.namespace.as_str());
        Fixture::of(backend, config.cookie_name(CookieName::from_static(cookie)), time)
    }

    /// Returns the key of an owner of this stage.
    pub fn owner(&self, id: &str) -> OwnerKey {
        owner_key_in(&self.namespace, id)
    }
}
