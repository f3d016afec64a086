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

/// The title, our subject, and the costs that add up to the peer.
type Row = (&'static str, Subject, &'static [Cost]);

enum Cost {
    Of(Subject),
    /// What a middleware costs that adds two headers.
    Headers,
}

use Cost::{Headers, Of};

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
    for (title, ours, costs) in ROWS {
        let cost = sum(subjects, costs).map_or_else(String::new, |peer| show(mean(&peer), 0));
        write!(table, "| {title} | {cost} |").expect("a string takes text");
        for subjects in iter::once(subjects).chain(variants.values()) {
            let both = tax_of(subjects, ours).zip(sum(subjects, costs));
            let part = both.map_or_else(String::new, |(ours, peer)| show(ratio(&ours, &peer), 3));
            write!(table, " {part} |").expect("a string takes text");
        }
        table.push('\n');
    }
    table
}

/// Returns the sum of the costs, block by block.
fn sum(subjects: &Blocks, costs: &[Cost]) -> Option<Vec<f64>> {
    let costs = costs.iter().map(|cost| match cost {
        Of(subject) => tax_of(subjects, *subject),
        Headers => {
            let with = tax_of(subjects, Subject::ActixSessionKeptPrivate)?;
            let without = tax_of(subjects, Subject::ActixSessionSigned)?;
            Some(combined(&with, &without, |with, without| with - without))
        }
    });
    costs.reduce(|one, other| Some(combined(&one?, &other?, |one, other| one + other)))?
}

fn tax_of(subjects: &Blocks, subject: Subject) -> Option<Vec<f64>> {
    tax(subjects, subject.name(), subject.bare().map(Subject::name))
}

fn combined(one: &[f64], other: &[f64], combine: impl Fn(f64, f64) -> f64) -> Vec<f64> {
    one.iter().zip(other).map(|(one, other)| combine(*one, *other)).collect()
}
