//! A session is taken over once, and its old cookie is worth nothing after it has ended.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use futures_util::future::{join, join_all, join3};
use serde_json::json;
use sessions::{
    AnyBackend, MemoryStore, ServerSide, SessionConfig, SignedCookie,
    import::{ActixIdentity, ActixSession, ImportActixSession},
    policy::ImportMode,
    test::{FaultStore, Moment, Operation, TestClock},
};
use sessions_tests::{Browser, HookedStore};
use tokio::task::yield_now;

use super::{
    GATE, OLD, OWN, Shelf, alice, app, config, importing, in_cookies, old_key, private,
    server_side, signed, state, unix, with_old,
};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

fn with_owner(old: ActixSession) -> ActixSession {
    old.identity(ActixIdentity::new().owner())
}

/// The old cookies that hold a session, and those that name a record.
fn olds() -> [(ActixSession, String); 3] {
    let kept = ActixSession::private(old_key()).records(Shelf::with("k", alice()));
    [
        (with_owner(ActixSession::signed(old_key())), signed(&alice())),
        (with_owner(ActixSession::private(old_key())), private(&alice(), OLD)),
        (with_owner(kept), private("k", OLD)),
    ]
}

fn revocable(time: &TestClock) -> SignedCookie {
    in_cookies().revocable(MemoryStore::with_clock(time.clock()))
}

/// A store whose calls take turns that depend on the seed.
fn shuffled(seed: u64, time: &TestClock) -> HookedStore<MemoryStore> {
    let state = std::sync::Arc::new(AtomicU64::new(seed));
    HookedStore::new(MemoryStore::with_clock(time.clock()), move |_, _| {
        let state = std::sync::Arc::clone(&state);
        Box::pin(async move {
            let step = |last: u64| last.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let last = state.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |it| Some(step(it)));
            for _ in 0..(last.unwrap_or_default() >> 33) % 6 {
                yield_now().await;
            }
            Ok(())
        })
    })
}

#[actix_web::test]
async fn the_first_page_load_takes_an_old_session_over_once_for_all_its_requests() {
    for (old, value) in olds() {
        for seed in 0..100 {
            let time = TestClock::new();
            let store = shuffled(seed, &time);
            let backend = ServerSide::new(store.clone());
            let import = importing(AnyBackend::new(backend.clone()), old.clone(), &time);
            let app = app(import.clone(), config(), &time).await;
            let [mut one, mut two, mut three] = std::array::from_fn(|_| with_old(&value));
            let answers = join3(
                one.get(&app, "/insert-a/user"),
                two.get(&app, "/insert-b/user"),
                three.get(&app, "/user"),
            );
            let (one, two, three) = answers.await;
            let mut token = Vec::new();
            for answer in [one, two, three] {
                assert_eq!(
                    (answer.status.as_u16(), answer.body.as_str()),
                    (200, "alice"),
                    "{seed}"
                );
                token.extend(answer.cookie());
            }
            let [token] = token.as_slice() else { panic!("{seed}: {token:?}") };
            assert_eq!(import.taken_over(), 1);
            assert_eq!(backend.sessions_of("alice").await.unwrap().len(), 1, "{seed}");
            assert_eq!(store.inner().len(), 2, "the record and the mark");
            let mut browser = Browser::new();
            browser.set_cookie(OWN, &token.value);
            let read = browser.get(&app, "/read").await.body;
            assert!(read.contains("\"a\":true") && read.contains("\"b\":true"), "{seed}: {read}");
        }
    }
}

#[actix_web::test]
async fn a_request_that_is_overtaken_at_any_call_opens_the_session_of_the_faster_one() {
    let moments = [Operation::Load, Operation::IndexAdd, Operation::Create, Operation::OwnerState];
    let moments = moments.into_iter().flat_map(|call| [Moment::Before(call), Moment::After(call)]);
    for moment in moments {
        let (old, value) = olds()[0].clone();
        let time = TestClock::new();
        let store = FaultStore::new(MemoryStore::with_clock(time.clock()));
        // Two hosts, which share no queue.
        let backends = [(); 2].map(|()| ServerSide::new(store.clone()));
        let slow = app(importing(backends[0].clone(), old.clone(), &time), config(), &time).await;
        let fast = app(importing(backends[1].clone(), old, &time), config(), &time).await;
        let (mut one, mut two) = (with_old(&value), with_old(&value));
        let overtaken = store.overtake(
            moment,
            one.get(&slow, "/insert-a/user"),
            two.get(&fast, "/insert-b/user"),
        );
        let (slow_answer, fast_answer) = overtaken.await;
        assert_eq!((slow_answer.body.as_str(), fast_answer.body.as_str()), ("alice", "alice"));
        assert_eq!((one.cookie(OWN), two.cookie(OWN).is_some()), (None, true), "{moment:?}");
        let read = two.get(&slow, "/read").await.body;
        assert!(read.contains("\"a\":true") && read.contains("\"b\":true"), "{moment:?}: {read}");
        assert_eq!(backends[0].sessions_of("alice").await.unwrap().len(), 1);
    }
}

