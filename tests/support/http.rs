//! A client with a cookie jar, and a server, over real HTTP.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::TcpStream,
    sync::mpsc,
    thread::{self, JoinHandle},
    time::Duration,
};

use actix_web::dev::{Server, ServerHandle};

use crate::SetCookie;

/// How long an answer may take: longer than any deadline that a test is about.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server in a thread of its own. Stopped when dropped.
#[derive(Debug)]
pub struct Served {
    port: u16,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

impl Served {
    /// Runs what `serve` starts, in the runtime that it is called in: it returns the port and the
    /// server.
    ///
    /// # Panics
    ///
    /// When it does not start.
    pub fn start<F>(serve: impl FnOnce() -> F + Send + 'static) -> Self
    where
        F: Future<Output = io::Result<(u16, Server)>>,
    {
        let (started, waiting) = mpsc::channel();
        let thread = thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let (port, server) = serve().await.expect("it starts");
                started.send((port, server.handle())).expect("the test waits for it");
                server.await.expect("it runs to its end");
            });
        });
        let (port, handle) = waiting.recv().expect("it starts");
        Self { port, handle, thread: Some(thread) }
    }

    /// Returns a client without cookies.
    pub fn client(&self) -> HttpClient {
        HttpClient::of(self.port)
    }

    /// Returns the port.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let stop = self.handle.stop(false);
        actix_web::rt::System::new().block_on(stop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A client that waits for each answer. Keeps its connection, and cookies by name.
#[derive(Debug)]
pub struct HttpClient {
    port: u16,
    stream: Option<BufReader<TcpStream>>,
    cookies: Vec<(String, String)>,
}

/// What a server answered.
#[derive(Clone, Debug)]
pub struct HttpAnswer {
    /// Its status.
    pub status: u16,
    /// Its headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: String,
}

impl HttpClient {
    /// Returns a client of the server on this port, without cookies.
    pub fn of(port: u16) -> Self {
        Self { port, stream: None, cookies: Vec::new() }
    }

    /// Gets a page with the cookies of the jar, and puts into the jar what comes back.
    ///
    /// # Errors
    ///
    /// When there is no answer within 20 seconds, or none that is HTTP.
    pub fn get(&mut self, path: &str) -> io::Result<HttpAnswer> {
        let answer = match self.stream.take() {
            // The server may have closed what was idle.
            Some(stream) => self.send(stream, path).or_else(|_| self.send_anew(path)),
            None => self.send_anew(path),
        }?;
        for cookie in answer.cookies() {
            self.cookies.retain(|(name, _)| *name != cookie.name);
            if !cookie.is_removal() {
                self.cookies.push((cookie.name, cookie.value));
            }
        }
        Ok(answer)
    }

    /// Returns the value of a cookie in the jar.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        let found = self.cookies.iter().find(|(candidate, _)| candidate == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Puts a cookie into the jar.
    pub fn set_cookie(&mut self, name: &str, value: &str) {
        self.cookies.retain(|(candidate, _)| candidate != name);
        self.cookies.push((name.to_owned(), value.to_owned()));
    }

    /// Empties the jar.
    pub fn forget_cookies(&mut self) {
        self.cookies.clear();
    }

    fn send_anew(&mut self, path: &str) -> io::Result<HttpAnswer> {
        let stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        self.send(BufReader::new(stream), path)
    }

    fn send(&mut self, mut stream: BufReader<TcpStream>, path: &str) -> io::Result<HttpAnswer> {
        let pairs: Vec<_> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookies = if pairs.is_empty() {
            String::new()
        } else {
            format!("Cookie: {}\r\n", pairs.join("; "))
        };
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{cookies}\r\n");
        stream.get_mut().write_all(request.as_bytes())?;
        let answer = read_answer(&mut stream)?;
        self.stream = Some(stream);
        Ok(answer)
    }
}

impl HttpAnswer {
    /// Returns the cookies that are set or removed.
    pub fn cookies(&self) -> Vec<SetCookie> {
        let set = self.headers.iter().filter(|(name, _)| name == "set-cookie");
        set.map(|(_, value)| SetCookie::parse(value)).collect()
    }
}

fn read_answer(stream: &mut BufReader<TcpStream>) -> io::Result<HttpAnswer> {
    let not_http = || io::Error::new(io::ErrorKind::InvalidData, "not HTTP");
    let mut line = || {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
        }
        line.truncate(line.trim_end().len());
        Ok(line)
    };
    let status = line()?;
    let status = status.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.ok_or_else(not_http)?;
    let mut headers = Vec::new();
    loop {
        let header = line()?;
        if header.is_empty() {
            break;
        }
        let (name, value) = header.split_once(": ").ok_or_else(not_http)?;
        headers.push((name.to_lowercase(), value.to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length = length.and_then(|(_, length)| length.parse().ok()).ok_or_else(not_http)?;
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    let body = String::from_utf8(body).map_err(|_| not_http())?;
    Ok(HttpAnswer { status, headers, body })
}
