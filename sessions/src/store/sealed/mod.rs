//! Records sealed at rest, in any store.

mod envelope;

use std::{fmt, sync::Arc, time::Duration};

use super::{
    CreateOutcome, DeleteIfOutcome, DeleteOutcome, Loaded, NotReady, OwnerIndex, Record, RecordKey,
    ReplaceOutcome, Revision, Store, StoreError, Touch,
};
use crate::{
    clock::Clock,
    key::SharedKeys,
    token::{
        aead::Aead,
        derived_keys::{DerivedKeyCache, FoundKeys, Salt},
    },
};

/// Another store, whose records are sealed with AES-256-GCM: an attacker who reads the database reads no
/// session.
///
/// Sealed is the content of a session, and bound to the key of its record and to everything else in
/// it: the owner, the times, the hashes of its tokens. A record that was moved to another key, given to
/// another owner, or changed in any other way opens nothing, and its client gets a new session.
///
/// A record takes a third more than its JSON and up to 66 bytes. The store must take as much:
/// [`ServerSide::with_max_payload`](crate::ServerSide::with_max_payload) counts the JSON. A call takes no
/// other calls of the store, but for one at a change of keys, below.
///
/// # Changing keys
///
/// In the three steps of [`SharedKeys`], each in all processes before the next. A record under a fallback
/// key is sealed under the current one at its next write, or with the touch that prolongs it, which then
/// takes one more call. So no record is under the fallback after `lifetime`, and
/// [`uses`](SharedKeys::uses) counts how often each key opened one.
///
/// A record under a key that is not in the ring opens nothing: its client gets a new session, the log a
/// line, and the record stays until it expires or its owner's sessions are ended.
///
/// # Sealing a store that has sessions
///
/// In three steps, each in all processes before the next, no client is logged out:
///
/// 1. `SealedStore::new(store, keys).write_unsealed()`: all can read sealed records, and none seals.
/// 2. `SealedStore::new(store, keys).accept_unsealed()`: records are sealed at their next write, or
///    with the touch that prolongs them.
/// 3. `SealedStore::new(store, keys)`, after `lifetime` at the latest: records that are not sealed open
///    nothing.
///
/// With a single process the first step may be left out. Without the others the sessions that exist end.
/// The way back is the first step, for `lifetime`, and then the store by itself.
///
/// # Security
///
/// - **An attacker who reads the database** sees hashes of tokens, when sessions began and were renewed, the length
///   of their content, and the SHA-256 of the namespace and id of their owner: ids that can be guessed
///   are found. The index of owners is not sealed.
/// - **An attacker who writes to the database** can delete sessions, prolong them up to `absolute_timeout`, hide them
///   from [`end_all`](crate::ServerSide::end_all), and put back an earlier state of the same record, one
///   that was ended included. It can neither write content nor show it to another client.
/// - **While records that are not sealed are accepted**, an attacker who writes to the database writes
///   sessions. Take the third step.
/// - Keep the keys elsewhere than the database and its backups (OWASP ASVS 5.0, 13.3.1), and use them
///   for nothing else. A leaked key must not become a fallback. A request that runs while a key is removed
///   saves what it read, under the current key.
///
/// # Examples
///
/// ```
/// use sessions::{MemoryStore, SealedStore, SecretKey, ServerSide, SessionInterface};
///
/// #[derive(Clone, SessionInterface)]
/// #[session(cookie_name = "__Host-id")]
/// struct AppSessions {
///     backend: ServerSide<SealedStore<MemoryStore>>,
/// }
///
/// let keys = SecretKey::generate(); // in production `SecretKey::from_env("STORE_KEY")?`
/// let store = SealedStore::new(MemoryStore::new(), keys);
/// AppSessions { backend: ServerSide::new(store) }.check()?;
/// # Ok::<(), sessions::error::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct SealedStore<S> {
    store: S,
    keys: SharedKeys,
    derived: Arc<DerivedKeyCache<Aead>>,
    unsealed: Unsealed,
}

/// What becomes of records that are not sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unsealed {
    Refused,
    Accepted,
    /// Accepted, and all records are written so.
    Written,
}

impl<S: Store> SealedStore<S> {
    /// Returns this store, with records that are sealed under this key, or under the current one of this
    /// ring or handle. Records that are not sealed open nothing.
    pub fn new(store: S, keys: impl Into<SharedKeys>) -> Self {
        let (keys, derived) = (keys.into(), Arc::default());
        Self { store, keys, derived, unsealed: Unsealed::Refused }
    }

    /// Opens records that are not sealed as well, and seals them when they are next written or touched:
    /// for a store that has sessions already.
    ///
    /// # Security
    ///
    /// An attacker who can write to the database can write sessions meanwhile.
    #[must_use]
    pub fn accept_unsealed(mut self) -> Self {
        self.unsealed = Unsealed::Accepted;
        self
    }

