//! Random histories, compared with a model that knows who may see, write and end what.
//!
//! Requests of two clients, and of an attacker who knows every token, run on three hosts whose clocks are
//! minutes apart. A scheduler holds them at the calls of the store, and lets one after the other go on; in
//! half of the histories the writes of records do not wait, and are made at once. Calls fail, answers are
//! lost or overtake each other, requests are dropped, time passes. All of it comes from a seed:
//! `SESSIONS_TEST_SEED=7` runs one history, and prints it.

mod answers;
mod application;
mod closing;
mod commits;
mod event;
mod figures;
mod model;
mod remote;
mod request;
mod scheduler;
mod stopped_store;
mod stops;

use std::{env, process, time::Instant};

use sessions::store::Store;
use sessions_tests::is_full;
use tokio::{
    runtime::{Builder, Runtime},
    task::LocalSet,
};

use self::{figures::Figures, remote::Remote, scheduler::History};

/// How many steps a history has, before everything that is under way comes to its end.
const STEPS: usize = 250;
/// Seeds that have failed, on any store: they run first.
const FAILED: &[u64] = &[54, 750, 1011];

/// Runs histories on a store in the process.
pub(crate) fn run<S: Store>(store: impl Fn() -> S, histories: u64) {
    let times = if is_full() { 10 } else { 1 };
    let only = env::var("SESSIONS_TEST_SEED").ok().map(|seed| seed.parse().expect("a number"));
    let seeds: Vec<u64> = match only {
        Some(seed) => vec![seed],
        None => FAILED.iter().copied().chain(1..=histories * times).collect(),
    };
    let (start, mut figures) = (Instant::now(), Figures::default());
    for seed in seeds {
        let (history, checked) = run_one(store(), seed);
        figures.add(&history.figures);
        let trace = || history.trace.join("\n");
        if let Err(broken) = checked {
            panic!("{broken}\nseed {seed}, after {} steps in all:\n{}", figures.steps, trace());
        }
        if only.is_some() {
            println!("{}", trace());
        }
    }
    println!("{figures}, 0 violations, in {:?}", start.elapsed());
}

/// Runs histories on a store elsewhere, which `open` returns.
pub(crate) fn run_on<S: Store + Clone>(open: impl Future<Output = S>, histories: u64) {
    let runtime = runtime();
    let store = runtime.block_on(open);
    run(|| Remote::new(store.clone(), runtime.handle().clone()), histories);
}

fn run_one<S: Store>(store: S, seed: u64) -> (History<S>, Result<(), String>) {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .expect("a runtime of one thread");
    let namespace = format!("{}-{seed}", process::id());
    LocalSet::new().block_on(&runtime, async {
        let mut history = History::new(store, &namespace, seed).await;
        let checked = play(&mut history).await;
        (history, checked)
    })
}

async fn play<S: Store>(history: &mut History<S>) -> Result<(), String> {
    history.figures.histories = 1;
    for _ in 0..STEPS {
        history.step().await?;
    }
    history.close().await
}

fn runtime() -> Runtime {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(1).enable_all().build().expect("a runtime of its own")
}
