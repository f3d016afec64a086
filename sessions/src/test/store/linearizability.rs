//! Whether the answers of concurrent operations have an order in which a store that does one at a time
//! gives the same, each operation between its beginning and its end (Herlihy and Wing's
//! linearizability). The search is Wing and Gong's, with Lowe's memory of tried states.

use std::{collections::HashSet, fmt};

/// An operation on the record, as a client asked for it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Asked {
    Create { number: usize },
    Load,
    Replace { revision: u64, number: usize },
    Delete,
    DeleteIf { revision: u64 },
}

/// What the store answered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Answer {
    Created { revision: u64 },
    Exists,
    Loaded(State),
    Replaced { revision: u64 },
    Conflict,
    Gone,
    Deleted,
    Absent,
}

/// The record that is there, if one is: its revision, and the number in it.
pub(super) type State = Option<(u64, usize)>;

/// One operation of a history.
#[derive(Clone, Copy)]
pub(super) struct Operation {
    pub(super) client: usize,
    pub(super) asked: Asked,
    pub(super) answer: Answer,
    /// Times of one clock that never gives the same twice.
    pub(super) begun: u64,
    pub(super) ended: u64,
}

impl Operation {
    /// Returns the record after the operation, from the record before it. `None` when the answer does
    /// not fit.
    fn after(&self, state: State) -> Option<State> {
        match (self.asked, self.answer, state) {
            // The store chooses the revision.
            (Asked::Create { number }, Answer::Created { revision }, None) => {
                Some(Some((revision, number)))
            }
            (Asked::Create { .. }, Answer::Exists, Some(_)) => Some(state),
            (Asked::Load, Answer::Loaded(loaded), _) if loaded == state => Some(state),
            (
                Asked::Replace { revision, number },
                Answer::Replaced { revision: next },
                Some((present, _)),
            ) if present == revision && next > revision => Some(Some((next, number))),
            (Asked::DeleteIf { revision }, Answer::Deleted, Some((present, _)))
                if present == revision =>
            {
                Some(None)
            }
            (
                Asked::Replace { revision, .. } | Asked::DeleteIf { revision },
                Answer::Conflict,
                Some((present, _)),
            ) if present != revision => Some(state),
            (Asked::Delete, Answer::Deleted, Some(_))
            | (Asked::Delete, Answer::Absent, None)
            | (Asked::Replace { .. } | Asked::DeleteIf { .. }, Answer::Gone, None) => Some(None),
            _ => None,
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { client, asked, answer, begun, ended } = self;
        write!(f, "{begun} to {ended}: client {client} asked {asked:?}, answered {answer:?}")
    }
}

/// A set of at most 128 operations.
type Set = u128;

/// The search for an order.
struct Search<'h> {
    history: &'h [Operation],
    tried: HashSet<(Set, State)>,
    /// The longest part of the history that has an order.
    longest: Set,
}

/// Returns the operations that no order gets past. Empty when there is an order.
///
/// # Panics
///
/// When the history is longer than 128 operations.
pub(super) fn unexplained(history: &[Operation]) -> Vec<Operation> {
    assert!(history.len() <= Set::BITS as usize);
    let mut search = Search { history, tried: HashSet::new(), longest: 0 };
    if search.explains(0, None) {
        return Vec::new();
    }
    let longest = search.longest;
    search.next(longest).map(|(_, operation)| *operation).collect()
}

impl Search<'_> {
    /// Whether the other operations have an order, once these are done and have left this state.
    fn explains(&mut self, done: Set, state: State) -> bool {
        if done.count_ones() as usize == self.history.len() {
            return true;
        }
        if !self.tried.insert((done, state)) {
            return false;
        }
        if done.count_ones() > self.longest.count_ones() {
            self.longest = done;
        }
        let next: Vec<_> = self
            .next(done)
            .filter_map(|(at, operation)| Some((done | 1 << at, operation.after(state)?)))
            .collect();
        next.into_iter().any(|(done, state)| self.explains(done, state))
    }

    /// Returns the operations that may come next: those that began before any other ended.
    fn next(&self, done: Set) -> impl Iterator<Item = (usize, &Operation)> {
        let left = move || {
            let history = self.history.iter().enumerate();
            history.filter(move |(at, _)| done >> at & 1 == 0)
        };
        let first_end = left().map(|(_, operation)| operation.ended).min().unwrap_or_default();
        left().filter(move |(_, operation)| operation.begun < first_end)
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, Asked, Operation, unexplained};

    const CREATE: (Asked, Answer) = (Asked::Create { number: 1 }, Answer::Created { revision: 1 });

    fn loaded(number: usize) -> (Asked, Answer) {
        let revision = number as u64;
        (Asked::Load, Answer::Loaded((number > 0).then_some((revision, number))))
    }

    fn replaced(number: usize) -> (Asked, Answer) {
        let next = number as u64;
        (Asked::Replace { revision: next - 1, number }, Answer::Replaced { revision: next })
    }

    /// Returns how many operations of a history, with their times, no order gets past.
    fn left(history: &[((Asked, Answer), u64, u64)]) -> usize {
        let operation = |((asked, answer), begun, ended): &_| Operation {
            client: 0,
            asked: *asked,
            answer: *answer,
            begun: *begun,
            ended: *ended,
        };
        unexplained(&history.iter().map(operation).collect::<Vec<_>>()).len()
    }

    #[test]
    fn one_after_the_other_each_sees_what_the_one_before_left() {
        assert_eq!(left(&[(CREATE, 0, 1), (replaced(2), 2, 3), (loaded(2), 4, 5)]), 0);
        assert_eq!(left(&[(CREATE, 0, 1), (replaced(2), 2, 3), (loaded(1), 4, 5)]), 1);
        assert_eq!(left(&[(CREATE, 0, 1), (CREATE, 2, 3)]), 1);
        let deleted = (Asked::Delete, Answer::Deleted);
        assert_eq!(left(&[(CREATE, 0, 1), (deleted, 2, 3), (loaded(0), 4, 5)]), 0);
        assert_eq!(left(&[(CREATE, 0, 1), (deleted, 2, 3), (replaced(2), 4, 5)]), 1);
        let gone = (Asked::DeleteIf { revision: 1 }, Answer::Gone);
        assert_eq!(left(&[(CREATE, 0, 1), (gone, 2, 3)]), 1);
        assert_eq!(left(&[(gone, 0, 1), (CREATE, 2, 3)]), 0);
        let conflict = (Asked::Replace { revision: 1, number: 9 }, Answer::Conflict);
        assert_eq!(left(&[(CREATE, 0, 1), (replaced(2), 2, 3), (conflict, 4, 5)]), 0);
        assert_eq!(left(&[(CREATE, 0, 1), (conflict, 2, 3)]), 1);
    }

    #[test]
    fn at_the_same_time_either_may_be_first_and_not_both() {
        let (early, late) = (loaded(1), loaded(2));
        assert_eq!(left(&[(CREATE, 0, 1), (replaced(2), 2, 7), (early, 3, 4), (late, 5, 6)]), 0);
        assert_ne!(left(&[(CREATE, 0, 1), (replaced(2), 2, 7), (late, 3, 4), (early, 5, 6)]), 0);
        // Both replaced one revision: a lost update.
        assert_ne!(left(&[(CREATE, 0, 1), (replaced(2), 2, 5), (replaced(2), 3, 4)]), 0);
    }
}
