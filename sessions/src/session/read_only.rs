//! A session that a handler can read but not write.

use std::fmt;

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use futures_util::{FutureExt, future};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{
    Inferred, Session, SessionSelector,
    extractors::Extracting,
    typed::{SessionData, Typed},
};
use crate::{
    error::{ExtractError, SessionError},
    interface::SessionInterface,
};

/// The session of the request, read-only: for a handler whose signature promises not to write.
///
/// # Examples
///
/// ```
/// use actix_web::get;
/// use sessions::ReadSession;
///
/// #[get("/greeting")]
/// async fn greeting(session: ReadSession) -> actix_web::Result<String> {
///     let name: Option<String> = session.get("name")?;
///     Ok(format!("Hello, {}!", name.as_deref().unwrap_or("stranger")))
/// }
/// ```
pub struct ReadSession<I: SessionSelector = Inferred> {
    session: Session<I>,
}

impl<I: SessionSelector> ReadSession<I> {
    /// Returns the value under `key`, or `None` when there is none.
    ///
    /// # Errors
    ///
    /// [`SessionError::Decode`] when the value does not deserialise as `T`.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, SessionError> {
        self.session.get(key)
    }

    /// Whether there is a value under `key`.
    pub fn contains_key(&self, key: &str) -> bool {
        self.session.contains_key(key)
    }

    /// Returns the keys, sorted.
    pub fn keys(&self) -> Vec<String> {
        self.session.keys()
    }

    /// Returns the number of keys.
    pub fn len(&self) -> usize {
        self.session.len()
    }

    /// Whether there are no keys.
    pub fn is_empty(&self) -> bool {
        self.session.is_empty()
    }

    /// Returns all keys with their values, as JSON.
    ///
    /// # Errors
    ///
    /// [`SessionError::Decode`] when another program wrote a value that `serde_json` cannot read.
    pub fn entries(&self) -> Result<Map<String, Value>, SessionError> {
        self.session.entries()
    }

    /// Whether the session outlives the browser session.
    pub fn permanent(&self) -> bool {
        self.session.permanent()
    }

    /// Whether this request started the session.
    pub fn is_new(&self) -> bool {
        self.session.is_new()
    }
}

/// # Typed content, for interfaces with `#[session(data = T)]`
impl<I, T> ReadSession<I>
where
    I: SessionInterface<Content = Typed<T>>,
    T: SessionData,
{
    /// Passes the content to `look` and returns its result.
    ///
    /// # Errors
    ///
    /// Those of [`Session::read`].
    pub fn read<R>(&self, look: impl FnOnce(&T) -> R) -> Result<R, SessionError> {
        self.session.read(look)
    }

    /// Returns a copy of the content.
    ///
    /// # Errors
    ///
    /// Those of [`Session::read`].
    pub fn snapshot(&self) -> Result<T, SessionError> {
        self.session.snapshot()
    }
}

impl<I: SessionSelector> Clone for ReadSession<I> {
    fn clone(&self) -> Self {
        Self { session: self.session.clone() }
    }
}

impl<I: SessionSelector> fmt::Debug for ReadSession<I> {
    /// Shows neither keys nor values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ReadSession").field(&self.session).finish()
    }
}

impl<I: SessionSelector> FromRequest for ReadSession<I> {
    type Error = ExtractError;
    type Future = future::Map<
        Extracting<I>,
        fn(Result<Session<I>, ExtractError>) -> Result<Self, ExtractError>,
    >;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        Session::from_request(request, payload).map(|found| found.map(|session| Self { session }))
    }
}
