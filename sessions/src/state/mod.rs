//! The session object: its dictionary, and its state besides the keys.

mod cookies_seen;
mod extensions;
mod lifecycle;
mod lifetimes;
mod limits;
mod login;
mod meta;
#[cfg(feature = "import-actix-session")]
mod takeover;

use std::{fmt, sync::Arc};

use serde::{Serialize, de::DeserializeOwned};

use self::meta::SessionMeta;
pub(crate) use self::{
    cookies_seen::{CookiesSeen, seal_member},
    limits::{MAX_KEYS, OwnKeys},
    meta::Adopted,
};
pub use self::{
    extensions::Extensions,
    meta::{PurgeOutcome, SessionStatus},
};
use crate::{
    dictionary::{ChangeSet, Dictionary, Discarded, Encoder, Format, Member, Payload, Replay},
    error::{DecodeError, NullSession, SaveError, SessionError, ValueError},
};

/// The key that holds whether a session is permanent, as in Flask.
const PERMANENT: &str = "_permanent";
/// The key of the session's start: written by the framework, shown by no accessor.
const STARTED: &str = "_started";
/// The key of the login time, in microseconds since 1970: written for backends that can end an
/// owner's sessions, shown by no accessor.
const OWNER_SINCE: &str = "_owner_since";
/// The key of a token's number among those of one second: written for sessions that live in their
/// cookie, shown by no accessor.
const SEAL: &str = "_seal";
/// The keys that no accessor shows.
const HIDDEN: [&str; 3] = [STARTED, OWNER_SINCE, SEAL];
/// The key of a remembered session: readable like any other, written by `set_remembered` and
/// `set_owner` only.
const REMEMBERED: &str = "_remembered";
/// The key of a session's own timeouts: readable like any other, written by `set_lifetimes` and `set_owner`
/// only.
const LIFETIMES: &str = "_lifetimes";
/// The key of messages for the next page, as in Flask.
pub(crate) const FLASHES: &str = "_flashes";
/// The key of the owner's id: readable like any other, written by `set_owner` only.
pub(crate) const OWNER: &str = "_owner";
/// The key of the note about a login: readable like any other, written together with the owner only.
pub(crate) const LOGIN: &str = "_login";

/// The session object that most interfaces use: keys with values, and whether the session is new,
/// permanent, renewed, rotated, purged or logged in.
///
/// Backends and interfaces build it when they open a session and read it when they save it.
/// Handlers use it through [`Session`](crate::Session), which also marks it as accessed; the
/// methods here do not.
///
/// Values are parsed when they are read. Setting a value that a key already has is not a change.
///
/// # Examples
///
/// ```
/// use sessions::SessionState;
///
/// let mut state = SessionState::from_json(r#"{"visits":1}"#)?;
/// state.insert("visits", &1)?;
/// assert!(!state.is_modified());
/// state.insert("visits", &2)?;
/// assert!(state.is_modified());
/// assert_eq!(state.to_json(), r#"{"visits":2}"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Default)]
pub struct SessionState {
    /// Boxed, since a session moves through the futures of every layer.
    inner: Box<Inner>,
}

#[derive(Default)]
struct Inner {
    dictionary: Dictionary,
    meta: SessionMeta,
}

/// # Opening and saving
impl SessionState {
    /// Returns an empty state: a new session.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the state of a null session: reads find nothing, every write is an error.
    pub fn null(null: NullSession) -> Self {
        Self::with(Dictionary::default(), SessionMeta::null(null))
    }

    /// Parses a saved session: one JSON object.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] when the text is not one JSON object, nests deeper than 127 levels inside a
    /// value, or is 4 GiB long.
    pub fn from_json(json: impl Into<String>) -> Result<Self, DecodeError> {
        Self::open(Payload::Own(json.into()))
    }

    /// Like [`from_json`](Self::from_json), for a shared text.
    pub(crate) fn from_shared(json: Arc<str>) -> Result<Self, DecodeError> {
        Self::open(Payload::Shared(json))
    }

    fn open(payload: Payload) -> Result<Self, DecodeError> {
        let mut state = Self::new();
        state.inner.dictionary.open(payload)?;
        state.inner.meta.opened = true;
        Ok(state)
    }

    fn with(dictionary: Dictionary, meta: SessionMeta) -> Self {
        Self { inner: Box::new(Inner { dictionary, meta }) }
    }

    /// Returns the session as a JSON object, with keys sorted by code point and no white space
    /// between members.
    pub fn to_json(&self) -> String {
        self.inner.dictionary.to_json()
    }

    /// Sets the format in which values are written and read.
    pub(crate) fn in_format(mut self, format: Format) -> Self {
        self.inner.dictionary.set_format(format);
        self
    }

    /// Returns what writes values in the format of the session and within its limits.
    pub(crate) fn encoder(&self) -> Encoder {
        self.inner.dictionary.encoder()
    }

    pub(crate) fn format(&self) -> Format {
        self.inner.dictionary.format()
    }

    /// Returns the keys and values, the framework's own included.
    pub(crate) fn dictionary(&self) -> &Dictionary {
        &self.inner.dictionary
    }

