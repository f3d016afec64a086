//! actix-session: what is asked of a store, and what becomes of the data.

use std::collections::HashMap;

use actix_session::{Session, SessionMiddleware};
use actix_web::{App, Error, test, web};
use futures_util::{StreamExt, future, stream};
use sessions_peers::{
    Gate,
    actix::{MemoryStore, get, key, site},
    report,
};

const PEER: &str = "actix-session";

#[actix_web::test]
async fn two_middlewares_share_one_session() {
    async fn all(session: Session) -> String {
        let mut entries: Vec<_> =
            session.entries().iter().map(|(key, value)| format!("{key}={value}")).collect();
        entries.sort();
        entries.join(" ")
    }
    async fn put(
        session: Session,
        pair: web::Path<(String, String)>,
    ) -> Result<&'static str, Error> {
        let (key, value) = pair.into_inner();
        session.insert(key, value)?;
        Ok("kept")
    }

    let (shop, admin) = (MemoryStore::default(), MemoryStore::default());
    let sessions = |name: &str, store: &MemoryStore| {
        SessionMiddleware::builder(store.clone(), key()).cookie_name(name.to_owned()).build()
    };
    let routes = |config: &mut web::ServiceConfig| {
        config.route("/all", web::get().to(all)).route("/put/{key}/{value}", web::get().to(put));
    };
    let shop_alone =
        test::init_service(App::new().wrap(sessions("shop", &shop)).configure(routes)).await;
    let admin_alone =
        test::init_service(App::new().wrap(sessions("admin", &admin)).configure(routes)).await;
    // The last `wrap` is the outermost: a request passes `admin`, then `shop`.
    let both =
        App::new().wrap(sessions("shop", &shop)).wrap(sessions("admin", &admin)).configure(routes);
    let both = test::init_service(both).await;
    let record = |store: &MemoryStore| {
        store.with(|shelf| {
            shelf.records.values().map(|record| format!("{record:?}")).collect::<Vec<_>>().join(" ")
        })
    };

    let fresh = get(&both, "/put/user/alice", "").await;
    assert_eq!(fresh.cookie().name, "shop");
    report(
        PEER,
        "2 two middlewares",
        "new client, one write: only the inner cookie is set, only the inner record is made",
    );
    shop.with(|shelf| shelf.records.clear());

    let shop_cookie = get(&shop_alone, "/put/user/alice", "").await.cookie().pair();
    let admin_cookie = get(&admin_alone, "/put/role/root", "").await.cookie().pair();
    let cookies = format!("{shop_cookie}; {admin_cookie}");
    let seen = get(&both, "/all", &cookies).await.body;
    assert_eq!(seen, r#"role="root" user="alice""#);
    report(
        PEER,
        "2 two middlewares",
        format!("client with both cookies: the handler sees one session, {seen}"),
    );

    let written = get(&both, "/put/n/1", &cookies).await;
    assert_eq!(written.cookies().len(), 2);
    assert_eq!(record(&admin), "{}");
    assert_eq!(shop.with(|shelf| shelf.records.values().next().map(HashMap::len)), Some(3));
    assert_eq!(
        get(&shop_alone, "/all", shop_cookie).await.body,
        r#"n="1" role="root" user="alice""#
    );
    assert_eq!(get(&admin_alone, "/all", admin_cookie).await.body, "");
    report(
        PEER,
        "2 two middlewares",
        "one write: the inner record gets everything (`role` too), the outer record is overwritten with `{}`",
    );
}

#[actix_web::test]
async fn loads_on_every_request_with_a_cookie() {
    let store = MemoryStore::default();
    let app = test::init_service(
        App::new().wrap(SessionMiddleware::new(store.clone(), key())).configure(site),
    )
    .await;
    let cookie = get(&app, "/login", "").await.cookie().pair();
    let loads = || store.with(|shelf| std::mem::take(&mut shelf.loads));
    loads();

    for page in ["/untouched", "/no-such-page", "/whoami"] {
        get(&app, page, &cookie).await;
        assert_eq!(loads(), 1, "{page}");
    }
    for cookie in ["", "id=junk"] {
        get(&app, "/untouched", cookie).await;
        assert_eq!(loads(), 0, "{cookie}");
    }
    report(
        PEER,
        "3 loading",
        "1 load for a page without a session, 1 for a 404, 1 for a reader; 0 without a cookie that verifies",
    );
}

