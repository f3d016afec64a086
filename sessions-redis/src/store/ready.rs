//! Whether a server is fit for a store: it answers, is a primary, and keeps all keys.

use std::{fmt, io};

use redis::{Cmd, Value};
use sessions::{
    events,
    store::{NotReady, RecordKey, Store, StoreError},
};
use tokio::time::timeout;

use super::RedisStore;
use crate::{connect::Connect, error::IS_REPLICA, eviction::evicting_policy, tcp::CONNECT_TIMEOUT};

impl<C: Connect> RedisStore<C> {
    /// Returns the store if a read succeeds. A server that evicts keys is a warning.
    pub(super) async fn checked(self) -> io::Result<Self> {
        let read = timeout(CONNECT_TIMEOUT, self.reads()).await;
        if let Err(err) = read.unwrap_or(Err(StoreError::Timeout)) {
            let server = self.server.as_deref().unwrap_or("Redis");
            return Err(not_connected(server, &err.with_causes()));
        }
        if let Ok(Err(err)) = timeout(CONNECT_TIMEOUT, self.keeps_all_keys()).await {
            events::unfit_store(err);
        }
        Ok(self)
    }

    /// Asks the server for a record, for its role, and for its policy of eviction.
    pub(super) async fn check_ready(&self) -> Result<(), NotReady> {
        self.reads().await?;
        self.is_primary().await?;
        self.keeps_all_keys().await
    }

    /// Fails where the server does not answer a read. What is there is of no interest.
    async fn reads(&self) -> Result<(), StoreError> {
        match self.load(&RecordKey::from_bytes([0; 32]), None).await {
            Ok(_) | Err(StoreError::Corrupt { .. } | StoreError::NewerFormat { .. }) => Ok(()),
            Err(err) => Err(err),
        }
    }

    /// Fails where the server evicts keys, or may not be asked.
    async fn keeps_all_keys(&self) -> Result<(), NotReady> {
        let Some(info) = self.told(redis::cmd("INFO").arg("memory")).await? else { return Ok(()) };
        let Some(policy) = evicting_policy(&info) else { return Ok(()) };
        Err(NotReady::new(format_args!(
            "{} evicts keys when its memory is full, by the policy `{policy}`: it may forget which \
             sessions an owner has and that they were ended, so that ended sessions open again; set \
             `maxmemory-policy noeviction`",
            self.server_name()
        )))
    }

    /// Fails where the server is a replica, or may not be asked. The client of a cluster knows the roles.
    async fn is_primary(&self) -> Result<(), NotReady> {
        let role = self.told(&redis::cmd("ROLE")).await?;
        let Some(Value::Array(parts)) = &role else { return Ok(()) };
        match parts.first() {
            Some(Value::BulkString(role)) if role == b"slave" => {
                Err(NotReady::new(format_args!("{} {IS_REPLICA}", self.server_name())))
            }
            _ => Ok(()),
        }
    }

    /// Asks the server about itself. Returns nothing where it does not have the command, as where it was
    /// renamed.
    async fn told(&self, command: &Cmd) -> Result<Option<Value>, NotReady> {
        match self.send(command).await? {
            Ok(answer) => Ok(Some(answer)),
            Err(err) if err.code() == Some("ERR") => Ok(None),
            Err(err) => Err(self.error(err).into()),
        }
    }
}

pub(crate) fn not_connected(server: &str, err: &(impl fmt::Display + ?Sized)) -> io::Error {
    let (err, attempt) = (err.to_string(), format!("cannot connect to {server}: "));
    let cause = match (err.split_once(&attempt), err.split_once(&format!("{server} "))) {
        (Some((_, cause)), _) => cause.to_owned(),
        (None, Some((_, cause))) => format!("it {cause}"),
        (None, None) => err,
    };
    let message = format!(
        "{attempt}{cause}; check that the server runs and that the URL \
         has its address, user and password"
    );
    io::Error::new(io::ErrorKind::NotConnected, message)
}
