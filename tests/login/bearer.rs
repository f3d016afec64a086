//! Clients without cookies, whose logins are in sessions with bearer tokens.

use std::time::Duration;

use actix_http::Request;
use actix_service::Service;
use actix_web::{
    App, Error, HttpResponse,
    body::MessageBody,
    dev::ServiceResponse,
    http::header,
    test::{TestRequest, init_service},
    web,
};
use sessions::{
    MemoryStore, ServerSide, Session, SessionInterface, SessionMiddleware, test::TestClock,
};
use sessions_login::{Gate, LoggedIn, LoginSession, Logins, RecentLogin, SameOrigin};
use sessions_tests::Answer;

use crate::site::{Account, Accounts, PAGE};

#[derive(Clone, SessionInterface)]
#[session(cookie_name = "__Host-id", bearer)]
struct Api {
    backend: ServerSide<MemoryStore>,
}

#[derive(Clone, SessionInterface)]
#[session(cookie_name = "__Host-id")]
struct Pages {
    backend: ServerSide<MemoryStore>,
}

async fn log_in(
    session: Session,
    name: web::Path<String>,
    accounts: web::Data<Accounts>,
) -> actix_web::Result<String> {
    session.log_in(&accounts.named(&name))?;
    Ok(session.bearer_token().await?.as_str().to_owned())
}

async fn confirm(session: Session) -> actix_web::Result<String> {
    session.confirm()?;
    Ok(session.bearer_token().await?.as_str().to_owned())
}

async fn me(user: LoggedIn<Account>) -> String {
    user.name.clone()
}

async fn delete(user: RecentLogin<Account, 15>) -> String {
    user.name.clone()
}

async fn log_out(session: Session) -> actix_web::Result<HttpResponse> {
    session.log_out()?;
    Ok(HttpResponse::NoContent().finish())
}

async fn app(
    accounts: &Accounts,
    time: &TestClock,
) -> impl Service<Request, Response = ServiceResponse<impl MessageBody>, Error = Error> {
    let backend = ServerSide::new(MemoryStore::with_clock(time.clock()));
    let logins = Logins::new(accounts.clone()).login_page("/login").confirm_page("/confirm");
    let admin = web::scope("/admin").wrap(Gate::<Account>::allow(|user| user.name == "alice"));
    let app = App::new()
        .app_data(web::Data::new(accounts.clone()))
        .service(admin.route("/me", web::get().to(me)))
        .route("/login/{name}", web::post().to(log_in))
        .route("/confirm", web::post().to(confirm))
        .route("/logout", web::post().to(log_out))
        .route("/me", web::get().to(me))
        .route("/delete", web::get().to(delete))
        .wrap(logins)
        .wrap(SameOrigin::new())
        .wrap(SessionMiddleware::new(Api { backend }).with_clock(time.clock()));
    init_service(app).await
}

/// A client that accepts pages, too.
fn request(path: &str, token: &str) -> TestRequest {
    let request = TestRequest::with_uri(path).insert_header(PAGE);
    request.insert_header((header::AUTHORIZATION, format!("Bearer {token}")))
}

