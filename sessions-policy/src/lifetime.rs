//! The rules of lifetimes and timeouts.

use std::{error::Error, fmt, time::Duration};

use crate::format_duration;

/// The longest a browser keeps a cookie: 400 days, or 34,560,000 seconds (6265bis, section 5.5).
pub const MAX_COOKIE_LIFETIME: Duration = Duration::from_secs(400 * 24 * 60 * 60);

/// Checks a session's lifetime: at least 1 second, at most [`MAX_COOKIE_LIFETIME`], in whole seconds.
///
/// # Errors
///
/// [`LifetimeError::Zero`] below one second, [`LifetimeError::TooLong`] above the limit.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use sessions_policy::{LifetimeError, check_lifetime, parse_duration};
///
/// assert_eq!(check_lifetime(parse_duration("14 days")?), Ok(()));
/// assert_eq!(check_lifetime(Duration::ZERO), Err(LifetimeError::Zero { attribute: "lifetime" }));
/// # Ok::<(), sessions_policy::DurationError>(())
/// ```
pub fn check_lifetime(lifetime: Duration) -> Result<(), LifetimeError> {
    check_range("lifetime", lifetime)
}

/// Checks the lifetime of visitors' sessions, as [`check_lifetime`] does.
///
/// # Errors
///
/// Those of [`check_lifetime`].
pub fn check_anonymous_lifetime(lifetime: Duration) -> Result<(), LifetimeError> {
    check_range("anonymous_lifetime", lifetime)
}

/// Checks how long a remembered session lasts from its login, in the range of [`check_lifetime`], and not below the
/// absolute timeout of the others.
///
/// `None` is a timeout that is off, or not known yet.
///
/// # Errors
///
/// Those of [`check_lifetime`], and [`LifetimeError::RememberedBelowAbsolute`].
pub fn check_remembered(
    remembered: Duration,
    absolute: Option<Duration>,
) -> Result<(), LifetimeError> {
    check_range("remembered", remembered)?;
    if let Some(absolute) = absolute
        && remembered.as_secs() < absolute.as_secs()
    {
        return Err(LifetimeError::RememberedBelowAbsolute { remembered, absolute });
    }
    Ok(())
}

/// Checks the timeouts of a session: `idle` at least 2 seconds, the others at least 1 second, `idle` within `absolute`,
/// `touch_interval` below `idle`.
///
/// `None` is a timeout that is off, or not known yet: no rule that needs it is applied. Where the touch interval is not
/// known yet, pass 1 second, the smallest there is. Fractions of a second are ignored.
///
/// # Errors
///
/// The first rule that is broken, as [`LifetimeError::IdleTooShort`], [`LifetimeError::Zero`],
/// [`LifetimeError::IdleAboveAbsolute`] or [`LifetimeError::TouchNotBelowIdle`].
pub fn check_timeouts(
    idle: Option<Duration>,
    absolute: Option<Duration>,
    touch_interval: Duration,
) -> Result<(), LifetimeError> {
    // The smallest touch interval is below it.
    if let Some(idle) = idle
        && idle.as_secs() < 2
    {
        return Err(LifetimeError::IdleTooShort { idle });
    }
    if let Some(absolute) = absolute {
        check_not_zero("absolute_timeout", absolute)?;
    }
    check_not_zero("touch_interval", touch_interval)?;

    let Some(idle) = idle else { return Ok(()) };
    if let Some(absolute) = absolute
        && idle.as_secs() > absolute.as_secs()
    {
        return Err(LifetimeError::IdleAboveAbsolute { idle, absolute });
    }
    if touch_interval.as_secs() >= idle.as_secs() {
        return Err(LifetimeError::TouchNotBelowIdle { touch_interval, idle });
    }
    Ok(())
}

