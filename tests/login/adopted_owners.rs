//! Owners of sessions that were logged in before this crate was, and stay logged in.

use std::time::Duration;

use actix_web::{App, test::init_service, web};
use base64::{Engine, engine::general_purpose::STANDARD};
use futures_util::future::join;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sessions::{
    MemoryStore, ServerSide, Session, SessionMiddleware,
    import::{ActixIdentity, ActixSession, ActixSessionKey, ImportActixSession},
};
use sessions_tests::{Browser, Mode, key};
use sha2::Sha256;

use crate::site::{Site, post};

const MINUTE: Duration = Duration::from_secs(60);

/// Gives a browser a session whose owner is alice, as an application without logins does.
async fn own(site: &Site<Mode>, browser: &mut Browser) {
    async fn own(session: Session) -> actix_web::Result<&'static str> {
        session.set_owner("alice")?;
        Ok("owned")
    }
    let sessions = SessionMiddleware::new(site.sessions.clone()).with_clock(site.time.clock());
    let app = App::new().route("/own", web::get().to(own)).wrap(sessions);
    assert_eq!(browser.get(&init_service(app).await, "/own").await.body, "owned");
}

#[actix_web::test]
async fn an_owner_is_adopted_until_that_time_and_its_stamp_counts_from_then_on() {
    for mode in Mode::all(key(1)) {
        let name = mode.name();
        let site = Site::new(mode);
        let until = site.time.now() + 60 * MINUTE;
        let app = site.app_with(site.logins().adopt_owners_until(until)).await;
        let [mut alice, mut late] = [Browser::new(), Browser::new()];
        own(&site, &mut alice).await;
        own(&site, &mut late).await;
        assert_eq!(alice.get(&app, "/me").await.body, "alice", "{name}");
        assert_eq!(alice.get(&app, "/delete").await.status, 403, "{name}: not recent");
        site.time.advance(60 * MINUTE);
        assert_eq!(late.get(&app, "/maybe").await.body, "nobody", "{name}");
        assert_eq!(alice.get(&app, "/me").await.body, "alice", "{name}: noted");
        assert_eq!(post(&mut alice, &app, "/confirm").await.status, 303, "{name}");
        assert_eq!(alice.get(&app, "/delete").await.body, "alice is deleted", "{name}");
        site.accounts.change_password("alice", "new");
        assert_eq!(alice.get(&app, "/maybe").await.body, "nobody", "{name}");
    }
}

#[actix_web::test]
async fn the_requests_of_one_page_adopt_its_session_together() {
    let [.., mode] = Mode::all(key(1));
    let site = Site::new(mode);
    let until = site.time.now() + MINUTE;
    let app = site.app_with(site.logins().adopt_owners_until(until)).await;
    let mut alice = Browser::new();
    own(&site, &mut alice).await;
    let token = alice.cookie("session").expect("a session").to_owned();
    let mut other = Browser::new();
    other.set_cookie("session", &token);
    let (one, two) = join(alice.get(&app, "/me"), other.get(&app, "/me")).await;
    for answer in [one, two, alice.get(&app, "/me").await] {
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, "alice"));
    }
    assert_eq!(alice.cookie("session"), Some(&*token));
}

#[actix_web::test]
async fn a_user_of_actix_identity_stays_logged_in() {
    let master: Vec<u8> =
        (0..64_u32).map(|n| (n * 151 % 251).try_into().expect("a byte")).collect();
    let old = ActixSession::signed(ActixSessionKey::from_bytes(&master).expect("a strong key"));
    let old = old.identity(ActixIdentity::new().owner());
    let content = json!({"actix_identity.user_id": "\"alice\""}).to_string();
    let mut mac = Hmac::<Sha256>::new_from_slice(&master[..32]).expect("any length");
    mac.update(content.as_bytes());
    let cookie = STANDARD.encode(mac.finalize().into_bytes()) + &content;
    let cookie = cookie.bytes().fold(String::new(), |cookie, byte| format!("{cookie}%{byte:02X}"));

    for adopts in [true, false] {
        let until = std::time::SystemTime::now() + Duration::from_secs(400 * 24 * 3_600);
        let backend = ServerSide::new(MemoryStore::new());
        let site = Site::new(ImportActixSession::new(backend, old.clone(), until));
        let logins = site.logins();
        let logins = if adopts { logins.adopt_owners_until(until) } else { logins };
        let app = site.app_with(logins).await;
        let mut browser = Browser::new();
        browser.set_cookie("id", &cookie);
        for _ in 0..2 {
            let user = browser.get(&app, "/maybe").await.body;
            assert_eq!(user, if adopts { "alice" } else { "nobody" });
        }
        browser.set_cookie("id", "");
        let user = browser.get(&app, "/maybe").await.body;
        assert_eq!(user, if adopts { "alice" } else { "nobody" });
    }
}
