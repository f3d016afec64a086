//! The derive: what it writes holds in every surrounding, and does what the attributes say.

use std::borrow::Cow;

use actix_web::HttpRequest;
use sessions::{Session, SessionConfig, SignedCookie, policy::CookieName};
use sessions_tests::key;

async fn count(session: Session) -> actix_web::Result<String> {
    Ok(session.update("visits", |n: Option<u32>| n.unwrap_or(0) + 1)?.to_string())
}

/// An application that counts visits in sessions of this interface.
macro_rules! counting {
    ($sessions:expr) => {
        init_service(App::new().wrap($sessions).default_service(web::to(count))).await
    };
}

/// Asserts that an interface keeps a session from one request to the next, and returns the cookie.
macro_rules! assert_counts {
    ($sessions:expr) => {{
        let (app, mut browser) = (counting!($sessions), Browser::new());
        let first = browser.get(&app, "/").await;
        assert_eq!((first.status.as_u16(), first.body.as_str()), (200, "1"));
        assert_eq!(browser.get(&app, "/").await.body, "2");
        first.cookie().expect("the session is saved")
    }};
}

mod functions;
mod shapes;
mod surroundings;

fn signed() -> SignedCookie {
    SignedCookie::new(key(1))
}

fn configured() -> SessionConfig {
    SessionConfig::new().cookie_name(CookieName::from_static("configured"))
}

fn no_domain<'r, T>(_: &'r T, _: &'r HttpRequest) -> Option<Cow<'r, str>> {
    None
}
