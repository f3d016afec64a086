//! Clients that do random operations on one record at the same time, and get answers that they would
//! also get one after the other.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::task::yield_now;

use super::{
    breach::{Checked, Found, Report, ensure},
    linearizability::{Answer, Asked, Operation, unexplained},
    races::{at_once, number_in, numbered, rounds},
    records::HOUR,
    samples::{random_bytes, random_key},
};
use crate::store::{
    CreateOutcome, DeleteIfOutcome, DeleteOutcome, RecordKey, ReplaceOutcome, Revision, Store,
};

const CLIENTS: usize = 5;
/// How many operations each client does.
const OPERATIONS: usize = 20;

pub(super) const SENTENCE: &str =
    "whatever clients do at the same time, one after the other would have been answered the same";

pub(super) async fn check<S: Store>(store: &Arc<S>, report: &mut Report) {
    report.check(SENTENCE, rounds(async || one_history(store).await)).await;
}

/// Records one history, and looks for an order that explains it.
pub(super) async fn one_history<S: Store>(store: &Arc<S>) -> Checked {
    let key = random_key();
    let clock = Arc::new(AtomicU64::new(0));
    let clients = at_once(CLIENTS, |number| {
        let client = Client {
            store: Arc::clone(store),
            key,
            number,
            clock: Arc::clone(&clock),
            revision: 0,
        };
        client.run()
    });
    let mut history = Vec::with_capacity(CLIENTS * OPERATIONS);
    for operations in clients.await {
        history.extend(operations?);
    }
    store.delete(&key).await?;
    let unexplained: Vec<_> = unexplained(&history).iter().map(ToString::to_string).collect();
    ensure!(
        unexplained.is_empty(),
        "of {} operations of {CLIENTS} clients no order gets past one of these: {}",
        history.len(),
        unexplained.join("; ")
    );
    let mut given = HashSet::new();
    for Operation { answer, .. } in &history {
        if let Answer::Created { revision } | Answer::Replaced { revision } = answer {
            ensure!(given.insert(revision), "revision {revision} was given twice");
        }
    }
    Ok(())
}

struct Client<S> {
    store: Arc<S>,
    key: RecordKey,
    number: usize,
    clock: Arc<AtomicU64>,
    /// The last revision that it saw.
    revision: u64,
}

impl<S: Store> Client<S> {
    async fn run(mut self) -> Result<Vec<Operation>, Found> {
        let mut operations = Vec::with_capacity(OPERATIONS);
        let chance = random_bytes();
        for (at, chance) in chance.into_iter().take(OPERATIONS).enumerate() {
            // Lets other clients go first.
            if chance >= 0x80 {
                yield_now().await;
            }
            let number = self.number * OPERATIONS + at;
            let asked = match chance % 8 {
                0 => Asked::Create { number },
                1..=3 => Asked::Load,
                4 | 5 => Asked::Replace { revision: self.revision, number },
                6 => Asked::Delete,
                _ => Asked::DeleteIf { revision: self.revision },
            };
            let begun = self.now();
            let answer = self.ask(asked).await?;
            let ended = self.now();
            operations.push(Operation { client: self.number, asked, answer, begun, ended });
        }
        Ok(operations)
    }

    async fn ask(&mut self, asked: Asked) -> Result<Answer, Found> {
        let Self { store, key, .. } = &*self;
        let answer = match asked {
            Asked::Create { number } => match store.create(key, &numbered(number), HOUR).await? {
                CreateOutcome::Created(revision) => Answer::Created { revision: revision.get() },
                CreateOutcome::Exists => Answer::Exists,
            },
            Asked::Load => Answer::Loaded(match store.load(key, None).await? {
                Some(loaded) => {
                    let number = number_in(&loaded.record).unwrap_or(usize::MAX);
                    Some((loaded.revision.get(), number))
                }
                None => None,
            }),
            Asked::Replace { revision, number } => {
                let revision = Revision::new(revision);
                match store.replace(key, revision, &numbered(number), HOUR).await? {
                    ReplaceOutcome::Replaced(next) => Answer::Replaced { revision: next.get() },
                    ReplaceOutcome::Conflict => Answer::Conflict,
                    ReplaceOutcome::Gone => Answer::Gone,
                }
            }
            Asked::Delete => match store.delete(key).await? {
                DeleteOutcome::Deleted => Answer::Deleted,
                DeleteOutcome::Absent => Answer::Absent,
            },
            Asked::DeleteIf { revision } => {
                match store.delete_if(key, Revision::new(revision)).await? {
                    DeleteIfOutcome::Deleted => Answer::Deleted,
                    DeleteIfOutcome::Conflict => Answer::Conflict,
                    DeleteIfOutcome::Gone => Answer::Gone,
                }
            }
        };
        if let Answer::Created { revision }
        | Answer::Replaced { revision }
        | Answer::Loaded(Some((revision, _))) = answer
        {
            self.revision = revision;
        }
        Ok(answer)
    }

    fn now(&self) -> u64 {
        self.clock.fetch_add(1, Ordering::SeqCst)
    }
}
