//! The session as handlers see it: the handle, its content, and its way through a request.

mod application_code;
mod contexts;
mod dictionary;
mod extract;
mod failure_lines;
mod handle;
mod invariants;
mod limits;
mod login_notes;
mod logins;
mod logs;
mod lost_values;
mod multiple_sessions;
mod null;
mod outside;
mod regressions;
mod replaced_failures;
mod request_lifecycle;
mod reserved_keys;
mod saving_now;
mod secrets;
mod session_lifecycle;
mod test_support;
mod typed;
mod values;
mod vary;
