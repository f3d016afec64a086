//! The tables, as Markdown.

use std::fmt::Write;

use sessions_benches::{
    results::Results,
    site::Subject,
    stats::{Estimate, mean, ratio},
    workload::Workload,
};

use super::promises;

const COLUMNS: [(Subject, &str); 6] = [
    (Subject::Signed, "signed"),
    (Subject::ActixSessionSigned, "actix-session, signed"),
    (Subject::Encrypted, "encrypted"),
    (Subject::ActixSessionPrivate, "actix-session, encrypted"),
    (Subject::Memory, "memory"),
    (Subject::TowerMemory, "tower-sessions, memory"),
];

/// Ours, and the peer that it is compared with.
const PAIRS: [(Subject, Subject); 3] = [
    (Subject::Signed, Subject::ActixSessionSigned),
    (Subject::Encrypted, Subject::ActixSessionPrivate),
    (Subject::Memory, Subject::TowerMemory),
];

/// The least of each of ours, and the peer.
const LEAST: [(Subject, Subject); 3] = [
    (Subject::LeastSigned, Subject::ActixSessionSigned),
    (Subject::LeastEncrypted, Subject::ActixSessionPrivate),
    (Subject::LeastMemory, Subject::TowerMemory),
];

const COUNTED: [Subject; 4] =
    [Subject::Signed, Subject::ActixSessionSigned, Subject::Memory, Subject::TowerMemory];

