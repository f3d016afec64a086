//! Random sessions, from the real Flask to ours and from ours to it: the same content, the same
//! bytes. `tests/conformance/flask_peer.py` is the other side.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs::File,
    io::{BufRead, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{SystemTime, UNIX_EPOCH},
};

use actix_web::HttpResponse;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value as Json, json};
use sessions::{
    SecretKey, Session, SessionConfig,
    flask::{Bytes, DateTime, FlaskCookie, HashAlgorithm, KeyDerivation, Markup, Uuid, Value},
};
use sessions_tests::{SharedSessions, forged::Random, is_full};

/// Sessions in each direction: all of them, and those of every day.
const ALL: usize = 10_000;
const EVERYDAY: usize = 1_000;

fn how_many() -> usize {
    if is_full() { ALL } else { EVERYDAY }
}

/// Differs from run to run; `SESSIONS_TEST_SEED` repeats one.
fn seed() -> u64 {
    let given = std::env::var("SESSIONS_TEST_SEED").ok();
    given.map_or_else(
        || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs()),
        |seed| seed.parse().expect("a number"),
    )
}

fn peer() -> Command {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new(root.join("../target/venv/bin/python"));
    command.arg(root.join("conformance/flask_peer.py"));
    command
}

/// A session, and how Flask is set.
#[derive(Clone, Serialize, Deserialize)]
struct Case {
    key: String,
    fallbacks: Vec<String>,
    salt: String,
    digest: String,
    derivation: String,
    sort_keys: bool,
    ensure_ascii: bool,
    cookie: String,
    /// What Flask finds in the cookie, described.
    content: Map<String, Json>,
    #[serde(flatten)]
    more: Option<FromFlask>,
}

/// What else Flask tells.
#[derive(Clone, Serialize, Deserialize)]
struct FromFlask {
    /// It is signed with a fallback key.
    former: bool,
    /// The cookie after a request that set `touched`.
    touched: String,
    /// Keys whose values have no counterpart in Rust.
    odd: Vec<String>,
    representable: bool,
}

impl Case {
    fn sessions(&self) -> SharedSessions {
        let key = |text: &String| SecretKey::for_interoperation(text.as_bytes()).expect("a key");
        let config = SessionConfig::flask().secret_key(key(&self.key)).salt(self.salt.as_str());
        let config = self
            .fallbacks
            .iter()
            .fold(config, |config, fallback| config.secret_key_fallback(key(fallback)));
        let digest = HashAlgorithm::ALL.iter().find(|one| one.name() == self.digest);
        let derivation = KeyDerivation::ALL.iter().find(|one| one.name() == self.derivation);
        let backend = FlaskCookie::from_config(&config)
            .with_hash(*digest.expect("a digest"))
            .with_key_derivation(*derivation.expect("a derivation"))
            .with_sort_keys(self.sort_keys)
            .with_ensure_ascii(self.ensure_ascii);
        SharedSessions { config, backend }
    }

    /// Returns the cookie that a handler leaves, and what it found.
    async fn act<T: 'static>(&self, cookie: &str, act: fn(&Self, &Session) -> T) -> (String, T) {
        let found = std::rc::Rc::new(std::cell::RefCell::new(None));
        let handler = {
            let (case, found) = (self.clone(), found.clone());
            move |session: Session| {
                *found.borrow_mut() = Some(act(&case, &session));
                async { HttpResponse::Ok().finish() }
            }
        };
        let answer = self.sessions().answer(cookie, handler).await;
        let cookie = answer.cookie().unwrap_or_else(|| panic!("not saved: {}", answer.status));
        (cookie.value, found.take().expect("the handler ran"))
    }
}

