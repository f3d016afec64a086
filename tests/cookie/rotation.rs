//! Keys that are replaced while the server runs: which users stay logged in, and what is
//! counted.

use std::{
    future::Future,
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
    thread::{self, ScopedJoinHandle},
    time::{Duration, SystemTime},
};

use actix_http::Request;
use actix_service::Service;
use actix_web::{
    App, Error, HttpResponse,
    body::MessageBody,
    dev::ServiceResponse,
    http::header::COOKIE,
    rt::System,
    test::{TestRequest, init_service},
    web,
};
use sessions::{
    KeyRing, MemoryStore, ServerSide, Session, SessionConfig, SessionError, SessionInterface,
    SessionMiddleware, SharedKeys, SignedCookie, backend::Backend, key::KeyUses, test::TestClock,
};
use sessions_tests::{Answer, AppSessions, Browser, Logged, Mode, key};

fn ring(current: u8, fallbacks: &[u8]) -> KeyRing {
    let ring = KeyRing::new(key(current));
    fallbacks.iter().fold(ring, |ring, number| ring.with_fallback(key(*number)))
}

/// `/read` tells the user, `/set/x` sets it, and so on; `/replace-…` replaces the keys first, as if
/// that happened while the request runs.
async fn app<B: Backend + Clone>(
    backend: B,
    keys: SharedKeys,
    time: TestClock,
) -> impl Service<Request, Response = ServiceResponse<impl MessageBody>, Error = Error> {
    let sessions = AppSessions { backend, config: SessionConfig::new() };
    let act = move |session: Session, act: web::Path<String>| {
        let keys = keys.clone();
        async move {
            let user: Option<String> = session.get("user")?;
            match act.as_str() {
                "read" => {}
                "replace-read" => keys.replace(ring(9, &[])),
                "replace-write" => {
                    keys.replace(ring(9, &[]));
                    session.insert("more", 1)?;
                }
                "replace-renew" => {
                    keys.replace(ring(9, &[]));
                    session.renew()?;
                    session.insert("more", 1)?;
                }
                "replace-purge" => {
                    keys.replace(ring(9, &[]));
                    _ = session.purge()?;
                    session.flash("info", "Goodbye.")?;
                }
                "replace-keep" => {
                    keys.replace(ring(9, &[1]));
                    session.insert("more", 1)?;
                }
                user => session.insert("user", user)?,
            }
            Ok::<_, SessionError>(user.unwrap_or_else(|| "nobody".to_owned()))
        }
    };
    init_service(
        App::new()
            .wrap(SessionMiddleware::new(sessions).with_clock(time.clock()))
            .route("/static", web::get().to(HttpResponse::Ok))
            .route("/{act}", web::get().to(act)),
    )
    .await
}

async fn signed(
    keys: SharedKeys,
) -> impl Service<Request, Response = ServiceResponse<impl MessageBody>, Error = Error> {
    app(SignedCookie::new(keys.clone()), keys, TestClock::new()).await
}

async fn in_mode(
    encrypted: bool,
    keys: SharedKeys,
) -> impl Service<Request, Response = ServiceResponse<impl MessageBody>, Error = Error> {
    let [signed, sealed] = Mode::in_cookie(keys.clone());
    app(if encrypted { sealed } else { signed }, keys, TestClock::new()).await
}

/// Current, then the fallbacks.
fn counts(uses: &KeyUses) -> Vec<u64> {
    [&[uses.current()], uses.fallbacks()].concat()
}

#[actix_web::test]
async fn keys_are_replaced_under_a_running_service_and_nobody_is_logged_out() {
    for encrypted in [false, true] {
        let keys = SharedKeys::new(ring(1, &[]));
        let app = in_mode(encrypted, keys.clone()).await;
        let mut browser = Browser::new();
        browser.get(&app, "/alice").await;
        for (current, former) in [(2, 1), (3, 2), (4, 3)] {
            keys.replace(ring(current, &[former]));
            let answer = browser.get(&app, "/read").await;
            assert_eq!(answer.body, "alice");
            assert!(answer.cookie().is_some(), "signed anew under key {current}");
            assert_eq!(browser.get(&app, "/read").await.cookie(), None, "once");
            keys.replace(ring(current, &[]));
            assert_eq!(browser.get(&app, "/read").await.body, "alice");
        }
    }
}

