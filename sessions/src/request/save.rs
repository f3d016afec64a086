//! Saving a session: decides whether the interface saves it, and turns the result into headers.

use std::{sync::Arc, time::SystemTime};

use actix_web::http::{StatusCode, header::HeaderMap};
use sessions_policy::{CookiePolicy, MAX_COOKIE_LIFETIME, OnGone, OnSaveError, format_duration};

use super::{
    bearer::BearerToken,
    headers::SessionHeaders,
    saved_session::{SaveOutcome, SavedSession},
    service_state::ServiceState,
    slot::{BearerUse, FreezeFor, Frozen, OpenSession, Slot},
    token_check::check_token,
};
use crate::{
    cookie::{Lifetime, set_cookie},
    error::SaveError,
    events::event,
    interface::{
        CookieChange, LegacyCookieEffects, SaveContext, Saved, SessionContent, SessionInterface,
        Transport,
    },
    policy::{Settings, is_first},
    state::SessionStatus,
    store::OwnLifetimes,
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
    let is_of_client = cookie.was_sent || cookie.bearer.is_some() || !content.is_new();
    let vary = content.is_accessed() || set_cookie.is_some() || !legacy_removed.is_empty();
    vary.then(|| {
        SessionHeaders::new(cookie.vary, set_cookie)
            .removing(legacy_removed)
            .of_client(is_of_client)
            .handing_out(cookie.bearer.is_some_and(|bearer| bearer.hands_out))
    })
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
    let ServiceState { interface, settings, clock, .. } = &*slot.service;
    let OpenSession { content, cookie, .. } = session;
    if let Some(err) = cookie.bearer.and_then(|bearer| bearer.refusal(content.state())) {
        return Err(SaveFailure { err, headers: None });
    }
    let session_status = content.state().status();
    let now = clock.now();
    let cx = SaveContext {
        cookie: &cookie.policy,
        settings,
        now,
        session_status,
        response_status,
        response_headers,
        // `save_now` alone leaves every failure to its handler.
        reads_back: tolerance == Tolerance::None,
        transport: if cookie.bearer.is_some() { Transport::Bearer } else { Transport::Cookie },
        hands_out: cookie.bearer.is_some_and(|bearer| bearer.hands_out),
    };
    let saved = match interface.save_session(content, cx).await {
        Err(SaveError::Gone) => Ok(Saved::with(CookieChange::RemoveEnded)),
        saved => saved,
    };
    let answered = saved.and_then(|saved| {
        let Saved { cookie: change, stored, legacy_cookie, ending, ends_at } = saved;
        if let Some(bearer) = cookie.bearer {
            return answer_bearer(session, bearer, change, stored);
        }
        let set = |token| {
            let policy = &cookie.policy;
            token_cookie(&**interface, settings, content, policy, token, ends_at, now)
        };
        let outcome = match change {
            CookieChange::Set { .. } | CookieChange::Hold { .. } | CookieChange::Keep => {
                Ok(SaveOutcome::Saved)
            }
            CookieChange::Remove => Ok(SaveOutcome::Removed),
            CookieChange::RemoveEnded => Err(SaveError::Gone),
            CookieChange::HandOut { .. } => return Err(SaveError::NoBearer),
        };
        let set_cookie = match change {
            CookieChange::Set { token } => Some(set(token)?),
            CookieChange::Hold { token } if is_due(&**interface, content, now) => Some(set(token)?),
            CookieChange::Remove | CookieChange::RemoveEnded => match ending {
                Some(token) => {
                    Some(ending_cookie(settings, &legacy_cookie, &cookie.policy, token, now))
                }
                None => legacy_cookie.removal(&cookie.policy, cookie.was_sent, now),
            },
            CookieChange::Hold { .. } | CookieChange::Keep | CookieChange::HandOut { .. } => None,
        };
        let headers = headers_of(session, set_cookie, &legacy_cookie.removes);
        Ok(Answered { outcome, headers, stored, token: None })
    });
    let (err, headers) = match answered {
        Ok(Answered { outcome: Ok(outcome), headers, stored, token }) => {
            return Ok(SaveReport { headers, outcome, stored, token, tolerated: None });
        }
        Ok(Answered { outcome: Err(err), headers, .. }) => (err, headers),
        Err(err) => (err, headers_of(session, None, &[])),
    };
    if tolerance == Tolerance::Policies && is_tolerated(content, session_status, settings, &err) {
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

/// Answers a client without cookies: only a handler that asked for the token has it.
fn answer_bearer<C: SessionContent>(
    session: &OpenSession<C>,
    bearer: BearerUse,
    change: CookieChange,
    stored: Option<String>,
) -> Result<Answered, SaveError> {
    let (outcome, token) = match change {
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
    Ok(Answered { outcome: Ok(outcome), headers: headers_of(session, None, &[]), stored, token })
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

/// Whether the cookie of a client that has its token already gets another expiry. Without need it is not
/// set: of two responses that cross, the later one would bring an old token back.
fn is_due<I: SessionInterface>(interface: &I, content: &I::Content, now: SystemTime) -> bool {
    let state = content.state();
    state.permanence_changed()
        || state.chose_lifetimes()
        // That of a remembered session stays as it is.
        || !state.remembered() && interface.expiration_time(content, now).is_some()
}

/// Returns the `Set-Cookie` value for this token.
fn token_cookie<I: SessionInterface>(
    interface: &I,
    settings: &Settings,
    content: &I::Content,
    policy: &CookiePolicy,
    token: String,
    ends_at: Option<SystemTime>,
    now: SystemTime,
) -> Result<String, SaveError> {
    check_token(&token, policy, content)?;
    let own = content.state().own_lifetimes();
    let expires = interface
        .expiration_time(content, now)
        .map(|expires| limited::<I>(expires, settings, own, ends_at, now));
    // If the browser has other cookies of the name, one that it forgets before them would let an older one
    // open again: after a logout, the session that was logged out.
    let hides_others = content.state().cookies_seen().hide_older();
    let at_least = hides_others.then(|| now + settings.longest_lifetime());
    let lifetime = match expires.max(at_least) {
        Some(expires) => Lifetime::Until { expires, now },
        None => Lifetime::Session,
    };
    Ok(set_cookie(policy, token, lifetime))
}

/// Limits the expiry of a cookie to the end of its session, with one warning where a function of the
/// application's wants more: the default comes from the policies.
fn limited<I: 'static>(
    expires: SystemTime,
    settings: &Settings,
    own: OwnLifetimes,
    ends_at: Option<SystemTime>,
    now: SystemTime,
) -> SystemTime {
    let by_lifetime = now + settings.limits(own).lifetime;
    let limit = ends_at.map_or(by_lifetime, |ends_at| ends_at.min(by_lifetime));
    // What one session says of itself is no mistake of the function.
    let is_mistaken = !own.has_timeouts() && expires > limit && expires != by_lifetime;
    if is_mistaken && is_first::<I>("expiration_time") {
        event!(
            ConfigWarned,
            interface = std::any::type_name::<I>(),
            "`expiration_time` keeps the cookie for {}, but its session ends after {}, so the cookie is \
             kept no longer; return less, or raise `lifetime` or `absolute_timeout`",
            duration_until(expires, now),
            duration_until(limit, now),
        );
    }
    expires.min(limit)
}

fn duration_until(time: SystemTime, now: SystemTime) -> String {
    format_duration(time.duration_since(now).unwrap_or_default())
}

/// Returns the `Set-Cookie` value for the token of an empty session. It outlives the browser session
/// whether or not the session was permanent, since the cookies that it hides may.
fn ending_cookie(
    settings: &Settings,
    legacy_cookie: &LegacyCookieEffects,
    policy: &CookiePolicy,
    token: String,
    now: SystemTime,
) -> String {
    // It also stands for the mark that keeps a legacy cookie from being imported again.
    let lifetime =
        if legacy_cookie.marks_ended { MAX_COOKIE_LIFETIME } else { settings.longest_lifetime() };
    set_cookie(policy, token, Lifetime::Until { expires: now + lifetime, now })
}
