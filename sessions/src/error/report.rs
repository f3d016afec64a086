//! The lines about failures: one for each empty answer, and in an outage one a second.

use std::{
    cell::Cell,
    collections::HashMap,
    error::Error as StdError,
    fmt,
    sync::{Arc, LazyLock, Mutex, PoisonError},
    time::Duration,
};

use super::{
    answer::{Fails, Failure},
    text::{Escaped, chain},
};
use crate::events::{Event, count, line};
use tokio::time::Instant;

/// How long a line of an outage stands for all others of its kind.
pub(crate) const QUIET: Duration = Duration::from_secs(1);

/// The line about a failure, in the response that the failure became. The middleware of the session
/// writes it, since it knows the request; outside of that, dropping the response does.
///
/// A response that is made within the middleware and does not reach it was replaced by the application,
/// and needs no line.
pub(crate) struct Report {
    line: Option<Line>,
    is_within: bool,
}

thread_local! {
    /// How many middlewares of sessions are around the code that runs on this thread.
    static AROUND: Cell<usize> = const { Cell::new(0) };
}

/// Says that a middleware of a session is around what runs until this is dropped.
pub(crate) struct Within(());

impl Within {
    pub(crate) fn enter() -> Self {
        AROUND.set(AROUND.get() + 1);
        Self(())
    }
}

impl Drop for Within {
    fn drop(&mut self) {
        AROUND.set(AROUND.get() - 1);
    }
}

struct Line {
    what: &'static str,
    failure: Failure,
    text: String,
}

/// Where a failure became a response.
#[derive(Clone, Copy, Default)]
pub(crate) struct Place<'p> {
    pub(crate) interface: Option<&'static str>,
    pub(crate) path: Option<&'p str>,
}

impl Report {
    /// Makes the report of an error.
    pub(crate) fn of<E: Fails>(err: &E) -> Self {
        let line = Line { what: E::WHAT, failure: err.failure(), text: chain(err) };
        Self { line: Some(line), is_within: AROUND.get() > 0 }
    }

    /// Writes the line.
    pub(crate) fn write(&mut self, outages: &OutageLog, place: Place<'_>) {
        let Some(Line { what, failure, text }) = self.line.take() else { return };
        count(failure.event(), failure.reason());
        let passed_over = if failure.is_outage() {
            outages.admit((what, Some(failure)))
        } else {
            Some(PassedOver(0))
        };
        if let Some(passed_over) = passed_over {
            write_line(failure, &format!("{what}{text}{passed_over}"), place);
        }
    }

    /// Drops the line, which stands in the log already.
    pub(crate) fn discard(&mut self) {
        self.line = None;
    }

    /// Whether the line is written.
    pub(crate) fn is_written(&self) -> bool {
        self.line.is_none()
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        static OUTAGES: LazyLock<OutageLog> = LazyLock::new(OutageLog::default);

        if !self.is_within {
            self.write(&OUTAGES, Place::default());
        }
    }
}

impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Report")
    }
}

/// Writes each line of an outage at most once a second, with the number of those passed over.
///
/// All workers that share a store share it.
#[derive(Debug, Default)]
pub struct OutageLog {
    kinds: Mutex<HashMap<Kind, Passed>>,
}

/// The log of an interface that has one of its own.
pub type Outages = Option<Arc<OutageLog>>;

/// A kind of line: what failed, and how.
type Kind = (&'static str, Option<Failure>);

/// The lines of a kind since the last one that was written.
#[derive(Debug)]
struct Passed {
    since: Instant,
    over: u64,
}

/// How many lines were passed over, at the end of the line that stands for them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PassedOver(pub(crate) u64);

impl fmt::Display for PassedOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => Ok(()),
            count => write!(f, "; {count} more of these since the last line"),
        }
    }
}

impl OutageLog {
    /// Writes that the store failed and the request went on.
    pub(crate) fn survived(&self, what: &'static str, err: &dyn StdError) {
        count(Event::StoreTolerated, None);
        if let Some(passed_over) = self.admit((what, None)) {
            line!(StoreTolerated, "{what}: {}{passed_over}", Escaped(chain(err)));
        }
    }

    /// Writes that the store failed, so that a former session may be imported again.
    #[cfg(feature = "import-actix-session")]
    pub(crate) fn not_ended(&self, what: &'static str, err: &dyn StdError) {
        count(Event::ImportNotEnded, None);
        if let Some(passed_over) = self.admit((what, None)) {
            line!(ImportNotEnded, "{what}: {}{passed_over}", Escaped(chain(err)));
        }
    }

    /// Returns how many lines of this kind were passed over, or `None` for one that is passed over.
    fn admit(&self, kind: Kind) -> Option<PassedOver> {
        let now = Instant::now();
        let mut kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        match kinds.get_mut(&kind) {
            Some(passed) if now.saturating_duration_since(passed.since) < QUIET => {
                passed.over += 1;
                None
            }
            Some(passed) => {
                passed.since = now;
                Some(PassedOver(std::mem::take(&mut passed.over)))
            }
            None => {
                kinds.insert(kind, Passed { since: now, over: 0 });
                Some(PassedOver(0))
            }
        }
    }
}

/// Writes a line, in which control characters are escaped.
fn write_line(failure: Failure, text: &str, Place { interface, path }: Place<'_>) {
    let (text, reason) = (Escaped(text), failure.reason());
    match failure.event() {
        Event::SessionGone => line!(SessionGone, interface, path, "{text}"),
        Event::SessionSuperseded => line!(SessionSuperseded, interface, path, "{text}"),
        Event::LoginRefused => line!(LoginRefused, reason, interface, path, "{text}"),
        Event::SessionUnauthorized => {
            line!(SessionUnauthorized, reason, interface, path, "{text}");
        }
        _ => line!(SessionFailed, reason, interface, path, "{text}"),
    }
}
