//! The row of the [table](super::answer) that each error has.

use actix_web::{HttpResponse, ResponseError, http::StatusCode};

use super::{
    ExtractError, Misused, OpenError, OwnerError, SaveError, SessionError,
    answer::{Fails, Failure},
    report::Report,
};

impl Fails for SessionError {
    const WHAT: &'static str = "session error: ";

    fn failure(&self) -> Failure {
        match self {
            Self::Null(null) => null.caused_by().unwrap_or(Failure::Server),
            Self::Saved
            | Self::ReservedKey { .. }
            | Self::Decode { .. }
            | Self::Encode { .. }
            | Self::TooLarge { .. }
            | Self::Data { .. }
            | Self::Lifetimes(_)
            | Self::NoOwner
            | Self::Contended
            | Self::WithinUpdate => Failure::Server,
        }
    }

    fn is_reported(&self) -> bool {
        matches!(self, Self::Null(null) if null.caused_by().is_some())
    }
}

impl Fails for OpenError {
    const WHAT: &'static str = "session not opened: ";

    fn failure(&self) -> Failure {
        match self {
            Self::Unavailable { .. } => Failure::Unavailable,
            Self::NewerFormat { .. } => Failure::NewerFormat,
            Self::Timeout => Failure::Unanswered,
            Self::ReadOnly { .. } => Failure::ReadOnly,
            Self::Full => Failure::Full,
            Self::Policy(_) | Self::SharedCookie { .. } | Self::Internal { .. } => Failure::Server,
        }
    }

    fn is_reported(&self) -> bool {
        match self {
            Self::Internal { source } => {
                source.is::<Misused>()
                    || source.downcast_ref::<ExtractError>().is_some_and(Fails::is_reported)
            }
            _ => false,
        }
    }
}

impl Fails for ExtractError {
    const WHAT: &'static str = "session not opened: ";

    fn failure(&self) -> Failure {
        match self {
            Self::Open(err) => err.failure(),
            Self::NotWrapped { .. } | Self::Ambiguous { .. } | Self::Closed => Failure::Server,
        }
    }

    fn is_reported(&self) -> bool {
        match self {
            // Also where the handler makes an `Option` of it: the extractor reports these.
            Self::NotWrapped { .. } | Self::Ambiguous { .. } => true,
            Self::Open(err) => err.is_reported(),
            Self::Closed => false,
        }
    }
}

impl Fails for SaveError {
    const WHAT: &'static str = "session not saved: ";

    fn failure(&self) -> Failure {
        match self {
            Self::Unavailable { .. } => Failure::Unavailable,
            Self::NewerFormat { .. } => Failure::NewerFormat,
            Self::Timeout => Failure::Unknown,
            Self::ReadOnly { .. } => Failure::ReadOnly,
            Self::Full => Failure::Full,
            Self::Gone => Failure::Gone,
            Self::Superseded => Failure::Superseded,
            Self::TooManySessions { .. } => Failure::TooManySessions,
            Self::UnknownToken => Failure::UnknownToken,
            Self::CameInCookie => Failure::CameInCookie,
            Self::Null(null) => null.caused_by().unwrap_or(Failure::Server),
            Self::TooLarge { .. }
            | Self::PayloadTooLarge { .. }
            | Self::UntakenToken
            | Self::NoBearer
            | Self::NothingToHandOut
            | Self::Saved
            | Self::Interrupted
            | Self::InvalidToken
            | Self::Internal { .. } => Failure::Server,
        }
    }

    fn is_reported(&self) -> bool {
        matches!(self, Self::Null(null) if null.caused_by().is_some())
    }
}

impl Fails for OwnerError {
    const WHAT: &'static str = "";

    fn failure(&self) -> Failure {
        match self {
            Self::Store(err) => OpenError::from(err.clone()).failure(),
            Self::Unfinished => Failure::Unknown,
            Self::Ended => Failure::Gone,
            Self::Unsupported | Self::NoOwner => Failure::Server,
        }
    }
}

/// Lets Actix make the table's response of an error, with its line for the log.
macro_rules! answer_by_the_table {
    ($($error:ty),*) => {$(
        impl ResponseError for $error {
            fn status_code(&self) -> StatusCode {
                self.failure().status()
            }

            fn error_response(&self) -> HttpResponse {
                let mut response = self.failure().response();
                if !self.is_reported() {
                    response.extensions_mut().insert(Report::of(self));
                }
                response
            }
        }
    )*};
}

answer_by_the_table!(SessionError, OpenError, ExtractError, SaveError, OwnerError);
