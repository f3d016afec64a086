//! A key that needs a value does not stand alone; `partitioned`, which does, is no error.

use sessions::{SessionInterface, SignedCookie};

#[derive(Clone, SessionInterface)]
#[session(
    cookie_name, domain, path, httponly, secure, samesite, permanent, lifetime, anonymous_lifetime,
    refresh_each_request, salt, open, save_when, on_load_error, on_save_error, on_gone,
    on_decode_error, import, idle_timeout, absolute_timeout, touch_interval, rotate_grace,
    expiration_time, should_set_cookie, open_with, save_with, null_session, data, crate, remembered,
    is_use
)]
#[session(partitioned)]
struct AppSessions {
    backend: SignedCookie,
}

fn main() {}
