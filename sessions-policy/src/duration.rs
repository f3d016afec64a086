//! Durations as people write them.

use std::{error::Error, fmt, time::Duration};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const WEEK: u64 = 7 * DAY;

/// Reads one whole number and one unit, such as `"30 min"`; a number alone counts seconds.
///
/// The units are `s`, `sec`, `second`, `seconds`, `min`, `minute`, `minutes`, `h`, `hour`, `hours`, `d`, `day`, `days`,
/// `w`, `week` and `weeks`, in lower case. One space may stand between number and unit. `"0 s"` is a duration;
/// whether a setting accepts zero is its own rule, such as [`check_lifetime`](crate::check_lifetime).
///
/// # Errors
///
/// [`DurationError`] when the text is anything else or does not fit into 64 bits of seconds.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use sessions_policy::parse_duration;
///
/// assert_eq!(parse_duration("30 min"), Ok(Duration::from_secs(1_800)));
/// assert_eq!(parse_duration("2 weeks"), parse_duration("14 days"));
/// assert_eq!(parse_duration("90"), Ok(Duration::from_secs(90)));
/// assert!(parse_duration("1.5 h").is_err());
/// ```
pub fn parse_duration(text: &str) -> Result<Duration, DurationError> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at(digits);
    if text.is_empty() {
        return Err(DurationError::Empty);
    }
    if number.is_empty() {
        return Err(DurationError::NoNumber);
    }
    if rest.starts_with(['.', ',', '_']) {
        return Err(DurationError::NotWhole);
    }
    let unit = match rest {
        "" => 1,
        rest => seconds_per_unit(rest.strip_prefix(' ').unwrap_or(rest))?,
    };
    number
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(unit))
        .map(Duration::from_secs)
        .ok_or(DurationError::TooLarge)
}

/// Writes a duration in the largest unit that needs no fraction: `"14 days"`, `"12 h"`, `"30 min"` or `"90 s"`.
///
/// Fractions of a second are cut off. [`parse_duration`] reads the result back.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use sessions_policy::format_duration;
///
/// assert_eq!(format_duration(Duration::from_secs(1_209_600)), "14 days");
/// assert_eq!(format_duration(Duration::from_secs(90)), "90 s");
/// ```
pub fn format_duration(duration: Duration) -> String {
    match duration.as_secs() {
        0 => "0 s".to_owned(),
        DAY => "1 day".to_owned(),
        seconds if seconds.is_multiple_of(DAY) => format!("{} days", seconds / DAY),
        seconds if seconds.is_multiple_of(HOUR) => format!("{} h", seconds / HOUR),
        seconds if seconds.is_multiple_of(MINUTE) => format!("{} min", seconds / MINUTE),
        seconds => format!("{seconds} s"),
    }
}

/// Why a text is not a duration.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DurationError {
    /// There is no text.
    Empty,
    /// The text does not start with a digit.
    NoNumber,
    /// The number has a fraction or separators.
    NotWhole,
    /// A second number follows the unit.
    Compound,
    /// This is not a unit.
    UnknownUnit(String),
    /// The duration does not fit into 64 bits of seconds.
    TooLarge,
}

impl fmt::Display for DurationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("duration must not be empty; write one such as `\"30 min\"`"),
            Self::NoNumber => f.write_str("duration must start with a whole number; write one such as `\"30 min\"`"),
            Self::NotWhole => f.write_str(
                "duration must be a whole number without separators; for one and a half hours write `\"90 min\"`",
            ),
            Self::Compound => f.write_str(
                "duration must be one number and one unit; instead of `\"1 h 30 min\"` write `\"90 min\"`",
            ),
            Self::UnknownUnit(unit) => write!(
                f,
                "unknown unit `{unit:?}`; expected `s`, `min`, `h`, `days` or `weeks`, such as `\"30 min\"`"
            ),
            Self::TooLarge => f.write_str("duration is too large; write a smaller one such as `\"400 days\"`"),
        }
    }
}

impl Error for DurationError {}

