//! Each example.

use std::{
    env, fs,
    net::TcpListener,
    process::{Command, Output, Stdio},
    thread,
    time::Instant,
};

use sessions_tests::{Postgres, Redis};

use crate::client::{Jar, PATIENCE, Served, example_path, free_port};

/// The examples that need no server beside them. `custom_store` is not among them: it has tests, so that
/// `cargo test` builds only those.
const ALONE: [&str; 7] =
    ["quickstart", "login", "devices", "rotate_keys", "hand_written", "flask_login", "flask_twin"];

/// Returns what the README sets in the environment of an example.
fn variables(example: &str) -> Vec<(&'static str, &'static str)> {
    let run = format!("cargo run --example {example}` |");
    let row = include_str!("../../../README.md").lines().find_map(|line| line.strip_suffix(&run));
    let (_, variables) = row.expect("the README has its command").rsplit_once('`').expect("code");
    variables
        .split_whitespace()
        .map(|variable| variable.split_once('=').expect("a variable has a value"))
        .collect()
}

/// Returns an example as the README starts it.
fn as_in_the_readme(example: &str) -> Command {
    let mut command = Command::new(example_path(example));
    command
        .current_dir(env!("CARGO_TARGET_TMPDIR"))
        .env_remove("SECRET_KEY")
        .envs(variables(example));
    command
}

/// Returns what a program said that ends by itself.
fn ended(command: &mut Command) -> Output {
    let piped = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().expect("the program starts");
    let start = Instant::now();
    while child.try_wait().expect("it is a child of this process").is_none() {
        if start.elapsed() > PATIENCE {
            child.kill().expect("it is a child of this process");
            panic!("{command:?} does not end");
        }
        thread::yield_now();
    }
    child.wait_with_output().expect("its output is read")
}

#[test]
fn each_example_starts_with_the_command_of_the_readme() {
    for example in ALONE {
        drop(Served::start_command(&mut as_in_the_readme(example), free_port()));
    }
}

#[test]
fn an_example_that_cannot_listen_ends_and_says_nothing_of_a_page() {
    let taken = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let taken = taken.local_addr().expect("it is bound").port().to_string();
    for example in ALONE {
        for (port, reason) in [(taken.as_str(), "Address already in use"), ("abc", "invalid port")]
        {
            let output = ended(as_in_the_readme(example).env("PORT", port));
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(1), "{example} on {port}: {said}");
            assert_eq!(output.stdout, b"", "{example} on {port}");
            assert!(said.contains(reason), "{example} on {port}: {said}");
            if ["quickstart", "login"].contains(&example) {
                let failure = format!("cannot listen on 127.0.0.1:{port}: ");
                assert!(said.contains(&failure), "{example}: {said}");
                assert!(said.contains("; set `PORT` to another port"), "{example}: {said}");
            }
        }
    }
}

#[test]
fn quickstart_counts_through_requests_and_restarts() {
    let port = free_port();
    let mut jar = Jar::default();
    let served = Served::start("quickstart", port);
    assert!(served.get(&mut jar, "/").contains("<h1>visit number 1</h1>"));
    assert!(served.get(&mut jar, "/").contains("<h1>visit number 2</h1>"));
    drop(served);
    let served = Served::start("quickstart", port);
    assert!(served.get(&mut jar, "/").contains("<h1>visit number 3</h1>"));
    assert!(served.get(&mut Jar::default(), "/").contains("<h1>visit number 1</h1>"));
}

#[test]
fn quickstart_explains_a_cookie_that_did_not_come_back() {
    let served = Served::start("quickstart", free_port());
    let hint = "<aside >";
    assert!(!served.get(&mut Jar::default(), "/").contains(hint));
    assert!(served.get(&mut Jar::default(), "/?again").contains(hint));
    let mut jar = Jar::default();
    served.get(&mut jar, "/");
    assert!(!served.get(&mut jar, "/?again").contains(hint));
}

