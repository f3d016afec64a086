//! Turns of the requests of one worker whose sessions are large.

use std::sync::Arc;

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::yield_now,
};

/// From how many bytes on a session is large: one that takes its worker noticeable time.
const LARGE: usize = 8 * 1024;

thread_local! {
    static TURN: Arc<Semaphore> = Arc::new(Semaphore::new(1));
}

/// Waits until no other request of this worker is about to read a large session, and holds back the next
/// one until the result is dropped.
///
/// A worker runs all tasks that are ready before it runs one of them again. Where a thousand requests are
/// ready at once, each with a large session to read, all else would wait for all of them. Those that wait
/// here are ready one after the other.
pub(super) async fn turn(payload_len: usize) -> Option<OwnedSemaphorePermit> {
    if !is_large(payload_len) {
        return None;
    }
    let turn = TURN.with(Arc::clone);
    let permit = turn.acquire_owned().await.ok();
    // Those that are ready at the same time line up meanwhile.
    yield_now().await;
    permit
}

/// Whether a session of this length is read in [turn](turn).
pub(super) fn is_large(payload_len: usize) -> bool {
    payload_len >= LARGE
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use futures_util::future::join_all;
    use tokio::task::yield_now;

    use super::{LARGE, turn};

    async fn order(payload_len: usize) -> String {
        let order = Arc::new(Mutex::new(String::new()));
        let noted = Arc::clone(&order);
        let other = tokio::spawn(async move {
            loop {
                noted.lock().unwrap().push('.');
                yield_now().await;
            }
        });
        let requests = (0..100).map(|_| {
            let order = Arc::clone(&order);
            tokio::spawn(async move {
                let turn = turn(payload_len).await;
                order.lock().unwrap().push('r');
                drop(turn);
            })
        });
        join_all(requests.collect::<Vec<_>>()).await;
        other.abort();
        let order = order.lock().unwrap().clone();
        assert_eq!(order.matches('r').count(), 100);
        order
    }

    #[tokio::test]
    async fn other_tasks_run_between_two_requests_with_large_sessions() {
        assert!(!order(LARGE).await.contains("rr"));
        assert!(order(LARGE - 1).await.contains("rrrr"), "small ones do not wait");
    }
}
