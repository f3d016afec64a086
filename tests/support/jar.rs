//! A client whose cookie jar keeps the variants of a cookie, as browsers do.

use std::cmp::Reverse;

use actix_http::Request;
use actix_service::Service;
use actix_web::{Error, body::MessageBody, dev::ServiceResponse, http::header, test::TestRequest};

use crate::{Answer, SetCookie};

/// Who makes the browser send a request, as `SameSite` sees it (RFC 6265bis, 5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Initiator {
    /// A page of the site itself.
    OurSite,
    /// A link or a redirect of another site: a navigation with GET.
    LinkOfAnotherSite,
    /// A form of another site: a navigation with POST.
    FormOfAnotherSite,
}

/// Keeps cookies by name, domain and path, and sends each where it belongs (RFC 6265, 5.3 and 5.4).
/// Every host of a test is below every domain of its cookies.
#[derive(Clone, Debug, Default)]
pub struct Jar {
    /// In the order in which they were created: a cookie that is set again keeps its place.
    cookies: Vec<SetCookie>,
}

impl Jar {
    /// Returns a jar without cookies.
    pub fn new() -> Self {
        Self::default()
    }

    /// Gets a page, and puts into the jar what comes back.
    pub async fn get<S, B>(&mut self, app: &S, path: &str) -> Answer
    where
        S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
        B: MessageBody,
    {
        self.send(app, TestRequest::get().uri(path), path, Initiator::OurSite).await
    }

    /// Sends a request to a page, and puts into the jar what comes back.
    pub async fn send<S, B>(
        &mut self,
        app: &S,
        mut request: TestRequest,
        path: &str,
        initiator: Initiator,
    ) -> Answer
    where
        S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
        B: MessageBody,
    {
        let sent = self.sent_to(path).into_iter().filter(|cookie| goes_along(cookie, initiator));
        let pairs: Vec<_> =
            sent.map(|cookie| format!("{}={}", cookie.name, cookie.value)).collect();
        if !pairs.is_empty() {
            request = request.append_header((header::COOKIE, pairs.join("; ")));
        }
        let answer = Answer::of(app, request.uri(path)).await;
        answer.cookies().into_iter().for_each(|cookie| self.keep(cookie));
        answer
    }

    /// Returns the cookies that go to a page, in the order of the header.
    pub fn sent_to(&self, path: &str) -> Vec<&SetCookie> {
        let mut sent: Vec<_> =
            self.cookies.iter().filter(|cookie| is_within(path, cookie_path(cookie))).collect();
        sent.sort_by_key(|cookie| Reverse(cookie_path(cookie).len()));
        sent
    }

    /// Keeps a cookie, or removes the one that it stands for.
    pub fn keep(&mut self, cookie: SetCookie) {
        let same = |other: &&mut SetCookie| {
            let identity = |cookie: &SetCookie| {
                let domain = cookie.attribute("Domain").map(str::to_owned);
                (cookie.name.clone(), domain, cookie_path(cookie).to_owned())
            };
            identity(other) == identity(&cookie)
        };
        match self.cookies.iter_mut().find(same) {
            Some(present) => *present = cookie,
            None => self.cookies.push(cookie),
        }
        self.cookies.retain(|cookie| !cookie.is_removal());
    }

    /// Closes the browser and opens it again.
    pub fn restart(&mut self) {
        self.cookies.retain(|cookie| cookie.attribute("Max-Age").is_some());
    }
}

/// Whether a browser sends a cookie with a request of this initiator. Without the attribute it does, as
/// browsers did before they had it.
fn goes_along(cookie: &SetCookie, initiator: Initiator) -> bool {
    match cookie.attribute("SameSite") {
        Some("Strict") => initiator == Initiator::OurSite,
        Some("Lax") => initiator != Initiator::FormOfAnotherSite,
        _ => true,
    }
}

fn cookie_path(cookie: &SetCookie) -> &str {
    cookie.attribute("Path").unwrap_or("/")
}

/// Whether a request path matches a cookie path (RFC 6265, 5.1.4).
fn is_within(path: &str, cookie_path: &str) -> bool {
    path.strip_prefix(cookie_path)
        .is_some_and(|rest| rest.is_empty() || cookie_path.ends_with('/') || rest.starts_with('/'))
}