#[test]
fn login_renews_greets_and_says_goodbye() {
    let served = Served::start("login", free_port());
    let mut jar = Jar::default();
    assert_eq!(served.get(&mut jar, "/"), "You are not logged in.\n");

    let (head, _) = served.request(&mut jar, "POST /login", "name=alice&password=wrong");
    assert!(head.starts_with("HTTP/1.1 303"), "{head}");
    assert_eq!(served.get(&mut jar, "/"), "Name or password is wrong.\nYou are not logged in.\n");

    served.request(&mut jar, "POST /login", "name=alice&password=wonderland");
    assert_eq!(served.get(&mut jar, "/"), "Welcome back.\nYou are alice.\n");
    assert_eq!(served.get(&mut jar, "/"), "You are alice.\n");

    served.request(&mut jar, "POST /logout", "");
    assert_eq!(served.get(&mut jar, "/"), "Goodbye.\nYou are not logged in.\n");
    assert_eq!(served.get(&mut jar, "/"), "You are not logged in.\n");
    assert!(jar.0.is_empty(), "the cookie is removed");
}

#[test]
fn login_goes_back_to_the_page_that_was_wanted_and_lets_administrators_in() {
    const BROWSER: &str = "localhost\r\nSec-Fetch-Mode: navigate";

    let served = Served::start("login", free_port());
    let [mut alice, mut bob] = [Jar::default(), Jar::default()];
    let location = |(head, _): (String, String)| {
        let location = head.lines().find_map(|line| line.strip_prefix("location: "));
        location.expect("a page to go to").to_owned()
    };
    for (jar, form) in
        [(&mut alice, "name=alice&password=wonderland"), (&mut bob, "name=bob&password=builder")]
    {
        let login_page = location(served.request_to(BROWSER, jar, "GET /account?tab=1", ""));
        assert_eq!(login_page, "/login?next=/account%3Ftab%3D1");
        assert!(served.get(jar, &login_page).contains("<form method=post>"));
        let line = format!("POST {login_page}");
        assert_eq!(location(served.request(jar, &line, form)), "/account?tab=1");
    }
    assert!(served.get(&mut bob, "/account").contains("<h1>bob</h1>"));
    assert_eq!(served.get(&mut alice, "/admin"), "alice is an administrator.\n");
    let (head, _) = served.request(&mut bob, "GET /admin", "");
    assert!(head.starts_with("HTTP/1.1 403"), "{head}");
    let (head, _) = served.request(&mut Jar::default(), "GET /admin", "");
    assert!(head.starts_with("HTTP/1.1 401"), "{head}");

    let confirmed = served.request(&mut bob, "POST /confirm?next=/", "password=builder");
    assert_eq!(location(confirmed), "/");
    let (_, deleted) = served.request(&mut bob, "POST /delete", "");
    assert_eq!(deleted, "The account of bob is deleted.\n");
    assert!(bob.0.is_empty(), "the cookie is removed");
}

#[test]
fn devices_are_listed_and_ended() {
    let served = Served::start("devices", free_port());
    let log_in = |jar: &mut Jar| {
        let agent = "localhost\r\nUser-Agent: a browser";
        served.request_to(agent, jar, "POST /login", "name=alice&password=wonderland");
    };
    let listed = |jar: &mut Jar| served.get(jar, "/").matches("<td>just now</td>").count() / 2;
    let mut jars = [Jar::default(), Jar::default(), Jar::default()];
    for jar in &mut jars {
        assert_eq!(listed(jar), 0);
        log_in(jar);
    }
    let [one, two, three] = &mut jars;
    assert_eq!(listed(one), 3);
    let page = served.get(one, "/");
    assert_eq!(page.matches("this one").count(), 1);
    assert_eq!(page.matches("<td>a browser (127.0.0.1)</td>").count(), 3);
    let (_, rest) = page.split_once("name=id value=").expect("a device to end");
    let id = rest.split('>').next().expect("its id");

    // A client that is not logged in ends nothing.
    served.request(&mut Jar::default(), "POST /end", &format!("id={id}"));
    assert_eq!(listed(one), 3);
    served.request(one, "POST /end", &format!("id={id}"));
    assert_eq!(listed(one), 2);
    assert_eq!(listed(two) + listed(three), 2, "one of the two is logged out");
    log_in(two);
    log_in(three);
    assert_eq!(listed(one), 3);
    served.request(one, "POST /end-others", "");
    assert_eq!((listed(one), listed(two), listed(three)), (1, 0, 0));
    log_in(two);
    served.request(two, "POST /log-out-everywhere", "");
    assert_eq!((listed(one), listed(two)), (0, 0));
    assert!(two.0.is_empty(), "the cookie is removed");
}

