//! What is not let in: expired, forged and foreign cookies, a store in trouble, weak keys.

use std::time::{Duration, Instant};

use serde_json::json;
use sessions::{
    MemoryStore, ServerSide, SessionInterface,
    import::{ActixIdentity, ActixSession, ActixSessionKey, ImportActixSession},
    policy::{CookieName, ImportMode},
    test::TestClock,
};
use sessions_tests::{Browser, Logged};

use super::{
    OLD, OWN, Shelf, alice, app, app_of, config, importing, in_cookies, old_bytes, old_key,
    private, server_side, signed, state, unix, with_old,
};

#[actix_web::test]
async fn old_sessions_that_are_over_stay_out() {
    let time = TestClock::new();
    let now = unix(&time);
    let hour = Duration::from_secs(3_600);
    let dated = |logged_in: u64, visited: u64| {
        state(&json!({
            "actix_identity.user_id": "alice",
            "actix_identity.logged_in_at": now - logged_in,
            "actix_identity.last_visited_at": now - visited,
        }))
    };
    let login = ActixIdentity::new().login_deadline(hour);
    let visit = ActixIdentity::new().visit_deadline(hour);
    let anyone = ActixIdentity::new();
    let absolute = config().absolute_timeout(hour);
    let idle = config().idle_timeout(hour);
    let cases = [
        (&login, config(), dated(3_599, 9_999), "alice"),
        (&login, config(), dated(3_600, 0), "nobody"),
        // Without a time the deadline has passed.
        (&login, config(), alice(), "nobody"),
        (&visit, config(), dated(9_999, 3_599), "alice"),
        (&visit, config(), dated(0, 3_600), "nobody"),
        (&anyone, config(), dated(999_999, 999_999), "alice"),
        (&anyone, absolute.clone(), dated(3_599, 0), "alice"),
        (&anyone, absolute.clone(), dated(3_600, 0), "nobody"),
        (&anyone, absolute, alice(), "alice"),
        (&anyone, idle.clone(), dated(9_999, 3_599), "alice"),
        (&anyone, idle, dated(9_999, 3_600), "nobody"),
    ];
    for (identity, config, content, user) in cases {
        let old = ActixSession::signed(old_key()).identity(identity.clone());
        for kept in [false, true] {
            let mut browser = with_old(&signed(&content));
            let body = if kept {
                let import = importing(server_side(&time), old.clone(), &time);
                let app = app(import, config.clone(), &time).await;
                browser.get(&app, "/user").await.body
            } else {
                let import = importing(in_cookies(), old.clone(), &time);
                let app = app(import, config.clone(), &time).await;
                browser.get(&app, "/user").await.body
            };
            assert_eq!(body, user, "{content}");
        }
    }
}

#[actix_web::test]
async fn nothing_is_taken_over_when_the_import_is_over() {
    let time = TestClock::new();
    let until = time.clock().now() + Duration::from_secs(60);
    let import = ImportActixSession::new(in_cookies(), ActixSession::signed(old_key()), until);
    let app = app(import, config(), &time).await;
    let value = signed(&alice());
    time.advance(Duration::from_secs(59));
    let mut early = with_old(&value);
    assert_eq!(early.get(&app, "/user").await.body, "alice");
    time.advance(Duration::from_secs(1));
    assert_eq!(with_old(&value).get(&app, "/user").await.body, "nobody");
    assert_eq!(early.get(&app, "/user").await.body, "alice");
    early.get(&app, "/purge").await;
    assert_eq!((early.cookie(OLD), early.cookie(OWN)), (None, None));
}

#[actix_web::test]
async fn a_bad_old_cookie_is_no_session() {
    let time = TestClock::new();
    let good = [signed(&alice()), private(&alice(), OLD)];
    let mut bad = vec![
        String::new(),
        "junk".to_owned(),
        "%ff%fe".to_owned(),
        "é".to_owned(),
        "%".repeat(4_000),
        "A".repeat(44),
        signed("[]"),
        signed("{}"),
        signed("{\"a\":1}"),
        signed(&"x".repeat(4_065)),
        private(&alice(), "other"),
        private("", OLD),
        good[0].clone() + "x",
        format!("{}x", &good[0]),
        good[0].replacen('A', "B", 1).replacen('e', "f", 1),
    ];
    for value in &good {
        for at in 0..value.len() {
            for other in [b'A', b'0', b'%'] {
                let mut bytes = value.clone().into_bytes();
                if bytes[at] == other {
                    continue;
                }
                bytes[at] = other;
                bad.push(String::from_utf8(bytes).unwrap());
            }
            bad.push(value[..at].to_owned());
        }
    }
    let logged = Logged::start();
    let mut tried = 0;
    for old in [ActixSession::signed(old_key()), ActixSession::private(old_key())] {
        let import = importing(in_cookies(), old, &time);
        let app = app(import.clone(), config(), &time).await;
        for value in &bad {
            let answer = with_old(value).get(&app, "/user").await;
            assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, "nobody"), "{value}");
            assert!(answer.cookies().is_empty());
            tried += 1;
        }
    }
    println!("{tried} bad cookies of actix-session, 0 accepted");
    for line in logged.take() {
        assert!(!line.text.contains("alice"), "{line:?}");
    }
}

