//! A real cache in front: no page of one client reaches another, whether the cache obeys `Vary` or not.

use actix_web::{App, HttpResponse, HttpServer, http::header, web};
use sessions::{
    MemoryStore, ServerSide, Session, SessionConfig, SignedCookie, TrySession,
    backend::Backend,
    store::StoreError,
    test::{Fault, FaultStore, Operation},
};
use sessions_tests::{AppSessions, HttpAnswer, HttpClient, Nginx, Served, key};

/// What the handler says of caches.
const CACHE_CONTROL: [&str; 5] =
    ["", "max-age=600", "public, max-age=600", "s-maxage=600", "no-store"];

/// Logs in, shows the user, and does what the path says besides.
async fn page(
    session: Session,
    path: web::Path<(String, usize)>,
) -> actix_web::Result<HttpResponse> {
    let (act, cache_control) = path.into_inner();
    match act.split_once('-') {
        Some(("login", user)) => session.set_owner(user)?,
        _ if act == "write" => drop(session.update("n", |n: Option<u32>| n.unwrap_or(0) + 1)?),
        _ if act == "logout" => drop(session.purge()?),
        _ if act == "forbidden" => {
            drop(session.keys());
            return Ok(HttpResponse::Forbidden().body(session.owner().unwrap_or_default()));
        }
        _ => {}
    }
    let mut response = HttpResponse::Ok();
    // A guest's page that is called public is the guest's to share.
    if !CACHE_CONTROL[cache_control].is_empty() {
        response.insert_header((header::CACHE_CONTROL, CACHE_CONTROL[cache_control]));
    }
    Ok(response.body(session.owner().unwrap_or_else(|| "guest".to_owned())))
}

async fn degraded(session: TrySession) -> String {
    match session.into_result() {
        Ok(session) => session.owner().unwrap_or_else(|| "guest".to_owned()),
        Err(_) => "outage".to_owned(),
    }
}

fn site<B: Backend + Clone + Send>(backend: B) -> Served {
    Served::start(async move || {
        let sessions = AppSessions { backend, config: SessionConfig::new().cookie_secure(false) };
        let server = HttpServer::new(move || {
            App::new()
                .wrap(sessions.clone())
                .route("/static", web::get().to(|| async { "static" }))
                .route("/degraded", web::get().to(degraded))
                .route("/{act}/{cache_control}", web::get().to(page))
        });
        let server = server.workers(1).bind("127.0.0.1:0")?;
        let port = server.addrs()[0].port();
        Ok((port, server.run()))
    })
}

/// Caches that obey `Vary` and that do not.
const SETTINGS: [&str; 2] = ["", "proxy_ignore_headers Vary;"];
const USERS: [&str; 3] = ["alice", "bob", "carol"];

fn hit(answer: &HttpAnswer) -> bool {
    answer.headers.iter().any(|(name, value)| name == "x-cache" && value == "HIT")
}

fn logged_in(cache: &Nginx) -> Vec<(&'static str, HttpClient)> {
    let users = USERS.map(|user| {
        let mut client = cache.client();
        let answer = client.get(&format!("/login-{user}/0")).expect("an answer");
        assert_eq!(answer.body, user);
        (user, client)
    });
    users.into()
}

#[test]
#[ignore = "needs nginx: run scripts/test"]
fn no_page_of_a_client_reaches_another_through_a_cache() {
    let mut asked = 0;
    for settings in SETTINGS {
        for stored in [false, true] {
            let served = if stored {
                site(ServerSide::new(MemoryStore::new()))
            } else {
                site(SignedCookie::new(key(1)))
            };
            let cache = Nginx::in_front_of(served.port(), settings);
            let mut guest = cache.client();
            // What uses no session is kept, so that the cache works.
            guest.get("/static").expect("an answer");
            let mut users = logged_in(&cache);
            for (_, client) in &mut users {
                let answer = client.get("/static").expect("an answer");
                assert!(hit(&answer) && answer.body == "static");
            }
            for path in ["read", "write", "forbidden"] {
                for cache_control in 0..CACHE_CONTROL.len() {
                    let path = format!("/{path}/{cache_control}");
                    for _ in 0..2 {
                        for (user, client) in &mut users {
                            let answer = client.get(&path).expect("an answer");
                            assert_eq!(answer.body, *user, "{settings} {path}");
                            asked += 1;
                        }
                    }
                    let answer = guest.get(&path).expect("an answer");
                    let expected = if path.starts_with("/forbidden") { "" } else { "guest" };
                    assert_eq!(answer.body, expected, "{settings} {path}");
                    guest.forget_cookies();
                }
            }
            // A guest's page that its handler does not call public reaches nobody else.
            for cache_control in [0, 1, 4] {
                let path = format!("/first/{cache_control}");
                assert_eq!(guest.get(&path).expect("an answer").body, "guest");
                for (user, client) in &mut users {
                    assert_eq!(
                        client.get(&path).expect("an answer").body,
                        *user,
                        "{settings} {path}"
                    );
                }
            }
            // Nor does the answer to a logout.
            for cache_control in 0..CACHE_CONTROL.len() {
                let path = format!("/logout/{cache_control}");
                for (user, client) in &mut logged_in(&cache) {
                    assert_ne!(client.get(&path).expect("an answer").status, 500);
                    let after = client.get("/read/0").expect("an answer").body;
                    assert_eq!(after, "guest", "{settings} {path} {user}");
                }
                for (user, client) in &mut users {
                    assert_eq!(client.get("/read/0").expect("an answer").body, *user);
                }
            }
        }
    }
    println!("nginx, with and without `Vary`: {asked} pages of users, 0 of another");
}

#[test]
#[ignore = "needs nginx: run scripts/test"]
fn a_guests_page_that_its_handler_calls_public_is_kept_and_only_vary_keeps_it_from_users() {
    for (settings, seen) in SETTINGS.into_iter().zip(["alice", "guest"]) {
        let served = site(ServerSide::new(MemoryStore::new()));
        let cache = Nginx::in_front_of(served.port(), settings);
        cache.client().get("/page/2").expect("an answer");
        let answer = cache.client().get("/page/2").expect("an answer");
        assert!(hit(&answer) && answer.body == "guest");
        let (_, alice) = &mut logged_in(&cache)[0];
        assert_eq!(alice.get("/page/2").expect("an answer").body, seen, "{settings}");
    }
}

#[test]
#[ignore = "needs nginx: run scripts/test"]
fn no_failure_of_a_session_is_kept_by_a_cache() {
    for settings in SETTINGS {
        let store = FaultStore::new(MemoryStore::new());
        let served = site(ServerSide::new(store.clone()));
        let cache = Nginx::in_front_of(served.port(), settings);
        let mut users = logged_in(&cache);
        let (_, first) = &mut users[0];
        for (path, status, body) in [
            ("/read/2", 503, ""),
            ("/write/2", 503, ""),
            ("/logout/2", 503, ""),
            ("/degraded", 200, "outage"),
        ] {
            store.on_every_call_of(Operation::Load, Fault::Fails(StoreError::Full));
            let answer = first.get(path).expect("an answer");
            assert_eq!((answer.status, &*answer.body), (status, body), "{settings} {path}");
        }
        store.mend();
        for (user, client) in &mut users {
            for path in ["/read/2", "/write/2", "/degraded"] {
                let answer = client.get(path).expect("an answer");
                assert_eq!((answer.status, &*answer.body), (200, *user), "{settings} {path}");
            }
        }
    }
}
