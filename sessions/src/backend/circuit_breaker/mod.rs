//! What protects requests from a store in trouble: deadlines, and a circuit breaker.

mod alarm;
mod call;
mod deadline;
mod refused_writes;
mod wake_time;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::time::{Instant, timeout};

use self::{
    alarm::{Alarm, Row},
    refused_writes::RefusedWrites,
};
pub(super) use self::{
    call::Call,
    deadline::{Deadline, Deadlines, LONGEST},
    refused_writes::Write,
};
use crate::{
    error::OutageLog,
    events::{Event, OpenCircuit, StoreCall, count, line},
    store::{NotReady, StoreError},
};

/// How many calls in a row fail before the circuit opens.
const FAILURES: u32 = 5;
/// How long an open circuit refuses calls before it admits a probe.
const OPEN_FOR: Duration = Duration::from_secs(1);
/// The reason of the events.
const REASON: &str = "outage";

/// Refuses calls while the store fails, so that requests fail at once instead of queueing.
pub(super) struct CircuitBreaker {
    /// Whether the store is expected to wait for its answers.
    waits: bool,
    start: Instant,
    failures: Row,
    alarm: Alarm,
    /// How many answers came that a call had to wait for.
    answers: AtomicU64,
    /// In milliseconds since the start.
    open_until: AtomicU64,
    refused_writes: RefusedWrites,
    open_circuit: OpenCircuit,
    log: Arc<OutageLog>,
}

/// The state of things when a call was admitted.
#[derive(Clone, Copy)]
struct Admission {
    /// How much of the request's time was left.
    left: Duration,
    answers: u64,
    call: StoreCall,
}

impl CircuitBreaker {
    /// Protects a store that is expected to wait for its answers, or one that is not.
    pub(super) fn new(waits: bool) -> Self {
        Self {
            waits,
            start: Instant::now(),
            failures: Row::default(),
            alarm: Alarm::default(),
            answers: AtomicU64::new(0),
            open_until: AtomicU64::new(0),
            refused_writes: RefusedWrites::default(),
            open_circuit: OpenCircuit::new(),
            log: Arc::default(),
        }
    }

    /// Returns where the lines of an outage are counted.
    pub(super) fn log(&self) -> &Arc<OutageLog> {
        &self.log
    }

    /// Makes one call, within the time for a call and what is left of the request's.
    pub(super) fn call<'b, F>(
        &'b self,
        limit: Duration,
        deadline: &'b Deadline,
        call: F,
    ) -> Call<'b, F> {
        Call::new(self, limit, deadline, call)
    }

    /// Admits a call, or says why not.
    fn admit(&self, deadline: &Deadline) -> Result<Admission, StoreError> {
        if !self.admits_probe() {
            return Err(StoreError::unavailable(CircuitOpen));
        }
        let left = deadline.left();
        if left.is_zero() {
            return Err(StoreError::Timeout);
        }
        Ok(Admission {
            left,
            answers: self.answers.load(Ordering::Acquire),
            call: StoreCall::begin(),
        })
    }

    /// Notes the result of a call that was given this much time at most.
    fn note<T>(&self, result: &Result<T, StoreError>, admission: Admission, limit: Duration) {
        match result {
            // The request had too little time left to blame the store.
            Err(StoreError::Timeout) if admission.left < limit / 2 => {}
            // Other calls were answered meanwhile: this one queued, for example for a connection of a
            // full pool.
            Err(StoreError::Timeout | StoreError::NoConnection { .. })
                if self.answers.load(Ordering::Acquire) != admission.answers => {}
            Err(err) if err.is_outage() => self.note_failure(err),
            _ => self.note_success(),
        }
    }

    /// Notes an answer that a call had to wait for.
    fn note_answer<T>(&self, result: &Result<T, StoreError>) {
        if !matches!(result, Err(err) if err.is_outage()) {
            self.answers.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// Whether a call may reach the store: while it fails, one call in a second.
    fn admits_probe(&self) -> bool {
        if self.failures.count() < FAILURES {
            return true;
        }
        let now = self.now();
        let until = self.open_until.load(Ordering::Acquire);
        now >= until
            && self
                .open_until
                .compare_exchange(
                    until,
                    now + millis(OPEN_FOR),
                    Ordering::AcqRel,
                    Ordering::Relaxed,
                )
                .is_ok()
    }

    /// Calls that fail later do not keep the circuit open: the next second counts from the last probe.
    fn note_failure(&self, err: &StoreError) {
        let (failures, alarm) = self.alarm.note_failure(&self.failures);
        if failures == FAILURES {
            self.open_until.store(self.now() + millis(OPEN_FOR), Ordering::Release);
            self.open_circuit.set(true);
            count(Event::StoreFailed, Some(REASON));
        }
        if let Some(passed_over) = alarm {
            line!(
                StoreFailed,
                reason = REASON,
                "the session store fails: {FAILURES} calls in a row failed; requests that need it are refused at once, and one call in a second tries again; check that the store is up and can be reached: {}{passed_over}",
                err.with_causes()
            );
        }
    }

    fn note_success(&self) {
        let end = self.alarm.note_success(&self.failures);
        self.open_circuit.set(false);
        if end.is_recovery {
            count(Event::StoreRecovered, Some(REASON));
        }
        if end.is_announced {
            line!(StoreRecovered, reason = REASON, "the session store answers again");
        }
    }

    /// Asks the store whether it is ready, also while the circuit is open: an answer closes it.
    pub(super) async fn ready(
        &self,
        ask: impl Future<Output = Result<(), NotReady>>,
        server: Option<String>,
        limit: Duration,
    ) -> Result<(), NotReady> {
        let answer = timeout(limit, ask).await;
        match answer.unwrap_or_else(|_| Err(NotReady::silent(server.as_deref(), limit))) {
            Ok(()) => {
                self.note_success();
                Ok(())
            }
            Err(err) if self.failures.count() < FAILURES => Err(err),
            Err(err) => Err(err.while_refusing()),
        }
    }

    /// Notes the result of a call that writes.
    fn note_write<T>(&self, write: Write, result: &Result<T, StoreError>) {
        match result {
            Err(err) if err.is_refusal() => self.refused_writes.note_refusal(write, err),
            Ok(_) => self.refused_writes.note_success(write),
            Err(_) => {}
        }
    }

    fn now(&self) -> u64 {
        millis(self.start.elapsed())
    }
}

impl fmt::Debug for CircuitBreaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CircuitBreaker")
    }
}

