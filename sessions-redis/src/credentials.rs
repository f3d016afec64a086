//! The user and password of a connection.

use std::{error::Error, fmt, io, sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use redis::{RedisConnectionInfo, RedisResult};
use tokio::time::timeout;

/// The time in which the function must answer. No attempt to connect waits longer for it.
const ASK_TIMEOUT: Duration = Duration::from_secs(5);

/// The user and password with which a connection is authenticated.
#[derive(Clone)]
pub struct Credentials {
    user: Option<String>,
    password: String,
}

impl Credentials {
    /// Returns the credentials of a user, as `ACL SETUSER` names it.
    pub fn new(user: impl Into<String>, password: impl Into<String>) -> Self {
        Self { user: Some(user.into()), password: password.into() }
    }

    /// Returns the password of the default user, as `requirepass` sets it.
    pub fn password(password: impl Into<String>) -> Self {
        Self { user: None, password: password.into() }
    }

    /// Puts the credentials in place of those in the settings.
    pub(crate) fn set(self, settings: RedisConnectionInfo) -> RedisConnectionInfo {
        let settings = settings.set_password(&self.password);
        // The user of a URL must not get the password of another one.
        settings.set_username(self.user.as_deref().unwrap_or("default"))
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials")
    }
}

/// Asked for credentials before each connection.
#[derive(Clone)]
pub(crate) struct CredentialsSource(Arc<Ask>);

type Ask =
    dyn Fn() -> BoxFuture<'static, Result<Credentials, Box<dyn Error + Send + Sync>>> + Send + Sync;

impl CredentialsSource {
    pub(crate) fn new<F, Fut, E>(ask: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Credentials, E>> + Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        Self(Arc::new(move || {
            let asked = ask();
            Box::pin(async move { asked.await.map_err(Into::into) })
        }))
    }

    pub(crate) async fn ask(&self) -> RedisResult<Credentials> {
        let Ok(answer) = timeout(ASK_TIMEOUT, (self.0)()).await else {
            let late = format!(
                "no credentials: the function that returns them took longer than {ASK_TIMEOUT:?}"
            );
            return Err(io::Error::other(late).into());
        };
        let failed = |err| io::Error::other(format!("no credentials: {err}"));
        Ok(answer.map_err(failed)?)
    }
}