#[actix_web::test]
async fn a_key_that_is_removed_opens_nothing_from_the_next_request_on() {
    for encrypted in [false, true] {
        let keys = SharedKeys::new(ring(1, &[]));
        let app = in_mode(encrypted, keys.clone()).await;
        let mut browser = Browser::new();
        browser.get(&app, "/alice").await;
        keys.replace(ring(2, &[3]));
        assert_eq!(browser.get(&app, "/read").await.body, "nobody");
        keys.replace(ring(2, &[1]));
        assert_eq!(browser.get(&app, "/read").await.body, "alice", "nor is it forgotten");
    }
}

#[actix_web::test]
async fn every_clone_and_every_backend_of_a_handle_has_the_new_keys() {
    let keys = SharedKeys::new(ring(1, &[]));
    let backend = SignedCookie::new(keys.clone());
    let one = app(backend.clone(), keys.clone(), TestClock::new()).await;
    let two = app(backend.clone(), keys.clone(), TestClock::new()).await;
    let three = signed(keys.clone()).await;
    let mut browser = Browser::new();
    browser.get(&one, "/alice").await;
    assert_eq!(browser.get(&two, "/read").await.body, "alice");
    assert_eq!(browser.get(&three, "/read").await.body, "alice");
    backend.keys().replace(key(2));
    assert_eq!(browser.get(&one, "/read").await.body, "nobody");
    assert_eq!(browser.get(&two, "/read").await.body, "nobody");
    assert_eq!(browser.get(&three, "/read").await.body, "nobody");
}

#[actix_web::test]
async fn the_keys_of_a_configuration_are_replaced_too() {
    #[derive(Clone, SessionInterface)]
    struct Configured {
        config: SessionConfig,
    }

    async fn handler(session: Session) -> Result<String, SessionError> {
        session.update("n", |n: Option<u32>| n.unwrap_or(0) + 1).map(|n| n.to_string())
    }

    let keys = SharedKeys::new(ring(1, &[]));
    // Whatever the order: the handle goes above a fixed key.
    let config =
        SessionConfig::new().secret_key(key(8)).keys(keys.clone()).secret_key_fallback(key(7));
    let service = |config| App::new().wrap(Configured { config }).default_service(web::to(handler));
    let app = init_service(service(config.clone())).await;
    let worker = init_service(service(config)).await;
    let mut browser = Browser::new();
    assert_eq!(browser.get(&app, "/").await.body, "1");
    keys.replace(ring(2, &[1]));
    assert_eq!(browser.get(&worker, "/").await.body, "2");
    keys.replace(ring(2, &[]));
    assert_eq!(browser.get(&app, "/").await.body, "3");
    keys.replace(ring(8, &[]));
    assert_eq!(browser.get(&app, "/").await.body, "1");
}

#[actix_web::test]
async fn signed_ids_of_records_follow_the_keys() {
    let keys = SharedKeys::new(ring(1, &[]));
    let backend = ServerSide::new(MemoryStore::new()).signed(keys.clone());
    assert!(backend.keys().is_some());
    let app = app(backend, keys.clone(), TestClock::new()).await;
    let mut browser = Browser::new();
    browser.get(&app, "/alice").await;
    let old = browser.cookie("session").expect("set").to_owned();
    keys.replace(ring(2, &[1]));
    let answer = browser.get(&app, "/read").await;
    assert_eq!(answer.body, "alice");
    assert!(answer.cookie().is_some(), "signed anew");
    assert_eq!(counts(&keys.uses()), [0, 1]);
    keys.replace(ring(2, &[]));
    assert_eq!(browser.get(&app, "/read").await.body, "alice");
    assert_eq!(counts(&keys.uses()), [1]);
    browser.set_cookie("session", &old);
    assert_eq!(browser.get(&app, "/read").await.body, "nobody");
    assert_eq!(counts(&keys.uses()), [1]);
}

// A request that is under way while the keys are replaced.

