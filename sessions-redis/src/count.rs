//! Counting records.

use redis::Cmd;
use sessions::store::{RecordKey, StoreError};

use crate::{connection::Connection, store::RedisStore};

/// About how many keys one step looks at, between which the server serves others.
const STEP: usize = 1_000;

impl RedisStore<Connection> {
    /// Returns how many records there are under the prefix. It looks at all keys of the database, in
    /// steps of about a thousand: for an operator, not for each request. Needs the right to `SCAN`.
    ///
    /// Records that begin or end meanwhile may be counted or not, and some twice where the server
    /// rebuilds its table meanwhile (Redis documentation, `SCAN`). After a failover the next step goes on
    /// at the same place of another server, which may skip records and count others twice. The marks that an
    /// import leaves for the sessions it has taken over are records too, and are counted.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when a step fails.
    pub async fn count(&self) -> Result<u64, StoreError> {
        self.count_with(|_| {}).await
    }

    /// Like [`count`](Self::count), and tells after each step how many records were found so far.
    ///
    /// # Errors
    ///
    /// Those of [`count`](Self::count).
    pub async fn count_with(&self, mut progress: impl FnMut(u64)) -> Result<u64, StoreError> {
        let pattern = format!("{}*", escaped(&self.prefix));
        let (mut cursor, mut count) = (0_u64, 0_u64);
        loop {
            let mut scan = Cmd::new();
            scan.arg("SCAN").arg(cursor).arg("MATCH").arg(&pattern).arg("COUNT").arg(STEP);
            let (next, keys): (u64, Vec<Vec<u8>>) = self.command(&scan).await?;
            let is_record = |key: &&Vec<u8>| {
                let rest = key.strip_prefix(self.prefix.as_bytes());
                rest.is_some_and(|rest| RecordKey::parse(rest).is_some())
            };
            count += keys.iter().filter(is_record).count() as u64;
            progress(count);
            if next == 0 {
                return Ok(count);
            }
            cursor = next;
        }
    }
}

/// Writes a text as a pattern that matches nothing else.
fn escaped(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '*' | '?' | '[' | ']' | '^' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn a_prefix_matches_itself_alone() {
        assert_eq!(escaped("session:"), "session:");
        assert_eq!(escaped("a*?[b]^\\"), "a\\*\\?\\[b\\]\\^\\\\");
    }
}
