//! The cap: a limit of sessions for each owner.
//!
//! Where the oldest ends, a login looks at the owner's sessions once its own is written: of logins at the
//! same time the last one sees all, and all of them order sessions alike. Where a login is refused, it
//! takes a place first, in a record that all hosts write by compare-and-set.

mod admission;
mod counted;
#[cfg(feature = "import-actix-session")]
mod taken_over;

use std::cmp::Reverse;

use futures_util::{StreamExt, stream};

pub(super) use self::admission::{Admission, may_be_written};
use self::counted::{AT_ONCE, Counted};
use super::{
    ServerSide,
    write::{Removal, RemovalCondition, RemovalOutcome},
};
use crate::{
    backend::circuit_breaker::Deadline,
    error::{ConfigError, SaveError},
    store::{OwnerKey, OwnerState, RecordKey, Store, StoreError},
};

/// How many sessions an owner may have.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cap {
    pub(super) most: usize,
    pub(super) above: Above,
}

/// What a login above the cap does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Above {
    EndsTheOldest,
    IsRefused,
}

impl Cap {
    fn method(self) -> &'static str {
        match self.above {
            Above::EndsTheOldest => "at_most",
            Above::IsRefused => "refuse_above",
        }
    }

    /// Checks that the cap lets owners log in, and that the store can hold it.
    pub(super) fn check(self, store: &impl Store) -> Result<(), ConfigError> {
        let method = self.method();
        let problem = if self.most == 0 {
            format!("`{method}(0)` lets nobody log in; write 1 or more")
        } else if store.owners().is_none() {
            NoIndex { method }.to_string()
        } else {
            return Ok(());
        };
        Err(ConfigError::Unusable { problem })
    }
}

impl<S: Store> ServerSide<S> {
    /// Fails where the cap cannot be held, since the store cannot find an owner's sessions.
    pub(super) fn check_cap_has_index(&self) -> Result<(), SaveError> {
        match self.cap {
            Some(cap) if self.store.owners().is_none() => {
                Err(SaveError::internal(NoIndex { method: cap.method() }))
            }
            _ => Ok(()),
        }
    }

    /// Ends the owner's oldest sessions where there are more than the cap lets live, once the record of a
    /// login is written. Returns whether the login's own session lives on: it has ended where others
    /// have logged in meanwhile.
    pub(super) async fn end_above_cap(
        &self,
        owner: OwnerKey,
        own: RecordKey,
        state: OwnerState,
        deadline: &Deadline,
    ) -> Result<bool, SaveError> {
        let Some(Cap { most, above: Above::EndsTheOldest }) = self.cap else { return Ok(true) };
        let Some(index) = self.store.owners() else { return Ok(true) };
        loop {
            let keys = self.call(deadline, index.keys(&owner)).await?;
            if keys.len() <= most {
                return Ok(true);
            }
            let mut live = self.counted(owner, keys, state, deadline).await?;
            // The newest first: a session's login, and of two at the same moment the same one on all hosts.
            live.sort_unstable_by_key(|session| Reverse((session.since, session.key)));
            let oldest = live.split_off(live.len().min(most));
            let mut ends = stream::iter(oldest)
                .map(|session| self.end_oldest(owner, session, deadline))
                .buffer_unordered(AT_ONCE);
            let (mut has_newer, mut failed) = (false, None);
            while let Some(outcome) = ends.next().await {
                match outcome {
                    Ok(RemovalOutcome::Refused) => has_newer = true,
                    Ok(RemovalOutcome::Deleted | RemovalOutcome::Gone) => {}
                    Err(err) => failed = Some(err),
                }
            }
            if let Some(err) = failed {
                return Err(err.into());
            }
            // One of them has logged in again since it was read.
            if !has_newer {
                return Ok(live.iter().any(|session| session.key == own));
            }
        }
    }

    /// Ends a session unless its login is newer than it was.
    async fn end_oldest(
        &self,
        owner: OwnerKey,
        Counted { key, since, base }: Counted,
        deadline: &Deadline,
    ) -> Result<RemovalOutcome, StoreError> {
        let Some(base) = base else {
            let is_ended = self.end_if_owned(key, owner, None, deadline).await?;
            return Ok(if is_ended { RemovalOutcome::Deleted } else { RemovalOutcome::Gone });
        };
        let condition = RemovalCondition::Oldest { of: owner, since };
        Removal::new(self, key, base, condition, deadline).run().await
    }
}

#[derive(Debug, thiserror::Error)]
#[error(
    "`{method}` needs a store that finds an owner's sessions, and this one's `owners` returns `None`; implement it, or choose another store"
)]
struct NoIndex {
    method: &'static str,
}