/// Says what a value is, as the other side does.
fn describe(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(value) => json!(value),
        Value::Number(number) => match number.as_f64().filter(|_| number.is_f64()) {
            Some(float) => json!({ "float": format!("{:016x}", float.to_bits()) }),
            None => json!({ "int": number.to_string() }),
        },
        Value::String(text) => json!(text),
        Value::List(list) => list.iter().map(describe).collect(),
        Value::Dict(dict) => {
            let members: Map<_, _> =
                dict.iter().map(|(key, value)| (key.clone(), describe(value))).collect();
            json!({ "dict": members })
        }
        Value::Tuple(list) => json!({ "tuple": list.iter().map(describe).collect::<Vec<_>>() }),
        Value::Bytes(Bytes(bytes)) => {
            let mut hex = String::new();
            for byte in bytes {
                write!(hex, "{byte:02x}").expect("a string");
            }
            json!({ "bytes": hex })
        }
        Value::Markup(Markup(text)) => json!({ "markup": text }),
        Value::Uuid(id) => json!({ "uuid": id.to_string() }),
        Value::DateTime(time) => json!({ "datetime": time.unix_seconds() }),
        other => panic!("no description of {other:?}"),
    }
}

/// How many sessions there were of each kind, and what differed.
#[derive(Default)]
struct Tally {
    sessions: usize,
    compressed: usize,
    under_fallback: usize,
    odd: usize,
    kinds: BTreeMap<String, usize>,
    differences: Vec<String>,
}

impl Tally {
    fn add(&mut self, case: &Case) {
        self.sessions += 1;
        self.compressed += usize::from(case.cookie.starts_with('.'));
        let sort = if case.sort_keys { "sorted" } else { "in order" };
        let ascii = if case.ensure_ascii { "ASCII" } else { "UTF-8" };
        for kind in [&case.digest, &case.derivation, sort, ascii] {
            *self.kinds.entry(kind.to_owned()).or_default() += 1;
        }
    }

    fn compare<T: PartialEq + std::fmt::Debug>(
        &mut self,
        case: &Case,
        what: &str,
        ours: &T,
        flask: &T,
    ) {
        if ours != flask {
            self.differences
                .push(format!("{what}: {ours:?} instead of {flask:?}, session of {}", case.cookie));
        }
    }

    fn report(&self, direction: &str, seed: u64) {
        println!(
            "{direction}, seed {seed}: {} sessions, {} compressed, {} under a fallback key, {} with values \
             that we cannot represent; {} differences in content and in bytes",
            self.sessions,
            self.compressed,
            self.under_fallback,
            self.odd,
            self.differences.len()
        );
        println!("  of each digest and derivation: {:?}", self.kinds);
        let shown = self.differences.iter().take(5).map(String::as_str).collect::<Vec<_>>();
        assert!(shown.is_empty(), "{}", shown.join("\n"));
    }
}

