//! A client with a cookie jar, in the process of the application it talks to.

use actix_http::Request;
use actix_service::Service;
use actix_web::{
    Error,
    body::{MessageBody, to_bytes},
    dev::ServiceResponse,
    http::{
        StatusCode,
        header::{self, HeaderMap},
    },
    test::TestRequest,
};

/// Keeps cookies by name and sends them back, whatever their domain, path and age.
#[derive(Debug, Default)]
pub struct Browser {
    cookies: Vec<(String, String)>,
}

/// A response, taken apart.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: String,
}

/// A `Set-Cookie` header, taken apart.
#[derive(Clone, Debug, PartialEq)]
pub struct SetCookie {
    /// The cookie's name.
    pub name: String,
    /// The cookie's value.
    pub value: String,
    /// The attributes in their order, those without a value with an empty one.
    pub attributes: Vec<(String, String)>,
}

impl Browser {
    /// Returns a browser without cookies.
    pub fn new() -> Self {
        Self::default()
    }

    /// Gets a page.
    pub async fn get<S, B>(&mut self, app: &S, path: &str) -> Answer
    where
        S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
        B: MessageBody,
    {
        self.send(app, TestRequest::get().uri(path)).await
    }

    /// Sends a request with the cookies of the jar, and puts into the jar what comes back.
    ///
    /// # Panics
    ///
    /// When the body cannot be read.
    pub async fn send<S, B>(&mut self, app: &S, mut request: TestRequest) -> Answer
    where
        S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
        B: MessageBody,
    {
        if !self.cookies.is_empty() {
            let pairs: Vec<_> =
                self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.append_header((header::COOKIE, pairs.join("; ")));
        }
        let answer = Answer::of(app, request).await;
        for cookie in answer.cookies() {
            self.cookies.retain(|(name, _)| *name != cookie.name);
            if !cookie.is_removal() {
                self.cookies.push((cookie.name, cookie.value));
            }
        }
        answer
    }

    /// Returns the value of a cookie in the jar.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies
            .iter()
            .find(|(candidate, _)| candidate == name)
            .map(|(_, value)| value.as_str())
    }

    /// Puts a cookie into the jar.
    pub fn set_cookie(&mut self, name: &str, value: &str) {
        self.cookies.retain(|(candidate, _)| candidate != name);
        self.cookies.push((name.to_owned(), value.to_owned()));
    }
}

impl Answer {
    /// Sends a request as it is.
    ///
    /// # Panics
    ///
    /// When the body cannot be read.
    pub async fn of<S, B>(app: &S, request: TestRequest) -> Self
    where
        S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
        B: MessageBody,
    {
        match app.call(request.to_request()).await {
            Ok(response) => {
                let (_, response) = response.into_parts();
                let (status, headers) = (response.status(), response.headers().clone());
                let body = to_bytes(response.into_body())
                    .await
                    .map_err(Into::into)
                    .expect("a readable body");
                Self { status, headers, body: String::from_utf8_lossy(&body).into_owned() }
            }
            // As the server does.
            Err(err) => {
                let response = err.error_response();
                let (status, headers) = (response.status(), response.headers().clone());
                let body = to_bytes(response.into_body()).await.expect("a readable body");
                Self { status, headers, body: String::from_utf8_lossy(&body).into_owned() }
            }
        }
    }

    /// Returns the values of a header, one for each time it is there.
    ///
    /// # Panics
    ///
    /// When a value is not visible ASCII.
    pub fn all(&self, name: impl header::AsHeaderName) -> Vec<&str> {
        self.headers.get_all(name).map(|value| value.to_str().expect("visible ASCII")).collect()
    }

    /// Returns the cookies that are set or removed.
    pub fn cookies(&self) -> Vec<SetCookie> {
        self.all(header::SET_COOKIE).into_iter().map(SetCookie::parse).collect()
    }

    /// Returns the one cookie that is set or removed, or `None` when there is none.
    ///
    /// # Panics
    ///
    /// When there are several.
    pub fn cookie(&self) -> Option<SetCookie> {
        let cookies = self.cookies();
        assert!(cookies.len() < 2, "{cookies:?}");
        cookies.into_iter().next()
    }
}

impl SetCookie {
    /// Takes the header's value apart, as RFC 6265bis, 5.6 has it.
    ///
    /// # Panics
    ///
    /// When there is no name, or an attribute is there twice.
    pub fn parse(text: &str) -> Self {
        let mut parts = text.split(';');
        let (name, value) =
            parts.next().and_then(|pair| pair.split_once('=')).expect("a name and a value");
        let mut cookie = Self {
            name: name.trim().to_owned(),
            value: value.trim().to_owned(),
            attributes: Vec::new(),
        };
        for part in parts {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            assert!(cookie.attribute(name.trim()).is_none(), "twice: {text}");
            cookie.attributes.push((name.trim().to_owned(), value.trim().to_owned()));
        }
        cookie
    }

    /// Returns an attribute's value: an empty one for those that have none.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        let found =
            self.attributes.iter().find(|(candidate, _)| candidate.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// Whether this makes a browser forget the cookie.
    pub fn is_removal(&self) -> bool {
        self.attribute("Max-Age") == Some("0")
    }

    /// Returns the attributes that a set cookie and its removal have in common.
    pub fn lasting(&self) -> Vec<&(String, String)> {
        self.attributes
            .iter()
            .filter(|(name, _)| !matches!(name.as_str(), "Expires" | "Max-Age"))
            .collect()
    }
}
