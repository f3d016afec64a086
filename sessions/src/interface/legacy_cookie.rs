//! The legacy cookie: the one of another framework, from which a session was imported.

use std::sync::Arc;

use sessions_policy::CookiePolicy;

/// The value of a session's cookie after the session ended, if the legacy cookie may still exist.
/// With no cookie at all, the legacy one would be imported again. No token has this form.
pub(crate) const ENDED: &str = "ended";

/// What a response does about the legacy cookie, as an importing backend decides.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct LegacyCookieEffects {
    /// The policies of the legacy cookies that this response removes: several where imports are nested.
    pub(crate) removes: Vec<Arc<CookiePolicy>>,
    /// Whether the session's own cookie is set to [`ENDED`] instead of being removed.
    pub(crate) marks_ended: bool,
}

impl LegacyCookieEffects {
    /// Adds the effects of another import. A response does not remove two cookies of one name.
    #[cfg(feature = "import-actix-session")]
    pub(crate) fn add(&mut self, other: Self) {
        self.marks_ended |= other.marks_ended;
        for policy in other.removes {
            if self.removes.iter().all(|present| present.name() != policy.name()) {
                self.removes.push(policy);
            }
        }
    }
}
