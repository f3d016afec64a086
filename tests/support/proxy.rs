//! A proxy between a client and its server, which fails on command.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU16, AtomicU64, AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

/// Passes bytes on between clients and a server on this machine, and delays, cuts or drops the
/// answers when told to. Ends its connections when dropped.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    server: AtomicU16,
    /// In microseconds.
    delay: AtomicU64,
    drips: AtomicBool,
    /// How many bytes of answers are passed on before the connection is cut, plus one.
    cut_after: AtomicUsize,
    accepted: AtomicUsize,
    links: Mutex<Vec<Arc<Link>>>,
    closed: AtomicBool,
}

/// A client's connection and the one to the server that belongs to it.
#[derive(Debug)]
struct Link {
    client: TcpStream,
    server: TcpStream,
    forgotten: AtomicBool,
}

impl Proxy {
    /// Listens on a port of its own for clients of the server on `port`.
    ///
    /// # Panics
    ///
    /// When there is no free port.
    pub fn before(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let own_port = listener.local_addr().expect("it is bound").port();
        let shared = Arc::new(Shared { server: AtomicU16::new(port), ..Shared::default() });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || accepting.accept(&listener));
        Self { port: own_port, shared }
    }

    /// Returns the port for clients.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns how many connections clients have made.
    pub fn accepted(&self) -> usize {
        self.shared.accepted.load(Ordering::SeqCst)
    }

    /// Has new connections lead to the server on another port. Those there are stay where they are.
    pub fn lead_to(&self, port: u16) {
        self.shared.server.store(port, Ordering::SeqCst);
    }

    /// Passes answers on this much later.
    ///
    /// # Panics
    ///
    /// When it is longer than 500,000 years.
    pub fn delay(&self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).expect("a delay of this life");
        self.shared.delay.store(micros, Ordering::SeqCst);
    }

    /// Passes answers on byte by byte, or as they come.
    pub fn drip(&self, drips: bool) {
        self.shared.drips.store(drips, Ordering::SeqCst);
    }

    /// Cuts the next connection that is answered, after this many bytes of the answer.
    pub fn cut_after(&self, bytes: usize) {
        self.shared.cut_after.store(bytes + 1, Ordering::SeqCst);
    }

    /// Whether a cut that was asked for is yet to come.
    pub fn will_cut(&self) -> bool {
        self.shared.cut_after.load(Ordering::SeqCst) > 0
    }

    /// Forgets the connections there are, as a router does: they stay open, and nothing passes.
    pub fn forget_connections(&self) {
        for link in self.shared.links().iter() {
            link.forgotten.store(true, Ordering::SeqCst);
        }
    }

    /// Ends the connections there are.
    pub fn end_connections(&self) {
        for link in self.shared.links().drain(..) {
            link.end();
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::SeqCst);
        self.end_connections();
        // The accepting thread looks up.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

impl Shared {
    fn accept(self: &Arc<Self>, listener: &TcpListener) {
        for client in listener.incoming().map_while(Result::ok) {
            if self.closed.load(Ordering::SeqCst) {
                return;
            }
            self.accepted.fetch_add(1, Ordering::SeqCst);
            // Without a server the client's connection is closed.
            let Ok(server) = TcpStream::connect(("127.0.0.1", self.server.load(Ordering::SeqCst)))
            else {
                continue;
            };
            for stream in [&client, &server] {
                stream.set_nodelay(true).expect("an open socket");
            }
            let link = Arc::new(Link { client, server, forgotten: AtomicBool::new(false) });
            self.links().push(Arc::clone(&link));
            let (asks, shared) = (Arc::clone(&link), Arc::clone(self));
            thread::spawn(move || asks.pass_requests());
            thread::spawn(move || shared.pass_answers(&link));
        }
    }

    fn pass_answers(&self, link: &Arc<Link>) {
        let (chunks, due) = mpsc::channel::<(Instant, Vec<u8>)>();
        let writing = Arc::clone(link);
        let writer = thread::spawn(move || {
            for (at, chunk) in due {
                thread::sleep(at.saturating_duration_since(Instant::now()));
                if writing.is_forgotten() || (&writing.client).write_all(&chunk).is_err() {
                    return;
                }
            }
        });
        while let Some(mut chunk) = read(&link.server) {
            let allowed = match self.cut_after.load(Ordering::SeqCst) {
                0 => usize::MAX,
                bytes => bytes - 1,
            };
            let is_cut = allowed < chunk.len();
            if is_cut {
                self.cut_after.store(0, Ordering::SeqCst);
                chunk.truncate(allowed);
            }
            let at = Instant::now() + Duration::from_micros(self.delay.load(Ordering::SeqCst));
            let size = if self.drips.load(Ordering::SeqCst) { 1 } else { usize::MAX };
            for part in chunk.chunks(size.min(chunk.len().max(1))) {
                let _ = chunks.send((at, part.to_vec()));
            }
            if is_cut {
                break;
            }
        }
        drop(chunks);
        let _ = writer.join();
        if !link.is_forgotten() {
            link.end();
        }
    }

    fn links(&self) -> MutexGuard<'_, Vec<Arc<Link>>> {
        self.links.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Link {
    fn pass_requests(&self) {
        while let Some(chunk) = read(&self.client) {
            if !self.is_forgotten() && (&self.server).write_all(&chunk).is_err() {
                break;
            }
        }
        self.end();
    }

    fn is_forgotten(&self) -> bool {
        self.forgotten.load(Ordering::SeqCst)
    }

    fn end(&self) {
        let _ = self.client.shutdown(Shutdown::Both);
        let _ = self.server.shutdown(Shutdown::Both);
    }
}

fn read(mut stream: &TcpStream) -> Option<Vec<u8>> {
    let mut chunk = vec![0; 64 * 1024];
    let length = stream.read(&mut chunk).ok().filter(|length| *length > 0)?;
    chunk.truncate(length);
    Some(chunk)
}
