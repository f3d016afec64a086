//! The table of metrics.

/// What a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MetricKind {
    /// It only grows.
    Counter,
    /// It goes up and down.
    Gauge,
    /// How often a value was observed, and how large it was.
    Histogram,
}

/// A row of the table.
struct Row {
    name: &'static str,
    kind: MetricKind,
    labels: &'static [&'static str],
    help: &'static str,
}

/// Makes the enum, its rows, and the list of all.
macro_rules! metrics {
    ($($metric:ident = $name:literal, $kind:ident, [$($label:literal),*], $help:literal;)+) => {
        /// A metric of the feature `metrics`. Names and labels stay as they are between major versions.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Metric {
            $(#[doc = $help] $metric,)+
        }

        impl Metric {
            /// All metrics, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$metric),+];

            const fn row(self) -> Row {
                match self {
                    $(Self::$metric => Row {
                        name: $name,
                        kind: MetricKind::$kind,
                        labels: &[$($label),*],
                        help: $help,
                    },)+
                }
            }
        }
    };
}

metrics! {
    Events = "sessions_events_total", Counter, ["event", "reason"],
        "Events, by their name and reason.";
    StoreCallSeconds = "sessions_store_call_seconds", Histogram, ["operation", "result"],
        "How long calls of the store took, in seconds. A call that an open circuit refused is not among them.";
    StoreCircuitsOpen = "sessions_store_circuits_open", Gauge, [],
        "How many circuits are open now: the store behind each failed, and is asked once in a second.";
    KeyUses = "sessions_key_uses_total", Counter, ["key", "role"],
        "Session tokens that each key verified. The label is a hash of the key.";
}

impl Metric {
    /// Returns the name.
    pub const fn name(self) -> &'static str {
        self.row().name
    }

    /// Returns what it is.
    pub const fn kind(self) -> MetricKind {
        self.row().kind
    }

    /// Returns its labels. `reason` is left out for an event without reasons.
    pub const fn labels(self) -> &'static [&'static str] {
        self.row().labels
    }

    /// Returns what it counts or measures.
    pub const fn help(self) -> &'static str {
        self.row().help
    }
}

/// What a call asks of the store: the label `operation`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    /// Loads a record, or an owner's index.
    Read,
    /// Creates a record.
    Create,
    /// Replaces a record.
    Replace,
    /// Deletes a record.
    Delete,
    /// Changes an owner's index.
    Index,
}

#[cfg(feature = "metrics")]
impl Operation {
    /// All operations, in their order.
    pub(super) const ALL: [Self; 5] =
        [Self::Read, Self::Create, Self::Replace, Self::Delete, Self::Index];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Create => "create",
            Self::Replace => "replace",
            Self::Delete => "delete",
            Self::Index => "index",
        }
    }
}
