//! What is written: lines for people, or one JSON object for programs; and the progress of long work.

use std::{
    io::{self, IsTerminal, Write},
    time::{Duration, Instant, SystemTime},
};

use humantime::format_rfc3339_seconds;
use serde::Serialize;

use crate::failure::Failure;

/// How often the line of a progress is written again.
const STEP: Duration = Duration::from_millis(100);

/// Where results go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    json: bool,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        Self { json }
    }

    /// Writes the text, or the object.
    pub(crate) fn write(self, text: &str, object: &impl Serialize) -> Result<(), Failure> {
        let mut stdout = io::stdout().lock();
        let written = if self.json {
            let object = serde_json::to_string(object).map_err(Failure::failed)?;
            writeln!(stdout, "{object}")
        } else {
            writeln!(stdout, "{text}")
        };
        written
            .and_then(|()| stdout.flush())
            .map_err(|err| Failure::failed(format_args!("cannot write to standard output: {err}")))
    }

    /// Begins to show how far something is, where somebody watches a terminal.
    pub(crate) fn progress(self, what: &'static str) -> Progress<io::Stderr> {
        let stderr = io::stderr();
        let is_shown = !self.json && stderr.is_terminal();
        Progress { what, to: is_shown.then_some(stderr), last: Instant::now(), is_written: false }
    }
}

/// A line that says how far something is. It is gone when this is dropped.
#[derive(Debug)]
pub(crate) struct Progress<W: Write> {
    what: &'static str,
    to: Option<W>,
    last: Instant,
    is_written: bool,
}

impl<W: Write> Progress<W> {
    pub(crate) fn at(&mut self, number: u64) {
        let Some(to) = &mut self.to else { return };
        if self.last.elapsed() >= STEP {
            self.last = Instant::now();
            self.is_written = true;
            // A progress that nobody sees is no failure.
            let _ = write!(to, "\r{}: {}", self.what, grouped(number)).and_then(|()| to.flush());
        }
    }
}

impl<W: Write> Drop for Progress<W> {
    fn drop(&mut self) {
        if let Some(to) = self.to.as_mut().filter(|_| self.is_written) {
            let _ = write!(to, "\r\x1b[K").and_then(|()| to.flush());
        }
    }
}

/// Writes a number with commas: `1,234,567`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Writes a number of sessions: `1 session`, `2 sessions`.
pub(crate) fn sessions(number: u64) -> String {
    format!("{} session{}", grouped(number), if number == 1 { "" } else { "s" })
}

/// Writes a time in UTC, such as `2026-11-28T16:40:00Z`.
pub(crate) fn utc(time: SystemTime) -> String {
    format_rfc3339_seconds(time).to_string()
}

/// Writes a text of an application so that it cannot command a terminal.
pub(crate) fn shown(text: &str) -> String {
    let is_plain = |character: char| !character.is_control();
    text.chars()
        .map(|it| if is_plain(it) { it.to_string() } else { it.escape_default().to_string() })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::{Progress, STEP, grouped, sessions, shown};

    #[test]
    fn numbers_are_grouped() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([0, 1, 2].map(sessions), ["0 sessions", "1 session", "2 sessions"]);
    }

    #[test]
    fn a_text_commands_no_terminal() {
        assert_eq!(shown("alice\u{1b}[31m\n"), "alice\\u{1b}[31m\\n");
    }

    #[test]
    fn a_progress_is_one_line_that_goes_away() {
        let mut written = Vec::new();
        let last = Instant::now().checked_sub(STEP).expect("a machine that runs for a while");
        let mut progress =
            Progress { what: "counted", to: Some(&mut written), last, is_written: false };
        for number in [5_000, 10_000] {
            progress.at(number);
        }
        drop(progress);
        assert_eq!(String::from_utf8(written).unwrap(), "\rcounted: 5,000\r\u{1b}[K");
        let mut nothing = Vec::new();
        drop(Progress { what: "counted", to: Some(&mut nothing), last, is_written: false });
        assert!(nothing.is_empty());
    }
}
