//! What clients ask of a server, as the server tells it: `MONITOR`.

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpStream,
};

use super::PATIENCE;

/// The requests that clients send to a server. What scripts do is not among them.
#[derive(Debug)]
pub struct Requests {
    lines: BufReader<TcpStream>,
    /// Says where to stop reading.
    marks: TcpStream,
    mark: u32,
}

impl Requests {
    pub(super) fn start(port: u16) -> Self {
        let connect = || {
            let stream = TcpStream::connect(("127.0.0.1", port)).expect("the server is up");
            stream.set_read_timeout(Some(PATIENCE)).expect("a time-out that is not zero");
            stream
        };
        let mut stream = connect();
        stream.write_all(b"MONITOR\r\n").expect("the server takes commands");
        let mut requests = Self { lines: BufReader::new(stream), marks: connect(), mark: 0 };
        assert_eq!(requests.line(), "+OK");
        requests
    }

    /// Returns the requests since the last call, in their order: the command, lower case, and its
    /// first argument, which names a script. Without `ROLE`, which a connection in use asks once a second.
    ///
    /// # Panics
    ///
    /// When the server is down.
    pub fn take(&mut self) -> Vec<String> {
        self.mark += 1;
        let mark = format!("requests-mark-{}", self.mark);
        write!(self.marks, "ECHO {mark}\r\n").expect("the server takes commands");
        let mut requests = Vec::new();
        loop {
            let line = self.line();
            // +1700000000.123456 [0 127.0.0.1:50000] "EVALSHA" "…"
            let Some((source, words)) = line.split_once("] ") else { continue };
            if words.contains(&mark) {
                return requests;
            }
            if !source.ends_with(" lua") && words != "\"ROLE\"" {
                let words: Vec<_> =
                    words.split(' ').take(2).map(|word| word.trim_matches('"')).collect();
                requests.push(words.join(" ").to_lowercase());
            }
        }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("the server tells what it does");
        assert!(!line.is_empty(), "the server has ended");
        line.truncate(line.trim_end().len());
        line
    }
}
