//! Several sessions in one application, each with its own cookie, key and backend.

use actix_http::{HttpMessage, Request};
use actix_service::Service;
use actix_web::{
    App, Error,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    middleware::{Next, from_fn},
    test::{TestRequest, init_service},
    web,
};
use serde_json::json;
use sessions::{
    OpenedSessionExt, Session, SessionConfig, SessionExt, SessionInterface, SignedCookie,
    error::ExtractError, test::TestClient,
};
use sessions_tests::{Answer, Browser, Switched, key, seeded};

#[derive(Clone, SessionInterface)]
#[session(cookie_name = "__Host-admin", samesite = "Strict")]
struct Admin {
    backend: SignedCookie,
}

#[derive(Clone, SessionInterface)]
#[session(cookie_name = "shop", permanent = true)]
struct Shop {
    backend: Switched,
}

fn admin() -> Admin {
    Admin { backend: SignedCookie::new(key(1)) }
}

fn shop() -> Shop {
    Shop { backend: Switched::new(SignedCookie::new(key(2))).0 }
}

async fn both(admin: Session<Admin>, shop: Session<Shop>) -> actix_web::Result<String> {
    let admin = admin.update("n", |n: Option<u32>| n.unwrap_or(0) + 1)?;
    let shop = shop.update("n", |n: Option<u32>| n.unwrap_or(100) + 10)?;
    Ok(format!("{admin} {shop}"))
}

/// Visits twice, and a third time after the cookie of the shop was lost.
async fn three_visits<S, B>(app: S) -> [Answer; 3]
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    let mut browser = Browser::new();
    let first = browser.get(&app, "/").await;
    let second = browser.get(&app, "/").await;
    browser.set_cookie("shop", "junk");
    [first, second, browser.get(&app, "/").await]
}

#[actix_web::test]
async fn one_handler_uses_two_sessions_whichever_is_wrapped_further_out() {
    let shop_inside = App::new().wrap(shop()).wrap(admin()).default_service(web::to(both));
    let admin_inside = App::new().wrap(admin()).wrap(shop()).default_service(web::to(both));
    let answers = [
        three_visits(init_service(shop_inside).await).await,
        three_visits(init_service(admin_inside).await).await,
    ];
    for answers in answers {
        let bodies = answers.each_ref().map(|answer| answer.body.as_str());
        assert_eq!(bodies, ["1 110", "2 120", "3 110"]);
        let mut cookies = answers[0].cookies();
        cookies.sort_by(|one, other| one.name.cmp(&other.name));
        let names: Vec<_> = cookies.iter().map(|cookie| cookie.name.as_str()).collect();
        assert_eq!(names, ["__Host-admin", "shop"]);
        assert_eq!(cookies[0].attribute("SameSite"), Some("Strict"));
        assert_eq!(cookies[0].attribute("Max-Age"), None);
        assert!(cookies[1].attribute("Max-Age").is_some());
        assert_eq!(answers[0].all("vary"), ["Cookie"]);
    }
}

#[actix_web::test]
async fn a_token_of_one_is_worth_nothing_in_the_other_even_under_one_key() {
    #[derive(Clone, SessionInterface)]
    #[session(cookie_name = "other")]
    struct Other {
        backend: SignedCookie,
    }
    async fn read(admin: Session<Admin>, other: Session<Other>) -> String {
        format!("{} {}", admin.len(), other.len())
    }
    let other = Other { backend: SignedCookie::new(key(1)) };
    let seeded = seeded(&TestClient::new(&other), TestRequest::default(), json!({"a": 1})).await;
    let token = seeded.to_request().headers().get("cookie").unwrap().to_str().unwrap().to_owned();
    let token = token.strip_prefix("other=").unwrap();
    let app = App::new().wrap(other.clone()).wrap(admin()).default_service(web::to(read));
    let app = init_service(app).await;
    let cookies = format!("other={token}; __Host-admin={token}");
    let request = TestRequest::default().insert_header(("cookie", cookies));
    assert_eq!(Answer::of(&app, request).await.body, "0 1");
}

#[actix_web::test]
async fn plain_session_is_an_error_that_names_both() {
    async fn open(
        request: ServiceRequest,
        next: Next<impl MessageBody>,
    ) -> Result<ServiceResponse<impl MessageBody>, Error> {
        let err = request.session().await.unwrap_err();
        let ExtractError::Ambiguous { inner, outer } = &err else { panic!("{err}") };
        assert!(inner.ends_with("::Shop") && outer.ends_with("::Admin"));
        let text = err.to_string();
        assert!(text.contains(inner) && text.contains(outer), "{text}");
        assert!(request.opened_session().is_none());
        next.call(request).await
    }
    async fn plain(_: Session) -> &'static str {
        "handled"
    }
    async fn optional(session: Option<Session>) -> &'static str {
        if session.is_some() { "somebody" } else { "nobody" }
    }
    let app = init_service(
        App::new()
            .wrap(from_fn(open))
            .wrap(shop())
            .wrap(admin())
            .route("/plain", web::get().to(plain))
            .route("/optional", web::get().to(optional)),
    )
    .await;
    for path in ["/plain", "/optional"] {
        let answer = Browser::new().get(&app, path).await;
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (500, ""), "{path}");
        assert_eq!(answer.cookies(), []);
    }
}

