//! Writing a record: writers wait in a queue, one commits for all that wait, each by compare and
//! set.

mod batch;
mod cas;
mod queue;

pub(super) use self::{
    cas::{Renewal, ConditionalWrite, WriteOutcome},
    queue::WriteQueue,
};
