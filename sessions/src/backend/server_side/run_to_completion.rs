//! Work that goes on when its request is dropped.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use tokio::runtime::Handle;

/// Runs work that must not stop half-way: if the request is dropped, the work goes on in a task.
pub(crate) fn run_to_completion<W>(work: W) -> RunToCompletion<W::Output>
where
    W: Future<Output: Send> + Send + 'static,
{
    RunToCompletion(Some(Box::pin(work)))
}

/// The future of [`run_to_completion`].
#[must_use = "nothing runs before it is polled"]
pub(crate) struct RunToCompletion<T: Send + 'static>(
    Option<Pin<Box<dyn Future<Output = T> + Send>>>,
);

impl<T: Send + 'static> Future for RunToCompletion<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        // Taken out, so that work that panics does not go on.
        let mut work = self.0.take().expect("a future is not polled after its end");
        let polled = work.as_mut().poll(cx);
        if polled.is_pending() {
            self.0 = Some(work);
        }
        polled
    }
}

impl<T: Send + 'static> Drop for RunToCompletion<T> {
    fn drop(&mut self) {
        // Without a runtime no task can run, and no store answers.
        if let (Some(work), Ok(runtime)) = (self.0.take(), Handle::try_current()) {
            runtime.spawn(async {
                work.await;
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        panic::AssertUnwindSafe,
        sync::{
            Arc,
            atomic::{AtomicBool, Ordering},
        },
        time::Duration,
    };

    use futures_util::FutureExt;
    use tokio::{
        task::yield_now,
        time::{sleep, timeout},
    };

    use super::run_to_completion;

    #[tokio::test(start_paused = true)]
    async fn dropped_work_goes_on() {
        let done = Arc::new(AtomicBool::new(false));
        let ends = Arc::clone(&done);
        let work = run_to_completion(async move {
            sleep(Duration::from_secs(1)).await;
            ends.store(true, Ordering::SeqCst);
        });
        assert!(timeout(Duration::from_millis(1), work).await.is_err());
        assert!(!done.load(Ordering::SeqCst));
        sleep(Duration::from_secs(1)).await;
        assert!(done.load(Ordering::SeqCst));
    }

    #[tokio::test]
    async fn a_panic_is_the_request_s_and_comes_once() {
        let work = run_to_completion(async {
            yield_now().await;
            panic!("told to");
        });
        assert!(AssertUnwindSafe(work).catch_unwind().await.is_err());
        assert_eq!(run_to_completion(async { 1 }).await, 1);
    }
}
