//! The databases: what they share, and what differs between them.

pub(crate) mod driver;
pub(crate) mod operations;
pub(crate) mod statements;
pub(crate) mod writes;

use self::operations::Operations;

/// A database that stores sessions: `sqlx::MySql` with the feature `mysql`, `sqlx::Postgres` with the
/// feature `postgres`, `sqlx::Sqlite` with the feature `sqlite`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a database that stores sessions",
    label = "not a database of `SqlxStore`",
    note = "use `sqlx::MySql` with the feature `mysql` of `actix-web-sessions-sqlx`, `sqlx::Postgres` with the feature `postgres`, or `sqlx::Sqlite` with the feature `sqlite`"
)]
pub trait Dialect: Operations {}
