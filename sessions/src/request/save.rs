//! Saving a session: decides whether the interface saves it, and asks it to.

use actix_web::http::{StatusCode, header::HeaderMap};

use super::{
    bearer::BearerToken,
    save_report::{SaveFailure, SaveReport, Tolerance, headers_of, report},
    saved_session::{SaveOutcome, SavedSession},
    service_state::ServiceState,
    slot::{FreezeFor, Frozen, OpenSession, Slot},
};
use crate::{
    error::SaveError,
    interface::{SaveContext, SessionContent, SessionInterface, Transport},
    state::SessionStatus,
};

/// Saves before there is a response, and keeps the headers for it.
pub(super) async fn save_now<I: SessionInterface>(
    slot: &Slot<I>,
) -> Result<SavedSession, SaveError> {
    let (session, saved) = save_early(slot).await?;
    match saved {
        Ok(report) => {
            slot.finish_save_now(report.headers);
            Ok(SavedSession::new(report.outcome, &session.content, report.stored))
        }
        Err(failed) => {
            slot.finish_save_now(failed.headers);
            Err(failed.err)
        }
    }
}

/// Saves before there is a response, and returns the token for a client without cookies.
pub(super) async fn bearer_token<I: SessionInterface>(
    slot: &Slot<I>,
) -> Result<BearerToken, SaveError> {
    slot.hand_out()?;
    let (_, saved) = save_early(slot).await?;
    match saved {
        Ok(SaveReport { headers, outcome, token, .. }) => {
            slot.finish_save_now(headers);
            match (token, outcome) {
                (Some(token), _) => BearerToken::new(token),
                (None, SaveOutcome::Saved) => Err(SaveError::Superseded),
                (None, SaveOutcome::Removed | SaveOutcome::Unchanged) => {
                    Err(SaveError::NothingToHandOut)
                }
            }
        }
        Err(failed) => {
            slot.finish_save_now(failed.headers);
            Err(failed.err)
        }
    }
}

/// Freezes the session and saves it before there is a response.
async fn save_early<I: SessionInterface>(
    slot: &Slot<I>,
) -> Result<(&OpenSession<I::Content>, Result<SaveReport, SaveFailure>), SaveError> {
    let Frozen::Session(session) = freeze(slot, FreezeFor::SaveNow, StatusCode::OK) else {
        return Err(SaveError::Saved);
    };
    let saved = match skip_saving(slot, session) {
        Some(skipped) => Ok(skipped),
        None => save_content(slot, session, StatusCode::OK, None, Tolerance::None).await,
    };
    Ok((session, saved))
}

/// Saves as at the end of a request, and returns the headers that the response gets.
#[cfg(feature = "test")]
pub(crate) async fn headers_after_saving<I: SessionInterface>(
    slot: &Slot<I>,
) -> Result<HeaderMap, SaveError> {
    save_now(slot).await?;
    let mut written = HeaderMap::new();
    if let Frozen::SavedNow(Ok(Some(headers))) = slot.freeze(FreezeFor::Response, |_, _| {}) {
        headers.write(&mut written);
    }
    Ok(written)
}

/// Closes the session for writes, after its policies are applied to it.
pub(super) fn freeze<I: SessionInterface>(
    slot: &Slot<I>,
    purpose: FreezeFor,
    response_status: StatusCode,
) -> Frozen<'_, I::Content> {
    let settings = &slot.service.settings;
    let now = slot.service.clock.asked_first();
    slot.freeze(purpose, |state, cookie| {
        let saves = settings.save_when().saves(response_status.as_u16());
        if state.null_session().is_none() && !saves {
            state.rollback().expect("a session that is not null is writable");
        }
        if let Some(bearer) = &mut cookie.bearer {
            bearer.settle(state);
        }
        state.finalize(now, settings.absolute_timeout().is_some());
    })
}

