//! Turns what an interface says of a saved session into the headers of the response.

use std::time::SystemTime;

use sessions_policy::{OnGone, OnSaveError};

use super::{
    headers::SessionHeaders,
    saved_session::SaveOutcome,
    service_state::ServiceState,
    slot::{BearerUse, OpenSession, Slot},
    token_cookie::{ended_mark, ending_cookie, is_due, token_cookie},
};
use crate::{
    cookie::removal_cookie,
    error::SaveError,
    interface::{
        CookieChange, LegacyCookieEffects, Saved, SessionContent, SessionInterface, Token,
    },
    policy::Settings,
    state::SessionStatus,
};

/// The result of saving a session, or of skipping it.
pub(super) struct SaveReport {
    pub(super) headers: Option<SessionHeaders>,
    pub(super) outcome: SaveOutcome,
    /// The stored JSON, if it differs from the content.
    pub(super) stored: Option<String>,
    /// The token that the handler hands out.
    pub(super) token: Option<String>,
    /// The failure, if the response is sent although there was one.
    pub(super) tolerated: Option<Box<SaveError>>,
}

impl SaveReport {
    pub(super) fn unchanged(headers: Option<SessionHeaders>) -> Self {
        let outcome = SaveOutcome::Unchanged;
        Self { headers, outcome, stored: None, token: None, tolerated: None }
    }
}

/// A failed save, and the headers that are still sent.
pub(super) struct SaveFailure {
    pub(super) err: SaveError,
    pub(super) headers: Option<SessionHeaders>,
}

/// Whether a response may be sent although saving failed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Tolerance {
    /// The policies `on_gone` and `on_save_error` decide.
    Policies,
    /// The handler decides, which is told of each failure.
    None,
}

/// Turns the interface's answer into headers, and decides whether a failure is tolerated.
pub(super) fn report<I: SessionInterface>(
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
            let headers = headers_of(session, None, None);
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
        return Ok(SaveReport { tolerated: Some(Box::new(err)), ..SaveReport::unchanged(headers) });
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
    let content = &session.content;
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
    let policy = slot.service.cookie(&session.cookie.policy);
    let set =
        |token: Token| token_cookie(&**interface, settings, content, policy, &token, ends_at, now);
    let headers = headers_of(session, token.map(set).transpose()?, legacy_cookie.as_deref());
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
    let (settings, policy) = (&slot.service.settings, slot.service.cookie(&session.cookie.policy));
    let effects = legacy_cookie.as_deref();
    let marks_ended = effects.is_some_and(|effects| effects.marks_ended);
    let set_cookie = match ending {
        Some(token) => Some(ending_cookie(settings, marks_ended, policy, &token, now)),
        None if marks_ended => Some(ended_mark(policy, now)),
        None => session.cookie.was_sent.then(|| removal_cookie(policy)),
    };
    let headers = headers_of(session, set_cookie, effects);
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
    let headers = headers_of(session, None, None);
    Ok(Answered { outcome: Ok(outcome), headers, stored: saved.stored, token })
}

/// Returns the headers of a response that accessed the session, or that sets or removes a cookie.
pub(super) fn headers_of<C: SessionContent>(
    session: &OpenSession<C>,
    set_cookie: Option<String>,
    legacy_cookie: Option<&LegacyCookieEffects>,
) -> Option<SessionHeaders> {
    let OpenSession { content, cookie, .. } = session;
    let removed = legacy_cookie.map_or(&[][..], |effects| &effects.removes);
    if !content.is_accessed() && set_cookie.is_none() && removed.is_empty() {
        return None;
    }
    let is_of_client = cookie.was_sent || cookie.bearer.is_some() || !content.is_new();
    let hands_out = cookie.bearer.is_some_and(|bearer| bearer.hands_out);
    let headers = SessionHeaders::new(cookie.vary, set_cookie, is_of_client, hands_out);
    Some(if removed.is_empty() { headers } else { headers.removing(removed) })
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
