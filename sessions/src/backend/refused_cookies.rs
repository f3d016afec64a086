//! Log lines about the cookies of a request that open no session.

use std::fmt;

/// How many cookies of one request have a line each.
const MAX_LINES: usize = 8;

/// Logs why cookies of one request are refused, in a bounded number of lines: a client sends as many
/// cookies as it likes.
#[derive(Debug, Default)]
pub(crate) struct RefusedCookies {
    count: usize,
}

impl RefusedCookies {
    /// Logs the reason for one cookie, without its text.
    pub(crate) fn log(&mut self, reason: impl fmt::Display) {
        self.count += 1;
        if self.count <= MAX_LINES {
            tracing::info!(target: "sessions", %reason, "session cookie refused");
        } else if self.count == MAX_LINES + 1 {
            tracing::info!(
                target: "sessions",
                "more session cookies of this request are refused; their reasons are left out"
            );
        }
    }
}
