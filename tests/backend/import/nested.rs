//! An import around an import, and what backends around one see.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use actix_web::{App, test::init_service, web};
use futures_util::future::join;
use serde_json::json;
use sessions::{
    MemoryStore, ServerSide, SessionConfig, SessionInterface, SessionMiddleware, SessionState,
    backend::Backend,
    error::{OpenError, SaveError},
    import::{ActixIdentity, ActixSession, ImportActixSession},
    interface::{OpenContext, Opened, SaveContext, Saved},
    policy::{CookieName, OnSaveError},
    test::TestClock,
};
use sessions_tests::{Browser, key};

use super::{
    GATE, OLD, OWN, Shelf, act, alice, app, config, importing, named, old_key, private,
    server_side, signed, state, with_old,
};

#[derive(Clone, SessionInterface)]
#[session(secure = false)]
struct Nested {
    backend: ImportActixSession<ImportActixSession<ServerSide<MemoryStore>>>,
    config: SessionConfig,
}

#[actix_web::test]
async fn nested_imports_remove_each_its_own_cookie() {
    let time = TestClock::new();
    let inner = ActixSession::signed(old_key());
    let outer = ActixSession::private(old_key()).cookie_name(CookieName::from_static("sid"));
    for (name, value) in [(OLD, signed(&alice())), ("sid", private(&alice(), "sid"))] {
        let backend = importing(server_side(&time), inner.clone(), &time);
        let backend = importing(backend, outer.clone(), &time);
        let middleware = SessionMiddleware::new(Nested { backend, config: config() });
        let app = init_service(
            App::new().wrap(middleware.with_clock(time.clock())).default_service(web::to(act)),
        )
        .await;
        let mut browser = Browser::new();
        browser.set_cookie(name, &value);
        assert_eq!(browser.get(&app, "/user").await.body, "alice", "{name}");
        browser.set_cookie(OLD, &signed(&alice()));
        browser.set_cookie("sid", &private(&alice(), "sid"));
        let cookies = browser.get(&app, "/purge").await.cookies();
        assert_eq!(cookies.len(), 3, "{cookies:?}");
        assert_eq!(named(&cookies, OWN).unwrap().value, "ended");
        for old in [OLD, "sid"] {
            assert!(named(&cookies, old).unwrap().is_removal());
        }
        // The word `ended` stops both.
        browser.set_cookie(OLD, &signed(&alice()));
        browser.set_cookie("sid", &private(&alice(), "sid"));
        assert_eq!(browser.get(&app, "/user").await.body, "nobody");
        browser = Browser::new();
        browser.set_cookie(name, &value);
        assert_eq!(browser.get(&app, "/user").await.body, "nobody");
        // One that did not come is not removed.
        let cookies = browser.get(&app, "/purge").await.cookies();
        assert_eq!(cookies.len(), 2, "{cookies:?}");
        assert!(named(&cookies, name).unwrap().is_removal());
    }
}

/// A backend of an application that notes what saving came to.
#[derive(Clone)]
struct Noting<B> {
    backend: B,
    ended: Arc<Mutex<Vec<bool>>>,
}

impl<B: Backend> Backend for Noting<B> {
    async fn open(&self, cx: &OpenContext<'_>) -> Result<Opened<SessionState>, OpenError> {
        self.backend.open(cx).await
    }

    async fn save(&self, state: &SessionState, cx: &SaveContext<'_>) -> Result<Saved, SaveError> {
        let saved = self.backend.save(state, cx).await?;
        self.ended.lock().expect("no test panicked").push(saved.has_ended());
        Ok(saved)
    }
}

#[derive(Clone, SessionInterface)]
#[session(secure = false)]
struct Around {
    backend: Noting<ImportActixSession<ServerSide<MemoryStore>>>,
    config: SessionConfig,
}

#[actix_web::test]
async fn a_backend_around_an_import_gets_one_answer_for_a_session_that_ended() {
    let time = TestClock::new();
    let (with_cookie, without) = ("/insert-a/wait", "/login-bob/wait");
    for (path, with_old_cookie) in [(with_cookie, false), (with_cookie, true), (without, false)] {
        let old = ActixSession::signed(old_key()).identity(ActixIdentity::new().owner());
        let import = importing(server_side(&time).signed(key(1)), old, &time);
        let backend = Noting { backend: import.clone(), ended: Arc::default() };
        let around = Around { backend: backend.clone(), config: config() };
        let app = init_service(
            App::new()
                .wrap(SessionMiddleware::new(around).with_clock(time.clock()))
                .default_service(web::to(act)),
        )
        .await;
        let mut browser =
            if with_old_cookie { with_old(&signed(&alice())) } else { Browser::new() };
        let mut expected = Vec::new();
        if path == with_cookie {
            browser.get(&app, "/login-bob").await;
            expected.push(false);
        }
        let end = async {
            GATE.0.notified().await;
            time.advance(Duration::from_secs(1));
            import.backend().end_all("bob").await.unwrap();
            GATE.1.notify_one();
        };
        let (answer, ()) = join(browser.get(&app, path), end).await;
        expected.push(true);
        assert_eq!(answer.status, 409);
        assert_eq!(*backend.ended.lock().unwrap(), expected, "{path}");
    }
}

#[actix_web::test]
async fn a_failed_deletion_does_not_keep_the_old_cookie_of_a_session_that_others_emptied() {
    let time = TestClock::new();
    let shelf = Shelf::with("k", state(&json!({"a": 1, "b": 2})));
    let old = ActixSession::signed(old_key()).records(shelf.clone());
    let config = config().on_save_error(OnSaveError::Log);
    let app = app(importing(server_side(&time), old, &time), config, &time).await;
    let mut browser = with_old(&signed("k"));
    browser.get(&app, "/new").await;
    let token = browser.cookie(OWN).unwrap().to_owned();
    let mut other = Browser::new();
    other.set_cookie(OWN, &token);
    let emptied = async {
        GATE.0.notified().await;
        other.get(&app, "/remove-a").await;
        shelf.has(Some("connection refused"));
        GATE.1.notify_one();
    };
    let (answer, ()) = join(browser.get(&app, "/remove-b/wait"), emptied).await;
    assert_eq!(answer.status, 200);
    assert_eq!((browser.cookie(OLD), browser.cookie(OWN)), (None, Some("ended")));
}
