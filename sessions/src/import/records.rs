//! The store of actix-session's sessions.

use crate::store::{BoxFuture, StoreError};

/// Reads and deletes the records of actix-session's `SessionStore`.
///
/// `sessions_redis::ActixSessionRedis` implements it for `RedisSessionStore`. For another store,
/// implement both methods with its client.
///
/// # Examples
///
/// ```
/// use std::{collections::HashMap, sync::Mutex};
/// use sessions::{import::ActixSessionRecords, store::{BoxFuture, StoreError}};
///
/// struct Shelf(Mutex<HashMap<String, String>>);
///
/// impl ActixSessionRecords for Shelf {
///     fn load<'a>(&'a self, session_key: &'a str) -> BoxFuture<'a, Result<Option<String>, StoreError>> {
///         Box::pin(async move { Ok(self.0.lock().unwrap().get(session_key).cloned()) })
///     }
///
///     fn delete<'a>(&'a self, session_key: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
///         Box::pin(async move {
///             self.0.lock().unwrap().remove(session_key);
///             Ok(())
///         })
///     }
/// }
/// ```
pub trait ActixSessionRecords: Send + Sync + 'static {
    /// Returns the stored record of this session key, a JSON object of strings, or `None` when
    /// there is none or it has expired.
    fn load<'a>(
        &'a self,
        session_key: &'a str,
    ) -> BoxFuture<'a, Result<Option<String>, StoreError>>;

    /// Deletes the record of this session key, if there is one.
    fn delete<'a>(&'a self, session_key: &'a str) -> BoxFuture<'a, Result<(), StoreError>>;
}
