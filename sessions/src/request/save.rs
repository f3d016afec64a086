//! Saving a session: whether the interface is asked, and what its answer means for the client.

use std::time::SystemTime;

use actix_web::http::{StatusCode, header::HeaderMap};
use sessions_policy::{CookiePolicy, OnGone, OnSaveError};

use super::{
    headers::SessionHeaders,
    saved_session::{SaveOutcome, SavedSession},
    service_state::ServiceState,
    slot::{Frozen, OpenSession, Slot},
    token_check::check_token,
};
use crate::{
    cookie::{Lifetime, set_cookie},
    error::SaveError,
    interface::{CookieChange, SaveContext, Saved, SessionContent, SessionInterface},
    state::SessionStatus,
};

/// Saves before there is a response, which will carry the headers.
pub(super) async fn save_now<I: SessionInterface>(
    slot: &Slot<I>,
) -> Result<SavedSession, SaveError> {
    let Frozen::Session(session) = freeze(slot, true, || StatusCode::OK) else {
        return Err(SaveError::Saved);
    };
    let saved = match unsaved(slot, &session.content) {
        Some(done) => Ok(done),
        None => write(slot, &session, StatusCode::OK, None).await,
    };
    match saved {
        Ok(done) => {
            slot.finish_early(done.headers);
            Ok(SavedSession::new(done.outcome, &session.content, done.stored))
        }
        Err(failed) => {
            slot.finish_early(failed.headers);
            Err(failed.err)
        }
    }
}

/// Closes the session for writers, with what its policies add to it.
pub(super) fn freeze<I: SessionInterface>(
    slot: &Slot<I>,
    early: bool,
    response_status: impl FnOnce() -> StatusCode,
) -> Frozen<I::Content> {
    let settings = &slot.service.settings;
    slot.freeze(early, |state| {
        let saves = || settings.save_when().saves(response_status().as_u16());
        if state.null_session().is_none() && !saves() {
            state.rollback().expect("a session that is not null takes writes");
        }
        state.finalize(|| slot.service.clock.now(), settings.absolute_timeout().is_some());
    })
}

/// A session that is saved, or that did not need to be.
pub(super) struct Done {
    pub(super) headers: Option<SessionHeaders>,
    outcome: SaveOutcome,
    /// As JSON, where the backend says that it is not what the content holds.
    stored: Option<String>,
}

impl Done {
    fn unchanged(headers: Option<SessionHeaders>) -> Self {
        Self { headers, outcome: SaveOutcome::Unchanged, stored: None }
    }
}

/// A session that is not saved, and what the response does to the client's cookies.
pub(super) struct NotSaved {
    pub(super) err: SaveError,
    pub(super) headers: Option<SessionHeaders>,
}

/// Returns what the response says of a session that is not to be saved, and `None` for one that
/// is.
pub(super) fn unsaved<I: SessionInterface>(slot: &Slot<I>, content: &I::Content) -> Option<Done> {
    let interface = &*slot.service.interface;
    if interface.is_null_session(content) {
        return Some(Done::unchanged(None));
    }
    let status = content.state().status();
    (!must_save(interface, content, status)).then(|| Done::unchanged(vary(content, None, None)))
}

/// A response that was made by looking at the session, or that sets or removes a cookie, varies by
/// it.
fn vary(
    content: &impl SessionContent,
    set_cookie: Option<String>,
    legacy_removed: Option<&CookiePolicy>,
) -> Option<SessionHeaders> {
    let vary = content.is_accessed() || set_cookie.is_some() || legacy_removed.is_some();
    vary.then(|| SessionHeaders::new(set_cookie).removing(legacy_removed))
}

