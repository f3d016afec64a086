//! What actix-identity notes in a session.

use std::time::Duration;

/// How an application used actix-identity, as its `IdentityMiddleware` was built.
///
/// Its keys come along under the names they have, so that
/// `session.get::<String>("actix_identity.user_id")` is the user. The two deadlines hold for
/// sessions that are taken over, as they did before; from then on `absolute_timeout` and
/// `idle_timeout` are what limits a session.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use sessions::import::ActixIdentity;
///
/// let identity = ActixIdentity::new()
///     .login_deadline(Duration::from_secs(14 * 24 * 60 * 60))
///     .owner();
/// # let _ = identity;
/// ```
#[derive(Clone, Debug)]
pub struct ActixIdentity {
    pub(super) id_key: String,
    pub(super) logged_in_key: String,
    pub(super) last_visit_key: String,
    pub(super) login_deadline: Option<Duration>,
    pub(super) visit_deadline: Option<Duration>,
    pub(super) sets_owner: bool,
}

impl ActixIdentity {
    /// Returns actix-identity's defaults: its names of keys, and no deadline.
    pub fn new() -> Self {
        Self {
            id_key: "actix_identity.user_id".to_owned(),
            logged_in_key: "actix_identity.logged_in_at".to_owned(),
            last_visit_key: "actix_identity.last_visited_at".to_owned(),
            login_deadline: None,
            visit_deadline: None,
            sets_owner: false,
        }
    }

    /// Sets the key of the user's id. Defaults to `actix_identity.user_id`.
    #[must_use]
    pub fn id_key(self, key: impl Into<String>) -> Self {
        Self { id_key: key.into(), ..self }
    }

    /// Sets the key of the time of login. Defaults to `actix_identity.logged_in_at`.
    #[must_use]
    pub fn login_unix_timestamp_key(self, key: impl Into<String>) -> Self {
        Self { logged_in_key: key.into(), ..self }
    }

    /// Sets the key of the time of the last visit. Defaults to `actix_identity.last_visited_at`.
    #[must_use]
    pub fn last_visit_unix_timestamp_key(self, key: impl Into<String>) -> Self {
        Self { last_visit_key: key.into(), ..self }
    }

    /// Sets how long after the login a session of a user is still taken over. Defaults to no limit.
    ///
    /// A user's session without a time of login is then not taken over, as actix-identity logs it
    /// out.
    #[must_use]
    pub fn login_deadline(self, deadline: Duration) -> Self {
        Self { login_deadline: Some(deadline), ..self }
    }

    /// Sets how long after the last visit a session of a user is still taken over. Defaults to no
    /// limit; without a time of the last visit as [`login_deadline`](Self::login_deadline).
    #[must_use]
    pub fn visit_deadline(self, deadline: Duration) -> Self {
        Self { visit_deadline: Some(deadline), ..self }
    }

    /// Makes the user the owner of a session that is taken over, as
    /// [`Session::set_owner`](crate::Session::set_owner) does at a login, so that the sessions of a
    /// user are listed and ended together.
    ///
    /// # Security
    ///
    /// Sessions that are not taken over yet are in no list. One that comes within a day after its
    /// owner's sessions were ended is refused, unless it says that the login was later. After that
    /// day nothing here remembers: where ending all sessions of a user must reach those as well,
    /// compare with a time of your own user records, or stop the import.
    #[must_use]
    pub fn owner(self) -> Self {
        Self { sets_owner: true, ..self }
    }
}

impl Default for ActixIdentity {
    fn default() -> Self {
        Self::new()
    }
}
