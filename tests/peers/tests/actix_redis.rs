//! actix-session on a Redis server: lost updates, logouts that are undone, outages.

use std::{
    collections::BTreeMap,
    env,
    time::{Duration, Instant},
};

use actix_http::Request;
use actix_service::Service;
use actix_session::{Session, SessionMiddleware, storage::RedisSessionStore};
use actix_web::{App, Error, body::MessageBody, dev::ServiceResponse, test, web};
use futures_util::{StreamExt, future, stream};
use sessions_peers::{
    Answer, Gate,
    actix::{get, key, site},
    redis_server::Redis,
    report,
};
use tokio::{sync::Semaphore, time::timeout};

const PEER: &str = "actix-session on Redis";
/// Longer than a person waits.
const PATIENCE: Duration = Duration::from_secs(5);

fn of_full(full: usize) -> usize {
    if env::var_os("SESSIONS_TEST_FULL").is_some() { full } else { full / 10 }
}

async fn store(redis: &Redis) -> RedisSessionStore {
    RedisSessionStore::new(redis.url()).await.expect("the server is up")
}

#[actix_web::test]
#[ignore = "needs redis-server: run scripts/test"]
async fn concurrent_increments_are_lost() {
    async fn count(session: Session) -> Result<&'static str, Error> {
        let n = session.get("n")?.unwrap_or(0);
        session.insert("n", n + 1)?;
        Ok("counted")
    }
    async fn total(session: Session) -> Result<String, Error> {
        Ok(session.get("n")?.unwrap_or(0).to_string())
    }

    let redis = Redis::new();
    for at_once in [1, 32, 1_000] {
        let requests = of_full(20_000);
        let app = App::new()
            .wrap(SessionMiddleware::new(store(&redis).await, key()))
            .configure(site)
            .route("/count", web::get().to(count))
            .route("/total", web::get().to(total));
        let app = test::init_service(app).await;
        let cookie = get(&app, "/login", "").await.cookie().pair();
        let answers: Vec<_> = stream::iter(0..requests)
            .map(|_| get(&app, "/count", &cookie))
            .buffer_unordered(at_once)
            .collect()
            .await;
        let answered = answers.iter().filter(|answer| answer.status == 200).count();
        let stored: usize = get(&app, "/total", &cookie).await.body.parse().unwrap();
        report(
            PEER,
            "increments",
            format!("{at_once} at a time: {answered} of {requests} answered 200, stored {stored}"),
        );
        assert_eq!(stored == answered, at_once == 1);
    }
}

#[actix_web::test]
#[ignore = "needs redis-server: run scripts/test"]
async fn a_logout_is_undone_by_a_slow_request() {
    const WRITERS: usize = 20;
    async fn slow(
        session: Session,
        arrived: web::Data<Semaphore>,
        gate: web::Data<Gate>,
    ) -> Result<&'static str, Error> {
        arrived.add_permits(1);
        gate.pass().await;
        session.insert("last_page", "/slow")?;
        Ok("at last")
    }

    let redis = Redis::new();
    let rounds = of_full(1_000);
    let (mut left, mut usable) = (0, 0);
    let (arrived, gate) = (web::Data::new(Semaphore::new(0)), web::Data::new(Gate::default()));
    let app = App::new()
        .app_data(arrived.clone())
        .app_data(gate.clone())
        .wrap(SessionMiddleware::new(store(&redis).await, key()))
        .configure(site)
        .route("/slow", web::get().to(slow));
    let app = test::init_service(app).await;
    for _ in 0..rounds {
        redis.command::<()>(&["FLUSHALL"]);
        let cookie = get(&app, "/login", "").await.cookie().pair();
        let writers = future::join_all((0..WRITERS).map(|_| get(&app, "/slow", &cookie)));
        let logout = async {
            let all = u32::try_from(WRITERS).unwrap();
            arrived.acquire_many(all).await.unwrap().forget();
            assert_eq!(get(&app, "/logout", &cookie).await.status, 200);
            for _ in 0..WRITERS {
                gate.open();
                tokio::task::yield_now().await;
            }
        };
        let (writers, ()) = future::join(writers, logout).await;
        left += usize::from(redis.command::<usize>(&["DBSIZE"]) > 0);
        for writer in &writers {
            let Some(cookie) = writer.cookies().into_iter().next() else { continue };
            usable += usize::from(get(&app, "/whoami", cookie.pair()).await.body == "alice");
        }
    }
    report(
        PEER,
        "logout",
        format!(
            "{rounds} rounds against {WRITERS} slow writers: sessions left in {left} of them, \
             {usable} usable cookies"
        ),
    );
    assert_eq!(left, rounds);
    assert!(usable >= rounds);
}

