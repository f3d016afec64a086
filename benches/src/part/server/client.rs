//! A client that keeps its connections busy: a request on each, then the answers.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, TcpStream},
};

use sessions_benches::workload::{Carries, Workload};

/// One connection, and the session it goes on with.
pub(super) struct Client {
    stream: TcpStream,
    small: String,
}

impl Client {
    /// Connects so often, each with a session of its own.
    pub(super) fn several(port: u16, connections: usize) -> Vec<Self> {
        (0..connections)
            .map(|_| {
                let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("it listens");
                stream.set_nodelay(true).expect("a socket takes its options");
                let mut client = Self { stream, small: String::new() };
                client.request("/create", None);
                client.small = client.answer().unwrap_or_else(|| "session=none".to_owned());
                client
            })
            .collect()
    }

    fn request(&mut self, path: &str, cookie: Option<&str>) {
        let cookie = cookie.map(|cookie| format!("cookie: {cookie}\r\n")).unwrap_or_default();
        let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n{cookie}\r\n");
        self.stream.write_all(request.as_bytes()).expect("the server reads");
    }

    /// Reads an answer; returns the cookie that it sets.
    fn answer(&mut self) -> Option<String> {
        let mut answer = Vec::with_capacity(1_024);
        let mut room = [0; 8_192];
        while !answer.ends_with(b"\r\n\r\nok") {
            let length = self.stream.read(&mut room).expect("the server answers");
            assert!(length > 0, "{}", String::from_utf8_lossy(&answer));
            answer.extend_from_slice(&room[..length]);
        }
        let text = String::from_utf8(answer).expect("answers are ASCII");
        assert!(text.starts_with("HTTP/1.1 200"), "{text}");
        let set_cookie = text.split_once("set-cookie: ")?.1;
        set_cookie.split(';').next().map(str::to_owned)
    }
}

/// Sends so many requests on each connection.
pub(super) fn send(clients: &mut [Client], workload: Workload, times: usize) {
    for _ in 0..times {
        for client in &mut *clients {
            let cookie = (workload.carries() == Carries::Small).then(|| client.small.clone());
            client.request(workload.path(), cookie.as_deref());
        }
        for client in &mut *clients {
            client.answer();
        }
    }
}
