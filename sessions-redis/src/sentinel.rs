//! A primary that sentinels watch.

use std::{fmt, io, time::Duration};

use futures_util::{
    FutureExt,
    future::{BoxFuture, select_ok},
};
use redis::{
    Client, Cmd, ConnectionInfo, RedisConnectionInfo, RedisResult, Value,
    aio::MultiplexedConnection,
    io::tcp::TcpSettings,
    sentinel::{SentinelClient, SentinelNodeConnectionInfo, SentinelServerType},
};
use tokio::time::timeout;

use crate::{
    address::{Address, connection_info, invalid_url},
    credentials::Credentials,
    tcp::{CONNECT_TIMEOUT, tcp_settings},
};

/// The time in which a sentinel must name the primary, and the primary confirm its role.
const RESOLVE_TIMEOUT: Duration = CONNECT_TIMEOUT;

/// A primary that sentinels watch: they say where it is, before each connection.
///
/// The user and password in the URLs are those of the sentinels. The servers that they watch have their
/// own: [`with_credentials`](Self::with_credentials).
///
/// # Examples
///
/// ```no_run
/// # async fn example() -> std::io::Result<()> {
/// use sessions_redis::{Credentials, RedisStore, Sentinel};
///
/// let urls = ["redis://10.0.0.1:26379", "redis://10.0.0.2:26379", "redis://10.0.0.3:26379"];
/// let primary = Sentinel::new(urls, "mymaster")?
///     .with_credentials(Credentials::new("app", std::env::var("REDIS_PASSWORD").unwrap_or_default()));
/// let store = RedisStore::connect_sentinel(primary).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Sentinel {
    sentinels: Vec<ConnectionInfo>,
    primary: String,
    settings: RedisConnectionInfo,
    #[cfg(feature = "tls")]
    tls: bool,
}

impl Sentinel {
    /// Returns the primary that sentinels at these URLs watch under this name: `mymaster` in the line
    /// `sentinel monitor mymaster …` of their configuration. Name all sentinels: all are asked at once, and
    /// one that answers is enough.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidInput`] when there is no URL or one is invalid.
    pub fn new<T: Address>(
        sentinels: impl IntoIterator<Item = T>,
        name: impl Into<String>,
    ) -> io::Result<Self> {
        #[cfg(feature = "tls")]
        crate::tcp::install_crypto_provider();
        let sentinels = sentinels.into_iter().map(|url| {
            let info = connection_info(url)?;
            let settings = tcp_settings(info.tcp_settings());
            Ok(info.set_tcp_settings(settings))
        });
        let sentinels = sentinels.collect::<io::Result<Vec<_>>>()?;
        if sentinels.is_empty() {
            return Err(invalid_url(
                &"a primary needs the URLs of its sentinels, and there is none",
            ));
        }
        Ok(Self {
            sentinels,
            primary: name.into(),
            settings: RedisConnectionInfo::default(),
            #[cfg(feature = "tls")]
            tls: false,
        })
    }

    /// Sets the user and password of the servers that the sentinels watch.
    #[must_use]
    pub fn with_credentials(mut self, credentials: Credentials) -> Self {
        self.settings = credentials.set(self.settings);
        self
    }

    /// Sets the number of the database on the servers that the sentinels watch. Defaults to 0.
    #[must_use]
    pub fn with_database(mut self, number: i64) -> Self {
        self.settings = self.settings.set_db(number);
        self
    }

    /// Connects with TLS to the servers that the sentinels watch. The sentinels must name them as their
    /// certificates do: see `resolve-hostnames` and `announce-hostnames` in the documentation of Redis.
    /// TLS to the sentinels is the `rediss://` of their URLs.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn with_tls(mut self) -> Self {
        self.tls = true;
        self
    }

    pub(crate) fn database(&self) -> i64 {
        self.settings.db()
    }

    /// Returns a client of the server that is the primary now.
    pub(crate) async fn client(&self, credentials: Option<Credentials>) -> RedisResult<Client> {
        let settings = self.settings.clone();
        let settings = match credentials {
            Some(credentials) => credentials.set(settings),
            None => settings,
        };
        let node = SentinelNodeConnectionInfo::default()
            .set_redis_connection_info(settings)
            .set_tcp_settings(tcp_settings(&TcpSettings::default()));
        #[cfg(feature = "tls")]
        let node = if self.tls { node.set_tls_mode(redis::TlsMode::Secure) } else { node };
        self.first_answer(|sentinel| {
            let (name, node) = (self.primary.clone(), Some(node.clone()));
            // A client of all sentinels would wait for a silent one before it hears the next.
            let client =
                SentinelClient::build(vec![sentinel], name, node, SentinelServerType::Master);
            async move { client?.async_get_client().await }.boxed()
        })
        .await
    }

    /// Connects to the sentinel that answers first, to ask it again and again where the primary is.
    pub(crate) async fn watch(&self) -> RedisResult<Watch> {
        self.first_answer(|sentinel| {
            let primary = self.primary.clone();
            let connect = async move {
                let sentinel = Client::open(sentinel)?.get_multiplexed_async_connection().await?;
                let mut watch = Watch { sentinel, primary };
                watch.primary().await?;
                Ok(watch)
            };
            connect.boxed()
        })
        .await
    }

    /// Asks all sentinels at once, and returns the first answer that is no error.
    async fn first_answer<T>(
        &self,
        ask: impl Fn(ConnectionInfo) -> BoxFuture<'static, RedisResult<T>>,
    ) -> RedisResult<T> {
        let asked: Vec<_> = self.sentinels.iter().cloned().map(ask).collect();
        let Ok(first) = timeout(RESOLVE_TIMEOUT, select_ok(asked)).await else {
            let late = "no sentinel named a primary in time";
            return Err(io::Error::new(io::ErrorKind::TimedOut, late).into());
        };
        Ok(first?.0)
    }
}

/// A connection to a sentinel.
#[derive(Clone)]
pub(crate) struct Watch {
    sentinel: MultiplexedConnection,
    primary: String,
}

impl Watch {
    /// Returns the host and port of the primary, as this sentinel knows it.
    pub(crate) async fn primary(&mut self) -> RedisResult<(String, u16)> {
        let mut command = Cmd::new();
        command.arg("SENTINEL").arg("GET-MASTER-ADDR-BY-NAME").arg(&self.primary);
        let answer = self.sentinel.send_packed_command(&command).await?;
        Ok(redis::from_redis_value(Value::extract_error(answer)?)?)
    }
}

impl fmt::Display for Sentinel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the Redis primary `{}` of the sentinels at ", self.primary)?;
        for (number, sentinel) in self.sentinels.iter().enumerate() {
            let comma = if number == 0 { "" } else { ", " };
            write!(f, "{comma}{}", sentinel.addr())?;
        }
        Ok(())
    }
}

impl fmt::Debug for Sentinel {
    /// Shows no address: it may contain a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sentinel").field("primary", &self.primary).finish_non_exhaustive()
    }
}
