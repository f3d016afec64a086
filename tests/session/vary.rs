//! Which methods of the handle make the response depend on the session: the table of them all.
//!
//! A method that reads and does not mark access lets a shared cache give one client's page to
//! another (CVE-2023-30861, CVE-2026-27205).

use std::{
    cell::Cell, collections::BTreeSet, fs, future::ready, path::Path, rc::Rc, time::Duration,
};

use actix_web::{
    App, HttpResponse,
    http::header,
    test::{TestRequest, init_service},
    web,
};
use futures_util::FutureExt as _;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sessions::{
    Lifetimes, Session, SessionConfig, SessionInterface, SignedCookie, test::TestClient,
};
use sessions_tests::{Answer, key, seeded};

#[derive(Default, Serialize, Deserialize)]
struct Data {
    #[serde(skip_serializing_if = "Option::is_none")]
    a: Option<Value>,
}

#[derive(Clone, SessionInterface)]
#[session(data = Data)]
struct AppSessions {
    backend: SignedCookie,
    config: SessionConfig,
}

/// A method, a use of it that changes nothing where that is possible, and whether it is access.
struct Row(&'static str, fn(&Session<AppSessions>), bool);

const TABLE: [Row; 45] = [
    Row("get", |session| _ = session.get::<Value>("a"), true),
    Row("insert", |session| _ = session.insert("a", 1), true),
    Row("remove", |session| _ = session.remove("missing"), true),
    Row("take", |session| _ = session.take::<Value>("missing"), true),
    Row("contains_key", |session| _ = session.contains_key("a"), true),
    Row("keys", |session| _ = session.keys(), true),
    Row("len", |session| _ = session.len(), true),
    Row("is_empty", |session| _ = session.is_empty(), true),
    Row("entries", |session| _ = session.entries(), true),
    Row("clear", |session| _ = session.clear(), true),
    Row("extend", |session| _ = session.extend([("a", 1)]), true),
    Row("get_or_insert_with", |session| _ = session.get_or_insert_with("a", || 1), true),
    Row("update", |session| _ = session.update("a", |a: Option<u32>| a.unwrap_or(1)), true),
    Row("update_with", |session| _ = session.update_with("a", 1, |one, _| *one), true),
    Row("read", |session| _ = session.read(|data| data.a.is_some()), true),
    Row("snapshot", |session| _ = session.snapshot(), true),
    Row("modify", |session| _ = session.modify(|data| data.a.is_some()), true),
    Row("permanent", |session| _ = session.permanent(), true),
    Row("set_permanent", |session| _ = session.set_permanent(false), true),
    Row("remembered", |session| _ = session.remembered(), true),
    Row("set_remembered", |session| _ = session.set_remembered(false), true),
    Row("lifetimes", |session| _ = session.lifetimes(), true),
    Row("set_lifetimes", |session| _ = session.set_lifetimes(Lifetimes::new()), true),
    Row("is_new", |session| _ = session.is_new(), true),
    Row("is_modified", |session| _ = session.is_modified(), false),
    Row("set_modified", |session| _ = session.set_modified(false), true),
    Row("is_accessed", |session| _ = session.is_accessed(), false),
    Row("purge", |session| _ = session.purge(), true),
    Row("renew", |session| _ = session.renew(), true),
    Row("rotate", |session| _ = session.rotate(), true),
    Row("owner", |session| _ = session.owner(), true),
    Row("owner_as", |session| _ = session.owner_as::<u64>(), true),
    Row("set_owner", |session| _ = session.set_owner("ada"), true),
    Row("set_owner_with", |session| _ = session.set_owner_with("ada", "note"), true),
    Row("login_note", |session| _ = session.login_note::<Value>(), true),
    Row("set_login_note", |session| _ = session.set_login_note("note"), true),
    Row("now", |session| _ = session.now(), false),
    Row("ended", |session| drop(session.ended(Duration::from_secs(1))), true),
    Row("save_now", |session| _ = session.save_now().now_or_never(), true),
    Row("bearer_token", |session| _ = session.bearer_token().now_or_never(), true),
    Row("transport", |session| _ = session.transport(), true),
    Row("rollback", |session| _ = session.rollback(), true),
    Row("flash", |session| _ = session.flash("info", "text"), true),
    Row("take_flashes_as", |session| _ = session.take_flashes_as::<String>(), true),
    Row("take_flashes", |session| _ = session.take_flashes(), true),
];

/// Collects the names of the public methods in the `impl` blocks of `handle`, in whichever file
/// below `folder` they are.
fn collect_methods(handle: &str, folder: &Path, methods: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("a folder that can be read") {
        let path = entry.expect("an entry of the folder").path();
        if path.is_dir() {
            collect_methods(handle, &path, methods);
            continue;
        }
        let mut inside = false;
        for line in fs::read_to_string(&path).expect("text").lines() {
            if line.starts_with("impl") {
                inside = line.contains(&format!(" {handle}<")) && !line.contains(" for ");
            } else if let Some(item) = line.trim_start().strip_prefix("pub ").filter(|_| inside)
                && let Some((_, signature)) = item.split_once("fn ")
            {
                methods.extend(signature.split(['<', '(']).next().map(str::to_owned));
            }
        }
    }
}

#[test]
fn the_table_has_a_row_for_each_public_method_of_the_handle() {
    let mut methods = BTreeSet::new();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sessions/src");
    collect_methods("Session", &source, &mut methods);
    let rows: BTreeSet<String> = TABLE.iter().map(|Row(name, ..)| (*name).to_owned()).collect();
    assert_eq!(rows, methods);
    assert_eq!(rows.len(), TABLE.len());
}

#[test]
fn the_reader_has_no_method_that_writes() {
    let mut methods = BTreeSet::new();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sessions/src");
    collect_methods("ReadSession", &source, &mut methods);
    let reads = [
        "contains_key",
        "entries",
        "get",
        "is_empty",
        "is_new",
        "keys",
        "len",
        "permanent",
        "read",
        "snapshot",
    ];
    assert_eq!(methods.iter().map(String::as_str).collect::<Vec<_>>(), reads);
}

/// Answers a request of a client whose session holds `content`; tells whether the session was
/// accessed.
async fn answer(
    config: &SessionConfig,
    content: &Value,
    act: impl Fn(&Session<AppSessions>) + Clone + 'static,
) -> (Answer, bool) {
    let sessions = AppSessions { backend: SignedCookie::new(key(1)), config: config.clone() };
    let mut request = TestRequest::default();
    if *content != json!({}) {
        request = seeded(&TestClient::new(&sessions), request, content).await;
    }
    let accessed = Rc::new(Cell::new(false));
    let seen = Rc::clone(&accessed);
    let handler = move |session: Session<AppSessions>| {
        act(&session);
        seen.set(session.is_accessed());
        ready(HttpResponse::Ok().finish())
    };
    let app = init_service(App::new().wrap(sessions).default_service(web::to(handler))).await;
    (Answer::of(&app, request).await, accessed.get())
}

#[actix_web::test]
async fn each_accessor_marks_access_and_makes_the_response_vary() {
    let config = SessionConfig::new();
    for content in [json!({}), json!({"a": 1}), json!({"a": 1, "_flashes": [["info", "old"]]})] {
        for Row(name, act, is_access) in TABLE {
            let (answer, accessed) = answer(&config, &content, act).await;
            assert_eq!(answer.status, 200, "{name}");
            assert_eq!(accessed, is_access, "{name} {content}");
            let vary: &[&str] = if is_access { &["Cookie"] } else { &[] };
            assert_eq!(answer.all(header::VARY), vary, "{name} {content}");
        }
    }
}

#[actix_web::test]
async fn debug_and_clone_are_no_access() {
    let looks = |session: &Session<AppSessions>| drop((format!("{session:?}"), session.clone()));
    let (answer, accessed) = answer(&SessionConfig::new(), &json!({"a": 1}), looks).await;
    assert!(!accessed);
    assert!(answer.all(header::VARY).is_empty());
}

#[actix_web::test]
async fn a_refreshed_or_removed_cookie_makes_the_response_vary_once() {
    let permanent = SessionConfig::new().permanent(true);
    let nothing = |_: &Session<AppSessions>| ();
    let (refreshed, accessed) = answer(&permanent, &json!({"a": 1}), nothing).await;
    assert!(!accessed);
    assert!(refreshed.cookie().is_some_and(|cookie| !cookie.is_removal()));
    assert_eq!(refreshed.all(header::VARY), ["Cookie"]);

    let purge = |session: &Session<AppSessions>| _ = session.purge().unwrap();
    let (removed, _) = answer(&permanent, &json!({"a": 1}), purge).await;
    assert!(removed.cookie().is_some_and(|cookie| cookie.is_removal()));
    assert_eq!(removed.all(header::VARY), ["Cookie"]);
}
