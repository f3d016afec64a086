//! The time limit of each step of long work.

use std::{cell::Cell, fmt::Display, pin::pin, time::Duration};

use tokio::time::{Instant, timeout_at};

use crate::failure::Failure;

/// Work in steps, none of which may take longer than the limit.
#[derive(Debug)]
pub(crate) struct Steps {
    limit: Duration,
    last: Cell<Instant>,
}

impl Steps {
    pub(crate) fn new(limit: Duration) -> Self {
        Self { limit, last: Cell::new(Instant::now()) }
    }

    /// Begins the next step.
    pub(crate) fn next(&self) {
        self.last.set(Instant::now());
    }

    /// Does the work, or fails when a step takes too long. `place` is where.
    pub(crate) async fn of<T>(
        &self,
        place: impl Display,
        work: impl Future<Output = T>,
    ) -> Result<T, Failure> {
        let mut work = pin!(work);
        loop {
            let step = self.last.get();
            if let Ok(done) = timeout_at(step + self.limit, &mut work).await {
                return Ok(done);
            }
            if self.last.get() == step {
                return Err(Failure::failed(format_args!(
                    "{place} did not answer within {} s; check its load, or raise --timeout",
                    self.limit.as_secs()
                )));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{future::pending, time::Duration};

    use tokio::time::sleep;

    use super::Steps;

    #[tokio::test(start_paused = true)]
    async fn the_limit_is_one_of_each_step_and_not_of_all() {
        let steps = Steps::new(Duration::from_secs(10));
        let all = async {
            for _ in 0..5 {
                sleep(Duration::from_secs(8)).await;
                steps.next();
            }
        };
        steps.of("Redis at host:6379", all).await.unwrap();
        let steps = Steps::new(Duration::from_secs(10));
        let stalled = async {
            sleep(Duration::from_secs(8)).await;
            steps.next();
            pending::<()>().await;
        };
        let failure = steps.of("Redis at host:6379", stalled).await.unwrap_err();
        let said =
            "Redis at host:6379 did not answer within 10 s; check its load, or raise --timeout";
        assert!(format!("{failure:?}").contains(said), "{failure:?}");
    }
}
