//! What one session's lifetimes differ by from the policies.

use std::{fmt, num::NonZeroU32, time::Duration};

/// The words for a session that is remembered, and for one that has no lifetimes of its own.
const REMEMBERED: &str = "r";
const NONE: &str = "-";
/// What stands before its own timeouts, in seconds.
const IDLE: char = 'i';
const ABSOLUTE: char = 'a';

/// The timeouts of one session, for [`Session::set_lifetimes`](crate::Session::set_lifetimes): each shortens
/// what the policies say. Whole seconds.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use sessions::Lifetimes;
///
/// const KIOSK: Lifetimes = Lifetimes::new()
///     .idle_timeout(Duration::from_secs(2 * 60))
///     .absolute_timeout(Duration::from_secs(60 * 60));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lifetimes {
    /// How long the session may go unused: at least 2 seconds. `None` leaves it to the policies.
    pub idle_timeout: Option<Duration>,
    /// How long it may last, however much it is used: at least `idle_timeout`. `None` leaves it to the
    /// policies.
    pub absolute_timeout: Option<Duration>,
}

impl Lifetimes {
    /// Returns the lifetimes of the policies.
    pub const fn new() -> Self {
        Self { idle_timeout: None, absolute_timeout: None }
    }

    /// Sets how long the session may go unused: at least 2 seconds.
    #[must_use]
    pub const fn idle_timeout(mut self, idle_timeout: Duration) -> Self {
        self.idle_timeout = Some(idle_timeout);
        self
    }

    /// Sets how long the session may last, however much it is used: at least `idle_timeout`.
    #[must_use]
    pub const fn absolute_timeout(mut self, absolute_timeout: Duration) -> Self {
        self.absolute_timeout = Some(absolute_timeout);
        self
    }
}

/// Which lifetimes a session has: those of the policies or those of remembered sessions, and how much shorter
/// its own are.
///
/// A record holds them beside the content, so that no store, and no opening, parses the content for them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct OwnLifetimes {
    /// The session is remembered.
    pub(crate) remembered: bool,
    idle_secs: Option<NonZeroU32>,
    absolute_secs: Option<NonZeroU32>,
}

impl OwnLifetimes {
    /// Those of a session that is remembered or is not.
    pub(crate) fn of(remembered: bool) -> Self {
        Self { remembered, ..Self::default() }
    }

    /// Adds timeouts that are checked.
    pub(crate) fn with(self, Lifetimes { idle_timeout, absolute_timeout }: Lifetimes) -> Self {
        let secs = |timeout: Duration| {
            NonZeroU32::new(u32::try_from(timeout.as_secs()).unwrap_or(u32::MAX))
        };
        Self {
            idle_secs: idle_timeout.and_then(secs),
            absolute_secs: absolute_timeout.and_then(secs),
            ..self
        }
    }

    /// Returns how long the session may go unused, if it says so itself.
    pub(crate) fn idle(self) -> Option<Duration> {
        self.idle_secs.map(duration)
    }

    /// Returns how long the session may last, if it says so itself.
    pub(crate) fn absolute(self) -> Option<Duration> {
        self.absolute_secs.map(duration)
    }

    /// Whether the session has timeouts of its own.
    pub(crate) fn has_timeouts(self) -> bool {
        self.idle_secs.is_some() || self.absolute_secs.is_some()
    }

    /// Reads what `Display` wrote.
    pub(super) fn parse(word: &str) -> Option<Self> {
        if word == NONE {
            return Some(Self::default());
        }
        let (timeouts, absolute) = match word.split_once(ABSOLUTE) {
            Some((before, secs)) => (before, Some(secs.parse().ok()?)),
            None => (word, None),
        };
        let (own, idle) = match timeouts.split_once(IDLE) {
            Some((before, secs)) => (before, Some(secs.parse().ok()?)),
            None => (timeouts, None),
        };
        let read = Self { remembered: own == REMEMBERED, idle_secs: idle, absolute_secs: absolute };
        (read.to_string() == word).then_some(read)
    }
}

/// The word in a record's head.
impl fmt::Display for OwnLifetimes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::default() {
            return f.write_str(NONE);
        }
        if self.remembered {
            f.write_str(REMEMBERED)?;
        }
        for (letter, secs) in [(IDLE, self.idle_secs), (ABSOLUTE, self.absolute_secs)] {
            if let Some(secs) = secs {
                write!(f, "{letter}{secs}")?;
            }
        }
        Ok(())
    }
}

fn duration(secs: NonZeroU32) -> Duration {
    Duration::from_secs(secs.get().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_read_as_what_it_was_written_from_and_no_other_word_is_read() {
        let secs = |secs| Duration::from_secs(secs);
        for remembered in [false, true] {
            let own = OwnLifetimes::of(remembered);
            for (lifetimes, word) in [
                (Lifetimes::new(), if remembered { "r" } else { "-" }),
                (Lifetimes::new().idle_timeout(secs(300)), "i300"),
                (Lifetimes::new().absolute_timeout(secs(3_600)), "a3600"),
                (Lifetimes::new().idle_timeout(secs(2)).absolute_timeout(secs(9)), "i2a9"),
            ] {
                let own = own.with(lifetimes);
                assert_eq!(own.to_string().trim_start_matches('r'), word.trim_start_matches('r'));
                assert_eq!(own.to_string().starts_with('r'), remembered);
                assert_eq!(OwnLifetimes::parse(&own.to_string()), Some(own));
            }
        }
        for wrong in [
            "", "x", "rr", "r-", "-r", "i", "i0", "i-1", "i01", "a1i2", "-i2", "ri2a", "r2", "i2i2",
        ] {
            assert_eq!(OwnLifetimes::parse(wrong), None, "{wrong}");
        }
    }
}
