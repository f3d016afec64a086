//! Settings that go together two by two: each value of one meets each value of another.

use std::collections::HashSet;

use fastrand::Rng;

pub(crate) const KEY: &str = "the current key";
pub(crate) const FORMER_KEYS: [&str; 2] = ["a former key", "dev"];

/// One way to run both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Settings([usize; FACTORS.len()]);

/// A setting's name, and its values. `None` leaves it to its default.
type Factor = (&'static str, &'static [Option<&'static str>]);

/// What a quoted key is to both sides.
const QUOTED_KEY: &str = r#""the current \u006bey""#;

const FACTORS: [Factor; 15] = [
    // Not a setting of Flask's: whether the session is made permanent at the start.
    ("permanent", &[None, Some("1")]),
    ("FLASK_SECRET_KEY", &[Some(KEY), Some(QUOTED_KEY)]),
    ("FLASK_SESSION_REFRESH_EACH_REQUEST", &[None, Some("0"), Some("true"), Some("False")]),
    ("FLASK_SESSION_COOKIE_SAMESITE", &[None, Some("lax"), Some("\"Strict\""), Some("None")]),
    ("FLASK_SESSION_COOKIE_SECURE", &[None, Some("1"), Some("False")]),
    ("FLASK_SESSION_COOKIE_PARTITIONED", &[None, Some("true")]),
    ("FLASK_SESSION_COOKIE_HTTPONLY", &[None, Some("false")]),
    ("FLASK_SESSION_COOKIE_DOMAIN", &[None, Some(".twin.test:80"), Some("false")]),
    ("FLASK_SESSION_COOKIE_PATH", &[None, Some("/app")]),
    ("FLASK_APPLICATION_ROOT", &[None, Some("/app")]),
    (
        "FLASK_SECRET_KEY_FALLBACKS",
        &[None, Some(r#"["a former key"]"#), Some(r#"["a former key","dev"]"#)],
    ),
    ("FLASK_PERMANENT_SESSION_LIFETIME", &[None, Some("600"), Some("86400.5")]),
    ("FLASK_SESSION_COOKIE_NAME", &[None, Some("sid"), Some("__Host-sid")]),
    // Set in the code of both.
    ("TWIN_SORT_KEYS", &[None, Some("0")]),
    ("TWIN_ENSURE_ASCII", &[None, Some("0")]),
];

impl Settings {
    fn value(&self, name: &str) -> Option<&'static str> {
        let at = FACTORS.iter().position(|(factor, _)| *factor == name).expect("a factor's name");
        FACTORS[at].1[self.0[at]]
    }

    pub(crate) fn is_permanent(&self) -> bool {
        self.value("permanent").is_some()
    }

    /// In seconds. Flask's default is 31 days.
    pub(crate) fn lifetime(&self) -> u64 {
        let seconds = self.value("FLASK_PERMANENT_SESSION_LIFETIME");
        let whole = seconds.map(|seconds| seconds.split('.').next().unwrap_or(seconds));
        whole.map_or(31 * 24 * 60 * 60, |seconds| seconds.parse().expect("a number"))
    }

    /// How many former keys verify.
    pub(crate) fn fallbacks(&self) -> usize {
        let list = self.value("FLASK_SECRET_KEY_FALLBACKS");
        list.map_or(0, |list| list.split(',').count())
    }

    /// Whether the cookie is sent to pages below `/app` only.
    pub(crate) fn is_below_app(&self) -> bool {
        self.value("FLASK_SESSION_COOKIE_PATH").or(self.value("FLASK_APPLICATION_ROOT")).is_some()
    }

    /// Returns the variables that both sides get.
    pub(crate) fn environment(&self) -> Vec<(&'static str, &'static str)> {
        let set = FACTORS.iter().zip(self.0).filter(|((name, _), _)| *name != "permanent");
        let values = set.filter_map(|((name, values), at)| Some((*name, values[at]?)));
        values.collect()
    }

    /// Browsers drop what this refuses, and so does Actix's side at its start.
    fn is_legal(&self) -> bool {
        let secure = self.value("FLASK_SESSION_COOKIE_SECURE").is_some()
            || self.value("FLASK_SESSION_COOKIE_PARTITIONED").is_some();
        let wants_secure = self.value("FLASK_SESSION_COOKIE_SAMESITE") == Some("None");
        let is_host = self.value("FLASK_SESSION_COOKIE_NAME") == Some("__Host-sid");
        let is_wide = self.is_below_app()
            || self.value("FLASK_SESSION_COOKIE_DOMAIN").is_some_and(|domain| domain != "false");
        (secure || !wants_secure && !is_host) && !(is_host && is_wide)
    }

    fn random(random: &mut Rng) -> Self {
        loop {
            let settings = Self(FACTORS.map(|(_, values)| random.usize(..values.len())));
            if settings.is_legal() {
                return settings;
            }
        }
    }

    fn pairs(&self) -> impl Iterator<Item = Pair> {
        let of = |one: usize| (one + 1..FACTORS.len()).map(move |two| (one, two));
        (0..FACTORS.len()).flat_map(of).map(|(one, two)| ((one, self.0[one]), (two, self.0[two])))
    }
}

/// Two factors, each with the number of its value.
type Pair = ((usize, usize), (usize, usize));

/// Returns settings in which every two values meet that may. Chosen greedily: each time the one of
/// many random ones in which most pairs meet for the first time.
pub(crate) fn pairwise(random: &mut Rng) -> (Vec<Settings>, usize) {
    let candidates: Vec<_> = (0..4_000).map(|_| Settings::random(random)).collect();
    let mut missing: HashSet<Pair> = candidates.iter().flat_map(Settings::pairs).collect();
    let pairs = missing.len();
    let mut chosen = Vec::new();
    while !missing.is_empty() {
        let meets =
            |settings: &&Settings| settings.pairs().filter(|pair| missing.contains(pair)).count();
        let best = *candidates.iter().max_by_key(meets).expect("there are candidates");
        for pair in best.pairs() {
            missing.remove(&pair);
        }
        chosen.push(best);
    }
    (chosen, pairs)
}
