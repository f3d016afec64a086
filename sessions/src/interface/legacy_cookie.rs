//! What a response says of the cookie that sessions were in before they were taken over.

use std::{
    cell::{Cell, OnceCell},
    sync::Arc,
    time::SystemTime,
};

use sessions_policy::{CookiePolicy, MAX_COOKIE_LIFETIME};

use crate::cookie::{Lifetime, removal_cookie, set_cookie};

/// The value that a session's cookie keeps when its session has ended and the former cookie may
/// still be there: a removed cookie would let it be taken over again. No token has this form.
pub(crate) const ENDED: &str = "ended";

/// What a backend that takes sessions over decides while it saves.
#[derive(Default)]
pub(crate) struct FormerCookie {
    /// Its policies, where this response removes it.
    pub(crate) removed: OnceCell<Arc<CookiePolicy>>,
    /// The session's own cookie keeps the [`ENDED`] mark instead of being removed.
    pub(crate) marks: Cell<bool>,
}

impl FormerCookie {
    /// Returns the header's value that ends the session's own cookie, if there is something to end:
    /// a cookie of its name `came`, or the former one did.
    pub(crate) fn end(&self, own: &CookiePolicy, came: bool, now: SystemTime) -> Option<String> {
        if self.marks.get() {
            let expires = now + MAX_COOKIE_LIFETIME;
            return Some(set_cookie(own, ENDED.to_owned(), Lifetime::Until { expires, now }));
        }
        came.then(|| removal_cookie(own))
    }
}
