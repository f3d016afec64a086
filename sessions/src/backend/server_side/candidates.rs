//! The tokens of a request that may open a record, and what the store has for them.

use futures_util::future::join_all;
use smallvec::{SmallVec, smallvec};

use super::{ServerSide, token::PurposeTokens};
use crate::{
    backend::{circuit_breaker::Deadline, refused_tokens::RefusedTokens},
    events::event,
    interface::OpenContext,
    store::{Loaded, RecordKey, Store, StoreError},
    token::split::SplitToken,
};

/// How many tokens of one request reach the store: as many as fit into a header line of 8 KiB, the most
/// that proxies pass on by default, so that forged ones hide no real one. Without a signature only the
/// store can tell them apart.
const MAX_LOADS: usize = 170;
/// How many of them are asked for at a time, so that forged ones do not use up the request's time.
pub(super) const LOADS_AT_A_TIME: usize = 16;

/// A token of the request that may open a record.
pub(super) struct Candidate {
    pub(super) token: SplitToken,
    pub(super) key: RecordKey,
    /// The position of the signing key.
    pub(super) at: usize,
}

impl Candidate {
    pub(super) fn of(token: SplitToken, at: usize, tokens: &PurposeTokens<'_>) -> Self {
        let key = tokens.record_key(&token);
        Self { token, key, at }
    }
}

pub(super) type Candidates = SmallVec<[Candidate; 1]>;
/// What the store has for each of them.
pub(super) type LoadedRecords = SmallVec<[Result<Option<Loaded>, StoreError>; 1]>;

/// Returns the tokens of the request: of its cookies, or of the header.
pub(super) fn candidates(
    cx: &OpenContext<'_>,
    tokens: &PurposeTokens<'_>,
    refused: &mut RefusedTokens,
) -> Candidates {
    let mut candidates = Candidates::new();
    for text in cx.cookies().iter().chain(cx.bearer_token()) {
        match tokens.read(text) {
            Err(rejected) => refused.token(rejected),
            Ok(_) if candidates.len() == MAX_LOADS => {
                event!(
                    SessionCookiesExceeded,
                    "a request has more than {MAX_LOADS} session cookies; the others are ignored"
                );
                break;
            }
            Ok((token, at)) => candidates.push(Candidate::of(token, at, tokens)),
        }
    }
    candidates
}

impl<S: Store> ServerSide<S> {
    /// Asks the store for the records of these tokens, at the same time.
    pub(super) async fn load_all(
        &self,
        candidates: &[Candidate],
        deadline: &Deadline,
    ) -> LoadedRecords {
        let load = |candidate: &Candidate| {
            let key = candidate.key;
            async move { self.call(deadline, self.store.load(&key, None)).await }
        };
        match candidates {
            // Nearly every request has one, which needs no list of futures.
            [only] => smallvec![load(only).await],
            several => join_all(several.iter().map(load)).await.into(),
        }
    }
}
