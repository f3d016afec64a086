//! A store on a cluster.

use std::{io, time::Duration};

use redis::{cluster::ClusterClient, cluster_async::ClusterConnection, io::tcp::TcpSettings};

use crate::{
    address::invalid_url,
    address::{Address, connection_info},
    store::{RedisStore, ready::not_connected},
    tcp::{CONNECT_TIMEOUT, tcp_settings},
};

/// Below the deadline of a call, so that the client gives up before the caller does.
const RESPONSE_TIMEOUT: Duration = Duration::from_millis(450);
/// The longest pause before the client repeats a request that a node could not serve, in milliseconds.
const MAX_RETRY_MILLIS: u64 = 250;

impl RedisStore<ClusterConnection> {
    /// Connects to a cluster through some of its nodes, and returns a store on it.
    ///
    /// Each node has one multiplexed connection. A call that takes longer than 450 ms, redirections
    /// included, fails.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidInput`] when `nodes` is empty or a URL is invalid,
    /// [`io::ErrorKind::NotConnected`] when no node answers.
    pub async fn connect_cluster<T: Address>(
        nodes: impl IntoIterator<Item = T>,
    ) -> io::Result<Self> {
        #[cfg(feature = "tls")]
        crate::tcp::install_crypto_provider();
        let nodes = nodes.into_iter().map(connection_info).collect::<io::Result<Vec<_>>>()?;
        let addresses = nodes.iter().map(|node| node.addr().to_string()).collect::<Vec<_>>();
        let addresses = addresses.join(", ");
        let client = ClusterClient::builder(nodes)
            .tcp_settings(tcp_settings(&TcpSettings::default()))
            .connection_timeout(CONNECT_TIMEOUT)
            .response_timeout(RESPONSE_TIMEOUT)
            .overall_response_timeout(Some(RESPONSE_TIMEOUT))
            .max_retry_wait(MAX_RETRY_MILLIS)
            .build()
            .map_err(|err| invalid_url(&err))?;
        let connection = client.get_async_connection().await;
        let connection = connection
            .map_err(|err| not_connected(&format!("Redis at any of {addresses}"), &err))?;
        Ok(Self::from_connection(connection).of_cluster(&addresses))
    }
}
