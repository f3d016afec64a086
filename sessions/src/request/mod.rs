//! The life of a request: the middleware offers a slot, the slot opens the session, the end of the
//! request saves it and writes the headers.

mod headers;
mod middleware;
mod save;
mod saved_session;
mod service_state;
mod slot;

#[cfg(any(feature = "import-actix-session", feature = "test"))]
pub(crate) use self::save::check_token;
#[cfg(feature = "test")]
pub(crate) use self::service_state::Site;
pub(crate) use self::slot::{AnySlot, Innermost, Opening, Slot};
pub use self::{
    middleware::{SessionFuture, SessionMiddleware, SessionService, new_transform},
    saved_session::{SaveOutcome, SavedSession},
};
