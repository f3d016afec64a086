//! The end of a request: freezes the session, and saves it if necessary.

use std::{future::Future, sync::Arc};

use actix_web::{
    Error,
    dev::ServiceResponse,
    http::{StatusCode, header::HeaderMap},
};

use super::{
    answer::{Answer, Outcome, add_headers},
    save::{freeze, save_content, save_content_at_once, skip_saving},
    save_report::{SaveFailure, SaveReport, Tolerance},
    slot::{FreezeFor, Frozen, Slot},
};
use crate::interface::SessionInterface;

/// Freezes the session and adds its headers to the answer. Returns `false` if the session must be
/// [saved](save) first, which waits.
pub(super) fn finish<I: SessionInterface>(slot: &Slot<I>, answer: &mut Answer) -> bool {
    let outcome = match freeze(slot, FreezeFor::Response, status(answer)) {
        Frozen::Unused => Outcome::Unused,
        Frozen::SavedNow(Ok(headers)) => Outcome::done(headers),
        Frozen::SavedNow(Err(err)) => failed(err),
        Frozen::Failed(err) => failed(err),
        Frozen::Handled(err) => Outcome::Handled(err),
        Frozen::Session(session) => match skip_saving(slot, session) {
            Some(skipped) => Outcome::done(skipped.headers),
            None => match save_content_at_once(slot, session, status(answer), headers(answer)) {
                Some(saved) => outcome(saved),
                None => return false,
            },
        },
    };
    add_headers(slot, answer, outcome);
    true
}

/// Saves the session and adds its headers to the answer.
#[expect(clippy::manual_async_fn, reason = "an `async fn` would hold the response twice")]
pub(super) fn save<I: SessionInterface>(
    slot: Arc<Slot<I>>,
    mut answer: Answer,
) -> impl Future<Output = Answer> {
    async move {
        let (status, headers) = (status(&answer), headers(&answer));
        let session = slot.closed().expect("`finish` closed it");
        let saved = save_content(&slot, session, status, headers, Tolerance::Policies).await;
        add_headers(&slot, &mut answer, outcome(saved));
        answer
    }
}

#[cold]
fn failed(err: impl Into<Error>) -> Outcome {
    Outcome::Failed { err: err.into(), headers: None }
}

fn outcome(saved: Result<SaveReport, SaveFailure>) -> Outcome {
    match saved {
        Ok(saved) => Outcome::Done { headers: saved.headers, tolerated: saved.tolerated },
        Err(failed) => Outcome::Failed { err: failed.err.into(), headers: failed.headers },
    }
}

fn headers(answer: &Answer) -> Option<&HeaderMap> {
    answer.as_ref().ok().map(ServiceResponse::headers)
}

fn status(answer: &Answer) -> StatusCode {
    match answer {
        Ok(response) => response.status(),
        Err(err) => err.as_response_error().status_code(),
    }
}
