//! The table of policies.
//!
//! Each row becomes
//!
//! - a method of [`Overrides`](super::Overrides), for what an attribute of the derive fixes;
//! - a method of [`SessionConfig`](crate::SessionConfig), a name in configuration files, and a variable of the
//!   environment;
//! - a method of [`Policies`](super::Policies): the attribute's value, else the configuration's, else the default;
//! - a method of [`Settings`](super::Settings), for backends.
//!
//! The texts of a cookie (name, domain, path) and the salt are not here: their types differ from place to place.
//!
//! A row is in one of three groups:
//!
//! - `cookie`: an interface may decide these for each request, so they are no [`Settings`](super::Settings);
//! - `session`: the others;
//! - `timeouts`: the others that are off by default, or whose default depends on another; `=> type` is the type of
//!   their answer, and `Policies` answers with methods written by hand.
//!
//! `what` the policy decides and its `default` stand as the documentation puts them, the `variable` with what it holds;
//! `read` is the function in `config::setting` that reads the value. Comments at the end of a row are added to the
//! documentation of the configuration's method.

/// Passes the table to another macro.
macro_rules! policies {
    ($write:ident) => {
        $write! {
            cookie {
                cookie_httponly: bool {
                    what: "whether scripts are kept from the cookie",
                    default: "`true`" = true,
                    variable: "SESSION_COOKIE_HTTPONLY": "a flag",
                    read: flag,
                    /// # Security
                    ///
                    /// Without it any script on the page can read the token (OWASP Session Management,
                    /// `HttpOnly`).
                }
                cookie_secure: bool {
                    what: "whether the cookie is sent over https only",
                    default: "`true`" = true,
                    variable: "SESSION_COOKIE_SECURE": "a flag",
                    read: flag,
                    /// Flask's default is `false`.
                    ///
                    /// # Security
                    ///
                    /// Without it an attacker on the network takes over sessions (OWASP Session Management,
                    /// `Secure`). Chromium, Firefox and curl keep `Secure` cookies from `http://localhost`, the
                    /// names below it, 127.0.0.0/8 and `[::1]`; Safari does not. From any other host over plain
                    /// http browsers drop them, and the log has a warning, once in a process.
                }
                cookie_samesite: sessions_policy::SameSite {
                    what: "which requests from other sites carry the cookie",
                    default: "[`SameSite::Lax`](sessions_policy::SameSite::Lax)" = sessions_policy::SameSite::Lax,
                    variable: "SESSION_COOKIE_SAMESITE": "`Strict`, `Lax`, `None`, or `false` for no attribute",
                    read: samesite,
                    /// Flask's default is [`SameSite::Unset`](sessions_policy::SameSite::Unset).
                }
                cookie_partitioned: bool {
                    what: "whether the cookie belongs to one top-level site (CHIPS)",
                    default: "`false`" = false,
                    variable: "SESSION_COOKIE_PARTITIONED": "a flag",
                    read: flag,
                }
            }
            session {
                permanent: bool {
                    what: "whether new sessions outlive the browser session",
                    default: "`false`" = false,
                    variable: "SESSION_PERMANENT": "a flag",
                    read: flag,
                }
                lifetime: std::time::Duration {
                    what: "the age limit of tokens, permanent or not, and the expiry of permanent cookies: at most 400 days",
                    default: "31 days" = DEFAULT_LIFETIME,
                    variable: "PERMANENT_SESSION_LIFETIME": "a duration",
                    read: duration,
                }
                anonymous_lifetime: std::time::Duration {
                    what: "how long a server-side store keeps a visitor's session after its last use, one without an owner that was never renewed: at most 400 days",
                    default: "1 day" = DEFAULT_ANONYMOUS_LIFETIME,
                    variable: "SESSION_ANONYMOUS_LIFETIME": "a duration",
                    read: duration,
                    /// A session expires earlier where `lifetime` or `idle_timeout` is shorter. With sessions
                    /// in cookies it has no effect, and `check` refuses it.
                    ///
                    /// # Security
                    ///
                    /// Any client can begin sessions, in any number. The longer a store keeps them, the more
                    /// of them fill it.
                }
                refresh_each_request: bool {
                    what: "whether permanent sessions get a fresh cookie with each response that used them",
                    default: "`true`" = true,
                    variable: "SESSION_REFRESH_EACH_REQUEST": "a flag",
                    read: flag,
                }
                open: sessions_policy::OpenMode {
                    what: "when sessions are opened",
                    default: "[`OpenMode::Lazy`](sessions_policy::OpenMode::Lazy)" = sessions_policy::OpenMode::Lazy,
                    variable: "SESSION_OPEN": "`lazy`, `eager`",
                    read: parse("`lazy`"),
                }
                save_when: sessions_policy::SaveWhen {
                    what: "which responses save the data",
                    default: "[`SaveWhen::Always`](sessions_policy::SaveWhen::Always)" = sessions_policy::SaveWhen::Always,
                    variable: "SESSION_SAVE_WHEN": "`always`, `not_5xx`, `success`",
                    read: parse("`always`"),
                }
                on_load_error: sessions_policy::OnLoadError {
                    what: "what a request gets when its session cannot be opened",
                    default: "[`OnLoadError::Error`](sessions_policy::OnLoadError::Error)" = sessions_policy::OnLoadError::Error,
                    variable: "SESSION_ON_LOAD_ERROR": "`error`, `null`",
                    read: parse("`error`"),
                    /// # Security
                    ///
                    /// With [`OnLoadError::Null`](sessions_policy::OnLoadError::Null) an outage looks to handlers
                    /// like a client that is not logged in (OWASP ASVS 5.0, 16.5.3: fail securely).
                }
                on_save_error: sessions_policy::OnSaveError {
                    what: "what a request gets when its session cannot be saved",
                    default: "[`OnSaveError::Error`](sessions_policy::OnSaveError::Error)" = sessions_policy::OnSaveError::Error,
                    variable: "SESSION_ON_SAVE_ERROR": "`error`, `log`",
                    read: parse("`error`"),
                }
                on_gone: sessions_policy::OnGone {
                    what: "what a request gets that changed a session which was ended elsewhere while it ran",
                    default: "[`OnGone::Error`](sessions_policy::OnGone::Error)" = sessions_policy::OnGone::Error,
                    variable: "SESSION_ON_GONE": "`error`, `drop`",
                    read: parse("`error`"),
                }
                on_decode_error: sessions_policy::OnDecodeError {
                    what: "the result of reading a field of typed content whose stored value does not parse",
                    default: "[`OnDecodeError::Default`](sessions_policy::OnDecodeError::Default)" = sessions_policy::OnDecodeError::Default,
                    variable: "SESSION_ON_DECODE_ERROR": "`default`, `error`",
                    read: parse("`default`"),
                }
                import: sessions_policy::ImportMode {
                    what: "what happens to a session of another framework that is taken over",
                    default: "[`ImportMode::Copy`](sessions_policy::ImportMode::Copy)" = sessions_policy::ImportMode::Copy,
                    variable: "SESSION_IMPORT": "`copy`, `move`",
                    read: parse("`copy`"),
                }
                rotate_grace: std::time::Duration {
                    what: "how long the token from before a rotation still opens the session, on server-side stores: at most 60 seconds",
                    default: "10 seconds" = DEFAULT_ROTATE_GRACE,
                    variable: "SESSION_ROTATE_GRACE": "a duration",
                    read: duration,
                    /// A rotation changes no rights, so the requests of a page that were sent with the former
                    /// token read, write and purge, and get no cookie. The default outlasts the requests of a
                    /// page load, and is short for a stolen token. After a login or a renewal there is no grace.
                    ///
                    /// # Security
                    ///
                    /// An attacker with the former token uses the session for so long after a rotation.
                }
            }
            timeouts {
                idle_timeout: std::time::Duration => Option<std::time::Duration> {
                    what: "how long a session may go unused before it expires: at most `lifetime`",
                    default: "no limit",
                    variable: "SESSION_IDLE_TIMEOUT": "a duration",
                    read: duration,
                }
                absolute_timeout: std::time::Duration => Option<std::time::Duration> {
                    what: "how long a session may last, however much it is used",
                    default: "no limit",
                    variable: "SESSION_ABSOLUTE_TIMEOUT": "a duration",
                    read: duration,
                }
                remembered: std::time::Duration => std::time::Duration {
                    what: "how long a remembered session lasts from its login, used or not: at most 400 days",
                    default: "30 days, or a longer `absolute_timeout`",
                    variable: "SESSION_REMEMBERED": "a duration",
                    read: duration,
                    /// [`Session::set_remembered`](crate::Session::set_remembered) decides which sessions are
                    /// remembered. `lifetime`, `idle_timeout` and `absolute_timeout` count for the others.
                }
                touch_interval: std::time::Duration => std::time::Duration {
                    what: "how much of the time since the last use must have passed before a use is noted: below `lifetime` and `idle_timeout`",
                    default: "60 seconds, or to half of an idle timeout or lifetime below two minutes",
                    variable: "SESSION_TOUCH_INTERVAL": "a duration",
                    read: duration,
                }
            }
        }
    };
}

pub(crate) use policies;
