//! Clients that count in sessions of their own while their database fails.
//!
//! What a failed request did is unknown; the number that a client sees next says whether all that was
//! acknowledged is there, and is its own.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

use actix_http::Request;
use actix_service::Service;
use actix_web::{
    App, Error, body::MessageBody, dev::ServiceResponse, http::StatusCode, test::init_service, web,
};
use futures_util::future::join_all;
use sessions::{ServerSide, Session, store::Store};
use sessions_tests::{Browser, StoredSessions, is_full};
use sqlx::{Database, Pool};
use tokio::time::{sleep, timeout};

/// What a request may take: its second with the store, and one to spare.
const LIMIT: Duration = Duration::from_secs(2);
/// From the port that opens to the first request that succeeds.
const RECOVERY: Duration = Duration::from_secs(4);
const CLIENTS: usize = 8;

async fn count(session: Session, tag: web::Path<u32>) -> actix_web::Result<String> {
    session.insert("tag", *tag)?;
    session.update("n", |n: Option<u32>| n.unwrap_or(0) + 1)?;
    let saved = session.save_now().await?;
    let (tag, n): (Option<u32>, Option<u32>) = (saved.get("tag")?, saved.get("n")?);
    Ok(format!("{} {}", tag.unwrap_or_default(), n.unwrap_or_default()))
}

pub(crate) async fn app(
    backend: ServerSide<impl Store + Clone>,
) -> impl Service<Request, Response = ServiceResponse<impl MessageBody>, Error = Error> {
    init_service(
        App::new()
            .wrap(StoredSessions { backend })
            .route("/plain", web::get().to(|| async { "plain" }))
            .route("/count/{tag}", web::get().to(count)),
    )
    .await
}

/// A client, and what it knows of its session.
pub(crate) struct Client {
    pub(crate) browser: Browser,
    tag: u32,
    pub(crate) acknowledged: u32,
    failed: u32,
    slowest: Duration,
}

impl Client {
    pub(crate) fn new(tag: u32) -> Self {
        let browser = Browser::new();
        Self { browser, tag, acknowledged: 0, failed: 0, slowest: Duration::ZERO }
    }

    /// Sends a request, and checks the answer. Returns whether it succeeded.
    pub(crate) async fn count<S, B>(&mut self, app: &S) -> bool
    where
        S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
        B: MessageBody,
    {
        let start = Instant::now();
        let answer = self.browser.get(app, &format!("/count/{}", self.tag)).await;
        let taken = start.elapsed();
        self.slowest = self.slowest.max(taken);
        if answer.status != StatusCode::OK {
            assert!(answer.status.is_server_error(), "{}", answer.status);
            assert_eq!((answer.cookies(), answer.body.as_str()), (vec![], ""));
            self.failed += 1;
            return false;
        }
        let (tag, n) = answer.body.split_once(' ').expect("two numbers");
        let (tag, n): (u32, u32) = (tag.parse().expect("one"), n.parse().expect("the other"));
        assert_eq!(tag, self.tag, "somebody else's session");
        // Without a cookie yet, a failed request may have made a session whose token no client has.
        let unknown = if self.acknowledged == 0 { 0 } else { self.failed };
        assert!(
            (self.acknowledged + 1..=self.acknowledged + 1 + unknown).contains(&n),
            "{n} after {} acknowledged and {} failed ones",
            self.acknowledged,
            self.failed
        );
        (self.acknowledged, self.failed) = (n, 0);
        true
    }
}

/// What became of the requests of all clients.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) succeeded: u32,
    pub(crate) failed: u32,
    slowest: Duration,
}

/// Lets clients count until `done` is set.
pub(crate) async fn load<S, B>(app: &S, clients: &mut [Client], done: &Cell<bool>) -> Tally
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    let tally = join_all(clients.iter_mut().map(|client| async {
        let (mut succeeded, mut failed) = (0, 0);
        while !done.get() {
            if client.count(app).await {
                succeeded += 1;
            } else {
                failed += 1;
                // As people do, if not so soon.
                sleep(Duration::from_millis(10)).await;
            }
        }
        (succeeded, failed, client.slowest)
    }));
    let sum = |sum: Tally, (succeeded, failed, slowest): (u32, u32, Duration)| Tally {
        succeeded: sum.succeeded + succeeded,
        failed: sum.failed + failed,
        slowest: sum.slowest.max(slowest),
    };
    let tally = tally.await.into_iter().fold(Tally::default(), sum);
    assert!(tally.slowest < LIMIT, "answered after {:?}", tally.slowest);
    tally
}

/// Waits until a request succeeds, and returns how long that took.
pub(crate) async fn recovered<S, B>(app: &S, client: &mut Client) -> Duration
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    let start = Instant::now();
    while !client.count(app).await {
        assert!(start.elapsed() < RECOVERY, "it does not recover");
        sleep(Duration::from_millis(10)).await;
    }
    start.elapsed()
}

pub(crate) fn clients() -> Vec<Client> {
    (1..=CLIENTS).map(|tag| Client::new(u32::try_from(tag).expect("a few"))).collect()
}

pub(crate) fn rounds(full: usize) -> usize {
    if is_full() { full } else { full.div_ceil(10).max(2) }
}

/// Gives a busy machine time.
pub(crate) fn patient<S: Store + Clone>(store: S) -> ServerSide<S> {
    ServerSide::new(store)
        .with_call_deadline(Duration::from_secs(60))
        .with_request_deadline(Duration::from_secs(120))
}

/// Takes every connection that the pool may have at once.
pub(crate) async fn assert_all_connections_are_there<DB: Database>(pool: &Pool<DB>) {
    let most = pool.options().get_max_connections();
    let mut held = Vec::new();
    let all = async {
        while held.len() < most as usize {
            held.extend(pool.acquire().await);
        }
    };
    timeout(Duration::from_secs(10), all).await.expect("none has leaked");
    assert_eq!(pool.size(), most);
}

pub(crate) async fn until_all_are_idle<DB: Database>(pool: &Pool<DB>) {
    let start = Instant::now();
    let held = || pool.size() as usize - pool.num_idle();
    while held() > 0 {
        assert!(start.elapsed() < Duration::from_secs(20), "{} are held", held());
        sleep(Duration::from_millis(10)).await;
    }
}
