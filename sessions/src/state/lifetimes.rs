//! The lifetimes that a session has of its own.

use std::{num::NonZeroU32, time::Duration};

use serde::Deserialize;
use sessions_policy::check_timeouts;

use super::{LIFETIMES, REMEMBERED, SessionState};
use crate::{
    error::SessionError,
    store::{Lifetimes, OwnLifetimes},
};

/// What a request decided of its session's lifetimes: the rest is as it was.
#[derive(Clone, Copy, Default)]
pub(super) struct ChosenLifetimes {
    pub(super) remembered: Option<bool>,
    pub(super) timeouts: Option<Lifetimes>,
}

/// The value under the key of the session's own timeouts, in seconds.
#[derive(Deserialize)]
struct Timeouts {
    idle: Option<NonZeroU32>,
    absolute: Option<NonZeroU32>,
}

/// # Lifetimes
impl SessionState {
    /// Whether the session is remembered: [`set_remembered`](Self::set_remembered).
    pub fn remembered(&self) -> bool {
        self.inner.dictionary.raw(REMEMBERED) == Some("true")
    }

    /// Sets whether the session is remembered: it then lasts for the policy `remembered` from its login, used
    /// or not, and its cookie as long. Otherwise it has the other lifetimes.
    ///
    /// # Errors
    ///
    /// [`SessionError::Null`] in a null session, and [`SessionError::TooLarge`] when the key `_remembered`
    /// does not fit.
    pub fn set_remembered(&mut self, remembered: bool) -> Result<(), SessionError> {
        let chosen = ChosenLifetimes { remembered: Some(remembered), ..self.inner.meta.chosen };
        self.choosing(chosen, |state| state.write_remembered(remembered))
    }

    /// Returns the timeouts that [`set_lifetimes`](Self::set_lifetimes) set.
    pub fn lifetimes(&self) -> Lifetimes {
        let stored = self.inner.dictionary.raw(LIFETIMES);
        let stored = stored.and_then(|json| serde_json::from_str::<Timeouts>(json).ok());
        stored.map_or(Lifetimes::new(), |Timeouts { idle, absolute }| {
            let duration = |secs: NonZeroU32| Duration::from_secs(secs.get().into());
            Lifetimes { idle_timeout: idle.map(duration), absolute_timeout: absolute.map(duration) }
        })
    }

    /// Sets timeouts of this session alone: each applies where it is shorter than what the policies say of
    /// sessions that are remembered, or of the others. [`Lifetimes::new`] takes them back.
    ///
    /// # Errors
    ///
    /// [`SessionError::Null`] in a null session, [`SessionError::Lifetimes`] for timeouts that the policies
    /// could not have either, and [`SessionError::TooLarge`] when the key `_lifetimes` does not fit.
    pub fn set_lifetimes(&mut self, lifetimes: Lifetimes) -> Result<(), SessionError> {
        let Lifetimes { idle_timeout, absolute_timeout } = lifetimes;
        check_timeouts(idle_timeout, absolute_timeout, Duration::from_secs(1))
            .map_err(SessionError::Lifetimes)?;
        let chosen = ChosenLifetimes { timeouts: Some(lifetimes), ..self.inner.meta.chosen };
        self.choosing(chosen, |state| state.write_timeouts(lifetimes))
    }

    /// Returns what the session's lifetimes differ by from the policies.
    pub(crate) fn own_lifetimes(&self) -> OwnLifetimes {
        OwnLifetimes::of(self.remembered()).with(self.lifetimes())
    }

    /// Whether this request decided lifetimes, and saves its changes.
    pub(crate) fn chose_lifetimes(&self) -> bool {
        let ChosenLifetimes { remembered, timeouts } = self.inner.meta.chosen;
        remembered.is_some() || timeouts.is_some()
    }

    /// Gives a login the lifetimes that its request decided, else those of the policies.
    pub(super) fn decide_lifetimes(&mut self, chosen: ChosenLifetimes) -> Result<(), SessionError> {
        self.write_remembered(chosen.remembered.unwrap_or_default())?;
        self.write_timeouts(chosen.timeouts.unwrap_or_default())?;
        self.inner.meta.chosen = chosen;
        Ok(())
    }

    /// Notes what the request decides, before room is reserved for what that brings, unless it cannot be
    /// written.
    fn choosing(
        &mut self,
        chosen: ChosenLifetimes,
        write: impl FnOnce(&mut Self) -> Result<(), SessionError>,
    ) -> Result<(), SessionError> {
        self.inner.meta.check_writable()?;
        let before = std::mem::replace(&mut self.inner.meta.chosen, chosen);
        write(self).inspect_err(|_| self.inner.meta.chosen = before)
    }

    fn write_remembered(&mut self, remembered: bool) -> Result<(), SessionError> {
        self.write_own(REMEMBERED, remembered.then(|| "true".into()))
    }

    fn write_timeouts(&mut self, lifetimes: Lifetimes) -> Result<(), SessionError> {
        // As they are read again.
        let own = OwnLifetimes::default().with(lifetimes);
        let members = [("absolute", own.absolute()), ("idle", own.idle())];
        let members: Vec<_> = members
            .into_iter()
            .filter_map(|(name, time)| Some(format!("\"{name}\":{}", time?.as_secs())))
            .collect();
        let json = (!members.is_empty()).then(|| format!("{{{}}}", members.join(",")));
        self.write_own(LIFETIMES, json)
    }

    /// Removes the key also where there is none: a newer state may have it.
    fn write_own(&mut self, key: &str, json: Option<String>) -> Result<(), SessionError> {
        match json {
            Some(json) => self.set_own(key, json),
            None => self.inner.dictionary.remove(key).map(drop),
        }
    }
}
