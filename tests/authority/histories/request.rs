//! The requests of a history: what each asks, as the words of its path.

use std::fmt;

use fastrand::Rng;

use super::scheduler::pick;

/// The owners that log in.
pub(super) const OWNERS: [&str; 2] = ["7", "8"];
/// Keys that many requests write. Each request also writes one of its own.
const SHARED: [&str; 2] = ["k1", "k2"];

/// What most requests of a history do: a bit of all, what a session does that lives long, or ends.
#[derive(Clone, Copy, Debug)]
pub(super) enum Mood {
    Mixed,
    Calm,
    Ending,
}

/// The kinds of requests, each with how often it comes in each mood.
const KINDS: [(Kind, [u32; 3]); 16] = [
    (Kind::Read, [3, 4, 3]),
    (Kind::Write, [6, 40, 2]),
    (Kind::Overwrite, [3, 2, 0]),
    (Kind::Remove, [2, 2, 0]),
    (Kind::EarlySave, [3, 8, 1]),
    (Kind::Renew, [3, 1, 1]),
    (Kind::Rotate, [2, 3, 1]),
    (Kind::RotateAndWrite, [2, 2, 1]),
    (Kind::Login, [5, 1, 6]),
    (Kind::ClearAndLogin, [1, 0, 1]),
    (Kind::Logout, [3, 1, 1]),
    (Kind::Clear, [2, 0, 1]),
    (Kind::EndOne, [1, 0, 1]),
    (Kind::EndAll, [2, 1, 4]),
    (Kind::EndOthers, [2, 1, 2]),
    (Kind::LoginAndEndOthers, [1, 0, 2]),
];

/// A kind of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Read,
    Write,
    Overwrite,
    Remove,
    EarlySave,
    Renew,
    Rotate,
    RotateAndWrite,
    Login,
    ClearAndLogin,
    Logout,
    Clear,
    EndOne,
    EndAll,
    EndOthers,
    LoginAndEndOthers,
}

/// What a handler does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Word {
    Read,
    Put(String),
    Remove(String),
    Clear,
    Purge,
    Renew,
    Rotate,
    Login(&'static str),
    Now,
    End(&'static str),
    All(&'static str),
    Others,
}

/// What a request asks.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    /// What it writes: nothing else writes that.
    pub(super) tag: String,
    pub(super) kind: Kind,
    pub(super) words: Vec<Word>,
}

impl Mood {
    pub(super) fn random(rng: &mut Rng) -> Self {
        [Self::Mixed, Self::Calm, Self::Ending][rng.usize(..3)]
    }
}

impl Kind {
    fn random(mood: Mood, rng: &mut Rng) -> Self {
        let often = KINDS.map(|(_, often)| often[mood as usize]);
        KINDS[pick(rng, &often)].0
    }
}

impl Asked {
    /// Returns the request of this number.
    pub(super) fn random(number: usize, mood: Mood, rng: &mut Rng) -> Self {
        // The sessions of a calm history have owners from the beginning.
        let first = matches!(mood, Mood::Calm) && number < 2;
        let kind = if first { Kind::Login } else { Kind::random(mood, rng) };
        Self::of(number, kind, rng)
    }

    /// Returns a request of this kind.
    pub(super) fn of(number: usize, kind: Kind, rng: &mut Rng) -> Self {
        let tag = format!("w{number}");
        let owner = OWNERS[usize::from(rng.u8(..4) == 0)];
        let own = || Word::Put(tag.clone());
        // A state of rights is known by the request that began it.
        let epoch = || Word::Put("e".to_owned());
        let mut shared = || SHARED[rng.usize(..SHARED.len())].to_owned();
        let mut words = match kind {
            Kind::Read => vec![Word::Read],
            Kind::Write => vec![Word::Read, own()],
            Kind::Overwrite => vec![Word::Put(shared()), own()],
            Kind::Remove => vec![Word::Remove(shared()), own()],
            Kind::EarlySave => vec![Word::Read, own(), Word::Now],
            Kind::Renew => vec![Word::Read, Word::Renew, epoch(), own()],
            Kind::Rotate => vec![Word::Read, Word::Rotate],
            Kind::RotateAndWrite => vec![Word::Rotate, own()],
            Kind::Login => vec![Word::Read, Word::Login(owner), epoch(), own()],
            Kind::ClearAndLogin => vec![Word::Clear, Word::Login(owner), epoch(), own()],
            Kind::Logout => vec![Word::Purge],
            Kind::Clear => vec![Word::Clear],
            Kind::EndOne => vec![Word::End(owner)],
            Kind::EndAll => vec![Word::All(owner)],
            Kind::EndOthers => vec![Word::Others],
            Kind::LoginAndEndOthers => vec![Word::Login(owner), Word::Others, epoch(), own()],
        };
        match kind {
            Kind::Logout | Kind::Clear if rng.bool() => words.push(own()),
            Kind::Renew | Kind::Login if rng.u8(..4) == 0 => words.push(Word::Now),
            _ => {}
        }
        Self { tag, kind, words }
    }

    pub(super) fn has(&self, word: &Word) -> bool {
        self.words.contains(word)
    }

    pub(super) fn puts(&self, key: &str) -> bool {
        self.words.iter().any(|word| matches!(word, Word::Put(put) if put == key))
    }

    /// Whether it writes a key that nothing else writes.
    pub(super) fn writes(&self) -> bool {
        self.puts(&self.tag)
    }

    pub(super) fn logs_in(&self) -> Option<&'static str> {
        self.words.iter().find_map(|word| match word {
            Word::Login(owner) => Some(*owner),
            _ => None,
        })
    }

    pub(super) fn ends_one_of(&self) -> Option<&'static str> {
        self.words.iter().find_map(|word| match word {
            Word::End(owner) => Some(*owner),
            _ => None,
        })
    }

    /// Whether it may get another token, or lose the one it has.
    pub(super) fn sets_token(&self) -> bool {
        self.words.iter().any(|word| {
            matches!(word, Word::Clear | Word::Purge | Word::Renew | Word::Rotate | Word::Login(_))
        })
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}", self.tag)?;
        self.words.iter().try_for_each(|word| write!(f, "/{word}"))
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read => f.write_str("read"),
            Self::Put(key) => write!(f, "put-{key}"),
            Self::Remove(key) => write!(f, "remove-{key}"),
            Self::Clear => f.write_str("clear"),
            Self::Purge => f.write_str("purge"),
            Self::Renew => f.write_str("renew"),
            Self::Rotate => f.write_str("rotate"),
            Self::Login(owner) => write!(f, "login-{owner}"),
            Self::Now => f.write_str("now"),
            Self::End(owner) => write!(f, "end-{owner}"),
            Self::All(owner) => write!(f, "all-{owner}"),
            Self::Others => f.write_str("others"),
        }
    }
}
