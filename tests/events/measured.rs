//! Metrics as a recorder gets them: their names and labels are those of the table, and their figures those of
//! what happened.

use std::{collections::BTreeMap, io, time::Duration};

use actix_http::Request;
use actix_service::Service;
use actix_web::{
    App, Error, HttpRequest,
    body::MessageBody,
    dev::ServiceResponse,
    http::header::COOKIE,
    test::{TestRequest, init_service},
    web,
};
use metrics::set_default_local_recorder;
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use sessions::{
    KeyRing, MemoryStore, ServerSide, Session, SessionMiddleware, SharedKeys,
    events::{Event, Metric, MetricKind, describe_metrics},
    store::StoreError,
    test::{Fault, FaultStore},
};
use sessions_tests::{Answer, StoredSessions, key};
use tokio::time;

async fn act(session: Session, request: HttpRequest) -> actix_web::Result<String> {
    match request.path() {
        "/read" => drop(session.get::<u32>("n")?),
        "/login" => session.set_owner("alice")?,
        "/purge" => drop(session.purge()?),
        _ => session.insert("n", 1)?,
    }
    Ok(String::new())
}

async fn app(
    backend: ServerSide<FaultStore<MemoryStore>>,
) -> impl Service<Request, Response = ServiceResponse<impl MessageBody>, Error = Error> {
    let middleware = SessionMiddleware::new(StoredSessions { backend });
    init_service(App::new().wrap(middleware).default_service(web::to(act))).await
}

async fn send<S, B>(app: &S, path: &str, token: &str) -> Answer
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    let request = TestRequest::with_uri(path).append_header((COOKIE, format!("id={token}")));
    Answer::of(app, request).await
}

/// The metrics so far: by name and labels, as `name{label=value}`.
struct Taken(BTreeMap<String, DebugValue>);

impl Taken {
    /// Takes the metrics, and compares each with its row of the table.
    fn of(snapshotter: &Snapshotter) -> Self {
        let taken = snapshotter.snapshot().into_vec().into_iter().map(|(key, _, help, value)| {
            let (_, key) = key.into_parts();
            let metric = Metric::ALL.iter().find(|metric| metric.name() == key.name());
            let metric = metric.unwrap_or_else(|| panic!("{} is not in the table", key.name()));
            let kind = match value {
                DebugValue::Counter(_) => MetricKind::Counter,
                DebugValue::Gauge(_) => MetricKind::Gauge,
                DebugValue::Histogram(_) => MetricKind::Histogram,
            };
            assert_eq!(kind, metric.kind(), "{metric:?}");
            assert_eq!(help.as_deref(), Some(metric.help()), "{metric:?}");
            let labels: Vec<_> = key.labels().map(metrics::Label::key).collect();
            // The reason is left out where an event has none.
            let of_event = labels == ["event"] && *metric == Metric::Events;
            assert!(labels == metric.labels() || of_event, "{metric:?}: {labels:?}");
            let labels: Vec<_> =
                key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
            (format!("{}{{{}}}", key.name(), labels.join(",")), value)
        });
        Self(taken.collect())
    }

    fn count(&self, name: &str) -> u64 {
        match self.0.get(name) {
            Some(DebugValue::Counter(count)) => *count,
            Some(DebugValue::Histogram(values)) => values.len() as u64,
            Some(DebugValue::Gauge(_)) | None => 0,
        }
    }

    fn event(&self, event: Event, reason: &str) -> u64 {
        let reason = if reason.is_empty() { String::new() } else { format!(",reason={reason}") };
        self.count(&format!("sessions_events_total{{event={}{reason}}}", event.name()))
    }

    fn calls(&self, operation: &str, result: &str) -> u64 {
        self.count(&format!("sessions_store_call_seconds{{operation={operation},result={result}}}"))
    }

    /// Returns by how much the gauge has changed: this recorder starts at zero after each look.
    fn open_circuits(&self) -> String {
        match self.0.get("sessions_store_circuits_open{}") {
            Some(DebugValue::Gauge(value)) => value.to_string(),
            other => panic!("{other:?}"),
        }
    }
}

