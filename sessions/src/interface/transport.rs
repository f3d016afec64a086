//! How the token of a session travels.

/// How the token of a session comes with a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Transport {
    /// In the session's cookie, as browsers do it. Also where the request has no token at all.
    #[default]
    Cookie,
    /// In the header `Authorization: Bearer` (RFC 6750, 2.1), for interfaces that
    /// [say so](crate::SessionInterface::bearer). No cookie of the session is read or set.
    Bearer,
}
