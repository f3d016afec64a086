//! The store in memory: whom it keeps room for, and in an application: full, shared by workers, and
//! after a panic.

use std::{panic::AssertUnwindSafe, thread, time::Duration};

use actix_web::{App, http::StatusCode, test::init_service, web};
use futures_util::{FutureExt, future::join_all};
use sessions::{
    MemoryStore, Session,
    store::{CreateOutcome, Record, RecordKey, Store, StoreError},
    test::{
        TestClock,
        store::{owner_key, random_key, record, record_of},
    },
};
use sessions_tests::{Answer, Browser, StoredSessions, with_token};

const HOUR: Duration = Duration::from_secs(3_600);

/// Creates a record, and returns its key.
async fn create(store: &MemoryStore, record: &Record) -> Result<RecordKey, StoreError> {
    let key = random_key();
    let outcome = store.create(&key, record, HOUR).await?;
    assert!(matches!(outcome, CreateOutcome::Created(_)));
    Ok(key)
}

#[actix_web::test]
async fn a_quarter_of_the_places_is_kept_for_owners() {
    let store = MemoryStore::with_capacity(100);
    let (visitor, alice) = (record("{}"), record_of(owner_key("alice"), "{}"));
    let mut visitors = Vec::new();
    for _ in 0..75 {
        visitors.push(create(&store, &visitor).await.unwrap());
    }
    for _ in 0..2 {
        assert!(matches!(create(&store, &visitor).await, Err(StoreError::Full)));
    }
    for _ in 0..25 {
        create(&store, &alice).await.unwrap();
    }
    for record in [&visitor, &alice] {
        assert!(matches!(create(&store, record).await, Err(StoreError::Full)));
    }
    assert_eq!(store.len(), 100);

    // A visitor who leaves makes room for any other session.
    store.delete(&visitors[0]).await.unwrap();
    create(&store, &visitor).await.unwrap();
    store.delete(&visitors[1]).await.unwrap();
    create(&store, &alice).await.unwrap();
    assert!(matches!(create(&store, &alice).await, Err(StoreError::Full)));
}

#[actix_web::test]
async fn owners_alone_take_every_place_and_their_logouts_leave_visitors_no_more_than_theirs() {
    let store = MemoryStore::with_capacity(8);
    let (visitor, alice) = (record("{}"), record_of(owner_key("alice"), "{}"));
    let mut logins = Vec::new();
    for _ in 0..8 {
        logins.push(create(&store, &alice).await.unwrap());
    }
    assert!(matches!(create(&store, &visitor).await, Err(StoreError::Full)));
    for key in &logins {
        store.delete(key).await.unwrap();
    }
    for _ in 0..6 {
        create(&store, &visitor).await.unwrap();
    }
    assert!(matches!(create(&store, &visitor).await, Err(StoreError::Full)));
    assert_eq!(store.len(), 6);
}

#[actix_web::test]
async fn a_session_that_logs_in_leaves_its_place_to_a_visitor_and_takes_one_when_it_logs_out() {
    let store = MemoryStore::with_capacity(8);
    let (visitor, alice) = (record("{}"), record_of(owner_key("alice"), "{}"));
    let mut visitors = Vec::new();
    for _ in 0..6 {
        visitors.push(create(&store, &visitor).await.unwrap());
    }
    let replace = async |key: &RecordKey, record: &Record| {
        let revision = store.load(key, None).await.unwrap().unwrap().revision;
        store.replace(key, revision, record, HOUR).await.unwrap();
    };
    replace(&visitors[0], &alice).await;
    create(&store, &visitor).await.unwrap();
    assert!(matches!(create(&store, &visitor).await, Err(StoreError::Full)));

    // Written as it was, each counts as before.
    replace(&visitors[0], &alice).await;
    replace(&visitors[1], &visitor).await;
    assert!(matches!(create(&store, &visitor).await, Err(StoreError::Full)));

    // A live session is not refused the place that it has, and those beyond the visitors' share go first.
    replace(&visitors[0], &visitor).await;
    store.delete(&visitors[1]).await.unwrap();
    assert!(matches!(create(&store, &visitor).await, Err(StoreError::Full)));
    store.delete(&visitors[2]).await.unwrap();
    create(&store, &visitor).await.unwrap();
    assert!(matches!(create(&store, &visitor).await, Err(StoreError::Full)));
    assert_eq!(store.len(), 6);
}

