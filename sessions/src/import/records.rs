//! The store that actix-session kept its sessions in.

use crate::store::{BoxFuture, StoreError};

/// Reads and deletes the records of actix-session's `SessionStore`.
///
/// `sessions_redis::ActixSessionRedis` does so for its `RedisSessionStore`. For another store,
/// write both functions with its client.
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
    /// Returns the record of this session key as it is kept: a JSON object of texts. `None` when
    /// there is none, or its time has passed.
    fn load<'a>(
        &'a self,
        session_key: &'a str,
    ) -> BoxFuture<'a, Result<Option<String>, StoreError>>;

    /// Deletes the record of this session key, if there is one.
    fn delete<'a>(&'a self, session_key: &'a str) -> BoxFuture<'a, Result<(), StoreError>>;
}
