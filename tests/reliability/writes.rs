//! No write is lost: increments, keys of parallel requests, parallel renewals.

use std::{collections::BTreeMap, time::Instant};

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
        let answered = statuses.ok();
        expected += answered;
        let stored = entries(&fixture, &token).await["n"].as_u64().expect("a number");
        let stored = usize::try_from(stored).expect("a few");
        #[expect(clippy::cast_precision_loss, reason = "requests are few")]
        let rate = answered as f64 / seconds;
        report(
            "increments",
            &kind.to_string(),
            format!(
                "{at_once} at a time: {answered} of {requests} answered 200, {rate:.0} in a second; \
                 {expected} in all, stored {stored}; by status {:?}",
                statuses.by_status
            ),
        );
        // On a busy machine a write can take longer than its caller waits, and still be done.
        let stands = expected..=expected + statuses.unknown;
        assert!(stands.contains(&stored), "{at_once} at a time: {stored} stored, not {stands:?}");
        expected = stored;
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
    let answered = statuses.ok();
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
             {in_the_end} present; by status {:?}",
            statuses.by_status
        ),
    )
    .await;
    assert!((answered..=answered + statuses.unknown).contains(&present), "{present} present");
    assert_eq!(in_the_end, KEYS);
}

/// What writes at the same time as a session gets another token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Writer {
    /// The requests that ask for the token write as well.
    Replaces,
    /// A request that opened the session before.
    Opened,
    /// A request that comes meanwhile, with the token from before.
    Comes,
}

/// How often each happened: for each kind of writer, by the status of its answer, the writes that were
/// answered and those that are in the session.
type Written = BTreeMap<Writer, BTreeMap<u16, (usize, usize)>>;

/// How many requests at once ask for another token, and the writes beside them: for two processes.
const REPLACING: usize = 50;
const OPENED: usize = 26;
const COMING: usize = 24;

pub(crate) async fn of_parallel_renewals_one_wins(kind: Kind) {
    let written = replace_tokens("renew", "renewals", kind).await;
    let rounds = of_full(200);
    assert_eq!(answered(&written, |writer| writer == Writer::Replaces, 200), (rounds, rounds));
    // A write that came too late is refused, and one that is refused leaves nothing.
    let (refused, kept) = answered(&written, |writer| writer != Writer::Replaces, 409);
    assert!(refused > 0, "some come too late");
    assert_eq!(kept, 0);
}

pub(crate) async fn rotations_refuse_no_write(kind: Kind) {
    let written = replace_tokens("rotate", "rotations", kind).await;
    assert_eq!(answered(&written, |_| true, 409), (0, 0));
}

/// Has many requests ask for another token at once, beside others that write, and expects one new token
/// each time, and every write to be in the session that was answered 200.
async fn replace_tokens(verb: &str, promise: &str, kind: Kind) -> Written {
    let fixture = Fixture::start(kind, APP).await;
    let rounds = of_full(200);
    let (mut set, mut live) = (0, 0);
    let mut written = Written::new();
    for round in 0..rounds {
        let token = &fixture.begin("/count/insert-user").await;
        let gate = &format!("{verb}{round}");
        let ask = |writer: Writer, number: usize| {
            let path = match writer {
                Writer::Replaces => format!("/read/wait-{gate}/{verb}/insert-key{number}"),
                Writer::Opened => format!("/read/wait-{gate}/insert-key{number}"),
                Writer::Comes => format!("/insert-key{number}"),
            };
            let fixture = &fixture;
            async move { (writer, number, fixture.ask(number, &path, Some(token)).await) }
        };
        let waiting = REPLACING + OPENED;
        let mut writers =
            [[Writer::Replaces; REPLACING].as_slice(), &[Writer::Opened; OPENED]].concat();
        fastrand::shuffle(&mut writers);
        let wait = writers.into_iter().enumerate().map(|(number, writer)| ask(writer, number));
        let come = async {
            arrived(&fixture, gate, waiting / fixture.apps.len()).await;
            let come = (waiting..waiting + COMING).map(|number| ask(Writer::Comes, number));
            join(join_all(come), open(&fixture, gate)).await.0
        };
        let (mut answers, came) = join(join_all(wait), come).await;
        answers.extend(came);
        let given = tokens_of(answers.iter().map(|(_, _, answer)| answer));
        assert_eq!(given.len(), 1, "round {round}");
        set += given.len();
        // After a rotation the former token has its time of grace.
        let former = (verb == "renew").then(|| token.clone());
        for token in usable(&fixture, given.into_iter().chain(former)).await {
            live += 1;
            let entries = entries(&fixture, &token).await;
            assert_eq!((&entries["n"], &entries["user"]), (&1.into(), &true.into()));
            for (writer, number, answer) in &answers {
                let statuses = written.entry(*writer).or_default();
                let (answered, kept) = statuses.entry(answer.status.as_u16()).or_default();
                *answered += 1;
                *kept += usize::from(entries.contains_key(&format!("key{number}")));
            }
            fixture.ask_at_rest(0, "/purge", Some(&token)).await;
        }
        assert_eq!(fixture.records().await, 0, "round {round}");
    }
    finish(
        promise,
        &fixture,
        &format!(
            "{rounds} rounds of {REPLACING} at once beside {} writes: {set} cookies set, {live} live \
             tokens; writes by status (answered, kept) {written:?}",
            OPENED + COMING
        ),
    )
    .await;
    assert_eq!((set, live), (rounds, rounds));
    let (answered_200, kept) = answered(&written, |_| true, 200);
    assert_eq!(kept, answered_200);
    for (status, (_, kept)) in written.values().flatten() {
        match status {
            200 | 409 => {}
            // On a busy machine a write can take longer than its caller waits, and still be done.
            500 if matches!(kind, Kind::MariaDb | Kind::Postgres) && !is_full() => {}
            500 | 503 => assert_eq!(*kept, 0, "{status}"),
            other => panic!("an answer with {other}"),
        }
    }
    written
}

/// Returns how many writes of these were answered so, and how many of those are in the session.
fn answered(written: &Written, of: impl Fn(Writer) -> bool, status: u16) -> (usize, usize) {
    let of = written.iter().filter(|(writer, _)| of(**writer));
    let counts = of.filter_map(|(_, statuses)| statuses.get(&status));
    counts.fold((0, 0), |(all, kept), (more, of_them)| (all + more, kept + of_them))
}
