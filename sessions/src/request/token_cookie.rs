//! The cookie that a saved session sets: its token, and when the browser forgets it.

use std::time::SystemTime;

use sessions_policy::{CookiePolicy, MAX_COOKIE_LIFETIME, format_duration};

use super::token_check::check_token;
use crate::{
    cookie::{Lifetime, set_cookie},
    error::SaveError,
    events::event,
    interface::{ENDED, SessionContent, SessionInterface, Token},
    policy::{Settings, is_first},
    store::OwnLifetimes,
};

/// Whether the cookie of a client that has its token already gets another expiry. Without need it is not
/// set: of two responses that cross, the later one would bring an old token back.
pub(super) fn is_due<I: SessionInterface>(
    interface: &I,
    content: &I::Content,
    now: SystemTime,
) -> bool {
    let state = content.state();
    state.permanence_changed()
        || state.chose_lifetimes()
        // That of a remembered session stays as it is.
        || !state.remembered() && interface.expiration_time(content, now).is_some()
}

/// Returns the `Set-Cookie` value for this token.
pub(super) fn token_cookie<I: SessionInterface>(
    interface: &I,
    settings: &Settings,
    content: &I::Content,
    policy: &CookiePolicy,
    token: &Token,
    ends_at: Option<SystemTime>,
    now: SystemTime,
) -> Result<String, SaveError> {
    check_token(token, policy, content)?;
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
    Ok(set_cookie(policy, token.as_str(), lifetime))
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
        warn_of_expiry::<I>(expires, limit, now);
    }
    expires.min(limit)
}

#[cold]
fn warn_of_expiry<I>(expires: SystemTime, limit: SystemTime, now: SystemTime) {
    event!(
        ConfigWarned,
        interface = std::any::type_name::<I>(),
        "`expiration_time` keeps the cookie for {}, but its session ends after {}, so the cookie is kept no \
         longer; return less, or raise `lifetime` or `absolute_timeout`",
        duration_until(expires, now),
        duration_until(limit, now),
    );
}

fn duration_until(time: SystemTime, now: SystemTime) -> String {
    format_duration(time.duration_since(now).unwrap_or_default())
}

/// Returns the `Set-Cookie` value that marks the session's cookie as ended.
pub(super) fn ended_mark(policy: &CookiePolicy, now: SystemTime) -> String {
    let lifetime = Lifetime::Until { expires: now + MAX_COOKIE_LIFETIME, now };
    set_cookie(policy, ENDED, lifetime)
}

/// Returns the `Set-Cookie` value for the token of an empty session. It outlives the browser session
/// whether or not the session was permanent, since the cookies that it hides may.
pub(super) fn ending_cookie(
    settings: &Settings,
    marks_ended: bool,
    policy: &CookiePolicy,
    token: &str,
    now: SystemTime,
) -> String {
    // It also stands for the mark that keeps a legacy cookie from being imported again.
    let lifetime = if marks_ended { MAX_COOKIE_LIFETIME } else { settings.longest_lifetime() };
    set_cookie(policy, token, Lifetime::Until { expires: now + lifetime, now })
}
