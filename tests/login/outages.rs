//! Users who cannot be asked, and stores that do not answer: nobody is taken for anonymous.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use actix_web::{App, FromRequest, HttpRequest, test::init_service, web};
use sessions::{MemoryStore, ServerSide, SessionMiddleware, store::StoreError};
use sessions_login::{LoggedIn, Logins};
use sessions_tests::{Browser, Call, HookedStore, Mode, When, key};

use crate::site::{Account, Accounts, Site, log_in};

#[actix_web::test]
async fn users_who_cannot_be_asked_are_that_error_whatever_was_asked() {
    for mode in Mode::all(key(1)) {
        let name = mode.name();
        let site = Site::new(mode);
        let app = site.app().await;
        let mut browser = Browser::new();
        log_in(&mut browser, &app, "alice").await;
        let cookie = browser.cookie("session").map(str::to_owned);
        site.accounts.set_out(true);
        for path in ["/me", "/maybe", "/all", "/delete", "/admin/me", "/changed"] {
            let answer = browser.get(&app, path).await;
            assert_eq!(answer.status, 503, "{name}: {path}");
            assert_eq!(answer.body, "the users are out", "{name}: {path}");
        }
        assert_eq!(site.handled.load(Ordering::SeqCst), 0, "{name}: no handler ran");
        assert_eq!(browser.cookie("session").map(str::to_owned), cookie, "{name}");
        // Who has no login is nobody, without a question.
        assert_eq!(Browser::new().get(&app, "/maybe").await.body, "nobody", "{name}");
        site.accounts.set_out(false);
        assert_eq!(browser.get(&app, "/maybe").await.body, "alice", "{name}");
    }
}

#[actix_web::test]
async fn a_task_beside_the_handler_does_not_make_an_outage_hang() {
    async fn beside(request: HttpRequest) -> String {
        let user =
            actix_web::rt::spawn(
                async move { LoggedIn::<Account>::extract(&request).await.is_ok() },
            );
        user.await.expect("it does not panic").to_string()
    }
    let accounts = Accounts::new();
    let site = Site::new(Mode::all(key(1))[0].clone());
    let mut browser = Browser::new();
    log_in(&mut browser, &site.app().await, "alice").await;
    let sessions = SessionMiddleware::new(site.sessions.clone()).with_clock(site.time.clock());
    let app = App::new()
        .route("/", web::get().to(beside))
        .wrap(Logins::new(accounts.clone()))
        .wrap(sessions);
    let app = init_service(app).await;
    accounts.set_out(true);
    let answer = tokio::time::timeout(std::time::Duration::from_secs(60), browser.get(&app, "/"));
    assert_eq!(answer.await.expect("it answers").status, 503);
}

#[actix_web::test]
async fn a_store_that_does_not_answer_is_503_and_no_handler_takes_it_for_nobody() {
    let is_out = Arc::new(AtomicBool::new(false));
    let asks = Arc::clone(&is_out);
    let store = HookedStore::new(MemoryStore::new(), move |call, when| {
        let is_out = call == Call::Load && when == When::Before && asks.load(Ordering::SeqCst);
        Box::pin(async move {
            if is_out {
                return Err(StoreError::unavailable(io::Error::other("the store is out")));
            }
            Ok(())
        })
    });
    let site = Site::new(ServerSide::new(store));
    let app = site.app().await;
    let mut browser = Browser::new();
    log_in(&mut browser, &app, "alice").await;
    is_out.store(true, Ordering::SeqCst);
    for path in ["/me", "/maybe", "/admin/me"] {
        let answer = browser.get(&app, path).await;
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (503, ""), "{path}");
    }
    assert_eq!(site.handled.load(Ordering::SeqCst), 0);
    assert_eq!(site.accounts.asked(), 0);
}
