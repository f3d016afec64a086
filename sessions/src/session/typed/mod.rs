//! Typed content: a struct whose fields are keys of the dictionary.

mod fields;
mod handle;
mod reader;
mod snapshot;
mod unwritable;

use std::{any::type_name, fmt, marker::PhantomData};

use serde::{Serialize, de::DeserializeOwned};
use sessions_policy::OnDecodeError;

pub use self::handle::TypedContent;
use self::{fields::Fields, snapshot::Snapshot};
use crate::{
    dictionary::{Dictionary, Format},
    error::{ConfigError, NullSession, SessionError},
    interface::SessionContent,
    state::{SessionState, check_not_reserved},
};

/// A type that can be the content of sessions: a struct with named fields that serde writes as a
/// JSON object and reads, with a default for an empty session.
///
/// A field that its default is written without, as `skip_serializing_if` does, needs `#[serde(default)]` on
/// the struct; the start of the service fails otherwise, as it does for `#[serde(flatten)]` and for names
/// that begin with `_`.
///
/// Implemented for every such type.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the content of a session",
    label = "needs `Default`, `Serialize` and `DeserializeOwned`",
    note = "add `#[derive(Default, serde::Serialize, serde::Deserialize)]`"
)]
pub trait SessionData: Serialize + DeserializeOwned + Default + Send + Sync + 'static {}

impl<T: Serialize + DeserializeOwned + Default + Send + Sync + 'static> SessionData for T {}

/// The content of an interface with `#[session(data = T)]`: a dictionary with `T` as a view of it.
///
/// The top-level fields of `T` are keys of the dictionary, so both views show the same session.
/// Keys that `T` does not know, for example from another version of the program, are kept.
pub struct Typed<T> {
    state: SessionState,
    data: PhantomData<fn() -> T>,
}

impl<T> From<SessionState> for Typed<T> {
    fn from(state: SessionState) -> Self {
        Self { state, data: PhantomData }
    }
}

impl<T: SessionData> Typed<T> {
    /// Returns the content; a field that is not stored or does not parse has its default.
    ///
    /// For policies such as `should_set_cookie`, and for tests. Handlers call
    /// [`Session::snapshot`](crate::Session::snapshot).
    ///
    /// # Errors
    ///
    /// [`SessionError::Data`] when `T` cannot be the content of a session.
    pub fn snapshot(&self) -> Result<T, SessionError> {
        let fields = snapshot::field_names::<T>();
        read(&Snapshot::of(self.state.dictionary(), fields), OnDecodeError::Default)
    }
}

/// Returns the dictionary.
impl<T> AsRef<SessionState> for Typed<T> {
    fn as_ref(&self) -> &SessionState {
        &self.state
    }
}

impl<T: SessionData> SessionContent for Typed<T> {
    fn null(null: NullSession) -> Self {
        SessionState::null(null).into()
    }

    fn state(&self) -> &SessionState {
        &self.state
    }

    fn state_mut(&mut self) -> &mut SessionState {
        &mut self.state
    }

    fn check() -> Result<(), ConfigError> {
        let wrong = |problem| ConfigError::Data { data: type_name::<T>(), problem };
        let fields = Fields::of(&T::default(), Format::Json).map_err(|err| {
            wrong(match err {
                SessionError::Encode { key, source } => {
                    format!("the default of its field `{key}` cannot be written: {source}")
                }
                _ => "it does not serialise to a JSON object; give it named fields".to_owned(),
            })
        })?;
        reader::check::<T>(fields).map_err(wrong)
    }
}

impl<T> fmt::Debug for Typed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Typed").field("data", &type_name::<T>()).finish_non_exhaustive()
    }
}

/// Reads the fields of `T`. A field that is not stored has its default; one that does not parse has
/// its default or is an error.
pub(crate) fn read<T: SessionData>(
    snapshot: &Snapshot,
    on_decode_error: OnDecodeError,
) -> Result<T, SessionError> {
    reader::read(snapshot, on_decode_error)
}

/// The changes that a closure made to typed content: keys to set, and keys to remove.
pub(crate) struct Diff {
    changes: Vec<(Box<str>, Option<String>)>,
}

impl Diff {
    /// Runs `change` and compares the fields after it with those before it. They are not compared
    /// with what is stored: a filled-in default is not a change.
    pub(crate) fn of<T: SessionData, R>(
        data: &mut T,
        format: Format,
        change: impl FnOnce(&mut T) -> R,
    ) -> Result<(Self, R), SessionError> {
        let before = Fields::of(data, format)?;
        let result = change(data);
        let after = Fields::of(data, format)?;
        let changes = before.changed_to(&after);
        changes.iter().try_for_each(|(key, _)| check_not_reserved(key))?;
        Ok((Self { changes }, result))
    }

    /// Sets and removes the changed keys.
    pub(crate) fn apply(self, dictionary: &mut Dictionary) -> Result<(), SessionError> {
        dictionary.insert_all(self.changes)
    }
}
