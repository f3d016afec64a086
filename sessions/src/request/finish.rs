//! The end of a request: freezes the session, and saves it if necessary.

use std::{future::Future, sync::Arc};

use actix_web::{
    body::MessageBody,
    dev::ServiceResponse,
    http::{StatusCode, header::HeaderMap},
};

use super::{
    answer::{Inner, Outcome, Outer, answer},
    save::{
        SaveFailure, SaveReport, Tolerance, freeze, save_content, save_content_at_once, skip_saving,
    },
    slot::{FreezeFor, Frozen, OpenSession, Slot},
};
use crate::interface::SessionInterface;

/// The remaining work at the end of a request.
pub(super) enum NextStep<C, B> {
    /// The response is complete.
    Respond(Outer),
    /// The session must be saved first.
    Save(Arc<OpenSession<C>>, Inner<B>),
}

/// Freezes the session, and writes the headers at once if nothing is saved.
pub(super) fn finish<I: SessionInterface, B: MessageBody + 'static>(
    slot: &Slot<I>,
    result: Inner<B>,
) -> NextStep<I::Content, B> {
    let outcome = match freeze(slot, FreezeFor::Response, status(&result)) {
        Frozen::Unused => Outcome::Unused,
        Frozen::SavedNow(Ok(headers)) => Outcome::done(headers),
        Frozen::SavedNow(Err(err)) => Outcome::failed(err),
        Frozen::Failed(err) => Outcome::failed(err),
        Frozen::Handled(err) => Outcome::Handled(err),
        Frozen::Session(session) => match skip_saving(slot, &session) {
            Some(skipped) => Outcome::done(skipped.headers),
            None => match save_content_at_once(slot, &session, status(&result), headers(&result)) {
                Some(saved) => outcome(saved),
                None => return NextStep::Save(session, result),
            },
        },
    };
    NextStep::Respond(answer(slot, result, outcome))
}

/// Saves the session and writes the headers.
#[expect(clippy::manual_async_fn, reason = "an `async fn` would hold the response twice")]
pub(super) fn save<I: SessionInterface, B: MessageBody + 'static>(
    slot: Arc<Slot<I>>,
    session: Arc<OpenSession<I::Content>>,
    result: Inner<B>,
) -> impl Future<Output = Outer> {
    async move {
        let (status, headers) = (status(&result), headers(&result));
        let saved = save_content(&slot, &session, status, headers, Tolerance::Policies).await;
        answer(&slot, result, outcome(saved))
    }
}

fn outcome(saved: Result<SaveReport, SaveFailure>) -> Outcome {
    match saved {
        Ok(saved) => Outcome::Done { headers: saved.headers, tolerated: saved.tolerated },
        Err(failed) => Outcome::Failed { err: failed.err.into(), headers: failed.headers },
    }
}

fn headers<B>(result: &Inner<B>) -> Option<&HeaderMap> {
    result.as_ref().ok().map(ServiceResponse::headers)
}

fn status<B>(result: &Inner<B>) -> StatusCode {
    match result {
        Ok(response) => response.status(),
        Err(err) => err.as_response_error().status_code(),
    }
}
