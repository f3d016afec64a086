//! The end of a request: what is saved, and what the response says of it.

use std::{cell::Cell, mem, sync::Arc, time::SystemTime};

use actix_web::{
    Error,
    dev::ServiceResponse,
    http::{StatusCode, header::HeaderMap},
};
use sessions_policy::{CookiePolicy, MAX_NAME_VALUE, OnGone, OnSaveError};

use super::{
    headers::{ErrorWithHeaders, SessionHeaders},
    saved_session::{SaveOutcome, SavedSession},
    service_state::Site,
    slot::{OpenSession, OpenedCookie, Sealed, Slot},
};
use crate::{
    cookie::{Lifetime, set_cookie},
    error::{ExtractError, SaveError, SessionError},
    interface::{FormerCookie, SaveContext, Saved, SessionContent, SessionInterface},
    state::SessionStatus,
};

/// What is left to do at the end of a request.
pub(crate) enum Finish<C> {
    /// The answer is complete.
    Answer,
    /// The session is to be saved first.
    Save(Arc<OpenSession<C>>),
}

/// Seals the session. Where nothing is to be saved it writes the headers at once.
pub(crate) fn finish<I: SessionInterface, B>(
    slot: &Slot<I>,
    result: &mut Result<ServiceResponse<B>, Error>,
) -> Finish<I::Content> {
    let sealed = seal(slot, false, || status(result));
    if !matches!(sealed, Sealed::Unused) {
        log_handler(result);
    }
    let headers = match sealed {
        Sealed::Unused => Ok(None),
        Sealed::Early(saved) => saved.map_err(Error::from),
        Sealed::Failed(err) => Err(err.into()),
        Sealed::Session(session) => match unsaved(slot, &session.content) {
            Some(done) => Ok(done.headers),
            None => return Finish::Save(session),
        },
    };
    answer(slot, result, headers);
    Finish::Answer
}

/// Saves the session, and writes the headers.
#[expect(clippy::manual_async_fn, reason = "an `async fn` would hold the response twice")]
pub(crate) fn save<I: SessionInterface, B>(
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
            // Nobody sees what stands in its place.
            let inner = mem::replace(err, ExtractError::Closed.into());
            *err = with_headers(inner, vec![headers]);
        }
    }
}

/// Logs an error of the session that a handler returned, once: Actix shows it to nobody.
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

