//! The errors of MySQL and MariaDB, by their numbers (MySQL: *Server Error Message Reference*; MariaDB:
//! *Error Codes*).

use sqlx::{error::DatabaseError, mysql::MySqlDatabaseError};

use crate::dialect::driver::ErrorClass;

fn number(err: &(dyn DatabaseError + 'static)) -> u16 {
    err.try_downcast_ref::<MySqlDatabaseError>().map_or(0, MySqlDatabaseError::number)
}

/// Classifies an error.
pub(super) fn classify(err: &(dyn DatabaseError + 'static)) -> ErrorClass {
    match number(err) {
        // Disk full, table full.
        1021 | 1114 => ErrorClass::Full,
        // A write to a file failed (the server's own number, or that of its file system layer), or the
        // storage engine did: with the number of the system's error, of which 28 is ENOSPC.
        3 | 20 | 1026 | 1030 if err.message().contains("28") => ErrorClass::Full,
        // An option prevents the statement, of which `read_only` is one.
        1290 if err.message().contains("read") => ErrorClass::ReadOnly,
        // A read-only transaction, a server in read-only mode, a read-only table.
        1792 | 1836 | 1036 => ErrorClass::ReadOnly,
        // `max_statement_time` of MariaDB, `max_execution_time` of MySQL, `KILL QUERY`.
        1969 | 3024 | 1317 => ErrorClass::Slow,
        // Deadlock, lock wait timeout; a row changed since it was read (`innodb_snapshot_isolation`);
        // a cluster rolled the transaction back at its commit.
        1213 | 1205 | 1020 | 3101 => ErrorClass::Busy,
        // The server shuts down, or closed the connection.
        1053 | 1927 | 4031 => ErrorClass::Broken,
        1146 => ErrorClass::NoTable,
        _ => ErrorClass::Other,
    }
}

/// Returns what to do about an error.
pub(super) fn advice(err: &(dyn DatabaseError + 'static)) -> Option<&'static str> {
    Some(match number(err) {
        1040 => {
            "the server has no connection left; raise its `max_connections`, or use smaller pools"
        }
        1203 | 1226 => {
            "the user has no connection left; raise its limit of connections, or use smaller pools"
        }
        1044 | 1142 | 1143 => {
            "the user lacks rights; grant it SELECT, INSERT, UPDATE and DELETE on the tables of the \
             sessions, and CREATE for `SqlxStore::migrate`"
        }
        1045 | 1698 => {
            "the server refuses the user; check its name and password, and from which hosts it may \
             connect"
        }
        1046 => "the URL names no database; add its name after a `/`",
        1049 => "the database does not exist; create it, or correct its name in the URL",
        1153 => {
            "the record is longer than `max_allowed_packet` of the server; raise that, or lower the \
             limit of `SqlxStore::with_max_record`"
        }
        _ => return None,
    })
}