    /// Opens sealed records and others, and seals none: before other processes seal, or before all stop
    /// doing so.
    ///
    /// # Security
    ///
    /// Nothing is protected.
    #[must_use]
    pub fn write_unsealed(mut self) -> Self {
        self.unsealed = Unsealed::Written;
        self
    }

    /// Returns the handle on the keys. What it counts are records.
    pub fn keys(&self) -> &SharedKeys {
        &self.keys
    }

    /// Returns the store that keeps the sealed records.
    pub fn store(&self) -> &S {
        &self.store
    }

    fn derived(&self) -> FoundKeys<Aead> {
        let make = |key: &_, mode: &str| Aead::new(key, mode.as_bytes());
        self.derived.get(&self.keys, Salt::Custom(envelope::MODE), make)
    }

    /// Returns the record as it is to be kept.
    fn seal(&self, key: &RecordKey, record: &Record) -> Result<Record, StoreError> {
        if self.unsealed == Unsealed::Written {
            return Ok(record.clone());
        }
        let sealed = envelope::seal(self.derived().current(), key, record);
        let payload = sealed.map_err(StoreError::unavailable)?.into();
        Ok(Record { payload, ..record.clone() })
    }

    /// Opens a record in its place. Returns whether it is to be written again.
    fn open(&self, key: &RecordKey, record: &mut Record) -> Result<bool, StoreError> {
        if !record.is_sealed() {
            return match self.unsealed {
                Unsealed::Accepted => Ok(true),
                Unsealed::Written => Ok(false),
                Unsealed::Refused => {
                    Err(StoreError::Corrupt { problem: "its content is not sealed" })
                }
            };
        }
        let keys = self.derived();
        let opened = keys.find(|aead| envelope::open(aead, key, record));
        let (content, at) = opened.map_err(|_| StoreError::Corrupt {
            problem: "its seal is broken: no key of the ring opens it, or it was moved or changed",
        })?;
        keys.ring().count(at);
        record.payload = content.into();
        Ok(self.unsealed == Unsealed::Written || keys.ring().is_fallback(at))
    }

    /// Writes a record that was touched again, so that none stays under a former key for ever. Where that
    /// fails, the next touch tries again.
    async fn renew_seal(&self, key: &RecordKey, loaded: &mut Loaded) {
        let (revision, ttl) = (loaded.revision, loaded.expires_in);
        if let Ok(ReplaceOutcome::Replaced(revision)) =
            self.replace(key, revision, &loaded.record, ttl).await
        {
            loaded.revision = revision;
        }
    }
}

impl<S: Store> Store for SealedStore<S> {
    async fn create(
        &self,
        key: &RecordKey,
        record: &Record,
        ttl: Duration,
    ) -> Result<CreateOutcome, StoreError> {
        self.store.create(key, &self.seal(key, record)?, ttl).await
    }

    async fn load(
        &self,
        key: &RecordKey,
        touch: Option<Touch>,
    ) -> Result<Option<Loaded>, StoreError> {
        let Some(mut loaded) = self.store.load(key, touch).await? else { return Ok(None) };
        let is_outdated = self.open(key, Arc::make_mut(&mut loaded.record))?;
        if loaded.touched && is_outdated {
            self.renew_seal(key, &mut loaded).await;
        }
        Ok(Some(loaded))
    }

    async fn replace(
        &self,
        key: &RecordKey,
        revision: Revision,
        record: &Record,
        ttl: Duration,
    ) -> Result<ReplaceOutcome, StoreError> {
        self.store.replace(key, revision, &self.seal(key, record)?, ttl).await
    }

    async fn delete(&self, key: &RecordKey) -> Result<DeleteOutcome, StoreError> {
        self.store.delete(key).await
    }

    async fn delete_if(
        &self,
        key: &RecordKey,
        revision: Revision,
    ) -> Result<DeleteIfOutcome, StoreError> {
        self.store.delete_if(key, revision).await
    }

    fn owners(&self) -> Option<&dyn OwnerIndex> {
        self.store.owners()
    }

    fn answers_at_once(&self) -> bool {
        self.store.answers_at_once()
    }

    fn server(&self) -> Option<String> {
        self.store.server()
    }

    async fn ready(&self) -> Result<(), NotReady> {
        self.store.ready().await
    }

    fn follow(&self, clock: &Clock) -> bool {
        self.store.follow(clock)
    }
}

impl<S: fmt::Debug> fmt::Debug for SealedStore<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedStore")
            .field("store", &self.store)
            .field("keys", &self.keys)
            .field("unsealed", &self.unsealed)
            .finish_non_exhaustive()
    }
}
