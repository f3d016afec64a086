//! Where a connection leads to, and with which credentials: both are found out for each connection.

use std::{fmt, io};

use redis::{Client, ConnectionInfo, RedisResult};

#[cfg(feature = "sentinel")]
use crate::sentinel::{Sentinel, Watch};
use crate::{
    address::{Address, connection_info, invalid_url},
    credentials::CredentialsSource,
    tcp::tcp_settings,
};

/// Where the connections of a store lead to.
#[derive(Clone)]
pub(super) struct Endpoint {
    server: Server,
    credentials: Option<CredentialsSource>,
}

#[derive(Clone)]
enum Server {
    /// At an address: a name is looked up for each connection.
    At(Box<ConnectionInfo>),
    /// Where the sentinels say.
    #[cfg(feature = "sentinel")]
    Watched(Box<Sentinel>),
}

impl Endpoint {
    pub(super) fn at(address: impl Address) -> io::Result<Self> {
        #[cfg(feature = "tls")]
        crate::tcp::install_crypto_provider();
        let info = connection_info(address)?;
        let settings = tcp_settings(info.tcp_settings());
        let info = info.set_tcp_settings(settings);
        // What is wrong with it is told now.
        Client::open(info.clone()).map_err(|err| invalid_url(&err))?;
        Ok(Self { server: Server::At(Box::new(info)), credentials: None })
    }

    #[cfg(feature = "sentinel")]
    pub(super) fn watched(sentinel: Sentinel) -> Self {
        Self { server: Server::Watched(Box::new(sentinel)), credentials: None }
    }

    pub(super) fn with_credentials_from(self, source: CredentialsSource) -> Self {
        Self { credentials: Some(source), ..self }
    }

    /// Whether sentinels say where the server is.
    pub(super) fn is_watched(&self) -> bool {
        match &self.server {
            Server::At(_) => false,
            #[cfg(feature = "sentinel")]
            Server::Watched(_) => true,
        }
    }

    pub(super) fn database(&self) -> i64 {
        match &self.server {
            Server::At(info) => info.redis_settings().db(),
            #[cfg(feature = "sentinel")]
            Server::Watched(sentinel) => sentinel.database(),
        }
    }

    /// Returns a client for the next connection.
    pub(super) async fn client(&self) -> RedisResult<Client> {
        let credentials = match &self.credentials {
            Some(source) => Some(source.ask().await?),
            None => None,
        };
        match &self.server {
            Server::At(info) => {
                let settings = info.redis_settings().clone();
                let settings = match credentials {
                    Some(credentials) => credentials.set(settings),
                    None => settings,
                };
                Client::open((**info).clone().set_redis_settings(settings))
            }
            #[cfg(feature = "sentinel")]
            Server::Watched(sentinel) => sentinel.client(credentials).await,
        }
    }

    /// Returns a connection to a sentinel, if there are any.
    #[cfg(feature = "sentinel")]
    pub(super) async fn watch(&self) -> Option<RedisResult<Watch>> {
        match &self.server {
            Server::At(_) => None,
            Server::Watched(sentinel) => Some(sentinel.watch().await),
        }
    }
}

/// Names the server for the text of an error. An address has no password.
impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.server {
            Server::At(info) => write!(f, "Redis at {}", info.addr()),
            #[cfg(feature = "sentinel")]
            Server::Watched(sentinel) => sentinel.fmt(f),
        }
    }
}