#[actix_web::test]
#[ignore = "needs python3 with flask: run scripts/test"]
async fn what_flask_writes_we_read_and_write_as_flask_would() {
    let (seed, mut tally) = (seed(), Tally::default());
    let mut python = peer()
        .args(["write", &seed.to_string(), &how_many().to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .expect("python runs");
    let lines = BufReader::new(python.stdout.take().expect("its output"));
    for line in lines.lines() {
        let case: Case = serde_json::from_str(&line.expect("text")).expect("a case");
        let more = case.more.clone().expect("what Flask tells");
        tally.add(&case);
        tally.under_fallback += usize::from(more.former);
        tally.odd += usize::from(!more.representable);

        let (signed_anew, seen) = case
            .act(&case.cookie, |case, session| {
                session.set_modified(true).expect("a session");
                let odd = case.more.iter().flat_map(|more| &more.odd);
                let readable = odd.filter(|key| session.get::<Value>(key).is_ok()).count();
                assert_eq!(readable, 0, "a value that is none of ours was read");
                let keys = session.keys();
                let get = |key: &String| Some((key.clone(), describe(&session.get(key).ok()??)));
                keys.iter().filter_map(get).collect::<Map<_, _>>()
            })
            .await;
        tally.compare(&case, "content", &seen, &case.content);
        let payload = |cookie: &str| cookie.rsplitn(3, '.').nth(2).map(str::to_owned);
        tally.compare(&case, "payload", &payload(&signed_anew), &payload(&case.cookie));
        if !more.former {
            tally.compare(&case, "bytes signed anew", &signed_anew, &case.cookie);
        }

        let (touched, ()) = case
            .act(&case.cookie, |_, session| session.insert("touched", 1).expect("a session"))
            .await;
        tally.compare(&case, "bytes after a change", &touched, &more.touched);

        // Written from what was read: the bytes that Flask has for the same content. Where Flask does
        // not sort, they depend on the order of writing.
        if more.representable && case.sort_keys {
            let (rewritten, ()) = case
                .act(&case.cookie, |case, session| {
                    let values: Vec<_> = case
                        .content
                        .keys()
                        .map(|key| (key.clone(), session.get::<Value>(key).expect("a value")))
                        .collect();
                    session.purge().expect("a session");
                    session.extend(values).expect("values");
                    session.insert("touched", 1).expect("a session");
                })
                .await;
            tally.compare(&case, "bytes written from what was read", &rewritten, &more.touched);
        }
    }
    assert!(python.wait().expect("python ends").success());
    assert_eq!(tally.sessions, how_many());
    tally.report("Python to ours", seed);
}

/// Makes values at random.
struct Maker(Random);

impl Maker {
    fn below(&mut self, limit: usize) -> usize {
        self.0.below(limit)
    }

    fn text(&mut self) -> String {
        let length = [0, 1, 3, 8, 20, 40][self.below(6)];
        let kind = self.below(8);
        (0..length).map(|_| self.char(kind)).collect()
    }

    fn char(&mut self, kind: usize) -> char {
        let range = match kind {
            0..=2 => 0x20..0x7f,
            3 => 0x0..0x100,
            4 => 0x4e00..0xa000,
            5 => 0xd000..0x1_0000,
            6 => 0x1_0000..0x11_0000,
            _ => 0x61..0x63,
        };
        loop {
            let code = range.start + self.below(range.len());
            if let Some(char) = u32::try_from(code).ok().and_then(char::from_u32) {
                return char;
            }
        }
    }

    fn key(&mut self) -> String {
        let tag = [" di", " t", " b", " m", " u", " d"][self.below(6)];
        match self.below(20) {
            0 => tag.to_owned(),
            1 => format!("{tag}__"),
            _ => self.text(),
        }
    }

    fn number(&mut self) -> Number {
        let bits = self.0.number();
        match self.below(8) {
            0 => bits.into(),
            1 => bits.cast_signed().into(),
            2 => [i64::MIN, i64::MAX, 0, -1][self.below(4)].into(),
            3 => self.below(1_000).into(),
            kind => {
                let float = match kind {
                    4 => f64::from(u32::try_from(bits >> 32).expect("32 bits")) / 1_000.0,
                    5 => 10_f64.powi(i32::try_from(self.below(40)).expect("small") - 20),
                    6 => [0.0, -0.0, 5e-324, f64::MAX, 0.1, 1e16, 1e-4, 1e-5][self.below(8)],
                    _ => f64::from_bits(bits),
                };
                Number::from_f64(float).unwrap_or_else(|| 1.into())
            }
        }
    }

    fn value(&mut self, depth: usize) -> Value {
        match self.below(if depth == 0 { 10 } else { 16 }) {
            0 => Value::Null,
            1 => Value::Bool(self.below(2) == 0),
            2 | 3 => Value::Number(self.number()),
            4 | 5 => Value::String(self.text()),
            6 => {
                let length = [0, 1, 2, 3, 33][self.below(5)];
                Value::Bytes(Bytes((0..length).map(|_| self.0.number().to_le_bytes()[0]).collect()))
            }
            7 => Value::Markup(Markup(self.text())),
            8 => {
                let halves = [self.0.number(), self.0.number()].map(u64::to_be_bytes);
                Value::Uuid(Uuid(halves.concat().try_into().expect("16 bytes")))
            }
            9 => {
                // Werkzeug reads the years below 100 as those of another century.
                let seconds = i64::try_from(self.0.number() % 312_000_000_000).expect("small");
                let time = DateTime::from_unix_seconds(seconds - 59_000_000_000);
                Value::DateTime(time.expect("a year from 100 to 9999"))
            }
            10 | 11 => Value::List(self.values(depth)),
            12 | 13 => Value::Tuple(self.values(depth)),
            _ => {
                let length = self.below(4);
                let member = |maker: &mut Self| (maker.key(), maker.value(depth - 1));
                Value::Dict((0..length).map(|_| member(self)).collect())
            }
        }
    }

    fn values(&mut self, depth: usize) -> Vec<Value> {
        (0..self.below(4)).map(|_| self.value(depth - 1)).collect()
    }

    fn session(&mut self) -> BTreeMap<String, Value> {
        if self.below(6) == 0 {
            // Around the size from which a text is compressed.
            let text = self.text() + &"a".repeat(self.below(60));
            return BTreeMap::from([(self.key(), Value::String(text))]);
        }
        let length = [1, 1, 2, 3, 5, 8, 13][self.below(7)];
        (0..length).map(|_| (self.key(), self.value(4))).collect()
    }
}

/// What a file in the folder for temporary files holds, until it is dropped.
struct Spool(PathBuf);

impl Drop for Spool {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.0));
    }
}

