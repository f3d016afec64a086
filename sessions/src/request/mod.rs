//! The middleware, the result of saving early, and the clock.
// A request passes `middleware`, which offers a slot; `slot`, which opens the session; `finish` and
// `save`, which save it; `token_cookie`, which makes its cookie; `answer`, which makes the response; and
// `headers`, which writes its headers.

mod answer;
mod bearer;
mod cache_control;
mod error_with_headers;
mod finish;
mod headers;
pub(crate) mod middleware;
mod plain_http;
mod save;
mod save_report;
mod saved_session;
mod service_state;
mod slot;
mod token_check;
mod token_cookie;

pub(crate) use self::bearer::is_bearer_request;
pub(crate) use self::slot::{AnySlot, CurrentSlot, Opening, OpeningFuture, Slot};
#[cfg(feature = "import-actix-session")]
pub(crate) use self::token_check::check_token;
pub use self::{
    bearer::BearerToken,
    middleware::{SessionFuture, SessionMiddleware, SessionService},
    saved_session::{SaveOutcome, SavedSession},
};
#[cfg(feature = "test")]
pub(crate) use self::{save::headers_after_saving, service_state::ServiceState};
pub use crate::clock::Clock;
