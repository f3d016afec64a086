//! The promises of server-side sessions, measured on every store: `docs/reliability.md`.

mod endings;
mod interruptions;
mod lifetimes;
mod writes;

use std::{
    collections::BTreeMap,
    future::ready,
    time::{Duration, Instant},
};

use actix_web::http::header;
use futures_util::{StreamExt, stream};
use serde_json::{Map, Value};
use sessions_tests::{
    Answer,
    reliability::{Fixture, Kind, report},
};
use tokio::time::sleep;

const APP: &str = env!("CARGO_BIN_EXE_app");

/// The figures on one store, each a test.
macro_rules! figures_on {
    ($store:ident, $kind:expr $(, #[$ignored:meta])?) => {
        mod $store {
            use super::*;

            #[actix_web::test]
            $(#[$ignored])?
            async fn increments_are_never_lost() {
                writes::increments_are_never_lost($kind).await;
            }

            #[actix_web::test]
            $(#[$ignored])?
            async fn parallel_requests_keep_each_other_s_keys() {
                writes::parallel_requests_keep_each_other_s_keys($kind).await;
            }

            #[actix_web::test]
            $(#[$ignored])?
            async fn a_logout_is_final() {
                endings::a_logout_is_final($kind).await;
            }

            #[actix_web::test]
            $(#[$ignored])?
            async fn the_end_of_all_is_final() {
                endings::the_end_of_all_is_final($kind).await;
            }

            #[actix_web::test]
            $(#[$ignored])?
            async fn of_parallel_renewals_one_wins() {
                writes::of_parallel_renewals_one_wins($kind).await;
            }

            #[actix_web::test]
            $(#[$ignored])?
            async fn rotations_refuse_no_write() {
                writes::rotations_refuse_no_write($kind).await;
            }

            #[actix_web::test]
            $(#[$ignored])?
            async fn the_end_of_all_finds_every_session() {
                lifetimes::the_end_of_all_finds_every_session($kind).await;
            }

            #[actix_web::test]
            $(#[$ignored])?
            async fn clients_that_go_away_leave_no_half_of_a_session() {
                interruptions::clients_that_go_away_leave_no_half_of_a_session($kind).await;
            }

            #[actix_web::test]
            $(#[$ignored])?
            async fn nothing_is_kept_for_strangers() {
                interruptions::nothing_is_kept_for_strangers($kind).await;
            }
        }
    };
}

figures_on!(memory, Kind::Memory);
figures_on!(redis, Kind::Redis, #[ignore = "needs redis-server: run scripts/test"]);
figures_on!(cluster, Kind::Cluster, #[ignore = "needs redis-server: run scripts/test"]);
figures_on!(mariadb, Kind::MariaDb, #[ignore = "needs mariadb-server: run scripts/test"]);
figures_on!(postgres, Kind::Postgres, #[ignore = "needs PostgreSQL: run scripts/test"]);
figures_on!(sqlite, Kind::Sqlite);

#[actix_web::test]
async fn sqlite_keeps_what_was_acknowledged_before_a_shutdown() {
    interruptions::what_was_acknowledged_before_a_shutdown_is_kept(Kind::Sqlite).await;
}

#[actix_web::test]
#[ignore = "needs redis-server: run scripts/test"]
async fn redis_keeps_what_was_acknowledged_before_a_shutdown() {
    interruptions::what_was_acknowledged_before_a_shutdown_is_kept(Kind::Redis).await;
}

#[actix_web::test]
#[ignore = "needs mariadb-server: run scripts/test"]
async fn mariadb_keeps_what_was_acknowledged_before_a_shutdown() {
    interruptions::what_was_acknowledged_before_a_shutdown_is_kept(Kind::MariaDb).await;
}

#[actix_web::test]
#[ignore = "needs PostgreSQL: run scripts/test"]
async fn postgres_keeps_what_was_acknowledged_before_a_shutdown() {
    interruptions::what_was_acknowledged_before_a_shutdown_is_kept(Kind::Postgres).await;
}

/// How often each status came; 0 is a connection that was closed instead.
#[derive(Default)]
struct Statuses {
    by_status: BTreeMap<u16, usize>,
    /// Of how many the client does not know whether they were done: no answer, or a 503 that asks for no
    /// retry.
    unknown: usize,
}

impl Statuses {
    fn ok(&self) -> usize {
        self.by_status.get(&200).copied().unwrap_or_default()
    }

    fn count(mut self, answer: Option<&Answer>) -> Self {
        let status = answer.map_or(0, |answer| answer.status.as_u16());
        *self.by_status.entry(status).or_default() += 1;
        let is_unknown = answer.is_none_or(|answer| {
            status == 503 && !answer.headers.contains_key(header::RETRY_AFTER)
        });
        self.unknown += usize::from(is_unknown);
        self
    }
}

/// Sends requests, so many at a time.
async fn load(
    fixture: &Fixture,
    at_once: usize,
    paths: impl IntoIterator<Item = String>,
    token: &str,
) -> Statuses {
    let answers = stream::iter(paths.into_iter().enumerate())
        .map(|(number, path)| async move { fixture.try_ask(number, &path, Some(token)).await })
        .buffer_unordered(at_once);
    let count = |statuses: Statuses, answer: Option<Answer>| ready(statuses.count(answer.as_ref()));
    answers.fold(Statuses::default(), count).await
}

async fn entries(fixture: &Fixture, token: &str) -> Map<String, Value> {
    let answer = fixture.ask_at_rest(0, "/read", Some(token)).await;
    assert_eq!(answer.status, 200);
    serde_json::from_str(&answer.body).expect("a JSON object")
}

/// Returns the tokens among these that open something.
async fn usable(fixture: &Fixture, tokens: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut usable = Vec::new();
    for token in tokens {
        if !entries(fixture, &token).await.is_empty() {
            usable.push(token);
        }
    }
    usable
}

/// Returns the tokens that answers set.
fn tokens_of<'a>(answers: impl IntoIterator<Item = &'a Answer>) -> Vec<String> {
    let cookies = answers.into_iter().filter_map(Answer::cookie);
    cookies.filter(|cookie| !cookie.is_removal()).map(|cookie| cookie.value).collect()
}

/// Releases the requests that wait at a gate.
async fn open(fixture: &Fixture, gate: &str) {
    fixture.of_all(&format!("/gate/{gate}/open")).await;
}

/// Waits until so many requests of each process wait at a gate.
async fn arrived(fixture: &Fixture, gate: &str, of_each: usize) {
    fixture.of_all(&format!("/gate/{gate}/arrived/{of_each}")).await;
}

/// Waits until the background has deleted what it has to, and returns how many records are left.
async fn records_left(fixture: &Fixture) -> usize {
    let start = Instant::now();
    loop {
        let records = fixture.records().await;
        if records == 0 || start.elapsed() > Duration::from_secs(5) {
            return records;
        }
        sleep(Duration::from_millis(5)).await;
    }
}

async fn finish(promise: &str, fixture: &Fixture, figure: &str) {
    let store = fixture.kind.to_string();
    report(promise, &store, figure);
    report("secrets", &store, fixture.search_for_secrets().await);
}
