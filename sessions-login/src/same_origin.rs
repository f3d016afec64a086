//! Requests that other sites make in a user's browser: [`SameOrigin`].

use std::{
    fmt,
    future::{Ready, ready},
    sync::Arc,
};

use actix_service::{Service, Transform, forward_ready};
use actix_web::{
    Error, HttpRequest, HttpResponse, ResponseError,
    body::EitherBody,
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method, StatusCode,
        header::{AUTHORIZATION, CACHE_CONTROL, COOKIE, HOST, HeaderValue, ORIGIN, UPGRADE},
        uri::Authority,
    },
};
use futures_util::{
    TryFutureExt,
    future::{Either, MapOk},
};

/// Refuses requests that another site makes in a user's browser (cross-site request forgery, OWASP
/// Cross-Site Request Forgery Prevention, *Fetch Metadata*), with an empty 403.
///
/// It covers every route that it is wrapped around, login forms too, without a token in forms, and opens no
/// session. `GET`, `HEAD` and `OPTIONS` pass: handlers of theirs must change nothing. Every other
/// request, and each that opens a WebSocket, which any site may do with the user's cookies (RFC 6455, 10.2), passes
///
/// 1. from an [allowed origin](Self::allow_origin),
/// 2. else, where it says `Sec-Fetch-Site`, as browsers do over TLS since 2023, if that is `same-origin` or `none`,
/// 3. else, where it has an `Origin`, if the host and port of that are those of the header `Host`,
/// 4. with `Authorization: Bearer`, which no other site can make a browser send without CORS: where it has no
///    cookies, or where the sessions that are wrapped further out [take the token](sessions::session::is_bearer) and
///    read no cookie beside it,
/// 5. without any of these only after [`allow_unknown`](Self::allow_unknown).
///
/// # Security
///
/// - Behind a proxy, pass the `Host` of the client on (`proxy_set_header Host $host` for nginx), or
///   allow the site's own origin. `Forwarded` and `X-Forwarded-Host` are not read.
/// - Browsers send both headers by themselves, and scripts cannot change them. A browser from before 2020 sends neither
///   with some forms, and is refused.
/// - It does not help against script in a page of your own origin, nor against `GET` handlers that change something.
///   Where users have browsers that strip these headers, keep a token in forms besides.
///
/// # Examples
///
/// ```
/// use actix_web::App;
/// use sessions_login::SameOrigin;
///
/// let app = App::new().wrap(SameOrigin::new().allow_origin("https://shop.example.com"));
/// # let _ = app;
/// ```
#[derive(Clone, Debug, Default)]
pub struct SameOrigin {
    allowed: Arc<Vec<String>>,
    allows_unknown: bool,
}

impl SameOrigin {
    /// Returns a middleware that lets requests of this site through.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets requests of another origin through, such as `https://shop.example.com`: scheme, host, and the
    /// port if it is not the scheme's own.
    ///
    /// # Panics
    ///
    /// When it is no origin as browsers write it: in small letters, without a path.
    #[must_use]
    pub fn allow_origin(mut self, origin: impl Into<String>) -> Self {
        let origin = origin.into();
        assert!(
            is_origin(&origin),
            "`{}` is no origin: write it as in `https://shop.example.com`, in small letters and without a path",
            origin.escape_debug()
        );
        Arc::make_mut(&mut self.allowed).push(origin);
        self
    }

    /// Lets requests through that say neither `Sec-Fetch-Site` nor `Origin`: of programs with cookies that
    /// are no browsers. Refused by default.
    #[must_use]
    pub fn allow_unknown(mut self) -> Self {
        self.allows_unknown = true;
        self
    }

    fn lets_through(&self, request: &HttpRequest) -> bool {
        let is_safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
        if is_safe && !opens_websocket(request) {
            return true;
        }
        let (site, origin) = (Said::by(request, "sec-fetch-site"), Said::by(request, ORIGIN));
        if let Said::Once(origin) = origin
            && self.allowed.iter().any(|allowed| allowed.as_bytes() == origin.as_bytes())
        {
            return true;
        }
        match (site, origin) {
            (Said::Twice, _) | (_, Said::Twice) => false,
            (Said::Once(site), _) => site == "same-origin" || site == "none" || is_bearer(request),
            (Said::Never, Said::Once(origin)) => is_own(request, origin) || is_bearer(request),
            (Said::Never, Said::Never) => self.allows_unknown || is_bearer(request),
        }
    }
}

