//! Where calls of the store wait: before and after each the scheduler decides what runs next.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use fastrand::Rng;
use sessions::{
    store::{RecordKey, StoreError},
    test::TestClock,
};
use tokio::sync::oneshot;

use super::event::{Event, What};

tokio::task_local! {
    /// The request that a task works for. Work that goes on without its request has none.
    pub(super) static REQUEST: usize;
}

/// One of this many calls also waits after the store has done it.
const AFTER: u8 = 3;

/// A call that waits: who makes it, and its number among the calls of that request.
pub(super) type Stop = (Option<usize>, usize);

/// What a call that waits is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Go,
    /// Nothing is done.
    Fails,
    /// There is no room: nothing is done.
    Full,
    /// It was done, and the answer is lost.
    Loses,
}

/// Holds the calls of a store, and keeps what was done.
pub(super) struct Stops {
    clock: TestClock,
    state: Mutex<State>,
}

struct State {
    rng: Rng,
    /// Whether calls wait no more.
    open: bool,
    calls: HashMap<Option<usize>, usize>,
    waiting: BTreeMap<Stop, Waiting>,
    keys: Vec<RecordKey>,
    log: Vec<Event>,
}

struct Waiting {
    what: String,
    is_done: bool,
    /// How long the answer of an index has waited counts for a login.
    since: SystemTime,
    go: oneshot::Sender<Order>,
}

impl Stops {
    pub(super) fn new(clock: TestClock, seed: u64) -> Self {
        let state = State {
            rng: Rng::with_seed(seed),
            open: false,
            calls: HashMap::new(),
            waiting: BTreeMap::new(),
            keys: Vec::new(),
            log: Vec::new(),
        };
        Self { clock, state: Mutex::new(state) }
    }

    /// Makes a call, which waits before it and sometimes after it.
    pub(super) async fn call<T>(
        &self,
        name: &str,
        work: impl Future<Output = Result<T, StoreError>> + Send,
        told: impl FnOnce(&T) -> Option<What> + Send,
    ) -> Result<T, StoreError> {
        self.wait(name, false).await?;
        let done = self.call_at_once(work, told).await?;
        if self.state().rng.u8(..AFTER) == 0 {
            self.wait(name, true).await?;
        }
        Ok(done)
    }

    /// Makes a call that does not wait.
    pub(super) async fn call_at_once<T>(
        &self,
        work: impl Future<Output = Result<T, StoreError>> + Send,
        told: impl FnOnce(&T) -> Option<What> + Send,
    ) -> Result<T, StoreError> {
        let done = work.await?;
        if let Some(what) = told(&done) {
            self.note(what);
        }
        Ok(done)
    }

    /// Keeps what has happened, in its order.
    pub(super) fn note(&self, what: What) {
        let by = REQUEST.try_with(|request| *request).ok();
        let event = Event { at: self.clock.now(), by, what };
        self.state().log.push(event);
    }

    pub(super) fn take_log(&self) -> Vec<Event> {
        std::mem::take(&mut self.state().log)
    }

    /// Lets all calls through from here on.
    pub(super) fn open(&self) {
        self.state().open = true;
    }

    /// Returns the calls that wait, in an order that does not depend on random tokens.
    pub(super) fn waiting(&self) -> Vec<Stop> {
        let mut state = self.state();
        state.waiting.retain(|_, waiting| !waiting.go.is_closed());
        state.waiting.keys().copied().collect()
    }

    /// Whether the store has done what this call asks, so that only its answer can be lost.
    pub(super) fn is_done(&self, stop: Stop) -> bool {
        self.state().waiting.get(&stop).is_some_and(|waiting| waiting.is_done)
    }

    /// Lets a call go on. Returns its name, and since when it has waited.
    pub(super) fn release(&self, stop: Stop, order: Order) -> Option<(String, SystemTime)> {
        let Waiting { what, since, go, .. } = self.state().waiting.remove(&stop)?;
        // Its request was dropped a moment ago.
        let _ = go.send(order);
        Some((what, since))
    }

    /// Returns the number of a record, by its first call.
    pub(super) fn number(&self, key: &RecordKey) -> usize {
        let keys = &mut self.state().keys;
        keys.iter().position(|known| known == key).unwrap_or_else(|| {
            keys.push(*key);
            keys.len() - 1
        })
    }

    /// Returns the text of the key that a record has.
    pub(super) fn id(&self, number: usize) -> String {
        self.state().keys[number].to_string()
    }

    async fn wait(&self, name: &str, is_done: bool) -> Result<(), StoreError> {
        let by = REQUEST.try_with(|request| *request).ok();
        let go = {
            let mut state = self.state();
            if state.open {
                return Ok(());
            }
            let number = state.calls.entry(by).or_default();
            *number += 1;
            let stop = (by, *number);
            let (sender, go) = oneshot::channel();
            let what = format!("{name} {}", if is_done { "after" } else { "before" });
            let waiting = Waiting { what, is_done, since: self.clock.now(), go: sender };
            state.waiting.insert(stop, waiting);
            go
        };
        match go.await {
            Ok(Order::Go) => Ok(()),
            Err(_) => unreachable!("a stop is released, or its call is dropped"),
            Ok(Order::Full) => Err(StoreError::Full),
            Ok(Order::Fails | Order::Loses) => Err(StoreError::unavailable(ToldTo)),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug, thiserror::Error)]
#[error("told to fail")]
struct ToldTo;

impl fmt::Debug for Stops {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stops")
    }
}
