//! Where server-side sessions are kept: the contract of a store, and [`MemoryStore`].
//!
//! A store keeps *records* under *keys*, each for a time. It knows neither cookies nor tokens: a
//! key is the SHA-256 of half of a token, and a record holds the SHA-256 of the other half, so that
//! a dump of the store opens no session. Both hashes cover the cookie's name or salt: a token opens in
//! its own interface only, also where interfaces share a store. Five operations, each one atomic step, are all that
//! [`ServerSide`](crate::ServerSide) needs.
//!
//! # Writing a store
//!
//! Implement [`Store`] with `async fn`s. A store that keeps bytes writes [`Record::to_bytes`] and reads
//! [`Record::from_bytes`]; beside them it keeps a [`Revision`] that it raises with each write, and the
//! time the record expires. Then run the conformance suite, which is public under the feature `test`:
//! `sessions::test::store::conformance(MyStore::new()).await`. The example `custom_store` is a store of
//! about a hundred lines.
//!
//! The suite checks what a store must get right:
//!
//! - `create` never overwrites, and says which of the two happened.
//! - `replace` and `delete_if` compare the revision and act in one step, and never bring back a record
//!   that was deleted: of two clients that replace one revision, one does. Who may write is decided by
//!   the framework, on the record of that revision.
//! - A revision is never used twice for a key, not after `delete` and `create` either, nor after the
//!   record has expired: a later state has a greater one ([`Revision::first`]).
//! - `load` writes nothing but the expiry, so that a full store still reads.
//! - A record that has expired is not there.
//! - All times are of one clock, the store's, which never goes back. `load` tells its present, and so do
//!   the calls of the index.
//!
//! And where it has an index of owners ([`OwnerIndex`]):
//!
//! - An entry lives for at least as long as it was added for: adding it again with less time, or adding
//!   others, does not shorten it.
//! - Each end has its own moment, which is the store's present, and answers the one before. The moment
//!   is kept for the longest of the times it was given.
//! - `add` tells the last moment in the step that adds, so that a login and the end of all do not miss
//!   each other.
//!
//! `sessions::test::store::conformance_when_full` checks that on a full store sessions can be read and
//! ended: `delete`, `delete_if`, `end_before` and `remove` need no room. A store that writes there first
//! makes room, or keeps some.

mod key;
mod lifetimes;
mod memory;
mod owner_index;
mod record;
mod record_text;
mod rights;
mod sealed;
mod standing;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

pub(crate) use self::{
    key::{KeyMap, Purpose},
    lifetimes::OwnLifetimes,
    record::Owner,
    rights::{Epoch, VerifierHash},
    standing::Standing,
};
pub use self::{
    key::{OwnerKey, RecordKey},
    lifetimes::Lifetimes,
    memory::MemoryStore,
    owner_index::{BoxFuture, Ended, OwnerIndex, OwnerState, Timestamp},
    record::Record,
    sealed::SealedStore,
};
use crate::clock::Clock;
pub use crate::error::{NotReady, StoreError};

