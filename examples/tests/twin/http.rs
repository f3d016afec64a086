//! Requests as a browser sends them, and answers taken apart.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
    time::Duration,
};

/// What both sides are called by.
pub(crate) const HOST: &str = "www.twin.test";

#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Names in lower case.
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    /// Asks for a page.
    pub(crate) fn of(port: u16, target: &str, cookies: Option<&str>) -> io::Result<Self> {
        Self::to(port, &format!("GET {target}"), cookies, "", "")
    }

    /// Sends a request, `POST /login` for example, with further headers, each with its line end, and a form.
    pub(crate) fn to(
        port: u16,
        line: &str,
        cookies: Option<&str>,
        headers: &str,
        form: &str,
    ) -> io::Result<Self> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        let cookies = cookies.map_or_else(String::new, |pairs| format!("Cookie: {pairs}\r\n"));
        let length = form.len();
        write!(
            stream,
            "{line} HTTP/1.1\r\nHost: {HOST}\r\n{cookies}{headers}Connection: close\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\n{form}"
        )?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        Self::parse(&text).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, text))
    }

    fn parse(text: &str) -> Option<Self> {
        let (head, body) = text.split_once("\r\n\r\n")?;
        let mut lines = head.lines();
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let header = |line: &str| {
            let (name, value) = line.split_once(':')?;
            Some((name.to_ascii_lowercase(), value.trim().to_owned()))
        };
        let headers = lines.map(header).collect::<Option<_>>()?;
        Some(Self { status, headers, body: body.to_owned() })
    }

    /// Returns the values of a header, one for each time it is there.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        let named = self.headers.iter().filter(|(candidate, _)| candidate == name);
        named.map(|(_, value)| value.as_str()).collect()
    }

    /// Adds to the body: for the test that differences are seen.
    pub(crate) fn falsify(&mut self) {
        self.body.push('!');
    }
}

/// Encodes what stands in a query (RFC 3986, 2.1).
pub(crate) fn encode(text: &str) -> String {
    text.bytes().fold(String::new(), |encoded, byte| match byte {
        b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'.' | b'_' | b'~' => {
            encoded + char::from(byte).encode_utf8(&mut [0])
        }
        _ => format!("{encoded}%{byte:02X}"),
    })
}
