//! The text of MySQL's statements. Their parameters have no numbers: they are bound in the order in
//! which they stand in the text.

use sqlx::MySql;

use super::OwnStatements;
use crate::{
    dialect::statements::{Statements, Syntax, statement},
    table::Table,
};

impl Syntax for MySql {
    const MIGRATION: &'static str = include_str!("../../migrations/mysql.sql");
    const NOW: &'static str =
        "(timestampdiff(MICROSECOND, TIMESTAMP'1970-01-01 00:00:00', utc_timestamp(6)) DIV 1000)";
    const GREATEST: &'static str = "greatest";
    // The rows of the statement that deletes are those that it selects.
    const SKIP_LOCKED: &'static str = "";
    const HAS_SCHEMAS: bool = true;
    const QUOTE: char = '`';

    type Own = OwnStatements;

    /// The time at which the server began the statement, which is not later than what it sees. It does
    /// not go through the time zone of the session, in which an hour may be there twice.
    fn micros(_parameter: u32) -> String {
        "timestampdiff(MICROSECOND, TIMESTAMP'1970-01-01 00:00:00', utc_timestamp(6))".to_owned()
    }

    fn own_statements(table: &Table) -> OwnStatements {
        let (records, ended, now) = (table.records(), table.ended(), Self::NOW);
        let live = format!("`key` = ? AND expires > {now}");
        let touch = format!("UPDATE {records} SET expires = ? WHERE {live} AND expires + ? <= ?");
        let replace = format!(
            "UPDATE {records} \
             SET revision = revision + 1, record = ?, owner = ?, expires = {now} + ? \
             WHERE {live} AND revision = ?"
        );
        let delete_if = format!("DELETE FROM {records} WHERE {live} AND revision = ?");
        let revision = format!("SELECT revision FROM {records} WHERE {live}");
        let ended = format!("SELECT previous, moment FROM {ended} WHERE owner = ?");
        OwnStatements {
            touch: statement(touch),
            replace: statement(replace),
            delete_if: statement(delete_if),
            revision: statement(revision),
            ended: statement(ended),
        }
    }
}

/// Writes the statements.
pub(super) fn statements(table: &Table) -> Statements<OwnStatements> {
    let (records, ended) = (table.records(), table.ended());
    let (now, micros, greatest) = (MySql::NOW, MySql::micros(0), MySql::GREATEST);
    // An expired row counts as absent. Revisions start at the time, and go on from those of an expired
    // row, so that none is given twice. The answer is the new revision, and 0 for a live row. A column
    // that is assigned is read with its new value by what follows: `expires` is the last one.
    let create = format!(
        "INSERT INTO {records} (`key`, revision, record, owner, expires) \
         VALUES (?, last_insert_id({micros}), ?, ?, {now} + ?) \
         ON DUPLICATE KEY UPDATE \
         revision = if(expires <= {now}, \
         last_insert_id({greatest}(VALUES(revision), revision + 1)), revision + last_insert_id(0)), \
         record = if(expires <= {now}, VALUES(record), record), \
         owner = if(expires <= {now}, VALUES(owner), owner), \
         expires = if(expires <= {now}, VALUES(expires), expires)"
    );
    let load = format!(
        "SELECT revision, record, expires - {now}, false, {micros} FROM {records} \
         WHERE `key` = ? AND expires > {now}"
    );
    let delete = format!("DELETE FROM {records} WHERE `key` = ? AND expires > {now}");
    let owner_keys = format!("SELECT `key` FROM {records} WHERE owner = ? AND expires > {now}");
    let owner_state = format!(
        "SELECT {micros}, (SELECT moment FROM {ended} WHERE owner = ? AND expires > {now})"
    );
    // Of ends at the same time, each waits for the row and continues from what the one before wrote.
    let end_before = format!(
        "INSERT INTO {ended} (owner, moment, expires) \
         VALUES (?, coalesce(?, {micros}), {now} + ?) \
         ON DUPLICATE KEY UPDATE \
         previous = if(expires > {now}, moment, NULL), \
         moment = {greatest}(VALUES(moment), CASE WHEN expires <= {now} THEN 0 \
         WHEN ? IS NULL THEN moment + 1 ELSE moment END), \
         expires = {greatest}(expires, VALUES(expires))"
    );
    let keys_after = format!(
        "SELECT `key` FROM {records} WHERE `key` > ? AND expires > {now} ORDER BY `key` LIMIT ?"
    );
    let sweep = |table: &str| {
        format!("DELETE FROM {table} WHERE expires <= {now} ORDER BY expires LIMIT ?")
    };
    Statements {
        create: statement(create),
        load: statement(load),
        delete: statement(delete),
        owner_keys: statement(owner_keys),
        owner_state: statement(owner_state),
        end_before: statement(end_before),
        keys_after: statement(keys_after),
        sweep_records: statement(sweep(&records)),
        in_steps: None,
        sweep_ended: statement(sweep(&ended)),
        own: MySql::own_statements(table),
        is_kept: true,
    }
}
