//! A store that fails at each call of a takeover: an error, or no harm.

use std::{io, panic::AssertUnwindSafe, time::Duration};

use futures_util::FutureExt;
use sessions::{
    AnyBackend, MemoryStore, ServerSide,
    import::{ActixIdentity, ActixSession},
    store::StoreError,
    test::{Fault, FaultStore, Operation, TestClock},
};
use sessions_tests::Browser;
use tokio::time::sleep;

use super::{OWN, alice, app, config, importing, in_cookies, old_key, signed, with_old};

fn faults() -> Vec<Fault> {
    let unavailable = || StoreError::unavailable(io::Error::other("told to fail"));
    vec![
        Fault::Fails(unavailable()),
        Fault::Fails(StoreError::Full),
        Fault::Hangs,
        Fault::Delays(Duration::from_millis(50)),
        Fault::Delays(Duration::from_secs(5)),
        Fault::Loses,
        Fault::Swallows,
        Fault::Panics,
    ]
}

#[tokio::test(start_paused = true)]
async fn an_outage_at_each_call_of_a_takeover_is_an_error_or_does_no_harm() {
    let mut runs = 0;
    for in_store in [true, false] {
        for path in ["/user", "/insert-a/user", "/purge"] {
            for n in 1..=10 {
                for fault in faults() {
                    for from_then_on in [false, true] {
                        let place = format!("{in_store} {path} {n} {fault:?} {from_then_on}");
                        run(in_store, path, n, &fault, from_then_on, &place).await;
                        runs += 1;
                    }
                }
            }
        }
    }
    println!("{runs} runs");
}

async fn run(in_store: bool, path: &str, n: usize, fault: &Fault, on: bool, place: &str) {
    let time = TestClock::new();
    let value = signed(&alice());
    let store = FaultStore::new(MemoryStore::with_clock(time.clock()));
    let old = ActixSession::signed(old_key()).identity(ActixIdentity::new().owner());
    let (kept, sealed) = (ServerSide::new(store.clone()), in_cookies().revocable(store.clone()));
    let backend =
        if in_store { AnyBackend::new(kept.clone()) } else { AnyBackend::new(sealed.clone()) };
    let failing = app(importing(backend, old, &time), config(), &time).await;
    for call in n..=if on { n + 100 } else { n } {
        store.on_call(call, fault.clone());
    }
    let mut browser = with_old(&value);
    let answer = AssertUnwindSafe(browser.get(&failing, path)).catch_unwind().await;
    sleep(Duration::from_secs(30)).await;
    store.mend();
    match &answer {
        Ok(answer) if answer.status == 200 && path != "/purge" => {
            assert_eq!(answer.body, "alice", "{place}");
            // Whoever was answered well has the session.
            let read = browser.get(&failing, "/user").await;
            assert_eq!(read.body, "alice", "{place}");
            assert!(browser.cookie(OWN).is_some(), "{place}");
        }
        Ok(answer) if answer.status == 200 => {
            assert_eq!(browser.cookie(OWN), Some("ended"), "{place}");
            let again = with_old(&value).get(&failing, "/user").await;
            assert_eq!(again.body, "nobody", "{place}: a logout that was answered well holds");
        }
        Ok(answer) => {
            assert!([500, 503, 409].contains(&answer.status.as_u16()), "{place}: {answer:?}");
            assert!(answer.body.is_empty(), "{place}");
            assert!(browser.cookie(OWN).is_none_or(|token| token == "ended"), "{place}");
        }
        Err(_) => assert!(matches!(fault, Fault::Panics), "{place}: it panicked"),
    }
    // Once more with the old cookie: the same session or none, and never a second one.
    let again = with_old(&value).get(&failing, "/user").await;
    assert_eq!(again.status, 200, "{place}");
    assert!(["alice", "nobody"].contains(&again.body.as_str()), "{place}");
    // The end of all reaches whatever is left.
    if in_store {
        kept.end_all("alice").await.expect("the store works");
        assert!(kept.sessions_of("alice").await.expect("the store works").is_empty(), "{place}");
    } else {
        sealed.end_all("alice").await.expect("the store works");
    }
    for mut browser in [browser, with_old(&value), Browser::new()] {
        assert_eq!(browser.get(&failing, "/user").await.body, "nobody", "{place}");
    }
}

#[actix_web::test]
async fn a_mark_whose_answer_was_lost_still_leads_to_the_session() {
    let time = TestClock::new();
    let value = signed(&alice());
    let store = FaultStore::new(MemoryStore::with_clock(time.clock()));
    let old = ActixSession::signed(old_key());
    let app = app(importing(ServerSide::new(store.clone()), old, &time), config(), &time).await;
    // The record is created first.
    store.on_call_of(Operation::Create, 2, Fault::Loses);
    let mut browser = with_old(&value);
    assert_eq!(browser.get(&app, "/user").await.status, 503);
    assert_eq!(browser.get(&app, "/user").await.body, "alice");
}

#[actix_web::test]
async fn a_mark_that_was_certainly_not_made_leaves_no_record() {
    let time = TestClock::new();
    let store = FaultStore::new(MemoryStore::with_clock(time.clock()));
    let old = ActixSession::signed(old_key());
    let app = app(importing(ServerSide::new(store.clone()), old, &time), config(), &time).await;
    store.on_call_of(Operation::Create, 2, Fault::Fails(StoreError::Full));
    let mut browser = with_old(&signed(&alice()));
    let full = browser.get(&app, "/user").await;
    assert_eq!((full.status.as_u16(), full.all("retry-after")), (503, vec!["1"]));
    assert!(store.inner().is_empty());
    assert_eq!(browser.get(&app, "/user").await.body, "alice");
    assert!(browser.cookie(OWN).is_some());
}
