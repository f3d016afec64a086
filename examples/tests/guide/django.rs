//! The view that was one of Django.

include!(concat!(env!("OUT_DIR"), "/django.rs"));

use actix_web::{App, get, test::TestRequest, test::init_service};
use sessions::{MemoryStore, ServerSide, SessionInterface};
use sessions_login::{LoginSession, Logins, Users};
use sessions_tests::{Initiator, Jar};

#[derive(Clone, SessionInterface)]
struct AppSessions {
    backend: ServerSide<MemoryStore>,
}

#[derive(Clone)]
struct Accounts;

impl Users for Accounts {
    type User = Account;

    async fn find(&self, id: &str) -> Result<Option<Account>> {
        let id = id.parse().ok();
        Ok(id.map(|id| Account { id, password_hash: "a hash".to_owned() }))
    }
}

#[post("/login")]
async fn login(session: Session) -> Result<&'static str> {
    session.log_in(&Account { id: 7, password_hash: "a hash".to_owned() })?;
    Ok("in")
}

#[get("/cart")]
async fn show(session: Session) -> Result<String> {
    let cart: BTreeMap<String, u32> = session.get("cart")?.unwrap_or_default();
    Ok(format!("{cart:?} {:?}", session.take_flashes()?))
}

#[actix_web::test]
async fn a_product_is_added_and_told_once_and_only_for_users() {
    let sessions = AppSessions { backend: ServerSide::new(MemoryStore::new()) };
    let app = App::new().service((login, add, show)).wrap(Logins::new(Accounts)).wrap(sessions);
    let app = init_service(app).await;
    let mut jar = Jar::new();
    let refused = jar.send(&app, TestRequest::post(), "/add/tea", Initiator::OurSite).await;
    assert_eq!(refused.status, 401);

    jar.send(&app, TestRequest::post(), "/login", Initiator::OurSite).await;
    for _ in 0..2 {
        let added = jar.send(&app, TestRequest::post(), "/add/tea", Initiator::OurSite).await;
        assert_eq!((added.status.as_u16(), added.all("location")), (303, vec!["/cart"]));
    }
    let told = r#"("success", "tea is in the cart.")"#;
    assert_eq!(jar.get(&app, "/cart").await.body, format!(r#"{{"tea": 2}} [{told}, {told}]"#));
    assert_eq!(jar.get(&app, "/cart").await.body, r#"{"tea": 2} []"#);
}
