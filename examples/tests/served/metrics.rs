//! The example with metrics, and the files beside it: a dashboard, alert rules, a configuration of Prometheus.

use std::{
    collections::BTreeSet,
    fs,
    io::{Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use sessions::events::{Event, Metric, MetricKind};

use crate::client::{Jar, PATIENCE, Served, free_port};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../metrics")
}

fn text(name: &str) -> String {
    fs::read_to_string(folder().join(name)).expect("it stands beside the example")
}

/// Returns the queries of the dashboard and of the alert rules.
fn queries() -> Vec<String> {
    let dashboard: serde_json::Value =
        serde_json::from_str(&text("dashboard.json")).expect("it is JSON");
    let panels = dashboard["panels"].as_array().expect("there are panels");
    let targets = panels.iter().flat_map(|panel| panel["targets"].as_array().expect("targets"));
    let shown = targets.map(|target| target["expr"].as_str().expect("a query").to_owned());
    let rules = text("alerts.yml");
    let alerts = rules.split("expr: ").skip(1).map(|rule| {
        let query = rule.split("\n        for:").next().expect("a part");
        query.split("\n        labels:").next().expect("a part").to_owned()
    });
    shown.chain(alerts).collect()
}

/// Returns the names under which Prometheus has a metric.
fn series(metric: Metric) -> Vec<String> {
    let name = metric.name();
    match metric.kind() {
        MetricKind::Histogram => {
            ["_bucket", "_sum", "_count"].map(|end| format!("{name}{end}")).into()
        }
        _ => vec![name.to_owned()],
    }
}

/// Returns the words of a query that begin like a metric.
fn named(query: &str) -> impl Iterator<Item = &str> {
    let words = query.split(|one: char| !one.is_alphanumeric() && one != '_');
    words.filter(|word| word.starts_with("sessions_"))
}

/// Returns the values that a query asks of a label.
fn values<'q>(query: &'q str, label: &str) -> Vec<&'q str> {
    let mut values = Vec::new();
    for operator in ["=\"", "=~\""] {
        for part in query.split(&format!("{label}{operator}")).skip(1) {
            values.extend(part.split('"').next().expect("a part").split('|'));
        }
    }
    values
}

#[test]
fn the_dashboard_and_the_alerts_ask_for_metrics_events_and_reasons_that_exist() {
    let known: BTreeSet<String> = Metric::ALL.iter().flat_map(|metric| series(*metric)).collect();
    let reasons: BTreeSet<_> = Event::ALL.iter().flat_map(|event| event.reasons()).collect();
    let queries = queries();
    assert!(queries.len() >= 16, "{queries:#?}");
    for query in &queries {
        assert!(named(query).count() > 0, "{query}");
        for name in named(query) {
            assert!(known.contains(name), "{name} in {query}");
        }
        for event in values(query, "event") {
            assert!(Event::ALL.iter().any(|one| one.name() == event), "{event} in {query}");
        }
        for reason in values(query, "reason") {
            assert!(reasons.contains(&reason), "{reason} in {query}");
        }
    }
    for metric in Metric::ALL {
        let is_shown =
            |query: &String| named(query).any(|name| series(*metric).iter().any(|one| one == name));
        assert!(queries.iter().any(is_shown), "{metric:?} is shown nowhere");
    }
}

#[test]
fn the_example_exports_what_happens() {
    let served = Served::start("metrics", free_port());
    let mut jar = Jar::default();
    for visit in 1..=3 {
        assert_eq!(served.get(&mut jar, "/"), format!("visit {visit}\n"));
    }
    served.request(&mut jar, "POST /login", "");
    served.request(&mut jar, "POST /logout", "");
    let exported = served.get(&mut Jar::default(), "/metrics");
    for line in [
        "sessions_events_total{event=\"session.created\"} 1",
        "sessions_events_total{event=\"session.renewed\",reason=\"login\"} 1",
        "sessions_events_total{event=\"session.ended\",reason=\"logout\"} 1",
        "sessions_store_call_seconds_count{operation=\"create\",result=\"ok\"} 1",
        "sessions_store_circuits_open 0",
        "# TYPE sessions_key_uses_total counter",
    ] {
        assert!(exported.lines().any(|one| one == line), "no {line} in {exported}");
    }
    for metric in Metric::ALL {
        let help = format!("# HELP {} ", metric.name());
        assert!(exported.contains(&help), "no {help} in {exported}");
    }
}

