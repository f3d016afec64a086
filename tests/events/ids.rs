//! Ids in lines: the same for the same session, and worth nothing to who reads them.

use actix_web::{
    App, HttpRequest,
    http::header::COOKIE,
    test::{TestRequest, init_service},
    web,
};
use sessions::{KeyRing, MemoryStore, ServerSide, Session, SessionMiddleware, SharedKeys};
use sessions_tests::{Answer, Line, Logged, StoredSessions, key};

async fn act(session: Session, request: HttpRequest) -> actix_web::Result<String> {
    match request.path() {
        "/login" => session.set_owner("alice")?,
        "/rotate" => session.rotate()?,
        "/purge" => drop(session.purge()?),
        _ => session.insert("n", 1)?,
    }
    Ok(String::new())
}

/// A browser's walk through an application whose requests each reach another process.
async fn walk(processes: &[ServerSide<MemoryStore>], paths: &[&str]) -> Vec<Line> {
    let logged = Logged::start();
    let mut cookie = None;
    for (at, path) in paths.iter().enumerate() {
        let backend = processes[at % processes.len()].clone();
        let sessions = StoredSessions { backend };
        let app = App::new().wrap(SessionMiddleware::new(sessions));
        let app = init_service(app.default_service(web::to(act))).await;
        let mut request = TestRequest::with_uri(path);
        if let Some(cookie) = &cookie {
            request = request.append_header((COOKIE, format!("id={cookie}")));
        }
        let answer = Answer::of(&app, request).await;
        assert_eq!(answer.status, 200, "{path}");
        if let Some(set) = answer.cookie() {
            cookie = Some(set.value);
        }
    }
    logged.take()
}

/// Returns the values of a field, without repetitions.
fn values(lines: &[Line], name: &str) -> Vec<String> {
    let fields = lines.iter().flat_map(|line| &line.fields);
    let mut values: Vec<_> =
        fields.filter(|(field, _)| *field == name).map(|(_, value)| value.clone()).collect();
    values.dedup();
    values
}

const PATHS: [&str; 5] = ["/n", "/login", "/rotate", "/n", "/purge"];

#[actix_web::test]
async fn a_session_keeps_its_id_through_logins_and_in_every_process_with_the_key() {
    let store = MemoryStore::new();
    let signed = || ServerSide::new(store.clone()).signed(key(1));
    let fixed = || ServerSide::new(store.clone()).with_log_key(key(2));
    let both = || fixed().signed(key(1));
    let other_order = || signed().with_log_key(key(2));
    for processes in [[signed(), signed()], [fixed(), fixed()], [both(), other_order()]] {
        let lines = walk(&processes, &PATHS).await;
        let events: Vec<_> = lines.iter().filter_map(|line| line.event.as_deref()).collect();
        let expected = ["session.created", "session.renewed", "session.renewed", "session.ended"];
        assert_eq!(events, expected);
        let (session, owner) = (values(&lines, "session"), values(&lines, "owner"));
        assert_eq!((session.len(), owner.len()), (1, 1), "{lines:?}");
        assert_ne!(session, owner);
        // Another session has another id, and its owner the same.
        let others = walk(&processes, &PATHS).await;
        assert_ne!(values(&others, "session"), session);
        assert_eq!(values(&others, "owner"), owner);
    }
    // Without keys each process has ids of its own.
    let lines =
        walk(&[ServerSide::new(store.clone()), ServerSide::new(store.clone())], &PATHS).await;
    assert_eq!(values(&lines, "session").len(), 3, "{lines:?}");
}

#[actix_web::test]
async fn ids_change_with_the_current_key_unless_they_have_a_key_of_their_own() {
    for is_fixed in [false, true] {
        let keys = SharedKeys::new(key(1));
        let backend = ServerSide::new(MemoryStore::new()).signed(keys.clone());
        let backend = if is_fixed { backend.with_log_key(key(9)) } else { backend };
        let before = walk(std::slice::from_ref(&backend), &["/login"]).await;
        keys.replace(KeyRing::new(key(1)).with_next(key(2)));
        let prepared = walk(std::slice::from_ref(&backend), &["/login"]).await;
        assert_eq!(values(&before, "owner"), values(&prepared, "owner"));
        keys.replace(KeyRing::new(key(2)).with_fallback(key(1)));
        let after = walk(std::slice::from_ref(&backend), &["/login"]).await;
        assert_eq!(values(&before, "owner") == values(&after, "owner"), is_fixed);
    }
}

#[actix_web::test]
async fn no_line_shows_the_key_of_a_record_or_an_owner() {
    let backend = ServerSide::new(MemoryStore::new()).signed(key(1));
    let mut lines = walk(std::slice::from_ref(&backend), &["/login"]).await;
    let sessions = backend.sessions_of("alice").await.expect("the store works");
    let record = sessions[0].id();
    let logged = Logged::start();
    backend.end_all("alice").await.expect("the store works");
    lines.extend(logged.take());
    assert!(lines.len() >= 3, "{lines:?}");
    for line in lines {
        let shown = format!("{line:?}");
        assert!(!shown.contains(&record), "{shown}");
        assert!(!shown.contains("alice"), "{shown}");
    }
}
