//! Two applications on one localhost.

include!(concat!(env!("OUT_DIR"), "/localhost.rs"));

use actix_http::Request;
use actix_service::Service;
use actix_web::{
    App, Error, HttpRequest, Result, body::MessageBody, dev::ServiceResponse, test::init_service,
    web,
};
use sessions::{
    Session, SessionConfig,
    policy::{CookieName, CookiePath},
};
use sessions_tests::{AppSessions, Jar, key};

/// Inserts what the path ends in, and says whose keys the session has.
async fn visit(request: HttpRequest, session: Session) -> Result<String> {
    let keys = session.keys().join(" ");
    let (_, word) = request.path().rsplit_once('/').expect("a path has a slash");
    if word != "read" {
        session.insert(word, true)?;
    }
    Ok(keys)
}

async fn application(
    sessions: AppSessions,
) -> impl Service<Request, Response = ServiceResponse<impl MessageBody>, Error = Error> {
    init_service(App::new().wrap(sessions).default_service(web::to(visit))).await
}

fn named(
    name: &'static str,
    number: u8,
    change: fn(SessionConfig) -> SessionConfig,
) -> AppSessions {
    let config = change(SessionConfig::new().cookie_name(CookieName::from_static(name)));
    AppSessions { backend: SignedCookie::new(key(number)), config }
}

/// Visits the shop and then the office. Returns what the office opens, and what the shop has afterwards.
async fn both(shop: AppSessions, office: AppSessions, paths: [&str; 2]) -> [String; 2] {
    let (shop, office) = (application(shop).await, application(office).await);
    let mut jar = Jar::new();
    jar.get(&shop, &format!("{}/cart", paths[0])).await;
    let opened = jar.get(&office, &format!("{}/desk", paths[1])).await.body;
    [opened, jar.get(&shop, &format!("{}/read", paths[0])).await.body]
}

#[actix_web::test]
async fn two_applications_on_one_host_share_what_they_do_not_keep_apart() {
    let same: fn(SessionConfig) -> SessionConfig = |config| config;
    let salted: fn(SessionConfig) -> SessionConfig = |config| config.salt("office");
    let below_shop: fn(SessionConfig) -> SessionConfig =
        |config| config.cookie_path(CookiePath::from_static("/shop"));
    let below_office: fn(SessionConfig) -> SessionConfig =
        |config| config.cookie_path(CookiePath::from_static("/office"));
    let rows = [
        ("the same name and key", named("session", 1, same), ["", ""], ["cart", "cart desk"]),
        ("other keys", named("session", 2, same), ["", ""], ["", ""]),
        ("another salt", named("session", 1, salted), ["", ""], ["", ""]),
        ("another name", named("office", 1, same), ["", ""], ["", "cart"]),
        ("another path", named("session", 1, below_office), ["/shop", "/office"], ["", "cart"]),
        (
            "a path, and a page below it",
            named("session", 1, same),
            ["/shop", "/shop"],
            ["cart", "cart desk"],
        ),
    ];
    for (what, office, paths, expected) in rows {
        let shop = named("session", 1, if paths[0].is_empty() { same } else { below_shop });
        assert_eq!(both(shop, office, paths).await, expected, "{what}");
    }
}

#[actix_web::test]
async fn two_names_keep_two_applications_apart() {
    let shop = ShopSessions { backend: SignedCookie::new(key(1)) };
    let office = OfficeSessions { backend: SignedCookie::new(key(1)) };
    let shop = init_service(App::new().wrap(shop).default_service(web::to(visit))).await;
    let office = init_service(App::new().wrap(office).default_service(web::to(visit))).await;
    let mut jar = Jar::new();
    jar.get(&shop, "/cart").await;
    assert_eq!(jar.get(&office, "/desk").await.body, "");
    assert_eq!(jar.get(&shop, "/read").await.body, "cart");
    assert_eq!(jar.get(&office, "/read").await.body, "desk");
}
