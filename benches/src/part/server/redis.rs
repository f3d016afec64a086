//! A Redis of our own.

use std::{
    io::{BufRead, BufReader, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::Duration,
};

use tempfile::TempDir;

/// Stopped when it is dropped.
pub(super) struct Redis {
    child: Child,
    port: u16,
    _folder: TempDir,
}

impl Redis {
    pub(super) fn start() -> Self {
        let folder = tempfile::tempdir().expect("there is room for a folder");
        let port = free_port();
        let child = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .args(["--port", &port.to_string()])
            .arg("--dir")
            .arg(folder.path())
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server is installed");
        let redis = Self { child, port, _folder: folder };
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            sleep(Duration::from_millis(10));
        }
        redis
    }

    pub(super) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Counts the requests that clients send while `work` runs. What a script does inside the server
    /// is none.
    pub(super) fn count_requests(&self, work: impl FnOnce()) -> usize {
        const LAST: &str = "benches-last";
        let connect = || TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).expect("it listens");
        let mut monitor = connect();
        monitor.write_all(b"MONITOR\r\n").expect("it reads");
        let mut lines = BufReader::new(monitor).lines().map(|line| line.expect("it is text"));
        assert_eq!(lines.next().as_deref(), Some("+OK"));
        work();
        connect().write_all(format!("ECHO {LAST}\r\n").as_bytes()).expect("it reads");
        lines
            .take_while(|line| !line.contains(LAST))
            .filter(|line| !line.contains(" lua] "))
            .count()
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
    listener.local_addr().expect("it is bound").port()
}
