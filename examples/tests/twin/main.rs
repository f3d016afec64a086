//! Two applications with the same pages, a real Flask and ours, and one client between them.
//!
//! Each step asks both for the same page with the same cookie and compares the answers. The client keeps
//! the cookie of one of the two, chosen at random, so that each reads what the other wrote.

mod compare;
mod http;
mod jar;
mod settings;
mod shared_logins;
mod sides;
mod steps;
mod token;

use std::{collections::BTreeMap, env};

use fastrand::Rng;

use self::{
    compare::{Asked, Difference, Tolerated, compare},
    http::Answer,
    jar::{Jar, SetCookie},
    settings::{Settings, pairwise},
    sides::Side,
    steps::{Step, disturb},
};

const STEPS: usize = 2_000;
const STEPS_FULL: usize = 10_000;

/// Both sides, and the client between them.
struct Twins {
    settings: Settings,
    flask: Side,
    actix: Side,
    jar: Jar,
}

/// How a run ended.
#[derive(Default)]
struct Seen {
    steps: usize,
    differences: Vec<String>,
    tolerated: BTreeMap<Tolerated, usize>,
}

impl Twins {
    fn start(settings: Settings) -> Self {
        let variables = settings.environment();
        let flask = Side::python("app.py", &variables);
        let actix = Side::example("flask_twin", &variables);
        Self { settings, flask, actix, jar: Jar::default() }
    }

    /// Plays steps; notes what differs.
    fn play(&mut self, steps: usize, random: &mut Rng, seen: &mut Seen) {
        for number in 0..steps {
            let step = match number {
                0 if self.settings.is_permanent() => Step::permanent(),
                _ => Step::random(random),
            };
            let disturbed = disturb(random, &mut self.jar, &self.settings);
            let below = random.u32(..10) < if self.settings.is_below_app() { 9 } else { 2 };
            let path = format!("{}{}", if below { "/app" } else { "" }, step.page);
            let (flask, actix, differences) = self.ask(&path);
            seen.steps += 1;
            for difference in differences {
                match difference.tolerated {
                    Some(tolerated) => *seen.tolerated.entry(tolerated).or_default() += 1,
                    None => seen.differences.push(self.describe(&path, disturbed, &difference)),
                }
            }
            self.keep(if random.bool() { &flask } else { &actix });
        }
    }

    fn ask(&self, target: &str) -> (Answer, Answer, Vec<Difference>) {
        let path = target.split('?').next().unwrap_or(target);
        let cookies = self.jar.header(path);
        let ask = |side: &Side| Answer::of(side.port, target, cookies.as_deref());
        let flask = ask(&self.flask).expect("Flask answers");
        let actix = ask(&self.actix).expect("Actix answers");
        let token =
            cookies.as_deref().and_then(|pair| pair.split_once('=')).map(|(_, token)| token);
        let asked = Asked { settings: &self.settings, token };
        let differences = compare(&asked, &flask, &actix);
        (flask, actix, differences)
    }

    fn keep(&mut self, answer: &Answer) {
        let set = answer.all("set-cookie").into_iter().filter_map(SetCookie::parse);
        set.for_each(|set| self.jar.keep(&set));
    }

    fn describe(&self, path: &str, disturbed: Option<&str>, difference: &Difference) -> String {
        let Difference { what, flask, actix, .. } = difference;
        let disturbed = disturbed.map_or_else(String::new, |by| format!(" after {by}"));
        let settings = self.settings.environment();
        format!("GET {path}{disturbed}: {what}\n  Flask: {flask}\n  ours:  {actix}\n  {settings:?}")
    }
}

/// Returns the random numbers of this run: those of `SESSIONS_TEST_SEED`, else new ones.
fn seeded() -> Rng {
    let seed = env::var("SESSIONS_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    println!("seed: {seed}");
    Rng::with_seed(seed)
}

#[test]
#[ignore = "needs python3 with flask: run scripts/test"]
fn flask_and_ours_answer_alike() {
    let mut random = seeded();
    let (settings, pairs) = pairwise(&mut random);
    let steps = if env::var_os("SESSIONS_TEST_FULL").is_some() { STEPS_FULL } else { STEPS };
    let mut seen = Seen::default();
    let each = steps.div_ceil(settings.len());
    for settings in &settings {
        Twins::start(*settings).play(each, &mut random, &mut seen);
    }
    println!("settings: {}, in which {pairs} pairs of values meet", settings.len());
    println!("steps: {}", seen.steps);
    println!("differences: {}", seen.differences.len());
    for tolerated in Tolerated::ALL {
        let times = seen.tolerated.get(&tolerated).copied().unwrap_or_default();
        println!("tolerated {times} times: {}", tolerated.reason());
    }
    assert!(seen.differences.is_empty(), "{}", seen.differences.join("\n"));
    assert!(seen.steps >= STEPS);
}

#[test]
#[ignore = "needs python3 with flask: run scripts/test"]
fn a_difference_is_seen() {
    let mut random = seeded();
    let (settings, _) = pairwise(&mut random);
    let twins = Twins::start(settings[0]);
    let (flask, mut actix, differences) = twins.ask("/nothing");
    assert!(differences.iter().all(|difference| difference.tolerated.is_some()), "{differences:?}");
    actix.falsify();
    let asked = Asked { settings: &settings[0], token: None };
    let differences = compare(&asked, &flask, &actix);
    assert_eq!(differences.iter().map(|found| found.what).collect::<Vec<_>>(), ["body"]);
}