#[actix_web::test]
async fn a_session_whose_key_is_removed_while_its_request_runs_is_not_carried_over() {
    for encrypted in [false, true] {
        for act in ["/replace-write", "/replace-renew"] {
            let keys = SharedKeys::new(ring(1, &[]));
            let app = in_mode(encrypted, keys.clone()).await;
            let mut browser = Browser::new();
            browser.get(&app, "/mallory").await;
            let answer = browser.get(&app, act).await;
            assert_eq!(answer.status, 409, "{act}: {}", answer.body);
            assert!(answer.cookie().is_some_and(|cookie| cookie.is_removal()), "{act}");
            assert_eq!(browser.get(&app, "/read").await.body, "nobody", "{act}");
        }
    }
}

#[actix_web::test]
async fn a_request_that_only_reads_meanwhile_is_answered() {
    let keys = SharedKeys::new(ring(1, &[]));
    let app = signed(keys.clone()).await;
    let mut browser = Browser::new();
    browser.get(&app, "/alice").await;
    let answer = browser.get(&app, "/replace-read").await;
    assert_eq!((answer.body.as_str(), answer.cookie()), ("alice", None));
    assert_eq!(browser.get(&app, "/read").await.body, "nobody");
}

#[actix_web::test]
async fn a_key_that_stays_as_a_fallback_carries_its_sessions_over() {
    for encrypted in [false, true] {
        let keys = SharedKeys::new(ring(1, &[]));
        let app = in_mode(encrypted, keys.clone()).await;
        let mut browser = Browser::new();
        browser.get(&app, "/alice").await;
        assert_eq!(browser.get(&app, "/replace-keep").await.status, 200);
        keys.replace(ring(9, &[]));
        assert_eq!(browser.get(&app, "/read").await.body, "alice");
    }
}

#[actix_web::test]
async fn what_begins_while_the_keys_are_replaced_is_signed_with_the_new_one() {
    // A logout, and a session that is new.
    for (before, act) in [("/alice", "/replace-purge"), ("/static", "/replace-write")] {
        let keys = SharedKeys::new(ring(1, &[]));
        let app = signed(keys.clone()).await;
        let mut browser = Browser::new();
        browser.get(&app, before).await;
        let answer = browser.get(&app, act).await;
        assert_eq!(answer.status, 200, "{act}");
        let token = answer.cookie().expect("a session of its own").value;
        let alone = signed(SharedKeys::new(ring(9, &[]))).await;
        browser.set_cookie("session", &token);
        assert_eq!(browser.get(&alone, "/read").await.body, "nobody");
        browser.get(&app, "/read").await;
        assert_eq!(counts(&keys.uses()), [1]);
    }
}

// Two processes, of which one has the new keys already.

#[actix_web::test]
async fn a_token_under_the_next_key_opens_and_stays_as_it_is() {
    for encrypted in [false, true] {
        let ahead = in_mode(encrypted, SharedKeys::new(ring(2, &[1]))).await;
        let keys = SharedKeys::new(ring(1, &[3]).with_next(key(2)));
        let behind = in_mode(encrypted, keys.clone()).await;
        let mut browser = Browser::new();
        browser.get(&ahead, "/alice").await;
        let answer = browser.get(&behind, "/read").await;
        assert_eq!((answer.body.as_str(), answer.cookie()), ("alice", None));
        assert_eq!((counts(&keys.uses()), keys.uses().next_key()), (vec![0, 0], Some(1)));
        // What it writes is under a key that both know, and the other signs again.
        browser.get(&behind, "/bob").await;
        let answer = browser.get(&ahead, "/read").await;
        assert_eq!(answer.body, "bob");
        assert!(answer.cookie().is_some(), "signed anew");
        keys.replace(ring(2, &[]));
        assert_eq!(keys.uses().next_key(), None);
        assert_eq!(browser.get(&behind, "/read").await.body, "bob");
    }
}

