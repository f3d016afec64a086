//! Redis is killed, stalled and emptied under an application that is in use.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use actix_web::{App, HttpResponse, HttpServer, web};
use sessions::{ServerSide, Session, SessionInterface};
use sessions_redis::{Connect, Connection, Pool, RedisStore};
use sessions_tests::{HttpAnswer, HttpClient, Redis, Served};

/// What a request may wait for the store, by default.
const DEADLINE: Duration = Duration::from_secs(1);
const GRACE: Duration = Duration::from_secs(1);
const RECOVERY: Duration = Duration::from_secs(2);
const USERS: usize = 20;
/// Between two requests of one user: 200 in a second from all of them.
const PAUSE: Duration = Duration::from_millis(100);

#[derive(Clone, SessionInterface)]
#[session(cookie_name = "id", secure = false)]
struct Sessions<C: Connect> {
    backend: ServerSide<RedisStore<C>>,
}

async fn login(session: Session, name: web::Path<String>) -> actix_web::Result<String> {
    session.renew()?;
    session.insert("name", &*name)?;
    session.insert("n", 0)?;
    Ok(format!("{name} 0"))
}

async fn who(session: Session) -> actix_web::Result<String> {
    let name: Option<String> = session.get("name")?;
    let Some(name) = name else { return Ok("nobody".to_owned()) };
    let n: u32 = session.get("n")?.unwrap_or_default();
    Ok(format!("{name} {n}"))
}

async fn count(session: Session) -> actix_web::Result<String> {
    let name: Option<String> = session.get("name")?;
    let Some(name) = name else { return Ok("nobody".to_owned()) };
    let n = session.update("n", |n: Option<u32>| n.unwrap_or(0) + 1)?;
    Ok(format!("{name} {n}"))
}

async fn visit(session: Session) -> actix_web::Result<String> {
    let n = session.update("n", |n: Option<u32>| n.unwrap_or(0) + 1)?;
    Ok(n.to_string())
}

async fn renew(session: Session) -> actix_web::Result<String> {
    session.renew()?;
    who(session).await
}

async fn logout(session: Session) -> actix_web::Result<HttpResponse> {
    session.purge()?;
    Ok(HttpResponse::Ok().finish())
}

/// Serves the handlers above, and `/plain/`, whose sessions nobody uses. Returns how often each of
/// the two stores asked for its connection.
fn serve(redis: &Redis) -> (Served, [Arc<AtomicUsize>; 2]) {
    let calls = [Arc::<AtomicUsize>::default(), Arc::default()];
    let (url, counted) = (redis.url(), calls.clone());
    let served = Served::start(async move || {
        let connection = Connection::new(url)?;
        let [used, unused] = counted.map(|calls| {
            let connection = connection.clone();
            let pool = Pool::new(move || {
                calls.fetch_add(1, Ordering::SeqCst);
                std::future::ready(Ok(connection.clone()))
            });
            Sessions { backend: ServerSide::new(RedisStore::from_connection(pool)) }
        });
        let server = HttpServer::new(move || {
            let plain = web::scope("/plain").wrap(unused.clone());
            let using = web::scope("").wrap(used.clone());
            App::new().service(plain.route("/", web::get().to(async || "plain"))).service(
                using
                    .route("/login/{name}", web::get().to(login))
                    .route("/who", web::get().to(who))
                    .route("/count", web::get().to(count))
                    .route("/visit", web::get().to(visit))
                    .route("/renew", web::get().to(renew))
                    .route("/logout", web::get().to(logout)),
            )
        });
        let server = server.workers(2).disable_signals().bind(("127.0.0.1", 0))?;
        let port = server.addrs()[0].port();
        Ok((port, server.run()))
    });
    (served, calls)
}

/// A request and what came of it.
#[derive(Clone, Debug)]
struct Sent {
    started: Instant,
    took: Duration,
    status: u16,
}

/// One user at a browser, and what the application must know of them.
struct User {
    name: String,
    client: HttpClient,
    other_client: HttpClient,
    sent: Vec<Sent>,
    /// `None` when nobody is logged in.
    known: Option<Known>,
    /// Tokens of sessions that were ended.
    ended: Vec<String>,
    logouts: usize,
}

#[derive(Clone, Copy, Debug, Default)]
struct Known {
    /// Increments that were answered with 200.
    acknowledged: u32,
    /// Increments whose outcome is unknown, and may be decided later.
    unknown: u32,
    /// The highest number that was seen.
    seen: u32,
    /// Whether a renewal or a logout failed: the token may open nothing.
    may_be_out: bool,
}