#[actix_web::test]
async fn a_scope_has_a_session_of_its_own_and_still_the_one_around_it() {
    async fn outside(session: Session) -> String {
        session.insert("seen", "outside").unwrap();
        session.len().to_string()
    }
    let app = init_service(
        App::new()
            .wrap(admin())
            .route("/", web::get().to(outside))
            .service(web::scope("/shop").wrap(shop()).route("/", web::get().to(both))),
    )
    .await;
    let mut browser = Browser::new();
    // Plain `Session` is fine where there is one.
    assert_eq!(browser.get(&app, "/").await.body, "1");
    assert_eq!(browser.get(&app, "/shop/").await.body, "1 110");
    assert_eq!(browser.get(&app, "/").await.body, "2");
}

// Two sessions in one cookie.

#[derive(Clone, SessionInterface)]
struct One {
    backend: Switched,
    config: SessionConfig,
}

#[derive(Clone, SessionInterface)]
struct Two {
    backend: Switched,
    config: SessionConfig,
}

async fn one(session: Session<One>) -> actix_web::Result<String> {
    Ok(session.update("one", |n: Option<u32>| n.unwrap_or(0) + 1)?.to_string())
}

async fn two(session: Session<Two>) -> actix_web::Result<String> {
    Ok(session.update("two", |n: Option<u32>| n.unwrap_or(0) + 1)?.to_string())
}

async fn one_then_two(request: actix_web::HttpRequest) -> actix_web::Result<String> {
    let one = request.session_of::<One>().await?;
    one.insert("one", 1)?;
    let err = request.session_of::<Two>().await.expect_err("two in one cookie");
    // The handle that was there already neither panics nor says that all is well.
    assert!(one.is_empty());
    assert!(one.insert("one", 2).is_err());
    Ok(err.to_string())
}

#[actix_web::test]
async fn two_sessions_in_one_cookie_are_an_empty_500_and_nothing_is_saved() {
    let (first, first_switches) = Switched::new(SignedCookie::new(key(1)));
    let (second, second_switches) = Switched::new(SignedCookie::new(key(1)));
    let one_sessions = One { backend: first, config: SessionConfig::new() };
    let two_sessions = Two { backend: second, config: SessionConfig::new() };
    let app = init_service(
        App::new().wrap(one_sessions).route("/alone", web::get().to(one)).service(
            web::scope("/scope")
                .wrap(two_sessions)
                .route("/one", web::get().to(one))
                .route("/two", web::get().to(two))
                .route("/both", web::get().to(one_then_two))
                .route("/none", web::get().to(|| async { "untouched" })),
        ),
    )
    .await;
    let mut browser = Browser::new();
    for path in ["/scope/one", "/scope/two", "/scope/both"] {
        let answer = browser.get(&app, path).await;
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (500, ""), "{path}");
        assert_eq!(answer.cookies(), [], "{path}");
    }
    assert_eq!((first_switches.counts().1, second_switches.counts().1), (0, 0));
    // Where there is one, and where none is used, nothing is wrong.
    assert_eq!(browser.get(&app, "/alone").await.body, "1");
    assert_eq!(browser.get(&app, "/scope/none").await.body, "untouched");
}

#[actix_web::test]
async fn the_same_interface_wrapped_twice_is_refused_too() {
    let sessions = One { backend: shop().backend, config: SessionConfig::new() };
    let app = App::new().wrap(sessions.clone()).wrap(sessions).default_service(web::to(one));
    let app = init_service(app).await;
    let answer = Browser::new().get(&app, "/").await;
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (500, ""));
}

#[actix_web::test]
async fn one_name_with_two_paths_is_fine_for_requests_that_use_one() {
    let path = |path: &str| {
        SessionConfig::new().cookie_path(path.parse::<sessions::policy::CookiePath>().unwrap())
    };
    let one_sessions = One { backend: shop().backend, config: path("/") };
    let two_sessions = Two { backend: admin_like(), config: path("/scope") };
    let app = init_service(
        App::new().wrap(one_sessions).route("/", web::get().to(one)).service(
            web::scope("/scope")
                .wrap(two_sessions)
                .route("/one", web::get().to(one))
                .route("/two", web::get().to(two))
                .route("/both", web::get().to(one_then_two)),
        ),
    )
    .await;
    let outside = Browser::new().get(&app, "/").await;
    assert_eq!(outside.cookie().unwrap().attribute("Path"), Some("/"));
    let inside = Browser::new().get(&app, "/scope/two").await;
    assert_eq!(inside.cookie().unwrap().attribute("Path"), Some("/scope"));
    let around = Browser::new().get(&app, "/scope/one").await;
    assert_eq!(around.cookie().unwrap().attribute("Path"), Some("/"));
    // A response must not set one cookie twice.
    let both = Browser::new().get(&app, "/scope/both").await;
    assert_eq!((both.status.as_u16(), both.body.as_str()), (500, ""));
    assert_eq!(both.cookies(), []);
}

fn admin_like() -> Switched {
    Switched::new(SignedCookie::new(key(3))).0
}
