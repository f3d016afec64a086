//! Saving a session: decides whether the interface saves it, and turns the result into headers.

use std::{sync::Arc, time::SystemTime};

use actix_web::http::{StatusCode, header::HeaderMap};
use sessions_policy::{CookiePolicy, OnGone, OnSaveError};

use super::{
    bearer::BearerToken,
    headers::SessionHeaders,
    saved_session::{SaveOutcome, SavedSession},
    service_state::ServiceState,
    slot::{BearerUse, FreezeFor, Frozen, OpenSession, Slot},
    token_cookie::{ending_cookie, is_due, token_cookie},
};
use crate::{
    error::SaveError,
    interface::{CookieChange, SaveContext, Saved, SessionContent, SessionInterface, Transport},
    policy::Settings,
    state::SessionStatus,
};

/// Saves before there is a response, and keeps the headers for it.
pub(super) async fn save_now<I: SessionInterface>(
    slot: &Slot<I>,
) -> Result<SavedSession, SaveError> {
    let Frozen::Session(session) = freeze(slot, FreezeFor::SaveNow, StatusCode::OK) else {
        return Err(SaveError::Saved);
    };
    let saved = match skip_saving(slot, &session) {
        Some(skipped) => Ok(skipped),
        None => save_content(slot, &session, StatusCode::OK, None, Tolerance::None).await,
    };
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
    let Frozen::Session(session) = freeze(slot, FreezeFor::SaveNow, StatusCode::OK) else {
        return Err(SaveError::Saved);
    };
    let saved = match skip_saving(slot, &session) {
        Some(skipped) => Ok(skipped),
        None => save_content(slot, &session, StatusCode::OK, None, Tolerance::None).await,
    };
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
) -> Frozen<I::Content> {
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

/// The result of saving a session, or of skipping it.
pub(super) struct SaveReport {
    pub(super) headers: Option<SessionHeaders>,
    outcome: SaveOutcome,
    /// The stored JSON, if it differs from the content.
    stored: Option<String>,
    /// The token that the handler hands out.
    token: Option<String>,
    /// The failure, if the response is sent although there was one.
    pub(super) tolerated: Option<SaveError>,
}

impl SaveReport {
    fn unchanged(headers: Option<SessionHeaders>) -> Self {
        let outcome = SaveOutcome::Unchanged;
        Self { headers, outcome, stored: None, token: None, tolerated: None }
    }
}

/// A failed save, and the headers that are still sent.
pub(super) struct SaveFailure {
    pub(super) err: SaveError,
    pub(super) headers: Option<SessionHeaders>,
}

/// Returns the report of a session that need not be saved, and `None` for one that must be.
pub(super) fn skip_saving<I: SessionInterface>(
    slot: &Slot<I>,
    session: &OpenSession<I::Content>,
) -> Option<SaveReport> {
    let (interface, content) = (&*slot.service.interface, &session.content);
    if interface.is_null_session(content) {
        return Some(SaveReport::unchanged(headers_of(session, None, &[])));
    }
    let status = content.state().status();
    // No response gives a client without cookies its token again.
    let has_nothing = status == SessionStatus::Unchanged && session.cookie.bearer.is_some();
    (has_nothing || !must_save(interface, session, status))
        .then(|| SaveReport::unchanged(headers_of(session, None, &[])))
}

/// Returns the headers of a response that accessed the session, or that sets or removes a cookie.
fn headers_of<C: SessionContent>(
    session: &OpenSession<C>,
    set_cookie: Option<String>,
    legacy_removed: &[Arc<CookiePolicy>],
) -> Option<SessionHeaders> {
    let OpenSession { content, cookie, .. } = session;
    if !content.is_accessed() && set_cookie.is_none() && legacy_removed.is_empty() {
        return None;
    }
    let is_of_client = cookie.was_sent || cookie.bearer.is_some() || !content.is_new();
    let hands_out = cookie.bearer.is_some_and(|bearer| bearer.hands_out);
    let headers = SessionHeaders::new(cookie.vary, set_cookie, is_of_client, hands_out);
    Some(if legacy_removed.is_empty() { headers } else { headers.removing(legacy_removed) })
}

/// Whether a response may be sent although saving failed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Tolerance {
    /// The policies `on_gone` and `on_save_error` decide.
    Policies,
    /// The handler decides, which is told of each failure.
    None,
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
        cookie: &cookie.policy,
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

/// Turns the interface's answer into headers, and decides whether a failure is tolerated.
fn report<I: SessionInterface>(
    slot: &Slot<I>,
    session: &OpenSession<I::Content>,
    now: SystemTime,
    session_status: SessionStatus,
    tolerance: Tolerance,
    saved: Result<Saved, SaveError>,
) -> Result<SaveReport, SaveFailure> {
    let answered = match (saved, session.cookie.bearer) {
        (Ok(saved), None) => answer_cookie(slot, session, now, saved),
        (Err(SaveError::Gone), None) => {
            answer_cookie(slot, session, now, Saved::with(CookieChange::RemoveEnded))
        }
        (Ok(saved), Some(bearer)) => answer_bearer(session, bearer, saved),
        (Err(err), _) => Err(err),
    };
    match answered {
        Ok(Answered { outcome: Ok(outcome), headers, stored, token }) => {
            Ok(SaveReport { headers, outcome, stored, token, tolerated: None })
        }
        Ok(Answered { outcome: Err(err), headers, .. }) => {
            failed(slot, session, session_status, tolerance, err, headers)
        }
        Err(err) => {
            let headers = headers_of(session, None, &[]);
            failed(slot, session, session_status, tolerance, err, headers)
        }
    }
}

/// Decides whether the response is sent although saving failed.
#[cold]
fn failed<I: SessionInterface>(
    slot: &Slot<I>,
    session: &OpenSession<I::Content>,
    session_status: SessionStatus,
    tolerance: Tolerance,
    err: SaveError,
    headers: Option<SessionHeaders>,
) -> Result<SaveReport, SaveFailure> {
    let settings = &slot.service.settings;
    if tolerance == Tolerance::Policies
        && is_tolerated(&session.content, session_status, settings, &err)
    {
        return Ok(SaveReport { tolerated: Some(err), ..SaveReport::unchanged(headers) });
    }
    Err(SaveFailure { err, headers: headers.filter(SessionHeaders::has_cookies) })
}

/// What the response says of a saved session.
struct Answered {
    outcome: Result<SaveOutcome, SaveError>,
    headers: Option<SessionHeaders>,
    stored: Option<String>,
    token: Option<String>,
}

/// Answers a client that keeps its token in a cookie.
fn answer_cookie<I: SessionInterface>(
    slot: &Slot<I>,
    session: &OpenSession<I::Content>,
    now: SystemTime,
    saved: Saved,
) -> Result<Answered, SaveError> {
    let ServiceState { interface, settings, .. } = &*slot.service;
    let OpenSession { content, cookie, .. } = session;
    let token = match saved.cookie {
        CookieChange::Set { token } => Some(token),
        CookieChange::Hold { token } => is_due(&**interface, content, now).then_some(token),
        CookieChange::Keep => None,
        CookieChange::Remove => {
            return Ok(answer_removal(slot, session, now, Ok(SaveOutcome::Removed), saved));
        }
        CookieChange::RemoveEnded => {
            return Ok(answer_removal(slot, session, now, Err(SaveError::Gone), saved));
        }
        CookieChange::HandOut { .. } => return Err(SaveError::NoBearer),
    };
    let Saved { stored, legacy_cookie, ends_at, .. } = saved;
    let set =
        |token| token_cookie(&**interface, settings, content, &cookie.policy, token, ends_at, now);
    let headers = headers_of(session, token.map(set).transpose()?, &legacy_cookie.removes);
    Ok(Answered { outcome: Ok(SaveOutcome::Saved), headers, stored, token: None })
}

/// Removes the session's cookie, or sets it to the token of an empty session.
#[cold]
fn answer_removal<I: SessionInterface>(
    slot: &Slot<I>,
    session: &OpenSession<I::Content>,
    now: SystemTime,
    outcome: Result<SaveOutcome, SaveError>,
    saved: Saved,
) -> Answered {
    let Saved { stored, legacy_cookie, ending, .. } = saved;
    let (settings, cookie) = (&slot.service.settings, &session.cookie);
    let set_cookie = match ending {
        Some(token) => Some(ending_cookie(settings, &legacy_cookie, &cookie.policy, token, now)),
        None => legacy_cookie.removal(&cookie.policy, cookie.was_sent, now),
    };
    let headers = headers_of(session, set_cookie, &legacy_cookie.removes);
    Answered { outcome, headers, stored, token: None }
}

/// Answers a client without cookies: only a handler that asked for the token has it.
#[cold]
fn answer_bearer<C: SessionContent>(
    session: &OpenSession<C>,
    bearer: BearerUse,
    saved: Saved,
) -> Result<Answered, SaveError> {
    let (outcome, token) = match saved.cookie {
        CookieChange::HandOut { token } => (SaveOutcome::Saved, Some(token)),
        CookieChange::Hold { .. } | CookieChange::Keep => (SaveOutcome::Saved, None),
        CookieChange::Remove => (SaveOutcome::Removed, None),
        CookieChange::RemoveEnded => return Err(SaveError::Gone),
        // The backend knows of no other transport than the cookie.
        CookieChange::Set { .. } => return Err(SaveError::NoBearer),
    };
    if let Some(err) = bearer.lost_writes() {
        return Err(err);
    }
    let token = token.filter(|_| bearer.hands_out);
    let headers = headers_of(session, None, &[]);
    Ok(Answered { outcome: Ok(outcome), headers, stored: saved.stored, token })
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

/// Whether the response is sent although saving failed. A failed purge, renewal, rotation or take is
/// never tolerated: the handler has told its client that it was carried out.
fn is_tolerated(
    content: &impl SessionContent,
    status: SessionStatus,
    settings: &Settings,
    err: &SaveError,
) -> bool {
    let is_changed = match status {
        SessionStatus::Purged | SessionStatus::Renewed | SessionStatus::Rotated => return false,
        SessionStatus::Changed if content.state().is_conditional() => return false,
        SessionStatus::Changed => true,
        SessionStatus::Unchanged => false,
    };
    match err {
        // The client has no token of what it wrote.
        SaveError::UnknownToken | SaveError::UntakenToken | SaveError::NoBearer => false,
        // An emptying is a logout, too.
        SaveError::Superseded if content.is_empty() => false,
        SaveError::Gone | SaveError::Superseded => settings.on_gone() == OnGone::Drop,
        // A refresh that does not fit the cookie leaves the session as it was.
        SaveError::TooLarge { .. } if !is_changed => true,
        _ => settings.on_save_error() == OnSaveError::Log && !(is_changed && content.is_empty()),
    }
}