#[actix_web::test]
async fn each_mode_opens_its_own_cookies_only() {
    let time = TestClock::new();
    let other: Vec<u8> = old_bytes().into_iter().rev().collect();
    let other = ActixSessionKey::from_bytes(&other).unwrap();
    let modes = [
        (ActixSession::signed(old_key()), signed(&alice())),
        (ActixSession::private(old_key()), private(&alice(), OLD)),
        (
            ActixSession::private(old_key()).cookie_name(CookieName::from_static("sid")),
            private(&alice(), "sid"),
        ),
        (ActixSession::signed(other), "none".to_owned()),
    ];
    for (mode, (old, _)) in modes.iter().enumerate() {
        let import = importing(in_cookies(), old.clone(), &time);
        let app = app(import, config(), &time).await;
        for (other, (_, value)) in modes.iter().enumerate() {
            for name in [OLD, "sid"] {
                let mut browser = Browser::new();
                browser.set_cookie(name, value);
                let user = browser.get(&app, "/user").await.body;
                let right = mode == other && mode < 3 && (name == "sid") == (mode == 2);
                assert_eq!(user == "alice", right, "{mode} {other} {name}");
            }
        }
    }
}

#[actix_web::test]
async fn an_old_store_in_trouble_is_an_error_in_time() {
    let time = TestClock::new();
    let shelf = Shelf::with("k", alice());
    let old = ActixSession::signed(old_key())
        .records(shelf.clone())
        .with_call_deadline(Duration::from_millis(50));
    let app = app(importing(in_cookies(), old, &time), config(), &time).await;
    for trouble in ["connection refused", "hangs"] {
        shelf.has(Some(trouble));
        let mut browser = with_old(&signed("k"));
        let start = Instant::now();
        let answer = browser.get(&app, "/user").await;
        assert!(start.elapsed() < Duration::from_secs(1));
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (503, ""));
        assert!(answer.cookies().is_empty());
        // Clients without an old cookie do not notice.
        assert_eq!(Browser::new().get(&app, "/insert-a/user").await.body, "nobody");
        shelf.has(None);
        assert_eq!(browser.get(&app, "/user").await.body, "alice");
    }
}

#[actix_web::test]
async fn a_record_that_is_gone_or_no_session_is_none() {
    let time = TestClock::new();
    for record in ["", "[]", "{\"a\":{}}", "not JSON", "{}"] {
        let shelf = Shelf::with("k", record.to_owned());
        let old = ActixSession::signed(old_key()).records(shelf.clone());
        let import = importing(in_cookies(), old, &time);
        let app = app(import.clone(), config().import(ImportMode::Move), &time).await;
        for session_key in ["k", "gone"] {
            let answer = with_old(&signed(session_key)).get(&app, "/read").await;
            assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, "{}"), "{record}");
            assert!(answer.cookies().is_empty());
        }
        assert_eq!(shelf.records().len(), 1);
    }
}

#[test]
fn keys_are_those_of_the_cookie_crate_and_no_weaker_than_ours() {
    assert!(ActixSessionKey::from_bytes(&old_bytes()[..63]).is_err());
    assert!(ActixSessionKey::from_bytes(&[0; 64]).is_err());
    assert!(ActixSessionKey::for_interoperation(&[0; 64]).is_ok());
    assert!(ActixSessionKey::for_interoperation(&[0; 63]).is_err());
    assert!(ActixSessionKey::derive_from(&old_bytes()[..31]).is_err());
    assert!(ActixSessionKey::derive_from(&[7; 32]).is_err());
    assert!(ActixSessionKey::derive_from(&old_bytes()[..32]).is_ok());
    let shown = format!("{:?}", ActixSession::signed(old_key()));
    assert!(!shown.contains("bytes"), "{shown}");
}

#[derive(Clone, SessionInterface)]
#[session(cookie_name = "app", secure = false, bearer)]
struct Api {
    backend: ImportActixSession<ServerSide<MemoryStore>>,
}

/// Script in a page would trade it for a token that it can send anywhere.
#[actix_web::test]
async fn no_bearer_token_is_handed_out_for_an_old_cookie() {
    let time = TestClock::new();
    let old = ActixSession::signed(old_key());
    let api = Api { backend: importing(server_side(&time), old, &time) };
    let app = app_of(api, &time).await;
    let mut browser = with_old(&signed(&alice()));
    for path in ["/token", "/insert-a/token"] {
        let answer = browser.get(&app, path).await;
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (403, ""), "{path}");
        assert_eq!(browser.get(&app, "/user").await.body, "alice", "{path}");
    }
}
