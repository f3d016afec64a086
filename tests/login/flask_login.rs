//! Logins of Flask-Login in a session that a Flask application shares. What Flask itself makes of them is in
//! the twin test.

use actix_http::Request;
use actix_service::Service;
use actix_web::{
    App, Error, HttpRequest, Responder,
    body::MessageBody,
    dev::ServiceResponse,
    error::ErrorUnauthorized,
    http::header,
    test::{TestRequest, init_service},
    web,
};
use serde_json::{Value, json};
use sessions::{Session, SessionMiddleware, test::TestClock};
use sessions_login::{
    FlaskLogin, LoggedIn, LoginDevice, LoginSession, Logins, RecentLogin, SessionProtection,
};
use sessions_tests::{Browser, SharedSessions};

use crate::site::{Account, Accounts};

/// An application beside Flask, and its clock.
struct Twin {
    logins: Logins<Accounts>,
    time: TestClock,
}

impl Twin {
    fn new(protection: SessionProtection) -> Self {
        let login = FlaskLogin::new().session_protection(protection);
        Self {
            logins: Logins::new(Accounts::new()).flask_login(login).devices(),
            time: TestClock::new(),
        }
    }

    async fn app(
        &self,
    ) -> impl Service<Request, Response = ServiceResponse<impl MessageBody>, Error = Error> {
        let sessions = SessionMiddleware::new(SharedSessions::new()).with_clock(self.time.clock());
        init_service(
            App::new()
                .app_data(web::Data::new(Accounts::new()))
                .route("/flask", web::post().to(flask))
                .route("/keys", web::get().to(keys))
                .route("/login/{name}", web::post().to(login))
                .route("/logout", web::post().to(logout))
                .route("/confirm", web::post().to(confirm))
                .route("/me", web::get().to(me))
                .route("/recent", web::get().to(recent))
                .route("/saved", web::get().to(saved))
                .wrap(self.logins.clone())
                .wrap(sessions),
        )
        .await
    }
}

/// Does to the session what Flask does: inserts these keys, and removes those that are null.
async fn flask(session: Session, keys: web::Json<Value>) -> actix_web::Result<String> {
    for (key, value) in keys.as_object().expect("keys") {
        match (key.as_str(), value) {
            ("_permanent", value) => session.set_permanent(value == true)?,
            (key, Value::Null) => _ = session.remove(key)?,
            (key, value) => session.insert(key, value)?,
        }
    }
    Ok(String::new())
}

/// Returns the keys that Flask sees.
async fn keys(session: Session) -> actix_web::Result<impl Responder> {
    Ok(web::Json(session.entries()?))
}

async fn login(
    session: Session,
    name: web::Path<String>,
    accounts: web::Data<Accounts>,
) -> actix_web::Result<&'static str> {
    session.log_in(&accounts.named(&name))?;
    Ok("in")
}

async fn logout(session: Session) -> actix_web::Result<String> {
    Ok(format!("{:?}", session.log_out()?))
}

async fn confirm(session: Session) -> actix_web::Result<&'static str> {
    session.confirm().map_err(ErrorUnauthorized)?;
    Ok("confirmed")
}

async fn me(user: Option<LoggedIn<Account>>, session: Session) -> String {
    let device = session.device().map(|device| format!(" with {device}")).unwrap_or_default();
    user.map_or_else(|| "nobody".to_owned(), |user| format!("{}{device}", user.name))
}

async fn recent(user: RecentLogin<Account, 15>) -> String {
    user.name.clone()
}

/// Saves the session, and asks who is logged in after that.
async fn saved(session: Session, request: HttpRequest) -> actix_web::Result<String> {
    use actix_web::FromRequest as _;

    session.insert("a", 1)?;
    session.save_now().await?;
    let user = Option::<LoggedIn<Account>>::extract(&request).await?;
    Ok(user.map_or_else(|| "nobody".to_owned(), |user| user.name.clone()))
}

const CURL: (header::HeaderName, &str) = (header::USER_AGENT, "curl");
/// `hashlib.sha512(b"None|b'curl'").hexdigest()`: tests have no connection.
const ID_OF_CURL: &str = "27d24282f430ac00c4b17a229948034b51cdafc0423001caedd39c7467328234\
     9ccb4c8e348221270b6047d588c19f8f08374fd1b8e709f320bf21e5b0cfa2dc";