/// Returns the tables by the names of their markers.
pub(super) fn all(results: &Results) -> [(&'static str, String); 9] {
    [
        ("ratios", ratios(results)),
        ("time", time(results)),
        ("least", least(results)),
        ("promises", promises::table(results)),
        ("instructions", counted(results, "instructions")),
        ("allocations", counted(results, "allocations")),
        ("server", server(results)),
        ("owners", owners(results)),
        ("workers", workers(results)),
    ]
}

fn tax(results: &Results, workload: Workload, subject: Subject) -> Option<Vec<f64>> {
    results.tax(workload.code(), subject.name(), subject.bare().map(Subject::name))
}

fn ratios(results: &Results) -> String {
    let mut table = "| workload | signed / actix-session signed | encrypted / actix-session encrypted | memory / tower-sessions memory | ahead: signed, encrypted, memory |\n|---|---|---|---|---|\n".to_owned();
    for workload in Workload::ALL {
        let ahead = PAIRS.map(|(ours, peer)| {
            let (ours, peer) = (tax(results, workload, ours), tax(results, workload, peer));
            ours.zip(peer).map_or("–", |(ours, peer)| ratio(&ours, &peer).ahead())
        });
        writeln!(
            table,
            "| {} {} | {} | {} |",
            workload.code(),
            workload.title(),
            PAIRS.map(|(ours, peer)| part(results, workload, ours, peer)).join(" | "),
            ahead.join(", "),
        )
        .expect("a string takes text");
    }
    table
}

/// Returns what one costs in parts of what the other costs, if that is more than the clock's error.
fn part(results: &Results, workload: Workload, one: Subject, other: Subject) -> String {
    let (one, other) = (tax(results, workload, one), tax(results, workload, other));
    let (Some(one), Some(other)) = (one, other) else { return "–".to_owned() };
    if mean(&other).mean < 10.0 { "–".to_owned() } else { show(ratio(&one, &other), 3) }
}

fn least(results: &Results) -> String {
    let mut table = "| workload | signed: least | / actix-session | encrypted: least | / actix-session | memory: least | / tower-sessions | floor of signed | signed / floor |\n|---|---|---|---|---|---|---|---|---|\n".to_owned();
    for workload in Workload::ALL {
        let cost = |subject| {
            tax(results, workload, subject)
                .map_or_else(String::new, |blocks| show(mean(&blocks), 0))
        };
        let least = LEAST.map(|(least, peer)| {
            format!("{} | {}", cost(least), part(results, workload, least, peer))
        });
        writeln!(
            table,
            "| {} {} | {} | {} | {} |",
            workload.code(),
            workload.title(),
            least.join(" | "),
            cost(Subject::Floor),
            part(results, workload, Subject::Signed, Subject::Floor),
        )
        .expect("a string takes text");
    }
    table
}

fn time(results: &Results) -> String {
    let mut table = "| workload |".to_owned();
    for (_, title) in COLUMNS {
        write!(table, " {title} |").expect("a string takes text");
    }
    table.push_str("\n|---|---|---|---|---|---|---|\n");
    for workload in Workload::ALL {
        write!(table, "| {} {} |", workload.code(), workload.title()).expect("a string takes text");
        for (subject, _) in COLUMNS {
            let cost = tax(results, workload, subject).map(|blocks| show(mean(&blocks), 0));
            write!(table, " {} |", cost.unwrap_or_default()).expect("a string takes text");
        }
        table.push('\n');
    }
    table
}

fn counted(results: &Results, what: &str) -> String {
    let counted = if what == "instructions" { &results.instructions } else { &results.allocations };
    let mut table = "| workload | signed | actix-session, signed | memory | tower-sessions, memory |\n|---|---|---|---|---|\n".to_owned();
    for workload in Workload::ALL {
        let Some(counted) = counted.get(workload.code()) else { continue };
        write!(table, "| {} {} |", workload.code(), workload.title()).expect("a string takes text");
        for subject in COUNTED {
            let bare = subject.bare().map_or(0.0, |bare| counted[bare.name()]);
            let tax = counted[subject.name()] - bare;
            write!(table, " {} |", thousands(tax)).expect("a string takes text");
        }
        table.push('\n');
    }
    table
}

fn server(results: &Results) -> String {
    let mut table = "| workload | bare | ours, Redis | actix-session, Redis | ratio | the least | / actix-session | requests to Redis: ours | actix-session |\n|---|---|---|---|---|---|---|---|---|\n".to_owned();
    for workload in Workload::ALL {
        let Some(server) = results.server.get(workload.code()) else { continue };
        let asked = &results.redis[workload.code()];
        let (ours, peer, least) = ("redis", "actix-session-redis", "redis-least");
        writeln!(
            table,
            "| {} {} | {} | {} | {} | {} | {} | {} | {:.0} | {:.0} |",
            workload.code(),
            workload.title(),
            show(mean(&server["actix"]), 1),
            show(mean(&server[ours]), 1),
            show(mean(&server[peer]), 1),
            show(ratio(&server[ours], &server[peer]), 3),
            show(mean(&server[least]), 1),
            show(ratio(&server[least], &server[peer]), 3),
            asked[ours],
            asked[peer],
        )
        .expect("a string takes text");
    }
    table
}

fn owners(results: &Results) -> String {
    let mut table =
        "| other sessions of the owner | microseconds for a login and a logout |\n|---|---|\n"
            .to_owned();
    for (others, blocks) in &results.owners {
        let Estimate { mean, half } = mean(blocks);
        let micros = Estimate { mean: mean / 1_000.0, half: half / 1_000.0 };
        writeln!(table, "| {} | {} |", thousands(*others as f64), show(micros, 1))
            .expect("a string takes text");
    }
    table
}

fn workers(results: &Results) -> String {
    let mut table = "| W3 | one worker | two workers | ratio |\n|---|---|---|---|\n".to_owned();
    let titles = [
        ("actix", "bare"),
        ("signed", "ours, signed"),
        ("memory", "ours, memory"),
        ("redis", "ours, Redis"),
    ];
    for (name, title) in titles {
        let Some(by_workers) = results.workers.get(name) else { continue };
        let [one, two] = [1, 2].map(|workers| &by_workers[&workers]);
        let (each, part) = ([one, two].map(|blocks| show(mean(blocks), 1)), ratio(two, one));
        writeln!(table, "| {title} | {} | {} |", each.join(" | "), show(part, 3))
            .expect("a string takes text");
    }
    table
}

pub(super) fn show(estimate: Estimate, digits: usize) -> String {
    if digits == 0 {
        return format!("{} ± {}", thousands(estimate.mean), thousands(estimate.half));
    }
    format!("{:.digits$} ± {:.digits$}", estimate.mean, estimate.half)
}

/// Rounds, and separates thousands by commas.
fn thousands(number: f64) -> String {
    let digits = format!("{:.0}", number.abs());
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    if number <= -0.5 { format!("−{text}") } else { text }
}