    /// Returns the data that backends attached to this session.
    pub fn extensions(&self) -> &Extensions {
        &self.inner.meta.extensions
    }

    /// Returns the data that backends attach to this session when they open it, and read when they
    /// save it. A [`purge`](Self::purge) keeps it.
    pub fn extensions_mut(&mut self) -> &mut Extensions {
        &mut self.inner.meta.extensions
    }
}

/// # Keys and values
impl SessionState {
    /// Returns the value under `key`, or `None` when there is none.
    ///
    /// # Errors
    ///
    /// [`SessionError::Decode`] when the value does not deserialise as `T`.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, SessionError> {
        self.raw(key).map(|json| self.format().decode(key, json)).transpose()
    }

    /// Returns the JSON text of the value under `key`.
    pub fn raw(&self, key: &str) -> Option<&str> {
        if is_hidden(key) { None } else { self.inner.dictionary.raw(key) }
    }

    /// Whether there is a value under `key`.
    pub fn contains_key(&self, key: &str) -> bool {
        self.raw(key).is_some()
    }

    /// Returns the keys and the JSON text of their values, sorted by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.inner.dictionary.members().filter(|(key, _)| !is_hidden(key))
    }

    /// Returns the number of keys.
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// Whether there are no keys.
    // Out of line, since it is asked in several places of each request.
    #[inline(never)]
    pub fn is_empty(&self) -> bool {
        let dictionary = &self.inner.dictionary;
        dictionary.len() <= HIDDEN.len() && !dictionary.has_any(|key| !is_hidden(key))
    }

    /// Whether there is nothing but messages for the next page.
    pub(crate) fn holds_only_flashes(&self) -> bool {
        self.iter().all(|(key, _)| key == FLASHES)
            && self.inner.dictionary.surrogate_members().next().is_none()
    }

    /// Sets `key` to `value`.
    ///
    /// # Errors
    ///
    /// [`SessionError::Null`] in a null session, [`SessionError::Encode`] when the value cannot be
    /// written as JSON, nests deeper than 127 levels or announces no elements and writes some,
    /// [`SessionError::TooLarge`],
    /// [`SessionError::ReservedKey`] for `_started`, `_owner`, `_owner_since`, `_login`, `_remembered`,
    /// `_lifetimes` and `_seal`.
    pub fn insert<T: Serialize + ?Sized>(
        &mut self,
        key: &str,
        value: &T,
    ) -> Result<(), SessionError> {
        self.insert_member(key, self.encoder().member(key, value)?)
    }

    /// Sets `key` to the value of a JSON text that another program wrote.
    #[cfg(feature = "import-actix-session")]
    pub(crate) fn insert_json(&mut self, key: &str, json: String) -> Result<(), SessionError> {
        self.check_writable(key)?;
        self.reserve_beside(key, &json);
        self.inner.dictionary.insert_json(key, json)
    }

    /// Sets `key` to the value of this member, which an encoder wrote for the same key.
    pub(crate) fn insert_member(&mut self, key: &str, member: Member) -> Result<(), SessionError> {
        self.check_writable(key)?;
        self.reserve_beside(key, member.value());
        self.inner.dictionary.insert(key, member)
    }

    /// Removes `key`; returns whether there was a value.
    ///
    /// # Errors
    ///
    /// [`SessionError::Null`] in a null session, [`SessionError::ReservedKey`] for `_started`,
    /// `_owner`, `_owner_since`, `_login`, `_remembered`, `_lifetimes` and `_seal`.
    pub fn remove(&mut self, key: &str) -> Result<bool, SessionError> {
        self.check_writable(key)?;
        self.inner.dictionary.remove(key)
    }

    /// Sets `key` to the value of this JSON text unless it has one: on a newer state the first value
    /// stays.
    pub(crate) fn insert_first(&mut self, key: &str, json: String) -> Result<(), SessionError> {
        self.check_writable(key)?;
        self.reserve_beside(key, &json);
        self.inner.dictionary.insert_first(key, json)
    }

    /// Removes `key` if it has this very JSON text, which a newer state must have too. Returns whether
    /// it had.
    pub(crate) fn take_json(&mut self, key: &str, json: &str) -> Result<bool, SessionError> {
        self.check_writable(key)?;
        let is_there = self.inner.dictionary.raw(key) == Some(json);
        if is_there {
            self.inner.dictionary.take(key)?;
        }
        Ok(is_there)
    }

    /// Sets several keys to JSON texts: all of them, or none when one cannot be set.
    pub(crate) fn insert_all(
        &mut self,
        members: impl IntoIterator<Item = (Box<str>, String)>,
    ) -> Result<(), SessionError> {
        let members: Vec<_> = members.into_iter().map(|(key, json)| (key, Some(json))).collect();
        self.inner.meta.check_writable()?;
        members.iter().try_for_each(|(key, _)| check_not_reserved(key))?;
        self.reserve();
        self.inner.dictionary.insert_all(members)
    }

    /// Appends an element to the list under `key`.
    pub(crate) fn append(
        &mut self,
        key: &str,
        element: impl FnOnce(Format) -> String,
    ) -> Result<(), SessionError> {
        self.check_writable(key)?;
        self.reserve();
        let element = element(self.format());
        let no_list = |key: &str| {
            let source = ValueError::new("it is not a list");
            SessionError::Decode { key: key.into(), source }
        };
        let replay: Replay = {
            let (key, element) = (Box::<str>::from(key), element.clone());
            Arc::new(move |dictionary| {
                let is_list = dictionary.append_untracked(&key, &element);
                if is_list { Ok(()) } else { Err(no_list(&key)) }
            })
        };
        let is_list = self.inner.dictionary.append(key, &element, replay)?;
        if is_list { Ok(()) } else { Err(no_list(key)) }
    }

    /// Removes every key.
    ///
    /// # Errors
    ///
    /// [`SessionError::Null`] in a null session.
    pub fn clear(&mut self) -> Result<(), SessionError> {
        self.inner.meta.check_writable()?;
        let hidden = HIDDEN.iter().filter(|key| self.inner.dictionary.raw(key).is_some()).count();
        if self.inner.dictionary.len() == hidden {
            return self.inner.dictionary.clear_nothing();
        }
        self.inner.dictionary.clear(is_hidden)
    }

    /// Returns the key that takes the most room in the payload.
    pub(crate) fn largest_key(&self) -> Option<&str> {
        self.iter().max_by_key(|(key, value)| key.len() + value.len()).map(|(key, _)| key)
    }

    /// Fails when a handler is not allowed to write this key.
    pub(crate) fn check_writable(&self, key: &str) -> Result<(), SessionError> {
        self.inner.meta.check_writable()?;
        check_not_reserved(key)
    }
}

