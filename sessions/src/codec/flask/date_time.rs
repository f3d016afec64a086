//! Python's `datetime`, as Flask writes it: in UTC, in whole seconds.

use std::{
    fmt,
    str::FromStr,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::{tag, wrappers::read};

/// The first and last second of Python's dates, the years 1 to 9999, counted from 1970.
const FIRST: i64 = -62_135_596_800;
const LAST: i64 = 253_402_300_799;
const DAY: i64 = 86_400;

const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Python's `datetime`, as Flask writes it: a time in UTC, in whole seconds, of the years 1 to
/// 9999.
///
/// `Display` gives the text of Python's `str`: `2024-02-29 12:30:45+00:00`. Flask reads the years 1
/// to 99 as 1969 to 2068, since Werkzeug does.
///
/// # Examples
///
/// ```
/// use std::time::{Duration, UNIX_EPOCH};
/// use sessions::flask::DateTime;
///
/// let time = DateTime::try_from(UNIX_EPOCH + Duration::from_millis(1_709_209_845_999))?;
/// assert_eq!(time.unix_seconds(), 1_709_209_845);
/// assert_eq!(time.to_string(), "2024-02-29 12:30:45+00:00");
/// # Ok::<(), sessions::flask::DateTimeError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DateTime {
    /// Invariant: from `FIRST` to `LAST`. Every constructor checks.
    seconds: i64,
}

/// The error of a time outside the years 1 to 9999, or of a text that is not a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a time of the years 1 to 9999, such as `Thu, 29 Feb 2024 12:30:45 GMT`")]
pub struct DateTimeError;

/// A day of the calendar.
struct Date {
    year: i64,
    /// From 1 to 12.
    month: i64,
    /// From 1 to 31.
    day: i64,
}

impl DateTime {
    /// Returns the time of these seconds since 1970; earlier ones are negative.
    ///
    /// # Errors
    ///
    /// [`DateTimeError`] outside the years 1 to 9999.
    pub fn from_unix_seconds(seconds: i64) -> Result<Self, DateTimeError> {
        if (FIRST..=LAST).contains(&seconds) { Ok(Self { seconds }) } else { Err(DateTimeError) }
    }

    /// Returns the seconds since 1970; those of an earlier time are negative.
    pub fn unix_seconds(self) -> i64 {
        self.seconds
    }

    fn date(self) -> Date {
        Date::of_days(self.seconds.div_euclid(DAY))
    }

    /// Returns hours, minutes and seconds.
    fn time(self) -> (i64, i64, i64) {
        let seconds = self.seconds.rem_euclid(DAY);
        (seconds / 3_600, seconds / 60 % 60, seconds % 60)
    }

    /// Returns the HTTP date (RFC 9110, 5.6.7), as Werkzeug's `http_date` writes it.
    fn to_http(self) -> String {
        let Date { year, month, day } = self.date();
        let (hours, minutes, seconds) = self.time();
        // 1970 began on a Thursday.
        let weekday = name(&WEEKDAYS, self.seconds.div_euclid(DAY) + 3);
        let month = name(&MONTHS, month - 1);
        format!("{weekday}, {day:02} {month} {year:04} {hours:02}:{minutes:02}:{seconds:02} GMT")
    }

    fn from_http(text: &str) -> Option<Self> {
        let parts: Vec<_> = text.split(' ').collect();
        let [_, day, month, year, time, "GMT"] = *parts else { return None };
        let number = |text: &str| text.parse::<u16>().ok().map(i64::from);
        let month = MONTHS.iter().position(|name| *name == month)?;
        let date =
            Date { year: number(year)?, month: i64::try_from(month).ok()? + 1, day: number(day)? };
        let time: Vec<_> = time.split(':').map(number).collect::<Option<_>>()?;
        let [hours, minutes, seconds] = *time else { return None };
        let seconds = date.days()? * DAY + hours * 3_600 + minutes * 60 + seconds;
        // A text of a day or time that does not exist is not what the result is written as.
        Self::from_unix_seconds(seconds).ok().filter(|time| time.to_http() == text)
    }
}

fn name(names: &[&'static str], at: i64) -> &'static str {
    let length = i64::try_from(names.len()).unwrap_or(1);
    names[usize::try_from(at.rem_euclid(length)).unwrap_or_default()]
}

/// The days from 1 March of the year 0 to 1 January 1970.
const MARCH_0: i64 = 719_468;
/// The days of 400 years.
const ERA: i64 = 146_097;

impl Date {
    /// Converts days since 1970. Years are counted from March, so that the leap day is their last.
    fn of_days(days: i64) -> Self {
        let days = days + MARCH_0;
        let (era, day) = (days.div_euclid(ERA), days.rem_euclid(ERA));
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let from_march = (5 * day + 2) / 153;
        let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
        Self {
            year: era * 400 + year + i64::from(month <= 2),
            month,
            day: day - (153 * from_march + 2) / 5 + 1,
        }
    }

    fn days(&self) -> Option<i64> {
        if !(1..=9_999).contains(&self.year) || !(1..=31).contains(&self.day) {
            return None;
        }
        let year = self.year - i64::from(self.month <= 2);
        let from_march = if self.month > 2 { self.month - 3 } else { self.month + 9 };
        let (era, year) = (year.div_euclid(400), year.rem_euclid(400));
        let day = (153 * from_march + 2) / 5 + self.day - 1;
        Some(era * ERA + 365 * year + year / 4 - year / 100 + day - MARCH_0)
    }
}

impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Date { year, month, day } = self.date();
        let (hours, minutes, seconds) = self.time();
        write!(f, "{year:04}-{month:02}-{day:02} {hours:02}:{minutes:02}:{seconds:02}+00:00")
    }
}

