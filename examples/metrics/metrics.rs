//! Metrics of the sessions, for Prometheus. Beside this file are a dashboard for Grafana, `dashboard.json`,
//! and alert rules, `alerts.yml`; `prometheus.yml` is a Prometheus that reads both.
//!
//!     cargo run --example metrics
//!     curl -c jar -b jar http://localhost:8080          # a visit
//!     curl http://localhost:8080/metrics                # what Prometheus reads
//!     prometheus --config.file=examples/metrics/prometheus.yml
//!
//! In production serve `/metrics` on a port that only Prometheus reaches.

use std::{env, error::Error};

use actix_web::{App, HttpServer, get, post, web};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use sessions::{
    MemoryStore, SecretKey, ServerSide, Session, SessionInterface, events::describe_metrics,
};

/// Upper ends of the buckets of the store's latency, in seconds: up to the deadline of a call.
const BUCKETS: [f64; 10] = [0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.25, 0.5];

#[derive(Clone, SessionInterface)]
#[session(cookie_name = "__Host-metrics", open = "lazy")]
struct AppSessions {
    backend: ServerSide<MemoryStore>,
}

#[get("/")]
async fn index(session: Session) -> actix_web::Result<String> {
    Ok(format!("visit {}\n", session.update("visits", |n: Option<u32>| n.unwrap_or(0) + 1)?))
}

#[post("/login")]
async fn log_in(session: Session) -> actix_web::Result<&'static str> {
    session.set_owner("alice")?;
    Ok("You are alice.\n")
}

#[post("/logout")]
async fn log_out(session: Session) -> actix_web::Result<&'static str> {
    session.purge()?;
    Ok("Goodbye.\n")
}

#[get("/metrics")]
async fn metrics(recorder: web::Data<PrometheusHandle>) -> String {
    recorder.run_upkeep();
    recorder.render()
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    env_logger::init_from_env(env_logger::Env::default().default_filter_or("warn"));
    let latency = Matcher::Full("sessions_store_call_seconds".to_owned());
    let recorder = PrometheusBuilder::new().set_buckets_for_metric(latency, &BUCKETS)?;
    let recorder = web::Data::new(recorder.install_recorder()?);
    describe_metrics();
    let port = env::var("PORT").unwrap_or("8080".to_owned());
    let keys = SecretKey::for_development("target/metrics_key")?;
    let sessions = AppSessions { backend: ServerSide::new(MemoryStore::new()).signed(keys) };
    sessions.check()?;
    HttpServer::new(move || {
        let app = App::new().app_data(recorder.clone()).service(metrics);
        app.service(
            web::scope("").wrap(sessions.clone()).service(index).service(log_in).service(log_out),
        )
    })
    .bind(("127.0.0.1", port.parse()?))?
    .run()
    .await?;
    Ok(())
}
