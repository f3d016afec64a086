//! The headers that the session adds to a response.

use actix_web::{App, HttpResponse, http::header, test::init_service, web};
use sessions::{Session, SessionConfig};
use sessions_tests::{Browser, Logged, Switched};

use super::plain;

#[actix_web::test]
async fn vary_is_merged_into_one_header() {
    let cases: [(&[&str], &str); 6] = [
        (&[], "Cookie"),
        (&["Accept-Encoding"], "Accept-Encoding, Cookie"),
        (&["cookie"], "cookie"),
        (&["Accept-Encoding", "Origin, COOKIE"], "Accept-Encoding, Origin, COOKIE"),
        (&["*"], "*"),
        (&["Accept-Encoding", "*"], "*"),
    ];
    for (given, expected) in cases {
        let handler = move |session: Session| async move {
            session.insert("a", 1).unwrap();
            let mut response = HttpResponse::Ok();
            for value in given {
                response.append_header((header::VARY, *value));
            }
            response.finish()
        };
        let (sessions, _) = plain();
        let app = init_service(App::new().wrap(sessions).default_service(web::to(handler))).await;
        assert_eq!(Browser::new().get(&app, "/").await.all(header::VARY), [expected], "{given:?}");
    }
}

#[actix_web::test]
async fn a_response_that_sets_the_cookie_is_private() {
    let shared: [&[&str]; 4] = [
        &["public, max-age=60"],
        &["PUBLIC"],
        &["s-maxage=600", "no-cache=\"Set-Cookie, X\""],
        &["private, s-maxage=1"],
    ];
    let cases: [(&[&str], &[&str], &[&str]); 8] = [
        (&[], &["private, no-cache=\"Set-Cookie\""], &["private"]),
        (&["no-store"], &["no-store"], &["no-store"]),
        (&["max-age=60"], &["private, max-age=60"], &["private, max-age=60"]),
        (&["max-age=60, private"], &["max-age=60, private"], &["max-age=60, private"]),
        (shared[0], &["private, max-age=60"], shared[0]),
        (shared[1], &["private"], shared[1]),
        (shared[2], &["private, no-cache=\"Set-Cookie, X\""], shared[2]),
        (shared[3], &["private"], shared[3]),
    ];
    for (given, expected, for_guests) in cases {
        let handler = move |session: Session, path: web::Path<String>| async move {
            if *path == "write" {
                session.insert("a", 1).unwrap();
            } else {
                session.len();
            }
            let mut response = HttpResponse::Ok();
            for value in given {
                response.append_header((header::CACHE_CONTROL, *value));
            }
            response.finish()
        };
        let (sessions, _) = plain();
        let app =
            init_service(App::new().wrap(sessions).route("/{act}", web::get().to(handler))).await;
        assert_eq!(
            Browser::new().get(&app, "/write").await.all(header::CACHE_CONTROL),
            expected,
            "{given:?}"
        );
        assert_eq!(
            Browser::new().get(&app, "/read").await.all(header::CACHE_CONTROL),
            for_guests,
            "{given:?}"
        );
    }
}

/// For caches that ignore `Vary`.
#[actix_web::test]
async fn a_page_of_a_clients_session_is_private_and_one_without_a_session_is_the_handlers() {
    let handler = async |session: Session, path: web::Path<String>| {
        match path.as_str() {
            "write" => session.insert("a", 1).unwrap(),
            "read" => drop(session.keys()),
            _ => {}
        }
        HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "public, max-age=60")).finish()
    };
    let (sessions, _) = plain();
    let app = init_service(App::new().wrap(sessions).route("/{act}", web::get().to(handler))).await;
    let mut browser = Browser::new();
    let public = ["public, max-age=60"];
    assert_eq!(browser.get(&app, "/read").await.all(header::CACHE_CONTROL), public);
    browser.get(&app, "/write").await;
    let logged = Logged::start();
    for _ in 0..2 {
        let answer = browser.get(&app, "/read").await;
        assert_eq!(answer.all(header::CACHE_CONTROL), ["private, max-age=60"]);
        assert_eq!(answer.all(header::VARY), ["Cookie"]);
    }
    let lines = logged.take_own();
    assert!(lines.len() <= 1, "once in a process: {lines:?}");
    assert!(lines.iter().all(|(_, text)| text.contains("made with a client's session")));
    let untouched = browser.get(&app, "/untouched").await;
    assert_eq!(untouched.all(header::CACHE_CONTROL), public);
    // Nor is it told by what a cookie that opens nothing is answered.
    browser.set_cookie("session", "forged");
    let answer = browser.get(&app, "/read").await;
    assert_eq!(answer.all(header::CACHE_CONTROL), ["private, max-age=60"]);
}

#[actix_web::test]
async fn invariant_7_one_cookie() {
    async fn sets_by_itself(session: Session) -> actix_web::Result<HttpResponse> {
        session.insert("a", 1)?;
        session.renew()?;
        Ok(HttpResponse::Ok()
            .append_header((header::SET_COOKIE, "session=mine; Path=/"))
            .append_header((header::SET_COOKIE, "other=1"))
            .append_header((header::SET_COOKIE, "session2=2"))
            .finish())
    }
    let (sessions, _) = Switched::sessions(SessionConfig::new().permanent(true));
    let app =
        init_service(App::new().wrap(sessions).default_service(web::to(sets_by_itself))).await;
    let names: Vec<_> = Browser::new()
        .get(&app, "/")
        .await
        .cookies()
        .into_iter()
        .map(|cookie| cookie.name)
        .collect();
    assert_eq!(names, ["other", "session2", "session"]);
}
