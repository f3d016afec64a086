//! The keys with an underscore in front: those of the framework, and `_permanent`.

use actix_web::{App, test::init_service, web};
use sessions::{Session, SessionConfig, SessionError};
use sessions_tests::{AppSessions, Browser};

#[actix_web::test]
async fn the_keys_of_logins_are_refused_by_every_write() {
    async fn refused(session: Session) -> String {
        session.insert("a", 1).expect("it is writable");
        for key in
            ["_started", "_owner", "_owner_since", "_login", "_remembered", "_lifetimes", "_seal"]
        {
            let results = [
                session.insert(key, 1),
                session.extend([("b", 1), (key, 1)]),
                session.remove(key).map(drop),
                session.take::<u64>(key).map(drop),
                session.update(key, |n: Option<u64>| n.unwrap_or(1)).map(drop),
                session.update_with(key, 1, |one, _: Option<u64>| *one).map(drop),
                session.get_or_insert_with(key, || 1).map(drop),
            ];
            for result in results {
                let err = result.expect_err(key);
                assert!(
                    matches!(&err, SessionError::ReservedKey { key: named } if **named == *key),
                    "{key}: {err}"
                );
            }
        }
        session.keys().join(" ")
    }
    let app = App::new().wrap(AppSessions::signed(SessionConfig::new()));
    let app = init_service(app.default_service(web::to(refused))).await;
    assert_eq!(Browser::new().get(&app, "/").await.body, "a");
}

#[actix_web::test]
async fn a_visitor_whose_session_stays_empty_gets_no_cookie_where_sessions_are_permanent() {
    async fn write(session: Session) -> actix_web::Result<&'static str> {
        session.insert("a", 1)?;
        Ok("written")
    }
    async fn read(session: Session) -> String {
        format!("{} {}", session.permanent(), session.is_empty())
    }
    let sessions = AppSessions::signed(SessionConfig::new().permanent(true));
    let app = App::new().wrap(sessions).route("/write", web::get().to(write));
    let app = init_service(app.route("/read", web::get().to(read))).await;
    let mut browser = Browser::new();
    let answer = browser.get(&app, "/read").await;
    assert_eq!((answer.body.as_str(), answer.cookie()), ("true true", None));
    let written = browser.get(&app, "/write").await;
    assert!(written.cookie().expect("a session").attribute("Max-Age").is_some());
}