/// Checks what is set beside a lifetime: `idle` within it, `touch_interval` below it.
///
/// `None` is not set, or not known yet: no rule that needs it is applied. Fractions of a second are ignored.
///
/// # Errors
///
/// [`LifetimeError::IdleAboveLifetime`] or [`LifetimeError::TouchNotBelowLifetime`].
pub fn check_within_lifetime(
    lifetime: Duration,
    idle: Option<Duration>,
    touch_interval: Option<Duration>,
) -> Result<(), LifetimeError> {
    if let Some(idle) = idle
        && idle.as_secs() > lifetime.as_secs()
    {
        return Err(LifetimeError::IdleAboveLifetime { idle, lifetime });
    }
    if let Some(touch_interval) = touch_interval
        && touch_interval.as_secs() >= lifetime.as_secs()
    {
        return Err(LifetimeError::TouchNotBelowLifetime { touch_interval, lifetime });
    }
    Ok(())
}

/// The longest that the token from before a rotation may open the session: 60 seconds.
pub const MAX_ROTATE_GRACE: Duration = Duration::from_secs(60);

/// Checks how long the token from before a rotation may open the session: at most [`MAX_ROTATE_GRACE`].
///
/// # Errors
///
/// [`LifetimeError::GraceTooLong`].
pub fn check_rotate_grace(grace: Duration) -> Result<(), LifetimeError> {
    if grace.as_secs() > MAX_ROTATE_GRACE.as_secs() {
        return Err(LifetimeError::GraceTooLong { grace });
    }
    Ok(())
}

/// Why a lifetime or timeout cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LifetimeError {
    /// The duration is below one second.
    Zero {
        /// The attribute with this duration, such as `lifetime`.
        attribute: &'static str,
    },
    /// The lifetime is above [`MAX_COOKIE_LIFETIME`].
    TooLong {
        /// The attribute with this lifetime.
        attribute: &'static str,
        /// The lifetime found.
        lifetime: Duration,
    },
    /// The grace after a rotation is above [`MAX_ROTATE_GRACE`].
    GraceTooLong {
        /// The grace found.
        grace: Duration,
    },
    /// The idle timeout is below two seconds, so no touch interval is shorter.
    IdleTooShort {
        /// The idle timeout found.
        idle: Duration,
    },
    /// The idle timeout is longer than the absolute timeout and so would never be reached.
    IdleAboveAbsolute {
        /// The idle timeout found.
        idle: Duration,
        /// The absolute timeout found.
        absolute: Duration,
    },
    /// A remembered session would end before one that is not remembered.
    RememberedBelowAbsolute {
        /// How long a remembered session lasts.
        remembered: Duration,
        /// The absolute timeout of the others.
        absolute: Duration,
    },
    /// The idle timeout is longer than the lifetime and so would never be reached.
    IdleAboveLifetime {
        /// The idle timeout found.
        idle: Duration,
        /// The lifetime found.
        lifetime: Duration,
    },
    /// The touch interval is not shorter than the lifetime, so sessions in use would expire.
    TouchNotBelowLifetime {
        /// The touch interval found.
        touch_interval: Duration,
        /// The lifetime found.
        lifetime: Duration,
    },
    /// The touch interval is not shorter than the idle timeout, so sessions in use would expire.
    TouchNotBelowIdle {
        /// The touch interval found.
        touch_interval: Duration,
        /// The idle timeout found.
        idle: Duration,
    },
}

impl LifetimeError {
    /// Returns the attributes involved, as the derive macro spells them; the first is the one to edit.
    pub fn attributes(&self) -> &[&'static str] {
        match self {
            Self::Zero { attribute } | Self::TooLong { attribute, .. } => {
                std::slice::from_ref(attribute)
            }
            Self::GraceTooLong { .. } => &["rotate_grace"],
            Self::IdleTooShort { .. } => &["idle_timeout"],
            Self::IdleAboveAbsolute { .. } => &["idle_timeout", "absolute_timeout"],
            Self::RememberedBelowAbsolute { .. } => &["remembered", "absolute_timeout"],
            Self::IdleAboveLifetime { .. } => &["idle_timeout", "lifetime"],
            Self::TouchNotBelowLifetime { .. } => &["touch_interval", "lifetime"],
            Self::TouchNotBelowIdle { .. } => &["touch_interval", "idle_timeout"],
        }
    }
}

