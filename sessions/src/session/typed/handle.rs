//! The typed view of a session with `#[session(data = T)]`.

use std::marker::PhantomData;

use sessions_policy::OnDecodeError;

use super::{
    super::{Session, replay::Replayable},
    Diff, SessionData, Typed, read,
};
use crate::{
    dictionary::{Dictionary, Format},
    error::SessionError,
    interface::SessionInterface,
    state::SessionState,
};

/// Typed content, for interfaces with `#[session(data = T)]`.
impl<I, T> Session<I>
where
    I: SessionInterface<Content = Typed<T>>,
    T: SessionData,
{
    /// Shows the content to `look`, and returns what it returns.
    ///
    /// A field that is not stored has the value that `T::default()` gives it. One that is stored
    /// and does not parse, since another version of the program wrote it, has it as well, with a
    /// line in the log, or is an error: the policy `on_decode_error` decides.
    ///
    /// # Errors
    ///
    /// With `on_decode_error = "error"`, [`SessionError::Decode`] names the field, and
    /// [`SessionError::Data`] is for what concerns the type as a whole.
    ///
    /// # Examples
    ///
    /// ```
    /// use serde::{Deserialize, Serialize};
    /// use sessions::{Session, SessionError, SessionInterface, SignedCookie};
    ///
    /// #[derive(Default, Serialize, Deserialize)]
    /// struct Cart {
    ///     items: Vec<String>,
    /// }
    ///
    /// #[derive(Clone, SessionInterface)]
    /// #[session(data = Cart)]
    /// struct Shop {
    ///     backend: SignedCookie,
    /// }
    ///
    /// fn size(session: &Session<Shop>) -> Result<usize, SessionError> {
    ///     session.read(|cart| cart.items.len())
    /// }
    /// ```
    pub fn read<R>(&self, look: impl FnOnce(&T) -> R) -> Result<R, SessionError> {
        self.snapshot().map(|data| look(&data))
    }

    /// Returns the content as it is.
    ///
    /// # Errors
    ///
    /// Those of [`read`](Self::read).
    pub fn snapshot(&self) -> Result<T, SessionError> {
        let on_decode_error = self.on_decode_error();
        self.look(|state| read(state.dictionary(), on_decode_error))
    }

    /// Has `change` change the content, and returns what it returns. The fields that differ after
    /// it are what this request changed; a field that is no longer serialised is removed.
    ///
    /// `change` may run more than once, as [`update`](Session::update) says: it must depend on its
    /// argument alone. What is returned is what the first run returned.
    ///
    /// # Errors
    ///
    /// Those of [`read`](Self::read) and of [`insert`](Session::insert), and
    /// [`SessionError::Contended`] after 1,000 runs.
    ///
    /// # Examples
    ///
    /// ```
    /// # use serde::{Deserialize, Serialize};
    /// # use sessions::{Session, SessionError, SessionInterface, SignedCookie};
    /// # #[derive(Default, Serialize, Deserialize)]
    /// # struct Cart { items: Vec<String> }
    /// # #[derive(Clone, SessionInterface)]
    /// # #[session(data = Cart)]
    /// # struct Shop { backend: SignedCookie }
    /// fn add(session: &Session<Shop>, item: String) -> Result<usize, SessionError> {
    ///     session.modify(move |cart| {
    ///         cart.items.push(item.clone());
    ///         cart.items.len()
    ///     })
    /// }
    /// ```
    pub fn modify<R, F>(&self, change: F) -> Result<R, SessionError>
    where
        R: 'static,
        F: Fn(&mut T) -> R + Send + Sync + 'static,
    {
        let on_decode_error = self.on_decode_error();
        self.run_update(DataUpdate { change, on_decode_error, data: PhantomData })
    }

    fn on_decode_error(&self) -> OnDecodeError {
        self.slot.service.settings.on_decode_error()
    }
}

/// An update of typed content.
struct DataUpdate<T, R, F> {
    change: F,
    on_decode_error: OnDecodeError,
    data: PhantomData<fn() -> (T, R)>,
}

impl<T, R, F> Replayable for DataUpdate<T, R, F>
where
    T: SessionData,
    R: 'static,
    F: Fn(&mut T) -> R + Send + Sync + 'static,
{
    type Loaded = (Format, T);
    type Outcome = Diff;
    type Answer = R;

    fn check(&self, _state: &SessionState) -> Result<(), SessionError> {
        Ok(())
    }

    fn load(&self, dictionary: &Dictionary) -> Result<Self::Loaded, SessionError> {
        Ok((dictionary.format(), read(dictionary, self.on_decode_error)?))
    }

    fn run(&self, (format, mut data): Self::Loaded) -> Result<(Diff, R), SessionError> {
        Diff::of(&mut data, format, &self.change)
    }

    fn apply(&self, outcome: Diff, dictionary: &mut Dictionary) -> Result<(), SessionError> {
        outcome.apply(dictionary)
    }
}
