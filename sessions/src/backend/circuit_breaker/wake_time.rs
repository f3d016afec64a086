//! When a task was woken, which is when what it waits for was there.

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Wake, Waker},
    time::Duration,
};

use tokio::time::Instant;

/// A task's waker that notes when it is called: the task runs later than that where its worker is busy.
pub(super) struct WakeTime {
    state: Mutex<State>,
}

struct State {
    task: Waker,
    woken: Option<Instant>,
}

impl WakeTime {
    pub(super) fn new(task: &Context<'_>) -> Arc<Self> {
        let state = State { task: task.waker().clone(), woken: None };
        Arc::new(Self { state: Mutex::new(state) })
    }

    /// Returns how long ago the task was woken, if it was since the last call. Wakes this task from now
    /// on.
    pub(super) fn lag(&self, task: &Context<'_>) -> Option<Duration> {
        let mut state = self.lock();
        let former = (!state.task.will_wake(task.waker()))
            .then(|| mem::replace(&mut state.task, task.waker().clone()));
        let woken = state.woken.take();
        // A waker may do anything when it is dropped.
        drop(state);
        drop(former);
        woken.map(|woken| woken.elapsed())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for WakeTime {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let mut state = self.lock();
        state.woken.get_or_insert_with(Instant::now);
        let task = state.task.clone();
        drop(state);
        task.wake();
    }
}
