//! The index of owners, with one thing wrong.

use std::time::{Duration, Instant};

use sessions::store::{
    BoxFuture, Ended, OwnerIndex, OwnerKey, OwnerState, RecordKey, Store, StoreError, Timestamp,
};
use tokio::task::yield_now;

use super::{Wrong, WrongStore, lock};

const SECOND: u64 = 1_000_000;

impl WrongStore {
    fn index(&self) -> &dyn OwnerIndex {
        self.inner.owners().expect("the memory store has an index")
    }

    fn owner(&self, owner: &OwnerKey) -> OwnerKey {
        let mut bytes = *owner.as_bytes();
        if self.is(Wrong::MixesOwners) {
            bytes[0] = 0;
        }
        OwnerKey::from_bytes(bytes)
    }

    /// The owner whose moment is kept.
    fn ended(&self, owner: &OwnerKey) -> OwnerKey {
        if self.is(Wrong::OneMomentForAll) {
            OwnerKey::from_bytes([0; 32])
        } else {
            self.owner(owner)
        }
    }

    async fn entry(
        &self,
        owner: &OwnerKey,
        key: &RecordKey,
        ttl: Duration,
    ) -> Result<OwnerState, StoreError> {
        let present = self.index().keys(owner).await?;
        let state = self.index().state(owner).await?;
        match self.wrong {
            Wrong::AddsOnce if present.contains(key) => return Ok(state),
            Wrong::AddingAgainShortens => self.index().remove(owner, key).await?,
            Wrong::HalvesTheTimeOfEntries => return self.index().add(owner, key, ttl / 2).await,
            Wrong::TheLastEntryTimesAll => {
                for key in present {
                    self.index().remove(owner, &key).await?;
                    self.index().add(owner, &key, ttl).await?;
                }
            }
            Wrong::LooksBeforeItAdds => {
                yield_now().await;
                self.index().add(owner, key, ttl).await?;
                return Ok(state);
            }
            _ => {}
        }
        self.index().add(owner, key, ttl).await
    }

    /// Returns the moment that a call tells instead of the one that is kept.
    fn moment(&self, owner: &OwnerKey, kept: Option<Timestamp>) -> Option<Timestamp> {
        match self.wrong {
            Wrong::TheLastMomentStays => lock(&self.moments).get(owner).copied(),
            Wrong::RoundsMoments => kept.map(|kept| Timestamp::new(kept.get() / 1_000 * 1_000)),
            Wrong::ShortEndsShorten => {
                let until = lock(&self.ends_until).get(owner).copied();
                kept.filter(|_| until.is_none_or(|until| until > Instant::now()))
            }
            // As a store that reads a replica: what was kept is not there yet.
            Wrong::LooksBeforeItAdds => None,
            _ => kept,
        }
    }
}

impl OwnerIndex for WrongStore {
    fn add<'a>(
        &'a self,
        owner: &'a OwnerKey,
        key: &'a RecordKey,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<OwnerState, StoreError>> {
        Box::pin(async move {
            let mut state = self.entry(&self.owner(owner), key, ttl).await?;
            state.ended_before = match self.wrong {
                Wrong::AddTellsNoMoment => None,
                Wrong::LooksBeforeItAdds => state.ended_before,
                Wrong::OneMomentForAll => self.state(owner).await?.ended_before,
                _ => self.moment(owner, state.ended_before),
            };
            Ok(state)
        })
    }

    fn remove<'a>(
        &'a self,
        owner: &'a OwnerKey,
        key: &'a RecordKey,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            if self.is(Wrong::KeepsWhatIsTakenBack) {
                return Ok(());
            }
            self.needs_room(Wrong::RemovalsNeedRoom)?;
            self.index().remove(&self.owner(owner), key).await
        })
    }

    fn keys<'a>(
        &'a self,
        owner: &'a OwnerKey,
    ) -> BoxFuture<'a, Result<Vec<RecordKey>, StoreError>> {
        Box::pin(async move {
            if self.is(Wrong::FindsNoOwners) {
                return Ok(Vec::new());
            }
            let tells_times = [
                Wrong::AddsOnce,
                Wrong::AddingAgainShortens,
                Wrong::HalvesTheTimeOfEntries,
                Wrong::TheLastEntryTimesAll,
            ];
            if tells_times.contains(&self.wrong) {
                self.inner.store().sweep();
            }
            self.index().keys(&self.owner(owner)).await
        })
    }

    fn state<'a>(&'a self, owner: &'a OwnerKey) -> BoxFuture<'a, Result<OwnerState, StoreError>> {
        Box::pin(async move {
            let state = self.index().state(&self.ended(owner)).await?;
            Ok(OwnerState { ended_before: self.moment(owner, state.ended_before), ..state })
        })
    }

    fn end_before<'a>(
        &'a self,
        owner: &'a OwnerKey,
        up_to: Option<Timestamp>,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<Ended, StoreError>> {
        Box::pin(async move {
            self.needs_room(Wrong::EndsNeedRoom)?;
            let owner = &self.ended(owner);
            let now = self.index().state(owner).await?.now;
            let shifted = match self.wrong {
                Wrong::EndsInThePast => Some(Timestamp::new(now.get() - SECOND)),
                Wrong::EndsInTheFuture => Some(Timestamp::new(now.get() + SECOND)),
                Wrong::StampsBeforeItWaits => {
                    yield_now().await;
                    Some(now)
                }
                _ => None,
            };
            let mut ended = self.index().end_before(owner, up_to.or(shifted), ttl).await?;
            match self.wrong {
                Wrong::TheLastMomentStays => {
                    ended.at = up_to.unwrap_or(ended.at);
                    ended.previous = lock(&self.moments).insert(*owner, ended.at);
                }
                Wrong::TellsNoMomentBefore => ended.previous = None,
                Wrong::ShortEndsShorten => {
                    lock(&self.ends_until).insert(*owner, Instant::now() + ttl);
                }
                _ => {}
            }
            Ok(ended)
        })
    }
}
