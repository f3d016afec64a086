//! Events and metrics: their tables, and each of them as it is written.

mod claims;
mod each_event;
mod ids;
mod imported;
mod measured;
mod tables;
