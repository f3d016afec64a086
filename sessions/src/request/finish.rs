//! The end of a request: freezes the session, saves it if necessary, and writes the headers.

use std::{mem, sync::Arc};

use actix_web::{Error, dev::ServiceResponse, http::StatusCode};

use super::{
    error_with_headers::ErrorWithHeaders,
    headers::SessionHeaders,
    save::{Tolerance, freeze, save_content, skip_saving},
    slot::{FreezeFor, Frozen, OpenSession, Slot},
};
use crate::{
    error::{ExtractError, SessionError},
    interface::SessionInterface,
};

/// The remaining work at the end of a request.
pub(super) enum NextStep<C> {
    /// The response is complete.
    Respond,
    /// The session must be saved first.
    Save(Arc<OpenSession<C>>),
}

/// Freezes the session, and writes the headers at once if nothing is saved.
pub(super) fn finish<I: SessionInterface, B>(
    slot: &Slot<I>,
    result: &mut Result<ServiceResponse<B>, Error>,
) -> NextStep<I::Content> {
    let frozen = freeze(slot, FreezeFor::Response, status(result));
    if !matches!(frozen, Frozen::Unused) {
        log_handler_error(result);
    }
    let headers = match frozen {
        Frozen::Unused => Ok(None),
        Frozen::SavedNow(saved) => saved.map_err(Error::from),
        Frozen::Failed(err) => Err(err.into()),
        Frozen::Session(session) => match skip_saving(slot, &session.content) {
            Some(skipped) => Ok(skipped.headers),
            None => return NextStep::Save(session),
        },
    };
    answer(slot, result, headers);
    NextStep::Respond
}

/// Saves the session and writes the headers.
#[expect(clippy::manual_async_fn, reason = "an `async fn` would hold the response twice")]
pub(super) fn save<I: SessionInterface, B>(
    slot: Arc<Slot<I>>,
    session: Arc<OpenSession<I::Content>>,
    mut result: Result<ServiceResponse<B>, Error>,
) -> impl Future<Output = Result<ServiceResponse<B>, Error>> {
    async move {
        let headers = result.as_ref().ok().map(ServiceResponse::headers);
        let saved = match save_content(
            &slot,
            &session,
            status(&result),
            headers,
            Tolerance::Policies,
        )
        .await
        {
            Ok(saved) => Ok(saved.headers),
            Err(failed) => {
                Err(with_headers(failed.err.into(), failed.headers.into_iter().collect()))
            }
        };
        answer(&slot, &mut result, saved);
        result
    }
}

fn status<B>(result: &Result<ServiceResponse<B>, Error>) -> StatusCode {
    match result {
        Ok(response) => response.status(),
        Err(err) => err.as_response_error().status_code(),
    }
}

/// Adds the session's headers to the result of the inner service: to the response, or to the error
/// of an inner middleware.
fn answer<I: SessionInterface, B>(
    slot: &Slot<I>,
    result: &mut Result<ServiceResponse<B>, Error>,
    headers: Result<Option<SessionHeaders>, Error>,
) {
    let headers = match headers {
        Ok(headers) => headers,
        Err(err) => {
            // The response is dropped, but inner sessions are saved: their headers must be sent.
            *result = Err(with_headers(err, inner_headers(result)));
            return;
        }
    };
    match result {
        Ok(response) => {
            slot.restore_outer(response.request());
            let Some(headers) = headers else { return };
            headers.write(response.headers_mut());
            if slot.has_outer() {
                let mut inner = InnerHeaders::take(response);
                inner.0.push(headers);
                response.response_mut().extensions_mut().insert(inner);
            }
        }
        Err(err) => {
            let Some(headers) = headers else { return };
            // A placeholder, which the next line replaces.
            let inner = mem::replace(err, ExtractError::Closed.into());
            *err = with_headers(inner, vec![headers]);
        }
    }
}

/// Logs a session error that a handler returned, once: Actix does not send its text.
fn log_handler_error<B>(result: &mut Result<ServiceResponse<B>, Error>) {
    struct Logged;

    let Ok(response) = result else { return };
    let error = response.response().error().and_then(|err| err.as_error::<SessionError>());
    let Some(message) = error.map(ToString::to_string) else { return };
    if response.response_mut().extensions_mut().insert(Logged).is_none() {
        let path = response.request().path();
        tracing::error!(target: "sessions", path, "a handler returned a session error: {message}");
    }
}

/// The headers of the inner sessions of a response.
#[derive(Default)]
struct InnerHeaders(Vec<SessionHeaders>);

impl InnerHeaders {
    fn take<B>(response: &mut ServiceResponse<B>) -> Self {
        response.response_mut().extensions_mut().remove().unwrap_or_default()
    }
}

fn inner_headers<B>(result: &Result<ServiceResponse<B>, Error>) -> Vec<SessionHeaders> {
    match result {
        Ok(response) => {
            let extensions = response.response().extensions();
            extensions.get().map_or_else(Vec::new, |InnerHeaders(headers)| headers.clone())
        }
        Err(err) => err.as_error().map_or_else(Vec::new, ErrorWithHeaders::all_headers),
    }
}

fn with_headers(err: Error, headers: Vec<SessionHeaders>) -> Error {
    if headers.is_empty() { err } else { ErrorWithHeaders::new(err, headers).into() }
}
