//! The warning that a `Secure` cookie is set over plain http, where browsers drop it.

use std::{
    net::{Ipv4Addr, Ipv6Addr},
    sync::atomic::{AtomicBool, Ordering},
};

use actix_web::{HttpRequest, http::header};
use sessions_policy::CookiePolicy;

use crate::{events::event, interface::host};

/// Warns, once in a process, that browsers drop the `Secure` cookie of a request over plain http. For
/// sessions that came without a cookie that opens one: the browsers of others have kept theirs.
///
/// Chrome, Edge, Firefox and curl keep one from the hosts that are [local](is_local); Safari does not.
/// Behind a proxy that ends TLS the request itself is plain, and the proxy says so in
/// `X-Forwarded-Proto` or `Forwarded`. A client can send them too: it then has no warning in the log,
/// and nothing else.
pub(super) fn warn_of_plain_http(request: &HttpRequest, policy: &CookiePolicy) {
    static HAS_WARNED: AtomicBool = AtomicBool::new(false);

    if !policy.secure()
        || HAS_WARNED.load(Ordering::Relaxed)
        || request.app_config().secure()
        || is_forwarded_from_https(request)
    {
        return;
    }
    // A request without a host is no browser's.
    let Some(host) = host(request).filter(|host| !is_local(host)) else { return };
    if !HAS_WARNED.swap(true, Ordering::Relaxed) {
        event!(
            CookieInsecure,
            host,
            cookie = policy.name().as_str(),
            "a session is used over plain http, and its cookie is `Secure`: browsers drop it, so that \
             each request begins a new session; serve https, or let the proxy that ends TLS send \
             `X-Forwarded-Proto: https`, or set `secure = false` where there is no TLS"
        );
    }
}

fn is_forwarded_from_https(request: &HttpRequest) -> bool {
    let any = |name, says_https: fn(&str) -> bool| {
        request.headers().get_all(name).any(|value| value.to_str().is_ok_and(says_https))
    };
    any(header::X_FORWARDED_PROTO, |value| value.split(',').any(is_https))
        || any(header::FORWARDED, |value| value.split([',', ';']).any(is_proto_https))
}

fn is_https(proto: &str) -> bool {
    proto.trim().eq_ignore_ascii_case("https")
}

/// Whether a pair of the header `Forwarded` says so (RFC 7239, 4).
fn is_proto_https(pair: &str) -> bool {
    pair.split_once('=').is_some_and(|(name, proto)| {
        name.trim().eq_ignore_ascii_case("proto") && is_https(proto.trim().trim_matches('"'))
    })
}

/// Whether browsers treat http to this host like https: `localhost` and the names below it,
/// 127.0.0.0/8 and `::1` (W3C Secure Contexts, 3.1).
fn is_local(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let is_named = || {
        let name = host.to_ascii_lowercase();
        name == "localhost" || name.ends_with(".localhost")
    };
    match bare {
        Some(address) => address.parse().is_ok_and(|ip: Ipv6Addr| ip.is_loopback()),
        None => host.parse().map_or_else(|_| is_named(), |ip: Ipv4Addr| ip.is_loopback()),
    }
}

#[cfg(test)]
mod tests {
    use super::is_local;

    #[test]
    fn local_hosts_are_those_that_browsers_trust_without_tls() {
        for host in [
            "localhost",
            "LocalHost",
            "localhost.",
            "admin.localhost",
            "a.b.localhost",
            "127.0.0.1",
            "127.255.0.9",
            "[::1]",
            "[0:0:0:0:0:0:0:1]",
        ] {
            assert!(is_local(host), "{host}");
        }
        for host in [
            "",
            "example.com",
            "localhost.example.com",
            "notlocalhost",
            "localhost.localdomain",
            "10.0.0.1",
            "192.168.0.1",
            "0.0.0.0",
            "128.0.0.1",
            "[::2]",
            "[::ffff:127.0.0.1]",
            "[fe80::1]",
        ] {
            assert!(!is_local(host), "{host}");
        }
    }
}
