//! Instructions of a request: what callgrind counts for twice as many requests, minus what it counts
//! for so many.
//!
//! Valgrind's processor has no instructions for SHA-256, so that the crate `sha2` computes it in
//! software there. The figures are corrected: what the software took is replaced by what the
//! processor's instructions take for as many blocks.

use std::{
    collections::BTreeMap,
    env, fs,
    process::{Command, Stdio},
};

use sessions_benches::{results::Results, site::Subject, workload::Workload};

use crate::Effort;

/// For a block of 64 bytes: 170 instructions in the loop of the one, 3,362 counted of the other.
const BY_PROCESSOR: f64 = 170.0 / 3_362.0;

/// Instructions by function, for one request.
type Profile = BTreeMap<String, f64>;

const SUBJECTS: [Subject; 6] = [
    Subject::Actix,
    Subject::Signed,
    Subject::Memory,
    Subject::ActixSessionSigned,
    Subject::Axum,
    Subject::TowerMemory,
];

pub(crate) fn measure(results: &mut Results, effort: Effort) {
    let (workloads, times) = match effort {
        Effort::Full => (&Workload::ALL[..], 400),
        Effort::Quick => (&Workload::ALL[..4], 100),
        Effort::Smoke => (&Workload::ALL[2..3], 10),
    };
    println!("\ninstructions of a request above the bare framework");
    for workload in workloads {
        let mut counted = BTreeMap::new();
        for subject in SUBJECTS {
            let total = corrected(&count(subject, *workload, times));
            counted.insert(subject.name().to_owned(), total);
            if let Some(bare) = subject.bare() {
                let tax = total - counted[bare.name()];
                println!("  {:4}{:24}{tax:9.0}", workload.code(), subject.name());
            }
        }
        results.instructions.insert(workload.code().to_owned(), counted);
    }
}

/// Prints the functions that take the most.
pub(crate) fn profile(subject: Subject, workload: Workload) {
    let mut with = count(subject, workload, 400);
    let total: f64 = with.values().sum();
    println!("{} {}: {total:.0} instructions", subject.name(), workload.code());
    let misses = (misses(subject, workload, 800) - misses(subject, workload, 400)) / 400.0;
    println!("{misses:.0} misses of an instruction cache of 32 KiB");
    if let Some(bare) = subject.bare() {
        for (function, cost) in count(bare, workload, 400) {
            *with.entry(function).or_default() -= cost;
        }
    }
    let mut functions: Vec<_> = with.into_iter().collect();
    functions.sort_by(|one, other| other.1.total_cmp(&one.1));
    let tax: f64 = functions.iter().map(|(_, cost)| cost).sum();
    println!("{tax:.0} above the bare framework:");
    for (function, cost) in functions.iter().take(45) {
        println!("{cost:9.1}  {function}");
    }
}

fn count(subject: Subject, workload: Workload, times: u32) -> Profile {
    let mut profile = callgrind(subject, workload, 2 * times);
    for (function, cost) in callgrind(subject, workload, times) {
        *profile.entry(function).or_default() -= cost;
    }
    profile.retain(|_, cost| {
        *cost /= f64::from(times);
        cost.abs() > 0.05
    });
    profile
}

fn callgrind(subject: Subject, workload: Workload, times: u32) -> Profile {
    parse(&valgrind(subject, workload, times, &[]))
}

/// How often so many requests do not find their code in the instruction cache of one core, about:
/// 32 KiB, in eight ways.
fn misses(subject: Subject, workload: Workload, times: u32) -> f64 {
    let text = valgrind(subject, workload, times, &["--cache-sim=yes", "--I1=32768,8,64"]);
    let values = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.expect("callgrind names its events and their sums").split_whitespace()
    };
    let (_, misses) = values("events: ")
        .zip(values("totals: "))
        .find(|(event, _)| *event == "I1mr")
        .expect("caches are simulated");
    misses.parse().expect("a sum is a number")
}

/// Returns what callgrind writes about so many requests.
fn valgrind(subject: Subject, workload: Workload, times: u32, arguments: &[&str]) -> String {
    let file = tempfile::NamedTempFile::new().expect("there is room for a file");
    let status = Command::new("valgrind")
        .args(["--tool=callgrind", "--quiet"])
        .args(arguments)
        .arg(format!("--callgrind-out-file={}", file.path().display()))
        .arg(env::current_exe().expect("this program has a path"))
        .args(["once", subject.name(), workload.code(), &times.to_string()])
        .stderr(Stdio::null())
        .status()
        .expect("valgrind is installed");
    assert!(status.success());
    fs::read_to_string(file.path()).expect("valgrind wrote the file")
}

/// Sums what each function takes by itself. The line after `calls=` is what the call took.
fn parse(text: &str) -> Profile {
    let mut names: BTreeMap<&str, &str> = BTreeMap::new();
    let mut profile = Profile::new();
    let mut function = "";
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(name) = line.strip_prefix("fn=") {
            let (id, name) = name.split_once(' ').unwrap_or((name, ""));
            if !name.is_empty() {
                names.insert(id, name);
            }
            function = names.get(id).copied().unwrap_or(id);
        } else if let Some(name) = line.strip_prefix("cfn=") {
            if let Some((id, name)) = name.split_once(' ') {
                names.insert(id, name);
            }
        } else if line.starts_with("calls=") {
            lines.next();
        } else if line
            .starts_with(['+', '-', '*', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9'])
            && let Some((_, cost)) = line.split_once(' ')
            && let Ok(cost) = cost.parse::<f64>()
        {
            *profile.entry(function.to_owned()).or_default() += cost;
        }
    }
    profile
}

/// Replaces SHA-256 in software by SHA-256 of the processor.
fn corrected(profile: &Profile) -> f64 {
    let in_software = |function: &str| {
        function.starts_with("sha2::sha256")
            && (function.contains("soft") || function.contains("compress256"))
    };
    profile
        .iter()
        .map(|(function, cost)| if in_software(function) { cost * BY_PROCESSOR } else { *cost })
        .sum()
}
