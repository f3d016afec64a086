//! The alarm about a store that fails, and its end.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, AtomicU32, Ordering},
};

use tokio::time::Instant;

use super::FAILURES;
use crate::error::{PassedOver, QUIET};

/// Says when the alarm is written: after several failures in a row, and at most once a second, however
/// often a row begins and ends. Its end is written if the alarm of the row was.
#[derive(Debug, Default)]
pub(super) struct Alarm {
    written: Mutex<Written>,
}

#[derive(Debug, Default)]
struct Written {
    last: Option<Instant>,
    /// The rows since then whose alarm was not written.
    passed_over: u64,
}

/// Failures in a row. Changes while the alarm is locked.
#[derive(Debug, Default)]
pub(super) struct Row {
    count: AtomicU32,
    is_announced: AtomicBool,
}

/// What the end of a row is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct RowEnd {
    /// The store failed before, and works again.
    pub(super) is_recovery: bool,
    /// The alarm of the row was written.
    pub(super) is_announced: bool,
}

impl Row {
    pub(super) fn count(&self) -> u32 {
        self.count.load(Ordering::Acquire)
    }
}

impl Alarm {
    /// Counts a failure. Returns the length of the row, and whether the alarm is to be written.
    pub(super) fn note_failure(&self, row: &Row) -> (u32, Option<PassedOver>) {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        let count = row.count.load(Ordering::Relaxed).saturating_add(1);
        row.count.store(count, Ordering::Release);
        if count < FAILURES || row.is_announced.load(Ordering::Relaxed) {
            return (count, None);
        }
        let now = Instant::now();
        if written.last.is_some_and(|last| now.saturating_duration_since(last) < QUIET) {
            written.passed_over += u64::from(count == FAILURES);
            return (count, None);
        }
        row.is_announced.store(true, Ordering::Relaxed);
        // A row that went on was passed over at first. The alarm of another row may have said so meanwhile.
        let others = written.passed_over.saturating_sub(u64::from(count > FAILURES));
        *written = Written { last: Some(now), passed_over: 0 };
        (count, Some(PassedOver(others)))
    }

    /// Ends the row. Returns whether it was as long as one that raises the alarm, and whether its end is to
    /// be written.
    pub(super) fn note_success(&self, row: &Row) -> RowEnd {
        if row.count.load(Ordering::Relaxed) == 0 {
            return RowEnd::default();
        }
        let _written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        let count = row.count.swap(0, Ordering::AcqRel);
        let is_announced = row.is_announced.swap(false, Ordering::Relaxed);
        RowEnd { is_recovery: count >= FAILURES, is_announced }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time;

    use super::{Alarm, FAILURES, PassedOver, QUIET, Row};

    /// Makes a row of failures, and returns what each alarm said.
    fn alarms(alarm: &Alarm, row: &Row, failures: u32) -> Vec<u64> {
        let failed = (0..failures).filter_map(|_| alarm.note_failure(row).1);
        failed.map(|PassedOver(others)| others).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_row_that_another_alarm_has_counted_is_not_counted_again() {
        let alarm = Alarm::default();
        let [first, passed_over, other] = [Row::default(), Row::default(), Row::default()];
        assert_eq!(alarms(&alarm, &first, FAILURES), [0]);
        assert!(alarms(&alarm, &passed_over, FAILURES).is_empty());
        time::advance(QUIET).await;
        assert_eq!(alarms(&alarm, &other, FAILURES), [1]);
        time::advance(QUIET).await;
        assert_eq!(alarms(&alarm, &passed_over, 1), [0]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_fails_and_answers_in_turn_has_one_alarm_a_second_with_the_number_of_others()
     {
        let (alarm, row) = (Alarm::default(), Row::default());
        for expected in [vec![0], vec![19], vec![19]] {
            let (mut said, mut ends) = (Vec::new(), 0);
            for _ in 0..20 {
                said.extend(alarms(&alarm, &row, FAILURES));
                ends += usize::from(alarm.note_success(&row).is_announced);
                assert!(!alarm.note_success(&row).is_announced, "it has ended");
            }
            assert_eq!((said, ends), (expected, 1));
            time::advance(QUIET).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_row_that_goes_on_has_its_alarm_a_second_after_the_last() {
        let (alarm, rows) = (Alarm::default(), [Row::default(), Row::default()]);
        assert_eq!(alarms(&alarm, &rows[0], FAILURES * 2), [0]);
        assert!(alarms(&alarm, &rows[1], FAILURES * 2).is_empty());
        time::advance(QUIET).await;
        assert_eq!(alarms(&alarm, &rows[1], FAILURES), [0]);
        assert!(alarms(&alarm, &rows[0], FAILURES).is_empty());
        assert!(rows.iter().all(|row| alarm.note_success(row).is_announced));
    }

    #[tokio::test(start_paused = true)]
    async fn too_few_failures_have_no_alarm_and_no_end() {
        let (alarm, row) = (Alarm::default(), Row::default());
        assert!(alarms(&alarm, &row, FAILURES - 1).is_empty());
        assert!(!alarm.note_success(&row).is_announced);
    }
}
