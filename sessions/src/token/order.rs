//! The order in which the tokens of one browser were sealed.

/// When a token was sealed: the second, and its number among the tokens of that second.
///
/// The format of itsdangerous has whole seconds. A token of the same second, or of a host whose clock
/// is behind, is ordered by the number: a later second would run ahead of the clock with every save.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SealOrder {
    /// In seconds since 1970.
    pub(crate) second: u64,
    pub(crate) number: u64,
}

impl SealOrder {
    /// Returns the order of a token that is sealed at `now`, later than `newest`.
    pub(crate) fn after(newest: Option<Self>, now: u64) -> Self {
        match newest {
            Some(Self { second, number }) if second >= now => {
                Self { second, number: number.saturating_add(1) }
            }
            _ => Self { second: now, number: 0 },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::SealOrder;

    #[test]
    fn each_seal_is_later_than_the_newest_and_none_runs_ahead_of_the_clocks() {
        let order = |second, number| SealOrder { second, number };
        for (newest, now, expected) in [
            (None, 5, order(5, 0)),
            (Some(order(4, 7)), 5, order(5, 0)),
            (Some(order(5, 0)), 5, order(5, 1)),
            (Some(order(5, 1)), 5, order(5, 2)),
            (Some(order(6, 0)), 5, order(6, 1)),
        ] {
            let seal = SealOrder::after(newest, now);
            assert_eq!(seal, expected);
            assert!(newest < Some(seal));
        }
    }
}
