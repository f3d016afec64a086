//! The promises of server-side sessions, measured on every store: `docs/reliability.md`.

use std::{
    collections::{BTreeMap, HashSet},
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use futures_util::{StreamExt, future::join, future::join_all, stream};
use serde_json::{Map, Value};
use sessions_tests::{
    Answer,
    reliability::{Fixture, Kind, is_full, of_full, report},
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
                super::increments_are_never_lost($kind).await;
            }

            #[actix_web::test]
            $(#[$ignored])?
            async fn parallel_requests_keep_each_other_s_keys() {
                super::parallel_requests_keep_each_other_s_keys($kind).await;
            }

            #[actix_web::test]
            $(#[$ignored])?
            async fn a_logout_is_final() {
                super::a_logout_is_final($kind).await;
            }

            #[actix_web::test]
            $(#[$ignored])?
            async fn the_end_of_all_is_final() {
                super::the_end_of_all_is_final($kind).await;
            }

            #[actix_web::test]
            $(#[$ignored])?
            async fn of_parallel_renewals_one_wins() {
                super::of_parallel_renewals_one_wins($kind).await;
            }

            #[actix_web::test]
            $(#[$ignored])?
            async fn clients_that_go_away_leave_no_half_of_a_session() {
                super::clients_that_go_away_leave_no_half_of_a_session($kind).await;
            }

            #[actix_web::test]
            $(#[$ignored])?
            async fn nothing_is_kept_for_strangers() {
                super::nothing_is_kept_for_strangers($kind).await;
            }
        }
    };
}

figures_on!(memory, Kind::Memory);
figures_on!(redis, Kind::Redis, #[ignore = "needs redis-server: run scripts/test"]);
figures_on!(cluster, Kind::Cluster, #[ignore = "needs redis-server: run scripts/test"]);
figures_on!(postgres, Kind::Postgres, #[ignore = "needs PostgreSQL: run scripts/test"]);
figures_on!(sqlite, Kind::Sqlite);

#[actix_web::test]
async fn sqlite_keeps_what_was_acknowledged_before_a_shutdown() {
    what_was_acknowledged_before_a_shutdown_is_kept(Kind::Sqlite).await;
}

#[actix_web::test]
#[ignore = "needs redis-server: run scripts/test"]
async fn redis_keeps_what_was_acknowledged_before_a_shutdown() {
    what_was_acknowledged_before_a_shutdown_is_kept(Kind::Redis).await;
}

#[actix_web::test]
#[ignore = "needs PostgreSQL: run scripts/test"]
async fn postgres_keeps_what_was_acknowledged_before_a_shutdown() {
    what_was_acknowledged_before_a_shutdown_is_kept(Kind::Postgres).await;
}

/// Sends requests, so many at a time, and returns how often each status came.
async fn load(
    fixture: &Fixture,
    at_once: usize,
    paths: impl IntoIterator<Item = String>,
    token: &str,
) -> BTreeMap<u16, usize> {
    let answers = stream::iter(paths.into_iter().enumerate())
        .map(|(number, path)| async move { fixture.ask(number, &path, Some(token)).await })
        .buffer_unordered(at_once);
    let count = |mut statuses: BTreeMap<u16, usize>, answer: Answer| async move {
        *statuses.entry(answer.status.as_u16()).or_default() += 1;
        statuses
    };
    answers.fold(BTreeMap::new(), count).await
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

/// Lets go the requests that wait at a gate.
async fn open(fixture: &Fixture, gate: &str) {
    fixture.of_all(&format!("/gate/{gate}/open")).await;
}

/// Waits until so many requests of each process wait at a gate.
async fn arrived(fixture: &Fixture, gate: &str, of_each: usize) {
    fixture.of_all(&format!("/gate/{gate}/arrived/{of_each}")).await;
}

/// Waits until what is deleted in the background is gone, and returns how many records are left.
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

async fn increments_are_never_lost(kind: Kind) {
    let fixture = Fixture::start(kind, APP).await;
    let token = fixture.begin("/insert-user").await;
    let mut expected = 0;
    for (at_once, full) in [(1, 1_000), (32, 20_000), (1_000, 20_000)] {
        let requests = of_full(full);
        let start = Instant::now();
        let paths = (0..requests).map(|_| "/count".to_owned());
        let statuses = load(&fixture, at_once, paths, &token).await;
        let seconds = start.elapsed().as_secs_f64();
        let answered = statuses.get(&200).copied().unwrap_or_default();
        expected += answered;
        let stored = entries(&fixture, &token).await["n"].as_u64().expect("a number");
        #[expect(clippy::cast_precision_loss, reason = "requests are few")]
        let rate = answered as f64 / seconds;
        report(
            "increments",
            &kind.to_string(),
            format!(
                "{at_once} at a time: {answered} of {requests} answered 200, {rate:.0} in a second; \
                 {expected} in all, stored {stored}; by status {statuses:?}"
            ),
        );
        // On a busy machine a write can be waited for longer than for a call, and be done all the
        // same.
        let unknown = match (kind, statuses.get(&500)) {
            (Kind::Postgres, Some(failed)) if at_once > 32 && !is_full() => *failed,
            _ => 0,
        };
        let stands = (expected as u64)..=(expected + unknown) as u64;
        assert!(stands.contains(&stored), "{at_once} at a time: {stored} stored");
        // A deadline is a matter of the machine as well: of one that does nothing else.
        if at_once <= 32 && is_full() {
            assert_eq!(answered, requests, "{at_once} at a time");
        }
    }
    report("secrets", &kind.to_string(), fixture.search_for_secrets().await);
}

async fn parallel_requests_keep_each_other_s_keys(kind: Kind) {
    const KEYS: usize = 500;
    let fixture = Fixture::start(kind, APP).await;
    let token = fixture.begin("/insert-user").await;
    let paths = (0..KEYS).map(|number| format!("/insert-key{number}"));
    let statuses = load(&fixture, KEYS, paths, &token).await;
    let answered = statuses.get(&200).copied().unwrap_or_default();
    let present = entries(&fixture, &token).await.len() - 1;
    // On a busy machine some run out of time, and say so; who asks again is heard.
    let there = entries(&fixture, &token).await;
    let mut again = 0;
    for number in (0..KEYS).filter(|number| !there.contains_key(&format!("key{number}"))) {
        again += 1;
        let path = format!("/insert-key{number}");
        assert_eq!(fixture.ask_at_rest(number, &path, Some(&token)).await.status, 200);
    }
    let in_the_end = entries(&fixture, &token).await.len() - 1;
    finish(
        "keys",
        &fixture,
        &format!(
            "{KEYS} at a time: {answered} answered 200, {present} present; {again} sent again, \
             {in_the_end} present; by status {statuses:?}"
        ),
    )
    .await;
    assert_eq!((present, in_the_end), (answered, KEYS));
}

async fn a_logout_is_final(kind: Kind) {
    const WRITERS: usize = 20;
    let fixture = Fixture::start(kind, APP).await;
    let rounds = of_full(1_000);
    let (mut left, mut came_back) = (0, 0);
    let mut statuses = BTreeMap::<u16, usize>::new();
    for round in 0..rounds {
        let token = &fixture.begin(&format!("/login-{round}/insert-a")).await;
        let gate = format!("logout{round}");
        let writers = (0..WRITERS).map(|writer| {
            // Who logs out with the token from before a renewal is told that it is one.
            let renew = if round % 2 == 0 { "renew" } else { "count" };
            let doing = ["count", "insert-b", renew, "clear/insert-c", "read"][writer / 2 % 5];
            let path = format!("/read/wait-{gate}/{doing}");
            let fixture = &fixture;
            async move { fixture.ask(writer, &path, Some(token)).await }
        });
        let logout = async {
            arrived(&fixture, &gate, WRITERS / fixture.apps.len()).await;
            let logout = fixture.ask_at_rest(round, "/purge", Some(token));
            let answer = if round % 2 == 0 {
                let answer = logout.await;
                open(&fixture, &gate).await;
                answer
            } else {
                join(logout, open(&fixture, &gate)).await.0
            };
            assert_eq!(answer.status, 200);
        };
        let (answers, ()) = join(join_all(writers), logout).await;
        for answer in &answers {
            *statuses.entry(answer.status.as_u16()).or_default() += 1;
        }
        let tokens: HashSet<_> = tokens_of(&answers).into_iter().chain([token.clone()]).collect();
        came_back += usable(&fixture, tokens).await.len();
        left += records_left(&fixture).await;
    }
    finish(
        "logout",
        &fixture,
        &format!(
            "{rounds} rounds against {WRITERS} slow requests: {left} sessions left, {came_back} \
             usable cookies; by status {statuses:?}"
        ),
    )
    .await;
    assert_eq!((left, came_back), (0, 0));
}

async fn the_end_of_all_is_final(kind: Kind) {
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    let mut fixture = Fixture::start(kind, APP).await;
    let rounds = of_full(1_000);
    let (mut left, mut came_back, mut listed) = (0, 0, 0);
    let (mut crashes, mut killed) = (0, 0);
    for round in 0..rounds {
        let owner = format!("owner{round}");
        let gate = format!("all{round}");
        let mut tokens = Vec::new();
        for n in 0..4 {
            let path = if n < 2 { format!("/login-{owner}") } else { "/insert-a".to_owned() };
            tokens.push(fixture.begin(&path).await);
        }
        let [renewed, counted, guest, other] = &tokens[..] else { unreachable!("there are four") };
        // 10 logins of new sessions, 4 of ones that are there, 4 renewals, 2 writers.
        let doing = |number: usize| match number / 2 {
            0..=4 => (format!("login-{owner}/insert-b"), None),
            5 => (format!("login-{owner}"), Some(guest)),
            6 => (format!("login-{owner}/insert-c"), Some(other)),
            7 | 8 => ("renew/insert-d".to_owned(), Some(renewed)),
            _ => ("count".to_owned(), Some(counted)),
        };
        let requests = (0..20).map(|number| {
            let (doing, token) = doing(number);
            let path = format!("/read/wait-{gate}/{doing}");
            let fixture = &fixture;
            async move { fixture.try_ask(number, &path, token.map(String::as_str)).await }
        });
        let requests = join_all(requests);
        let kills = (fixture.apps.len() > 1 && random.u8(..10) == 0)
            .then(|| Duration::from_micros(random.u64(..3_000)));
        let (at_once, before, after) = (random.bool(), random.u8(..3), random.u8(..3));
        let end = async {
            arrived(&fixture, &gate, 20 / fixture.apps.len()).await;
            fixture.of_all(&format!("/crash/{before}/{after}")).await;
            let path = format!("/all-{owner}");
            let end = fixture.ask_at_rest(0, &path, None);
            let open = async {
                open(&fixture, &gate).await;
                if let Some(pause) = kills {
                    sleep(pause).await;
                    fixture.apps[1].kill();
                }
            };
            let answer = if at_once {
                join(end, open).await.0
            } else {
                let answer = end.await;
                open.await;
                answer
            };
            assert_eq!(answer.status, 200);
        };
        let (answers, ()) = join(requests, end).await;
        if kills.is_some() {
            killed += 1;
            fixture.start_again(1);
        }
        fixture.of_all("/crash/0/0").await;
        crashes += answers.iter().filter(|answer| answer.is_none()).count();
        let given = tokens_of(answers.iter().flatten());
        let owned = given.into_iter().chain([renewed.clone(), counted.clone()]);
        came_back += usable(&fixture, owned.collect::<HashSet<_>>()).await.len();
        listed += fixture
            .ask(round, &format!("/devices-{owner}"), None)
            .await
            .body
            .parse::<usize>()
            .expect("a number");
        for guest in [guest, other] {
            fixture.ask(round, "/purge", Some(guest)).await;
        }
        left += records_left(&fixture).await;
    }
    finish(
        "end of all",
        &fixture,
        &format!(
            "seed {seed}: {rounds} rounds against 20 logins, renewals and writers, {crashes} cut \
             off by a crash, {killed} processes killed: {left} sessions left, {listed} listed, \
             {came_back} usable cookies"
        ),
    )
    .await;
    assert_eq!((left, listed, came_back), (0, 0, 0));
}

async fn of_parallel_renewals_one_wins(kind: Kind) {
    const RENEWALS: usize = 50;
    let fixture = Fixture::start(kind, APP).await;
    let rounds = of_full(200);
    let (mut winners, mut alive, mut keys) = (0, 0, 0);
    let mut statuses = BTreeMap::<u16, usize>::new();
    for round in 0..rounds {
        let token = &fixture.begin("/count/insert-user").await;
        let gate = format!("renewal{round}");
        let renewals = (0..RENEWALS).map(|number| {
            let path = format!("/read/wait-{gate}/renew/insert-key{number}");
            let fixture = &fixture;
            async move { fixture.ask(number, &path, Some(token)).await }
        });
        let start = async {
            arrived(&fixture, &gate, RENEWALS / fixture.apps.len()).await;
            open(&fixture, &gate).await;
        };
        let (answers, ()) = join(join_all(renewals), start).await;
        for answer in &answers {
            *statuses.entry(answer.status.as_u16()).or_default() += 1;
        }
        let given = tokens_of(&answers);
        assert!(given.len() <= 1, "round {round}");
        winners += given.len();
        let tokens: HashSet<_> = given.into_iter().chain([token.clone()]).collect();
        for live in usable(&fixture, tokens).await {
            alive += 1;
            let entries = entries(&fixture, &live).await;
            assert_eq!((&entries["n"], &entries["user"]), (&1.into(), &true.into()));
            keys += entries.len() - 2;
            fixture.ask(0, "/purge", Some(&live)).await;
        }
        assert_eq!(fixture.records().await, 0, "round {round}");
    }
    finish(
        "renewals",
        &fixture,
        &format!(
            "{rounds} rounds of {RENEWALS} in parallel: {winners} cookies set, {alive} live tokens, \
             {keys} keys written beside them kept; by status {statuses:?}"
        ),
    )
    .await;
    assert_eq!((alive, keys), (rounds, statuses[&200]));
    assert_eq!(winners, rounds);
}

async fn clients_that_go_away_leave_no_half_of_a_session(kind: Kind) {
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    let fixture = Fixture::start(kind, APP).await;
    let rounds = of_full(1_000);
    let doings = ["insert-a", "renew", "purge"];
    let mut tokens = Vec::new();
    for round in 0..rounds {
        let start = Instant::now();
        let token = fixture.begin("/insert-user").await;
        // At any moment of the request, however fast the store and the machine are.
        let patience = start.elapsed().mul_f64(random.f64() * 1.5);
        let path = format!("/{}", doings[round % 3]);
        fixture.ask_and_go(round, &path, &token, patience).await;
        tokens.push(token);
    }
    // What was begun comes to its end.
    sleep(Duration::from_secs(2)).await;
    let (mut old, mut new, mut purged) = (0, 0, 0);
    for (round, token) in tokens.iter().enumerate() {
        let entries = entries(&fixture, token).await;
        match (doings[round % 3], entries.len()) {
            (_, 1) => old += 1,
            // Nobody heard of a new token. The old one opens nothing.
            ("insert-a", 2) | ("renew", 0) => new += 1,
            ("purge", 0) => {
                new += 1;
                purged += 1;
            }
            other => panic!("round {round}, seed {seed}: {other:?}"),
        }
    }
    let records = fixture.records().await;
    finish(
        "disconnects",
        &fixture,
        &format!(
            "seed {seed}: {rounds} rounds: {old} sessions entirely old, {new} entirely new, \
             {records} records after {purged} logouts"
        ),
    )
    .await;
    assert_eq!((old + new, records), (rounds, rounds - purged));
}

async fn what_was_acknowledged_before_a_shutdown_is_kept(kind: Kind) {
    let mut fixture = Fixture::start(kind, APP).await;
    let token = fixture.begin("/insert-user").await;
    let requests = of_full(10_000);
    let answers = stream::iter(0..requests)
        .map(|number| {
            if number == requests / 2 {
                fixture.apps[0].ask_to_end();
            }
            fixture.try_ask(0, "/count", Some(&token))
        })
        .buffer_unordered(32);
    let acknowledged = answers
        .filter(|answer| std::future::ready(answer.as_ref().is_some_and(|it| it.status == 200)))
        .count()
        .await;
    fixture.apps[0].wait();
    fixture.start_again(0);
    let stored = entries(&fixture, &token).await["n"].as_u64().expect("a number");
    report(
        "shutdown",
        &kind.to_string(),
        format!(
            "in the midst of {requests} increments: {acknowledged} acknowledged, {stored} stored"
        ),
    );
    assert!(acknowledged > 0 && acknowledged < requests, "it was in the midst of them");
    assert!(stored >= acknowledged as u64);
}

async fn nothing_is_kept_for_strangers(kind: Kind) {
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    let fixture = Fixture::unsigned(kind, APP).await;
    let requests = of_full(100_000);
    let sent: Vec<_> = (0..requests)
        .map(|number| {
            let paths = ["/read", "/purge", "/clear", "/renew", "/nowhere", "/read/renew/clear"];
            let path = paths[number % paths.len()];
            let mut half = || {
                let mut bytes = [0; 16];
                random.fill(&mut bytes);
                URL_SAFE_NO_PAD.encode(bytes)
            };
            (path, (number % 5 > 0).then(|| format!("{}.{}", half(), half())))
        })
        .collect();
    let answers = stream::iter(sent.iter().enumerate())
        .map(|(number, (path, token))| fixture.ask(number, path, token.as_deref()))
        .buffer_unordered(64);
    let (given, statuses) = answers
        .fold((0, BTreeMap::<u16, usize>::new()), |(given, mut statuses), answer| async move {
            *statuses.entry(answer.status.as_u16()).or_default() += 1;
            (given + tokens_of([&answer]).len(), statuses)
        })
        .await;
    let records = fixture.records().await;
    report(
        "strangers",
        &kind.to_string(),
        format!(
            "seed {seed}: {requests} requests with random ids or without a cookie: {records} records, \
             {given} cookies set; by status {statuses:?}"
        ),
    );
    assert_eq!((records, given), (0, 0));
}
