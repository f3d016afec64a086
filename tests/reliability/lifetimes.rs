//! The end of all finds every session, whatever it has done for ten lifetimes.

use std::{collections::BTreeMap, time::Duration};

use actix_http::Request;
use actix_service::Service;
use actix_web::{
    Error, body::MessageBody, dev::ServiceResponse, http::StatusCode, test::TestRequest,
};
use futures_util::{
    StreamExt,
    future::{join, join_all},
    stream,
};
use sessions::{
    MemoryStore, ServerSide, SessionConfig,
    policy::CookieName,
    store::Store,
    test::{FaultStore, TestClock},
};
use sessions_redis::RedisStore;
use sessions_sqlx::{MySqlStore, PostgresStore, SqliteStore};
use sessions_tests::{
    Answer, HookedStore, TimedStore,
    in_memory::Fixture,
    is_full,
    reliability::{Kind, Server, of_full, report},
    with_token,
};
use tokio::{task::yield_now, time::sleep};

const OWNERS: usize = 100;
/// Of an owner whose sessions are not ended.
const OTHERS: usize = 20;
const LIFETIME: Duration = Duration::from_secs(10_000);
const LIFETIMES: u32 = 10;
/// How often in a lifetime the clock moves.
const STEPS: u32 = 3;
/// How many clients send requests at once.
const AT_ONCE: usize = 16;
/// A busy machine is no outage.
const PATIENCE: Duration = Duration::from_secs(60);
/// What a client does: it writes, reads, gets other tokens, or logs in again.
const HABITS: [&str; 5] = ["/count/owner", "/owner", "/rotate/owner", "/renew/owner", "/login"];

pub(crate) async fn the_end_of_all_finds_every_session(kind: Kind) {
    let server = Server::start(kind).await;
    let address = server.address();
    let memory = MemoryStore::new();
    // A server takes ten times as long for a request.
    let count = if is_full() || kind == Kind::Memory { of_full(10_000) } else { of_full(2_500) };
    let outcome = match kind {
        Kind::Memory => live_and_end(memory.clone(), count).await,
        Kind::Redis => {
            live_and_end(RedisStore::new(address).expect("a valid address"), count).await
        }
        Kind::Cluster => {
            let store = RedisStore::connect_cluster(address.split(',')).await;
            live_and_end(store.expect("a cluster that runs"), count).await
        }
        Kind::MariaDb => {
            let store = MySqlStore::connect(address).await.expect("a server that runs");
            store.migrate().await.expect("a database of its own");
            live_and_end(store, count).await
        }
        Kind::Postgres => {
            let store = PostgresStore::connect(address).await.expect("a server that runs");
            store.migrate().await.expect("a database of its own");
            live_and_end(store, count).await
        }
        Kind::Sqlite => {
            live_and_end(SqliteStore::open(address).await.expect("a database"), count).await
        }
    };
    let records = server.records().await.unwrap_or_else(|| memory.len());
    let Outcome { seed, requests, ended, open, listed, others, guests, statuses } = outcome;
    let left = records - others - guests;
    report(
        "end of all after ten lifetimes",
        &kind.to_string(),
        format!(
            "seed {seed}: {count} clients of {OWNERS} owners, {requests} requests, {ended} sessions ended: \
             {open} tokens that open one, {listed} listed, {left} records; {others} sessions of another owner \
             and {guests} without one are left alone; by status {statuses:?}"
        ),
    );
    assert_eq!((open, listed, others), (0, 0, OTHERS));
    // On a busy machine a server may create a record and not say so: no client has a token of that.
    let unknown = statuses.iter().filter(|(status, _)| **status >= 500).map(|(_, failed)| failed);
    let unknown: usize = unknown.sum();
    assert!(left <= unknown, "{left} records");
    assert!(ended > count / 2, "most were alive");
}

/// What became of the sessions.
struct Outcome {
    seed: u64,
    requests: usize,
    ended: usize,
    /// Tokens that open a session whose owner ended all.
    open: usize,
    listed: usize,
    /// Sessions of another owner.
    others: usize,
    /// Sessions without an owner: of requests that came after a session had expired.
    guests: usize,
    statuses: BTreeMap<u16, usize>,
}

/// A client, and all of the tokens that it ever had.
struct Client {
    owner: String,
    habits: Vec<&'static str>,
    /// In so many of ten steps it does something.
    eagerness: u8,
    random: fastrand::Rng,
    token: Option<String>,
    given: Vec<String>,
    statuses: BTreeMap<u16, usize>,
}

impl Client {
    fn new(owner: String, mut random: fastrand::Rng) -> Self {
        let mut habits = HABITS.to_vec();
        random.shuffle(&mut habits);
        habits.truncate(random.usize(1..=HABITS.len()));
        let eagerness = random.u8(1..=10);
        let (token, given, statuses) = (None, Vec::new(), BTreeMap::new());
        Self { owner, habits, eagerness, random, token, given, statuses }
    }

    /// Does something, or nothing: a request, now and then two at once on any of the hosts.
    async fn act<B: MessageBody>(&mut self, apps: &[impl App<B>]) {
        if self.random.u8(0..10) >= self.eagerness {
            return;
        }
        let many = 1 + usize::from(self.random.u8(0..4) == 0);
        let habits: Vec<_> =
            (0..many).filter_map(|_| self.random.choice(self.habits.clone())).collect();
        if self.ask(apps, &habits).await.iter().any(String::is_empty) {
            self.log_in(apps).await;
        }
    }

    /// Asks until the store has come to rest.
    async fn log_in<B: MessageBody>(&mut self, apps: &[impl App<B>]) {
        for _ in 0..200 {
            if !self.ask(apps, &["/login"]).await.is_empty() {
                return;
            }
            sleep(Duration::from_millis(100)).await;
        }
        panic!("nobody can log in");
    }