#[actix_web::test]
async fn a_takeover_costs_two_calls_besides_those_of_its_record_and_index() {
    let time = TestClock::new();
    for (with_owner, calls) in [(false, 3), (true, 5)] {
        let store = FaultStore::new(MemoryStore::with_clock(time.clock()));
        let identity = if with_owner { ActixIdentity::new().owner() } else { ActixIdentity::new() };
        let old = ActixSession::signed(old_key()).identity(identity);
        let app = app(importing(ServerSide::new(store.clone()), old, &time), config(), &time).await;
        assert_eq!(with_old(&signed(&alice())).get(&app, "/user").await.body, "alice");
        assert_eq!(store.calls(), calls);
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Ending {
    PurgeWithOld,
    PurgeWithoutOld,
    FromTheList,
    EndAll,
    IdleTimeout,
    AbsoluteTimeout,
}

const ENDINGS: [Ending; 6] = [
    Ending::PurgeWithOld,
    Ending::PurgeWithoutOld,
    Ending::FromTheList,
    Ending::EndAll,
    Ending::IdleTimeout,
    Ending::AbsoluteTimeout,
];

fn with_timeouts(mode: ImportMode) -> SessionConfig {
    config().import(mode).idle_timeout(HOUR).absolute_timeout(24 * HOUR)
}

#[actix_web::test]
async fn an_old_cookie_is_worth_nothing_after_its_session_ended() {
    for mode in [ImportMode::Copy, ImportMode::Move] {
        for ending in ENDINGS {
            for (old, value) in olds() {
                let time = TestClock::new();
                let backend = server_side(&time);
                let import = importing(backend.clone(), old, &time);
                let app = app(import, with_timeouts(mode), &time).await;
                let mut browser = with_old(&value);
                assert_eq!(browser.get(&app, "/user").await.body, "alice");
                let token = browser.cookie(OWN).expect("it was taken over").to_owned();
                let mut own = Browser::new();
                own.set_cookie(OWN, &token);
                match ending {
                    Ending::PurgeWithOld => {
                        own.set_cookie(OLD, &value);
                        own.get(&app, "/purge").await;
                    }
                    Ending::PurgeWithoutOld => drop(own.get(&app, "/purge").await),
                    Ending::FromTheList => {
                        let listed = backend.sessions_of("alice").await.unwrap();
                        assert!(backend.end(&listed[0]).await.unwrap());
                    }
                    Ending::EndAll => assert_eq!(backend.end_all("alice").await.unwrap(), 1),
                    Ending::IdleTimeout => time.advance(HOUR),
                    Ending::AbsoluteTimeout => {
                        for _ in 0..48 {
                            time.advance(HOUR / 2);
                            own.get(&app, "/user").await;
                        }
                    }
                }
                for wait in [Duration::ZERO, Duration::from_secs(61), 48 * HOUR] {
                    time.advance(wait);
                    let answer = with_old(&value).get(&app, "/user/owner").await;
                    let seen = (answer.status.as_u16(), answer.body.as_str());
                    assert_eq!(seen, (200, "nobody"), "{mode:?} {ending:?} after {wait:?}");
                    assert!(answer.cookies().is_empty());
                    assert!(backend.sessions_of("alice").await.unwrap().is_empty());
                }
            }
        }
    }
}

#[actix_web::test]
async fn an_old_cookie_is_worth_nothing_after_its_session_in_a_cookie_ended() {
    for mode in [ImportMode::Copy, ImportMode::Move] {
        for ending in ENDINGS {
            if ending == Ending::FromTheList {
                continue;
            }
            for (old, value) in olds() {
                let time = TestClock::new();
                let backend = revocable(&time);
                let import = importing(AnyBackend::new(backend.clone()), old, &time);
                let app = app(import, with_timeouts(mode), &time).await;
                let mut browser = with_old(&value);
                assert_eq!(browser.get(&app, "/user").await.body, "alice");
                browser.set_cookie(OLD, &value);
                match ending {
                    Ending::PurgeWithOld => drop(browser.get(&app, "/purge").await),
                    // The requests of a page load may still take over a copy each.
                    Ending::PurgeWithoutOld => time.advance(MINUTE),
                    Ending::EndAll => backend.end_all("alice").await.unwrap(),
                    _ => time.advance(25 * HOUR),
                }
                for wait in [Duration::ZERO, Duration::from_secs(61), 48 * HOUR] {
                    time.advance(wait);
                    let answer = with_old(&value).get(&app, "/user").await;
                    let seen = (answer.status.as_u16(), answer.body.as_str());
                    assert_eq!(seen, (200, "nobody"), "{mode:?} {ending:?} after {wait:?}");
                    assert!(answer.cookies().is_empty());
                }
            }
        }
    }
}

#[actix_web::test]
async fn the_handler_never_runs_as_the_victim_after_end_all() {
    let time = TestClock::new();
    let dated = state(&json!({
        "actix_identity.user_id": "alice", "actix_identity.logged_in_at": unix(&time) - 60
    }));
    for content in [alice(), dated] {
        let value = signed(&content);
        let old = with_owner(ActixSession::signed(old_key()));
        let (kept, sealed) = (server_side(&time), revocable(&time));
        let in_store = importing(AnyBackend::new(kept.clone()), old.clone(), &time);
        let in_cookies = importing(AnyBackend::new(sealed.clone()), old, &time);
        kept.end_all("alice").await.unwrap();
        sealed.end_all("alice").await.unwrap();
        time.advance(Duration::from_secs(1));
        for import in [in_store, in_cookies] {
            let app = app(import.clone(), config(), &time).await;
            for path in ["/user", "/owner", "/insert-a/user"] {
                let answer = with_old(&value).get(&app, path).await;
                let seen = (answer.status.as_u16(), answer.body.as_str());
                assert_eq!(seen, (200, "nobody"), "{path}");
            }
            assert_eq!(import.taken_over(), 0);
        }
        assert!(kept.sessions_of("alice").await.unwrap().is_empty());
    }
}

#[actix_web::test]
async fn the_end_of_all_reaches_a_session_that_was_taken_over_into_a_cookie() {
    let time = TestClock::new();
    let dated = state(&json!({
        "actix_identity.user_id": "alice", "actix_identity.logged_in_at": unix(&time) - 60
    }));
    for content in [alice(), dated] {
        let backend = revocable(&time);
        let old = with_owner(ActixSession::signed(old_key()));
        let app = app(importing(backend.clone(), old, &time), config(), &time).await;
        let mut browser = with_old(&signed(&content));
        assert_eq!(browser.get(&app, "/owner").await.body, "alice");
        assert_eq!(browser.get(&app, "/owner").await.body, "alice");
        backend.end_all("alice").await.unwrap();
        assert_eq!(browser.get(&app, "/owner").await.body, "nobody");
    }
}

#[actix_web::test]
async fn a_login_after_the_end_of_all_is_taken_over() {
    let time = TestClock::new();
    let (kept, sealed) = (server_side(&time), revocable(&time));
    kept.end_all("alice").await.unwrap();
    sealed.end_all("alice").await.unwrap();
    time.advance(2 * MINUTE);
    let dated = state(&json!({
        "actix_identity.user_id": "alice", "actix_identity.logged_in_at": unix(&time) - 60
    }));
    for backend in [AnyBackend::new(kept), AnyBackend::new(sealed)] {
        let old = with_owner(ActixSession::signed(old_key()));
        let app = app(importing(backend, old, &time), config(), &time).await;
        let mut browser = with_old(&signed(&dated));
        for _ in 0..2 {
            assert_eq!(browser.get(&app, "/owner").await.body, "alice");
        }
    }
}

#[actix_web::test]
async fn a_lost_answer_leaves_the_old_cookie_its_session_for_a_minute() {
    for (old, value) in olds() {
        let time = TestClock::new();
        let in_store = importing(AnyBackend::new(server_side(&time)), old.clone(), &time);
        let in_cookies = importing(AnyBackend::new(revocable(&time)), old, &time);
        for (import, sets_cookie) in [(in_store, false), (in_cookies, true)] {
            let app = app(import, config(), &time).await;
            assert_eq!(with_old(&value).get(&app, "/user").await.body, "alice");
            time.advance(Duration::from_secs(58));
            let again = with_old(&value).get(&app, "/user").await;
            assert_eq!((again.body.as_str(), again.cookie().is_some()), ("alice", sets_cookie));
            time.advance(Duration::from_secs(2));
            let late = with_old(&value).get(&app, "/user").await;
            assert_eq!((late.body.as_str(), late.cookie().is_some()), ("nobody", false));
            // A new session can begin.
            let mut browser = with_old(&value);
            assert_eq!(browser.get(&app, "/insert-a/user").await.body, "nobody");
            assert!(browser.cookie(OWN).is_some());
        }
    }
}

#[actix_web::test]
async fn another_spelling_of_the_old_cookie_is_the_same_cookie() {
    let time = TestClock::new();
    let respell = |value: &str| {
        let first = value.bytes().next().expect("it has a first byte");
        format!("%{first:02x}{}", &value[1..])
    };
    for (old, value) in olds() {
        let app = app(importing(server_side(&time), old, &time), config(), &time).await;
        let other = respell(&value);
        assert_ne!(other, value);
        let mut browser = with_old(&value);
        assert_eq!(browser.get(&app, "/user").await.body, "alice");
        browser.set_cookie(OLD, &value);
        browser.get(&app, "/purge").await;
        assert_eq!(with_old(&other).get(&app, "/user").await.body, "nobody");
    }
}

#[actix_web::test]
async fn visitors_with_the_same_signed_cookie_do_not_share_a_session() {
    let time = TestClock::new();
    let value = signed(&state(&json!({"theme": "dark"})));
    let old = ActixSession::signed(old_key());
    let app = app(importing(server_side(&time), old, &time), config(), &time).await;
    let (mut one, mut two) = (with_old(&value), with_old(&value));
    one.get(&app, "/insert-mine").await;
    assert_eq!(two.get(&app, "/read").await.body, r#"{"theme":"dark"}"#);
    two.get(&app, "/insert-yours").await;
    assert_eq!(one.get(&app, "/read").await.body, r#"{"mine":true,"theme":"dark"}"#);
}

#[actix_web::test]
async fn the_old_cookie_does_not_follow_a_renewal_of_rights() {
    let time = TestClock::new();
    let (old, value) = olds()[0].clone();
    let app = app(importing(server_side(&time), old, &time), config(), &time).await;
    let mut browser = with_old(&value);
    browser.get(&app, "/user").await;
    browser.get(&app, "/renew").await;
    assert_eq!(with_old(&value).get(&app, "/user").await.body, "nobody");
    let write = with_old(&value).get(&app, "/insert-a").await;
    assert_eq!((write.status.as_u16(), write.cookies().len()), (409, 0));
    assert_eq!(browser.get(&app, "/user").await.body, "alice");
}

#[actix_web::test]
async fn junk_does_not_flush_what_has_ended() {
    let time = TestClock::new();
    let old = ActixSession::signed(old_key());
    let app = app(importing(in_cookies(), old, &time), config(), &time).await;
    let value = signed(&alice());
    let mut browser = with_old(&value);
    browser.get(&app, "/user").await;
    browser.get(&app, "/purge").await;
    for n in 0..600 {
        let junk: Vec<_> = (0..7).map(|at| format!("{OLD}=junk{n}x{at}")).collect();
        let mut other = Browser::new();
        other.set_cookie(OLD, &format!("junk{n}; {}", junk.join("; ")));
        other.get(&app, "/purge").await;
    }
    assert_eq!(with_old(&value).get(&app, "/user").await.body, "nobody");
}

#[actix_web::test]
async fn where_no_store_keeps_marks_the_word_in_our_cookie_ends_the_old_one() {
    let time = TestClock::new();
    let value = signed(&alice());
    let old = ActixSession::signed(old_key());
    let app = app(importing(in_cookies(), old, &time), config(), &time).await;
    let mut browser = with_old(&value);
    browser.get(&app, "/purge").await;
    assert_eq!(browser.cookie(OWN), Some("ended"));
    time.advance(HOUR);
    browser.set_cookie(OLD, &value);
    assert_eq!(browser.get(&app, "/user").await.body, "nobody");
}

#[actix_web::test]
async fn a_logout_reaches_a_request_that_takes_over_a_copy_on_another_host() {
    let (old, value) = olds()[0].clone();
    let time = TestClock::new();
    let store = MemoryStore::with_clock(time.clock());
    let host = || importing(in_cookies().revocable(store.clone()), old.clone(), &time);
    let (slow, other) = (app(host(), config(), &time).await, app(host(), config(), &time).await);
    let mut early = with_old(&value);
    let logout = async {
        GATE.0.notified().await;
        with_old(&value).get(&other, "/purge").await;
        GATE.1.notify_one();
    };
    let (answer, ()) = join(early.get(&slow, "/user/wait"), logout).await;
    assert_eq!((answer.status.as_u16(), early.cookie(OWN)), (409, Some("ended")));
}

#[actix_web::test]
async fn at_most_four_old_cookies_reach_a_store() {
    let time = TestClock::new();
    let store = FaultStore::new(MemoryStore::with_clock(time.clock()));
    let old = ActixSession::signed(old_key()).records(Shelf::default());
    let import: ImportActixSession<_> = importing(ServerSide::new(store.clone()), old, &time);
    let app = app(import, config(), &time).await;
    let values: Vec<_> = (0..8).map(|n| signed(&format!("k{n}"))).collect();
    let mut browser = with_old(&values.join(&format!("; {OLD}=")));
    assert_eq!(browser.get(&app, "/user").await.body, "nobody");
    assert_eq!(store.calls(), 4);
    let purges = [(); 2].map(|()| browser.cookie(OLD).map(str::to_owned));
    join_all(purges.into_iter().flatten().map(async |value| {
        with_old(&value).get(&app, "/purge").await;
    }))
    .await;
    assert_eq!(store.inner().len(), 4);
}
