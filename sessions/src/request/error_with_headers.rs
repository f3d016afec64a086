//! An error of an inner middleware, with the session's headers.

use std::{cell::Cell, fmt, sync::Arc};

use actix_web::{Error, HttpResponse, ResponseError, http::StatusCode};

use super::headers::SessionHeaders;
use crate::error::{OutageLog, Place, Report};

/// An error of an inner middleware, whose response also carries the session's headers.
///
/// Every response made from it has the status and body of the inner error. If that is the session's,
/// its line is written.
pub(crate) struct ErrorWithHeaders {
    inner: Error,
    headers: Vec<SessionHeaders>,
    interface: &'static str,
    outages: Arc<OutageLog>,
    /// A middleware may make several responses of one error.
    has_line: Cell<bool>,
}

impl ErrorWithHeaders {
    pub(crate) fn new(
        inner: Error,
        headers: Vec<SessionHeaders>,
        interface: &'static str,
        outages: &Arc<OutageLog>,
    ) -> Self {
        Self { inner, headers, interface, outages: Arc::clone(outages), has_line: Cell::new(false) }
    }

    /// Returns the headers, with those of nested errors.
    pub(crate) fn all_headers(&self) -> Vec<SessionHeaders> {
        let mut all = self.inner.as_error().map_or_else(Vec::new, Self::all_headers);
        all.extend(self.headers.iter().cloned());
        all
    }
}

impl ResponseError for ErrorWithHeaders {
    fn status_code(&self) -> StatusCode {
        self.inner.as_response_error().status_code()
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = self.inner.error_response();
        let report = response.extensions_mut().remove::<Report>();
        if let Some(mut report) = report {
            let place = Place { interface: Some(self.interface), path: None };
            if self.has_line.replace(true) {
                report.discard();
            } else {
                report.write(&self.outages, place);
            }
        }
        for headers in &self.headers {
            headers.clone().write(response.headers_mut());
        }
        response
    }
}

impl fmt::Display for ErrorWithHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.inner, f)
    }
}

impl fmt::Debug for ErrorWithHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.inner, f)
    }
}
