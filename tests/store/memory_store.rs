//! The store in memory, in an application: full, shared by workers, and after a panic.

use std::{panic::AssertUnwindSafe, thread};

use actix_web::{App, http::StatusCode, test::init_service, web};
use futures_util::{FutureExt, future::join_all};
use sessions::{MemoryStore, Session};
use sessions_tests::{Answer, Browser, StoredSessions, with_token};

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
