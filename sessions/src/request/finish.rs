//! The end of a request: the session is frozen, saved if need be, and the headers written.

use std::{mem, sync::Arc};

use actix_web::{Error, dev::ServiceResponse, http::StatusCode};

use super::{
    error_with_headers::ErrorWithHeaders,
    headers::SessionHeaders,
    save::{freeze, unsaved, write},
    slot::{Frozen, OpenSession, Slot},
};
use crate::{
    error::{ExtractError, SessionError},
    interface::SessionInterface,
};

/// What is left to do at the end of a request.
pub(super) enum NextStep<C> {
    /// The response is complete.
    Respond,
    /// The session is to be saved first.
    Save(Arc<OpenSession<C>>),
}

/// Freezes the session. Where nothing is to be saved it writes the headers at once.
pub(super) fn finish<I: SessionInterface, B>(
    slot: &Slot<I>,
    result: &mut Result<ServiceResponse<B>, Error>,
) -> NextStep<I::Content> {
    let frozen = freeze(slot, false, || status(result));
    if !matches!(frozen, Frozen::Unused) {
        log_handler(result);
    }
    let headers = match frozen {
        Frozen::Unused => Ok(None),
        Frozen::SavedEarly(saved) => saved.map_err(Error::from),
        Frozen::Failed(err) => Err(err.into()),
        Frozen::Session(session) => match unsaved(slot, &session.content) {
            Some(done) => Ok(done.headers),
            None => return NextStep::Save(session),
        },
    };
    answer(slot, result, headers);
    NextStep::Respond
}

/// Saves the session, and writes the headers.
#[expect(clippy::manual_async_fn, reason = "an `async fn` would hold the response twice")]
pub(super) fn save<I: SessionInterface, B>(
    slot: Arc<Slot<I>>,
    session: Arc<OpenSession<I::Content>>,
    mut result: Result<ServiceResponse<B>, Error>,
) -> impl Future<Output = Result<ServiceResponse<B>, Error>> {
    async move {
        let headers = result.as_ref().ok().map(ServiceResponse::headers);
        let saved = match write(&slot, &session, status(&result), headers).await {
            Ok(done) => Ok(done.headers),
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

/// Puts the session's headers onto what the inner service answered: onto the response, or onto the
/// error that an inner middleware answered with.
fn answer<I: SessionInterface, B>(
    slot: &Slot<I>,
    result: &mut Result<ServiceResponse<B>, Error>,
    headers: Result<Option<SessionHeaders>, Error>,
) {
    let headers = match headers {
        Ok(headers) => headers,
        Err(err) => {
            // The response is lost; what sessions further in have saved is not.
            *result = Err(with_headers(err, written_inside(result)));
            return;
        }
    };
    match result {
        Ok(response) => {
            slot.step_out(response.request());
            let Some(headers) = headers else { return };
            headers.write(response.headers_mut());
            if slot.has_outer() {
                let mut written = Written::take(response);
                written.0.push(headers);
                response.response_mut().extensions_mut().insert(written);
            }
        }
        Err(err) => {
            let Some(headers) = headers else { return };
            // The placeholder is replaced at once.
            let inner = mem::replace(err, ExtractError::Closed.into());
            *err = with_headers(inner, vec![headers]);
        }
    }
}

/// Logs an error of the session that a handler returned, once: Actix sends no text of it.
fn log_handler<B>(result: &mut Result<ServiceResponse<B>, Error>) {
    struct Logged;

    let Ok(response) = result else { return };
    let error = response.response().error().and_then(|err| err.as_error::<SessionError>());
    let Some(message) = error.map(ToString::to_string) else { return };
    if response.response_mut().extensions_mut().insert(Logged).is_none() {
        let path = response.request().path();
        tracing::error!(target: "sessions", path, "a handler failed: {message}");
    }
}

/// What the sessions further in have written onto a response.
#[derive(Default)]
struct Written(Vec<SessionHeaders>);

impl Written {
    fn take<B>(response: &mut ServiceResponse<B>) -> Self {
        response.response_mut().extensions_mut().remove().unwrap_or_default()
    }
}

fn written_inside<B>(result: &Result<ServiceResponse<B>, Error>) -> Vec<SessionHeaders> {
    match result {
        Ok(response) => {
            let extensions = response.response().extensions();
            extensions.get().map_or_else(Vec::new, |Written(headers)| headers.clone())
        }
        Err(err) => err.as_error().map_or_else(Vec::new, ErrorWithHeaders::all_headers),
    }
}

fn with_headers(err: Error, headers: Vec<SessionHeaders>) -> Error {
    if headers.is_empty() { err } else { ErrorWithHeaders::new(err, headers).into() }
}
