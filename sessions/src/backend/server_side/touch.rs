//! Noting a use of a session: its record's time starts again.

use std::{sync::Arc, time::Duration};

use super::{
    ServerSide,
    open::{Found, TokenCheck},
    owner_index::Indexed,
    write::Base,
};
use crate::{
    backend::circuit_breaker::{Deadline, Write},
    store::{Loaded, RecordKey, ReplaceOutcome, Store, StoreError, Timestamp, Touch},
};

impl<S: Store> ServerSide<S> {
    /// Starts the record's time again. Where that fails the session is not affected, and the next use
    /// tries again.
    pub(super) async fn touch(
        &self,
        mut found: Box<Found>,
        touch: Touch,
        deadline: &Deadline,
    ) -> TokenCheck {
        let (record, key) = (&found.base.record, found.key);
        match self.keep_indexed(record, key, touch.ttl, found.now, deadline).await {
            Ok(Indexed::Ended { owner, until }) => {
                let has_ended =
                    self.end_found(key, found.base.revision, owner, until, deadline).await;
                // Where it was written meanwhile, saving will see what it has become.
                return if has_ended { TokenCheck::Nothing } else { TokenCheck::Opens(found) };
            }
            Ok(Indexed::Until(until)) => {
                if let Ok(true) = self.prolong(&mut found, until, touch.ttl, deadline).await {
                    return TokenCheck::Opens(found);
                }
            }
            // Not for a login meanwhile: who has only the token from before it prolongs nothing. Nor without
            // the new time in the record, by which its last use is known.
            Ok(Indexed::Enough)
                if found.base.record.is_anonymous()
                    || found.base.record.ttl_secs != touch.ttl.as_secs() =>
            {
                let until = found.base.record.owner.map(|owner| owner.indexed_until);
                let until = until.unwrap_or_default();
                match self.prolong(&mut found, until, touch.ttl, deadline).await {
                    Err(StoreError::Full) => {}
                    Ok(_) => return TokenCheck::Opens(found),
                    Err(err) => {
                        self.log_untouched(&err);
                        return TokenCheck::Opens(found);
                    }
                }
            }
            Ok(Indexed::Enough) => {}
            Err(err) => {
                self.log_untouched(&err);
                return TokenCheck::Opens(found);
            }
        }
        // Another request may be faster, or end the session: saving will see that.
        match self.call(deadline, self.store.load(&found.key, Some(touch))).await {
            Ok(Some(newer)) if newer.revision != found.base.revision => {
                self.take_back(newer, key, touch.ttl, deadline).await;
            }
            Ok(_) => {}
            Err(err) => self.log_untouched(&err),
        }
        TokenCheck::Opens(found)
    }

    /// Takes a touch back that prolonged a record which another request has written for a shorter time
    /// meanwhile: a session with a timeout of its own would outlive it, and its owner's index.
    async fn take_back(
        &self,
        Loaded { record, revision, touched, .. }: Loaded,
        key: RecordKey,
        ttl: Duration,
        deadline: &Deadline,
    ) {
        let written_for = Duration::from_secs(record.ttl_secs.max(1));
        if !touched || ttl <= written_for {
            return;
        }
        let replace = self.store.replace(&key, revision, &record, written_for);
        if let Err(err) = self.write(Write::Replace, deadline, replace).await {
            let what = "a session that got shorter timeouts is kept for its former ones, since the store failed; its next write tries again";
            self.log().survived(what, &err);
        }
    }

    /// Starts the time of the very record that was loaded, and notes in it until when its owner's index
    /// holds it, so that the next uses need not ask. Returns whether it did: another request may be
    /// faster. A full store fails, and only touches.
    async fn prolong(
        &self,
        found: &mut Found,
        until: Timestamp,
        ttl: Duration,
        deadline: &Deadline,
    ) -> Result<bool, StoreError> {
        let mut record = (*found.base.record).clone();
        if let Some(owner) = &mut record.owner {
            owner.indexed_until = until;
        }
        record.ttl_secs = ttl.as_secs();
        let replace = self.store.replace(&found.key, found.base.revision, &record, ttl);
        let ReplaceOutcome::Replaced(revision) =
            self.write(Write::Replace, deadline, replace).await?
        else {
            return Ok(false);
        };
        let (record, lives_until) = (Arc::new(record), found.now.after(ttl));
        found.base = Base { record, revision, lives_until };
        Ok(true)
    }

    fn log_untouched(&self, err: &StoreError) {
        let what = "a session was not prolonged, since the store failed; its next use tries again";
        self.log().survived(what, err);
    }
}
