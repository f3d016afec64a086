//! The stores in a database: what an update costs, and what stands between them and their server.

mod sweep;
