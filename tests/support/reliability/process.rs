//! A process of the application.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
};

/// A process that serves the application. Killed when dropped.
#[derive(Debug)]
pub struct AppProcess {
    child: Child,
    port: u16,
    /// It ends when this is closed, as it is when the test is killed.
    _stdin: ChildStdin,
}

impl AppProcess {
    /// Starts one. What it logs is written to the end of a file.
    ///
    /// # Panics
    ///
    /// When it does not start.
    pub fn start(program: &str, arguments: &[String], log: &Path) -> Self {
        let log = File::options().create(true).append(true).open(log).expect("a log file");
        let mut child = Command::new(program)
            .args(arguments)
            // Thousands of crashes are asked for, and a backtrace takes longer than a request.
            .env("RUST_BACKTRACE", "0")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("the application starts");
        let stdin = child.stdin.take().expect("it is piped");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("it is piped"))
            .read_line(&mut line)
            .expect("it prints its port");
        let port = line.trim().parse().expect("it prints its port");
        Self { child, port, _stdin: stdin }
    }

    /// Returns the address of a page.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Returns the port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Ends it at once.
    ///
    /// # Panics
    ///
    /// When it cannot be killed.
    pub fn kill(&self) {
        self.signal("KILL");
    }

    /// Asks it to answer what it was asked, and to end.
    ///
    /// # Panics
    ///
    /// When it cannot be asked.
    pub fn ask_to_end(&self) {
        self.signal("TERM");
    }

    /// Waits until it has ended by itself.
    ///
    /// # Panics
    ///
    /// When it ends with an error.
    pub fn wait(&mut self) {
        assert!(self.child.wait().expect("a child can be waited for").success());
    }

    /// Without a library for signals: this workspace forbids `unsafe`.
    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let status = Command::new("kill").args([&format!("-{name}"), &id]).status();
        assert!(status.expect("kill runs").success());
    }
}

impl Drop for AppProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
