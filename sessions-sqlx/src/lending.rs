//! Lending the connections of a pool.
//!
//! A call waits for a connection for a while only. Making one may take longer: it goes on without the
//! call, so that a later call finds the connection, however far away the server is.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use sessions::store::StoreError;
use sqlx::{ConnectOptions, Connection, Error, Pool, pool::PoolConnection};
use tokio::{
    runtime::Handle,
    sync::Semaphore,
    time::{Instant, sleep_until, timeout, timeout_at},
};

use crate::{dialect::Dialect, error::no_connection};

/// After how much waiting the server is asked why there is no connection.
const PROMPT: Duration = Duration::from_millis(100);
/// After how much waiting a call gives up, if the server makes no connections.
const REFUSED: Duration = Duration::from_millis(200);
/// For how long a refusal of the server counts, and how long asking it may take.
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

/// What is known of the server, and how many connections are made for no call.
struct Server {
    refusal: Mutex<Option<(Instant, StoreError)>>,
    is_asked: AtomicBool,
    abandoned: Arc<Semaphore>,
}

impl<DB: Dialect> Lender<DB> {
    /// Lends for as long as the pool lets a call wait.
    pub(crate) fn new(pool: Pool<DB>) -> Self {
        let connections = usize::try_from(pool.options().get_max_connections());
        let abandoned = Semaphore::new(connections.unwrap_or_default().min(Semaphore::MAX_PERMITS));
        let server = Server {
            refusal: Mutex::default(),
            is_asked: AtomicBool::new(false),
            abandoned: Arc::new(abandoned),
        };
        Self { pool, timeout: None, server: Arc::new(server) }
    }

    /// Sets how long a call waits, if that is less than the pool's own limit.
    pub(crate) fn set_timeout(&mut self, timeout: Duration) {
        self.timeout = Some(timeout);
    }

    pub(crate) fn pool(&self) -> &Pool<DB> {
        &self.pool
    }

    /// Returns a connection, once there is one.
    pub(crate) async fn lend(&self) -> Result<PoolConnection<DB>, NotLent> {
        let begun = Instant::now();
        let mut lent = Lent::<DB> {
            making: Some(Box::pin(self.pool.acquire())),
            abandoned: Arc::clone(&self.server.abandoned),
        };
        if !DB::IS_REMOTE {
            return lent.await.map_err(NotLent::Pool);
        }
        let limit = self.timeout.map(|timeout| begun + timeout);
        let wait = limit.map_or(PROMPT, |limit| PROMPT.min((limit - begun) / 2));
        if let Ok(lent) = timeout(wait, &mut lent).await {
            return lent.map_err(|err| self.not_lent(err));
        }
        self.ask_why();
        let refused = limit.map_or(begun + REFUSED, |limit| limit.min(begun + REFUSED));
        if let Ok(lent) = timeout_at(refused, &mut lent).await {
            return lent.map_err(|err| self.not_lent(err));
        }
        if let Some(refusal) = self.server.refusal() {
            return Err(NotLent::Refused(refusal));
        }
        let lent = match limit {
            Some(limit) => timeout_at(limit, lent).await.unwrap_or(Err(Error::PoolTimedOut)),
            None => lent.await,
        };
        lent.map_err(|err| self.not_lent(err))
    }

    fn not_lent(&self, err: Error) -> NotLent {
        match self.server.refusal() {
            Some(refusal) if matches!(err, Error::PoolTimedOut) => NotLent::Refused(refusal),
            _ => NotLent::Pool(err),
        }
    }

    /// Asks the server for a connection beside those of the pool, which does not tell why it has none.
    /// One call asks, and no more than one in a while.
    fn ask_why(&self) {
        if self.server.refusal().is_some() || self.server.is_asked.swap(true, Ordering::AcqRel) {
            return;
        }
        let (options, server) = (self.pool.connect_options(), Arc::clone(&self.server));
        tokio::spawn(async move {
            let begun = Instant::now();
            let refusal = match timeout(FRESH, options.connect()).await {
                Ok(Ok(connection)) => {
                    let _ = timeout(FRESH, connection.close()).await;
                    None
                }
                Ok(Err(err)) => Some((Instant::now(), no_connection::<DB>(err))),
                // The server is slow, or far away.
                Err(_) => None,
            };
            *server.refusal.lock().unwrap_or_else(PoisonError::into_inner) = refusal;
            sleep_until(begun + FRESH).await;
            server.is_asked.store(false, Ordering::Release);
        });
    }
}

impl Server {
    /// Returns why the server has just refused a connection.
    fn refusal(&self) -> Option<StoreError> {
        let refusal = self.refusal.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, refusal) = refusal.as_ref()?;
        (since.elapsed() < FRESH).then(|| refusal.clone())
    }
}

impl<DB: Dialect> Clone for Lender<DB> {
    fn clone(&self) -> Self {
        Self { pool: self.pool.clone(), timeout: self.timeout, server: Arc::clone(&self.server) }
    }
}

/// A connection that is on its way. If its call goes away, it comes nevertheless, and the pool keeps it.
struct Lent<DB: Dialect> {
    making: Option<Making<DB>>,
    abandoned: Arc<Semaphore>,
}

type Making<DB> = Pin<Box<dyn Future<Output = Result<PoolConnection<DB>, Error>> + Send>>;

impl<DB: Dialect> Future for Lent<DB> {
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

impl<DB: Dialect> Drop for Lent<DB> {
    fn drop(&mut self) {
        let Some(making) = self.making.take().filter(|_| DB::IS_REMOTE) else { return };
        // No more than the pool has places for.
        let place = Arc::clone(&self.abandoned).try_acquire_owned();
        let (Ok(place), Ok(runtime)) = (place, Handle::try_current()) else { return };
        runtime.spawn(async move {
            drop(making.await);
            drop(place);
        });
    }
}
