//! Sessions in memory whose owner logs in and out.

use actix_http::Request;
use actix_service::Service;
use actix_web::{
    App, Error,
    dev::ServiceResponse,
    http::header::{COOKIE, SET_COOKIE},
    test::{TestRequest, init_service},
    web,
};
use sessions::Session;
use tokio::runtime::{Builder, Runtime};

use super::{ours::InMemory, pair};

const OWNER: &str = "ada";

/// Sends a request to a path with a cookie, and returns the cookie that the response sets.
type Send = Box<dyn Fn(&str, Option<&str>) -> Option<String>>;

/// An application whose users are all one.
pub struct Owners {
    app: Send,
}

impl Owners {
    /// Starts it without a session.
    pub fn start() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let app = App::new()
            .wrap(InMemory::new())
            .route("/login", web::get().to(login))
            .route("/logout", web::get().to(logout));
        let app = runtime.block_on(init_service(app));
        Self { app: Box::new(move |path, cookie| send(&runtime, &app, path, cookie)) }
    }

    /// Logs in so many times more, each in another browser.
    pub fn log_in(&self, times: u64) {
        for _ in 0..times {
            (self.app)("/login", None).expect("a login sets the cookie");
        }
    }

    /// Logs in and out again, so many times one after the other.
    pub fn run(&self, times: u32) {
        for _ in 0..times {
            let cookie = (self.app)("/login", None).expect("a login sets the cookie");
            (self.app)("/logout", Some(&cookie));
        }
    }
}

fn send<S, B>(runtime: &Runtime, app: &S, path: &str, cookie: Option<&str>) -> Option<String>
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
{
    let mut request = TestRequest::with_uri(path);
    if let Some(cookie) = cookie {
        request = request.insert_header((COOKIE, cookie));
    }
    let response = runtime.block_on(app.call(request.to_request()));
    let response = response.expect("handlers answer with responses");
    assert_eq!(response.status(), 200);
    let set_cookie = response.headers().get(SET_COOKIE)?;
    Some(pair(set_cookie.to_str().expect("cookies are ASCII")))
}

async fn login(session: Session) -> Result<&'static str, Error> {
    session.set_owner(OWNER)?;
    Ok("ok")
}

async fn logout(session: Session) -> Result<&'static str, Error> {
    session.purge()?;
    Ok("ok")
}