#[test]
fn hand_written_counts_each_host_by_itself() {
    let served = Served::start("hand_written", free_port());
    let mut jar = Jar::default();
    let mut visit = |host: &str| served.request_to(host, &mut jar, "GET /", "").1;
    assert_eq!(visit("localhost"), "visit number 1 to this host\n");
    assert_eq!(visit("localhost"), "visit number 2 to this host\n");
    assert_eq!(visit("admin.localhost"), "visit number 1 to this host\n");
    assert_eq!(visit("admin.localhost"), "visit number 2 to this host\n");
}

#[cfg(unix)]
#[test]
fn rotate_keys_changes_keys_on_sighup_and_the_session_goes_on() {
    let keys = ["first", "second"]
        .map(|name| env::temp_dir().join(format!("sessions-{name}-{}", std::process::id())));
    let [first, second] = keys.each_ref().map(|path| {
        drop(sessions::SecretKey::for_development(path).expect("a key is made"));
        let key = fs::read_to_string(path).expect("it is in the file");
        fs::remove_file(path).expect("it is there");
        key
    });
    let file = &keys[0];
    fs::write(file, &first).expect("the file is written");
    let served =
        Served::start_with("rotate_keys", free_port(), "KEYS", file.to_str().expect("UTF-8"));
    let reload = |keys: &str, shown: &str| {
        fs::write(file, keys).expect("the file is written");
        let pid = served.child.id().to_string();
        assert!(Command::new("kill").args(["-HUP", &pid]).status().expect("kill runs").success());
        let start = Instant::now();
        while !served.get(&mut Jar::default(), "/uses").contains(shown) {
            assert!(start.elapsed() < PATIENCE, "the keys are not read again");
            thread::yield_now();
        }
    };

    let mut jar = Jar::default();
    assert_eq!(served.get(&mut jar, "/"), "visit 1\n");
    assert_eq!(served.get(&mut jar, "/"), "visit 2\n");
    let mut idle = Jar(jar.0.clone());

    reload(&format!("{second}fallback {first}"), "counts: [0, 0]");
    assert_eq!(served.get(&mut jar, "/"), "visit 3\n");
    assert_eq!(served.get(&mut jar, "/"), "visit 4\n");
    assert!(served.get(&mut Jar::default(), "/uses").contains("counts: [1, 1]"));

    reload("no key\n", "counts: [1, 1]");
    reload(&second, "counts: [0]");
    assert_eq!(served.get(&mut jar, "/"), "visit 5\n");
    assert_eq!(served.get(&mut idle, "/"), "visit 1\n");
    fs::remove_file(file).expect("it is there");
}

#[test]
fn postgres_says_that_there_is_no_server() {
    let url = format!("postgres://user@127.0.0.1:{}/database", free_port());
    let output =
        Command::new(example_path("postgres")).env("DATABASE_URL", url).output().expect("it runs");
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.starts_with("cannot connect to PostgreSQL at 127.0.0.1:"), "{said}");
    assert!(said.contains("Connection refused"), "{said}");
    assert!(said.contains("DATABASE_URL=postgres://user:password@host/database"), "{said}");
}

