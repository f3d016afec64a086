//! What a writer is told.

use std::sync::Arc;

/// The result of a write, for its request.
pub(crate) enum WriteOutcome {
    Kept {
        /// Whether the token opens the record: the one of the renewal, else the one that the
        /// request came with.
        token_holds: bool,
        /// The content that is kept, where the request has not seen it.
        merged: Option<Arc<str>>,
    },
    Deleted,
    /// There was no record any more, and still is none.
    Gone,
}
