//! Logging out ends both sessions, whatever runs beside it.

use actix_http::Request;
use actix_service::Service;
use actix_web::{Error, body::MessageBody, dev::ServiceResponse};
use sessions::{
    MemoryStore, ServerSide,
    import::{ActixIdentity, ActixSession},
    policy::ImportMode,
    test::TestClock,
};
use sessions_tests::Browser;

use super::{
    GATE, OLD, OWN, Shelf, alice, app, config, importing, named, old_key, private, server_side,
    signed, with_old,
};

async fn assert_logged_out<S, B>(app: &S, browser: &mut Browser, old: &str)
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    assert_eq!(browser.get(app, "/user").await.body, "nobody");
    browser.set_cookie(OLD, old);
    for path in ["/user", "/user", "/insert-a/user", "/user"] {
        assert_eq!(browser.get(app, path).await.body, "nobody", "{path}");
    }
}

#[actix_web::test]
async fn logging_out_is_not_undone_by_the_old_cookie() {
    let time = TestClock::new();
    for mode in [ImportMode::Copy, ImportMode::Move] {
        for ending in ["/purge", "/clear", "/user/purge", "/renew/purge", "/purge/insert-farewell"]
        {
            for used_before in [false, true] {
                let value = signed(&alice());
                let old = ActixSession::signed(old_key());
                let import = importing(server_side(&time), old, &time);
                let app = app(import, config().import(mode), &time).await;
                let mut browser = with_old(&value);
                if used_before {
                    assert_eq!(browser.get(&app, "/user").await.body, "alice");
                }
                let answer = browser.get(&app, ending).await;
                assert_eq!(answer.status, 200);
                let cookies = answer.cookies();
                if mode == ImportMode::Copy || !used_before {
                    assert!(named(&cookies, OLD).unwrap().is_removal(), "{ending}: {cookies:?}");
                }
                if !ending.contains("farewell") {
                    let own = named(&cookies, OWN).unwrap();
                    assert_eq!(own.value, "ended");
                    assert_eq!(own.attribute("Max-Age"), Some("34560000"));
                }
                assert_logged_out(&app, &mut browser, &value).await;
            }
        }
    }
}

#[actix_web::test]
async fn logging_out_deletes_the_old_record() {
    let time = TestClock::new();
    for used_before in [false, true] {
        let shelf = Shelf::with("k", alice());
        let old = ActixSession::private(old_key()).records(shelf.clone());
        let import = importing(server_side(&time), old, &time);
        let app = app(import, config(), &time).await;
        let mut browser = with_old(&private("k", OLD));
        if used_before {
            browser.get(&app, "/user").await;
        }
        // Until that is done, the logout is not.
        shelf.has(Some("connection refused"));
        assert_eq!(browser.get(&app, "/purge").await.status, 503);
        assert_eq!(shelf.records().len(), 1);
        shelf.has(None);
        assert_eq!(browser.get(&app, "/purge").await.status, 200);
        assert!(shelf.records().is_empty());
        assert_logged_out(&app, &mut browser, &private("k", OLD)).await;
    }
}

#[actix_web::test]
async fn a_request_that_began_before_a_logout_does_not_bring_the_session_back() {
    let time = TestClock::new();
    let shelf = Shelf::with("k", alice());
    let records = ActixSession::signed(old_key()).records(shelf.clone());
    let cookies = ActixSession::signed(old_key());
    for (old, value, elsewhere) in [
        (cookies, signed(&alice()), false),
        (records.clone(), signed("k"), false),
        (records, signed("k"), true),
    ] {
        for writes in [false, true] {
            shelf.records().insert("k".to_owned(), alice());
            let store = MemoryStore::with_clock(time.clock());
            let import = importing(ServerSide::new(store.clone()), old.clone(), &time);
            let slow = app(import.clone(), config(), &time).await;
            // Another process: it shares nothing but the stores.
            let other = if elsewhere {
                importing(ServerSide::new(store), old.clone(), &time)
            } else {
                import
            };
            let other = app(other, config(), &time).await;
            let mut early = with_old(&value);
            let logout = async {
                GATE.0.notified().await;
                assert_eq!(with_old(&value).get(&other, "/purge").await.status, 200);
                GATE.1.notify_one();
            };
            let path = if writes { "/insert-a/user/wait" } else { "/user/wait" };
            let (answer, ()) = futures_util::future::join(early.get(&slow, path), logout).await;
            if writes {
                assert_eq!((answer.status.as_u16(), answer.body.as_str()), (409, ""));
                assert_eq!((early.cookie(OLD), early.cookie(OWN)), (None, Some("ended")));
            }
            assert_logged_out(&slow, &mut early, &value).await;
            assert_logged_out(&slow, &mut with_old(&value), &value).await;
        }
    }
}

#[actix_web::test]
async fn a_session_ended_by_someone_else_does_not_come_back() {
    let time = TestClock::new();
    let value = private(&alice(), OLD);
    let old = ActixSession::private(old_key()).identity(ActixIdentity::new().owner());
    let import = importing(server_side(&time), old, &time);
    let app = app(import.clone(), config(), &time).await;
    let mut browser = with_old(&value);
    assert_eq!(browser.get(&app, "/owner").await.body, "alice");
    let listed = import.backend().sessions_of("alice").await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(import.backend().end_all("alice").await.unwrap(), 1);
    assert_logged_out(&app, &mut browser, &value).await;
}
