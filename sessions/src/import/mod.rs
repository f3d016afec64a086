//! Import of the sessions of actix-session (feature `import-actix-session`).
//!
//! [`ImportActixSession`] wraps a backend and reads the sessions of actix-session 0.6 to 0.11. A
//! request without a cookie of this crate, but with one of actix-session that verifies, gets the
//! session of that legacy cookie; the response saves it in the wrapped backend and sets its cookie.
//! `docs/migration.md` has the steps, and the way back.
//!
//! | in actix-session | here |
//! |---|---|
//! | a key of the session | the same key, with the same value |
//! | `Identity::id()` | `session.get::<String>("actix_identity.user_id")`, and [`Session::owner`](crate::Session::owner) with [`ActixIdentity::owner`] |
//! | an expired record | no session |
//! | `session_ttl`, `state_ttl` | `lifetime`, counted from the import |
//! | `login_deadline`, `visit_deadline` | the same in [`ActixIdentity`]; then `absolute_timeout`, `idle_timeout` |
//!
//! Each session is imported once, up to a time that the import is given, and not again after it ended.
//! Where the legacy cookie holds the session, each earlier cookie counts as a session of its own: a copy of
//! one can be imported once too, also after a logout, unless all sessions of its owner were ended. End such
//! an import soon.
//!
//! The policy `import` decides what happens to the legacy session:
//!
//! - `"copy"`: its cookie and its record are kept. An application that goes back to actix-session
//!   finds its users logged in, as they were at the import.
//! - `"move"`: its cookie is removed and its record deleted after the session is saved here.

mod actix_session;
mod backend;
mod cookie;
mod ended_tokens;
mod identity;
mod key;
mod records;
mod session_state;

pub use self::{
    actix_session::ActixSession, backend::ImportActixSession, identity::ActixIdentity,
    key::ActixSessionKey, records::ActixSessionRecords,
};
