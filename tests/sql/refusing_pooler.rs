//! A pooler that refuses the parameter `options` in words of its own, as Amazon's RDS Proxy does.

use std::{
    io::{Read, Write, copy},
    net::{Shutdown, TcpListener, TcpStream},
    thread,
};

use sessions::{store::Store, test::store::random_key};
use sessions_sqlx::PostgresStore;
use sessions_tests::{Logged, Postgres};
use tracing::Level;

/// The SQLSTATE is `feature_not_supported`.
const REFUSAL: &[u8] =
    b"SFATAL\0VFATAL\0C0A000\0MFeature not supported: this proxy takes no command-line options.\0\0";

/// Listens, and returns the port.
fn refusing_pooler(server: u16) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let port = listener.local_addr().expect("it is bound").port();
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || pass_on(client, server));
        }
    });
    port
}

fn pass_on(mut client: TcpStream, server: u16) -> Option<()> {
    let mut length = [0; 4];
    client.read_exact(&mut length).ok()?;
    let mut startup = vec![0; u32::from_be_bytes(length) as usize - 4];
    client.read_exact(&mut startup).ok()?;
    if startup.windows(9).any(|part| part == b"\0options\0") {
        let length = u32::try_from(REFUSAL.len() + 4).expect("short").to_be_bytes();
        return client.write_all(&[b"E", &length[..], REFUSAL].concat()).ok();
    }
    let mut server = TcpStream::connect(("127.0.0.1", server)).ok()?;
    server.write_all(&[&length[..], &startup].concat()).ok()?;
    let (mut answers, mut asker) = (server.try_clone().ok()?, client.try_clone().ok()?);
    thread::spawn(move || {
        let _ = copy(&mut answers, &mut asker);
        let _ = asker.shutdown(Shutdown::Both);
    });
    let _ = copy(&mut client, &mut server);
    server.shutdown(Shutdown::Both).ok()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs postgresql: run scripts/test"]
async fn connect_works_through_a_pooler_that_refuses_options_in_its_own_words() {
    let postgres = Postgres::new();
    PostgresStore::connect(&postgres.url()).await.unwrap().migrate().await.unwrap();
    let logged = Logged::start();
    let port = refusing_pooler(postgres.port());
    let url = format!("postgres://postgres@127.0.0.1:{port}/postgres?sslmode=disable");
    let store = PostgresStore::connect(&url).await.unwrap();
    assert!(store.load(&random_key(), None).await.unwrap().is_none());
    let lines = logged.take_own();
    let warned = lines.iter().filter(|(level, _)| *level == Level::WARN);
    assert_eq!(warned.count(), 1, "{lines:?}");
}
