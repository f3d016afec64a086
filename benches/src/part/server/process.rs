//! A server in a process of its own, so that its processor's time is its own.

use std::{
    env,
    io::{self, BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    time::Duration,
};

use actix_session::storage::{CookieSessionStore, RedisSessionStore};
use actix_web::{
    App, HttpServer,
    rt::System,
    web::{self, Data},
};
use nix::sys::resource::{UsageWho, getrusage};
use sessions_benches::site::{actix, ours, redis_least};

use super::{Served, redis::Redis};

/// A server that another process runs; stopped when it is dropped.
pub(super) struct Server {
    pub(super) served: Served,
    pub(super) port: u16,
    child: Child,
}

impl Server {
    pub(super) fn start(served: Served, workers: usize, redis: &Redis) -> Self {
        let mut child = Command::new(env::current_exe().expect("this program has a path"))
            .args(["serve", served.name(), &workers.to_string(), &redis.url()])
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program starts");
        let output = child.stdout.take().expect("it is piped");
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line).expect("it is text");
        let port = line.trim().parse().expect("a server says its port");
        Self { served, port, child }
    }

    /// Returns what its processor has worked so far.
    pub(super) fn cpu(&mut self) -> Duration {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).expect("it listens");
        stream
            .write_all(b"GET /cpu HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
            .expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        let micros = answer.rsplit("\r\n").next().and_then(|body| body.parse().ok());
        Duration::from_micros(micros.expect("the body is a number"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Serves until the process is ended.
pub(crate) fn serve(name: &str, workers: &str, redis: &str) {
    let workers = workers.parse().expect("workers is a number");
    let served = Served::ALL.into_iter().find(|served| served.name() == name);
    let served = served.expect("the name is one of those of `Served::name`");
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
    println!("{}", listener.local_addr().expect("it is bound").port());
    let result = System::new().block_on(async {
        macro_rules! listen {
            ($app:expr) => {
                HttpServer::new(move || $app.route("/cpu", web::get().to(cpu)))
                    .workers(workers)
                    // Connections wait while other servers have their turns.
                    .keep_alive(Duration::from_secs(600))
                    .listen(listener)?
                    .run()
                    .await
            };
        }
        match served {
            Served::Actix => listen!(App::new().configure(actix::bare_pages)),
            Served::Signed => {
                let sessions = ours::Signed::new();
                listen!(App::new().wrap(sessions.clone()).configure(ours::pages))
            }
            Served::Memory => {
                let sessions = ours::InMemory::new();
                listen!(App::new().wrap(sessions.clone()).configure(ours::pages))
            }
            Served::Redis => {
                let sessions = ours::InRedis::new(redis)?;
                listen!(App::new().wrap(sessions.clone()).configure(ours::pages))
            }
            Served::RedisLeast => {
                let worker = redis_least::Worker::new(redis).map_err(io::Error::other)?;
                listen!(
                    App::new().app_data(Data::new(worker.clone())).configure(redis_least::pages)
                )
            }
            Served::ActixSessionSigned => listen!(
                App::new()
                    .wrap(actix::peer(CookieSessionStore::default()))
                    .configure(actix::peer_pages)
            ),
            Served::ActixSessionRedis => {
                let store = RedisSessionStore::new(redis).await.map_err(io::Error::other)?;
                listen!(App::new().wrap(actix::peer(store.clone())).configure(actix::peer_pages))
            }
        }
    });
    result.expect("a server runs until it is ended");
}

/// What this process has worked so far, in microseconds.
async fn cpu() -> String {
    let usage = getrusage(UsageWho::RUSAGE_SELF).expect("a process knows its own");
    let micros = |time: nix::sys::time::TimeVal| time.tv_sec() * 1_000_000 + time.tv_usec();
    (micros(usage.user_time()) + micros(usage.system_time())).to_string()
}
