//! What the cookies of a request say about the token that is sealed next.

use super::{SEAL, SessionState};
use crate::token::order::SealOrder;

/// The cookies of the session's name that came with the request, for a session that lives in one.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CookiesSeen {
    /// The newest that verifies, whether its session opened or not.
    pub(crate) newest: Option<SealOrder>,
    /// Several came, valid or not: a response replaces one of them, and the browser keeps the others.
    pub(crate) are_several: bool,
    /// The newest is the empty session of a logout.
    pub(crate) end: bool,
}

impl CookiesSeen {
    /// Whether the session's cookie hides older ones, which would open again without it.
    pub(crate) fn hide_older(self) -> bool {
        self.are_several || self.end
    }
}

/// # The order of tokens
impl SessionState {
    pub(crate) fn cookies_seen(&self) -> CookiesSeen {
        self.inner.meta.cookies_seen
    }

    pub(crate) fn set_cookies_seen(&mut self, seen: CookiesSeen) {
        self.inner.meta.cookies_seen = seen;
    }

    /// Removes the number of the token that the session was opened with, and returns it.
    pub(crate) fn take_seal_number(&mut self) -> u64 {
        let dictionary = &mut self.inner.dictionary;
        let Some(json) = dictionary.raw(SEAL) else { return 0 };
        let number = json.parse().unwrap_or_default();
        dictionary.remove_untracked(SEAL);
        number
    }

    /// Like [`to_json`](Self::to_json), with the number of the token unless it is 0.
    pub(crate) fn to_numbered_json(&self, number: u64) -> String {
        self.inner.dictionary.to_json_with(seal_member(number))
    }
}

/// Returns the member that holds the number of a token, unless it is 0.
pub(crate) fn seal_member(number: u64) -> Option<(&'static str, u64)> {
    (number != 0).then_some((SEAL, number))
}