#[actix_web::test]
#[ignore = "needs python3 with flask: run scripts/test"]
async fn what_we_write_flask_reads_and_would_have_written() {
    let (seed, mut tally) = (seed(), Tally::default());
    let mut maker = Maker(Random(seed));
    let name = format!("sessions-flask-conformance-{}", std::process::id());
    let spool = Spool(Path::new(env!("CARGO_TARGET_TMPDIR")).join(name));
    let mut lines = File::create(&spool.0).expect("a file");
    while tally.sessions < how_many() {
        let content = maker.session();
        let (digests, derivations) = (HashAlgorithm::ALL, KeyDerivation::ALL);
        let mut case = Case {
            key: ["dev", "x", "ключ"][maker.below(3)].to_owned(),
            fallbacks: Vec::new(),
            salt: ["cookie-session", "", "sälz"][maker.below(3)].to_owned(),
            digest: digests[maker.below(digests.len())].name().to_owned(),
            derivation: derivations[maker.below(derivations.len())].name().to_owned(),
            sort_keys: true,
            ensure_ascii: maker.below(3) > 0,
            cookie: String::new(),
            content: content.iter().map(|(key, value)| (key.clone(), describe(value))).collect(),
            more: None,
        };
        let insert = move |session: Session| {
            let content = content.clone();
            async move {
                session.extend(content).expect("values");
                HttpResponse::Ok().finish()
            }
        };
        let answer = case.sessions().answer("", insert).await;
        // What does not fit its cookie is an error, and tested elsewhere.
        let Some(cookie) = answer.cookie() else { continue };
        case.cookie = cookie.value;
        tally.add(&case);
        writeln!(lines, "{}", json!(case)).expect("a file");
    }
    let python = peer().arg("read").stdin(File::open(&spool.0).expect("a file")).output();
    let python = python.expect("python runs");
    let report = String::from_utf8_lossy(&python.stdout);
    assert!(python.status.success(), "{}", String::from_utf8_lossy(&python.stderr));
    let (last, differences) =
        report.trim().rsplit_once('\n').map_or((report.trim(), ""), |(rest, last)| (last, rest));
    assert_eq!(last, format!("{} sessions, 0 differences", how_many()), "{differences}");
    tally.report("Ours to Python", seed);
}
