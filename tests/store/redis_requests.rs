//! What a request of a client costs Redis: the requests that the server gets, by its own account.

use actix_http::Request;
use actix_service::Service;
use actix_web::{
    App, Error, body::MessageBody, dev::ServiceResponse, http::StatusCode, test::init_service, web,
};
use sessions::{ServerSide, Session, SessionInterface};
use sessions_redis::{Connect, RedisStore};
use sessions_tests::{Browser, Redis, RedisCluster, Requests};

#[derive(Clone, SessionInterface)]
#[session(cookie_name = "id", secure = false)]
struct Sessions<C: Connect> {
    backend: ServerSide<RedisStore<C>>,
}

async fn read(session: Session) -> actix_web::Result<String> {
    let n: Option<u32> = session.get("n")?;
    Ok(n.unwrap_or_default().to_string())
}

async fn count(session: Session) -> actix_web::Result<String> {
    let n = session.update("n", |n: Option<u32>| n.unwrap_or(0) + 1)?;
    Ok(n.to_string())
}

async fn login(session: Session) -> actix_web::Result<String> {
    session.set_owner("alice")?;
    read(session).await
}

async fn renew(session: Session) -> actix_web::Result<String> {
    session.renew()?;
    read(session).await
}

async fn logout(session: Session) -> actix_web::Result<String> {
    session.purge()?;
    Ok(String::new())
}

async fn app<C: Connect + Clone>(
    store: RedisStore<C>,
) -> impl Service<Request, Response = ServiceResponse<impl MessageBody>, Error = Error> {
    let sessions = Sessions { backend: ServerSide::new(store) };
    init_service(
        App::new()
            .wrap(sessions)
            .route("/plain", web::get().to(async || "plain"))
            .route("/read", web::get().to(read))
            .route("/count", web::get().to(count))
            .route("/login", web::get().to(login))
            .route("/renew", web::get().to(renew))
            .route("/logout", web::get().to(logout)),
    )
    .await
}

/// Prints and checks what each kind of request costs, the scripts known and no use to be noted.
async fn costs<C: Connect + Clone>(what: &str, store: RedisStore<C>, mut nodes: Vec<Requests>) {
    let app = app(store).await;
    // Enough sessions for each node to know each script.
    for _ in 0..50 {
        let mut browser = Browser::new();
        for path in ["/count", "/read", "/count", "/login", "/renew", "/logout"] {
            assert_eq!(browser.get(&app, path).await.status, StatusCode::OK);
        }
    }
    let mut take = || nodes.iter_mut().flat_map(Requests::take).collect::<Vec<_>>();
    take();
    println!("requests to {what} for a request:");
    let mut told = std::collections::HashSet::new();
    let mut cost = async |kind: &'static str, browser: &mut Browser, path, expected: usize| {
        assert_eq!(browser.get(&app, path).await.status, StatusCode::OK);
        let requests = take();
        if told.insert(kind) {
            println!("  {kind}: {}", requests.len());
        }
        assert_eq!(requests.len(), expected, "{kind}: {requests:?}");
        assert!(requests.iter().all(|request| !request.starts_with("eval ")), "{requests:?}");
    };
    for _ in 0..5 {
        let mut browser = Browser::new();
        cost("untouched, without a cookie", &mut browser, "/plain", 0).await;
        cost("read, without a cookie", &mut browser, "/read", 0).await;
        cost("create", &mut browser, "/count", 1).await;
        cost("untouched", &mut browser, "/plain", 0).await;
        cost("read", &mut browser, "/read", 1).await;
        cost("write", &mut browser, "/count", 2).await;
        cost("renew", &mut browser, "/renew", 2).await;
        cost("end", &mut browser, "/logout", 2).await;
        // Each adds an entry to the owner's index before it writes, and asks after that whether the
        // owner's sessions were ended meanwhile.
        cost("login, without a cookie", &mut Browser::new(), "/login", 3).await;
        let mut browser = Browser::new();
        cost("create", &mut browser, "/count", 1).await;
        cost("login", &mut browser, "/login", 4).await;
        cost("read", &mut browser, "/read", 1).await;
        cost("write", &mut browser, "/count", 2).await;
        cost("end of an owner's", &mut browser, "/logout", 3).await;
    }
}

#[actix_web::test]
#[ignore = "needs redis-server: run scripts/test"]
async fn one_node_is_asked_once_to_read_or_create_and_twice_to_write() {
    let redis = Redis::new();
    let store = RedisStore::connect(redis.url()).await.unwrap();
    costs("one node", store, vec![redis.listen()]).await;
}

#[actix_web::test]
#[ignore = "needs redis-server: run scripts/test"]
async fn a_cluster_is_asked_once_to_read_or_create_and_twice_to_write() {
    let cluster = RedisCluster::new();
    let store = RedisStore::connect_cluster(cluster.urls()).await.unwrap();
    costs("a cluster", store, cluster.listen()).await;
}
