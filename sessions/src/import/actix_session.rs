//! The settings of the actix-session middleware whose sessions are imported.

use std::{fmt, sync::Arc, time::Duration};

use sessions_policy::{
    CookieAttributes, CookieDomain, CookieName, CookiePath, CookiePolicy, SameSite,
};
use sha2::{Digest, Sha256};
use tokio::time::timeout;

use super::{
    cookie::{self, Protection},
    identity::ActixIdentity,
    key::ActixSessionKey,
    records::ActixSessionRecords,
    session_state::{LegacyState, RejectReason},
};
use crate::{error::CookieError, store::StoreError, token::signed::Rejected};

/// How long a call of the legacy store may take.
const CALL_DEADLINE: Duration = Duration::from_millis(500);

/// A legacy cookie that verified.
pub(super) struct LegacyToken {
    /// The session, or the key of its record.
    pub(super) content: String,
    /// The hash of what stands for the session, however the cookie is spelt.
    pub(super) id: [u8; 32],
}

/// The settings with which actix-session's `SessionMiddleware` was built.
///
/// Give the cookie's name, domain, path and `SameSite` exactly as they were: a browser removes a
/// cookie only under the same ones.
///
/// # Examples
///
/// ```
/// use sessions::{import::{ActixSession, ActixSessionKey}, policy::{CookieName, CookiePath}};
/// # let bytes: Vec<u8> = (0..64u32).map(|n| (n * 151 % 251) as u8).collect();
/// # let key = ActixSessionKey::from_bytes(&bytes)?;
///
/// // SessionMiddleware::builder(CookieSessionStore::default(), key)
/// //     .cookie_name("sid".to_owned())
/// //     .cookie_path("/app".to_owned())
/// //     .build()
/// let old = ActixSession::private(key)
///     .cookie_name(CookieName::from_static("sid"))
///     .cookie_path(CookiePath::from_static("/app"));
/// # let _ = old;
/// # Ok::<(), sessions::error::KeyError>(())
/// ```
#[derive(Clone)]
pub struct ActixSession {
    key: ActixSessionKey,
    protection: Protection,
    /// The name before encoding; the one in `attributes` is encoded.
    name: CookieName,
    attributes: CookieAttributes,
    records: Option<Arc<dyn ActixSessionRecords>>,
    deadline: Duration,
    pub(super) identity: ActixIdentity,
}

impl ActixSession {
    /// Returns the settings of an application with encrypted cookies: actix-session's default,
    /// `CookieContentSecurity::Private`.
    pub fn private(key: ActixSessionKey) -> Self {
        Self::new(key, Protection::Private)
    }

    /// Returns the settings of an application with `CookieContentSecurity::Signed`.
    pub fn signed(key: ActixSessionKey) -> Self {
        Self::new(key, Protection::Signed)
    }

    fn new(key: ActixSessionKey, protection: Protection) -> Self {
        const NAME: CookieName = CookieName::from_static("id");
        Self {
            key,
            protection,
            name: NAME,
            attributes: CookieAttributes::new(NAME),
            records: None,
            deadline: CALL_DEADLINE,
            identity: ActixIdentity::new(),
        }
    }

    /// Sets the cookie's name. Defaults to `id`.
    #[must_use]
    pub fn cookie_name(mut self, name: CookieName) -> Self {
        self.attributes.name = cookie::sent_name(&name);
        self.name = name;
        self
    }

    /// Sets the cookie's domain. Defaults to none.
    #[must_use]
    pub fn cookie_domain(mut self, domain: CookieDomain) -> Self {
        self.attributes.domain = Some(domain);
        self
    }

    /// Sets the cookie's path. Defaults to `/`.
    #[must_use]
    pub fn cookie_path(mut self, path: CookiePath) -> Self {
        self.attributes.path = path;
        self
    }

    /// Sets whether the cookie is sent over https only. Defaults to `true`.
    #[must_use]
    pub fn cookie_secure(mut self, secure: bool) -> Self {
        self.attributes.secure = secure;
        self
    }

    /// Sets which requests from other sites carry the cookie. Defaults to [`SameSite::Lax`].
    #[must_use]
    pub fn cookie_same_site(mut self, samesite: SameSite) -> Self {
        self.attributes.samesite = samesite;
        self
    }

    /// Sets the store of the sessions, for cookies that hold session keys. Defaults to none: the
    /// cookies hold the sessions (`CookieSessionStore`).
    #[must_use]
    pub fn records(mut self, records: impl ActixSessionRecords) -> Self {
        self.records = Some(Arc::new(records));
        self
    }

    /// Sets how long one call of the legacy store may take. Defaults to 500 ms.
    #[must_use]
    pub fn with_call_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Sets how actix-identity was used. Defaults to [`ActixIdentity::new`].
    #[must_use]
    pub fn identity(mut self, identity: ActixIdentity) -> Self {
        self.identity = identity;
        self
    }

    pub(super) fn sent_name(&self) -> &str {
        self.attributes.name.as_str()
    }

    pub(super) fn cookie_policy(&self) -> Result<CookiePolicy, CookieError> {
        Ok(self.attributes.clone().check()?)
    }

    /// Whether deleting a legacy session makes every copy of its cookie useless.
    pub(super) fn is_revocable(&self) -> bool {
        self.records.is_some()
    }

    /// Whether two clients never have the same cookie: it names a record, or is sealed with a nonce. A
    /// signed cookie with its session is the same for all clients with equal sessions.
    pub(super) fn has_unique_tokens(&self) -> bool {
        self.is_revocable() || matches!(self.protection, Protection::Private)
    }

    /// Opens a cookie that verifies.
    pub(super) fn open(&self, value: &[u8]) -> Result<LegacyToken, Rejected> {
        let opened = cookie::open(value, self.name.as_str(), &self.key, self.protection)?;
        let cookie::Opened { content, decoded } = opened;
        // Several cookies may name one record, each sealed with a nonce of its own.
        let id = if self.is_revocable() { &content } else { &decoded };
        Ok(LegacyToken { id: Sha256::digest(id).into(), content })
    }

    /// Returns the session of an opened cookie, or `None` when its record does not exist.
    pub(super) async fn load(
        &self,
        opened: &str,
    ) -> Result<Option<Result<LegacyState, RejectReason>>, StoreError> {
        let Some(records) = &self.records else { return Ok(Some(LegacyState::parse(opened))) };
        let loaded = timeout(self.deadline, records.load(opened)).await;
        let record = loaded.map_err(|_| StoreError::Timeout)??;
        Ok(record.map(|record| LegacyState::parse(&record)))
    }

    /// Deletes the record of an opened cookie, if there is a store of records.
    pub(super) async fn delete(&self, opened: &str) -> Result<(), StoreError> {
        let Some(records) = &self.records else { return Ok(()) };
        let deleted = timeout(self.deadline, records.delete(opened)).await;
        deleted.map_err(|_| StoreError::Timeout)?
    }
}

impl fmt::Debug for ActixSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActixSession")
            .field("protection", &self.protection)
            .field("cookie", &self.attributes)
            .field("identity", &self.identity)
            .finish_non_exhaustive()
    }
}