/// What a request says in a header.
#[derive(Clone, Copy)]
enum Said<'r> {
    Never,
    Once(&'r HeaderValue),
    /// Browsers say it once.
    Twice,
}

impl<'r> Said<'r> {
    fn by(request: &'r HttpRequest, name: impl actix_web::http::header::AsHeaderName) -> Self {
        let mut values = request.headers().get_all(name);
        match (values.next(), values.next()) {
            (None, _) => Self::Never,
            (Some(value), None) => Self::Once(value),
            (Some(_), Some(_)) => Self::Twice,
        }
    }
}

/// Whether the request asks to go on as a WebSocket. Over HTTP/2 it does so by `CONNECT` (RFC 8441).
fn opens_websocket(request: &HttpRequest) -> bool {
    let mut protocols = request
        .headers()
        .get_all(UPGRADE)
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii));
    protocols.any(|protocol| protocol.eq_ignore_ascii_case(b"websocket"))
}

/// Whether an origin, with any scheme, is the host that was asked: before a proxy the scheme is another
/// one.
fn is_own(request: &HttpRequest, origin: &HeaderValue) -> bool {
    let asked = match Said::by(request, HOST) {
        Said::Once(host) => host.to_str().ok(),
        // HTTP/2 has the host in the URL.
        Said::Never => request.uri().authority().map(Authority::as_str),
        Said::Twice => None,
    };
    let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
    match (origin, asked) {
        (Some(("http" | "https", origin)), Some(asked)) => {
            !origin.is_empty() && origin.eq_ignore_ascii_case(asked)
        }
        _ => false,
    }
}

/// Whether the request has a bearer token, and no cookie that anything reads beside it.
fn is_bearer(request: &HttpRequest) -> bool {
    let Said::Once(value) = Said::by(request, AUTHORIZATION) else { return false };
    value.as_bytes().get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"bearer "))
        && (!request.headers().contains_key(COOKIE) || sessions::session::is_bearer(request))
}

fn is_origin(origin: &str) -> bool {
    let host = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    let is_of_host =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-_:[]".contains(&byte);
    host.is_some_and(|host| !host.is_empty() && host.bytes().all(is_of_host))
}

/// The error of a request that another site has made, or one that does not say who made it: an empty 403.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "another site made this request, or it does not say which: `SameOrigin` refuses it; allow its origin with \
     `allow_origin`, or let a proxy pass `Host` on"
)]
pub struct CrossSiteError;

impl ResponseError for CrossSiteError {
    fn status_code(&self) -> StatusCode {
        StatusCode::FORBIDDEN
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        response.insert_header((CACHE_CONTROL, HeaderValue::from_static("no-store"))).finish()
    }
}

impl<S, B> Transform<S, ServiceRequest> for SameOrigin
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Transform = SameOriginService<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        ready(Ok(SameOriginService { service, rules: self.clone() }))
    }
}

/// The service of [`SameOrigin`].
pub struct SameOriginService<S> {
    service: S,
    rules: SameOrigin,
}

type Answered<B> = ServiceResponse<EitherBody<B>>;

impl<S, B> Service<ServiceRequest> for SameOriginService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
{
    type Response = Answered<B>;
    type Error = Error;
    type Future = Either<
        MapOk<S::Future, fn(ServiceResponse<B>) -> Answered<B>>,
        Ready<Result<Answered<B>, Error>>,
    >;

    forward_ready!(service);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        if self.rules.lets_through(request.request()) {
            let answer: fn(ServiceResponse<B>) -> Answered<B> = ServiceResponse::map_into_left_body;
            return Either::Left(self.service.call(request).map_ok(answer));
        }
        Either::Right(ready(Ok(request.error_response(CrossSiteError).map_into_right_body())))
    }
}

impl<S> fmt::Debug for SameOriginService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SameOriginService").field("rules", &self.rules).finish_non_exhaustive()
    }
}
