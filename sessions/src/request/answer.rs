//! The response to a request, with its session's headers, or the failure of the session instead.

use std::mem;

use actix_web::{Error, HttpRequest, dev::ServiceResponse};

use super::{
    error_with_headers::ErrorWithHeaders,
    headers::SessionHeaders,
    slot::{AnySlot, Slot},
};
use crate::{
    error::{ExtractError, OpenError, OwnerError, Report, SaveError, SessionError},
    interface::SessionInterface,
};

/// What the inner service returned, a response or an error, and what the middleware returns: also a response
/// of its own, where the session has failed. A body that is boxed already, as a handler's is, stays as it is.
pub(super) type Answer = Result<ServiceResponse, Error>;

/// What became of a session at the end of its request.
pub(super) enum Outcome {
    /// It was not used.
    Unused,
    /// It is saved, or need not be, or its failure is tolerated.
    Done { headers: Option<SessionHeaders>, tolerated: Option<Box<SaveError>> },
    /// It could not be opened, and the handler answers.
    Handled(OpenError),
    /// It failed, and the client gets that failure.
    Failed { err: Error, headers: Option<SessionHeaders> },
}

impl Outcome {
    pub(super) fn done(headers: Option<SessionHeaders>) -> Self {
        Self::Done { headers, tolerated: None }
    }
}

/// Adds the session's headers to the result of the inner service. A failure of the session becomes a
/// response with the error inside, like a failure of a handler, so that outer middleware sees it.
///
/// An error of an inner middleware has no request to make a response with, and stays an error.
pub(super) fn add_headers<I: SessionInterface>(
    slot: &Slot<I>,
    answer: &mut Answer,
    outcome: Outcome,
) {
    let response = match answer {
        Ok(response) => response,
        Err(err) => return pass(slot, err, outcome),
    };
    let headers = match outcome {
        Outcome::Unused => None,
        Outcome::Done { headers, tolerated } => {
            if let Some(err) = tolerated {
                slot.report(&mut Report::of(&*err), Some(response.request().path()));
            }
            headers
        }
        Outcome::Handled(err) => {
            if !has_report(response) || !is_failure(response) {
                slot.report(&mut Report::of(&err), Some(response.request().path()));
            }
            // The handler took another way because of the client's cookie.
            Some(SessionHeaders::of_failure(slot.service.vary()))
        }
        // One answer and one line for all sessions of a request.
        Outcome::Failed { headers, .. } if has_failed(response) && is_failure(response) => headers,
        Outcome::Failed { err, headers } => {
            // The response is dropped, but inner sessions are saved: their headers must be sent.
            let mut all = InnerHeaders::take(response).0;
            all.extend(headers);
            let request = response.request().clone();
            *response = failure(slot, request, err, all);
            return;
        }
    };
    slot.restore_outer(response.request());
    write_report(slot, response);
    let Some(headers) = headers else { return };
    if slot.has_outer() {
        let mut inner = InnerHeaders::take(response);
        inner.0.push(headers.clone());
        response.response_mut().extensions_mut().insert(inner);
    }
    headers.write(response.headers_mut());
}

/// Answers a request with a failure of its session.
pub(super) fn failure<I: SessionInterface>(
    slot: &Slot<I>,
    request: HttpRequest,
    err: Error,
    headers: Vec<SessionHeaders>,
) -> ServiceResponse {
    slot.restore_outer(&request);
    let mut response = ServiceResponse::from_err(err, request);
    write_report(slot, &mut response);
    for headers in &headers {
        headers.clone().write(response.headers_mut());
    }
    if slot.has_outer() {
        response.response_mut().extensions_mut().insert(InnerHeaders(headers));
    }
    response
}

/// Adds the session's headers to an error of an inner middleware, or puts the session's failure in its
/// place.
fn pass<I: SessionInterface>(slot: &Slot<I>, err: &mut Error, outcome: Outcome) {
    let headers: Vec<_> = match outcome {
        Outcome::Unused => return,
        Outcome::Done { headers, tolerated } => {
            if let Some(tolerated) = tolerated {
                slot.report(&mut Report::of(&*tolerated), None);
            }
            headers.into_iter().collect()
        }
        Outcome::Handled(failed) => {
            let is_told =
                err.as_error::<ExtractError>().is_some() || err.as_error::<OpenError>().is_some();
            if !is_told {
                slot.report(&mut Report::of(&failed), None);
            }
            vec![SessionHeaders::of_failure(slot.service.vary())]
        }
        Outcome::Failed { err: failed, headers } => {
            let mut all = err.as_error().map_or_else(Vec::new, ErrorWithHeaders::all_headers);
            all.extend(headers);
            *err = failed;
            all
        }
    };
    // Outer middleware sees it as it is.
    if headers.is_empty() && !is_of_session(err) {
        return;
    }
    // Another error stands in for it until the next line.
    let inner = mem::replace(err, SaveError::Interrupted.into());
    *err =
        ErrorWithHeaders::new(inner, headers, slot.interface_name(), &slot.service.outages).into();
}

/// Whether an error has a line in the log, which names the interface.
fn is_of_session(err: &Error) -> bool {
    err.as_error::<SessionError>().is_some()
        || err.as_error::<ExtractError>().is_some()
        || err.as_error::<OpenError>().is_some()
        || err.as_error::<SaveError>().is_some()
        || err.as_error::<OwnerError>().is_some()
        || err.as_error::<ErrorWithHeaders>().is_some()
}

/// Whether the response tells its client of a failure. The application may have put a page of its own in
/// place of one.
fn is_failure(response: &ServiceResponse) -> bool {
    response.status().is_client_error() || response.status().is_server_error()
}

/// Whether the response is an error of the session, whose line is written or is to be.
fn has_report(response: &ServiceResponse) -> bool {
    response.response().extensions().get::<Report>().is_some()
}

/// Whether the response is an error of the session, and its line is written.
fn has_failed(response: &ServiceResponse) -> bool {
    response.response().extensions().get::<Report>().is_some_and(Report::is_written)
}

/// Writes the line of a response that is an error of the session.
fn write_report<I: SessionInterface>(slot: &Slot<I>, response: &mut ServiceResponse) {
    if !is_failure(response) {
        return;
    }
    let report = response.response_mut().extensions_mut().remove::<Report>();
    if let Some(mut report) = report {
        slot.report(&mut report, Some(response.request().path()));
        response.response_mut().extensions_mut().insert(report);
    }
}

/// The headers of the inner sessions of a response.
#[derive(Default)]
struct InnerHeaders(Vec<SessionHeaders>);

impl InnerHeaders {
    fn take(response: &mut ServiceResponse) -> Self {
        response.response_mut().extensions_mut().remove().unwrap_or_default()
    }
}
