//! The price of a new session beside peers with the same promise, where that can be added to them.

use std::{collections::BTreeMap, fmt::Write, iter};

use sessions_benches::{
    results::{Results, tax},
    site::Subject,
    stats::{mean, ratio},
    workload::Workload,
};

use super::table::show;

const RANDOMNESS: &str = "and randomness of the operating system";
const KEY: &str = "and a key for each message";
const HEADERS: &str = "and `Vary` and `Cache-Control`, by a middleware";

/// A peer that gets what ours promises: its title, ours, and what is added up.
type Row = (&'static str, Subject, &'static [Part]);

enum Part {
    Of(Subject),
    /// What a middleware takes that adds two headers.
    Headers,
}

use Part::{Headers, Of};

const ROWS: [Row; 8] = [
    ("actix-session, signed", Subject::Signed, &[Of(Subject::ActixSessionSigned)]),
    (HEADERS, Subject::Signed, &[Of(Subject::ActixSessionSigned), Headers]),
    ("actix-session, encrypted", Subject::Encrypted, &[Of(Subject::ActixSessionPrivate)]),
    (HEADERS, Subject::Encrypted, &[Of(Subject::ActixSessionPrivate), Headers]),
    (
        RANDOMNESS,
        Subject::Encrypted,
        &[Of(Subject::ActixSessionPrivate), Headers, Of(Subject::Randomness)],
    ),
    (
        KEY,
        Subject::Encrypted,
        &[
            Of(Subject::ActixSessionPrivate),
            Headers,
            Of(Subject::Randomness),
            Of(Subject::MessageKey),
        ],
    ),
    ("tower-sessions, memory", Subject::Memory, &[Of(Subject::TowerMemory)]),
    (RANDOMNESS, Subject::Memory, &[Of(Subject::TowerMemory), Of(Subject::Randomness)]),
];

type Blocks = BTreeMap<String, Vec<f64>>;

/// Returns the prices, and the ratios of the variants.
pub(super) fn table(results: &Results) -> String {
    let variants = &results.variants;
    let mut table = "| peer, W4 | nanoseconds | ours / this |".to_owned();
    for name in variants.keys() {
        write!(table, " with {name} |").expect("a string takes text");
    }
    writeln!(table, "\n|---|---|---|{}", "---|".repeat(variants.len()))
        .expect("a string takes text");
    let Some(subjects) = results.time.get(Workload::Create.code()) else { return table };
    for (title, ours, parts) in ROWS {
        let cost = sum(subjects, parts).map_or_else(String::new, |peer| show(mean(&peer), 0));
        write!(table, "| {title} | {cost} |").expect("a string takes text");
        for subjects in iter::once(subjects).chain(variants.values()) {
            let part = price(subjects, ours).zip(sum(subjects, parts));
            let part = part.map_or_else(String::new, |(ours, peer)| show(ratio(&ours, &peer), 3));
            write!(table, " {part} |").expect("a string takes text");
        }
        table.push('\n');
    }
    table
}

/// Returns what the parts take together, block by block.
fn sum(subjects: &Blocks, parts: &[Part]) -> Option<Vec<f64>> {
    let parts = parts.iter().map(|part| match part {
        Of(subject) => price(subjects, *subject),
        Headers => {
            let with = price(subjects, Subject::ActixSessionKeptPrivate)?;
            let without = price(subjects, Subject::ActixSessionSigned)?;
            Some(combined(&with, &without, |with, without| with - without))
        }
    });
    parts.reduce(|one, other| Some(combined(&one?, &other?, |one, other| one + other)))?
}

fn price(subjects: &Blocks, subject: Subject) -> Option<Vec<f64>> {
    tax(subjects, subject.name(), subject.bare().map(Subject::name))
}

fn combined(one: &[f64], other: &[f64], combine: impl Fn(f64, f64) -> f64) -> Vec<f64> {
    one.iter().zip(other).map(|(one, other)| combine(*one, *other)).collect()
}
