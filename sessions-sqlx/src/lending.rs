//! Lending the connections of a pool.
//!
//! A call waits for a connection for a while only. Making one may take longer: it goes on without the
//! call, so that a later call finds the connection, however far away the server is.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use sessions::store::StoreError;
use sqlx::{ConnectOptions, Connection, Error, Pool, pool::PoolConnection};
use tokio::{
    runtime::Handle,
    time::{Instant, timeout, timeout_at},
};

use crate::{
    dialect::Dialect,
    error::no_connection,
    loan::{Counted, Loan},
};

/// After how much waiting the server is asked why there is no connection.
const PROMPT: Duration = Duration::from_millis(100);
/// After how much waiting a call gives up, if the server makes no connections.
const REFUSED: Duration = Duration::from_millis(200);
/// For how long counts what the server has just done, and how long asking it may take.
const FRESH: Duration = Duration::from_secs(1);

/// Lends the connections of a pool. Clones share what they know of the server.
pub(crate) struct Lender<DB: Dialect> {
    pool: Pool<DB>,
    timeout: Option<Duration>,
    server: Arc<Server>,
}

/// Why there is no connection.
pub(crate) enum NotLent {
    /// The error of the pool.
    Pool(Error),
    /// The server makes no connections, for this reason.
    Refused(StoreError),
}

/// What is known of the server, how many connections are lent, and how many are made for no call.
#[derive(Default)]
struct Server {
    known: Mutex<Known>,
    lent: Arc<AtomicUsize>,
    abandoned: Arc<AtomicUsize>,
}

/// What the server has done, and when.
#[derive(Default)]
struct Known {
    /// It refused a connection.
    refusal: Option<(Instant, StoreError)>,
    /// It was asked why there is none.
    asked: Option<Instant>,
    /// The pool had a connection for a call.
    lent: Option<Instant>,
}

impl<DB: Dialect> Lender<DB> {
    /// Lends for as long as the pool lets a call wait.
    pub(crate) fn new(pool: Pool<DB>) -> Self {
        Self { pool, timeout: None, server: Arc::default() }
    }

    /// Sets how long a call waits, if that is less than the pool's own limit.
    pub(crate) fn set_timeout(&mut self, timeout: Duration) {
        self.timeout = Some(timeout);
    }

    pub(crate) fn pool(&self) -> &Pool<DB> {
        &self.pool
    }

    /// Returns a connection, once there is one.
    pub(crate) async fn lend(&self) -> Result<Loan<DB>, NotLent> {
        let begun = Instant::now();
        let mut lent = Lent { making: Some(Box::pin(self.pool.acquire())), lender: self };
        if !DB::IS_REMOTE {
            return self.lent(lent.await);
        }
        let limit = self.timeout.map(|timeout| begun + timeout);
        let wait = limit.map_or(PROMPT, |limit| PROMPT.min((limit - begun) / 2));
        if let Ok(lent) = timeout(wait, &mut lent).await {
            return self.lent(lent);
        }
        self.ask_why();
        let refused = limit.map_or(begun + REFUSED, |limit| limit.min(begun + REFUSED));
        if let Ok(lent) = timeout_at(refused, &mut lent).await {
            return self.lent(lent);
        }
        if let Some(refusal) = self.server.refusal() {
            return Err(NotLent::Refused(refusal));
        }
        let lent = match limit {
            Some(limit) => timeout_at(limit, lent).await.unwrap_or(Err(Error::PoolTimedOut)),
            None => lent.await,
        };
        self.lent(lent)
    }

    fn lent(&self, lent: Result<PoolConnection<DB>, Error>) -> Result<Loan<DB>, NotLent> {
        match lent {
            Ok(connection) => {
                self.server.known().lent = Some(Instant::now());
                Ok(Loan::new(connection, &self.server.lent))
            }
            Err(err @ Error::PoolTimedOut) => {
                Err(self.server.refusal().map_or(NotLent::Pool(err), NotLent::Refused))
            }
            Err(err) => Err(NotLent::Pool(err)),
        }
    }

