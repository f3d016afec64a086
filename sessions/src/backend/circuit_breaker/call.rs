//! One call of the store, within its deadlines.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep_until};

use super::{Admission, CircuitBreaker, Deadline, Write, wake_time::WakeTime};
use crate::{events::Operation, store::StoreError};

/// A timer that fires later than this shows that its thread was busy, for example with a handler. The
/// answer may have come meanwhile, and is read within this time.
const TIMER_SLACK: Duration = Duration::from_millis(20);

pin_project! {
    /// The future of [`CircuitBreaker::call`]. An `async fn` would hold the store's own future, which is
    /// large, three times.
    pub(crate) struct Call<'b, F> {
        breaker: &'b CircuitBreaker,
        limit: Duration,
        deadline: &'b Deadline,
        admission: Option<Admission>,
        write: Option<Write>,
        #[pin]
        fut: F,
        #[pin]
        timer: Option<Sleep>,
        // Made before the first poll where the store is expected to wait. Else after it, which then polls the
        // store's future twice.
        wake_time: Option<Arc<WakeTime>>,
    }
}

impl<'b, F> Call<'b, F> {
    pub(super) fn new(
        breaker: &'b CircuitBreaker,
        limit: Duration,
        deadline: &'b Deadline,
        fut: F,
    ) -> Self {
        Self {
            breaker,
            limit,
            deadline,
            admission: None,
            write: None,
            fut,
            timer: None,
            wake_time: None,
        }
    }

    /// Says that this call writes.
    pub(crate) fn writing(self, write: Write) -> Self {
        Self { write: Some(write), ..self }
    }
}

impl<T, F: Future<Output = Result<T, StoreError>>> Future for Call<'_, F> {
    type Output = Result<T, StoreError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let admission = match *this.admission {
            Some(admission) => admission,
            None => *this.admission.insert(this.breaker.admit(this.deadline)?),
        };
        if this.breaker.waits && this.wake_time.is_none() {
            *this.wake_time = Some(WakeTime::new(cx));
        }
        if let Some(lag) = this.wake_time.as_ref().and_then(|wake_time| wake_time.lag(cx)) {
            // The worker was busy: that is not the store's time.
            this.deadline.extend(lag);
        }
        let waker = this.wake_time.as_ref().map(|wake_time| Waker::from(Arc::clone(wake_time)));
        let mut polled = match &waker {
            Some(waker) => this.fut.as_mut().poll(&mut Context::from_waker(waker)),
            None => this.fut.as_mut().poll(cx),
        };
        if polled.is_pending() && waker.is_none() {
            // Again, so that the future calls the waker that notes the time.
            let waker = Waker::from(Arc::clone(this.wake_time.insert(WakeTime::new(cx))));
            polled = this.fut.poll(&mut Context::from_waker(&waker));
        }
        let result = match polled {
            Poll::Ready(result) => {
                if this.timer.is_some() {
                    this.breaker.note_answer(&result);
                }
                result
            }
            Poll::Pending => {
                // A store that answers at once needs no timer.
                if this.timer.is_none() {
                    let now = Instant::now();
                    this.deadline.begin_at(now);
                    this.timer.set(Some(sleep_until(now + (*this.limit).min(admission.left))));
                }
                if let Some(mut timer) = this.timer.as_pin_mut() {
                    ready!(timer.as_mut().poll(cx));
                    let now = Instant::now();
                    if now.saturating_duration_since(timer.deadline()) > TIMER_SLACK {
                        timer.as_mut().reset(now + TIMER_SLACK);
                        ready!(timer.poll(cx));
                    }
                }
                Err(StoreError::Timeout)
            }
        };
        let operation = this.write.map_or(Operation::Read, Write::operation);
        admission.call.end(operation, result.as_ref().err().map_or("ok", StoreError::reason));
        this.breaker.note(&result, admission, *this.limit);
        if let Some(write) = *this.write {
            this.breaker.note_write(write, &result);
        }
        Poll::Ready(result)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::poll_fn,
        task::{Poll, ready},
        time::Duration,
    };

    use futures_util::{FutureExt, future::join};
    use tokio::{sync::oneshot, time};

    use crate::backend::circuit_breaker::{CircuitBreaker, Deadline};

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_a_busy_worker_reads_late_costs_the_request_no_time() {
        let second = Duration::from_secs(1);
        for waits in [true, false] {
            let (breaker, deadline) = (CircuitBreaker::new(waits), Deadline::after(10 * second));
            let (answers, answer) = oneshot::channel();
            let call = async {
                answer.await.expect("it is answered");
                Ok(())
            };
            let busy = async {
                time::advance(second).await;
                answers.send(()).expect("it waits");
                // The worker runs something else.
                time::advance(3 * second).await;
            };
            let (answered, ()) = join(breaker.call(20 * second, &deadline, call), busy).await;
            assert!(answered.is_ok());
            assert_eq!(deadline.left(), 9 * second, "waits: {waits}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_waits_is_polled_once_for_each_poll() {
        let breaker = CircuitBreaker::new(true);
        let deadline = Deadline::after(Duration::from_secs(1));
        let (answers, mut answer) = oneshot::channel();
        let mut polls = 0;
        let call = poll_fn(|cx| {
            polls += 1;
            ready!(answer.poll_unpin(cx)).expect("it is answered");
            Poll::Ready(Ok(()))
        });
        let mut call = Box::pin(breaker.call(Duration::from_secs(1), &deadline, call));
        assert!((&mut call).now_or_never().is_none());
        answers.send(()).expect("it waits");
        assert!((&mut call).now_or_never().is_some());
        drop(call);
        assert_eq!(polls, 2);
    }
}
