//! What one session's lifetimes differ by from the policies.

/// The words for a session that is remembered, and for one that is not.
const REMEMBERED: &str = "r";
const NOT_REMEMBERED: &str = "-";

/// Which lifetimes a session has: those of the policies, or those of remembered sessions.
///
/// A record holds them beside the content, so that no store, and no opening, parses the content for them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct OwnLifetimes {
    /// The session is remembered.
    pub(crate) remembered: bool,
}

impl OwnLifetimes {
    /// Returns the word in a record's head.
    pub(super) fn word(self) -> &'static str {
        if self.remembered { REMEMBERED } else { NOT_REMEMBERED }
    }

    /// Reads what [`word`](Self::word) wrote.
    pub(super) fn parse(word: &str) -> Option<Self> {
        match word {
            REMEMBERED => Some(Self { remembered: true }),
            NOT_REMEMBERED => Some(Self { remembered: false }),
            _ => None,
        }
    }
}