/// What became of some requests.
#[derive(Default)]
struct Answers {
    by_status: BTreeMap<u16, usize>,
    unanswered: usize,
    longest: Duration,
}

impl Answers {
    fn count(&mut self, answer: Option<&Answer>, took: Duration) {
        match answer {
            Some(answer) => *self.by_status.entry(answer.status).or_default() += 1,
            None => self.unanswered += 1,
        }
        self.longest = self.longest.max(took);
    }

    fn text(&self) -> String {
        format!(
            "by status {:?}, {} not answered within {PATIENCE:?}, the longest took {:.1} s",
            self.by_status,
            self.unanswered,
            self.longest.as_secs_f64()
        )
    }
}

/// Sends ten requests at once.
async fn ten<S, B>(app: &S, path: &str, cookie: &str, answers: &mut Answers)
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody + 'static,
{
    let sent = (0..10).map(|_| async {
        let start = Instant::now();
        let answer = timeout(PATIENCE, get(app, path, cookie)).await.ok();
        (answer, start.elapsed())
    });
    for (answer, took) in future::join_all(sent).await {
        answers.count(answer.as_ref(), took);
    }
}

#[actix_web::test]
#[ignore = "needs redis-server: run scripts/test"]
async fn an_outage_takes_every_page_with_it() {
    let mut redis = Redis::with(&["appendonly yes", "appendfsync always"]);
    let (kills, stalls) = (of_full(20), of_full(10));
    let app = App::new().wrap(SessionMiddleware::new(store(&redis).await, key())).configure(site);
    let app = test::init_service(app).await;
    let cookie = get(&app, "/login", "").await.cookie().pair();
    let (mut down, mut untouched) = (Answers::default(), Answers::default());
    let mut recovery = Vec::new();
    for _ in 0..kills {
        redis.kill();
        ten(&app, "/whoami", &cookie, &mut down).await;
        ten(&app, "/untouched", &cookie, &mut untouched).await;
        let open = redis.start();
        let mut recovered = None;
        while recovered.is_none() && open.elapsed() < 2 * PATIENCE {
            let answer = timeout(PATIENCE, get(&app, "/whoami", &cookie)).await;
            recovered = answer.is_ok_and(|it| it.body == "alice").then(|| open.elapsed());
        }
        recovery.push(recovered);
    }
    report(PEER, "killed", format!("{kills} times: pages with a session: {}", down.text()));
    report(PEER, "killed", format!("pages that use none: {}", untouched.text()));
    let recovered = recovery.iter().flatten();
    report(
        PEER,
        "killed",
        format!(
            "recovered within {:?} of the port being open in {} of {kills} cases, after {:?}",
            2 * PATIENCE,
            recovered.clone().count(),
            recovered.collect::<Vec<_>>()
        ),
    );

    // Connections of their own: the others may not be back.
    let app = App::new().wrap(SessionMiddleware::new(store(&redis).await, key())).configure(site);
    let app = test::init_service(app).await;
    let (mut down, mut untouched) = (Answers::default(), Answers::default());
    for _ in 0..stalls {
        redis.stall();
        ten(&app, "/whoami", &cookie, &mut down).await;
        ten(&app, "/untouched", &cookie, &mut untouched).await;
        redis.resume();
    }
    report(PEER, "stalled", format!("{stalls} times: pages with a session: {}", down.text()));
    report(PEER, "stalled", format!("pages that use none: {}", untouched.text()));
    assert!(!untouched.by_status.contains_key(&200), "none is answered as it should be");
}
