//! Taking sessions over into cookies whose owner's sessions can be ended.

use futures_util::future::LocalBoxFuture;

use super::{LegacySession, MarkId, Standing, Taken, TakesOver, marks::Mark};
use crate::{
    backend::{circuit_breaker::Deadline, revocation::Revocation},
    error::{OpenError, SaveError},
    interface::OpenContext,
    state::SessionState,
};

/// Each request of a page load takes over a copy. The mark is made when the first response sets its
/// cookie, since a session that does not fit a cookie stays what it is.
impl TakesOver for Revocation {
    fn deadline(&self, _: &SessionState) -> Deadline {
        Revocation::deadline(self)
    }

    fn find<'a>(
        &'a self,
        mark: MarkId,
        _: &'a mut SessionState,
        deadline: &'a Deadline,
        _: &'a OpenContext<'_>,
    ) -> LocalBoxFuture<'a, Result<Standing, OpenError>> {
        Box::pin(async move {
            Ok(match self.marks(deadline).load(&mark).await? {
                None | Some(Mark::Copies) => Standing::Legacy,
                Some(Mark::Session { .. } | Mark::Ended | Mark::UsedUp) => Standing::Nothing,
            })
        })
    }

    fn take_over<'a>(
        &'a self,
        _: MarkId,
        legacy: LegacySession,
        state: &'a mut SessionState,
        deadline: &'a Deadline,
        _: &'a OpenContext<'_>,
    ) -> LocalBoxFuture<'a, Result<Taken, OpenError>> {
        Box::pin(async move {
            let LegacySession { mut content, since, .. } = legacy;
            if content.owner().is_some() {
                content.put_owner_since(since);
            }
            if self.has_ended(&content, deadline).await? {
                return Ok(Taken::Not);
            }
            state.adopt(&content, since);
            Ok(Taken::ByThisRequest)
        })
    }

    fn confirm(&self, mark: MarkId) -> LocalBoxFuture<'_, Result<bool, SaveError>> {
        Box::pin(async move {
            let deadline = Revocation::deadline(self);
            let marks = self.marks(&deadline);
            if marks.create(&mark, Mark::Copies).await? {
                return Ok(true);
            }
            // A used-up one is of a takeover that was more than a minute ago.
            Ok(matches!(marks.load(&mark).await?, None | Some(Mark::Copies)))
        })
    }

    fn end(&self, ids: Vec<MarkId>) -> LocalBoxFuture<'_, Result<(), SaveError>> {
        Box::pin(async move {
            let deadline = Revocation::deadline(self);
            for id in &ids {
                self.marks(&deadline).end(id).await?;
            }
            Ok(())
        })
    }
}