async fn send<S, B>(browser: &mut Browser, app: &S, line: &str, user_agent: &str) -> (u16, String)
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    let (method, path) = line.split_once(' ').expect("a method and a path");
    let method = method.parse().expect("a method");
    let request = TestRequest::default().method(method).uri(path);
    let request = request.append_header((header::USER_AGENT, user_agent));
    let answer = browser.send(app, request).await;
    (answer.status.as_u16(), answer.body)
}

async fn as_flask<S, B>(browser: &mut Browser, app: &S, keys: Value)
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    let request = TestRequest::post().uri("/flask").append_header(CURL).set_json(keys);
    assert_eq!(browser.send(app, request).await.status, 200);
}

/// Returns the keys of the session, without our note.
async fn keys_of<S, B>(browser: &mut Browser, app: &S) -> Value
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    let (_, text) = send(browser, app, "GET /keys", "curl").await;
    let mut keys: Value = serde_json::from_str(&text).expect("JSON");
    keys.as_object_mut().expect("keys").remove("_login");
    keys
}

#[actix_web::test]
async fn a_login_of_flask_is_one_here_and_recent_once_it_is_confirmed_here() {
    let twin = Twin::new(SessionProtection::Off);
    let app = twin.app().await;
    let mut browser = Browser::new();
    as_flask(&mut browser, &app, json!({"_user_id": "alice", "_fresh": true, "_id": "x"})).await;
    let ask = async |browser: &mut Browser, line| send(browser, &app, line, "curl").await;
    assert_eq!(ask(&mut browser, "GET /me").await.1, "alice");
    assert_eq!(ask(&mut browser, "GET /recent").await.0, 403);
    assert_eq!(ask(&mut browser, "POST /confirm").await.1, "confirmed");
    assert_eq!(ask(&mut browser, "GET /recent").await, (200, "alice".to_owned()));
    twin.time.advance(std::time::Duration::from_secs(15 * 60));
    assert_eq!(ask(&mut browser, "GET /recent").await.0, 403);
    assert_eq!(ask(&mut browser, "GET /me").await.1, "alice");
    // Ids that `get_id` returned as numbers, of users who are none, and of no type that it returns.
    for (id, user) in [(json!(7), "nobody"), (json!("eve"), "nobody"), (json!([]), "nobody")] {
        as_flask(&mut browser, &app, json!({"_user_id": id})).await;
        assert_eq!(ask(&mut browser, "GET /me").await.1, user);
    }
    // Nobody confirms nothing.
    assert_eq!(ask(&mut Browser::new(), "POST /confirm").await.0, 401);
}

#[actix_web::test]
async fn a_proof_is_of_its_user_and_of_a_fresh_login() {
    let twin = Twin::new(SessionProtection::Off);
    let app = twin.app().await;
    let changes = [
        (json!({}), 200),
        // Flask logged another user in, or took the user from its own cookie.
        (json!({"_user_id": "bob", "_fresh": true}), 403),
        (json!({"_fresh": false}), 403),
        (json!({"_fresh": null}), 403),
        (json!({"_fresh": 1}), 403),
        (json!({"_user_id": null, "_fresh": null, "_id": null}), 401),
    ];
    for (change, status) in changes {
        let mut browser = Browser::new();
        send(&mut browser, &app, "POST /login/alice", "curl").await;
        as_flask(&mut browser, &app, change.clone()).await;
        let (got, _) = send(&mut browser, &app, "GET /recent", "curl").await;
        assert_eq!(got, status, "{change}");
    }
}

