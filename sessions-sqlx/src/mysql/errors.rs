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
        3 | 20 | 1026 | 1030 if has_no_space(err.message()) => ErrorClass::Full,
        // An option prevents the statement: `--read-only`, `--super-read-only`, `--innodb-read-only`.
        1290 if err.message().contains("read-only") => ErrorClass::ReadOnly,
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

/// Whether a message has the number 28 as the one of the system's error: `errno: 28`, `OS errno 28`,
/// `Errcode: 28`, `Got error 28`. The name of a file may have it as well.
fn has_no_space(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    ["errno", "errcode", "error"].iter().any(|word| {
        message.split(word).skip(1).any(|rest| {
            let number = rest.strip_prefix(':').unwrap_or(rest).strip_prefix(" 28");
            number.is_some_and(|rest| !rest.starts_with(|next: char| next.is_alphanumeric()))
        })
    })
}

/// Whether the server or the user has too many connections.
pub(super) fn is_one_too_many(err: &(dyn DatabaseError + 'static)) -> bool {
    matches!(number(err), 1040 | 1203 | 1226)
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

#[cfg(test)]
mod tests {
    use super::has_no_space;

    #[test]
    fn a_full_disk_is_known_by_the_number_of_the_system_s_error() {
        for message in [
            r#"Error writing file './app/sessions.MYI' (errno: 28 "No space left on device")"#,
            "Error writing file '/tmp/#sql1' (OS errno 28 - No space left on device)",
            r#"Error writing file '/tmp/MLfd=9' (Errcode: 28 "No space left on device")"#,
            r#"Got error 28 "No space left on device" from storage engine InnoDB"#,
            "Got error 28 - 'No space left on device' from storage engine",
        ] {
            assert!(has_no_space(message), "{message}");
        }
        for message in [
            r#"Error writing file '/tmp/#sql28f' (Errcode: 5 "Input/output error")"#,
            "Error writing file '/tmp/#sql-28 1' (OS errno 122 - Disk quota exceeded)",
            r#"Got error 128 "Internal error" from storage engine"#,
            "Got error 281 from storage engine",
        ] {
            assert!(!has_no_space(message), "{message}");
        }
    }
}
