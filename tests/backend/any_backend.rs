//! A backend that is chosen at run time.

use std::{env, sync::Arc};

use actix_web::{App, test::init_service, web};
use sessions::{
    AnyBackend, MemoryStore, ServerSide, Session, SessionInterface, SignedCookie,
    session::PurgeOutcome,
};
use sessions_tests::{Browser, key};

#[derive(Clone, Debug, SessionInterface)]
#[session(cookie_name = "app", secure = false)]
struct Chosen {
    backend: AnyBackend,
}

/// The choice of an application, by the variable `SESSIONS_TESTS_BACKEND`.
fn choose() -> AnyBackend {
    match env::var("SESSIONS_TESTS_BACKEND").as_deref() {
        Ok("memory") => AnyBackend::new(ServerSide::new(MemoryStore::new())),
        _ => AnyBackend::new(SignedCookie::new(key(1))),
    }
}

async fn count(session: Session) -> actix_web::Result<String> {
    Ok(session.update("n", |n: Option<u32>| n.unwrap_or(0) + 1)?.to_string())
}

async fn leave(session: Session) -> actix_web::Result<String> {
    Ok(format!("{:?}", session.purge()?))
}

/// Counts to two and leaves; returns the length of the token, and the outcome of leaving.
async fn lived(backend: AnyBackend) -> (usize, String) {
    let chosen = Chosen { backend };
    let app = init_service(
        App::new()
            .wrap(chosen.clone())
            .route("/count", web::get().to(count))
            .route("/leave", web::get().to(leave)),
    )
    .await;
    let mut browser = Browser::new();
    for n in ["1", "2"] {
        assert_eq!(browser.get(&app, "/count").await.body, n);
    }
    let length = browser.cookie("app").expect("it was set").len();
    (length, browser.get(&app, "/leave").await.body)
}

#[actix_web::test]
async fn an_application_chooses_by_its_environment() {
    // Where the variable is set, a process of its own chooses the other one.
    let memory = env::var_os("SESSIONS_TESTS_BACKEND").is_some();
    let (length, ending) = lived(choose()).await;
    if memory {
        assert_eq!((length, ending), (45, format!("{:?}", PurgeOutcome::TokenRevoked)));
        return;
    }
    assert_eq!(ending, format!("{:?}", PurgeOutcome::CookieRemoved));
    assert!(length > 45);
    let child = std::process::Command::new(env::current_exe().unwrap())
        .args(["--exact", "any_backend::an_application_chooses_by_its_environment"])
        .env("SESSIONS_TESTS_BACKEND", "memory")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success() && said.contains("1 passed"), "{said}");
}

#[actix_web::test]
async fn clones_share_the_backend_and_say_which_it_is() {
    let store = Arc::new(MemoryStore::new());
    let backend = AnyBackend::new(ServerSide::new(Arc::clone(&store)));
    lived(backend.clone()).await;
    let debug = format!("{backend:?}");
    assert!(debug.contains("ServerSide") && debug.contains("MemoryStore"), "{debug}");
}
