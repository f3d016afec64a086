//! Opening at once: a request without a token, or with one in a store that need not wait.

use std::pin::pin;

use futures_util::FutureExt;

use super::{
    ServerSide,
    candidates::Candidate,
    open::{LoadState, Origin, TokenCheck, open_record},
    turn::is_large,
};
use crate::{
    backend::{circuit_breaker::Deadline, refused_tokens::RefusedTokens},
    error::OpenError,
    interface::OpenContext,
    state::SessionState,
    store::Store,
};

impl<S: Store> ServerSide<S> {
    /// Opens the session now, if that waits for nothing. Otherwise no event was told and no use of a key
    /// counted yet.
    pub(super) fn open_session_at_once(
        &self,
        cx: &OpenContext<'_>,
    ) -> Option<Result<SessionState, OpenError>> {
        let mut sent = cx.cookies().iter().chain(cx.bearer_token());
        match (sent.next(), sent.next()) {
            (None, _) => Some(Ok(self.new_session(cx))),
            (Some(text), None) if self.store.answers_at_once() => self.open_one(text, cx),
            _ => None,
        }
    }

    /// Opens the session of the only token. Returns `None` where the store has to wait after all, the
    /// use of the session is to be noted, or the session is large and read in its turn: the store is then
    /// asked a second time, which costs little in one that answers at once.
    fn open_one(
        &self,
        text: &[u8],
        cx: &OpenContext<'_>,
    ) -> Option<Result<SessionState, OpenError>> {
        let begun = self.begin(cx);
        let deadline = Deadline::after(self.deadlines.request);
        let mut refused = RefusedTokens::of(cx.transport());
        let tokens = self.tokens.of(cx.settings(), cx.cookie(), cx.transport());
        let check = match tokens.read(text) {
            Ok((token, at)) => {
                let candidate = Candidate::of(token, at, &tokens);
                let load = self.store.load(&candidate.key, None);
                // Pinned on the stack: the future is too large to move.
                let loaded = pin!(self.call(&deadline, load)).now_or_never()?;
                match self.check(candidate, loaded, &tokens, &mut refused, cx) {
                    Ok(check) => Some((check, at)),
                    Err(err) => return Some(Err(err)),
                }
            }
            Err(rejected) => {
                refused.token(rejected);
                None
            }
        };
        let (mut state, origin) = match check {
            Some((TokenCheck::Due(..), _)) => return None,
            Some((TokenCheck::Opens(found), _)) if is_large(found.base.record.payload_len()) => {
                return None;
            }
            Some((TokenCheck::Opens(found), at)) => {
                tokens.count(at);
                open_record(found, cx.is_use() && tokens.is_fallback(at), &self.log_ids)
            }
            Some((TokenCheck::Stale(stale), _)) => (SessionState::new(), Origin::Stale(stale)),
            Some((TokenCheck::Nothing, _)) | None => (SessionState::new(), Origin::New),
        };
        self.limit(&mut state, cx.settings());
        Some(Ok(LoadState::new(origin, begun, deadline.left()).attached_to(state)))
    }
}