fn seconds_per_unit(unit: &str) -> Result<u64, DurationError> {
    match unit {
        "s" | "sec" | "second" | "seconds" => Ok(1),
        "min" | "minute" | "minutes" => Ok(MINUTE),
        "h" | "hour" | "hours" => Ok(HOUR),
        "d" | "day" | "days" => Ok(DAY),
        "w" | "week" | "weeks" => Ok(WEEK),
        other if other.contains(|c: char| c.is_ascii_digit()) => Err(DurationError::Compound),
        other => Err(DurationError::UnknownUnit(other.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unknown(unit: &str) -> DurationError {
        DurationError::UnknownUnit(unit.to_owned())
    }

    #[test]
    fn reads_every_unit() {
        for (units, seconds) in [
            (&["s", "sec", "second", "seconds"][..], 1),
            (&["min", "minute", "minutes"], 60),
            (&["h", "hour", "hours"], 3_600),
            (&["d", "day", "days"], 86_400),
            (&["w", "week", "weeks"], 604_800),
        ] {
            for unit in units {
                let expected = Ok(Duration::from_secs(3 * seconds));
                assert_eq!(parse_duration(&format!("3 {unit}")), expected, "{unit}");
                assert_eq!(parse_duration(&format!("3{unit}")), expected, "{unit}");
            }
        }
    }

    #[test]
    fn reads_a_number_alone_as_seconds() {
        assert_eq!(parse_duration("90"), Ok(Duration::from_secs(90)));
        assert_eq!(parse_duration("0"), Ok(Duration::ZERO));
        assert_eq!(parse_duration("0 s"), Ok(Duration::ZERO));
    }

    #[test]
    fn refuses_what_does_not_start_with_a_number() {
        assert_eq!(parse_duration(""), Err(DurationError::Empty));
        for text in ["min", "-1 s", "+1 s", " 1 s", ".5 h", "٣ s", "\n1 s"] {
            assert_eq!(parse_duration(text), Err(DurationError::NoNumber), "{text:?}");
        }
    }

    #[test]
    fn refuses_fractions_and_separators() {
        for text in ["1.5 h", "1,5 h", "1_000 s", "1. s"] {
            assert_eq!(parse_duration(text), Err(DurationError::NotWhole), "{text:?}");
        }
    }

    #[test]
    fn refuses_more_than_one_number() {
        for text in ["1 h 30 min", "1h30min", "1 2 s"] {
            assert_eq!(parse_duration(text), Err(DurationError::Compound), "{text:?}");
        }
    }

    #[test]
    fn refuses_unknown_units_by_name() {
        for (text, unit) in [
            ("500 ms", "ms"),
            ("1 month", "month"),
            ("1 Day", "Day"),
            ("1 M", "M"),
            ("1  s", " s"),
            ("1 s ", "s "),
            ("1 s\n", "s\n"),
            ("1\ts", "\ts"),
            ("1 ", ""),
        ] {
            assert_eq!(parse_duration(text), Err(unknown(unit)), "{text:?}");
        }
    }

    #[test]
    fn refuses_what_overflows() {
        let most = u64::MAX;
        assert_eq!(parse_duration(&format!("{most} s")), Ok(Duration::from_secs(most)));
        for text in [
            "18446744073709551616 s",
            "99999999999999999999999999",
            "18446744073709551615 min",
            "30500568904944 weeks",
        ] {
            assert_eq!(parse_duration(text), Err(DurationError::TooLarge), "{text}");
        }
        assert!(parse_duration("30500568904943 weeks").is_ok());
    }

    #[test]
    fn reads_back_what_it_writes() {
        for (seconds, text) in [
            (0, "0 s"),
            (1, "1 s"),
            (60, "1 min"),
            (90, "90 s"),
            (1_800, "30 min"),
            (3_600, "1 h"),
            (5_400, "90 min"),
            (86_400, "1 day"),
            (90_000, "25 h"),
            (1_209_600, "14 days"),
            (u64::MAX, "18446744073709551615 s"),
        ] {
            let duration = Duration::from_secs(seconds);
            assert_eq!(format_duration(duration), text);
            assert_eq!(parse_duration(text), Ok(duration));
        }
        for seconds in (0..40 * DAY).step_by(97) {
            let duration = Duration::from_secs(seconds);
            assert_eq!(parse_duration(&format_duration(duration)), Ok(duration));
        }
    }

    #[test]
    fn cuts_off_fractions_of_a_second() {
        assert_eq!(format_duration(Duration::from_millis(999)), "0 s");
        assert_eq!(format_duration(Duration::from_millis(60_500)), "1 min");
    }

    #[test]
    fn errors_show_a_right_value() {
        for err in [
            DurationError::Empty,
            DurationError::NoNumber,
            DurationError::NotWhole,
            DurationError::Compound,
            unknown("ms"),
            DurationError::TooLarge,
        ] {
            let message = err.to_string();
            let example = message.split('"').nth_back(1).unwrap();
            assert!(message.contains('`') && !message.ends_with('.'), "{message}");
            assert!(example == "1 h 30 min" || parse_duration(example).is_ok(), "{message}");
        }
        assert_eq!(
            unknown("ms\n").to_string(),
            r#"unknown unit `"ms\n"`; expected `s`, `min`, `h`, `days` or `weeks`, such as `"30 min"`"#
        );
    }
}
