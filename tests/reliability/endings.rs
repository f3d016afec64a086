//! What was ended stays ended: one session, all of an owner.

use std::{
    collections::{BTreeMap, HashSet},
    time::Duration,
};

use futures_util::{future::join, future::join_all};
use sessions_tests::reliability::{Fixture, Kind, of_full};
use tokio::time::sleep;

use crate::{APP, arrived, finish, open, records_left, tokens_of, usable};

pub(crate) async fn a_logout_is_final(kind: Kind) {
    const WRITERS: usize = 20;
    let fixture = Fixture::start(kind, APP).await;
    let rounds = of_full(1_000);
    let (mut left, mut came_back) = (0, 0);
    let mut statuses = BTreeMap::<u16, usize>::new();
    for round in 0..rounds {
        let token = &fixture.begin(&format!("/login-{round}/insert-a")).await;
        let gate = format!("logout{round}");
        let writers = (0..WRITERS).map(|writer| {
            let doings = ["count", "insert-b", "renew", "clear/insert-c", "rotate", "read"];
            let doing = doings[writer / 2 % doings.len()];
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

pub(crate) async fn the_end_of_all_is_final(kind: Kind) {
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
