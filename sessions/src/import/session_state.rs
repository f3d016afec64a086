//! The state of a session of actix-session: a JSON object of strings, each the JSON of a value.

use std::{
    collections::BTreeMap,
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde_json::Value;

use super::identity::ActixIdentity;
use crate::{events::event, policy::Settings, state::SessionState};

/// The keys and values of a session of actix-session.
pub(super) struct LegacyState(BTreeMap<String, String>);

/// An imported session.
pub(super) struct Imported {
    pub(super) content: SessionState,
    /// When its user logged in, if that is known.
    pub(super) since: Option<SystemTime>,
    /// Whether actix-identity knew its user.
    pub(super) has_user: bool,
}

/// Why a session is not imported, for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RejectReason {
    Format,
    Empty,
    LoginTooOld,
    VisitTooOld,
}

impl RejectReason {
    /// Returns the reason of the event that tells of it.
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::Format => "format",
            Self::Empty => "empty",
            Self::LoginTooOld | Self::VisitTooOld => "too_old",
        }
    }
}

impl fmt::Display for RejectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Format => "it is not in actix-session's format",
            Self::Empty => "it is empty",
            Self::LoginTooOld => "its login is past the deadline",
            Self::VisitTooOld => "its last visit is past the deadline",
        })
    }
}

impl LegacyState {
    pub(super) fn parse(text: &str) -> Result<Self, RejectReason> {
        serde_json::from_str(text).map(Self).map_err(|_| RejectReason::Format)
    }

    /// Converts the session, unless it is past a deadline of actix-identity or one of our timeouts.
    pub(super) fn import(
        self,
        identity: &ActixIdentity,
        settings: &Settings,
        now: SystemTime,
    ) -> Result<Imported, RejectReason> {
        let user = self.user(identity);
        let logged_in = self.time(&identity.logged_in_key);
        let last_visit = self.time(&identity.last_visit_key);
        if user.is_some() {
            // Without a time, actix-identity's deadlines are past, and our timeouts are not.
            let (login, visit) = (identity.login_deadline, identity.visit_deadline);
            let absolute = settings.absolute_timeout().filter(|_| logged_in.is_some());
            let idle = settings.idle_timeout().filter(|_| last_visit.is_some());
            if is_past(logged_in, login, now) || is_past(logged_in, absolute, now) {
                return Err(RejectReason::LoginTooOld);
            }
            if is_past(last_visit, visit, now) || is_past(last_visit, idle, now) {
                return Err(RejectReason::VisitTooOld);
            }
        }
        let mut content = SessionState::new();
        for (key, json) in self.0 {
            if content.insert_json(&key, json).is_err() {
                event!(
                    ImportValueDropped,
                    key,
                    "a value of actix-session is not imported: its key is reserved for the \
                     framework, or it is not valid JSON"
                );
            }
        }
        if content.is_empty() {
            return Err(RejectReason::Empty);
        }
        if settings.permanent() {
            content.set_permanent(true).expect("the session is not null");
        }
        let since = logged_in.filter(|_| user.is_some()).map(|since| since.min(now));
        if let Some(since) = since.filter(|_| settings.absolute_timeout().is_some()) {
            content.set_started(since);
        }
        let has_user = user.is_some();
        if let Some(user) = user.filter(|_| identity.sets_owner) {
            content.put_owner(&user);
        }
        Ok(Imported { content, since, has_user })
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

/// Whether `limit` has passed since `time`. Without a time it has.
fn is_past(time: Option<SystemTime>, limit: Option<Duration>, now: SystemTime) -> bool {
    let Some(limit) = limit else { return false };
    time.is_none_or(|time| now.duration_since(time).unwrap_or_default() >= limit)
}
