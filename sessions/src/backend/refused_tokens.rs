//! Events of a request's tokens that open no session.

use std::fmt;

use super::log_ids::LogField;
use crate::{
    events::{Event, count, line},
    interface::Transport,
    token::signed::Rejected,
};

/// How many cookies of one request have a line each.
const MAX_LINES: usize = 8;

/// Tells why the tokens of one request are refused, in a bounded number of lines: a client sends as many
/// cookies as it likes.
#[derive(Debug, Default)]
pub(crate) struct RefusedTokens {
    count: usize,
    transport: Transport,
}

impl RefusedTokens {
    pub(super) fn of(transport: Transport) -> Self {
        Self { count: 0, transport }
    }

    /// Tells why a token is refused, without its text.
    pub(crate) fn token(&mut self, rejected: Rejected) {
        self.tell(rejected.reason(), rejected, || None);
    }

    /// Tells why a session is not opened. `reason` is a reason of [`Event::SessionRefused`].
    pub(super) fn tell(
        &mut self,
        reason: &'static str,
        text: impl fmt::Display,
        session: impl FnOnce() -> LogField,
    ) {
        self.count += 1;
        count(Event::SessionRefused, Some(reason));
        if self.transport == Transport::Bearer {
            line!(SessionRefused, reason, session = session(), "bearer token refused: {text}");
        } else if self.count <= MAX_LINES {
            line!(SessionRefused, reason, session = session(), "session cookie refused: {text}");
        } else if self.count == MAX_LINES + 1 {
            // It is counted under its own reason.
            line!(
                SessionRefused,
                reason = "others",
                "more session cookies of this request are refused; their reasons are left out"
            );
        }
    }
}
