//! The keys and deadlines of actix-identity.

use std::time::Duration;

/// How an application used actix-identity, as its `IdentityMiddleware` was built.
///
/// An imported session keeps its keys, so that `session.get::<String>("actix_identity.user_id")` is
/// the user. The two deadlines decide which sessions are imported; after that `absolute_timeout`
/// and `idle_timeout` limit a session.
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
    /// Returns the defaults of actix-identity: its keys, and no deadline.
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

    /// Sets how long after the login a user's session is still imported. Defaults to no limit.
    ///
    /// With a limit, a user's session without a login time is not imported: actix-identity logs it
    /// out too.
    #[must_use]
    pub fn login_deadline(self, deadline: Duration) -> Self {
        Self { login_deadline: Some(deadline), ..self }
    }

    /// Sets how long after the last visit a user's session is still imported. Defaults to no limit.
    ///
    /// With a limit, a user's session without a visit time is not imported.
    #[must_use]
    pub fn visit_deadline(self, deadline: Duration) -> Self {
        Self { visit_deadline: Some(deadline), ..self }
    }

    /// Makes the user the owner of an imported session, like
    /// [`Session::set_owner`](crate::Session::set_owner) at a login, so that the sessions of a user
    /// can be listed and ended together.
    ///
    /// # Security
    ///
    /// Sessions that are not imported yet are in no list. Ending all sessions of their owner reaches them
    /// all the same, with a backend that has a store: for 801 days a session is imported only if its login
    /// was later, by the clocks of the former application's hosts. A session without a login time counts
    /// as older.
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