#[actix_web::test]
async fn events_calls_and_keys_are_counted_as_the_table_says() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let _recorder = set_default_local_recorder(&recorder);
    describe_metrics();
    let keys = SharedKeys::new(KeyRing::new(key(1)));
    let store = FaultStore::new(MemoryStore::new());
    let app = app(ServerSide::new(store).signed(keys.clone())).await;
    let token = send(&app, "/n", "").await.cookie().expect("a cookie").value;
    for _ in 0..10 {
        send(&app, "/read", &token).await;
    }
    let token = send(&app, "/login", &token).await.cookie().expect("a cookie").value;
    for junk in ["junk", "junk.junk.junk"] {
        send(&app, "/read", junk).await;
    }
    let taken = Taken::of(&snapshotter);
    assert_eq!(taken.event(Event::SessionCreated, ""), 1);
    assert_eq!(taken.event(Event::SessionRenewed, "login"), 1);
    assert_eq!(taken.event(Event::SessionRefused, "format"), 2, "the empty one and the first");
    assert_eq!(taken.event(Event::SessionRefused, "signature"), 1);
    assert_eq!((taken.calls("create", "ok"), taken.calls("replace", "ok")), (1, 1));
    assert_eq!(taken.calls("index", "ok"), 1);
    assert_eq!(taken.open_circuits(), "0");

    // Each key by an id, from which it cannot be found, with what it is for.
    let uses = |taken: &Taken| -> Vec<(String, u64)> {
        let keys = taken.0.keys().filter(|name| name.starts_with("sessions_key_uses_total"));
        keys.map(|name| (name.clone(), taken.count(name))).collect()
    };
    let [(of_first, 11)] = &uses(&taken)[..] else { panic!("{:?}", uses(&taken)) };
    assert!(of_first.contains("role=current"), "{of_first}");
    assert!(!of_first.contains("Zk3vQ8rT1yWn5LxB7dGmPc0HsJf9aEu2"), "{of_first}");
    keys.replace(KeyRing::new(key(2)).with_fallback(key(1)));
    send(&app, "/read", &token).await;
    let taken = Taken::of(&snapshotter);
    let as_fallback = of_first.replace("role=current", "role=fallback");
    assert_eq!(taken.count(&as_fallback), 1, "{:?}", uses(&taken));
}

#[actix_web::test]
async fn an_outage_is_counted_though_it_has_a_line_a_second_and_the_gauge_tells_of_its_end() {
    time::pause();
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let _recorder = set_default_local_recorder(&recorder);
    describe_metrics();
    let store = FaultStore::new(MemoryStore::new());
    let backend = ServerSide::new(store.clone());
    let app = app(backend).await;
    let token = send(&app, "/n", "").await.cookie().expect("a cookie").value;
    let down = StoreError::unavailable(io::Error::other("told to fail"));
    for outage in 1..=3 {
        Taken::of(&snapshotter);
        store.on_every_call(Fault::Fails(down.clone()));
        for _ in 0..20 {
            assert_eq!(send(&app, "/read", &token).await.status, 503);
        }
        let taken = Taken::of(&snapshotter);
        assert_eq!(taken.event(Event::SessionFailed, "unavailable"), 20, "{outage}");
        assert_eq!(taken.event(Event::StoreFailed, "outage"), 1, "{outage}");
        assert_eq!(taken.calls("read", "unavailable"), 5, "the circuit refuses the others");
        assert_eq!(taken.open_circuits(), "1");
        store.mend();
        time::advance(Duration::from_secs(2)).await;
        assert_eq!(send(&app, "/read", &token).await.status, 200);
        let taken = Taken::of(&snapshotter);
        assert_eq!(taken.event(Event::StoreRecovered, "outage"), 1, "{outage}");
        assert_eq!(taken.open_circuits(), "-1");
    }
    // A backend that is dropped while its store fails leaves no open circuit behind.
    store.on_every_call(Fault::Fails(down));
    for _ in 0..5 {
        send(&app, "/read", &token).await;
    }
    assert_eq!(Taken::of(&snapshotter).open_circuits(), "1");
    drop(app);
    assert_eq!(Taken::of(&snapshotter).open_circuits(), "-1");
}