/// The call was not made.
#[derive(Debug, thiserror::Error)]
#[error(
    "the store was not asked, since its last {FAILURES} calls failed; one call in a second tries again"
)]
struct CircuitOpen;

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::{
        future::pending,
        io,
        sync::atomic::{AtomicU32, Ordering},
        time::Duration,
    };

    use futures_util::future::{join, join_all};
    use tokio::{sync::oneshot, time};

    use super::{CircuitBreaker, Deadline, FAILURES, OPEN_FOR};
    use crate::store::StoreError;

    const CALL: Duration = Duration::from_millis(500);

    /// Makes the first call of a request that has this much time.
    async fn within<T>(
        breaker: &CircuitBreaker,
        time: Duration,
        fut: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        breaker.call(CALL, &Deadline::after(time), fut).await
    }

    async fn outcome(breaker: &CircuitBreaker, fails: bool, asked: &AtomicU32) -> bool {
        let call = async {
            asked.fetch_add(1, Ordering::Relaxed);
            let down = || StoreError::unavailable(io::Error::other("down"));
            if fails { Err(down()) } else { Ok(()) }
        };
        within(breaker, CALL * 2, call).await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn five_failures_open_the_circuit_and_one_probe_in_a_second_closes_it() {
        let breaker = CircuitBreaker::new(true);
        let asked = AtomicU32::new(0);
        for _ in 0..50 {
            assert!(!outcome(&breaker, true, &asked).await);
        }
        assert_eq!(asked.load(Ordering::Relaxed), FAILURES);

        time::advance(OPEN_FOR).await;
        for _ in 0..50 {
            assert!(!outcome(&breaker, true, &asked).await);
        }
        assert_eq!(asked.load(Ordering::Relaxed), FAILURES + 1, "one probe");

        time::advance(OPEN_FOR).await;
        for _ in 0..50 {
            assert!(outcome(&breaker, false, &asked).await);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_success_between_failures_resets_the_count() {
        let breaker = CircuitBreaker::new(true);
        let asked = AtomicU32::new(0);
        for _ in 0..10 {
            for _ in 1..FAILURES {
                assert!(!outcome(&breaker, true, &asked).await);
            }
            assert!(outcome(&breaker, false, &asked).await);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn calls_that_only_the_request_s_deadline_ends_open_the_circuit_too() {
        let breaker = CircuitBreaker::new(true);
        let never = pending::<Result<(), StoreError>>;
        for _ in 0..FAILURES {
            let short = within(&breaker, CALL * 3 / 4, never()).await;
            assert!(matches!(short, Err(StoreError::Timeout)));
        }
        assert!(!outcome(&breaker, false, &AtomicU32::new(0)).await);

        let breaker = CircuitBreaker::new(true);
        for _ in 0..FAILURES * 2 {
            let shorter = within(&breaker, CALL / 4, never()).await;
            assert!(matches!(shorter, Err(StoreError::Timeout)));
        }
        assert!(outcome(&breaker, false, &AtomicU32::new(0)).await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_answers_some_while_others_wait_in_vain_is_not_down() {
        let breaker = CircuitBreaker::new(true);
        let wait = || within(&breaker, CALL * 2, pending::<Result<(), _>>());
        let answers = || {
            let slow = async {
                time::sleep(CALL / 2).await;
                Ok(())
            };
            within(&breaker, CALL * 2, slow)
        };
        for _ in 0..3 {
            let waits = join_all((0..FAILURES * 2).map(|_| wait()));
            let (waited, answered) = join(waits, answers()).await;
            assert!(waited.iter().all(|one| matches!(one, Err(StoreError::Timeout))));
            assert!(answered.is_ok());
        }
        // No call is answered: it is down.
        join_all((0..FAILURES).map(|_| wait())).await;
        assert!(!outcome(&breaker, false, &AtomicU32::new(0)).await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_that_is_dropped_is_followed_by_another() {
        let breaker = CircuitBreaker::new(true);
        let asked = AtomicU32::new(0);
        for _ in 0..FAILURES {
            outcome(&breaker, true, &asked).await;
        }
        time::advance(OPEN_FOR).await;
        let probe = within(&breaker, CALL, pending::<Result<(), StoreError>>());
        assert!(time::timeout(Duration::from_millis(1), probe).await.is_err());
        time::advance(OPEN_FOR).await;
        assert!(outcome(&breaker, false, &asked).await);
    }

    #[tokio::test(start_paused = true)]
    async fn slow_probes_come_once_in_a_second_too() {
        let breaker = CircuitBreaker::new(true);
        let asked = AtomicU32::new(0);
        let rest = OPEN_FOR.saturating_sub(CALL);
        for _ in 0..FAILURES {
            outcome(&breaker, true, &asked).await;
        }
        for _ in 0..3 {
            time::advance(rest).await;
            assert!(!outcome(&breaker, false, &asked).await);
            time::advance(CALL).await;
            let never = pending::<Result<(), StoreError>>();
            let probe = within(&breaker, CALL * 2, never).await;
            assert!(matches!(probe, Err(StoreError::Timeout)), "it was admitted");
            time::advance(rest).await;
            let times_out = async { Err::<(), _>(StoreError::Timeout) };
            let probe = within(&breaker, CALL * 2, times_out).await;
            assert!(matches!(probe, Err(StoreError::Timeout)), "a second after the last probe");
        }
        time::advance(OPEN_FOR).await;
        assert!(outcome(&breaker, false, &asked).await);
        assert_eq!(asked.load(Ordering::Relaxed), FAILURES + 1);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_a_busy_thread_did_not_read_in_time_is_one() {
        let breaker = CircuitBreaker::new(true);
        let (tells, told) = oneshot::channel();
        let answer = async {
            told.await.expect("it is told");
            Ok(())
        };
        let call = within(&breaker, CALL * 2, answer);
        let busy = async {
            time::advance(CALL * 3).await;
            time::sleep(Duration::from_millis(1)).await;
            tells.send(()).expect("it waits");
        };
        assert!(join(call, busy).await.0.is_ok());

        // The wait for an answer that never comes ends.
        let call = within(&breaker, CALL * 2, pending::<Result<(), _>>());
        let (result, ()) = join(call, time::advance(CALL * 3)).await;
        assert!(matches!(result, Err(StoreError::Timeout)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_answers_at_once_takes_none_of_the_request_s_time() {
        let breaker = CircuitBreaker::new(true);
        let deadline = Deadline::after(CALL);
        for _ in 0..3 {
            assert!(breaker.call(CALL, &deadline, async { Ok(()) }).await.is_ok());
            time::advance(CALL * 2).await;
        }
        assert_eq!(deadline.left(), CALL);
        let slow = async {
            time::sleep(CALL / 4).await;
            Ok(())
        };
        assert!(breaker.call(CALL, &deadline, slow).await.is_ok());
        assert_eq!(deadline.left(), CALL * 3 / 4);
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_ends_with_its_own_time_or_the_request_s() {
        let breaker = CircuitBreaker::new(true);
        let never = pending::<Result<(), StoreError>>;
        let start = time::Instant::now();
        let deadline = Deadline::after(Duration::from_millis(700));
        for expected in [500, 700, 700] {
            let result = breaker.call(CALL, &deadline, never()).await;
            assert!(matches!(result, Err(StoreError::Timeout)));
            assert_eq!(start.elapsed().as_millis(), expected);
        }
    }
}
