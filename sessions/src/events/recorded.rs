//! With the feature `metrics`: what is counted and measured goes to the recorder of the application.

use std::{
    sync::{
        LazyLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use metrics::{Key, Label, Level, Metadata, Recorder, Unit, with_recorder};

use super::{Event, LogId, Metric, MetricKind, Operation};

static METADATA: Metadata<'static> = Metadata::new("sessions", Level::INFO, Some("sessions"));

/// The keys of the counters of each event: one for each reason, in the order of the table, and one
/// without. They are made once, so that counting allocates nothing.
static EVENTS: LazyLock<Vec<Vec<Key>>> =
    LazyLock::new(|| Event::ALL.iter().map(|event| keys_of(*event)).collect());

fn keys_of(event: Event) -> Vec<Key> {
    let label = || Label::from_static_parts("event", event.name());
    let key = |labels: Vec<Label>| Key::from_parts(Metric::Events.name(), labels);
    let reason = |reason: &&'static str| Label::from_static_parts("reason", reason);
    let with_reasons = event.reasons().iter().map(|one| key(vec![label(), reason(one)]));
    with_reasons.chain([key(vec![label()])]).collect()
}

/// Counts an event.
pub(crate) fn count(event: Event, reason: Option<&'static str>) {
    let reasons = event.reasons();
    let at = reason.and_then(|reason| reasons.iter().position(|one| *one == reason));
    debug_assert!(at.is_some() != reasons.is_empty(), "{event:?} has no reason {reason:?}");
    let key = &EVENTS[event as usize][at.unwrap_or(reasons.len())];
    with_recorder(|recorder| recorder.register_counter(key, &METADATA).increment(1));
}

/// Measures one call of the store.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StoreCall {
    begun: Instant,
}

impl StoreCall {
    pub(crate) fn begin() -> Self {
        Self { begun: Instant::now() }
    }

    pub(crate) fn end(self, operation: Operation, result: &'static str) {
        let seconds = self.begun.elapsed().as_secs_f64();
        let observe = |key: &Key| {
            with_recorder(|recorder| recorder.register_histogram(key, &METADATA).record(seconds));
        };
        match result {
            "ok" => observe(&CALLS[operation as usize]),
            failure => observe(&call_key(operation, failure)),
        }
    }
}

/// The keys of calls that succeed, one for each operation.
static CALLS: LazyLock<[Key; 5]> =
    LazyLock::new(|| Operation::ALL.map(|operation| call_key(operation, "ok")));

fn call_key(operation: Operation, result: &'static str) -> Key {
    let labels = vec![
        Label::from_static_parts("operation", operation.name()),
        Label::from_static_parts("result", result),
    ];
    Key::from_parts(Metric::StoreCallSeconds.name(), labels)
}

/// Counts the open circuits.
#[derive(Debug)]
pub(crate) struct OpenCircuit {
    is_open: AtomicBool,
}

impl OpenCircuit {
    pub(crate) fn new() -> Self {
        Self { is_open: AtomicBool::new(false) }
    }

    pub(crate) fn set(&self, is_open: bool) {
        if self.is_open.load(Ordering::Relaxed) != is_open
            && self.is_open.swap(is_open, Ordering::Relaxed) != is_open
        {
            add_open_circuits(if is_open { 1.0 } else { -1.0 });
        }
    }
}

impl Drop for OpenCircuit {
    fn drop(&mut self) {
        self.set(false);
    }
}

fn add_open_circuits(number: f64) {
    static KEY: Key = Key::from_static_name(Metric::StoreCircuitsOpen.name());

    with_recorder(|recorder| recorder.register_gauge(&KEY, &METADATA).increment(number));
}

/// Counts the tokens of one key.
#[derive(Debug)]
pub(crate) struct KeyCounter {
    key: Key,
}

impl KeyCounter {
    pub(crate) fn new(id: impl FnOnce() -> LogId, role: &'static str) -> Self {
        let labels =
            vec![Label::new("key", id().to_string()), Label::from_static_parts("role", role)];
        Self { key: Key::from_parts(Metric::KeyUses.name(), labels) }
    }

    pub(crate) fn count(&self) {
        with_recorder(|recorder| recorder.register_counter(&self.key, &METADATA).increment(1));
    }
}

/// Tells the recorder what each metric is, that no circuit is open, and that no event has happened. Call it
/// in `main`, after the recorder is installed.
///
/// Without this the metrics have no help text, and are absent until they are needed: Prometheus sees no
/// increase from nothing to 1, so that an alert misses the first event.
pub fn describe_metrics() {
    with_recorder(|recorder| {
        for metric in Metric::ALL {
            describe(recorder, *metric);
        }
        for (event, keys) in Event::ALL.iter().zip(EVENTS.iter()) {
            // The last is the one without a reason.
            let counted = keys.len() - usize::from(!event.reasons().is_empty());
            for key in &keys[..counted] {
                recorder.register_counter(key, &METADATA).increment(0);
            }
        }
    });
    add_open_circuits(0.0);
}

fn describe(recorder: &dyn Recorder, metric: Metric) {
    let (name, help) = (metric.name().into(), metric.help().into());
    match metric.kind() {
        MetricKind::Counter => recorder.describe_counter(name, Some(Unit::Count), help),
        MetricKind::Gauge => recorder.describe_gauge(name, Some(Unit::Count), help),
        MetricKind::Histogram => recorder.describe_histogram(name, Some(Unit::Seconds), help),
    }
}
