//! The handle: what handlers touch.

mod data;
mod extractors;
mod flash;
mod read_only;
mod rerun;
mod scope;
mod typed;
mod whole;

use std::{fmt, marker::PhantomData, sync::Arc};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use self::rerun::KeyUpdate;
pub use self::{
    extractors::{OpenedSessionExt, SessionExt, TrySession},
    read_only::ReadSession,
    scope::{Inferred, SessionSelector},
    typed::{SessionData, Typed},
};
use crate::{
    dictionary::{Dictionary, Format},
    error::SessionError,
};

/// The session of the request.
///
/// A cheap handle: clones share one session, and it may be sent to other threads. Handlers take it
/// as an argument; middleware gets it through [`SessionExt`](crate::SessionExt). `Session` is the
/// only one there is; where an application has several, `Session<AppSessions>` names one by its
/// interface.
///
/// Taking it opens the session, and nothing more: a response depends on the session (`Vary:
/// Cookie`) from the first method that looks into it.
///
/// What is written here is saved when the handler has returned, before the head of the response is
/// sent. From then on, in a streamed body for instance, the session can be read and no longer
/// written.
///
/// # Examples
///
/// ```
/// use actix_web::{Responder, get};
/// use sessions::Session;
///
/// #[get("/")]
/// async fn index(session: Session) -> actix_web::Result<impl Responder> {
///     let visits = session.update("visits", |n: Option<u32>| n.unwrap_or(0) + 1)?;
///     Ok(format!("visit number {visits}"))
/// }
/// ```
pub struct Session<I: SessionSelector = Inferred> {
    slot: Arc<I::Slot>,
}

impl<I: SessionSelector> Session<I> {
    /// For a slot that is open.
    pub(crate) fn of(slot: Arc<I::Slot>) -> Self {
        Self { slot }
    }

    /// Looks without that counting as access.
    pub(crate) fn peek<R>(&self, look: impl FnOnce(&Dictionary) -> R) -> R {
        let mut look = Some(look);
        let mut result = None;
        I::any(&self.slot)
            .read(&mut |dictionary| result = look.take().map(|look| look(dictionary)));
        result.expect("a slot calls back once")
    }

    fn look<R>(&self, look: impl FnOnce(&Dictionary) -> R) -> R {
        self.peek(|dictionary| {
            dictionary.mark_accessed();
            look(dictionary)
        })
    }

    fn format(&self) -> Format {
        self.peek(Dictionary::format)
    }

    pub(crate) fn change<R>(
        &self,
        change: impl FnOnce(&mut Dictionary) -> Result<R, SessionError>,
    ) -> Result<R, SessionError> {
        let mut change = Some(change);
        let mut result = None;
        I::any(&self.slot).write(&mut |dictionary| {
            dictionary.mark_accessed();
            result = change.take().map(|change| change(dictionary)).transpose()?;
            Ok(())
        })?;
        Ok(result.expect("a slot calls back once"))
    }
}

