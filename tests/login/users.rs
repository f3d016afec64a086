//! Who is logged in: found by the session's owner, with the stamp of the login.

use actix_web::test::TestRequest;
use sessions::backend::Backend;
use sessions_tests::{Answer, Browser, Mode, key};

use crate::site::{Site, log_in, post};

/// A user logs in, is known, and logs out.
pub(crate) async fn logs_in_and_out<B: Backend + Clone>(backend: B, name: &str) {
    let site = Site::new(backend);
    let app = site.app().await;
    let mut browser = Browser::new();
    assert_eq!(browser.get(&app, "/maybe").await.body, "nobody", "{name}");
    assert_eq!(browser.get(&app, "/me").await.status, 401, "{name}");
    log_in(&mut browser, &app, "alice").await;
    assert_eq!(browser.get(&app, "/me").await.body, "alice", "{name}");
    assert_eq!(browser.get(&app, "/maybe").await.body, "alice", "{name}");
    log_in(&mut browser, &app, "bob").await;
    assert_eq!(browser.get(&app, "/me").await.body, "bob", "{name}");
    assert_eq!(post(&mut browser, &app, "/logout").await.status, 200, "{name}");
    assert_eq!(browser.get(&app, "/maybe").await.body, "nobody", "{name}");
}

/// A user who changes the password stays logged in there, and nowhere else.
pub(crate) async fn a_changed_password_ends_the_others<B: Backend + Clone>(backend: B, name: &str) {
    let site = Site::new(backend);
    let app = site.app().await;
    let (mut one, mut two, mut bob) = (Browser::new(), Browser::new(), Browser::new());
    log_in(&mut one, &app, "alice").await;
    log_in(&mut two, &app, "alice").await;
    log_in(&mut bob, &app, "bob").await;
    assert_eq!(post(&mut one, &app, "/password/new").await.body, "changed", "{name}");
    assert_eq!(one.get(&app, "/me").await.body, "alice", "{name}");
    assert_eq!(two.get(&app, "/maybe").await.body, "nobody", "{name}");
    assert_eq!(two.get(&app, "/me").await.status, 401, "{name}");
    assert_eq!(bob.get(&app, "/me").await.body, "bob", "{name}");
    log_in(&mut two, &app, "alice").await;
    assert_eq!(two.get(&app, "/me").await.body, "alice", "{name}");
}

#[actix_web::test]
async fn a_user_logs_in_is_known_and_logs_out_in_every_backend() {
    for mode in Mode::all(key(1)).into_iter().chain([Mode::flask(key(1))]) {
        let name = mode.name();
        logs_in_and_out(mode, name).await;
    }
}

#[actix_web::test]
async fn a_changed_password_ends_all_other_sessions_in_every_backend() {
    for mode in Mode::all(key(1)).into_iter().chain([Mode::flask(key(1))]) {
        let name = mode.name();
        a_changed_password_ends_the_others(mode, name).await;
    }
}

#[actix_web::test]
async fn who_is_no_user_any_more_is_nobody() {
    let [mode, ..] = Mode::all(key(1));
    let site = Site::new(mode);
    let app = site.app().await;
    let mut browser = Browser::new();
    log_in(&mut browser, &app, "bob").await;
    site.accounts.remove("bob");
    assert_eq!(browser.get(&app, "/maybe").await.body, "nobody");
}

#[actix_web::test]
async fn a_login_gives_the_session_a_token_that_nobody_planted() {
    for mode in Mode::all(key(1)) {
        let name = mode.name();
        let site = Site::new(mode);
        let app = site.app().await;
        let mut attacker = Browser::new();
        let form = TestRequest::post().uri("/forge").set_form([("cart", "1")]);
        attacker.send(&app, form).await;
        let planted = attacker.cookie("session").expect("a session").to_owned();
        let mut victim = Browser::new();
        victim.set_cookie("session", &planted);
        log_in(&mut victim, &app, "alice").await;
        assert_ne!(victim.cookie("session"), Some(&*planted), "{name}");
        assert_eq!(attacker.get(&app, "/maybe").await.body, "nobody", "{name}");
    }
}

