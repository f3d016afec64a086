//! The model: who may see, write and end what, by what was asked and answered.
//!
//! It takes rights from the tokens and from what requests write: each login and each renewal writes a tag of
//! its own under `e`, so that the model knows an epoch without the library's. It takes the order of things
//! from the stores' calls.

use std::{
    collections::HashMap,
    time::{Duration, SystemTime},
};

use sessions::store::{OwnerKey, Timestamp};

use super::{
    event::{Event, Kept, Payload, What},
    request::{Asked, Word},
};

/// How long the former token of a rotation opens the session: the default.
const GRACE: Duration = Duration::from_secs(10);
/// How long a former token is known.
const STALE: Duration = Duration::from_secs(60);
/// How much longer an index entry lives than its record, beside what deadlines allow.
const SLACK: Duration = Duration::from_secs(10);

/// Which sentence was broken, and how.
pub(super) type Checked = Result<(), String>;

/// Ends a check where something must hold.
macro_rules! must {
    ($holds:expr, $($message:tt)+) => {
        if !$holds {
            return Err(format!($($message)+));
        }
    };
}
pub(super) use must;

/// What has happened, and what it means.
#[derive(Default)]
pub(super) struct Model {
    /// How many things have happened.
    pub(super) seq: usize,
    pub(super) records: HashMap<usize, Session>,
    pub(super) requests: Vec<Request>,
    pub(super) tokens: HashMap<String, Token>,
    pub(super) ends: Vec<End>,
    /// When the index was looked at, by what it answered.
    pub(super) looks: HashMap<u64, Moment>,
    pub(super) owners: HashMap<OwnerKey, &'static str>,
    pub(super) next_epoch: usize,
}

/// A point in the order of things, and the time then.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) seq: usize,
    pub(super) at: SystemTime,
}

/// A record, with all that it has been.
#[derive(Default)]
pub(super) struct Session {
    pub(super) versions: Vec<Version>,
    pub(super) expires: Option<SystemTime>,
    pub(super) is_deleted: bool,
}

/// What a record was for some time.
#[derive(Clone)]
pub(super) struct Version {
    /// The state of rights.
    pub(super) epoch: usize,
    /// The state of rights that the last login began, or the record.
    pub(super) login_epoch: usize,
    pub(super) kept: Kept,
    pub(super) login: Option<Login>,
    /// It was written or prolonged so late after its request began that its index entry, which was asked for
    /// before, may end first: deadlines exclude that, and time that a history lets pass does not count there.
    pub(super) is_late: bool,
}

/// Whose session it is, and since when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Login {
    pub(super) owner: &'static str,
    pub(super) began: Moment,
    /// How much earlier the store may date it: how long its answer was under way.
    pub(super) slack: Duration,
}

/// A request, from its sending on.
pub(super) struct Request {
    pub(super) asked: Asked,
    pub(super) tokens: Vec<String>,
    pub(super) began: Moment,
    pub(super) slack: Duration,
    /// How long it was under way when it had loaded what it opens: a token that it replaces may be dated
    /// so much later.
    pub(super) waited: Duration,
    /// How often it has loaded each record that its tokens find.
    pub(super) loads: HashMap<usize, usize>,
    pub(super) opened: Vec<Opened>,
    /// The record that got a token from it, and which verifier that has.
    pub(super) issued: Option<(usize, String)>,
    /// It had a look for `end_others`, and carried it out.
    pub(super) ended_up_to: Option<Moment>,
    pub(super) is_answered: bool,
}

/// What a request opened.
#[derive(Clone)]
pub(super) struct Opened {
    pub(super) key: usize,
    pub(super) epoch: usize,
    pub(super) payload: Payload,
    pub(super) standing: Standing,
    pub(super) login: Option<Login>,
}

/// A token that was sent to a client.
#[derive(Clone)]
pub(super) struct Token {
    pub(super) name: String,
    pub(super) key: usize,
    pub(super) verifier: String,
    pub(super) epoch: usize,
    pub(super) login_epoch: usize,
}

/// An owner's sessions were ended.
pub(super) struct End {
    pub(super) owner: &'static str,
    /// When its request began.
    pub(super) began: Moment,
    /// When it was carried out.
    pub(super) done: Moment,
    /// Sessions ended whose login is not later.
    pub(super) up_to: Moment,
    pub(super) by: Option<usize>,
    /// Whether the request was told so.
    pub(super) is_answered: bool,
}

/// What a token has to do with a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Current,
    Grace,
    Stale,
    Unknown,
}

impl Standing {
    pub(super) fn opens(self) -> bool {
        matches!(self, Self::Current | Self::Grace)
    }
}

impl Session {
    pub(super) fn last(&self) -> &Version {
        self.versions.last().expect("a record begins with a version")
    }

    pub(super) fn lives_at(&self, at: SystemTime) -> bool {
        !self.is_deleted && self.expires.is_some_and(|expires| expires > at)
    }
}

impl Request {
    /// Whether it may still write to this epoch of a record: by the token that it came with.
    pub(super) fn may_write(&self, key: usize, epoch: usize) -> bool {
        !self.is_answered && self.has_opened(key, epoch)
    }