/// # The change set
impl SessionState {
    /// Starts to record the change set. For a backend whose store may hold a newer state when this
    /// session is saved; other backends avoid the cost.
    pub fn keep_changes(&mut self) {
        self.inner.dictionary.keep_changes();
    }

    /// Returns the changes since [`keep_changes`](Self::keep_changes), or `None` without that call.
    pub fn changes(&self) -> Option<&ChangeSet> {
        self.inner.dictionary.changes()
    }

    /// Whether this request took a value that it had not set itself.
    pub(crate) fn is_conditional(&self) -> bool {
        self.changes().is_some_and(ChangeSet::is_conditional)
    }

    /// Returns what changes discarded, to be dropped without the session's lock.
    pub(crate) fn take_discarded(&mut self) -> Discarded {
        self.inner.dictionary.take_discarded()
    }

    /// Whether a change is recorded.
    pub(crate) fn holds_changes(&mut self) -> bool {
        self.inner.dictionary.holds_changes()
    }

    /// Drops the closures of the change set.
    pub(crate) fn release_closures(&self) {
        if let Some(changes) = self.changes() {
            changes.release();
        }
    }

    /// Applies the outcome of a closure that ran on the state of `revision`, and records `replay` with
    /// the key that it concerns.
    /// Returns `false` and does nothing if the session has changed since that revision.
    pub(crate) fn update_at(
        &mut self,
        revision: u64,
        outcome: impl FnOnce(&mut Dictionary) -> Result<(), SessionError>,
        replay: Option<(Option<Box<str>>, Replay)>,
    ) -> Result<bool, SessionError> {
        self.inner.meta.check_writable()?;
        self.reserve();
        self.inner.dictionary.update_at(revision, outcome, replay)
    }
}

impl ChangeSet {
    /// Applies the changes to a newer state of the session: repeats sets and removals, runs the
    /// closures of `update` again, lets a `clear` remove only what no other request has changed, and
    /// a `get_or_insert_with` set only what no other request has set.
    ///
    /// After an error `newer` holds a part of the changes and must not be saved.
    ///
    /// # Errors
    ///
    /// [`SaveError::Superseded`] when another request took or changed a value that this one took;
    /// [`SaveError::Internal`] when `newer` is a null session, and for the errors of the closures, for
    /// example for a value whose type another request changed.
    pub fn apply_to(&self, newer: &mut SessionState) -> Result<(), SaveError> {
        newer.inner.meta.check_writable().map_err(SaveError::internal)?;
        self.replay(&mut newer.inner.dictionary)
    }
}

impl fmt::Debug for SessionState {
    /// Shows the number of keys, but neither keys nor values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionState")
            .field("len", &self.len())
            .field("new", &self.is_new())
            .field("modified", &self.is_modified())
            .finish_non_exhaustive()
    }
}

/// Fails for a key that the framework alone writes.
pub(crate) fn check_not_reserved(key: &str) -> Result<(), SessionError> {
    if is_hidden(key) || [OWNER, LOGIN, REMEMBERED, LIFETIMES].contains(&key) {
        return Err(SessionError::ReservedKey { key: key.into() });
    }
    Ok(())
}

/// Whether no accessor shows this key.
pub(crate) fn is_hidden(key: &str) -> bool {
    // Most keys are the application's.
    key.starts_with('_') && HIDDEN.contains(&key)
}