#[actix_web::test]
async fn an_owner_without_a_login_of_ours_is_nobody() {
    use actix_web::{App, test::init_service, web};
    use sessions::{Session, SessionConfig};
    use sessions_login::{LoggedIn, Logins};
    use sessions_tests::AppSessions;

    use crate::site::{Account, Accounts};

    async fn set_owner(session: Session) -> actix_web::Result<&'static str> {
        session.set_owner("alice")?;
        Ok("set")
    }
    async fn set_note(session: Session) -> actix_web::Result<&'static str> {
        session.set_owner_with("alice", "a note of the application's own")?;
        Ok("set")
    }
    async fn maybe(user: Option<LoggedIn<Account>>) -> String {
        user.is_some().to_string()
    }
    let app = App::new()
        .route("/owner", web::get().to(set_owner))
        .route("/note", web::get().to(set_note))
        .route("/maybe", web::get().to(maybe))
        .wrap(Logins::new(Accounts::new()))
        .wrap(AppSessions::signed(SessionConfig::new()));
    let app = init_service(app).await;
    for path in ["/owner", "/note"] {
        let mut browser = Browser::new();
        assert_eq!(browser.get(&app, path).await.body, "set");
        assert_eq!(browser.get(&app, "/maybe").await.body, "false");
    }
}

#[actix_web::test]
async fn a_request_that_changes_its_user_sees_the_change() {
    let [mode, ..] = Mode::all(key(1));
    let site = Site::new(mode);
    let app = site.app().await;
    let mut browser = Browser::new();
    log_in(&mut browser, &app, "alice").await;
    let seen = browser.get(&app, "/changed").await.body;
    assert_eq!(seen, "alice, bob, nobody is logged in");
}

#[actix_web::test]
async fn no_write_of_keys_forges_a_login() {
    for mode in Mode::all(key(1)) {
        let name = mode.name();
        let site = Site::new(mode);
        let app = site.app().await;
        let mut browser = Browser::new();
        let forged = [
            ("_login", r#"{"proved":1767225600,"stamp":""}"#),
            ("_owner", r#""alice""#),
            ("harmless", "1"),
        ];
        let form = TestRequest::post().uri("/forge").set_form(forged);
        assert_eq!(browser.send(&app, form).await.body, "false false true", "{name}");
        assert_eq!(browser.get(&app, "/maybe").await.body, "nobody", "{name}");
    }
}

#[actix_web::test]
async fn an_application_with_several_sessions_names_the_one_of_its_logins() {
    use actix_web::{App, test::init_service, web};
    use sessions::{MemoryStore, Session, SessionConfig};
    use sessions_login::{LoggedIn, LoginSession, Logins};
    use sessions_tests::{AppSessions, StoredSessions};

    use crate::site::{Account, Accounts};

    type Kept = StoredSessions<MemoryStore>;

    async fn login(
        session: Session<Kept>,
        accounts: web::Data<Accounts>,
    ) -> actix_web::Result<&'static str> {
        session.log_in(&accounts.named("alice"))?;
        Ok("in")
    }
    async fn me(user: LoggedIn<Account>) -> String {
        user.name.clone()
    }
    let accounts = Accounts::new();
    let app = App::new()
        .app_data(web::Data::new(accounts.clone()))
        .route("/login", web::get().to(login))
        .route("/me", web::get().to(me))
        .wrap(Logins::new(accounts).in_session::<Kept>())
        .wrap(AppSessions::signed(SessionConfig::new()))
        .wrap(Kept::new(MemoryStore::new()));
    let app = init_service(app).await;
    let mut browser = Browser::new();
    assert_eq!(browser.get(&app, "/login").await.body, "in");
    assert_eq!(browser.get(&app, "/me").await.body, "alice");
    assert_eq!(Answer::of(&app, TestRequest::get().uri("/me")).await.status, 401);
}
