//! Interfaces in the strictest of surroundings: what the derive writes gives no warning.

// Sources do not deny warnings, but this one is there to be warned about.
#![deny(
    warnings,
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    unused_qualifications,
    rust_2018_idioms,
    clippy::all,
    clippy::pedantic,
    let_underscore_drop,
    single_use_lifetimes,
    trivial_casts,
    unused_lifetimes,
    unused_results
)]

use std::{borrow::Cow, time::SystemTime};

use actix_web::HttpRequest;
use serde::{Deserialize, Serialize};
use sessions::{
    SameSite, SessionConfig, SessionInterface, SessionState, SignedCookie,
    error::{OpenError, SaveError},
    interface::{NullSession, OpenContext, Opened, SaveContext, Saved},
    session::Typed,
};

/// An interface whose attributes are values.
#[derive(Clone, Debug, SessionInterface)]
#[session(cookie_name = "__Host-linted", domain = false, path = "/", httponly = true)]
#[session(secure = true, samesite = "Strict", partitioned, permanent = true, lifetime = "14 days")]
#[session(refresh_each_request = false, salt = "linted", open = "eager", save_when = "not_5xx")]
#[session(on_load_error = "null", on_save_error = "log", on_gone = "drop", idle_timeout = "30 min")]
#[session(absolute_timeout = "8 h", touch_interval = 30, rotate_grace = 5, anonymous_lifetime = "6 h", data = Cart, on_decode_error = "error", import = "move")]
pub struct Values {
    /// Opens and saves.
    pub backend: SignedCookie,
    /// What the attributes leave open.
    pub config: SessionConfig,
}

/// Typed content.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Cart {
    /// How many things are in it.
    pub items: u32,
}

/// An interface whose attributes are functions.
#[derive(Clone, Debug, SessionInterface)]
#[session(cookie_name = Self::name, domain = Self::no_domain, path = Self::root)]
#[session(httponly = Self::yes, secure = Self::yes, samesite = Self::lax, partitioned = Self::yes)]
#[session(expiration_time = Self::now, should_set_cookie = Self::modified)]
#[session(open_with = Self::open, save_with = Self::save, null_session = Self::null)]
pub struct Functions;

#[expect(
    clippy::unused_self,
    clippy::unused_async,
    clippy::unnecessary_wraps,
    reason = "the signatures are those of the policies"
)]
impl Functions {
    fn name<'r>(&'r self, _: &'r HttpRequest) -> Cow<'r, str> {
        "linted".into()
    }

    fn no_domain<'r>(&'r self, _: &'r HttpRequest) -> Option<Cow<'r, str>> {
        None
    }

    fn root<'r>(&'r self, _: &'r HttpRequest) -> Cow<'r, str> {
        "/".into()
    }

    fn yes(&self, _: &HttpRequest) -> bool {
        true
    }

    fn lax(&self, _: &HttpRequest) -> SameSite {
        SameSite::Lax
    }

    fn now(&self, _: &SessionState, now: SystemTime) -> Option<SystemTime> {
        Some(now)
    }

    fn modified(&self, content: &SessionState) -> bool {
        content.is_modified()
    }

    fn null(&self, null: NullSession) -> SessionState {
        SessionState::null(null)
    }

    async fn open(&self, _: OpenContext<'_>) -> Result<Opened<SessionState>, OpenError> {
        Ok(SessionState::new().into())
    }

    async fn save(&self, _: &SessionState, _: SaveContext<'_>) -> Result<Saved, SaveError> {
        Ok(Saved::token("linted".to_owned()))
    }
}

/// Functions of an interface with typed content.
#[derive(Clone, Debug, SessionInterface)]
#[session(data = Cart, open_with = Self::open, save_with = Self::save)]
pub struct TypedFunctions;

#[expect(clippy::unused_async, reason = "the signatures are those of the policies")]
impl TypedFunctions {
    async fn open(&self, _: OpenContext<'_>) -> Result<Opened<Typed<Cart>>, OpenError> {
        Ok(Opened::Session(SessionState::new().into()))
    }

    async fn save(&self, _: &Typed<Cart>, _: SaveContext<'_>) -> Result<Saved, SaveError> {
        Ok(Saved::token("typed".to_owned()))
    }
}
