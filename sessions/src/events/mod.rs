//! What the library tells an operator: events with stable names, as log lines and as counters.
//!
//! Each line that the library writes through [`tracing`] has the target `sessions` and a field `event`
//! with one of the [names](Event::name). [`Event::ALL`] is the list, and `docs/events.md` in the
//! repository shows it as a table. Lines of one session have the same `session`, and those of one owner
//! the same `owner`: keyed hashes, with which neither a token nor a record can be found.
//!
//! With the feature `metrics` each event is counted as well, also where its line is left out, because of
//! its level or since an outage has one line in a second. [`Metric::ALL`] is the list of metrics.
//!
//! # Examples
//!
//! ```
//! use sessions::events::Event;
//!
//! let event = Event::SessionRefused;
//! assert_eq!(event.name(), "session.refused");
//! assert!(event.fields().contains(&"reason"));
//! assert!(event.reasons().contains(&"signature"));
//! ```

mod log_id;
mod metric;
#[cfg(feature = "metrics")]
mod recorded;
mod stores;
mod table;
#[cfg(not(feature = "metrics"))]
mod unrecorded;

#[cfg(feature = "metrics")]
pub use self::recorded::describe_metrics;
#[cfg(feature = "metrics")]
pub(crate) use self::recorded::{KeyCounter, OpenCircuit, StoreCall, count};
#[cfg(not(feature = "metrics"))]
pub(crate) use self::unrecorded::{KeyCounter, OpenCircuit, StoreCall, count};
pub(crate) use self::{log_id::LogId, metric::Operation};
pub use self::{
    metric::{Metric, MetricKind},
    stores::{kept_expired, removed_expired, unfit_store},
    table::Event,
};

/// Counts an event and writes its line: `event!(SessionEnded, reason = "logout", session = id, "text")`.
///
/// The first field is `reason` where the event has reasons, and the last argument is the message with its
/// own arguments. Fields and arguments are evaluated only where the line is written.
macro_rules! event {
    ($event:ident, reason = $reason:expr, $($line:tt)+) => {{
        let reason: &'static str = $reason;
        $crate::events::count($crate::events::Event::$event, Some(reason));
        $crate::events::line!($event, reason, $($line)+);
    }};
    ($event:ident, $($line:tt)+) => {{
        $crate::events::count($crate::events::Event::$event, None);
        $crate::events::line!($event, $($line)+);
    }};
}

/// Writes the line of an event that is counted already.
macro_rules! line {
    ($event:ident, $($line:tt)+) => {
        tracing::event!(
            target: "sessions",
            $crate::events::Event::$event.level(),
            event = $crate::events::Event::$event.name(),
            $($line)+
        )
    };
}

pub(crate) use {event, line};
