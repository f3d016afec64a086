//! What the histories came to, as numbers.

use std::{collections::BTreeMap, fmt};

use super::request::Kind;

/// Counts of one history or several.
#[derive(Debug, Default)]
pub(super) struct Figures {
    pub(super) histories: usize,
    pub(super) steps: usize,
    kinds: BTreeMap<Kind, usize>,
    answers: BTreeMap<u16, usize>,
    last_status: u16,
}

impl Figures {
    pub(super) fn asked(&mut self, kind: Kind) {
        *self.kinds.entry(kind).or_default() += 1;
    }

    pub(super) fn answered(&mut self, status: u16) {
        *self.answers.entry(status).or_default() += 1;
        self.last_status = status;
    }

    /// Returns how many answers there were.
    pub(super) fn answers(&self) -> usize {
        self.answers.values().sum()
    }

    /// Returns the status of the last answer.
    pub(super) fn last_status(&self) -> u16 {
        self.last_status
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.histories += other.histories;
        self.steps += other.steps;
        for (kind, count) in &other.kinds {
            *self.kinds.entry(*kind).or_default() += count;
        }
        for (status, count) in &other.answers {
            *self.answers.entry(*status).or_default() += count;
        }
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { histories, steps, kinds, answers, .. } = self;
        let requests: usize = kinds.values().sum();
        write!(
            f,
            "{histories} histories, {steps} steps, {requests} requests {kinds:?}, answers {answers:?}"
        )
    }
}
