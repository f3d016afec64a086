//! The stores in a database: what an update costs, and what stands between them and their server.

mod causes;
mod distance;
mod idle;
mod poolers;
mod refusing_pooler;
mod sweep;