#[actix_web::test]
async fn a_login_here_writes_what_flask_login_reads_and_a_logout_removes_it() {
    let twin = Twin::new(SessionProtection::Strong);
    let app = twin.app().await;
    let mut browser = Browser::new();
    as_flask(&mut browser, &app, json!({"cart": 1})).await;
    send(&mut browser, &app, "POST /login/alice", "curl").await;
    let logged_in = json!({"_user_id": "alice", "_fresh": true, "_id": ID_OF_CURL, "cart": 1});
    assert_eq!(keys_of(&mut browser, &app).await, logged_in);
    assert_eq!(send(&mut browser, &app, "GET /me", "curl").await.1, "alice with curl");
    let (_, outcome) = send(&mut browser, &app, "POST /logout", "curl").await;
    assert_eq!(outcome, "CookieRemoved");
    assert_eq!(keys_of(&mut browser, &app).await, json!({"cart": 1}));
    let (_, keys) = send(&mut browser, &app, "GET /keys", "curl").await;
    assert!(!keys.contains("_login"), "{keys}");

    // With Flask-Login's cookie, Flask is told to remove it.
    send(&mut browser, &app, "POST /login/alice", "curl").await;
    as_flask(&mut browser, &app, json!({"_remember": "set", "_remember_seconds": 60.0})).await;
    browser.set_cookie("remember_token", "alice|0");
    send(&mut browser, &app, "POST /logout", "curl").await;
    assert_eq!(keys_of(&mut browser, &app).await, json!({"cart": 1, "_remember": "clear"}));
    for name in ["remember_tokens", "xremember_token"] {
        let mut browser = Browser::new();
        browser.set_cookie(name, "alice|0");
        send(&mut browser, &app, "POST /login/alice", "curl").await;
        send(&mut browser, &app, "POST /logout", "curl").await;
        assert_eq!(keys_of(&mut browser, &app).await, json!({}), "{name}");
    }
}

#[actix_web::test]
async fn of_another_user_s_session_nothing_is_left() {
    let twin = Twin::new(SessionProtection::Basic);
    let app = twin.app().await;
    let mut browser = Browser::new();
    as_flask(&mut browser, &app, json!({"_user_id": "alice", "_fresh": true, "cart": 1})).await;
    browser.set_cookie("remember_token", "alice|0");
    send(&mut browser, &app, "POST /login/bob", "curl").await;
    let keys = keys_of(&mut browser, &app).await;
    let bob = json!({"_user_id": "bob", "_fresh": true, "_id": ID_OF_CURL, "_remember": "clear"});
    assert_eq!(keys, bob, "alice is not remembered either");
}

#[actix_web::test]
async fn the_protections_are_those_of_flask_login() {
    use SessionProtection::{Basic, Off, Strong};

    // What another client gets, and whether the login is fresh for it.
    let rows = [
        (Off, false, "alice", json!(true)),
        (Basic, false, "alice", json!(false)),
        (Basic, true, "alice", json!(false)),
        (Strong, true, "alice", json!(false)),
        (Strong, false, "nobody", Value::Null),
    ];
    for (protection, is_permanent, user, fresh) in rows {
        let twin = Twin::new(protection);
        let app = twin.app().await;
        let mut browser = Browser::new();
        as_flask(&mut browser, &app, json!({"cart": 1})).await;
        if is_permanent {
            as_flask(&mut browser, &app, json!({"_permanent": true})).await;
        }
        send(&mut browser, &app, "POST /login/alice", "curl").await;
        as_flask(&mut browser, &app, json!({"_remember": "set", "next": "/"})).await;
        for _ in 0..2 {
            let (_, body) = send(&mut browser, &app, "GET /me", "curl").await;
            assert_eq!(body, "alice with curl", "{protection:?}");
        }
        let (_, seen) = send(&mut browser, &app, "GET /me", "Firefox").await;
        assert_eq!(seen.split(' ').next(), Some(user), "{protection:?} {is_permanent}");
        // The first client, too, has what is left.
        let keys = keys_of(&mut browser, &app).await;
        assert_eq!(keys["_fresh"], fresh, "{protection:?} {is_permanent}");
        let (status, _) = send(&mut browser, &app, "GET /recent", "curl").await;
        let recent = if user == "nobody" {
            401
        } else if fresh == true {
            200
        } else {
            403
        };
        assert_eq!(status, recent, "{protection:?} {is_permanent}");
        if user == "nobody" {
            assert_eq!(keys, json!({"_remember": "clear", "cart": 1}));
        }
    }
}

#[actix_web::test]
async fn a_session_that_is_saved_keeps_its_protection() {
    for (protection, user) in
        [(SessionProtection::Basic, "alice"), (SessionProtection::Strong, "nobody")]
    {
        let twin = Twin::new(protection);
        let app = twin.app().await;
        let mut browser = Browser::new();
        send(&mut browser, &app, "POST /login/alice", "curl").await;
        assert_eq!(send(&mut browser, &app, "GET /saved", "curl").await.1, "alice");
        assert_eq!(send(&mut browser, &app, "GET /saved", "Firefox").await.1, user);
    }
}
