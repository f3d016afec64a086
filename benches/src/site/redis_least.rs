//! The least that a session in Redis costs any implementation within Actix Web: pages that ask Redis themselves,
//! over one connection for each worker. No middleware, no session, and the last write wins.

use actix_web::{
    Error, HttpRequest, HttpResponse,
    error::ErrorInternalServerError,
    http::header,
    web::{self, Data, ServiceConfig},
};
use base64::Engine;
use redis::{
    AsyncCommands, Client, RedisResult, SetExpiry, SetOptions, aio::MultiplexedConnection,
};
use tokio::sync::OnceCell;

use super::next;
use crate::{
    floor::BASE64,
    payload::{self, COUNTER, json},
};

/// As long as actix-session keeps a session.
const SECONDS: u64 = 24 * 60 * 60;

/// The connection of a worker. A clone before the first request has a connection of its own.
#[derive(Clone)]
pub struct Worker {
    client: Client,
    connection: OnceCell<MultiplexedConnection>,
}

impl Worker {
    /// Connects to this URL with the first request.
    ///
    /// # Errors
    ///
    /// If the URL is invalid.
    pub fn new(url: &str) -> RedisResult<Self> {
        Ok(Self { client: Client::open(url)?, connection: OnceCell::new() })
    }

    async fn connection(&self) -> Result<MultiplexedConnection, Error> {
        let connect = || self.client.get_multiplexed_async_connection();
        self.connection.get_or_try_init(connect).await.cloned().map_err(ErrorInternalServerError)
    }

    /// Returns the session of a request: its key and its JSON.
    async fn load(&self, request: &HttpRequest) -> Result<(String, String), Error> {
        let token = request.headers().get(header::COOKIE).and_then(|value| value.to_str().ok());
        let token = token.and_then(|cookie| cookie.strip_prefix("least="));
        let key = token.ok_or_else(|| ErrorInternalServerError("no session"))?.to_owned();
        let json = self.connection().await?.get(&key).await.map_err(ErrorInternalServerError)?;
        Ok((key, json))
    }

    async fn save(&self, key: &str, json: &str) -> Result<(), Error> {
        let options = SetOptions::default().with_expiration(SetExpiry::EX(SECONDS));
        let saved = self.connection().await?.set_options(key, json, options).await;
        saved.map_err(ErrorInternalServerError)
    }
}

/// The pages. Each worker has a [`Worker`] as its data.
pub fn pages(config: &mut ServiceConfig) {
    config
        .route("/untouched", web::get().to(async || "ok"))
        .route("/read", web::get().to(read))
        .route("/write", web::get().to(write))
        .route("/create", web::get().to(create));
}

async fn read(request: HttpRequest, worker: Data<Worker>) -> Result<&'static str, Error> {
    let (_, json) = worker.load(&request).await?;
    counter(&json).map(|_| "ok")
}

async fn write(request: HttpRequest, worker: Data<Worker>) -> Result<&'static str, Error> {
    let (key, json) = worker.load(&request).await?;
    let counter = counter(&json)?;
    let [before, after] =
        [counter, next(counter)].map(|counter| format!("\"{COUNTER}\":{counter}"));
    worker.save(&key, &json.replacen(&before, &after, 1)).await?;
    Ok("ok")
}

async fn create(worker: Data<Worker>) -> Result<HttpResponse, Error> {
    let mut id = [0; 32];
    getrandom::fill(&mut id).map_err(ErrorInternalServerError)?;
    let key = BASE64.encode(id);
    worker.save(&key, &json(&payload::small())).await?;
    let cookie = format!("least={key}; HttpOnly; SameSite=Lax; Path=/; Secure");
    Ok(HttpResponse::Ok().insert_header((header::SET_COOKIE, cookie)).body("ok"))
}

fn counter(json: &str) -> Result<u64, Error> {
    let counter = json.split_once(COUNTER).and_then(|(_, rest)| {
        let digits = rest.strip_prefix("\":")?;
        digits.split(|end: char| !end.is_ascii_digit()).next()?.parse().ok()
    });
    counter.ok_or_else(|| ErrorInternalServerError("no counter"))
}
