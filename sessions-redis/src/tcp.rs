//! The settings that all connections share.

use std::time::Duration;

use redis::io::tcp::{TcpSettings, socket2::TcpKeepalive};

/// The time in which a connection must be established.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_millis(500);
/// The idle time after which the operating system probes a connection.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// Gives rustls its cryptography, unless the application has chosen one.
#[cfg(feature = "tls")]
pub(crate) fn install_crypto_provider() {
    use rustls::crypto::{CryptoProvider, ring};

    if CryptoProvider::get_default().is_none() {
        // Another thread may have installed one first, which serves as well.
        let _ = ring::default_provider().install_default();
    }
}

pub(crate) fn tcp_settings(given: &TcpSettings) -> TcpSettings {
    // Many requests share a connection: none must wait for the acknowledgement of another.
    let settings = given.clone().set_nodelay(true);
    match settings.keepalive() {
        Some(_) => settings,
        None => settings.set_keepalive(TcpKeepalive::new().with_time(KEEPALIVE)),
    }
}
