//! The metrics of the sessions, in the text format of Prometheus.

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use sessions::events::describe_metrics;

/// Upper ends of the buckets of the store's latency, in seconds.
const BUCKETS: [f64; 6] = [0.0001, 0.0005, 0.001, 0.005, 0.025, 0.1];

/// Begins to record.
pub(crate) fn record() -> Result<PrometheusHandle, BuildError> {
    let latency = Matcher::Full("sessions_store_call_seconds".to_owned());
    let recorder = PrometheusBuilder::new().set_buckets_for_metric(latency, &BUCKETS)?;
    let recorder = recorder.install_recorder()?;
    describe_metrics();
    Ok(recorder)
}

/// A series: its name, what it is of, and its value.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Series {
    pub(crate) name: String,
    pub(crate) labels: String,
    pub(crate) value: String,
}

/// Returns the series of a text by name, without the buckets of histograms.
pub(crate) fn series(text: &str) -> Vec<Series> {
    let mut series: Vec<_> = text
        .lines()
        .filter(|line| !line.starts_with('#') && !line.contains("_bucket{"))
        .filter_map(|line| {
            let (series, value) = line.rsplit_once(' ')?;
            let (name, labels) = series.split_once('{').unwrap_or((series, ""));
            let labels = labels.trim_end_matches('}').replace('"', "").replace(',', ", ");
            Some(Series { name: name.to_owned(), labels, value: value.to_owned() })
        })
        .collect();
    series.sort();
    series
}