/// Parses an HTTP date, which is the form that Flask writes.
impl FromStr for DateTime {
    type Err = DateTimeError;

    fn from_str(text: &str) -> Result<Self, DateTimeError> {
        Self::from_http(text).ok_or(DateTimeError)
    }
}

/// Truncates to whole seconds.
impl TryFrom<SystemTime> for DateTime {
    type Error = DateTimeError;

    fn try_from(time: SystemTime) -> Result<Self, DateTimeError> {
        let seconds = match time.duration_since(UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_secs()),
            Err(before) => {
                let before = before.duration();
                let part = u64::from(before.subsec_nanos() > 0);
                i64::try_from(before.as_secs().saturating_add(part)).map(|seconds| -seconds)
            }
        };
        Self::from_unix_seconds(seconds.map_err(|_| DateTimeError)?)
    }
}

impl From<DateTime> for SystemTime {
    fn from(time: DateTime) -> Self {
        let distance = Duration::from_secs(time.seconds.unsigned_abs());
        if time.seconds < 0 { UNIX_EPOCH - distance } else { UNIX_EPOCH + distance }
    }
}

impl Serialize for DateTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(tag::DATE_TIME, &self.to_http())
    }
}

impl<'de> Deserialize<'de> for DateTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text: String = read(deserializer, tag::DATE_TIME)?;
        text.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime, UNIX_EPOCH};

    use super::{DAY, DateTime, FIRST, LAST};

    fn http(seconds: i64) -> String {
        DateTime::from_unix_seconds(seconds).unwrap().to_http()
    }

    #[test]
    fn the_edges_are_those_of_python() {
        assert_eq!(http(FIRST), "Mon, 01 Jan 0001 00:00:00 GMT");
        assert_eq!(http(LAST), "Fri, 31 Dec 9999 23:59:59 GMT");
        assert_eq!(http(-1), "Wed, 31 Dec 1969 23:59:59 GMT");
        assert_eq!(http(951_782_400), "Tue, 29 Feb 2000 00:00:00 GMT");
        assert!(DateTime::from_unix_seconds(FIRST - 1).is_err());
        assert!(DateTime::from_unix_seconds(LAST + 1).is_err());
    }

    #[test]
    fn every_day_is_read_as_it_is_written_and_follows_the_one_before() {
        let mut last = DateTime::from_unix_seconds(FIRST).unwrap().date();
        for days in FIRST / DAY + 1..=LAST / DAY {
            let time = DateTime::from_unix_seconds(days * DAY + days.rem_euclid(DAY)).unwrap();
            let date = time.date();
            assert_eq!(date.days(), Some(days));
            let next_day = date.day == last.day + 1 && date.month == last.month;
            let next_month = date.day == 1 && date.month == last.month % 12 + 1;
            assert!(next_day || next_month, "{time}");
            if days % 97 == 0 {
                assert_eq!(time.to_http().parse(), Ok(time));
            }
            last = date;
        }
        assert_eq!((last.year, last.month, last.day), (9_999, 12, 31));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "Thu, 29 Feb 2024 12:30:45",
            "Fri, 29 Feb 2024 12:30:45 GMT",
            "Wed, 29 Feb 2023 12:30:45 GMT",
            "Thu, 29 Feb 2024 24:30:45 GMT",
            "Thu, 29 Feb 2024 12:30:60 GMT",
            "Thu, 29 Feb 2024 12:30 GMT",
            "Thu, 9 Feb 2024 12:30:45 GMT",
            "Thu, 29 feb 2024 12:30:45 GMT",
            "Thu, 29 Feb 99999999999999999999 12:30:45 GMT",
            "Thu, 29 Feb 2024 9223372036854775807:30:45 GMT",
        ] {
            assert!(text.parse::<DateTime>().is_err(), "{text}");
        }
    }

    #[test]
    fn system_times_are_times_to_the_second() {
        for seconds in [FIRST, -1, 0, 1, LAST] {
            let time = DateTime::from_unix_seconds(seconds).unwrap();
            let system = SystemTime::from(time);
            assert_eq!(DateTime::try_from(system), Ok(time));
            let later = system + Duration::from_millis(999);
            assert_eq!(DateTime::try_from(later), Ok(time));
        }
        assert!(DateTime::try_from(UNIX_EPOCH + Duration::from_secs(1 << 40)).is_err());
    }
}
