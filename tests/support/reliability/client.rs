//! Clients, as many at a time as a test wants.

use std::{cell::RefCell, collections::HashSet, fmt, time::Duration};

use actix_web::http::header::COOKIE;
use awc::{Connector, error::SendRequestError};

use crate::Answer;

/// Longer than any request may take.
const PATIENCE: Duration = Duration::from_secs(60);
const CONNECTIONS: usize = 4_000;

/// Sends requests, and remembers every token that it was ever given.
pub struct Client {
    client: awc::Client,
    tokens: RefCell<HashSet<String>>,
}

impl Client {
    /// Returns a client.
    pub fn new() -> Self {
        let connector = Connector::new().limit(CONNECTIONS).timeout(PATIENCE);
        let client = awc::Client::builder()
            .connector(connector)
            .timeout(PATIENCE)
            .disable_redirects()
            .finish();
        Self { client, tokens: RefCell::default() }
    }

    /// Gets a page, with a session's token if there is one.
    ///
    /// # Errors
    ///
    /// When no answer comes, since the process has ended.
    ///
    /// # Panics
    ///
    /// When the answer sets more than one cookie.
    pub async fn get(&self, url: &str, token: Option<&str>) -> Result<Answer, SendRequestError> {
        let mut request = self.client.get(url);
        if let Some(token) = token {
            request = request.insert_header((COOKIE, format!("id={token}")));
        }
        let mut response = request.send().await?;
        let body = response.body().await.map_err(|err| SendRequestError::Body(err.into()))?;
        let answer = Answer {
            status: response.status(),
            headers: response.headers().clone(),
            body: String::from_utf8_lossy(&body).into_owned(),
        };
        if let Some(cookie) = answer.cookie().filter(|cookie| !cookie.is_removal()) {
            self.tokens.borrow_mut().insert(cookie.value);
        }
        Ok(answer)
    }

    /// Returns every token that was given.
    pub fn tokens(&self) -> HashSet<String> {
        self.tokens.borrow().clone()
    }
}

impl Default for Client {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Client")
    }
}