#[actix_web::test]
async fn so_does_the_signed_id_of_a_record() {
    let store = MemoryStore::new();
    let host = |keys: SharedKeys| {
        app(ServerSide::new(store.clone()).signed(keys.clone()), keys, TestClock::new())
    };
    let ahead = host(SharedKeys::new(ring(2, &[1]))).await;
    let keys = SharedKeys::new(ring(1, &[]).with_next(key(2)));
    let behind = host(keys.clone()).await;
    let mut browser = Browser::new();
    browser.get(&ahead, "/alice").await;
    let answer = browser.get(&behind, "/read").await;
    assert_eq!((answer.body.as_str(), answer.cookie()), ("alice", None));
    assert_eq!((counts(&keys.uses()), keys.uses().next_key()), (vec![0], Some(1)));
}

#[actix_web::test]
async fn the_next_key_verifies_and_does_not_sign() {
    for encrypted in [false, true] {
        let host = in_mode(encrypted, SharedKeys::new(ring(1, &[]).with_next(key(2)))).await;
        let mut browser = Browser::new();
        browser.get(&host, "/alice").await;
        let promoted = in_mode(encrypted, SharedKeys::new(key(2))).await;
        let mut other = Browser::new();
        other.set_cookie("session", browser.cookie("session").expect("set"));
        assert_eq!(other.get(&promoted, "/read").await.body, "nobody");
        let before = in_mode(encrypted, SharedKeys::new(key(1))).await;
        assert_eq!(browser.get(&before, "/read").await.body, "alice");
    }
}

// What is counted.

#[actix_web::test]
async fn uses_are_counted_by_key_in_the_order_of_the_ring() {
    for encrypted in [false, true] {
        let mut tokens = Vec::new();
        for number in 1..=3 {
            let alone = in_mode(encrypted, SharedKeys::new(key(number))).await;
            tokens.push(Browser::new().get(&alone, "/alice").await.cookie().expect("set").value);
        }
        let keys = SharedKeys::new(ring(3, &[1, 2, 4]));
        let app = in_mode(encrypted, keys.clone()).await;
        assert_eq!(counts(&keys.uses()), [0, 0, 0, 0]);
        for (token, times) in tokens.iter().zip([5, 3, 2]) {
            for _ in 0..times {
                let cookie = format!("session={token}");
                Answer::of(&app, TestRequest::with_uri("/read").insert_header((COOKIE, cookie)))
                    .await;
            }
        }
        assert_eq!(counts(&keys.uses()), [2, 5, 3, 0]);

        // No session is used, or none is there: nothing is counted.
        let cookie = format!("session={}", tokens[0]);
        let request = TestRequest::with_uri("/static").insert_header((COOKIE, cookie));
        Answer::of(&app, request).await;
        Browser::new().get(&app, "/read").await;
        let forged = format!("session={}x", tokens[0]);
        Answer::of(&app, TestRequest::with_uri("/read").insert_header((COOKIE, forged))).await;
        assert_eq!(counts(&keys.uses()), [2, 5, 3, 0]);
    }
}

#[actix_web::test]
async fn a_token_that_is_too_old_counts_for_no_key() {
    let (keys, time) = (SharedKeys::new(ring(1, &[])), TestClock::new());
    let app = app(SignedCookie::new(keys.clone()), keys.clone(), time.clone()).await;
    let mut browser = Browser::new();
    browser.get(&app, "/alice").await;
    browser.get(&app, "/read").await;
    time.advance(Duration::from_secs(32 * 24 * 60 * 60));
    assert_eq!(browser.get(&app, "/read").await.body, "nobody");
    assert_eq!(counts(&keys.uses()), [1]);
}