/// Saves before there is a response, which will carry the headers.
pub(crate) async fn save_now<I: SessionInterface>(
    slot: &Slot<I>,
) -> Result<SavedSession, SaveError> {
    let Sealed::Session(session) = seal(slot, true, || StatusCode::OK) else {
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

fn seal<I: SessionInterface>(
    slot: &Slot<I>,
    early: bool,
    status: impl FnOnce() -> StatusCode,
) -> Sealed<I::Content> {
    let settings = &slot.site.settings;
    slot.seal(early, |state| {
        if !settings.save_when().saves(status().as_u16()) && state.null_session().is_none() {
            state.rollback().expect("a session that is not null takes writes");
        }
        state.finalize(|| slot.site.clock.now(), settings.absolute_timeout().is_some());
    })
}

/// A session that is saved, or that did not need to be.
struct Done {
    headers: Option<SessionHeaders>,
    outcome: SaveOutcome,
    /// As JSON, where the backend says that it is not what the content holds.
    stored: Option<String>,
}

impl Done {
    fn unchanged(headers: Option<SessionHeaders>) -> Self {
        Self { headers, outcome: SaveOutcome::Unchanged, stored: None }
    }
}

/// A session that is not saved, and what the client's cookie hears of it.
struct NotSaved {
    err: SaveError,
    headers: Option<SessionHeaders>,
}

/// Returns what the response says of a session that is not to be saved, and `None` for one that
/// is.
fn unsaved<I: SessionInterface>(slot: &Slot<I>, content: &I::Content) -> Option<Done> {
    let interface = &*slot.site.interface;
    if interface.is_null_session(content) {
        return Some(Done::unchanged(None));
    }
    let change = content.state().status();
    (!must_save(interface, content, change)).then(|| Done::unchanged(vary(content, None, None)))
}

/// A response that was made by looking at the session, or that sets or removes a cookie, varies by
/// it.
fn vary(
    content: &impl SessionContent,
    set_cookie: Option<String>,
    removed: Option<&CookiePolicy>,
) -> Option<SessionHeaders> {
    let vary = content.is_accessed() || set_cookie.is_some() || removed.is_some();
    vary.then(|| SessionHeaders::new(set_cookie).removing(removed))
}

/// Has the interface save the session.
async fn write<I: SessionInterface>(
    slot: &Slot<I>,
    session: &OpenSession<I::Content>,
    status: StatusCode,
    headers: Option<&HeaderMap>,
) -> Result<Done, NotSaved> {
    let Site { interface, settings, clock } = &*slot.site;
    let OpenSession { content, cookie } = session;
    let change = content.state().status();
    let now = clock.now();
    let former = FormerCookie::default();
    let vary = |set_cookie| vary(content, set_cookie, former.removed.get().map(|policy| &**policy));
    let stored = Cell::new(None);
    let cx = SaveContext {
        cookie: &cookie.policy,
        settings,
        now,
        change,
        status,
        headers,
        stored: &stored,
        former: &former,
    };
    let saved = interface.save_session(content, cx).await;
    let written = saved.and_then(|saved| {
        let outcome = match saved {
            Saved::Removed => SaveOutcome::Removed,
            Saved::Token(_) | Saved::Nothing => SaveOutcome::Saved,
        };
        let set_cookie = write_cookie(&**interface, content, cookie, saved, &former, now)?;
        Ok(Done { headers: vary(set_cookie), outcome, stored: stored.take() })
    });
    let err = match written {
        Ok(done) => return Ok(done),
        Err(err) => err,
    };
    log_failure::<I>(&err);
    // Gone for good: the cookie is worth nothing.
    let gone = matches!(err, SaveError::Gone);
    let removal = gone.then(|| former.end(&cookie.policy, cookie.came, now)).flatten();
    let gone = removal.is_some();
    let headers = vary(removal);
    let passed_over = match err {
        SaveError::Gone | SaveError::Superseded => settings.on_gone() == OnGone::Drop,
        _ => is_passed_over(content, change, settings.on_save_error(), &err),
    };
    if passed_over {
        return Ok(Done::unchanged(headers));
    }
    Err(NotSaved { err, headers: headers.filter(|_| gone) })
}

/// Decides, from what the request did, whether the backend is asked at all.
fn must_save<I: SessionInterface>(
    interface: &I,
    content: &I::Content,
    change: SessionStatus,
) -> bool {
    let is_wanted = || content.state().wants_refresh() || interface.should_set_cookie(content);
    match change {
        SessionStatus::Purged | SessionStatus::Renewed => true,
        SessionStatus::Changed => content.is_empty() || is_wanted(),
        SessionStatus::Unchanged => !content.is_empty() && is_wanted(),
    }
}

/// Whether the response goes out all the same. Ending or renewing a session that did not happen is
/// never passed over.
fn is_passed_over(
    content: &impl SessionContent,
    change: SessionStatus,
    on_save_error: OnSaveError,
    err: &SaveError,
) -> bool {
    let logged = on_save_error == OnSaveError::Log;
    match change {
        SessionStatus::Purged | SessionStatus::Renewed => false,
        SessionStatus::Changed => logged && !content.is_empty(),
        // A session that only was to be refreshed, and has become too long for that, is as good as
        // before.
        SessionStatus::Unchanged => logged || matches!(err, SaveError::TooLarge { .. }),
    }
}

/// Returns the value of the `Set-Cookie` header, if there is to be one.
fn write_cookie<I: SessionInterface>(
    interface: &I,
    content: &I::Content,
    cookie: &OpenedCookie,
    saved: Saved,
    former: &FormerCookie,
    now: SystemTime,
) -> Result<Option<String>, SaveError> {
    let policy: &CookiePolicy = &cookie.policy;
    match saved {
        Saved::Token(token) => {
            check_token(&token, policy, content)?;
            let lifetime = match interface.expiration_time(content, now) {
                Some(expires) => Lifetime::Until { expires, now },
                None => Lifetime::Session,
            };
            Ok(Some(set_cookie(policy, token, lifetime)))
        }
        Saved::Removed => Ok(former.end(policy, cookie.came, now)),
        Saved::Nothing => Ok(None),
    }
}

/// Refuses what browsers would drop.
pub(crate) fn check_token(
    token: &str,
    policy: &CookiePolicy,
    content: &impl SessionContent,
) -> Result<(), SaveError> {
    // To the end, so that it is compiled to look at many bytes at once.
    let all_allowed = token.bytes().fold(true, |all, byte| all & is_cookie_octet(byte));
    if !all_allowed {
        return Err(SaveError::InvalidToken);
    }
    let length = policy.name().as_str().len() + token.len();
    if length > MAX_NAME_VALUE {
        let largest_key = content.state().largest_key().map(Into::into);
        return Err(SaveError::TooLarge { length, largest_key });
    }
    Ok(())
}

/// RFC 6265bis, 4.1.1.
#[expect(clippy::needless_bitwise_bool, reason = "without branches many bytes are tested at once")]
fn is_cookie_octet(byte: u8) -> bool {
    (byte > b' ')
        & (byte < 0x7f)
        & (byte != b'"')
        & (byte != b',')
        & (byte != b';')
        & (byte != b'\\')
}

fn log_failure<I>(err: &SaveError) {
    tracing::error!(
        target: "sessions",
        interface = std::any::type_name::<I>(),
        error = err as &dyn std::error::Error,
        "session not saved"
    );
}
