//! What a session costs: the price of a request *with* a session minus the price of the same
//! request *without*, for ours and for the peers, in one process and one thread.
//!
//! - `workload`: what a request does; `payload`: what its session holds.
//! - `site`: one application per subject, all with the same pages, called without a socket.
//! - `measure`: interleaved blocks; `stats`: intervals; `results`: what a run leaves behind.

pub mod floor;
pub mod measure;
pub mod payload;
pub mod results;
pub mod site;
pub mod stats;
pub mod workload;