/// Has the interface save the session.
pub(super) async fn write<I: SessionInterface>(
    slot: &Slot<I>,
    session: &OpenSession<I::Content>,
    response_status: StatusCode,
    response_headers: Option<&HeaderMap>,
) -> Result<Done, NotSaved> {
    let ServiceState { interface, settings, clock } = &*slot.service;
    let OpenSession { content, cookie } = session;
    let session_status = content.state().status();
    let now = clock.now();
    let cx = SaveContext {
        cookie: &cookie.policy,
        settings,
        now,
        session_status,
        response_status,
        response_headers,
    };
    let saved = match interface.save_session(content, cx).await {
        Err(SaveError::Gone) => Ok(Saved::with(CookieChange::RemoveEnded)),
        saved => saved,
    };
    let answered = saved.and_then(|Saved { cookie: change, stored, legacy_cookie }| {
        let outcome = match change {
            CookieChange::Set { .. } | CookieChange::Keep => Ok(SaveOutcome::Saved),
            CookieChange::Remove => Ok(SaveOutcome::Removed),
            CookieChange::RemoveEnded => Err(SaveError::Gone),
        };
        let set_cookie = match change {
            CookieChange::Set { token } => {
                Some(token_cookie(&**interface, content, &cookie.policy, token, now)?)
            }
            CookieChange::Remove | CookieChange::RemoveEnded => {
                legacy_cookie.removal(&cookie.policy, cookie.came, now)
            }
            CookieChange::Keep => None,
        };
        let headers = vary(content, set_cookie, legacy_cookie.removes.as_deref());
        Ok((outcome, headers, stored))
    });
    let (err, headers) = match answered {
        Ok((Ok(outcome), headers, stored)) => return Ok(Done { headers, outcome, stored }),
        Ok((Err(err), headers, _)) => (err, headers),
        Err(err) => (err, vary(content, None, None)),
    };
    log_failure::<I>(&err);
    let passed_over = match err {
        SaveError::Gone | SaveError::Superseded => settings.on_gone() == OnGone::Drop,
        _ => is_passed_over(content, session_status, settings.on_save_error(), &err),
    };
    if passed_over {
        return Ok(Done::unchanged(headers));
    }
    Err(NotSaved { err, headers: headers.filter(SessionHeaders::has_own_cookie) })
}

/// Decides, from what the request did, whether the backend is asked at all.
fn must_save<I: SessionInterface>(
    interface: &I,
    content: &I::Content,
    status: SessionStatus,
) -> bool {
    let is_wanted = || content.state().wants_refresh() || interface.should_set_cookie(content);
    match status {
        SessionStatus::Purged | SessionStatus::Renewed => true,
        SessionStatus::Changed => content.is_empty() || is_wanted(),
        SessionStatus::Unchanged => !content.is_empty() && is_wanted(),
    }
}

/// Whether the response is sent although the session was not saved. A purge or a renewal that did
/// not happen is never passed over.
fn is_passed_over(
    content: &impl SessionContent,
    status: SessionStatus,
    on_save_error: OnSaveError,
    err: &SaveError,
) -> bool {
    let logged = on_save_error == OnSaveError::Log;
    match status {
        SessionStatus::Purged | SessionStatus::Renewed => false,
        SessionStatus::Changed => logged && !content.is_empty(),
        // A session that was only to be refreshed, and has become too long for that, is as good as
        // before.
        SessionStatus::Unchanged => logged || matches!(err, SaveError::TooLarge { .. }),
    }
}

/// Returns the value of the `Set-Cookie` header that sets this token.
fn token_cookie<I: SessionInterface>(
    interface: &I,
    content: &I::Content,
    policy: &CookiePolicy,
    token: String,
    now: SystemTime,
) -> Result<String, SaveError> {
    check_token(&token, policy, content)?;
    let lifetime = match interface.expiration_time(content, now) {
        Some(expires) => Lifetime::Until { expires, now },
        None => Lifetime::Session,
    };
    Ok(set_cookie(policy, token, lifetime))
}

fn log_failure<I>(err: &SaveError) {
    tracing::error!(
        target: "sessions",
        interface = std::any::type_name::<I>(),
        error = err as &dyn std::error::Error,
        "session not saved"
    );
}
