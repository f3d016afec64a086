//! The databases: what they share, and what differs between them.

pub(crate) mod driver;
pub(crate) mod operations;
pub(crate) mod statements;

use self::operations::Operations;

/// A database that stores sessions: `sqlx::Postgres` with the feature `postgres`, `sqlx::Sqlite` with
/// the feature `sqlite`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a database that stores sessions",
    label = "not a database of `SqlxStore`",
    note = "use `sqlx::Postgres` with the feature `postgres` of `actix-web-sessions-sqlx`, or `sqlx::Sqlite` with the feature `sqlite`"
)]
pub trait Dialect: Operations {}