/// Keeps the records of server-side sessions.
///
/// Every operation is one atomic step. The caller gives each a deadline, and drops the future when
/// it has passed: an operation is then done or not done, never half done. A store need not retry,
/// nor hide that it is down: it answers with a [`StoreError`] that says what failed.
///
/// # Security
///
/// The store never sees a token, and must not log keys or records.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a session store",
    label = "does not keep records of sessions",
    note = "a store is `MemoryStore`, one of the crates `sessions-redis` and `sessions-sqlx`, or a type of your own that implements `sessions::store::Store`"
)]
pub trait Store: Send + Sync + 'static {
    /// Keeps `record` under `key` for `ttl`, unless there is a record. Its revision is greater than
    /// those of the records that were under the key before.
    ///
    /// # Errors
    ///
    /// [`StoreError::Full`] when there is no room. Records that have not expired are never evicted.
    /// [`StoreError`] when it is not known whether the record is kept.
    fn create(
        &self,
        key: &RecordKey,
        record: &Record,
        ttl: Duration,
    ) -> impl Future<Output = Result<CreateOutcome, StoreError>> + Send;

    /// Returns the record under `key`, or `None` when there is none or it has expired. Where `touch`
    /// is due ([`Touch::is_due`]), the record's time starts again in the same round trip; nothing else is
    /// written, and the revision stays.
    ///
    /// # Errors
    ///
    /// [`StoreError::Corrupt`] when what is kept under the key is not a record. A touch that is refused,
    /// as on a replica, is not an error: [`Loaded::touched`] is then false.
    fn load(
        &self,
        key: &RecordKey,
        touch: Option<Touch>,
    ) -> impl Future<Output = Result<Option<Loaded>, StoreError>> + Send;

    /// Keeps `record` for `ttl` in place of the one that has this revision, and gives it a greater one.
    ///
    /// # Errors
    ///
    /// [`StoreError::Full`] when there is no room; the old record is then as it was.
    /// [`StoreError`] when it is not known which of the two is kept.
    fn replace(
        &self,
        key: &RecordKey,
        revision: Revision,
        record: &Record,
        ttl: Duration,
    ) -> impl Future<Output = Result<ReplaceOutcome, StoreError>> + Send;

    /// Deletes the record under `key`, whatever its revision. Works on a full store.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when it is not known whether the record is deleted.
    fn delete(
        &self,
        key: &RecordKey,
    ) -> impl Future<Output = Result<DeleteOutcome, StoreError>> + Send;

    /// Deletes the record under `key` if it has this revision. Works on a full store.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when it is not known whether the record is deleted.
    fn delete_if(
        &self,
        key: &RecordKey,
        revision: Revision,
    ) -> impl Future<Output = Result<DeleteIfOutcome, StoreError>> + Send;

    /// Returns the index of sessions by owner, for stores that have one. Without it an owner's
    /// sessions can neither be listed nor be ended together. Defaults to `None`.
    fn owners(&self) -> Option<&dyn OwnerIndex> {
        None
    }

    /// Whether the futures of `create`, `load`, `replace`, `delete` and `delete_if` are ready when they are
    /// first polled, as in a store in the memory of this process. Requests then open and save their
    /// sessions without what it takes to wait. A store around another one that adds no waiting asks that
    /// one. Defaults to `false`.
    ///
    /// A write that waits nevertheless fails its request with
    /// [`SaveError::Internal`](crate::error::SaveError::Internal), since it may be done or not.
    /// `sessions::test::store::conformance` checks the claim.
    fn answers_at_once(&self) -> bool {
        false
    }

    /// Returns which server this is, for messages: its kind, host and port, and no secret, such as `Redis
    /// at redis.internal:6379`. A store around another one asks that one. Defaults to `None`.
    fn server(&self) -> Option<String> {
        None
    }

    /// Asks the server whether it serves sessions now, for a health check or a `main` that must not start
    /// without it. The backend sets the deadline. Defaults to reading a record that is not there; a store
    /// that knows of more, such as missing rights or a server that evicts, says so here. A store around
    /// another one asks that one.
    ///
    /// # Errors
    ///
    /// [`NotReady`], with the server and the reason.
    fn ready(&self) -> impl Future<Output = Result<(), NotReady>> + Send {
        async {
            match self.load(&RecordKey::from_bytes([0; 32]), None).await {
                Ok(_) | Err(StoreError::Corrupt { .. } | StoreError::NewerFormat { .. }) => Ok(()),
                Err(err) => Err(NotReady::from(err)),
            }
        }
    }

    /// Takes the time from a test's clock, and returns whether it does. A backend asks when its
    /// middleware has [a clock of its own](crate::SessionMiddleware::with_clock), so that records
    /// expire when the test moves it. A store around another one asks that one. Defaults to `false`:
    /// the store has its own time, and the log has a warning.
    fn follow(&self, _clock: &Clock) -> bool {
        false
    }
}

/// The result of [`Store::create`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CreateOutcome {
    /// The record is kept, with this revision.
    Created(Revision),
    /// There is a record under this key. It is unchanged.
    Exists,
}

/// The result of [`Store::replace`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplaceOutcome {
    /// The record is replaced; this is its revision.
    Replaced(Revision),
    /// The record has another revision, and is unchanged: a later state of it, or its successor.
    Conflict,
    /// There is no record under this key, and there still is none.
    Gone,
}

/// The result of [`Store::delete`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeleteOutcome {
    /// The record is deleted.
    Deleted,
    /// There was no record.
    Absent,
}

