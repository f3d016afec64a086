//! The PostgreSQL server that tests start belongs to one test, and keeps what it acknowledged.

use std::{
    io::{Read, Write},
    net::TcpStream,
    process::Command,
    time::Duration,
};

use sessions_tests::Postgres;

/// Runs a statement, and returns what it says.
fn run(postgres: &Postgres, statement: &str) -> String {
    let mut psql = Command::new("psql");
    psql.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--dbname"]);
    let output = psql.arg(postgres.url()).args(["--command", statement]).output();
    let output = output.expect("psql runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Asks for TLS, which the server answers with one byte, `N`.
fn answers_within(postgres: &Postgres, time: Duration) -> bool {
    let address = postgres.url();
    let address = address.split(['@', '/']).nth(3).expect("an address in the URL");
    let mut stream = TcpStream::connect(address).expect("the port is open");
    stream.set_read_timeout(Some(time)).expect("a time that is not zero");
    stream.write_all(&[0, 0, 0, 8, 4, 210, 22, 47]).expect("it is sent");
    stream.read_exact(&mut [0]).is_ok()
}

#[test]
#[ignore = "needs postgresql: run scripts/test"]
fn a_server_keeps_what_it_acknowledged_through_kills_and_stalls() {
    let mut postgres = Postgres::new();
    run(&postgres, "CREATE TABLE kept (n int)");
    for round in 1..=3 {
        run(&postgres, &format!("INSERT INTO kept VALUES ({round})"));
        postgres.kill();
        postgres.start();
        assert_eq!(run(&postgres, "SELECT count(*) FROM kept"), round.to_string());
    }
    postgres.stall();
    assert!(!answers_within(&postgres, Duration::from_millis(200)));
    postgres.resume();
    assert!(answers_within(&postgres, Duration::from_secs(30)));
}

#[test]
#[ignore = "needs postgresql: run scripts/test"]
fn two_servers_know_nothing_of_each_other() {
    let (one, other) = (Postgres::new(), Postgres::new());
    assert_ne!(one.url(), other.url());
    run(&one, "CREATE TABLE mine ()");
    assert_eq!(run(&other, "SELECT to_regclass('mine') IS NULL"), "t");
}