#[actix_web::test]
async fn other_keys_are_counted_anew_and_the_same_keys_go_on() {
    let before = SystemTime::now();
    let keys = SharedKeys::new(ring(1, &[2]));
    let app = signed(keys.clone()).await;
    let mut browser = Browser::new();
    browser.get(&app, "/alice").await;
    browser.get(&app, "/read").await;
    let uses = keys.uses();
    assert_eq!(counts(&uses), [1, 0]);
    assert!(uses.since() >= before && uses.since() <= SystemTime::now());

    let logged = Logged::start();
    keys.replace(ring(1, &[2]));
    assert_eq!(keys.uses(), uses);
    assert_eq!(logged.take_own(), []);

    for other in [ring(2, &[1]), ring(1, &[]), ring(1, &[2]), ring(1, &[2, 3]), ring(1, &[3, 2])] {
        let count = other.fallbacks().len() + 1;
        keys.replace(other);
        assert_eq!(counts(&keys.uses()), vec![0; count]);
        assert!(keys.uses().since() >= uses.since());
        let lines = logged.take_own();
        let [(_, text)] = lines.as_slice() else { panic!("{lines:?}") };
        let (_, tail) = text.split_once(" fallbacks=").expect("the line says how many");
        assert!(text.starts_with("the keys are replaced key="), "{text}");
        assert_eq!(tail, format!("{} has_next=false", count - 1));
    }
}

// Orders, and many at once.

/// All sequences of different numbers below `n`, of every length from 1.
fn orderings(n: u8) -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = vec![Vec::new()];
    let mut at = 0;
    while at < all.len() {
        let longer = (0..n).filter(|next| !all[at].contains(next));
        let longer: Vec<_> = longer.map(|next| [all[at].as_slice(), &[next]].concat()).collect();
        all.extend(longer);
        at += 1;
    }
    all.split_off(1)
}

#[actix_web::test]
async fn one_service_goes_through_every_order_of_keys() {
    for encrypted in [false, true] {
        let keys = SharedKeys::new(key(0));
        let app = in_mode(encrypted, keys.clone()).await;
        let mut tokens = Vec::new();
        for number in 0..5 {
            keys.replace(key(number));
            tokens.push(Browser::new().get(&app, "/alice").await.cookie().expect("set").value);
        }
        let orderings = orderings(5);
        assert_eq!(orderings.len(), 325);
        for order in &orderings {
            keys.replace(ring(order[0], &order[1..]));
            for (number, token) in (0_u8..).zip(&tokens) {
                let mut browser = Browser::new();
                browser.set_cookie("session", token);
                let answer = browser.get(&app, "/read").await;
                let place = order.iter().position(|key| *key == number);
                assert_eq!(answer.body == "alice", place.is_some(), "{order:?} {number}");
                assert_eq!(answer.cookie().is_some(), place.is_some_and(|at| at > 0));
            }
            assert_eq!(counts(&keys.uses()), vec![1; order.len()], "{order:?}");
        }
        println!("{} orders of up to 5 keys, {} tokens: 0 wrong", orderings.len(), tokens.len());
    }
}

#[test]
fn requests_of_many_threads_see_either_the_old_keys_or_the_new_ones() {
    fn block_on<T>(work: impl Future<Output = T>) -> T {
        System::new().block_on(work)
    }

    const ROUNDS: u8 = 40;
    let keys = SharedKeys::new(key(0));
    let stop = AtomicBool::new(false);
    let answered: [AtomicU32; 4] = Default::default();
    let answered_all = || answered.each_ref().map(|count| count.load(Ordering::SeqCst));
    thread::scope(|scope| {
        let workers = answered.each_ref().map(|count| {
            let (keys, stop) = (&keys, &stop);
            scope.spawn(move || {
                block_on(async {
                    let app = signed(keys.clone()).await;
                    let mut browser = Browser::new();
                    browser.get(&app, "/alice").await;
                    // The former key is always a fallback, so the session is never lost.
                    while !stop.load(Ordering::SeqCst) {
                        assert_eq!(browser.get(&app, "/read").await.body, "alice");
                        count.fetch_add(1, Ordering::SeqCst);
                    }
                });
            })
        });
        for round in 0..=ROUNDS {
            let before = answered_all();
            // One request may be under way; the next one comes over to the new key.
            while answered_all().iter().zip(before).any(|(count, before)| *count < before + 2) {
                assert!(!workers.iter().any(ScopedJoinHandle::is_finished), "a worker has failed");
                thread::yield_now();
            }
            keys.replace(ring(round + 1, &[round]));
        }
        stop.store(true, Ordering::SeqCst);
    });
    let requests: u32 = answered_all().iter().sum();
    println!("{requests} requests while keys were replaced {ROUNDS} times: 0 lost their session");
}