#[test]
#[ignore = "needs promtool: run scripts/test"]
fn promtool_accepts_the_alerts_and_the_configuration() {
    promtool(&["check", "rules"], "alerts.yml");
    promtool(&["check", "config"], "prometheus.yml");
}

#[test]
#[ignore = "needs promtool: run scripts/test"]
fn the_alerts_fire_when_they_should_and_stop() {
    promtool(&["test", "rules"], "alerts.test.yml");
}

fn promtool(command: &[&str], file: &str) {
    let output = Command::new("promtool").args(command).arg(folder().join(file)).output();
    let output = output.expect("promtool runs");
    assert!(output.status.success(), "{output:?}");
}

/// A Prometheus at work, in a folder of its own. Stopped when dropped.
struct Prometheus {
    child: Child,
    port: u16,
    folder: PathBuf,
}

impl Prometheus {
    fn start(of: u16) -> Self {
        let port = free_port();
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("prometheus-{port}"));
        fs::create_dir_all(&folder).expect("a folder");
        let config = text("prometheus.yml").replace("127.0.0.1:8080", &format!("127.0.0.1:{of}"));
        let config = config.replace("5s", "1s");
        let alerts = self::folder().join("alerts.yml");
        let config = config.replace("alerts.yml", alerts.to_str().expect("text"));
        fs::write(folder.join("prometheus.yml"), config).expect("it is written");
        let child = Command::new("prometheus")
            .arg(format!("--config.file={}", folder.join("prometheus.yml").display()))
            .arg(format!("--storage.tsdb.path={}", folder.join("data").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("prometheus starts");
        Self { child, port, folder }
    }

    /// Returns what it answers, or nothing while it starts.
    fn get(&self, path: &str) -> String {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) else {
            return String::new();
        };
        let request = format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n");
        let mut answer = String::new();
        let read =
            stream.write_all(request.as_bytes()).and_then(|()| stream.read_to_string(&mut answer));
        read.map(|_| answer).unwrap_or_default()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn encoded(query: &str) -> String {
    query.bytes().fold(String::new(), |encoded, byte| encoded + &format!("%{byte:02X}"))
}

#[test]
#[ignore = "needs prometheus: run scripts/test"]
fn prometheus_reads_the_example_and_answers_every_query_of_the_dashboard() {
    let served = Served::start("metrics", free_port());
    let prometheus = Prometheus::start(served.port);
    let mut jar = Jar::default();
    let start = Instant::now();
    let created = encoded("sessions_events_total{event=\"session.created\"}");
    loop {
        served.get(&mut jar, "/");
        if prometheus.get(&format!("/api/v1/query?query={created}")).contains("\"value\":[") {
            break;
        }
        assert!(start.elapsed() < PATIENCE, "Prometheus does not read the example");
        thread::sleep(Duration::from_millis(50));
    }
    for query in queries() {
        let query = query.trim_start_matches(">-").replace("$instance", ".*");
        let answer = prometheus.get(&format!("/api/v1/query?query={}", encoded(&query)));
        assert!(answer.contains("\"status\":\"success\""), "{query}: {answer}");
    }
    let rules = prometheus.get("/api/v1/rules");
    assert!(rules.contains("SessionStoreFails"), "{rules}");
    // A rate needs two points.
    let panels = ["<h2>Open circuits</h2>", "session.created: ", "read ok: ", "99 of 100: "];
    loop {
        served.get(&mut jar, "/");
        let drawn = drawn(&prometheus);
        if panels.iter().all(|panel| drawn.contains(panel)) {
            break;
        }
        assert!(start.elapsed() < PATIENCE, "{drawn}");
        thread::sleep(Duration::from_millis(200));
    }
}

/// Draws the dashboard from the answers of Prometheus.
fn drawn(prometheus: &Prometheus) -> String {
    let script = folder().join("../../scripts/draw-dashboard");
    let url = format!("http://127.0.0.1:{}", prometheus.port);
    let drawn = Command::new(script).args([&url, "1"]).output().expect("python3 is there");
    assert!(drawn.status.success(), "{}", String::from_utf8_lossy(&drawn.stderr));
    String::from_utf8(drawn.stdout).expect("a page")
}