impl User {
    fn new(number: usize, served: &Served) -> Self {
        Self {
            name: format!("user-{number}"),
            client: served.client(),
            other_client: served.client(),
            sent: Vec::new(),
            known: None,
            ended: Vec::new(),
            logouts: 0,
        }
    }

    /// Does one thing or another.
    fn act(&mut self, step: usize) {
        let Some(mut known) = self.known else { return self.log_in() };
        let path = match step % 20 {
            7 => "/renew",
            13 => return self.look_back(),
            19 => return self.log_out(),
            step if step % 2 == 0 => "/count",
            _ => "/who",
        };
        match self.get(path) {
            None => {
                known.unknown += u32::from(path == "/count");
                known.may_be_out |= path == "/renew";
                self.known = Some(known);
            }
            // What a late renewal leaves to a token from before it.
            Some(answer) if answer.status == 409 => {
                assert!(known.may_be_out, "{}: {answer:?}", self.name);
                self.log_in();
            }
            Some(answer) if answer.body == "nobody" => {
                assert!(known.may_be_out, "{} is logged out: {known:?}", self.name);
                self.log_in();
            }
            Some(answer) => {
                known.acknowledged += u32::from(path == "/count");
                let (name, n) = answer.body.split_once(' ').expect("a name and a number");
                let n: u32 = n.parse().expect("a number");
                assert_eq!(name, self.name, "somebody else's session");
                let most = known.acknowledged + known.unknown;
                let least = known.acknowledged.max(known.seen);
                assert!((least..=most).contains(&n), "{name} {n}: {known:?}");
                known.seen = n;
                self.known = Some(known);
            }
        }
    }

    fn log_in(&mut self) {
        self.client.forget_cookies();
        self.known = self.get(&format!("/login/{}", self.name)).map(|answer| {
            assert_eq!(answer.body, format!("{} 0", self.name));
            Known::default()
        });
    }

    fn log_out(&mut self) {
        let token = self.client.cookie("id").expect("who is logged in has a token").to_owned();
        match self.get("/logout") {
            Some(answer) if answer.status == 200 => {
                self.logouts += 1;
                self.ended.push(token);
                self.known = None;
            }
            Some(_) => self.known = None,
            None => self.known.iter_mut().for_each(|known| known.may_be_out = true),
        }
    }

    /// Tries whether a session that was ended opens.
    fn look_back(&mut self) {
        let Some(token) = self.ended.last() else { return };
        self.other_client.set_cookie("id", token);
        let answer = self.other_client.get("/who").expect("an answer");
        if answer.status == 200 {
            assert_eq!(answer.body, "nobody", "a session is back from its end");
        }
    }

    /// Returns the answer, or `None` when the store failed.
    fn get(&mut self, path: &str) -> Option<HttpAnswer> {
        let started = Instant::now();
        let answer = self.client.get(path).expect("an answer");
        let status = answer.status;
        self.sent.push(Sent { started, took: started.elapsed(), status });
        match status {
            200 | 409 => Some(answer),
            500 | 503 => {
                assert!(answer.cookies().is_empty(), "{answer:?}");
                None
            }
            _ => panic!("{path}: {answer:?}"),
        }
    }
}

/// Sends requests until told to stop.
fn use_it(stop: &AtomicBool, mut act: impl FnMut(usize)) {
    let mut next = Instant::now();
    for step in 0.. {
        if stop.load(Ordering::SeqCst) {
            return;
        }
        act(step);
        next += PAUSE;
        thread::sleep(next.saturating_duration_since(Instant::now()));
        next = next.max(Instant::now());
    }
}

/// From when on Redis was away, and when it was back.
type Outage = (Instant, Instant);

/// Runs the application in use while `trouble` does what it does, and returns the users and what was
/// sent without a session.
fn in_use(served: &Served, trouble: impl FnOnce()) -> (Vec<User>, Vec<Sent>) {
    let stop = AtomicBool::new(false);
    let plain = Mutex::new(Vec::new());
    thread::scope(|scope| {
        let users = (0..USERS).map(|number| {
            let mut user = User::new(number, served);
            let stop = &stop;
            scope.spawn(move || {
                // Not all at once, and not all the same.
                thread::sleep(PAUSE / 20 * u32::try_from(number).expect("a few"));
                use_it(stop, |step| user.act(step + number));
                user
            })
        });
        let users: Vec<_> = users.collect();
        for _ in 0..2 {
            let (stop, plain) = (&stop, &plain);
            let mut client = served.client();
            scope.spawn(move || {
                use_it(stop, |_| {
                    let started = Instant::now();
                    let status = client.get("/plain/").expect("an answer").status;
                    let sent = Sent { started, took: started.elapsed(), status };
                    plain.lock().expect("nobody panicked").push(sent);
                });
            });
        }
        trouble();
        stop.store(true, Ordering::SeqCst);
        let users = users.into_iter().map(|user| user.join().expect("nothing was wrong"));
        (users.collect(), plain.lock().expect("nobody panicked").split_off(0))
    })
}

