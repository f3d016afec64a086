//! What backends promise, whatever keeps their sessions: over time, against faults, and to owners.

mod answers;
mod any_backend;
mod at_once;
mod capacity;
mod dropped;
mod ended;
mod faults;
mod group_commit;
mod import;
mod limits_and_deadlines;
mod owned_sessions;
mod owners;
mod readiness;
mod revocation;
mod server_side;
mod side_by_side;
mod timeouts;
