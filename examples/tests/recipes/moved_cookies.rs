//! The cookie gets another domain or path.

include!(concat!(env!("OUT_DIR"), "/moved_cookies.rs"));

use actix_http::Request;
use actix_service::Service;
use actix_web::{App, Result, middleware::from_fn, test::init_service, web};
use sessions::Session;
use sessions_tests::{Jar, SetCookie, key};

const FORMER: &str = "session=a-former-token; Domain=example.com; Path=/; Secure; HttpOnly";

async fn count(session: Session) -> Result<String> {
    Ok(session.update("n", |n: Option<u32>| n.unwrap_or(0) + 1)?.to_string())
}

fn sessions() -> AppSessions {
    AppSessions { backend: SignedCookie::new(key(1)) }
}

/// Visits twice with the former cookie in the jar. Returns the names of what the second request sends.
async fn visit<S, B>(app: S, former: &str) -> (Vec<String>, Vec<String>)
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    let mut jar = Jar::new();
    jar.keep(SetCookie::parse(former));
    let first = jar.get(&app, "/").await;
    let names =
        |cookies: Vec<&SetCookie>| cookies.iter().map(|cookie| cookie.name.clone()).collect();
    let sent = names(jar.sent_to("/"));
    let second = jar.get(&app, "/").await;
    (vec![first.body, second.body], sent)
}

#[actix_web::test]
async fn a_former_cookie_opens_nothing_and_is_removed_beside_the_new_one() {
    let inside = App::new().wrap(from_fn(remove_former)).wrap(sessions());
    let outside = App::new().wrap(sessions()).wrap(from_fn(remove_former));
    let apps = (
        init_service(inside.default_service(web::to(count))).await,
        init_service(outside.default_service(web::to(count))).await,
    );
    for (bodies, sent) in [visit(apps.0, FORMER).await, visit(apps.1, FORMER).await] {
        assert_eq!(bodies, ["1", "2"]);
        assert_eq!(sent, ["__Host-app"]);
    }
}

#[actix_web::test]
async fn a_removal_is_for_one_domain_and_path() {
    for former in [
        "session=x; Path=/; Secure",
        "session=x; Domain=www.example.com; Path=/; Secure",
        "session=x; Domain=example.com; Path=/app; Secure",
    ] {
        let app = App::new().wrap(from_fn(remove_former)).wrap(sessions());
        let app = init_service(app.default_service(web::to(count))).await;
        let mut jar = Jar::new();
        jar.keep(SetCookie::parse(former));
        jar.get(&app, "/app").await;
        assert_eq!(jar.sent_to("/app").len(), 2, "{former} stays");
    }
}

#[actix_web::test]
async fn a_cookie_of_the_session_s_own_name_is_the_session_s() {
    #[derive(Clone, SessionInterface)]
    struct SameName {
        backend: SignedCookie,
    }
    let sessions = || SameName { backend: SignedCookie::new(key(1)) };
    let app = App::new().wrap(from_fn(remove_former)).wrap(sessions());
    let app = init_service(app.default_service(web::to(count))).await;
    let mut jar = Jar::new();
    jar.keep(SetCookie::parse(FORMER));
    let answer = jar.get(&app, "/").await;
    assert!(!answer.cookie().expect("the session's").is_removal());
    assert_eq!(jar.sent_to("/").len(), 2, "the former one stays");
}
