//! Counting records.

use sessions::store::StoreError;

use super::SqlxStore;
use crate::{dialect::Dialect, lease::run};

/// How many keys one statement reads: each is done within the time that a statement may take.
const STEP: i64 = 5_000;

impl<DB: Dialect> SqlxStore<DB> {
    /// Returns how many records there are that have not expired. It reads the keys of the whole table,
    /// 5,000 with each statement: for an operator, not for each request. Records that begin or end
    /// meanwhile may be counted or not.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when a statement fails.
    pub async fn count(&self) -> Result<u64, StoreError> {
        self.count_with(|_| {}).await
    }

    /// Like [`count`](Self::count), and tells after each step how many records were found so far.
    ///
    /// # Errors
    ///
    /// Those of [`count`](Self::count).
    pub async fn count_with(&self, mut progress: impl FnMut(u64)) -> Result<u64, StoreError> {
        let (mut count, mut last) = (0, Vec::new());
        loop {
            let keys: Vec<Vec<u8>> = run!(self, read, connection => {
                DB::keys_after(connection, &self.statements, &last, STEP)
            })?;
            count += keys.len() as u64;
            progress(count);
            match keys.into_iter().next_back() {
                Some(key) if count.is_multiple_of(STEP.cast_unsigned()) => last = key,
                _ => return Ok(count),
            }
        }
    }
}