fn rounds(everyday: usize, full: usize) -> usize {
    if std::env::var_os("SESSIONS_TEST_FULL").is_some() { full } else { everyday }
}

#[test]
#[ignore = "needs redis-server: run scripts/test"]
fn sessions_survive_kills_and_stalls_and_every_failure_is_an_answer() {
    let mut redis = Redis::with(&["appendonly yes", "appendfsync always"]);
    let (served, calls) = serve(&redis);
    let (kills, stalls) = (rounds(2, 20), rounds(1, 10));
    let mut outages: Vec<Outage> = Vec::new();
    let (users, plain) = in_use(&served, || {
        let wait = |time| thread::sleep(time);
        wait(Duration::from_secs(1));
        for round in 0..kills {
            let away = Instant::now();
            redis.kill();
            wait(Duration::from_millis(200 + 100 * (round as u64 % 10)));
            outages.push((away, redis.start()));
            wait(RECOVERY + Duration::from_millis(500));
        }
        for round in 0..stalls {
            let away = Instant::now();
            redis.stall();
            wait(Duration::from_millis(2_000 + 500 * (round as u64 % 5)));
            redis.resume();
            outages.push((away, Instant::now()));
            wait(RECOVERY + Duration::from_millis(500));
        }
    });

    let sent: Vec<&Sent> = users.iter().flat_map(|user| &user.sent).collect();
    let failed: Vec<_> = sent.iter().filter(|sent| sent.status >= 500).collect();
    let slowest = failed.iter().map(|sent| sent.took).max().expect("some have failed");
    let logouts: usize = users.iter().map(|user| user.logouts).sum();
    // Of those that were sent when Redis was back, the last one to fail.
    let recovered = outages.iter().map(|&(_, back)| {
        let next = outages.iter().map(|(away, _)| *away).find(|away| *away > back);
        let after = failed.iter().map(|sent| sent.started).filter(|started| {
            *started > back && next.is_none_or(|next| *started + DEADLINE / 4 < next)
        });
        after.max().map_or(Duration::ZERO, |last| last - back)
    });
    let recovered = recovered.max().expect("there were outages");
    let first = outages[0].0;
    println!("{kills} kills, {stalls} stalls, {USERS} users:");
    println!("  {} requests with a session, {} failed, 0 wrong sessions", sent.len(), failed.len());
    println!("  the slowest failure took {slowest:?}");
    println!("  the last failure began {recovered:?} after the port was open, or the stall over");
    println!("  {logouts} logouts acknowledged, none undone");
    let plain_failed = plain.iter().filter(|sent| sent.status != 200).count();
    let plain_slowest = plain.iter().map(|sent| sent.took).max().expect("some were sent");
    let [used, unused] = calls.map(|calls| calls.load(Ordering::SeqCst));
    println!(
        "  {} requests without a session, {plain_failed} failed, {unused} store calls (the others \
         {used}), the slowest took {plain_slowest:?}",
        plain.len()
    );
    assert!(slowest <= DEADLINE + GRACE);
    assert!(recovered <= RECOVERY);
    assert!(failed.iter().all(|sent| sent.started + DEADLINE > first), "Redis was up");
    assert_eq!((plain_failed, unused), (0, 0));
    assert!(used > sent.len() / 2 && logouts > 0);
}

#[test]
#[ignore = "needs redis-server: run scripts/test"]
fn when_redis_loses_its_data_clients_are_anonymous_and_no_id_is_used_again() {
    let mut redis = Redis::new();
    let (served, _) = serve(&redis);
    let mut clients: Vec<_> = (0..20).map(|_| served.client()).collect();
    let mut ids = std::collections::HashSet::new();
    for _ in 0..rounds(2, 20) {
        for client in &mut clients {
            // The breaker may be open for a second.
            let start = Instant::now();
            let answer = loop {
                let answer = client.get("/visit").unwrap();
                assert!(answer.cookies().is_empty() || answer.status == 200);
                if answer.status == 200 || start.elapsed() > RECOVERY {
                    break answer;
                }
            };
            assert_eq!((answer.status, answer.body.as_str()), (200, "1"));
            let (selector, _) = client.cookie("id").unwrap().split_once('.').unwrap();
            assert!(ids.insert(selector.to_owned()), "an id is used again");
        }
        assert_eq!(redis.command::<usize>(&["DBSIZE"]), clients.len());
        redis.kill();
        redis.lose_data();
        redis.start();
    }
    println!("{} sessions, as many ids", ids.len());
}
