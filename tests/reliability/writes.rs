//! No write is lost: increments, keys of parallel requests, parallel renewals.

use std::{
    collections::{BTreeMap, HashSet},
    time::Instant,
};

use futures_util::{future::join, future::join_all};
use sessions_tests::is_full;
use sessions_tests::reliability::{Fixture, Kind, of_full, report};

use crate::{APP, arrived, entries, finish, load, open, tokens_of, usable};

pub(crate) async fn increments_are_never_lost(kind: Kind) {
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
        // On a busy machine a write can take longer than its caller waits, and still be done.
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

pub(crate) async fn parallel_requests_keep_each_other_s_keys(kind: Kind) {
    const KEYS: usize = 500;
    let fixture = Fixture::start(kind, APP).await;
    let token = fixture.begin("/insert-user").await;
    let paths = (0..KEYS).map(|number| format!("/insert-key{number}"));
    let statuses = load(&fixture, KEYS, paths, &token).await;
    let answered = statuses.get(&200).copied().unwrap_or_default();
    let present = entries(&fixture, &token).await.len() - 1;
    // On a busy machine some run out of time, and say so; a client that asks again is served.
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

pub(crate) async fn of_parallel_renewals_one_wins(kind: Kind) {
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