#[actix_web::test]
async fn a_slow_request_brings_a_session_back_after_logout() {
    async fn slow(session: Session, gate: web::Data<Gate>) -> Result<&'static str, Error> {
        gate.pass().await;
        session.insert("last_page", "/slow")?;
        Ok("at last")
    }

    let (store, gate) = (MemoryStore::default(), web::Data::new(Gate::default()));
    let app = App::new()
        .app_data(gate.clone())
        .wrap(SessionMiddleware::new(store.clone(), key()))
        .configure(site)
        .route("/slow", web::get().to(slow));
    let app = test::init_service(app).await;
    let cookie = get(&app, "/login", "").await.cookie().pair();

    let logout = async {
        gate.arrival().await;
        let answer = get(&app, "/logout", &cookie).await;
        assert_eq!(store.with(|shelf| shelf.records.len()), 0);
        gate.open();
        answer
    };
    let (slow, logout) = future::join(get(&app, "/slow", &cookie), logout).await;

    assert!(logout.cookie().has("Max-Age=0"));
    assert_eq!(store.with(|shelf| shelf.records.len()), 1);
    assert_eq!(get(&app, "/whoami", &cookie).await.body, "nobody");
    assert_eq!(get(&app, "/whoami", slow.cookie().pair()).await.body, "alice");
    report(
        PEER,
        "12 resurrection",
        "a request begun before the logout writes after it: 1 record back under a new id, its cookie is logged in",
    );
}

#[actix_web::test]
async fn concurrent_increments_are_lost() {
    async fn count(session: Session) -> Result<&'static str, Error> {
        let n = session.get("n")?.unwrap_or(0);
        session.insert("n", n + 1)?;
        Ok("counted")
    }
    async fn total(session: Session) -> Result<String, Error> {
        Ok(session.get("n")?.unwrap_or(0).to_string())
    }

    for in_flight in [1, 10, 1000] {
        let app = App::new()
            .wrap(SessionMiddleware::new(MemoryStore::default(), key()))
            .configure(site)
            .route("/count", web::get().to(count))
            .route("/total", web::get().to(total));
        let app = test::init_service(app).await;
        let cookie = get(&app, "/login", "").await.cookie().pair();

        let requests =
            stream::iter(0..1000).map(|_| get(&app, "/count", &cookie)).buffer_unordered(in_flight);
        let answers: Vec<_> = requests.collect().await;
        assert!(answers.iter().all(|answer| answer.status == 200));

        let survivors: usize = get(&app, "/total", &cookie).await.body.parse().unwrap();
        // One at a time nothing is lost, so what is lost below is lost to concurrency.
        assert_eq!(survivors == 1000, in_flight == 1, "{survivors} of 1000");
        report(
            PEER,
            "13 increments",
            format!("{survivors} of 1000 survive with {in_flight} in flight, all answered 200"),
        );
    }
}

#[actix_web::test]
async fn update_changes_nothing_in_the_store() {
    async fn rename(session: Session) -> Result<String, Error> {
        session.update("user", |user: String| user.to_uppercase())?;
        Ok(session.get("user")?.unwrap_or_default())
    }

    let store = MemoryStore::default();
    let app = App::new()
        .wrap(SessionMiddleware::new(store.clone(), key()))
        .configure(site)
        .route("/rename", web::get().to(rename));
    let app = test::init_service(app).await;
    let cookie = get(&app, "/login", "").await.cookie().pair();

    let renamed = get(&app, "/rename", &cookie).await;

    assert_eq!((renamed.status, &*renamed.body, renamed.cookies().len()), (200, "ALICE", 0));
    assert_eq!(store.with(|shelf| shelf.writes), 1);
    assert_eq!(get(&app, "/whoami", &cookie).await.body, "alice");
    report(
        PEER,
        "silent loss",
        "`Session::update` alone on an existing session returns `Ok` and is never saved",
    );
}

#[actix_web::test]
async fn writing_after_purge_is_lost() {
    async fn farewell(session: Session) -> Result<String, Error> {
        session.purge();
        session.insert("flash", "goodbye")?;
        Ok(session.get("flash")?.unwrap_or_else(|| "nothing".to_owned()))
    }

    let app = App::new()
        .wrap(SessionMiddleware::new(MemoryStore::default(), key()))
        .configure(site)
        .route("/farewell", web::get().to(farewell));
    let app = test::init_service(app).await;
    let cookie = get(&app, "/login", "").await.cookie().pair();

    let answer = get(&app, "/farewell", cookie).await;

    assert_eq!((answer.status, &*answer.body), (200, "nothing"));
    assert!(answer.cookie().has("Max-Age=0"));
    report(PEER, "silent loss", "`insert` after `purge` returns `Ok` and is dropped");
}