    /// Sends requests at once, and returns what those were told that succeeded.
    async fn ask<B: MessageBody>(
        &mut self,
        apps: &[impl App<B>],
        paths: &[&'static str],
    ) -> Vec<String> {
        let token = self.token.clone();
        let mut requests = Vec::new();
        for path in paths {
            let login = format!("/login-{}/owner", self.owner);
            let path = if *path == "/login" { &login } else { *path };
            let request = match &token {
                Some(token) => with_token(path, token),
                None => TestRequest::get().uri(path),
            };
            requests.push(Answer::of(&apps[self.random.usize(..apps.len())], request));
        }
        let mut told = Vec::new();
        for answer in join_all(requests).await {
            *self.statuses.entry(answer.status.as_u16()).or_default() += 1;
            if let Some(cookie) = answer.cookie() {
                self.token = (!cookie.is_removal()).then_some(cookie.value);
                self.given.extend(self.token.clone());
            }
            if answer.status == StatusCode::OK {
                told.push(answer.body);
            }
        }
        told
    }
}

/// A host.
trait App<B>: Service<Request, Response = ServiceResponse<B>, Error = Error> {}

impl<A, B> App<B> for A where A: Service<Request, Response = ServiceResponse<B>, Error = Error> {}

/// Returns the body of a page, once the store has come to rest.
async fn page<B: MessageBody>(app: &impl App<B>, request: impl Fn() -> TestRequest) -> String {
    for _ in 0..200 {
        let answer = Answer::of(app, request()).await;
        if answer.status == StatusCode::OK {
            return answer.body;
        }
        sleep(Duration::from_millis(100)).await;
    }
    panic!("the store does not come to rest");
}

/// Has clients live for ten lifetimes, and ends the sessions of all owners while their clients use
/// them.
async fn live_and_end<S: Store>(store: S, count: usize) -> Outcome {
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    // A store in this process does not wait otherwise, so that no other request came between.
    let store = HookedStore::new(store, |_, _| {
        Box::pin(async {
            if fastrand::bool() {
                yield_now().await;
            }
            Ok(())
        })
    });
    let time = TestClock::new();
    let store = FaultStore::new(TimedStore::new(store, time.clone()));
    let host = || {
        let backend = ServerSide::new(store.clone());
        let backend = backend.with_call_deadline(PATIENCE).with_request_deadline(PATIENCE);
        let config = SessionConfig::new().idle_timeout(LIFETIME).touch_interval(LIFETIME / 2);
        Fixture::of(backend, config.cookie_name(CookieName::from_static("id")), time.clone())
    };
    let hosts = [host(), host()];
    let apps = &[hosts[0].app().await, hosts[1].app().await];

    let mut clients: Vec<_> = (0..count)
        .map(|number| Client::new((number % OWNERS).to_string(), random.fork()))
        .collect();
    stream::iter(&mut clients)
        .for_each_concurrent(AT_ONCE, async |client| client.log_in(apps).await)
        .await;
    for _ in 0..LIFETIMES * STEPS {
        time.advance(LIFETIME / STEPS);
        stream::iter(&mut clients)
            .for_each_concurrent(AT_ONCE, async |client| client.act(apps).await)
            .await;
    }

    let mut others: Vec<_> =
        (0..OTHERS).map(|_| Client::new("another".to_owned(), random.fork())).collect();
    for other in &mut others {
        other.log_in(apps).await;
    }
    let mut owners: Vec<Vec<&mut Client>> = (0..OWNERS).map(|_| Vec::new()).collect();
    for (number, client) in clients.iter_mut().enumerate() {
        // What would begin a session without an owner is left out.
        client.habits.retain(|habit| !matches!(*habit, "/count/owner" | "/login"));
        owners[number % OWNERS].push(client);
    }
    let ended = stream::iter(owners.into_iter().enumerate())
        .map(|(owner, clients)| async move {
            let path = format!("/all-{owner}");
            let end = page(&apps[owner % 2], || TestRequest::get().uri(&path));
            let use_them = clients.into_iter().map(|client| async move {
                if let Some(habit) = client.random.choice(client.habits.clone()) {
                    client.ask(apps, &[habit]).await;
                }
            });
            let (ended, _) = join(end, join_all(use_them)).await;
            ended.parse::<usize>().expect("a number")
        })
        .buffer_unordered(4)
        .fold(0, |all, ended| std::future::ready(all + ended))
        .await;

    let mut listed = 0;
    for owner in 0..OWNERS {
        let path = format!("/devices-{owner}");
        let devices = page(&apps[0], || TestRequest::get().uri(&path)).await;
        let (devices, _) = devices.split_once(' ').expect("two numbers");
        listed += devices.parse::<usize>().expect("a number");
    }
    let read = async |token: &String| page(&apps[1], || with_token("/read", token)).await;
    let (mut open, mut guests) = (0, 0);
    for token in clients.iter().flat_map(|client| &client.given) {
        match &*read(token).await {
            "{}" => {}
            owned if owned.contains("_owner") => open += 1,
            _ => guests += 1,
        }
    }
    let mut alive = 0;
    for token in others.iter().flat_map(|other| &other.given) {
        alive += usize::from(read(token).await.contains("_owner"));
    }
    store.inner().sweep_expired().await.expect("the store is up");
    let mut statuses = BTreeMap::<u16, usize>::new();
    for (status, more) in clients.iter().flat_map(|client| &client.statuses) {
        *statuses.entry(*status).or_default() += more;
    }
    let requests = statuses.values().sum();
    Outcome { seed, requests, ended, open, listed, others: alive, guests, statuses }
}