#[actix_web::test]
async fn a_renewed_session_takes_no_place_of_a_visitor() {
    async fn renew(session: Session) -> actix_web::Result<&'static str> {
        session.insert("n", 1)?;
        session.renew()?;
        Ok("renewed")
    }
    let store = MemoryStore::with_capacity(4);
    let sessions = StoredSessions::new(store.clone());
    let app = init_service(
        App::new()
            .wrap(sessions)
            .route("/count", web::get().to(count))
            .route("/renew", web::get().to(renew)),
    )
    .await;
    let mut browsers = [Browser::new(), Browser::new(), Browser::new()];
    for browser in &mut browsers {
        assert_eq!(browser.get(&app, "/count").await.status, StatusCode::OK);
    }
    let refused = Browser::new().get(&app, "/count").await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(browsers[0].get(&app, "/renew").await.status, StatusCode::OK);
    assert_eq!(Browser::new().get(&app, "/count").await.status, StatusCode::OK);
    assert_eq!(store.len(), 4);
}

#[actix_web::test]
async fn the_index_has_two_entries_for_each_place_and_sweeps_the_expired_ones_when_it_is_full() {
    let store = MemoryStore::with_capacity(4);
    let index = store.owners().expect("it has one");
    let (alice, bob) = (owner_key("alice"), owner_key("bob"));
    let keys = [(); 8].map(|()| random_key());
    for key in &keys[..5] {
        index.add(&alice, key, HOUR).await.unwrap();
    }
    for _ in 0..3 {
        index.add(&bob, &random_key(), Duration::ZERO).await.unwrap();
    }
    // Those of bob have expired, and leave room.
    for key in &keys[5..] {
        index.add(&alice, key, HOUR).await.unwrap();
    }
    assert!(index.keys(&bob).await.unwrap().is_empty());
    assert!(matches!(index.add(&bob, &random_key(), HOUR).await, Err(StoreError::Full)));
    // An entry that is there can be added again, and sessions can be ended.
    index.add(&alice, &keys[0], HOUR).await.unwrap();
    index.end_before(&owner_key("carol"), None, HOUR).await.unwrap();
    assert_eq!(index.keys(&alice).await.unwrap().len(), 8);

    index.remove(&alice, &keys[7]).await.unwrap();
    index.add(&bob, &random_key(), HOUR).await.unwrap();
    assert!(matches!(index.add(&bob, &random_key(), HOUR).await, Err(StoreError::Full)));
}

#[actix_web::test]
async fn a_load_tells_no_earlier_time_than_the_index_told() {
    let store = MemoryStore::with_clock(TestClock::new().clock());
    let index = store.owners().expect("it has one");
    let alice = owner_key("alice");
    let key = create(&store, &record_of(alice, "{}")).await.unwrap();
    for _ in 0..3 {
        let told = index.end_before(&alice, None, HOUR).await.unwrap().at;
        assert!(store.load(&key, None).await.unwrap().unwrap().now >= told);
        assert!(index.state(&alice).await.unwrap().now > told);
    }
}

async fn count(session: Session) -> actix_web::Result<String> {
    Ok(session.update("n", |n: Option<u32>| n.unwrap_or(0) + 1)?.to_string())
}

async fn read(session: Session) -> actix_web::Result<String> {
    Ok(session.get::<u32>("n")?.unwrap_or(0).to_string())
}

async fn leave(session: Session) -> actix_web::Result<&'static str> {
    session.purge()?;
    Ok("left")
}

async fn panic(session: Session) -> actix_web::Result<&'static str> {
    session.insert("n", 1_000)?;
    panic!("a handler panics");
}

