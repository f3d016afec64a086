//! Why a request is not let through: [`LoginError`].

use actix_web::{
    HttpResponse, ResponseError,
    http::{
        StatusCode,
        header::{CACHE_CONTROL, HeaderName, HeaderValue, LOCATION, WWW_AUTHENTICATE},
    },
};

/// Why a request is not let through. The answers have no body, and no cache keeps them (`no-store`).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LoginError {
    /// Nobody is logged in. A browser that asks for a page is sent to the login page, 303; other clients
    /// get 401.
    #[error("nobody is logged in")]
    Nobody {
        /// The login page, with the page that was asked for as its `next`; `None` for other clients, and
        /// without [`login_page`](crate::Logins::login_page).
        login_page: Option<String>,
    },
    /// Nobody is logged in by the request's bearer token: it opens no session, or one without a login. The client
    /// gets 401 with `WWW-Authenticate: Bearer` (RFC 6750, 3), and is sent to no page.
    #[error(
        "nobody is logged in by the request's bearer token; its client logs in, and sends the new one"
    )]
    InvalidToken,
    /// The user proved who it is too long ago. A browser that asks for a page is sent to the page that asks
    /// for the password again, 303; other clients get 403.
    #[error("the login is not recent enough")]
    NotRecent {
        /// That page, with the page that was asked for as its `next`; `None` for other clients, and without
        /// [`confirm_page`](crate::Logins::confirm_page).
        confirm_page: Option<String>,
    },
    /// A [`Gate`](crate::Gate) does not allow this user. The client gets 403.
    #[error("this user is not allowed here")]
    NotAllowed,
    /// No [`Logins`](crate::Logins) stand around this route. The client gets 500.
    #[error(
        "no logins of `{user}` for this route; wrap the `App`, or the scope of this handler, with `Logins::new` \
         of your users, before the session itself, since Actix calls the last `wrap` first"
    )]
    NotWrapped {
        /// The type of the user.
        user: &'static str,
    },
}

impl LoginError {
    fn page(&self) -> Option<&str> {
        match self {
            Self::Nobody { login_page: page } | Self::NotRecent { confirm_page: page } => {
                page.as_deref()
            }
            Self::InvalidToken | Self::NotAllowed | Self::NotWrapped { .. } => None,
        }
    }

    /// Returns the header that tells the client what to do.
    fn header(&self) -> Option<(HeaderName, HeaderValue)> {
        if let Some(page) = self.page() {
            let page = HeaderValue::from_str(page).expect("pages are visible ASCII");
            return Some((LOCATION, page));
        }
        // A 401 names a scheme (RFC 9110, 15.5.2). These make no browser ask for a password.
        let challenge = match self {
            Self::Nobody { .. } => "Session",
            Self::InvalidToken => "Bearer error=\"invalid_token\"",
            _ => return None,
        };
        Some((WWW_AUTHENTICATE, HeaderValue::from_static(challenge)))
    }
}

impl ResponseError for LoginError {
    fn status_code(&self) -> StatusCode {
        match self {
            _ if self.page().is_some() => StatusCode::SEE_OTHER,
            Self::Nobody { .. } | Self::InvalidToken => StatusCode::UNAUTHORIZED,
            Self::NotRecent { .. } | Self::NotAllowed => StatusCode::FORBIDDEN,
            Self::NotWrapped { .. } => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        response.insert_header((CACHE_CONTROL, HeaderValue::from_static("no-store")));
        if let Some(header) = self.header() {
            response.insert_header(header);
        }
        response.finish()
    }
}
