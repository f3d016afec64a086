//! Redis behind TLS: its certificate is checked.

use std::{
    fs,
    io::{self, ErrorKind},
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use redis::{Client, ConnectionInfo, TlsCertificates};
use sessions::test::store::conformance;
use sessions_redis::{Address, RedisStore};
use sessions_tests::Redis;

/// An authority that signs a certificate for localhost.
struct Authority {
    certificate: String,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, key).expect("a certificate");
        Self { certificate: issuer.pem(), issuer }
    }

    /// Starts a server that has its certificate from here, for this name.
    fn server(&self, name: &str) -> Redis {
        let redis = Redis::new();
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new([name.to_owned()]).expect("a name");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        let write = |name: &str, text: &str| fs::write(redis.folder().join(name), text);
        write("server.pem", &certificate.pem()).expect("the server's folder");
        write("server.key", &key.serialize_pem()).expect("the server's folder");
        for (setting, value) in [
            ("tls-cert-file", "server.pem"),
            ("tls-key-file", "server.key"),
            ("tls-auth-clients", "no"),
            ("tls-port", &redis.second_port().to_string()),
        ] {
            redis.command::<()>(&["CONFIG", "SET", setting, value]);
        }
        redis
    }

    fn trusted_by(&self, url: &str) -> ConnectionInfo {
        let root_cert = Some(self.certificate.clone().into_bytes());
        let client = Client::build_with_tls(url, TlsCertificates { client_tls: None, root_cert });
        client.expect("a certificate").get_connection_info().clone()
    }
}

/// Connects. A machine that is busy, checking certificates without optimisation, is too slow at
/// times.
async fn connect(url: impl Address + Clone) -> io::Result<RedisStore> {
    let mut tries = 0;
    loop {
        tries += 1;
        match RedisStore::connect(url.clone()).await {
            Err(err) if tries < 50 && err.to_string().contains("did not answer") => {}
            connected => return connected,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs redis-server: run scripts/test"]
async fn a_server_behind_tls_keeps_the_contract_and_its_certificate_is_checked() {
    let authority = Authority::new();
    let redis = authority.server("localhost");
    let url = format!("rediss://localhost:{}", redis.second_port());

    // Not one of the operating system's.
    let refused = connect(url.as_str()).await.unwrap_err();
    println!("{refused}");
    assert_eq!(refused.kind(), ErrorKind::NotConnected);
    assert!(refused.to_string().contains("certificate"), "{refused}");

    let store = connect(authority.trusted_by(&url)).await.unwrap();
    conformance(store).await;

    let other = authority.server("example.com");
    let url = format!("rediss://localhost:{}", other.second_port());
    let refused = connect(authority.trusted_by(&url)).await.unwrap_err();
    println!("{refused}");
    assert!(refused.to_string().contains("certificate"), "{refused}");

    // Without TLS nothing is understood.
    let plain = format!("redis://localhost:{}", redis.second_port());
    let refused = connect(plain.as_str()).await.unwrap_err();
    println!("{refused}");
    assert_eq!(refused.kind(), ErrorKind::NotConnected);
}
