//! tower-sessions: what is asked of a store, and what becomes of the data.

use std::sync::Arc;

use axum::{http::StatusCode, routing};
use futures_util::{StreamExt, future, stream};
use sessions_peers::{
    Gate, report,
    tower::{WatchedStore, fault, get, site},
};
use tower_sessions::{Session, SessionManagerLayer};

const PEER: &str = "tower-sessions";

#[tokio::test]
async fn two_layers_hide_the_outer_session() {
    let (shop, admin) = (WatchedStore::default(), WatchedStore::default());
    let sessions = |name: &'static str, store: &WatchedStore| {
        SessionManagerLayer::new(store.clone()).with_name(name)
    };
    // The last `layer` is the outermost: a request passes `admin`, then `shop`.
    let app = site().layer(sessions("shop", &shop)).layer(sessions("admin", &admin));

    let answer = get(&app, "/login", "").await;

    assert_eq!(answer.cookie().name, "shop");
    assert_eq!((shop.writes(), admin.writes()), (1, 0));
    report(
        PEER,
        "2 two middlewares",
        "handlers reach the inner session only; the outer one is never read or written",
    );
}

#[tokio::test]
async fn loads_on_first_use_only() {
    let store = WatchedStore::default();
    let app = site().layer(SessionManagerLayer::new(store.clone()));
    let cookie = get(&app, "/login", "").await.cookie().pair();

    get(&app, "/untouched", &cookie).await;
    get(&app, "/no-such-page", &cookie).await;
    assert_eq!(store.loads(), 0);
    get(&app, "/whoami", &cookie).await;
    assert_eq!(store.loads(), 1);
    report(PEER, "3 loading", "0 loads for a page without a session, 0 for a 404, 1 for a reader");
}

#[tokio::test]
async fn a_failed_load_is_left_to_the_handler() {
    async fn lenient(session: Session) -> String {
        session.get("user").await.ok().flatten().unwrap_or_else(|| "nobody".to_owned())
    }

    let store = WatchedStore::default();
    let app = site()
        .route("/lenient", routing::get(lenient))
        .layer(SessionManagerLayer::new(store.clone()));
    let cookie = get(&app, "/login", "").await.cookie().pair();

    store.disconnect();
    let strict = get(&app, "/whoami", &cookie).await;
    let lenient = get(&app, "/lenient", &cookie).await;
    let untouched = get(&app, "/untouched", &cookie).await;

    assert_eq!(
        (strict.status, lenient.status, &*lenient.body, untouched.status),
        (500, 200, "nobody", 200)
    );
    for answer in [strict, lenient, untouched] {
        assert_eq!((answer.cookies().len(), answer.header("retry-after")), (0, None));
    }
    report(
        PEER,
        "5 failed load",
        "the accessor returns an error and the handler decides: its own status, or 200 as nobody; other pages work; no cookie",
    );
}

#[tokio::test]
async fn a_slow_request_brings_a_session_back_after_logout() {
    let (store, gate) = (WatchedStore::default(), Arc::new(Gate::default()));
    let slow = {
        let gate = Arc::clone(&gate);
        async move |session: Session| -> Result<&'static str, StatusCode> {
            session.get::<String>("user").await.map_err(fault)?;
            gate.pass().await;
            session.insert("last_page", "/slow").await.map_err(fault)?;
            Ok("at last")
        }
    };
    let app = site().route("/slow", routing::get(slow)).layer(SessionManagerLayer::new(store));
    let cookie = get(&app, "/login", "").await.cookie().pair();

    let logout = async {
        gate.arrival().await;
        let answer = get(&app, "/logout", &cookie).await;
        assert_eq!(get(&app, "/whoami", &cookie).await.body, "nobody");
        gate.open();
        answer
    };
    let (slow, logout) = future::join(get(&app, "/slow", &cookie), logout).await;

    assert!(logout.cookie().has("Max-Age=0"));
    assert_eq!(slow.cookie().pair(), cookie);
    assert_eq!(get(&app, "/whoami", &cookie).await.body, "alice");
    report(
        PEER,
        "12 resurrection",
        "a request begun before the logout writes after it: the old id is back, the old cookie is logged in again",
    );
}

#[tokio::test]
async fn concurrent_increments_are_lost() {
    async fn count(session: Session) -> Result<&'static str, StatusCode> {
        let n = session.get("n").await.map_err(fault)?.unwrap_or(0);
        session.insert("n", n + 1).await.map_err(fault)?;
        Ok("counted")
    }
    async fn total(session: Session) -> Result<String, StatusCode> {
        Ok(session.get("n").await.map_err(fault)?.unwrap_or(0).to_string())
    }

    for in_flight in [1, 10, 1000] {
        let app = site()
            .route("/count", routing::get(count))
            .route("/total", routing::get(total))
            .layer(SessionManagerLayer::new(WatchedStore::default()));
        let cookie = get(&app, "/login", "").await.cookie().pair();

        let requests =
            stream::iter(0..1000).map(|_| get(&app, "/count", &cookie)).buffer_unordered(in_flight);
        let answers: Vec<_> = requests.collect().await;
        assert!(answers.iter().all(|answer| answer.status == 200));

        let survivors: usize = get(&app, "/total", &cookie).await.body.parse().unwrap();
        // One at a time nothing is lost, so what is lost below is lost to concurrency.
        assert_eq!(survivors == 1000, in_flight == 1, "{survivors} of 1000");
        report(
            PEER,
            "13 increments",
            format!("{survivors} of 1000 survive with {in_flight} in flight, all answered 200"),
        );
    }
}
