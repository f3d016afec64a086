//! The statements of a store, with the names of its tables in them.

use std::{fmt, sync::Arc, time::Duration};

use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

use crate::table::Table;

/// How a database writes the statements.
pub trait Syntax {
    /// The statements that create the tables, which are named `sessions…` in them, in quotes. They may
    /// run again.
    const MIGRATION: &'static str;
    /// The database's clock, which stands still within a statement: milliseconds since 1970.
    const NOW: &'static str;
    /// The function that returns the greatest of its arguments.
    const GREATEST: &'static str;
    /// The clause after the selection of the rows to sweep.
    const SKIP_LOCKED: &'static str;
    /// Whether the name of a table may have the name of a schema before it.
    const HAS_SCHEMAS: bool;
    /// What stands before and after a name.
    const QUOTE: char = '"';

    /// The statements whose form differs between the databases.
    type Own: fmt::Debug + Send + Sync;

    /// Writes the present in microseconds since 1970, which is not later than what the statement sees:
    /// as an expression, or as the parameter of this number. That is the last one, and
    /// [`host_micros`](super::driver::Driver::host_micros) is bound to it.
    fn micros(parameter: u32) -> String;

    /// Writes those statements.
    fn own_statements(table: &Table) -> Self::Own;
}

/// The statements. Their parameters are numbered in the order of the arguments of the operations.
#[derive(Debug)]
pub struct Statements<Own> {
    pub(crate) create: SqlStr,
    pub(crate) load: SqlStr,
    pub(crate) delete: SqlStr,
    pub(crate) owner_keys: SqlStr,
    pub(crate) owner_state: SqlStr,
    pub(crate) end_before: SqlStr,
    pub(crate) keys_after: SqlStr,
    /// Deletes expired rows, wherever they are.
    pub(crate) sweep_records: SqlStr,
    /// Where the sweeper has a column of its own.
    pub(crate) in_steps: Option<InSteps>,
    pub(crate) sweep_ended: SqlStr,
    pub(crate) own: Own,
    /// Whether a connection keeps a statement prepared for the next operation.
    pub(crate) is_kept: bool,
}

/// The statements of a sweep that looks at the rows that are due first, and at no others.
#[derive(Debug)]
pub(crate) struct InSteps {
    /// Deletes those that have expired.
    pub(crate) sweep_due: SqlStr,
    /// Makes the others due when they expire.
    pub(crate) postpone: SqlStr,
}

impl<Own> Statements<Own> {
    /// Writes the statements of a database that can return the rows that it writes.
    pub(crate) fn returning<DB: Syntax<Own = Own>>(table: &Table) -> Self {
        let (records, ended) = (table.records(), table.ended());
        let (now, greatest, skip_locked) = (DB::NOW, DB::GREATEST, DB::SKIP_LOCKED);
        // An expired row counts as absent. Revisions start at the time, and go on from those of an
        // expired row, so that none is given twice.
        let create = format!(
            "INSERT INTO {records} AS kept (key, revision, record, owner, expires, sweep_after) \
             VALUES ($1, {micros}, $2, $3, {now} + $4, {now} + $4) \
             ON CONFLICT (key) DO UPDATE SET \
             revision = {greatest}(excluded.revision, kept.revision + 1), \
             record = excluded.record, owner = excluded.owner, expires = excluded.expires, \
             sweep_after = excluded.sweep_after \
             WHERE kept.expires <= {now} \
             RETURNING revision",
            micros = DB::micros(5)
        );
        let load = format!(
            "SELECT revision, record, expires - {now}, false, {micros} FROM {records} \
             WHERE key = $1 AND expires > {now}",
            micros = DB::micros(2)
        );
        let delete = format!("DELETE FROM {records} WHERE key = $1 RETURNING expires - {now}");
        let owner_keys = format!("SELECT key FROM {records} WHERE owner = $1 AND expires > {now}");
        let owner_state = format!(
            "SELECT {micros}, \
             (SELECT moment FROM {ended} WHERE owner = $1 AND expires > {now})",
            micros = DB::micros(2)
        );
        // Of ends at the same time, each waits for the row and continues from what the one before
        // wrote: the old moment is read from the locked row, not from the snapshot of the statement.
        let end_before = format!(
            "INSERT INTO {ended} AS kept (owner, moment, expires) \
             VALUES ($1, coalesce($2, {micros}), {now} + $3) \
             ON CONFLICT (owner) DO UPDATE SET \
             previous = CASE WHEN kept.expires > {now} THEN kept.moment END, \
             moment = {greatest}(excluded.moment, CASE WHEN kept.expires <= {now} THEN 0 \
             WHEN $2 IS NULL THEN kept.moment + 1 ELSE kept.moment END), \
             expires = {greatest}(kept.expires, excluded.expires) \
             RETURNING previous, moment",
            micros = DB::micros(4)
        );
        let keys_after = format!(
            "SELECT key FROM {records} WHERE key > $1 AND expires > {now} ORDER BY key LIMIT $2"
        );
        let sweep = |table: &str, id: &str, due: &str| {
            format!(
                "DELETE FROM {table} WHERE {id} IN (SELECT {id} FROM {table} \
                 WHERE {due} <= {now} AND expires <= {now} ORDER BY {due} LIMIT $1{skip_locked}) \
                 AND expires <= {now}"
            )
        };
        // Of the rows that are due first, those that have or have not expired: no statement reads more
        // rows than that, however many live ones there are before the expired ones. Live rows are not
        // locked by the statement that deletes.
        let due = |condition: &str| {
            format!(
                "SELECT key FROM {records} WHERE key IN (SELECT key FROM (\
                 SELECT key, expires FROM {records} WHERE sweep_after <= {now} \
                 ORDER BY sweep_after LIMIT $1) AS due WHERE {condition}) AND {condition}{skip_locked}"
            )
        };
        let (expired, live) = (format!("expires <= {now}"), format!("expires > {now}"));
        let sweep_due =
            format!("DELETE FROM {records} WHERE key IN ({}) AND {expired}", due(&expired));
        // Rows that were touched since they were made: the sweeper looks at them when they expire.
        let postpone_sweep = format!(
            "UPDATE {records} SET sweep_after = expires WHERE key IN ({}) AND {live}",
            due(&live)
        );
        Self {
            create: statement(create),
            load: statement(load),
            delete: statement(delete),
            owner_keys: statement(owner_keys),
            owner_state: statement(owner_state),
            end_before: statement(end_before),
            keys_after: statement(keys_after),
            sweep_records: statement(sweep(&records, "key", "sweep_after")),
            in_steps: Some(InSteps {
                sweep_due: statement(sweep_due),
                postpone: statement(postpone_sweep),
            }),
            sweep_ended: statement(sweep(&ended, "owner", "expires")),
            own: DB::own_statements(table),
            is_kept: true,
        }
    }
}

/// Takes a statement that consists of our own text and checked names.
pub(crate) fn statement(text: String) -> SqlStr {
    AssertSqlSafe(Arc::<str>::from(text)).into_sql_str()
}

/// Returns whole milliseconds for the database: at least one, and a few thousand years at most.
pub(crate) fn millis(time: Duration) -> i64 {
    const MAX: i64 = 1 << 47;
    i64::try_from(time.as_millis()).unwrap_or(MAX).clamp(1, MAX)
}
