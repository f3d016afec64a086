//! What a request does with a session whose token travels in `Authorization`.

use crate::{
    error::SaveError,
    state::{SessionState, SessionStatus},
};

/// The bearer token of a request. No response sets a cookie, so that a new token reaches the client by
/// `bearer_token` alone.
#[derive(Clone, Copy, Default)]
pub(crate) struct BearerUse {
    /// The token opened a session.
    pub(crate) opened: bool,
    /// The handler called `bearer_token`.
    pub(crate) hands_out: bool,
    /// The handler wrote to the session that would begin after a logout.
    loses_writes: bool,
}

impl BearerUse {
    pub(crate) fn of(state: &SessionState) -> Self {
        Self { opened: !state.is_new(), ..Self::default() }
    }

    /// Leaves out what needs a token that nobody takes: a rotation, which changes no rights, and the session that
    /// begins after a logout, whose messages have no next page.
    pub(crate) fn settle(&mut self, state: &mut SessionState) {
        if self.hands_out {
            return;
        }
        state.cancel_rotation();
        if state.status() == SessionStatus::Purged && !state.logs_in() && !state.is_empty() {
            self.loses_writes = !state.holds_only_flashes();
            state.clear().expect("a session that was purged is writable");
        }
    }

    /// Returns why the session must not be saved: its client would never get the token.
    pub(crate) fn refusal(self, state: &SessionState) -> Option<SaveError> {
        let begins = match state.status() {
            SessionStatus::Unchanged => false,
            SessionStatus::Renewed => self.opened || !state.is_empty(),
            SessionStatus::Purged => !state.is_empty(),
            SessionStatus::Changed | SessionStatus::Rotated => !self.opened && !state.is_empty(),
        };
        (begins && !self.hands_out).then(|| self.untaken())
    }

    /// Returns the error of writes after a logout that was carried out.
    pub(crate) fn lost_writes(self) -> Option<SaveError> {
        self.loses_writes.then(|| self.untaken())
    }

    fn untaken(self) -> SaveError {
        if self.opened { SaveError::UntakenToken } else { SaveError::UnknownToken }
    }
}
