//! What actix-session keeps of a session: a JSON object of texts, each the JSON of a value.

use std::{
    collections::BTreeMap,
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde_json::Value;

use super::identity::ActixIdentity;
use crate::{policy::Settings, state::SessionState};

/// A session of actix-session.
pub(super) struct State(BTreeMap<String, String>);

/// A session that is to be ours.
pub(super) struct Kept {
    pub(super) content: SessionState,
    /// When its user logged in, if that is known.
    pub(super) since: Option<SystemTime>,
}

/// Why a session is not taken over, for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotTaken {
    Format,
    Empty,
    LoginTooOld,
    VisitTooOld,
}

impl fmt::Display for NotTaken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Format => "it is not in actix-session's format",
            Self::Empty => "it is empty",
            Self::LoginTooOld => "its login is too old",
            Self::VisitTooOld => "it was not used for too long",
        })
    }
}

impl State {
    pub(super) fn parse(text: &str) -> Result<Self, NotTaken> {
        serde_json::from_str(text).map(Self).map_err(|_| NotTaken::Format)
    }

    /// Makes it a session of ours, unless it is over by what actix-identity or our timeouts say.
    pub(super) fn into_kept(
        self,
        identity: &ActixIdentity,
        settings: &Settings,
        now: SystemTime,
    ) -> Result<Kept, NotTaken> {
        let user = self.user(identity);
        let logged_in = self.time(&identity.logged_in_key);
        let last_visit = self.time(&identity.last_visit_key);
        if user.is_some() {
            // What actix-identity enforces is over without a time, what we add is not.
            let (login, visit) = (identity.login_deadline, identity.visit_deadline);
            let (absolute, idle) = (settings.absolute_timeout(), settings.idle_timeout());
            let known = |time: Option<SystemTime>, limit: Option<Duration>| {
                limit.filter(|_| time.is_some())
            };
            if is_over(logged_in, login, now) || is_over(logged_in, known(logged_in, absolute), now)
            {
                return Err(NotTaken::LoginTooOld);
            }
            if is_over(last_visit, visit, now) || is_over(last_visit, known(last_visit, idle), now)
            {
                return Err(NotTaken::VisitTooOld);
            }
        }
        let mut content = SessionState::new();
        for (key, json) in self.0 {
            if content.insert_json(&key, json).is_err() {
                tracing::warn!(target: "sessions", key, "a value of actix-session is left out: its key is reserved, or it is no JSON");
            }
        }
        if content.is_empty() {
            return Err(NotTaken::Empty);
        }
        if settings.permanent() {
            content.set_permanent(true).expect("the session is not null");
        }
        let since = logged_in.filter(|_| user.is_some()).map(|since| since.min(now));
        if let Some(since) = since.filter(|_| settings.absolute_timeout().is_some()) {
            content.set_started(since);
        }
        if let Some(user) = user.filter(|_| identity.sets_owner) {
            content.put_owner(&user);
        }
        Ok(Kept { content, since })
    }

    fn user(&self, identity: &ActixIdentity) -> Option<String> {
        match serde_json::from_str(self.0.get(&identity.id_key)?).ok()? {
            Value::String(user) => Some(user),
            Value::Number(user) => Some(user.to_string()),
            _ => None,
        }
    }

    fn time(&self, key: &str) -> Option<SystemTime> {
        let seconds: u64 = serde_json::from_str(self.0.get(key)?).ok()?;
        UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
    }
}

/// Whether more than `limit` has passed since `time`. Without a time it has.
fn is_over(time: Option<SystemTime>, limit: Option<Duration>, now: SystemTime) -> bool {
    let Some(limit) = limit else { return false };
    time.is_none_or(|time| now.duration_since(time).unwrap_or_default() >= limit)
}
