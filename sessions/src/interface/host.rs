//! The host that a request is for.

use actix_web::{
    HttpRequest,
    http::{Uri, Version, header},
};

/// Returns the host that a request is for, without its port: what Actix routes by (`guard::Host`),
/// in the spelling of the request.
///
/// Decide by it which cookie a host has: then a request gets the cookie of the routes that answer it.
/// Behind a proxy, let the proxy pass `Host` on.
///
/// # Security
///
/// `HttpRequest::connection_info` obeys `Forwarded` and `X-Forwarded-Host`, which any client can send
/// and routing ignores: with them a login on one host would make the cookie of another.
///
/// # Examples
///
/// ```
/// use actix_web::{http::header, test::TestRequest};
/// use sessions::interface::host;
///
/// let request = TestRequest::default()
///     .insert_header((header::HOST, "www.example.com:8080"))
///     .insert_header((header::X_FORWARDED_HOST, "admin.example.com"))
///     .to_http_request();
/// assert_eq!(host(&request).as_deref(), Some("www.example.com"));
/// assert_eq!(request.connection_info().host(), "admin.example.com");
/// ```
pub fn host(request: &HttpRequest) -> Option<String> {
    let in_header = || {
        let host = request.headers().get(header::HOST)?.to_str().ok();
        // HTTP/2 and HTTP/3 have the host in the URI.
        host.filter(|_| request.version() < Version::HTTP_2)
    };
    let uri: Uri = in_header().or_else(|| request.uri().host())?.parse().ok()?;
    uri.host().map(str::to_owned)
}
