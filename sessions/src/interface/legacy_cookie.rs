//! What a response does to the cookie that a session was in before it was taken over.

use std::{sync::Arc, time::SystemTime};

use sessions_policy::{CookiePolicy, MAX_COOKIE_LIFETIME};

use crate::cookie::{Lifetime, removal_cookie, set_cookie};

/// The value that a session's cookie keeps when its session has ended and the legacy cookie may
/// still be there: a removed cookie would let it be taken over again. No token has this form.
pub(crate) const ENDED: &str = "ended";

/// What a backend that takes sessions over decides while it saves.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct LegacyCookieEffects {
    /// The legacy cookie's policies, where this response removes it.
    pub(crate) removes: Option<Arc<CookiePolicy>>,
    /// The session's own cookie keeps the [`ENDED`] mark instead of being removed.
    pub(crate) marks_ended: bool,
}

impl LegacyCookieEffects {
    /// Returns the header's value that removes the session's own cookie, if there is one to remove:
    /// a cookie of its name `came`, or the legacy one did.
    pub(crate) fn removal(
        &self,
        own: &CookiePolicy,
        came: bool,
        now: SystemTime,
    ) -> Option<String> {
        if self.marks_ended {
            let expires = now + MAX_COOKIE_LIFETIME;
            return Some(set_cookie(own, ENDED.to_owned(), Lifetime::Until { expires, now }));
        }
        came.then(|| removal_cookie(own))
    }
}
