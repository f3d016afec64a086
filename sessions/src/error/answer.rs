//! The table from a failure to its answer: status, headers, and the event of its line in the log.

use std::error::Error as StdError;

use crate::events::Event;
use actix_web::{
    HttpResponse,
    http::{
        StatusCode,
        header::{CACHE_CONTROL, HeaderValue, RETRY_AFTER, VARY, WWW_AUTHENTICATE},
    },
};

/// The seconds after which a client may try again: an outage lasts seconds, or much longer.
const RETRY_SECONDS: HeaderValue = HeaderValue::from_static("1");

/// What a client is told whose bearer token opens nothing (RFC 6750, 3.1).
const INVALID_TOKEN: HeaderValue = HeaderValue::from_static("Bearer error=\"invalid_token\"");

/// A kind of failure. Opening, saving, `save_now`, the extractors, the calls on an owner's sessions and
/// writes to a null session take their answers from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Failure {
    /// The store cannot be reached, the connection broke (a write may have been done), or the circuit is
    /// open.
    Unavailable,
    /// The store did not answer a read in time, so that a retry is safe.
    Unanswered,
    /// The store takes no writes.
    ReadOnly,
    /// The store has no room.
    Full,
    /// The store did not answer a write in time: it may have been done.
    Unknown,
    /// A newer version of this library wrote the record.
    NewerFormat,
    /// The session was ended by another request meanwhile.
    Gone,
    /// The session was logged in or renewed by another request meanwhile.
    Superseded,
    /// The owner of a login has as many sessions as the cap lets live.
    TooManySessions,
    /// A bearer token opens no session, and its request writes.
    UnknownToken,
    /// A bearer token was asked for in a request with the session's cookie.
    CameInCookie,
    /// A bug or a wrong setting: too large, saved twice, without a key.
    Server,
}

/// The answer to a failure.
struct Answer {
    status: StatusCode,
    /// Whether the client is told to try again.
    retry: bool,
    event: Event,
}

impl Failure {
    const fn answer(self) -> Answer {
        let (status, retry, event) = match self {
            Self::Unavailable
            | Self::Unanswered
            | Self::ReadOnly
            | Self::Full
            | Self::NewerFormat => (StatusCode::SERVICE_UNAVAILABLE, true, Event::SessionFailed),
            Self::Unknown => (StatusCode::SERVICE_UNAVAILABLE, false, Event::SessionFailed),
            Self::Gone => (StatusCode::CONFLICT, false, Event::SessionGone),
            Self::Superseded => (StatusCode::CONFLICT, false, Event::SessionSuperseded),
            Self::TooManySessions => (StatusCode::CONFLICT, false, Event::LoginRefused),
            Self::UnknownToken => (StatusCode::UNAUTHORIZED, false, Event::SessionUnauthorized),
            Self::CameInCookie => (StatusCode::FORBIDDEN, false, Event::SessionUnauthorized),
            Self::Server => (StatusCode::INTERNAL_SERVER_ERROR, false, Event::SessionFailed),
        };
        Answer { status, retry, event }
    }

    pub(super) fn status(self) -> StatusCode {
        self.answer().status
    }

    pub(super) fn event(self) -> Event {
        self.answer().event
    }

    /// Returns the reason of the event, where it has one.
    pub(super) fn reason(self) -> Option<&'static str> {
        Some(match self {
            Self::Unavailable => "unavailable",
            Self::Unanswered | Self::Unknown => "timeout",
            Self::ReadOnly => "read_only",
            Self::Full => "full",
            Self::NewerFormat => "newer_format",
            Self::Server => "server",
            Self::TooManySessions => "limit",
            Self::UnknownToken => "unknown_token",
            Self::CameInCookie => "came_in_cookie",
            Self::Gone | Self::Superseded => return None,
        })
    }

    /// Whether it is the store's, so that every request meets it.
    pub(super) fn is_outage(self) -> bool {
        self.answer().status == StatusCode::SERVICE_UNAVAILABLE
    }

    /// Returns the empty response. No cache may store it: it depends on the client's cookie, and lasts
    /// as long as the outage does (RFC 9111, 4.1 and 5.2.2.5).
    pub(super) fn response(self) -> HttpResponse {
        let Answer { status, retry, .. } = self.answer();
        let mut response = HttpResponse::new(status);
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        let vary = if self == Self::UnknownToken { "Authorization" } else { "Cookie" };
        headers.insert(VARY, HeaderValue::from_static(vary));
        if self == Self::UnknownToken {
            headers.insert(WWW_AUTHENTICATE, INVALID_TOKEN);
        }
        if retry {
            headers.insert(RETRY_AFTER, RETRY_SECONDS);
        }
        response
    }
}

/// An error that has a row in the table.
pub(crate) trait Fails: StdError {
    /// What the line in the log begins with, where the message does not say it.
    const WHAT: &'static str;

    fn failure(&self) -> Failure;

    /// Whether its line was written where it arose.
    fn is_reported(&self) -> bool {
        false
    }
}
