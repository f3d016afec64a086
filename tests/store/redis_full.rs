//! Redis has no room left: sessions can be read and ended, and nothing is half written.

use std::time::Duration;

use actix_http::Request;
use actix_service::Service;
use actix_web::{
    App, Error,
    body::MessageBody,
    dev::ServiceResponse,
    http::{StatusCode, header},
    test::init_service,
    web,
};
use sessions::{
    ServerSide, Session, SessionInterface,
    store::{OwnerIndex, RecordKey, Store, StoreError, Touch},
    test::store::owner_key,
};
use sessions_redis::RedisStore;
use sessions_tests::{Browser, Redis};

#[derive(Clone, SessionInterface)]
#[session(cookie_name = "id", secure = false)]
struct Sessions {
    backend: ServerSide<RedisStore>,
}

async fn keep(session: Session, size: web::Path<usize>) -> actix_web::Result<String> {
    session.insert("kept", "x".repeat(*size))?;
    Ok("kept".to_owned())
}

async fn read(session: Session) -> actix_web::Result<String> {
    let kept: Option<String> = session.get("kept")?;
    Ok(kept.map_or_else(String::new, |kept| kept.len().to_string()))
}

async fn login(session: Session) -> actix_web::Result<String> {
    session.set_owner("alice")?;
    Ok("alice".to_owned())
}

async fn renew(session: Session) -> actix_web::Result<String> {
    session.renew()?;
    Ok("renewed".to_owned())
}

async fn logout(session: Session) -> actix_web::Result<String> {
    session.purge()?;
    Ok("ended".to_owned())
}

async fn everywhere(sessions: web::Data<Sessions>) -> actix_web::Result<String> {
    Ok(sessions.backend.end_all("alice").await?.to_string())
}

async fn app(
    sessions: &Sessions,
) -> impl Service<Request, Response = ServiceResponse<impl MessageBody>, Error = Error> {
    init_service(
        App::new()
            .wrap(sessions.clone())
            .app_data(web::Data::new(sessions.clone()))
            .route("/keep/{size}", web::get().to(keep))
            .route("/read", web::get().to(read))
            .route("/login", web::get().to(login))
            .route("/renew", web::get().to(renew))
            .route("/logout", web::get().to(logout))
            .route("/everywhere", web::get().to(everywhere)),
    )
    .await
}

#[actix_web::test]
#[ignore = "needs redis-server: run scripts/test"]
async fn a_full_server_reads_and_ends_sessions_and_leaves_what_it_cannot_change() {
    let redis = Redis::with(&["maxmemory 4mb", "maxmemory-policy noeviction"]);
    let sessions = Sessions { backend: ServerSide::new(RedisStore::new(redis.url()).unwrap()) };
    let app = app(&sessions).await;
    let mut alice = [Browser::new(), Browser::new()];
    for browser in &mut alice {
        assert_eq!(browser.get(&app, "/login").await.status, StatusCode::OK);
    }

    // Filled with sessions, smaller and smaller ones.
    let mut browsers = Vec::new();
    for size in [20_000, 2_000, 200] {
        loop {
            let mut browser = Browser::new();
            let answer = browser.get(&app, &format!("/keep/{size}")).await;
            if answer.status != StatusCode::OK {
                break;
            }
            browsers.push((browser, size.to_string()));
        }
    }
    // Nothing may depend on what happens to be freed.
    let info: String = redis.command(&["INFO", "memory"]);
    let used = info.lines().find_map(|line| line.strip_prefix("used_memory:")).unwrap();
    let less = used.trim().parse::<u64>().unwrap() * 9 / 10;
    redis.command::<()>(&["CONFIG", "SET", "maxmemory", &less.to_string()]);
    let kept = redis.dump();

    let mut refused = 0;
    for path in ["/keep/1", "/login"] {
        for _ in 0..10 {
            let answer = Browser::new().get(&app, path).await;
            assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
            assert_eq!((answer.body.as_str(), answer.cookie()), ("", None));
            refused += 1;
        }
    }
    let (mut reads, mut changes) = (0, 0);
    for (browser, size) in &mut browsers {
        assert_eq!(browser.get(&app, "/read").await.body, *size);
        reads += 1;
        for path in ["/keep/1", "/renew", "/login"] {
            let answer = browser.get(&app, path).await;
            assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
            assert_eq!(answer.cookie(), None);
            changes += 1;
        }
    }
    assert!(redis.dump() == kept, "a write that failed left something");

    // A use is still noted, for longer than the record was kept for.
    let name = kept.keys().find(|key| !key.contains("owner")).unwrap();
    let key = RecordKey::parse(name.strip_prefix("session:").unwrap()).unwrap();
    let ttl = Duration::from_secs(100 * 24 * 3_600);
    let touch = Touch { ttl, interval: Duration::from_secs(1) };
    let loaded = sessions.backend.store().load(&key, Some(touch)).await.unwrap().unwrap();
    assert!(loaded.touched && loaded.expires_in <= ttl);
    let full = sessions.backend.store().replace(&key, loaded.revision, &loaded.record, ttl).await;
    assert!(matches!(full, Err(StoreError::Full)), "{full:?}");

    let everywhere = Browser::new().get(&app, "/everywhere").await;
    assert_eq!((everywhere.status, everywhere.body.as_str()), (StatusCode::OK, "2"));
    // The moment of the last end is stored again, with no room for it.
    let index = sessions.backend.store();
    let owner = owner_key("bob");
    let first = index.end_before(&owner, None, ttl).await.unwrap();
    let second = index.end_before(&owner, None, ttl).await.unwrap();
    assert_eq!((first.previous, second.previous), (None, Some(first.at)));
    assert_eq!(index.state(&owner).await.unwrap().ended_before, Some(second.at));
    let mut logouts = 0;
    for (browser, _) in &mut browsers {
        let token = browser.cookie("id").unwrap().to_owned();
        let answer = browser.get(&app, "/logout").await;
        assert_eq!(answer.status, StatusCode::OK);
        assert!(answer.cookie().unwrap().is_removal());
        browser.set_cookie("id", &token);
        assert_eq!(browser.get(&app, "/read").await.body, "");
        logouts += 1;
    }
    println!(
        "full with {reads} sessions: {reads} reads of {reads}, {logouts} logouts of {logouts}, \
         {changes} renewals and updates refused with 503, their records byte-equal, {refused} new \
         sessions refused with 503"
    );
    redis.command::<()>(&["CONFIG", "SET", "maxmemory", "4mb"]);
    let answer = Browser::new().get(&app, "/keep/20000").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.headers.contains_key(header::SET_COOKIE));
}