fn assert_invalid_token(answer: &Answer, what: &str) {
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (401, ""), "{what}");
    assert_eq!(answer.all(header::WWW_AUTHENTICATE), [r#"Bearer error="invalid_token""#], "{what}");
    assert_eq!(answer.all(header::LOCATION), [""; 0], "{what}");
    assert_eq!(answer.all(header::CACHE_CONTROL), ["no-store"], "{what}");
    assert_eq!(answer.all(header::VARY), ["Authorization"], "{what}");
}

#[actix_web::test]
async fn a_client_with_a_bearer_token_is_logged_in_and_never_sent_to_a_page() {
    let (accounts, time) = (Accounts::new(), TestClock::new());
    let app = app(&accounts, &time).await;
    let login = async |name: &str| {
        // Without credentials it says by `Origin` that it is no other site's form.
        let request = TestRequest::post().uri(&format!("/login/{name}"));
        let request = request.insert_header(("sec-fetch-site", "none"));
        Answer::of(&app, request).await.body
    };
    let (alice, bob) = (login("alice").await, login("bob").await);
    for (path, token, body) in
        [("/me", &bob, "bob"), ("/admin/me", &alice, "alice"), ("/delete", &bob, "bob")]
    {
        let answer = Answer::of(&app, request(path, token)).await;
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, body), "{path}");
        assert_eq!(answer.all(header::VARY), ["Authorization"], "{path}");
    }
    for path in ["/me", "/delete", "/admin/me"] {
        assert_invalid_token(&Answer::of(&app, request(path, "ses_x")).await, path);
    }
    assert_eq!(Answer::of(&app, request("/admin/me", &bob)).await.status, 403);

    time.advance(Duration::from_secs(15 * 60));
    let late = Answer::of(&app, request("/delete", &bob)).await;
    assert_eq!((late.status.as_u16(), late.all(header::LOCATION)), (403, vec![]));
    let post = |path: &str, token: &str| request(path, token).method(actix_web::http::Method::POST);
    let bob = Answer::of(&app, post("/confirm", &bob)).await.body;
    assert_eq!(Answer::of(&app, request("/delete", &bob)).await.body, "bob");

    accounts.change_password("bob", "new");
    assert_invalid_token(&Answer::of(&app, request("/me", &bob)).await, "a changed password");
    assert_eq!(Answer::of(&app, post("/logout", &alice)).await.status, 204);
    assert_invalid_token(&Answer::of(&app, request("/me", &alice)).await, "a logout");

    // Others are sent to the login page as ever.
    let nobody = Answer::of(&app, TestRequest::with_uri("/me").insert_header(PAGE)).await;
    assert_eq!(
        (nobody.status.as_u16(), nobody.all(header::LOCATION)),
        (303, vec!["/login?next=/me"])
    );
}

#[actix_web::test]
async fn a_bearer_token_beside_cookies_passes_only_where_no_session_is_read_from_them() {
    async fn send<I: SessionInterface>(
        sessions: I,
        is_outside: bool,
        headers: &[(&str, &str)],
    ) -> u16 {
        let rules = SameOrigin::new();
        let mut request = TestRequest::post().insert_header(("sec-fetch-site", "cross-site"));
        for header in headers {
            request = request.append_header(*header);
        }
        let sessions = SessionMiddleware::new(sessions);
        let handler = || web::to(async || "in");
        if is_outside {
            let app = App::new().default_service(handler()).wrap(sessions).wrap(rules);
            return Answer::of(&init_service(app).await, request).await.status.as_u16();
        }
        let app = App::new().default_service(handler()).wrap(rules).wrap(sessions);
        Answer::of(&init_service(app).await, request).await.status.as_u16()
    }
    let backend = || ServerSide::new(MemoryStore::new());
    let (api, pages) = (|| Api { backend: backend() }, || Pages { backend: backend() });
    let bearer = ("authorization", "Bearer ses_x");
    let cookie = ("cookie", "__Host-id=x");
    for is_outside in [false, true] {
        // No cookie, nothing that another site could use.
        assert_eq!(send(api(), is_outside, &[bearer]).await, 200);
        assert_eq!(send(pages(), is_outside, &[bearer]).await, 200);
        assert_eq!(send(pages(), is_outside, &[bearer, cookie]).await, 403);
        assert_eq!(send(pages(), is_outside, &[cookie]).await, 403);
        assert_eq!(send(api(), is_outside, &[cookie]).await, 403);
        assert_eq!(send(api(), is_outside, &[("authorization", "Basic YTpi"), cookie]).await, 403);
        assert_eq!(send(api(), is_outside, &[("authorization", "Basic YTpi")]).await, 403);
    }
    // The header alone counts. Outside of the session it is not known what reads the cookie.
    assert_eq!(send(api(), false, &[bearer, cookie]).await, 200);
    assert_eq!(send(api(), true, &[bearer, cookie]).await, 403);
}
