//! Typed content: a struct whose fields are keys of the dictionary.

mod fields;
mod handle;
mod reader;

use std::{any::type_name, fmt, marker::PhantomData};

use serde::{Serialize, de::DeserializeOwned};
use sessions_policy::OnDecodeError;

use self::fields::Fields;
use crate::{
    dictionary::{Dictionary, Format},
    error::{ConfigError, NullSession, SessionError},
    interface::SessionContent,
    state::SessionState,
};

/// What a struct must be to be the content of sessions: written and read by serde, as a JSON object
/// with named fields, and with a default for a session that holds nothing yet.
///
/// Implemented for every such type.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the content of a session",
    label = "not written, read and made by default",
    note = "add `#[derive(Default, serde::Serialize, serde::Deserialize)]`"
)]
pub trait SessionData: Serialize + DeserializeOwned + Default + Send + Sync + 'static {}

impl<T: Serialize + DeserializeOwned + Default + Send + Sync + 'static> SessionData for T {}

/// The content of an interface with `#[session(data = T)]`: a dictionary, and `T` as a view of it.
///
/// The top-level fields of `T` are keys of the dictionary, so that both views see the same session,
/// and keys that `T` does not know, written by another version of the program, stay as they are.
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
    /// Returns the content, with the default of each field that is not stored or does not parse.
    ///
    /// For policies such as `should_set_cookie`, and for tests; handlers have
    /// [`Session::snapshot`](crate::Session::snapshot).
    ///
    /// # Errors
    ///
    /// [`SessionError::Data`] when `T` cannot be the content of a session.
    pub fn snapshot(&self) -> Result<T, SessionError> {
        read(self.state.dictionary(), OnDecodeError::Default)
    }
}

/// The dictionary, whatever `T` is.
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
        let fields = Fields::of(&T::default(), Format::Json).map_err(|_| {
            wrong("it does not serialise to a JSON object; give it named fields".to_owned())
        })?;
        reader::check::<T>(&fields).map_err(wrong)
    }
}

impl<T> fmt::Debug for Typed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Typed").field("data", &type_name::<T>()).finish_non_exhaustive()
    }
}

/// Reads the fields of `T`. A field that is not there has the value that `T::default()` gives it;
/// one that does not parse has it too, or is an error.
pub(crate) fn read<T: SessionData>(
    dictionary: &Dictionary,
    on_decode_error: OnDecodeError,
) -> Result<T, SessionError> {
    reader::read(dictionary, on_decode_error)
}

/// What a closure made of typed content: keys to set, and keys to remove.
pub(crate) struct Diff {
    changes: Vec<(Box<str>, Option<String>)>,
}

impl Diff {
    /// Runs `change`, and compares the fields after it with those before it, not with what is
    /// stored: a default that was filled in is no change.
    pub(crate) fn of<T: SessionData, R>(
        data: &mut T,
        format: Format,
        change: impl FnOnce(&mut T) -> R,
    ) -> Result<(Self, R), SessionError> {
        let before = Fields::of(data, format)?;
        let result = change(data);
        let after = Fields::of(data, format)?;
        Ok((Self { changes: before.changed_to(&after) }, result))
    }

    /// Sets and removes the keys in question.
    pub(crate) fn apply(self, dictionary: &mut Dictionary) -> Result<(), SessionError> {
        for (key, json) in self.changes {
            match json {
                Some(json) => dictionary.insert_json(&key, json)?,
                None => {
                    dictionary.remove(&key);
                }
            }
        }
        Ok(())
    }
}
