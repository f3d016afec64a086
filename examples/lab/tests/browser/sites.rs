//! The lab at work, and another site.

use std::{
    io::{BufRead as _, BufReader, Write},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    thread,
};

use crate::chromium::{Tab, wait};

/// The lab, on a port of its own. Stopped when dropped.
pub(crate) struct Lab {
    child: Child,
    port: u16,
}

impl Lab {
    pub(crate) fn start(backend: &str) -> Self {
        Self::start_with(backend, &[])
    }

    pub(crate) fn start_with(backend: &str, variables: &[(&str, &str)]) -> Self {
        // A port may be taken before the lab has it, and a server beside it may be slow to begin.
        (0..5).find_map(|_| Self::try_start(backend, variables)).expect("the lab starts")
    }

    fn try_start(backend: &str, variables: &[(&str, &str)]) -> Option<Self> {
        let port = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr());
        let port = port.expect("a free port").port();
        let child = Command::new(env!("CARGO_BIN_EXE_sessions-lab"))
            .env("PORT", port.to_string())
            .env("SESSIONS_BACKEND", backend)
            .env("SECRET_KEY", "lab-Zk3vQ8rT1yWn5LxB7dGmPc0HsJf9aEu2")
            .env_remove("LAB_DATABASE")
            .envs(variables.iter().copied())
            .stdout(Stdio::null())
            .spawn()
            .expect("the lab starts");
        let mut lab = Self { child, port };
        wait("the lab", || {
            let has_ended = lab.child.try_wait().expect("it is a child").is_some();
            (has_ended || TcpStream::connect(("127.0.0.1", port)).is_ok()).then_some(!has_ended)
        })
        .then_some(lab)
    }

    /// Returns the address of a page.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://localhost:{}{path}", self.port)
    }

    pub(crate) fn sign_up(&self, tab: &Tab<'_>, name: &str) {
        tab.open(&self.url("/signup"));
        tab.fill("#name", name);
        tab.fill("#password", PASSWORD);
        tab.follow("main form button");
        assert_eq!(tab.text(".flash"), format!("Welcome, {name}."));
    }

    pub(crate) fn log_in(&self, tab: &Tab<'_>, name: &str) {
        tab.open(&self.url("/login"));
        tab.fill("#name", name);
        tab.fill("#password", PASSWORD);
        tab.follow("main form button");
        assert_eq!(tab.text(".flash"), format!("Welcome back, {name}."));
    }
}

pub(crate) const PASSWORD: &str = "correct horse";

impl Drop for Lab {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Another site, with one page. It answers as long as the tests run.
pub(crate) struct Stranger {
    port: u16,
}

impl Stranger {
    pub(crate) fn with_page(html: String) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // A browser may connect and send nothing.
                let html = html.clone();
                thread::spawn(move || answer(client, &html));
            }
        });
        Self { port }
    }

    /// Returns the address of its page, below a host of this machine.
    pub(crate) fn url(&self, host: &str) -> String {
        format!("http://{host}:{}/", self.port)
    }
}

fn answer(mut client: TcpStream, html: &str) {
    let request = BufReader::new(&client).lines().map_while(Result::ok);
    if request.take_while(|line| !line.is_empty()).count() == 0 {
        return;
    }
    let _ = write!(
        client,
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{html}",
        html.len()
    );
}
