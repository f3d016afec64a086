//! Reading and changing typed content through [`Session`].

use std::marker::PhantomData;

use sessions_policy::OnDecodeError;

use super::{
    super::{
        Session, SessionSelector, replay::Replayable, selector::sealed::SessionSelector as Selects,
    },
    Diff, SessionData, Snapshot, Typed, read,
    snapshot::field_names,
};
use crate::{dictionary::Dictionary, error::SessionError, state::SessionState};

/// Content with a type: that of interfaces with `#[session(data = T)]`.
#[diagnostic::on_unimplemented(
    message = "this session has no typed content",
    label = "the type of the content is not known here",
    note = "write the interface in the handler's argument, `Session<Shop>` for example: a plain `Session` is \
            that of any interface",
    note = "the interface says the type of its content: `#[session(data = Cart)]`"
)]
pub trait TypedContent {
    /// The type of `#[session(data = …)]`.
    type Data: SessionData;
}

impl<T: SessionData> TypedContent for Typed<T> {
    type Data = T;
}

/// The type of the content of a session.
type Data<I> = <<I as Selects>::Content as TypedContent>::Data;

/// # Typed content, for interfaces with `#[session(data = T)]`
impl<I: SessionSelector> Session<I> {
    /// Passes the content to `look` and returns its result.
    ///
    /// A field that is not stored has its value from `T::default()`; one that `skip_serializing_if` leaves out
    /// of the default [needs `#[serde(default)]`](crate::session::SessionData). A field that does not parse, for
    /// example because another version of the program wrote it, follows the policy
    /// `on_decode_error`: it has its default, with a line in the log, or it is an error.
    ///
    /// # Errors
    ///
    /// With `on_decode_error = "error"`: [`SessionError::Decode`], which names the field, and
    /// [`SessionError::Data`] when the type as a whole cannot be read.
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
    pub fn read<R>(&self, look: impl FnOnce(&Data<I>) -> R) -> Result<R, SessionError>
    where
        I::Content: TypedContent,
    {
        self.snapshot().map(|data| look(&data))
    }

    /// Returns a copy of the content.
    ///
    /// # Errors
    ///
    /// Those of [`read`](Self::read).
    pub fn snapshot(&self) -> Result<Data<I>, SessionError>
    where
        I::Content: TypedContent,
    {
        let on_decode_error = self.on_decode_error();
        let fields = field_names::<Data<I>>();
        let snapshot = self.look(|state| Snapshot::of(state.dictionary(), fields));
        read(&snapshot, on_decode_error)
    }

    /// Passes the content to `change`, stores the fields that it changed, and returns its result. A
    /// field that is no longer serialised is removed.
    ///
    /// `change` may run more than once, like the closure of [`update`](Session::update), and must
    /// depend on its argument alone: a write to the session from within it is
    /// [`SessionError::WithinUpdate`]. `modify` returns the result of the run in this request: several
    /// requests may be told that they took something out of a field. To use a value once,
    /// [`take`](Session::take) the field by its name.
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
        I::Content: TypedContent,
        R: 'static,
        F: Fn(&mut Data<I>) -> R + Send + Sync + 'static,
    {
        let on_decode_error = self.on_decode_error();
        let fields = field_names::<Data<I>>();
        self.run_update(DataUpdate { change, on_decode_error, fields, data: PhantomData })
    }

    fn on_decode_error(&self) -> OnDecodeError {
        I::any(&self.slot).on_decode_error()
    }
}

/// An update of typed content.
struct DataUpdate<T, R, F> {
    change: F,
    on_decode_error: OnDecodeError,
    fields: &'static [&'static str],
    data: PhantomData<fn() -> (T, R)>,
}

impl<T, R, F> Replayable for DataUpdate<T, R, F>
where
    T: SessionData,
    R: 'static,
    F: Fn(&mut T) -> R + Send + Sync + 'static,
{
    type Loaded = Snapshot;
    type Outcome = Diff;
    type Answer = R;

    fn key(&self) -> Option<&str> {
        None
    }

    fn check(&self, _state: &SessionState) -> Result<(), SessionError> {
        Ok(())
    }

    fn load(&self, dictionary: &Dictionary) -> Result<Self::Loaded, SessionError> {
        Ok(Snapshot::of(dictionary, self.fields))
    }

    fn run(&self, loaded: Snapshot) -> Result<(Diff, R), SessionError> {
        let mut data = read(&loaded, self.on_decode_error)?;
        Diff::of(&mut data, loaded.format(), &self.change)
    }

    fn apply(&self, outcome: Diff, dictionary: &mut Dictionary) -> Result<(), SessionError> {
        outcome.apply(dictionary)
    }
}