/// Keys and values.
impl<I: SessionSelector> Session<I> {
    /// Returns the value under `key`, or `None` when there is none.
    ///
    /// # Errors
    ///
    /// [`SessionError::Decode`] when the value is no `T`.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, SessionError> {
        self.look(|dictionary| dictionary.get(key))
    }

    /// Sets `key` to `value`. A value equal to the present one is no change.
    ///
    /// # Errors
    ///
    /// [`SessionError::Null`], [`SessionError::Saved`], [`SessionError::ReservedKey`], and
    /// [`SessionError::Encode`] when the value cannot be written as JSON.
    pub fn insert<T: Serialize>(&self, key: &str, value: T) -> Result<(), SessionError> {
        let json = self.format().encode(key, &value)?;
        self.change(|dictionary| dictionary.insert_json(key, json))
    }

    /// Removes `key`; returns whether there was a value.
    ///
    /// # Errors
    ///
    /// [`SessionError::Null`], [`SessionError::Saved`], [`SessionError::ReservedKey`].
    pub fn remove(&self, key: &str) -> Result<bool, SessionError> {
        self.change(|dictionary| dictionary.remove(key))
    }

    /// Removes `key` and returns its value, or `None` when there was none.
    ///
    /// # Errors
    ///
    /// Those of [`remove`](Self::remove), and [`SessionError::Decode`] when the value is no `T`;
    /// it then stays.
    pub fn take<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, SessionError> {
        self.change(|dictionary| {
            let value = dictionary.get(key)?;
            dictionary.remove(key)?;
            Ok(value)
        })
    }

    /// Whether there is a value under `key`.
    pub fn contains_key(&self, key: &str) -> bool {
        self.look(|dictionary| dictionary.contains_key(key))
    }

    /// Returns the keys, sorted.
    pub fn keys(&self) -> Vec<String> {
        self.look(|dictionary| dictionary.iter().map(|(key, _)| key.to_owned()).collect())
    }

    /// Returns the number of keys.
    pub fn len(&self) -> usize {
        self.look(Dictionary::len)
    }

    /// Whether there are no keys.
    pub fn is_empty(&self) -> bool {
        self.look(Dictionary::is_empty)
    }

    /// Returns all keys with their values, as JSON.
    ///
    /// # Errors
    ///
    /// [`SessionError::Decode`] when another program wrote a value that is no JSON of ours.
    pub fn entries(&self) -> Result<Map<String, Value>, SessionError> {
        self.look(|dictionary| {
            dictionary
                .iter()
                .map(|(key, json)| Ok((key.to_owned(), dictionary.format().decode(key, json)?)))
                .collect()
        })
    }

    /// Removes every key. The session is then deleted, unless something is written to it or the
    /// policy `save_when` passes the response over: to log out, [`purge`](Self::purge).
    ///
    /// # Errors
    ///
    /// [`SessionError::Null`], [`SessionError::Saved`].
    pub fn clear(&self) -> Result<(), SessionError> {
        self.change(Dictionary::clear)
    }

    /// Sets several keys, all or none.
    ///
    /// # Errors
    ///
    /// Those of [`insert`](Self::insert).
    pub fn extend<K, T>(
        &self,
        entries: impl IntoIterator<Item = (K, T)>,
    ) -> Result<(), SessionError>
    where
        K: AsRef<str>,
        T: Serialize,
    {
        let format = self.format();
        let encoded: Vec<_> = entries
            .into_iter()
            .map(|(key, value)| Ok((format.encode(key.as_ref(), &value)?, key)))
            .collect::<Result<_, SessionError>>()?;
        self.change(|dictionary| {
            for (_, key) in &encoded {
                dictionary.writable(key.as_ref())?;
            }
            encoded
                .into_iter()
                .try_for_each(|(json, key)| dictionary.insert_json(key.as_ref(), json))
        })
    }

    /// Returns the value under `key`; where there is none, sets it to what `make` returns.
    ///
    /// # Errors
    ///
    /// Those of [`insert`](Self::insert), and [`SessionError::Decode`] when the value that is
    /// there is no `T`.
    pub fn get_or_insert_with<T>(
        &self,
        key: &str,
        make: impl FnOnce() -> T,
    ) -> Result<T, SessionError>
    where
        T: Serialize + DeserializeOwned,
    {
        if let Some(value) = self.get(key)? {
            return Ok(value);
        }
        // Made without the lock, so that `make` may use the session.
        let made = make();
        let json = self.format().encode(key, &made)?;
        let met = self.change(|dictionary| {
            let met = dictionary.get(key)?;
            if met.is_none() {
                dictionary.insert_json(key, json)?;
            }
            Ok(met)
        })?;
        Ok(met.unwrap_or(made))
    }

    /// Sets `key` to what `change` makes of its value, and returns that.
    ///
    /// `change` may run more than once: again when another handle of this request changed the
    /// session in between, and with a server-side store again on the newer state when another
    /// request saved in the meantime. It must depend on its argument alone. The value returned is
    /// then the one of the first run.
    ///
    /// # Errors
    ///
    /// Those of [`insert`](Self::insert), [`SessionError::Decode`] when the value that is there is
    /// no `T`, and [`SessionError::Contended`] after 1,000 runs.
    pub fn update<T, F>(&self, key: &str, change: F) -> Result<T, SessionError>
    where
        T: Serialize + DeserializeOwned + 'static,
        F: Fn(Option<T>) -> T + Send + Sync + 'static,
    {
        self.update_with(key, (), move |(), value| change(value))
    }

    /// Sets `key` to what `change` makes of `with` and its value, and returns that: an
    /// [`update`](Self::update) for closures that need something from the handler.
    ///
    /// # Errors
    ///
    /// Those of [`update`](Self::update).
    ///
    /// # Examples
    ///
    /// ```
    /// # use sessions::{Session, SessionError};
    /// fn add(session: &Session, item: String) -> Result<usize, SessionError> {
    ///     let cart = session.update_with("cart", item, |item, cart: Option<Vec<String>>| {
    ///         let mut cart = cart.unwrap_or_default();
    ///         cart.push(item.clone());
    ///         cart
    ///     })?;
    ///     Ok(cart.len())
    /// }
    /// ```
    pub fn update_with<A, T, F>(&self, key: &str, with: A, change: F) -> Result<T, SessionError>
    where
        A: Send + Sync + 'static,
        T: Serialize + DeserializeOwned + 'static,
        F: Fn(&A, Option<T>) -> T + Send + Sync + 'static,
    {
        self.rerun(KeyUpdate { key: key.into(), with, change, value: PhantomData })
    }
}

impl<I: SessionSelector> Clone for Session<I> {
    fn clone(&self) -> Self {
        Self { slot: Arc::clone(&self.slot) }
    }
}

impl<I: SessionSelector> fmt::Debug for Session<I> {
    /// Shows neither keys nor values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("interface", &I::any(&self.slot).interface_name())
            .finish_non_exhaustive()
    }
}
