//! A store on a cluster.

use std::{io, time::Duration};

use redis::{
    IntoConnectionInfo, cluster::ClusterClient, cluster_async::ClusterConnection,
    io::tcp::TcpSettings,
};

use crate::{
    connection::{CONNECT_TIMEOUT, invalid, tcp_settings},
    store::{RedisStore, not_connected},
};

/// Below the deadline that a call has, so that the client forgets it first.
const RESPONSE_TIMEOUT: Duration = Duration::from_millis(450);
/// The longest pause, in milliseconds, before the client sends again what a node could not do.
const LONGEST_PAUSE: u64 = 250;

impl RedisStore<ClusterConnection> {
    /// Connects to a cluster through some of its nodes, and returns a store on it.
    ///
    /// Each node has one multiplexed connection. A call is answered within 450 ms, redirections
    /// included, or fails.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidInput`] when there is no node or a URL is none,
    /// [`io::ErrorKind::NotConnected`] when none of them answers.
    pub async fn connect_cluster<T: IntoConnectionInfo>(
        nodes: impl IntoIterator<Item = T>,
    ) -> io::Result<Self> {
        #[cfg(feature = "tls")]
        crate::connection::prepare_tls();
        let client = ClusterClient::builder(nodes)
            .tcp_settings(tcp_settings(&TcpSettings::default()))
            .connection_timeout(CONNECT_TIMEOUT)
            .response_timeout(RESPONSE_TIMEOUT)
            .overall_response_timeout(Some(RESPONSE_TIMEOUT))
            .max_retry_wait(LONGEST_PAUSE)
            .build()
            .map_err(|err| invalid(&err))?;
        let connection = client.get_async_connection().await;
        let connection =
            connection.map_err(|err| not_connected("any node of the cluster", &err))?;
        Ok(Self::from_connection(connection))
    }
}
