//! Reading and writing the keys of a session.

use std::{collections::BTreeMap, marker::PhantomData};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::{
    Session, SessionSelector,
    replay::{KeyUpdate, MAX_TRIES},
    running_update::RunningUpdate,
};
use crate::{
    dictionary::{Format, JsonText},
    error::SessionError,
    state::SessionState,
};

/// # Keys and values
impl<I: SessionSelector> Session<I> {
    /// Returns the value under `key`, or `None` when there is none.
    ///
    /// # Errors
    ///
    /// [`SessionError::Decode`] when the value does not deserialise as `T`.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, SessionError> {
        let (format, json) = self.text_of(key);
        json.map(|json| format.decode(key, &json)).transpose()
    }

    /// Sets `key` to `value`. Setting the value that the key already has is not a change.
    ///
    /// # Errors
    ///
    /// [`SessionError::Null`], [`SessionError::Saved`], [`SessionError::ReservedKey`],
    /// [`SessionError::WithinUpdate`], [`SessionError::TooLarge`] when the key no longer fits in the
    /// session, and [`SessionError::Encode`] when the value cannot be written as JSON: a number in it
    /// is NaN or infinite, a map has keys that are not text, it nests deeper than 127 levels, or its
    /// `Serialize` announces no elements and writes some.
    pub fn insert<T: Serialize>(&self, key: &str, value: T) -> Result<(), SessionError> {
        let member = self.encoder.member(key, &value)?;
        self.change(|state| state.insert_member(key, member))
    }

    /// Removes `key`; returns whether there was a value.
    ///
    /// With a server-side store this removes whatever the key holds when the session is saved, also
    /// what another request has set meanwhile. The result is what this request saw: two requests at
    /// the same time may both be told `true`, so that a value which may be used once is for
    /// [`take`](Self::take).
    ///
    /// # Errors
    ///
    /// [`SessionError::Null`], [`SessionError::Saved`], [`SessionError::ReservedKey`].
    pub fn remove(&self, key: &str) -> Result<bool, SessionError> {
        self.change(|state| state.remove(key))
    }

    /// Removes `key` and returns its value, or `None` when there was none: for a value that may be
    /// used once, such as a voucher.
    ///
    /// With a server-side store, of several requests that take one value at the same time only one is
    /// saved. The others fail with [`SaveError::Superseded`], and so does a request whose value another
    /// one changed; nothing of them is saved, and the client gets 409, whatever `on_gone` says. A
    /// handler that acts on the value saves first, so that it learns this before it acts. `None`
    /// carries no condition, nor does a value that this request has set itself.
    ///
    /// A session that lives in its cookie has the value again in each copy of the cookie.
    ///
    /// [`SaveError::Superseded`]: crate::error::SaveError::Superseded
    ///
    /// # Errors
    ///
    /// Those of [`remove`](Self::remove), [`SessionError::Decode`] when the value does not deserialise
    /// as `T` (the session then keeps it), [`SessionError::WithinUpdate`] for a write from within the
    /// reading of `T`, and [`SessionError::Contended`] when other threads change
    /// the session during each of 1,000 tries.
    ///
    /// # Examples
    ///
    /// ```
    /// # use actix_web::{HttpResponse, post};
    /// # use sessions::Session;
    /// # async fn pay_out(_: &str) {}
    /// #[post("/redeem")]
    /// async fn redeem(session: Session) -> actix_web::Result<HttpResponse> {
    ///     let Some(voucher) = session.take::<String>("voucher")? else {
    ///         return Ok(HttpResponse::NotFound().finish());
    ///     };
    ///     // 409 if another request has taken it.
    ///     session.save_now().await?;
    ///     pay_out(&voucher).await;
    ///     Ok(HttpResponse::Ok().finish())
    /// }
    /// ```
    pub fn take<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, SessionError> {
        for _ in 0..MAX_TRIES {
            let (format, Some(json)) = self.text_of(key) else {
                self.change(|state| state.check_writable(key))?;
                return Ok(None);
            };
            let value = {
                // A type that changed the value while it is read would be read again and again.
                let _running = RunningUpdate::of(I::any(&self.slot));
                format.decode(key, &json)?
            };
            if self.change(|state| state.take_json(key, &json))? {
                return Ok(Some(value));
            }
        }
        Err(SessionError::Contended)
    }

    /// Whether there is a value under `key`, as this request saw the session. It promises nothing about
    /// the time of the save: see [`take`](Self::take).
    pub fn contains_key(&self, key: &str) -> bool {
        self.look(|state| state.contains_key(key))
    }

    /// Returns the keys, sorted.
    pub fn keys(&self) -> Vec<String> {
        self.look(|state| state.iter().map(|(key, _)| key.to_owned()).collect())
    }

    /// Returns the number of keys.
    pub fn len(&self) -> usize {
        self.look(SessionState::len)
    }

    /// Whether there are no keys.
    pub fn is_empty(&self) -> bool {
        self.look(SessionState::is_empty)
    }

    /// Returns all keys with their values, as JSON.
    ///
    /// # Errors
    ///
    /// [`SessionError::Decode`] when another program wrote a value that `serde_json` cannot read.
    pub fn entries(&self) -> Result<Map<String, Value>, SessionError> {
        self.look(|state| {
            state
                .iter()
                .map(|(key, json)| Ok((key.to_owned(), state.format().decode(key, json)?)))
                .collect()
        })
    }

    /// Removes every key. An empty session is deleted with the response, unless the policy
    /// `save_when` excludes that response. To log out, call [`purge`](Self::purge).
    ///
    /// With a server-side store, what another request has set or changed meanwhile stays.
    ///
    /// # Errors
    ///
    /// [`SessionError::Null`], [`SessionError::Saved`].
    pub fn clear(&self) -> Result<(), SessionError> {
        self.change(SessionState::clear)
    }

    /// Sets several keys: all of them, or none when one cannot be set. Of entries with one key the last
    /// one counts. No more entries are encoded than the session may hold.
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
        let encoder = self.encoder;
        // Sorted once, and the last of equal keys wins.
        let mut encoded = BTreeMap::<Box<str>, String>::new();
        let mut bytes = 0;
        for (key, value) in entries {
            let key = key.as_ref();
            let json = encoder.encode(key, &value)?;
            bytes += key.len() + json.len();
            if let Some(former) = encoded.insert(key.into(), json) {
                bytes -= key.len() + former.len();
            }
            encoder.check_together(key, bytes)?;
        }
        self.change(|state| state.insert_all(encoded))
    }

    /// Returns the value under `key`, after setting it to the result of `make` when there is none.
    ///
    /// With a server-side store, of the values that several requests make at the same time the first
    /// one stays. What is stored is in the result of [`save_now`](Self::save_now).
    ///
    /// # Errors
    ///
    /// Those of [`insert`](Self::insert), and [`SessionError::Decode`] when the present value does
    /// not deserialise as `T`.
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
        // Outside the lock, so that `make` may use the session, and so may `T`.
        let made = make();
        let encoder = self.encoder;
        let json = encoder.encode(key, &made)?;
        let present = self.change(|state| {
            let present = state.raw(key).map(JsonText::from);
            if present.is_none() {
                state.insert_first(key, json)?;
            }
            Ok(present)
        })?;
        present.map_or(Ok(made), |json| encoder.format().decode(key, &json))
    }

    /// Passes the value under `key` to `change`, stores the result, and returns it.
    ///
    /// `change` may run more than once: when another handle of this request changes the session at
    /// the same time, and, with a server-side store, on the newer state when another request saved
    /// first. It must depend on its argument alone: it can read the session, and a write from within
    /// it is [`SessionError::WithinUpdate`]. `update` returns the value that this request computed.
    ///
    /// # Errors
    ///
    /// Those of [`insert`](Self::insert), [`SessionError::Decode`] when the present value does not
    /// deserialise as `T`, and [`SessionError::Contended`] after 1,000 runs.
    ///
    /// # Examples
    ///
    /// ```
    /// # use sessions::{Session, SessionError};
    /// fn count(session: &Session) -> Result<u32, SessionError> {
    ///     session.update("visits", |visits: Option<u32>| visits.unwrap_or(0) + 1)
    /// }
    /// ```
    pub fn update<T, F>(&self, key: &str, change: F) -> Result<T, SessionError>
    where
        T: Serialize + DeserializeOwned + 'static,
        F: Fn(Option<T>) -> T + Send + Sync + 'static,
    {
        self.update_with(key, (), move |(), value| change(value))
    }

    /// Passes `with` and the value under `key` to `change`, stores the result, and returns it: an
    /// [`update`](Self::update) for a closure that needs a value from the handler.
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
        self.run_update(KeyUpdate { key: key.into(), with, change, value: PhantomData })
    }

    /// Returns a copy of the value under `key`, to be parsed without the session's lock: a type of
    /// the application may use the session while it is read.
    fn text_of(&self, key: &str) -> (Format, Option<JsonText>) {
        self.look(|state| (state.format(), state.raw(key).map(JsonText::from)))
    }
}