/// Returns the report of a session that need not be saved, and `None` for one that must be.
pub(super) fn skip_saving<I: SessionInterface>(
    slot: &Slot<I>,
    session: &OpenSession<I::Content>,
) -> Option<SaveReport> {
    let (interface, content) = (&*slot.service.interface, &session.content);
    if interface.is_null_session(content) {
        return Some(SaveReport::unchanged(headers_of(session, None, None)));
    }
    let status = content.state().status();
    // No response gives a client without cookies its token again.
    let has_nothing = status == SessionStatus::Unchanged && session.cookie.bearer.is_some();
    (has_nothing || !must_save(interface, session, status))
        .then(|| SaveReport::unchanged(headers_of(session, None, None)))
}

/// Asks the interface to save the session.
pub(super) async fn save_content<I: SessionInterface>(
    slot: &Slot<I>,
    session: &OpenSession<I::Content>,
    response_status: StatusCode,
    response_headers: Option<&HeaderMap>,
    tolerance: Tolerance,
) -> Result<SaveReport, SaveFailure> {
    check_bearer(session)?;
    let cx = save_context(slot, session, response_status, response_headers, tolerance);
    let (now, session_status) = (cx.now, cx.session_status);
    let saved = slot.service.interface.save_session(&session.content, cx).await;
    report(slot, session, now, session_status, tolerance, saved)
}

/// Asks the interface to save the session before its response is sent, where it need not wait.
pub(super) fn save_content_at_once<I: SessionInterface>(
    slot: &Slot<I>,
    session: &OpenSession<I::Content>,
    response_status: StatusCode,
    response_headers: Option<&HeaderMap>,
) -> Option<Result<SaveReport, SaveFailure>> {
    if let Err(failed) = check_bearer(session) {
        return Some(Err(failed));
    }
    let tolerance = Tolerance::Policies;
    let cx = save_context(slot, session, response_status, response_headers, tolerance);
    let saved = slot.service.interface.save_at_once(&session.content, &cx)?;
    Some(report(slot, session, cx.now, cx.session_status, tolerance, saved))
}

/// Fails a session of a client without cookies that must not be saved.
fn check_bearer<C: SessionContent>(session: &OpenSession<C>) -> Result<(), SaveFailure> {
    let bearer = session.cookie.bearer;
    match bearer.and_then(|bearer| bearer.refusal(session.content.state())) {
        Some(err) => Err(SaveFailure { err, headers: None }),
        None => Ok(()),
    }
}

fn save_context<'r, I: SessionInterface>(
    slot: &'r Slot<I>,
    session: &'r OpenSession<I::Content>,
    response_status: StatusCode,
    response_headers: Option<&'r HeaderMap>,
    tolerance: Tolerance,
) -> SaveContext<'r> {
    let ServiceState { settings, clock, .. } = &*slot.service;
    let OpenSession { content, cookie, .. } = session;
    SaveContext {
        cookie: slot.service.cookie(&cookie.policy),
        settings,
        now: clock.now(),
        session_status: content.state().status(),
        response_status,
        response_headers,
        // `save_now` alone leaves every failure to its handler.
        reads_back: tolerance == Tolerance::None,
        transport: if cookie.bearer.is_some() { Transport::Bearer } else { Transport::Cookie },
        hands_out: cookie.bearer.is_some_and(|bearer| bearer.hands_out),
    }
}

/// Whether the interface must save the session, by what the request did to it. One that is no use of its
/// session and changed nothing refreshes no cookie.
fn must_save<I: SessionInterface>(
    interface: &I,
    session: &OpenSession<I::Content>,
    status: SessionStatus,
) -> bool {
    let OpenSession { content, is_use, .. } = session;
    let sets_cookie = || *is_use || status != SessionStatus::Unchanged;
    let is_wanted =
        || content.state().wants_refresh() || sets_cookie() && interface.should_set_cookie(content);
    match status {
        SessionStatus::Purged | SessionStatus::Renewed | SessionStatus::Rotated => true,
        SessionStatus::Changed => content.is_empty() || is_wanted(),
        SessionStatus::Unchanged => !content.is_empty() && is_wanted(),
    }
}
