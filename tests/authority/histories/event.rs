//! What the model is told: what stores did, in the order in which they did it, and what was answered.

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde_json::Value;
use sessions::store::{OwnerKey, Record, Timestamp};
use sessions_tests::SetCookie;

/// Something that has happened.
#[derive(Clone, Debug)]
pub(super) struct Event {
    /// By the store's clock.
    pub(super) at: SystemTime,
    /// The request that it happened in.
    pub(super) by: Option<usize>,
    pub(super) what: What,
}

/// What a store has done, or an application answered. Records have numbers.
#[derive(Clone, Debug)]
pub(super) enum What {
    Created { key: usize, record: Kept, ttl: Duration },
    Loaded { key: usize, record: Option<Kept>, expires_in: Duration },
    Replaced { key: usize, record: Kept, ttl: Duration },
    Deleted { key: usize },
    Looked { now: Timestamp },
    Ended { owner: OwnerKey, up_to: Option<Timestamp> },
    Answered(Answered),
}

/// An answer, taken apart.
#[derive(Clone, Debug)]
pub(super) struct Answered {
    pub(super) status: u16,
    pub(super) cookie: Option<SetCookie>,
    /// What each word of the request said.
    pub(super) said: Vec<(String, Value)>,
}

/// What a store keeps of a session.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Kept {
    pub(super) verifier: String,
    pub(super) since: Option<u64>,
    /// The tokens from before, each with the time when it was replaced.
    pub(super) formers: Vec<(String, SystemTime)>,
    pub(super) payload: Payload,
}

/// The keys and values that handlers see.
pub(super) type Payload = BTreeMap<String, Value>;

impl Kept {
    /// Reads a record's bytes.
    pub(super) fn of(record: &Record) -> Self {
        let bytes = record.to_bytes();
        let text = std::str::from_utf8(&bytes).expect("a record is text");
        let (head, payload) = text.split_once('\n').expect("a head and a content");
        let words: Vec<_> = head.split(' ').collect();
        let time = |micros: &str| {
            UNIX_EPOCH + Duration::from_micros(micros.parse().expect("a number of microseconds"))
        };
        let former = |words: &[&str]| (words[0].to_owned(), time(words[2]));
        Self {
            verifier: words[1].to_owned(),
            since: words[8].parse().ok(),
            formers: words[10..].chunks_exact(3).map(former).collect(),
            payload: visible(serde_json::from_str(payload).expect("an object")),
        }
    }
}

/// Leaves out what no accessor shows.
fn visible(mut payload: Payload) -> Payload {
    payload.retain(|key, _| key != "_started");
    payload
}
