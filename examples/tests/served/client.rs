//! A program at work, and a client with cookies.

use std::{
    env,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

const KEY: &str = "served-Zk3vQ8rT1yWn5LxB7dGmPc0HsJf9aEu2";
/// How long a program may take to listen, and a browser to show a page.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A program at work, on a port of its own. Stopped when dropped.
pub(crate) struct Served {
    pub(crate) child: Child,
    pub(crate) port: u16,
}

impl Served {
    pub(crate) fn start(example: &str, port: u16) -> Self {
        Self::start_with(example, port, "SECRET_KEY", KEY)
    }

    pub(crate) fn start_with(example: &str, port: u16, variable: &str, value: &str) -> Self {
        Self::start_program(&example_path(example), port, variable, value)
    }

    /// Starts a program of the README.
    pub(crate) fn readme(program: &str) -> Self {
        Self::start_program(Path::new(program), free_port(), "SECRET_KEY", KEY)
    }

    fn start_program(program: &Path, port: u16, variable: &str, value: &str) -> Self {
        Self::start_command(Command::new(program).env(variable, value), port)
    }

    /// Starts what `command` says, and waits until it listens.
    pub(crate) fn start_command(command: &mut Command, port: u16) -> Self {
        let child = command
            .env("PORT", port.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        let mut served = Self { child, port };
        let start = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let ended = served.child.try_wait().expect("it is a child of this process");
            assert!(ended.is_none() && start.elapsed() < PATIENCE, "{command:?} does not listen");
            thread::yield_now();
        }
        served
    }

    /// Asks as a new client until the store answers again.
    pub(crate) fn wait_for_the_store(&self) {
        let start = Instant::now();
        while !self.request(&mut Jar::default(), "GET /", "").0.starts_with("HTTP/1.1 200") {
            assert!(start.elapsed() < PATIENCE, "the store does not come back");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Sends a request; keeps the cookies in `jar`. Returns the status line and headers, and the
    /// body.
    pub(crate) fn request(&self, jar: &mut Jar, line: &str, form: &str) -> (String, String) {
        self.request_to("localhost", jar, line, form)
    }

    pub(crate) fn request_to(
        &self,
        host: &str,
        jar: &mut Jar,
        line: &str,
        form: &str,
    ) -> (String, String) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("it listens");
        let cookies = jar.header();
        let length = form.len();
        write!(
            stream,
            "{line} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{cookies}\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\n{form}"
        )
        .expect("the request is sent");
        let mut response = String::new();
        stream.read_to_string(&mut response).expect("the response is text");
        let (head, body) = response.split_once("\r\n\r\n").expect("a head and a body");
        jar.keep(head);
        (head.to_owned(), body.to_owned())
    }

    pub(crate) fn get(&self, jar: &mut Jar, path: &str) -> String {
        let (head, body) = self.request(jar, &format!("GET {path}"), "");
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        body
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Cookies by name.
#[derive(Clone, Default)]
pub(crate) struct Jar(pub(crate) Vec<(String, String)>);

impl Jar {
    fn header(&self) -> String {
        if self.0.is_empty() {
            return String::new();
        }
        let pairs: Vec<_> = self.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
        format!("Cookie: {}\r\n", pairs.join("; "))
    }

    fn keep(&mut self, head: &str) {
        let set = head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"));
        for (_, cookie) in set {
            let (name, value) =
                cookie.split(';').next().and_then(|pair| pair.split_once('=')).expect("a pair");
            self.0.retain(|(kept, _)| kept != name);
            if !cookie.contains("Max-Age=0;") {
                self.0.push((name.to_owned(), value.to_owned()));
            }
        }
    }
}

/// Cargo puts examples beside the folder of the tests.
pub(crate) fn example_path(example: &str) -> PathBuf {
    let tests = env::current_exe().expect("a test knows its path");
    let path = tests
        .parent()
        .and_then(|deps| deps.parent())
        .expect("a build folder")
        .join("examples")
        .join(example);
    assert!(path.exists(), "{} is not built; run `cargo build --examples` first", path.display());
    path
}

pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("it is bound").port()
}
