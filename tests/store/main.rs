//! The stores: the contract that each keeps, and what each does when its server fails.

mod backup;
mod connecting;
mod health;
mod memory_store;
mod mysql_errors;
mod mysql_faults;
mod mysql_store;
mod postgres_faults;
mod postgres_server;
mod redis_connecting;
mod redis_eviction;
mod redis_failover;
mod redis_full;
mod redis_outage;
mod redis_requests;
mod redis_sentinel;
mod redis_server;
mod redis_store;
mod redis_tls;
mod redis_wire;
mod rolling_upgrade;
mod sql_store;
mod sqlite_faults;
mod store_conformance;
mod urls;
mod wrong_store;