/// The result of [`Store::delete_if`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeleteIfOutcome {
    /// The record is deleted.
    Deleted,
    /// The record has another revision. It is unchanged.
    Conflict,
    /// There was no record.
    Gone,
}

/// A record as a store returns it.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The record. A store in memory shares it with its callers; any other wraps what it has read: `record.into()`.
    pub record: Arc<Record>,
    /// Its revision, for [`Store::replace`] and [`Store::delete_if`].
    pub revision: Revision,
    /// How long it will be kept from `now` on, by the store's clock: after a touch, the time of the
    /// touch.
    pub expires_in: Duration,
    /// Whether this `load` started its time again.
    pub touched: bool,
    /// The present, by the store's clock: in microseconds, or as exact as the clock is. Not earlier than
    /// what the store has told before.
    pub now: Timestamp,
}

/// The state of a record: a number that the store raises with every [`replace`](Store::replace).
///
/// It is never used twice for a key, and a record that is created after another was deleted, or has
/// expired, starts with a greater one: a write that was decided on the former record must not replace
/// its successor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Revision(u64);

impl Revision {
    /// Returns a revision for a record that is created: the time in microseconds since 1970, greater
    /// than every one that this process has got before.
    ///
    /// For stores of one process that count on from it with [`next`](Self::next), and whose `replace`
    /// takes a microsecond or more. A store that has a counter of its own, or that several hosts write
    /// to, takes the number there.
    pub fn first() -> Self {
        static LAST: AtomicU64 = AtomicU64::new(0);
        let now = Timestamp::of(SystemTime::now()).get();
        let next = |last: u64| now.max(last.saturating_add(1));
        let update =
            LAST.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(next(last)));
        Self(update.map_or_else(|last| last, next))
    }

    /// Takes the number that a store kept.
    pub fn new(number: u64) -> Self {
        Self(number)
    }

    /// Returns the number to keep.
    pub fn get(self) -> u64 {
        self.0
    }

    /// Returns the revision after this one, for stores that count.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }
}

/// When [`Store::load`] starts a record's time again, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Touch {
    /// The time a record has after a use.
    pub ttl: Duration,
    /// How much of it must have passed before a use is noted.
    pub interval: Duration,
}

impl Touch {
    /// Whether to touch a record that will be kept for `remaining`: when the interval has passed.
    ///
    /// A touch never shortens the time of a record: two versions of an application with other timeouts
    /// would undo each other's touches with every request.
    pub fn is_due(&self, remaining: Duration) -> bool {
        remaining.saturating_add(self.interval) <= self.ttl
    }
}

/// A store shared by several backends.
impl<S: Store> Store for Arc<S> {
    fn create(
        &self,
        key: &RecordKey,
        record: &Record,
        ttl: Duration,
    ) -> impl Future<Output = Result<CreateOutcome, StoreError>> + Send {
        S::create(self, key, record, ttl)
    }

    fn load(
        &self,
        key: &RecordKey,
        touch: Option<Touch>,
    ) -> impl Future<Output = Result<Option<Loaded>, StoreError>> + Send {
        S::load(self, key, touch)
    }

    fn replace(
        &self,
        key: &RecordKey,
        revision: Revision,
        record: &Record,
        ttl: Duration,
    ) -> impl Future<Output = Result<ReplaceOutcome, StoreError>> + Send {
        S::replace(self, key, revision, record, ttl)
    }

    fn delete(
        &self,
        key: &RecordKey,
    ) -> impl Future<Output = Result<DeleteOutcome, StoreError>> + Send {
        S::delete(self, key)
    }

    fn delete_if(
        &self,
        key: &RecordKey,
        revision: Revision,
    ) -> impl Future<Output = Result<DeleteIfOutcome, StoreError>> + Send {
        S::delete_if(self, key, revision)
    }

    fn owners(&self) -> Option<&dyn OwnerIndex> {
        S::owners(self)
    }

    fn answers_at_once(&self) -> bool {
        S::answers_at_once(self)
    }

    fn server(&self) -> Option<String> {
        S::server(self)
    }

    fn ready(&self) -> impl Future<Output = Result<(), NotReady>> + Send {
        S::ready(self)
    }

    fn follow(&self, clock: &Clock) -> bool {
        S::follow(self, clock)
    }
}