impl fmt::Display for LifetimeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Zero { attribute } => {
                write!(f, "`{attribute}` must be at least 1 second; write one such as `\"30 min\"`")
            }
            Self::TooLong { attribute, lifetime } => write!(
                f,
                "`{attribute}` must be at most 400 days, the longest that browsers keep a cookie, but is {}; \
                 write `\"400 days\"` or less",
                format_duration(lifetime)
            ),
            Self::GraceTooLong { grace } => write!(
                f,
                "`rotate_grace` must be at most 60 s, enough for requests under way, but is {}; \
                 write `\"60 s\"` or less",
                format_duration(grace)
            ),
            Self::IdleTooShort { .. } => f.write_str(
                "`idle_timeout` must be at least 2 seconds; write one such as `\"30 min\"`",
            ),
            Self::IdleAboveAbsolute { idle, absolute } => write!(
                f,
                "`idle_timeout` of {} must not exceed `absolute_timeout` of {}, else it never applies; \
                 lower `idle_timeout` or raise `absolute_timeout`",
                format_duration(idle),
                format_duration(absolute)
            ),
            Self::RememberedBelowAbsolute { remembered, absolute } => write!(
                f,
                "`remembered` of {} must not be below `absolute_timeout` of {}, else remembered sessions end first; \
                 raise `remembered` or lower `absolute_timeout`",
                format_duration(remembered),
                format_duration(absolute)
            ),
            Self::IdleAboveLifetime { idle, lifetime } => write!(
                f,
                "`idle_timeout` of {} must not exceed `lifetime` of {}, else it never applies; \
                 lower `idle_timeout` or raise `lifetime`",
                format_duration(idle),
                format_duration(lifetime)
            ),
            Self::TouchNotBelowLifetime { touch_interval, lifetime } => write!(
                f,
                "`touch_interval` of {} must be below `lifetime` of {}, else sessions in use expire; \
                 lower `touch_interval` or raise `lifetime`",
                format_duration(touch_interval),
                format_duration(lifetime)
            ),
            Self::TouchNotBelowIdle { touch_interval, idle } => write!(
                f,
                "`touch_interval` of {} must be below `idle_timeout` of {}, else sessions in use expire; \
                 lower `touch_interval` or raise `idle_timeout`",
                format_duration(touch_interval),
                format_duration(idle)
            ),
        }
    }
}

impl Error for LifetimeError {}

fn check_range(attribute: &'static str, lifetime: Duration) -> Result<(), LifetimeError> {
    check_not_zero(attribute, lifetime)?;
    if lifetime.as_secs() > MAX_COOKIE_LIFETIME.as_secs() {
        return Err(LifetimeError::TooLong { attribute, lifetime });
    }
    Ok(())
}