    /// Asks the server for a connection beside those of the pool, which does not tell why it has none.
    /// One call asks, and no more than one in a while.
    fn ask_why(&self) {
        if !self.server.is_to_be_asked() {
            return;
        }
        let (pool, server) = (self.pool.clone(), Arc::clone(&self.server));
        tokio::spawn(async move {
            let refusal = match timeout(FRESH, pool.connect_options().connect()).await {
                Ok(Ok(connection)) => {
                    let _ = timeout(FRESH, connection.close()).await;
                    None
                }
                // The server has the connections of the pool and no more, and the pool is busy.
                Ok(Err(err)) if is_one_too_many::<DB>(&err) && server.serves(&pool) => None,
                Ok(Err(err)) => Some((Instant::now(), no_connection::<DB>(err))),
                // The server is slow, or far away.
                Err(_) => None,
            };
            server.known().refusal = refusal;
        });
    }
}

impl Server {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns why the server has just refused a connection.
    fn refusal(&self) -> Option<StoreError> {
        let known = self.known();
        let (since, refusal) = known.refusal.as_ref()?;
        (since.elapsed() < FRESH).then(|| refusal.clone())
    }

    /// Returns whether the server was not asked just now, and notes that it is.
    fn is_to_be_asked(&self) -> bool {
        let mut known = self.known();
        let is_known = known.asked.is_some_and(|asked| asked.elapsed() < FRESH);
        if !is_known {
            known.asked = Some(Instant::now());
        }
        !is_known
    }

    /// Returns how many connections the pool has neither at hand nor lent.
    fn being_made<DB: Dialect>(&self, pool: &Pool<DB>) -> usize {
        let made = pool.num_idle() + self.lent.load(Ordering::Relaxed);
        (pool.size() as usize).saturating_sub(made)
    }

    /// Whether the pool has no place for another connection, and calls get those that it has: some of
    /// its places may be taken by connections that are still being made.
    fn serves<DB: Dialect>(&self, pool: &Pool<DB>) -> bool {
        pool.size() >= pool.options().get_max_connections()
            && self.known().lent.is_some_and(|lent| lent.elapsed() < FRESH)
    }
}

fn is_one_too_many<DB: Dialect>(err: &Error) -> bool {
    err.as_database_error().is_some_and(DB::is_one_too_many)
}

impl<DB: Dialect> Clone for Lender<DB> {
    fn clone(&self) -> Self {
        Self { pool: self.pool.clone(), timeout: self.timeout, server: Arc::clone(&self.server) }
    }
}

/// A connection that is on its way. If its call goes away while it is made, it comes nevertheless, and the
/// pool keeps it.
struct Lent<'l, DB: Dialect> {
    making: Option<Making<DB>>,
    lender: &'l Lender<DB>,
}

type Making<DB> = Pin<Box<dyn Future<Output = Result<PoolConnection<DB>, Error>> + Send>>;

impl<DB: Dialect> Future for Lent<'_, DB> {
    type Output = Result<PoolConnection<DB>, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let making = self.making.as_mut().expect("it is polled until it is ready");
        let made = making.as_mut().poll(context);
        if made.is_ready() {
            self.making = None;
        }
        made
    }
}

impl<DB: Dialect> Drop for Lent<'_, DB> {
    fn drop(&mut self) {
        let Some(making) = self.making.take().filter(|_| DB::IS_REMOTE) else { return };
        let Lender { pool, server, .. } = self.lender;
        let abandoned = Counted::new(&server.abandoned);
        // Beyond those that are made, calls wait for their turn: without a call it would be wasted.
        if abandoned.count() > server.being_made(pool) {
            return;
        }
        let Ok(runtime) = Handle::try_current() else { return };
        let lent = Arc::clone(&server.lent);
        runtime.spawn(async move {
            if let Ok(connection) = making.await {
                Loan::new(connection, &lent).give_back(false);
            }
            drop(abandoned);
        });
    }
}
