//! One application for each subject, all with the same pages.

pub mod actix;
mod axum;
mod component;
mod least;
pub mod ours;
pub mod owners;
pub mod redis_least;

use std::rc::Rc;

use tokio::runtime::Builder;

use self::component::Component;
use crate::{
    floor::Floor,
    payload,
    workload::{Carries, Workload},
};

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// Actix Web without sessions.
    Actix,
    /// Ours in signed cookies.
    Signed,
    /// Ours in encrypted cookies.
    Encrypted,
    /// Ours in memory.
    Memory,
    /// actix-session in signed cookies.
    ActixSessionSigned,
    /// actix-session in signed cookies, with headers that keep pages from shared caches.
    ActixSessionKeptPrivate,
    /// actix-session in encrypted cookies.
    ActixSessionPrivate,
    /// axum without sessions.
    Axum,
    /// tower-sessions in memory, on axum.
    TowerMemory,
    /// What a signed cookie costs any implementation.
    Floor,
    /// What the operating system's randomness costs for a new session.
    Randomness,
    /// What the key of a message costs for a new session in an encrypted cookie.
    MessageKey,
    /// What a session in a signed cookie costs any implementation in Actix Web.
    LeastSigned,
    /// The same, in an encrypted cookie.
    LeastEncrypted,
    /// The same, in memory.
    LeastMemory,
}

impl Subject {
    /// All, in the order of the tables.
    pub const ALL: [Self; 15] = [
        Self::Actix,
        Self::Signed,
        Self::Encrypted,
        Self::Memory,
        Self::ActixSessionSigned,
        Self::ActixSessionKeptPrivate,
        Self::ActixSessionPrivate,
        Self::Axum,
        Self::TowerMemory,
        Self::Floor,
        Self::Randomness,
        Self::MessageKey,
        Self::LeastSigned,
        Self::LeastEncrypted,
        Self::LeastMemory,
    ];

    /// Returns the short name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Actix => "actix",
            Self::Signed => "signed",
            Self::Encrypted => "encrypted",
            Self::Memory => "memory",
            Self::ActixSessionSigned => "actix-session-signed",
            Self::ActixSessionKeptPrivate => "actix-session-signed-headers",
            Self::ActixSessionPrivate => "actix-session-private",
            Self::Axum => "axum",
            Self::TowerMemory => "tower-sessions-memory",
            Self::Floor => "floor",
            Self::Randomness => "randomness",
            Self::MessageKey => "message-key",
            Self::LeastSigned => "least-signed",
            Self::LeastEncrypted => "least-encrypted",
            Self::LeastMemory => "least-memory",
        }
    }

    /// Returns the subject of this short name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|subject| subject.name() == name)
    }

    /// Returns the subject without sessions that this one is compared with.
    pub fn bare(self) -> Option<Self> {
        match self {
            Self::Actix | Self::Axum | Self::Floor | Self::Randomness | Self::MessageKey => None,
            Self::TowerMemory => Some(Self::Axum),
            _ => Some(Self::Actix),
        }
    }

    /// Builds the application, and fills a small and a large session.
    pub fn start(self) -> Box<dyn Site> {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let runtime = Rc::new(runtime);
        match self {
            Self::Actix => actix::bare(runtime),
            Self::Signed => ours::signed(runtime),
            Self::Encrypted => ours::encrypted(runtime),
            Self::Memory => ours::memory(runtime),
            Self::ActixSessionSigned => actix::session_signed(runtime),
            Self::ActixSessionKeptPrivate => actix::session_kept_private(runtime),
            Self::ActixSessionPrivate => actix::session_private(runtime),
            Self::Axum => axum::bare(runtime),
            Self::TowerMemory => axum::tower_memory(runtime),
            Self::Floor => Box::new(Floor::new()),
            Self::Randomness => Box::new(Component::randomness()),
            Self::MessageKey => Box::new(Component::key()),
            Self::LeastSigned => least::signed(runtime),
            Self::LeastEncrypted => least::encrypted(runtime),
            Self::LeastMemory => least::memory(runtime),
        }
    }
}

/// An application that answers requests in this thread.
pub trait Site {
    /// Sends one kind of request so many times, one after the other.
    fn run(&self, workload: Workload, times: u32);

    /// Sends the request once, and returns what the client sees of it.
    fn answer(&self, workload: Workload) -> Answer;

    /// Makes a new session of so many bytes of JSON, which `ReadLarge` and `WriteLarge` then use.
    fn fill(&mut self, bytes: usize);

    /// Makes so many small sessions more, some of which `Read` and `Write` then take turns with.
    fn crowd(&mut self, sessions: usize);

    /// Adds other cookies to the requests that carry one.
    fn add_cookies(&mut self, others: usize);
}

/// What a client sees of a response.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The cookie that is set, as the client sends it back.
    pub cookie: Option<String>,
}

/// The cookies that the requests carry, as headers of the framework: requests take turns.
struct Cookies<H> {
    to_header: fn(String) -> H,
    small: Vec<String>,
    large: Vec<String>,
    small_headers: Vec<H>,
    large_headers: Vec<H>,
}

impl<H> Cookies<H> {
    fn new(to_header: fn(String) -> H, small: Vec<String>, large: Vec<String>) -> Self {
        let mut cookies =
            Self { to_header, small, large, small_headers: Vec::new(), large_headers: Vec::new() };
        cookies.among(0);
        cookies
    }

    /// Writes the headers, with so many other cookies before ours.
    fn among(&mut self, others: usize) {
        let others = (0..others)
            .fold(String::new(), |header, at| header + &format!("other{at:02}=0123456789abcdef; "));
        let header = |own: &String| (self.to_header)(others.clone() + own);
        self.small_headers = self.small.iter().map(header).collect();
        self.large_headers = self.large.iter().map(header).collect();
    }

    /// Returns the header of the request number `at`.
    fn header(&self, workload: Workload, at: u32) -> Option<&H> {
        let headers = match workload.carries() {
            Carries::Nothing => return None,
            Carries::Small => &self.small_headers,
            Carries::Large => &self.large_headers,
        };
        Some(&headers[at as usize % headers.len()])
    }
}

/// Sizes of the two sessions that every site starts with, in bytes of JSON.
const SMALL: usize = 111;
const LARGE: usize = 2_048;

/// Where a new session of so many bytes is made.
fn fill_path(bytes: usize) -> String {
    format!("/fill?{bytes}")
}

/// What `/fill` writes into the session.
fn filling(query: Option<&str>) -> Vec<(String, payload::Value)> {
    let bytes = query.and_then(|query| query.parse().ok()).expect("the query is a size");
    if bytes == SMALL { payload::small() } else { payload::of_size(bytes) }
}

/// What `/write` makes of the counter: another number of as many digits.
fn next(counter: u64) -> u64 {
    if counter == 41 { 42 } else { 41 }
}

/// How many sessions of a crowd are used.
const CROWD: usize = 1_000;

/// The pair of a `Set-Cookie` header, as the client sends it back.
fn pair(set_cookie: &str) -> String {
    set_cookie.split(';').next().unwrap_or_default().to_owned()
}