fn check_not_zero(attribute: &'static str, duration: Duration) -> Result<(), LifetimeError> {
    if duration.as_secs() == 0 {
        return Err(LifetimeError::Zero { attribute });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn lifetime_is_above_zero() {
        let zero = Err(LifetimeError::Zero { attribute: "lifetime" });
        assert_eq!(check_lifetime(Duration::ZERO), zero);
        assert_eq!(check_lifetime(Duration::from_millis(999)), zero);
        assert_eq!(check_lifetime(SECOND), Ok(()));
    }

    #[test]
    fn lifetime_is_at_most_400_days() {
        assert_eq!(MAX_COOKIE_LIFETIME.as_secs(), 34_560_000);
        assert_eq!(check_lifetime(MAX_COOKIE_LIFETIME), Ok(()));
        for lifetime in [MAX_COOKIE_LIFETIME + SECOND, Duration::MAX] {
            let too_long = Err(LifetimeError::TooLong { attribute: "lifetime", lifetime });
            assert_eq!(check_lifetime(lifetime), too_long);
        }
    }

    #[test]
    fn lifetime_counts_whole_seconds() {
        assert_eq!(check_lifetime(MAX_COOKIE_LIFETIME + Duration::from_millis(999)), Ok(()));
    }

    #[test]
    fn anonymous_lifetime_has_the_range_of_lifetime_and_errors_of_its_own() {
        for lifetime in [SECOND, MAX_COOKIE_LIFETIME] {
            assert_eq!(check_anonymous_lifetime(lifetime), Ok(()));
        }
        let zero = check_anonymous_lifetime(Duration::from_millis(999)).unwrap_err();
        let too_long = check_anonymous_lifetime(MAX_COOKIE_LIFETIME + SECOND).unwrap_err();
        for err in [zero, too_long] {
            assert_eq!(err.attributes(), ["anonymous_lifetime"]);
            assert!(err.to_string().starts_with("`anonymous_lifetime` must be at "), "{err}");
        }
    }

    #[test]
    fn rotate_grace_is_at_most_a_minute() {
        for grace in [Duration::ZERO, SECOND, MAX_ROTATE_GRACE] {
            assert_eq!(check_rotate_grace(grace), Ok(()));
        }
        let grace = secs(61);
        let err = check_rotate_grace(grace).unwrap_err();
        assert_eq!(err, LifetimeError::GraceTooLong { grace });
        assert_eq!(
            err.to_string(),
            "`rotate_grace` must be at most 60 s, enough for requests under way, but is 61 s; \
             write `\"60 s\"` or less"
        );
    }

    #[test]
    fn each_timeout_is_above_zero() {
        let zero = |attribute| Err(LifetimeError::Zero { attribute });
        assert_eq!(check_timeouts(None, Some(Duration::ZERO), SECOND), zero("absolute_timeout"));
        assert_eq!(check_timeouts(None, None, Duration::ZERO), zero("touch_interval"));
        assert_eq!(check_timeouts(None, None, Duration::from_millis(999)), zero("touch_interval"));
    }

    #[test]
    fn idle_is_at_least_two_seconds() {
        for idle in [Duration::ZERO, SECOND, Duration::from_millis(1_999)] {
            let err = check_timeouts(Some(idle), None, SECOND).unwrap_err();
            assert_eq!(err, LifetimeError::IdleTooShort { idle });
            assert_eq!(err.attributes(), ["idle_timeout"]);
            assert_eq!(
                err.to_string(),
                "`idle_timeout` must be at least 2 seconds; write one such as `\"30 min\"`"
            );
        }
        assert_eq!(check_timeouts(Some(secs(2)), None, SECOND), Ok(()));
    }

    #[test]
    fn idle_is_within_absolute() {
        assert_eq!(check_timeouts(Some(secs(60)), Some(secs(60)), SECOND), Ok(()));
        assert_eq!(
            check_timeouts(Some(secs(61)), Some(secs(60)), SECOND),
            Err(LifetimeError::IdleAboveAbsolute { idle: secs(61), absolute: secs(60) })
        );
    }

    #[test]
    fn remembered_is_in_the_range_of_lifetime_and_not_below_absolute() {
        for remembered in [SECOND, MAX_COOKIE_LIFETIME] {
            assert_eq!(check_remembered(remembered, None), Ok(()));
        }
        for (wrong, problem) in [
            (Duration::from_millis(999), "at least 1 second"),
            (MAX_COOKIE_LIFETIME + SECOND, "at most 400 days"),
        ] {
            let err = check_remembered(wrong, None).unwrap_err();
            assert_eq!(err.attributes(), ["remembered"]);
            assert!(
                err.to_string().starts_with(&format!("`remembered` must be {problem}")),
                "{err}"
            );
        }
        assert_eq!(check_remembered(secs(60), Some(secs(60))), Ok(()));
        let err = check_remembered(secs(59), Some(secs(60))).unwrap_err();
        assert_eq!(err.attributes(), ["remembered", "absolute_timeout"]);
        assert_eq!(
            err.to_string(),
            "`remembered` of 59 s must not be below `absolute_timeout` of 1 min, else remembered sessions \
             end first; raise `remembered` or lower `absolute_timeout`"
        );
    }

    #[test]
    fn touch_interval_is_below_idle() {
        assert_eq!(check_timeouts(Some(secs(61)), None, secs(60)), Ok(()));
        assert_eq!(
            check_timeouts(Some(secs(60)), None, secs(60)),
            Err(LifetimeError::TouchNotBelowIdle { touch_interval: secs(60), idle: secs(60) })
        );
    }

    #[test]
    fn idle_is_within_the_lifetime() {
        assert_eq!(check_within_lifetime(secs(60), Some(secs(60)), None), Ok(()));
        assert_eq!(
            check_within_lifetime(secs(60), Some(secs(61)), None),
            Err(LifetimeError::IdleAboveLifetime { idle: secs(61), lifetime: secs(60) })
        );
    }

    #[test]
    fn touch_interval_is_below_the_lifetime() {
        assert_eq!(check_within_lifetime(secs(60), None, Some(secs(59))), Ok(()));
        for touch_interval in [secs(60), secs(61), Duration::MAX] {
            let lifetime = secs(60);
            assert_eq!(
                check_within_lifetime(lifetime, None, Some(touch_interval)),
                Err(LifetimeError::TouchNotBelowLifetime { touch_interval, lifetime })
            );
        }
    }

    #[test]
    fn what_is_not_set_beside_a_lifetime_breaks_no_rule() {
        assert_eq!(check_within_lifetime(SECOND, None, None), Ok(()));
    }

    #[test]
    fn touch_interval_is_free_without_idle() {
        assert_eq!(check_timeouts(None, Some(secs(10)), secs(60)), Ok(()));
        assert_eq!(check_timeouts(None, None, Duration::MAX), Ok(()));
    }

    #[test]
    fn errors_name_their_attributes_and_say_what_to_do() {
        let err = LifetimeError::TouchNotBelowIdle { touch_interval: secs(60), idle: secs(30) };
        assert_eq!(err.attributes(), ["touch_interval", "idle_timeout"]);
        assert_eq!(
            err.to_string(),
            "`touch_interval` of 1 min must be below `idle_timeout` of 30 s, else sessions in use expire; \
             lower `touch_interval` or raise `idle_timeout`"
        );
        let err = LifetimeError::IdleAboveLifetime { idle: secs(120), lifetime: secs(60) };
        assert_eq!(err.attributes(), ["idle_timeout", "lifetime"]);
        assert_eq!(
            err.to_string(),
            "`idle_timeout` of 2 min must not exceed `lifetime` of 1 min, else it never applies; \
             lower `idle_timeout` or raise `lifetime`"
        );
        let err =
            LifetimeError::TouchNotBelowLifetime { touch_interval: secs(60), lifetime: secs(60) };
        assert_eq!(err.attributes(), ["touch_interval", "lifetime"]);
        assert_eq!(
            err.to_string(),
            "`touch_interval` of 1 min must be below `lifetime` of 1 min, else sessions in use expire; \
             lower `touch_interval` or raise `lifetime`"
        );
        assert_eq!(LifetimeError::Zero { attribute: "lifetime" }.attributes(), ["lifetime"]);
        assert_eq!(
            LifetimeError::TooLong { attribute: "lifetime", lifetime: secs(86_400 * 500) }
                .to_string(),
            "`lifetime` must be at most 400 days, the longest that browsers keep a cookie, but is 500 days; \
             write `\"400 days\"` or less"
        );
    }
}
