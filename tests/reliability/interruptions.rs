//! Clients that go away, processes that shut down, tokens that were never given.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use futures_util::{StreamExt, stream};
use sessions_tests::reliability::{Fixture, Kind, of_full, report};
use tokio::time::sleep;

use crate::{APP, entries, finish, tokens_of};

pub(crate) async fn clients_that_go_away_leave_no_half_of_a_session(kind: Kind) {
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
    // Requests that were begun are finished.
    sleep(Duration::from_secs(2)).await;
    let (mut old, mut new, mut purged) = (0, 0, 0);
    for (round, token) in tokens.iter().enumerate() {
        let entries = entries(&fixture, token).await;
        match (doings[round % 3], entries.len()) {
            (_, 1) => old += 1,
            // The client never got the new token. The old one opens nothing.
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

pub(crate) async fn what_was_acknowledged_before_a_shutdown_is_kept(kind: Kind) {
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

pub(crate) async fn nothing_is_kept_for_strangers(kind: Kind) {
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