    /// Whether it ends the sessions that it came with: a logout, or the login of another owner.
    pub(super) fn purges(&self) -> bool {
        let is_another = |owner: &str| {
            self.opened.iter().any(|opened| opened.login.is_some_and(|login| login.owner != owner))
        };
        self.asked.has(&Word::Purge) || self.asked.logs_in().is_some_and(is_another)
    }

    pub(super) fn has_opened(&self, key: usize, epoch: usize) -> bool {
        self.opened.iter().any(|opened| opened.key == key && opened.epoch == epoch)
    }
}

impl End {
    /// Whether it may reach a login.
    pub(super) fn may_reach(&self, login: &Login) -> bool {
        let Login { owner, began, slack } = *login;
        let is_before = began.seq < self.up_to.seq;
        let may_be_dated_before = !slack.is_zero() && began.at <= self.up_to.at + slack;
        self.owner == owner && (is_before || may_be_dated_before)
    }
}

impl Model {
    /// Begins a request.
    pub(super) fn begin(&mut self, asked: Asked, tokens: Vec<String>, at: SystemTime) {
        self.seq += 1;
        self.requests.push(Request {
            asked,
            tokens,
            began: Moment { seq: self.seq, at },
            slack: Duration::ZERO,
            waited: Duration::ZERO,
            loads: HashMap::new(),
            opened: Vec::new(),
            issued: None,
            ended_up_to: None,
            is_answered: false,
        });
    }

    /// Takes what has happened, and checks that it may.
    pub(super) fn take(&mut self, event: &Event) -> Checked {
        self.seq += 1;
        let Event { at, by, what } = event;
        let (at, by) = (*at, *by);
        match what {
            What::Created { key, record, ttl } => self.created(*key, record, at, at + *ttl, by),
            What::Loaded { key, record, expires_in } => {
                self.loaded(*key, record.as_ref(), at, at + *expires_in, by)
            }
            What::Replaced { key, record, ttl } => self.replaced(*key, record, at, at + *ttl, by),
            What::Deleted { key } => self.deleted(*key, by),
            What::Looked { now } => {
                self.looks.insert(now.get(), Moment { seq: self.seq, at });
                Ok(())
            }
            What::Ended { owner, up_to } => {
                self.end(*owner, *up_to, at, by);
                Ok(())
            }
            What::Answered(answered) => {
                self.answered(by.expect("an answer has a request"), answered, at)
            }
        }
    }

    fn end(
        &mut self,
        owner: OwnerKey,
        up_to: Option<Timestamp>,
        at: SystemTime,
        by: Option<usize>,
    ) {
        let here = Moment { seq: self.seq, at };
        let look = up_to.and_then(|up_to| self.looks.get(&up_to.get()).copied());
        let up_to = look.unwrap_or(here);
        let began = by.map_or(here, |by| self.requests[by].began);
        if let (Some(by), Some(look)) = (by, look) {
            self.requests[by].ended_up_to = Some(look);
        }
        let owner = self.owners[&owner];
        self.ends.push(End { owner, began, done: here, up_to, by, is_answered: false });
    }

    /// Returns what a token has to do with its record at this time.
    pub(super) fn standing(&self, token: &Token, at: SystemTime) -> Standing {
        let Some(session) = self.records.get(&token.key) else { return Standing::Unknown };
        if !session.lives_at(at) {
            return Standing::Unknown;
        }
        let version = session.last();
        if version.kept.verifier == token.verifier {
            return Standing::Current;
        }
        let formers = &version.kept.formers;
        let former = formers.iter().find(|(verifier, _)| *verifier == token.verifier);
        let Some((_, replaced)) = former else { return Standing::Unknown };
        let age = at.duration_since(*replaced).unwrap_or_default();
        if token.epoch == version.epoch && age < GRACE {
            Standing::Grace
        } else if age < STALE {
            Standing::Stale
        } else {
            Standing::Unknown
        }
    }

    /// Whether a token opens a session.
    pub(super) fn opens(&self, token: &str, at: SystemTime) -> bool {
        self.tokens.get(token).is_some_and(|token| self.standing(token, at).opens())
    }

    /// Whether this is long after the request began that does it.
    pub(super) fn is_late(&self, by: Option<usize>, at: SystemTime) -> bool {
        let took = by.and_then(|by| at.duration_since(self.requests[by].began.at).ok());
        took.is_none_or(|took| took >= SLACK)
    }

    /// Whether an end may reach a login: one that the store may date before it.
    pub(super) fn may_end(&self, login: &Login) -> bool {
        self.ends.iter().any(|end| end.may_reach(login))
    }

    /// Whether a login is over: its request began before that of an end which was told to be done.
    pub(super) fn has_ended(&self, login: &Login) -> bool {
        self.ends.iter().any(|end| {
            end.is_answered && end.owner == login.owner && login.began.seq < end.began.seq
        })
    }

    /// Returns the number of a request by what it writes.
    pub(super) fn writer(&self, tag: &serde_json::Value) -> Option<usize> {
        let number = tag.as_str()?.strip_prefix('w')?.parse().ok()?;
        (number < self.requests.len()).then_some(number)
    }

    pub(super) fn new_epoch(&mut self) -> usize {
        self.next_epoch += 1;
        self.next_epoch
    }
}