/// Panics when it runs again, which is while the session is saved.
async fn panic_again(session: Session) -> actix_web::Result<&'static str> {
    session.update("n", |n: Option<u32>| match n {
        Some(n) if n > 1 => panic!("a closure panics while the session is saved"),
        n => n.unwrap_or(0) + 1,
    })?;
    tokio::task::yield_now().await;
    Ok("counted")
}

macro_rules! app {
    ($kept:expr) => {
        init_service(
            App::new()
                .wrap($kept.clone())
                .route("/count", web::get().to(count))
                .route("/read", web::get().to(read))
                .route("/leave", web::get().to(leave))
                .route("/panic", web::get().to(panic))
                .route("/panic-again", web::get().to(panic_again)),
        )
        .await
    };
}

#[actix_web::test]
async fn on_a_full_store_sessions_live_on_and_new_ones_are_an_error() {
    let store = MemoryStore::with_capacity(3);
    let app = app!(StoredSessions::new(store.clone()));
    let mut browsers = [Browser::new(), Browser::new(), Browser::new()];
    for browser in &mut browsers {
        browser.get(&app, "/count").await;
    }
    for _ in 0..10 {
        let answer = Browser::new().get(&app, "/count").await;
        assert_eq!((answer.status, answer.cookie()), (StatusCode::SERVICE_UNAVAILABLE, None));
    }
    for browser in &mut browsers {
        assert_eq!(browser.get(&app, "/count").await.body, "2");
    }
    browsers[0].get(&app, "/leave").await;
    assert_eq!(Browser::new().get(&app, "/count").await.body, "1");
    assert_eq!(store.len(), 3);
}

#[test]
fn workers_share_the_store_and_lose_nothing() {
    const WORKERS: u32 = 4;
    const REQUESTS: u32 = 100;
    let kept = StoredSessions::new(MemoryStore::new());
    let first = {
        let kept = kept.clone();
        actix_web::rt::System::new().block_on(async move {
            let app = app!(kept);
            let mut browser = Browser::new();
            browser.get(&app, "/count").await;
            browser.cookie("id").unwrap().to_owned()
        })
    };
    let workers: Vec<_> = (0..WORKERS)
        .map(|_| {
            let (kept, token) = (kept.clone(), first.clone());
            thread::spawn(move || {
                actix_web::rt::System::new().block_on(async move {
                    let app = app!(kept);
                    let requests =
                        (0..REQUESTS).map(|_| Answer::of(&app, with_token("/count", &token)));
                    let answers = join_all(requests).await;
                    answers.iter().filter(|answer| answer.status == StatusCode::OK).count()
                })
            })
        })
        .collect();
    let counted: usize = workers.into_iter().map(|worker| worker.join().unwrap()).sum();
    let stored = actix_web::rt::System::new().block_on(async move {
        let app = app!(kept);
        Answer::of(&app, with_token("/read", &first)).await.body
    });
    println!(
        "{counted} of {} requests of {WORKERS} workers answered 200; stored: {stored}",
        WORKERS * REQUESTS
    );
    assert_eq!(stored, (counted + 1).to_string());
}

#[actix_web::test]
async fn a_panic_saves_nothing_and_leaves_no_lock() {
    let store = MemoryStore::new();
    let app = app!(StoredSessions::new(store.clone()));
    let mut browser = Browser::new();
    browser.get(&app, "/count").await;
    let token = browser.cookie("id").unwrap().to_owned();
    for _ in 0..100 {
        let answer = AssertUnwindSafe(Answer::of(&app, with_token("/panic", &token)));
        assert!(answer.catch_unwind().await.is_err());
    }
    assert_eq!(browser.get(&app, "/read").await.body, "1");

    // Two at once: one of them meets the other's value while it is saved.
    let both = (0..2).map(|_| {
        AssertUnwindSafe(Answer::of(&app, with_token("/panic-again", &token))).catch_unwind()
    });
    let panicked = join_all(both).await.iter().filter(|answer| answer.is_err()).count();
    assert_eq!(panicked, 1);
    assert_eq!(browser.get(&app, "/read").await.body, "2");
    assert_eq!(browser.get(&app, "/count").await.body, "3");
    assert_eq!(store.len(), 1);
}
