//! An application in use while its store is in trouble: users who know what must be so, and what was
//! sent, to be judged afterwards.

use std::{
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use actix_web::{App, HttpResponse, HttpServer, web};
use sessions::{ServerSide, Session, SessionInterface, store::Store, test::FaultStore};

use crate::{HttpAnswer, HttpClient, Served};

/// What a request may wait for the store, by default.
const DEADLINE: Duration = Duration::from_secs(1);
/// How long a failure may take beyond that.
const GRACE: Duration = Duration::from_secs(1);
/// How long after the store is back it may still fail requests.
pub const RECOVERY: Duration = Duration::from_secs(2);
const USERS: usize = 20;
/// Between two requests of one user: 200 in a second from all of them.
const PAUSE: Duration = Duration::from_millis(100);

#[derive(SessionInterface)]
#[session(cookie_name = "id", secure = false)]
struct Sessions<S: Store> {
    backend: ServerSide<FaultStore<Arc<S>>>,
}

impl<S: Store> Clone for Sessions<S> {
    fn clone(&self) -> Self {
        Self { backend: self.backend.clone() }
    }
}

/// An application whose sessions are kept in a store that the test troubles.
#[derive(Debug)]
pub struct LoadDriver<S> {
    served: Served,
    used: FaultStore<Arc<S>>,
    /// Behind a scope of the application whose handler uses no session.
    unused: FaultStore<Arc<S>>,
}

/// From when on the store was away, and when it was back.
pub type Outage = (Instant, Instant);

/// What came of the requests.
#[derive(Debug)]
pub struct Report {
    outages: Vec<Outage>,
    users: Vec<User>,
    plain: Vec<Sent>,
    calls: usize,
    plain_calls: usize,
}

impl<S: Store> LoadDriver<S> {
    /// Serves the application, with the store that `make` makes in the runtime of the server.
    ///
    /// # Panics
    ///
    /// When the store is not made.
    pub fn start(make: impl AsyncFnOnce() -> io::Result<S> + Send + 'static) -> Self {
        let (made, stores) = mpsc::channel();
        let served = Served::start(async move || {
            let store = Arc::new(make().await?);
            let [used, unused] = [(); 2].map(|()| FaultStore::new(Arc::clone(&store)));
            made.send([used.clone(), unused.clone()]).expect("the test waits for them");
            let used = Sessions { backend: ServerSide::new(used) };
            let unused = Sessions { backend: ServerSide::new(unused) };
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
        let [used, unused] = stores.recv().expect("they are made");
        Self { served, used, unused }
    }

    /// Returns a browser. `/visit` counts how often it came.
    pub fn client(&self) -> HttpClient {
        self.served.client()
    }

    /// Has users at the application while `trouble` does what it does to the store, and returns
    /// what came of it.
    ///
    /// # Panics
    ///
    /// When a user gets another user's session, is logged out without having asked for it, misses
    /// a change that was acknowledged, or is back in a session that ended.
    pub fn during(&self, trouble: impl FnOnce(&mut Vec<Outage>)) -> Report {
        let stop = AtomicBool::new(false);
        let plain = Mutex::new(Vec::new());
        let mut outages = Vec::new();
        let users = thread::scope(|scope| {
            let users = (0..USERS).map(|number| {
                let mut user = User::new(number, &self.served);
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
                let mut client = self.served.client();
                scope.spawn(move || {
                    use_it(stop, |_| {
                        let started = Instant::now();
                        let status = client.get("/plain/").expect("an answer").status;
                        let sent = Sent { started, took: started.elapsed(), status };
                        plain.lock().expect("nobody panicked").push(sent);
                    });
                });
            }
            trouble(&mut outages);
            stop.store(true, Ordering::SeqCst);
            let users = users.into_iter().map(|user| user.join().expect("nothing was wrong"));
            users.collect()
        });
        Report {
            outages,
            users,
            plain: plain.into_inner().expect("nobody panicked"),
            calls: self.used.calls(),
            plain_calls: self.unused.calls(),
        }
    }
}

impl Report {
    /// Returns how many requests with a session were answered with an error.
    pub fn failed(&self) -> usize {
        self.users.iter().flat_map(|user| &user.sent).filter(|sent| sent.status >= 500).count()
    }

    /// Prints what came of the requests, and fails unless every failure was an answer in time,
    /// requests without a session noticed nothing, and the store was in use soon after it was back.
    ///
    /// # Panics
    ///
    /// See above.
    pub fn judge(&self, trouble: &str) {
        let sent: Vec<&Sent> = self.users.iter().flat_map(|user| &user.sent).collect();
        let failed: Vec<_> = sent.iter().filter(|sent| sent.status >= 500).collect();
        let slowest = failed.iter().map(|sent| sent.took).max().unwrap_or_default();
        // Of those that were sent and answered while the store was up, the last one to fail.
        let recovered = self.outages.iter().map(|&(_, back)| {
            let next = self.outages.iter().map(|(away, _)| *away).find(|away| *away > back);
            let after = failed.iter().filter(|sent| {
                sent.started > back && next.is_none_or(|next| sent.started + sent.took < next)
            });
            after.map(|sent| sent.started - back).max().unwrap_or_default()
        });
        let mut recovered: Vec<_> = recovered.collect();
        recovered.sort();
        let recovered_last = recovered.last().copied().expect("there were outages");
        let logouts: usize = self.users.iter().map(|user| user.logouts).sum();
        let plain_failed = self.plain.iter().filter(|sent| sent.status != 200).count();
        let plain_slowest = self.plain.iter().map(|sent| sent.took).max().unwrap_or_default();
        println!("{trouble}, {USERS} users:");
        println!("  {} requests with a session, {} failed", sent.len(), failed.len());
        println!("  0 wrong sessions, {logouts} logouts acknowledged, 0 undone");
        println!("  the slowest failure took {slowest:?}");
        println!(
            "  the last failure began {recovered_last:?} after the store was back, in the median \
             {:?}",
            recovered[recovered.len() / 2]
        );
        println!(
            "  {} requests without a session, {plain_failed} failed, {} store calls (the others {}), \
             the slowest took {plain_slowest:?}",
            self.plain.len(),
            self.plain_calls,
            self.calls
        );
        assert!(slowest <= DEADLINE + GRACE);
        assert!(recovered_last <= RECOVERY);
        let first = self.outages[0].0;
        assert!(failed.iter().all(|sent| sent.started + DEADLINE > first), "the store was up");
        assert_eq!((plain_failed, self.plain_calls), (0, 0));
        assert!(self.calls > 0 && logouts > 0);
    }
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

/// A request and what came of it.
#[derive(Clone, Debug)]
struct Sent {
    started: Instant,
    took: Duration,
    status: u16,
}

/// One user at a browser, and what the application must know of them.
#[derive(Debug)]
struct User {
    name: String,
    client: HttpClient,
    other_client: HttpClient,
    sent: Vec<Sent>,
    /// `None` when no user is logged in.
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
