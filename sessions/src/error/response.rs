//! The response of each error: a status and an empty body.

use actix_web::{
    HttpResponse, ResponseError,
    http::{StatusCode, header},
};

use super::{ExtractError, OpenError, SaveError, SessionError};

/// The seconds after which a client may try again: an outage lasts seconds, or much longer.
const RETRY_AFTER: &str = "1";

impl ResponseError for SessionError {
    fn error_response(&self) -> HttpResponse {
        HttpResponse::InternalServerError().finish()
    }
}

impl ResponseError for SaveError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Gone | Self::Superseded => StatusCode::CONFLICT,
            // Nothing was written, and the request itself is fine.
            Self::Full => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn error_response(&self) -> HttpResponse {
        HttpResponse::new(self.status_code())
    }
}

impl ResponseError for OpenError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Unavailable { .. } | Self::Timeout => StatusCode::SERVICE_UNAVAILABLE,
            Self::Policy(_) | Self::SharedCookie { .. } | Self::Internal { .. } => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
        }
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::new(self.status_code());
        if self.status_code() == StatusCode::SERVICE_UNAVAILABLE {
            let seconds = header::HeaderValue::from_static(RETRY_AFTER);
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        response
    }
}

impl ResponseError for ExtractError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Open(err) => err.status_code(),
            Self::NotWrapped { .. } | Self::Ambiguous { .. } | Self::Closed => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
        }
    }

    fn error_response(&self) -> HttpResponse {
        match self {
            Self::Open(err) => err.error_response(),
            _ => HttpResponse::new(self.status_code()),
        }
    }
}