#[test]
#[ignore = "needs postgresql: run scripts/test"]
fn postgres_counts_what_comes_at_once_and_ends_for_good() {
    let postgres = Postgres::new();
    let served = Served::start_with("postgres", free_port(), "DATABASE_URL", &postgres.url());
    let mut jar = Jar::default();
    assert_eq!(served.get(&mut jar, "/"), "visit number 1\n");
    let copies: Vec<Jar> = (0..20).map(|_| jar.clone()).collect();
    let served_at_once = &served;
    let mut visits: Vec<String> = thread::scope(|scope| {
        let threads: Vec<_> = copies
            .into_iter()
            .map(|mut copy| scope.spawn(move || served_at_once.get(&mut copy, "/")))
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("it is answered")).collect()
    });
    let mut expected: Vec<String> = (2..=21).map(|n| format!("visit number {n}\n")).collect();
    visits.sort();
    expected.sort();
    assert_eq!(visits, expected);

    let mut copy = jar.clone();
    served.request(&mut jar, "DELETE /", "");
    assert!(jar.0.is_empty());
    assert_eq!(
        served.get(&mut copy, "/"),
        "visit number 1\n",
        "the copy of the cookie is worthless"
    );
}

#[test]
fn redis_says_that_there_is_no_server() {
    let url = format!("redis://:secret@127.0.0.1:{}", free_port());
    let output =
        Command::new(example_path("redis")).env("REDIS_URL", url).output().expect("it runs");
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.starts_with("cannot connect to Redis at 127.0.0.1:"), "{said}");
    assert!(said.contains("Connection refused"), "{said}");
    assert!(said.contains("REDIS_URL=redis://user:password@host:6379"), "{said}");
    assert!(!said.contains("secret"), "{said}");
}

#[test]
#[ignore = "needs redis-server: run scripts/test"]
fn redis_counts_through_restarts_and_is_never_empty_for_an_outage() {
    let mut redis = Redis::with(&["appendonly yes"]);
    let port = free_port();
    let served = Served::start_with("redis", port, "REDIS_URL", &redis.url());
    let mut jar = Jar::default();
    assert_eq!(served.get(&mut jar, "/"), "visit number 1\n");
    drop(served);
    let served = Served::start_with("redis", port, "REDIS_URL", &redis.url());
    assert_eq!(served.get(&mut jar, "/"), "visit number 2\n");

    redis.kill();
    let (head, body) = served.request(&mut jar, "GET /", "");
    assert!(head.starts_with("HTTP/1.1 503"), "{head}");
    assert!(head.to_lowercase().contains("\r\nretry-after: 1"), "{head}");
    assert!(!head.to_lowercase().contains("set-cookie"), "{head}");
    assert_eq!(body, "");
    assert_eq!(served.get(&mut jar, "/about"), "this page uses no session\n");
    redis.start();
    served.wait_for_the_store();
    assert_eq!(served.get(&mut jar, "/"), "visit number 3\n");

    let mut copy = jar.clone();
    served.request(&mut jar, "DELETE /", "");
    assert!(jar.0.is_empty());
    assert_eq!(
        served.get(&mut copy, "/"),
        "visit number 1\n",
        "the copy of the cookie is worthless"
    );
}

#[test]
#[ignore = "needs chromium: run scripts/test"]
fn quickstart_counts_in_chromium_over_plain_localhost() {
    let served = Served::start("quickstart", free_port());
    let profile =
        env::temp_dir().join(format!("sessions-chromium-{}-{}", std::process::id(), served.port));
    let visit = || {
        let output = Command::new("chromium")
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
            ])
            .args([
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
            ])
            .arg(format!("--user-data-dir={}", profile.display()))
            .arg("--dump-dom")
            .arg(format!("http://localhost:{}/", served.port))
            .output()
            .expect("chromium runs");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let pages: Vec<String> = (0..3).map(|_| visit()).collect();
    let _ = fs::remove_dir_all(&profile);
    for (number, page) in (1..).zip(pages) {
        assert!(page.contains(&format!("<h1>visit number {number}</h1>")), "{page}");
    }
}
