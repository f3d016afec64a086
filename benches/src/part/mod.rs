//! The parts of a run.

pub(crate) mod allocations;
pub(crate) mod curves;
pub(crate) mod instructions;
pub(crate) mod page;
pub(crate) mod server;
pub(crate) mod time;
