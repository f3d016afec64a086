//! tower-sessions: how cookies are read, written and configured, and what the client gets.

use axum::{
    Router,
    http::{HeaderName, Request, StatusCode, header::COOKIE},
    routing,
};
use sessions_peers::{
    report,
    tower::{WatchedStore, fault, get, send, site},
};
use tower_sessions::{
    Expiry, MemoryStore, Session, SessionManagerLayer,
    cookie::{SameSite, time::Duration},
};

const PEER: &str = "tower-sessions";

fn sessions() -> SessionManagerLayer<MemoryStore> {
    SessionManagerLayer::new(MemoryStore::default())
}

#[tokio::test]
async fn accepts_a_percent_encoded_name_as_a_host_cookie() {
    let app = site().layer(sessions().with_name("__Host-id"));
    let value = get(&app, "/login", "").await.cookie().value;

    let encoded = get(&app, "/whoami", format!("__%48ost-id={value}")).await;
    let spaced = get(&app, "/whoami", format!("\u{2003}__Host-id={value}")).await;
    let nameless = get(&app, "/whoami", format!("=__Host-id={value}")).await;

    assert_eq!((&*encoded.body, &*spaced.body, &*nameless.body), ("alice", "alice", "nobody"));
    report(
        PEER,
        "1 cookie name",
        "`__%48ost-id` and U+2003 before `__Host-id` are accepted as `__Host-id`; `=__Host-id=…` is refused",
    );
}

#[tokio::test]
async fn reads_the_last_cookie_of_its_name_only() {
    let app = site().layer(sessions());
    let valid = get(&app, "/login", "").await.cookie().pair();

    let junk_first = get(&app, "/whoami", format!("id=junk; {valid}")).await;
    let junk_last = get(&app, "/whoami", format!("{valid}; id=junk")).await;

    assert_eq!((&*junk_first.body, &*junk_last.body), ("alice", "nobody"));
    report(
        PEER,
        "6 junk cookie",
        "junk first, valid second: logged in; valid first, junk second: logged out",
    );
}

#[tokio::test]
async fn loses_the_session_in_a_line_that_is_not_utf_8() {
    let app = site().layer(sessions());
    let valid = get(&app, "/login", "").await.cookie().pair();

    let same_line = get(&app, "/whoami", [b"theme=\xff; ", valid.as_bytes()].concat()).await;
    let lines = Request::get("/whoami").header(COOKIE, valid).header(COOKIE, &b"theme=\xff"[..]);
    let own_line = send(&app, lines).await;

    assert_eq!((&*same_line.body, &*own_line.body), ("nobody", "alice"));
    report(
        PEER,
        "7 non-UTF-8 neighbour",
        "logged out in the same `Cookie` line; logged in when it has a line of its own",
    );
}

#[tokio::test]
async fn never_varies_by_cookie() {
    let refreshing =
        sessions().with_expiry(Expiry::OnInactivity(Duration::days(1))).with_always_save(true);
    let app = site().layer(refreshing);

    let written = get(&app, "/login", "").await;
    let cookie = written.cookie().pair();
    let read = get(&app, "/whoami", &cookie).await;
    let refreshed = get(&app, "/untouched", &cookie).await;
    let removed = get(&app, "/logout", &cookie).await;

    assert_eq!((&*read.body, refreshed.cookies().len(), removed.cookies().len()), ("alice", 1, 1));
    for answer in [written, read, refreshed, removed] {
        assert_eq!(answer.header("vary"), None);
    }
    report(
        PEER,
        "8 `Vary: Cookie`",
        "absent when the session was read, written, refreshed or removed",
    );
}

#[tokio::test]
async fn says_nothing_to_caches() {
    async fn cached(
        session: Session,
    ) -> Result<([(HeaderName, &'static str); 1], &'static str), StatusCode> {
        session.insert("user", "alice").await.map_err(fault)?;
        Ok(([(axum::http::header::CACHE_CONTROL, "public, max-age=3600")], "for all"))
    }

    let app = site().route("/cached", routing::get(cached)).layer(sessions());

    let silent = get(&app, "/login", "").await;
    let public = get(&app, "/cached", "").await;

    assert_eq!((silent.cookies().len(), silent.header("cache-control")), (1, None));
    assert_eq!(
        (public.cookies().len(), public.header("cache-control")),
        (1, Some("public, max-age=3600"))
    );
    report(
        PEER,
        "9 `Cache-Control`",
        "absent beside `Set-Cookie`; a handler's `public, max-age=3600` is left beside it",
    );
}

#[tokio::test]
async fn builds_cookies_which_browsers_refuse() {
    let cross_site = site().layer(sessions().with_same_site(SameSite::None).with_secure(false));
    let cookie = get(&cross_site, "/login", "").await.cookie();
    assert!(cookie.has("SameSite=None") && !cookie.has("Secure"), "{cookie:?}");
    report(PEER, "10 contradictions", "`SameSite=None` without `Secure`: built and sent");

    let host = sessions()
        .with_name("__Host-id")
        .with_domain("example.com")
        .with_path("/app")
        .with_secure(false);
    let cookie = get(&site().layer(host), "/login", "").await.cookie();
    assert_eq!(cookie.name, "__Host-id");
    assert!(
        cookie.has("Domain=example.com") && cookie.has("Path=/app") && !cookie.has("Secure"),
        "{cookie:?}"
    );
    report(
        PEER,
        "10 contradictions",
        "`__Host-` with `Domain`, `Path=/app` and without `Secure`: built and sent",
    );

    let injected = sessions().with_domain("example.com; Max-Age=34560000");
    let cookie = get(&site().layer(injected), "/login", "").await.cookie();
    assert!(cookie.has("Max-Age=34560000"), "{cookie:?}");
    report(PEER, "10 contradictions", "a `;` in the domain is sent as it is and adds an attribute");
}

#[tokio::test]
async fn the_cookie_does_not_grow_with_the_session() {
    async fn fill(session: Session) -> Result<&'static str, StatusCode> {
        session.insert("k", "a".repeat(100_000)).await.map_err(fault)?;
        Ok("filled")
    }

    let app = Router::new().route("/fill", routing::get(fill)).layer(sessions());

    let answer = get(&app, "/fill", "").await;

    assert_eq!((answer.status, answer.cookie().size()), (200, 24));
    report(
        PEER,
        "11 large cookie",
        "not applicable, the cookie holds an id: 24 bytes with 100,000 letters; no limit on the record",
    );
}

#[tokio::test]
async fn writing_a_value_again_does_nothing() {
    let store = WatchedStore::default();
    let app = site().layer(SessionManagerLayer::new(store.clone()));
    let cookie = get(&app, "/login", "").await.cookie().pair();

    let again = get(&app, "/login", cookie).await;

    assert_eq!((again.status, again.cookies().len(), store.writes()), (200, 0, 1));
    report(PEER, "14 equal value", "writing the value which is already there: no cookie, no write");
}
