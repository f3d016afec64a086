//! Measures, and writes what it measured. `benches/run --help` says how.

mod part;

use std::{
    env,
    path::{Path, PathBuf},
    process::ExitCode,
};

use sessions_benches::{measure::Plan, results::Results, site::Subject, workload::Workload};

const HELP: &str = "\
benches/run                            all parts, five to ten minutes
benches/run --quick                    all but page, with wider intervals, under two minutes
benches/run --smoke                    all but page, once, to see that they run
benches/run PART...                    only these: time allocations instructions server curves page
benches/run --libc DIR                 W4 with the glibc in DIR (ld-linux-x86-64.so.2); needs patchelf
benches/run --aes VERSION              W4 with VERSION of the crate aes
benches/run profile SUBJECT WORKLOAD   where the instructions go, by function

The figures are kept in target/benches/results.json (--quick: quick.json, --smoke: smoke.json).
The part page writes those of results.json into docs/performance.md.";

/// How much is measured.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effort {
    Full,
    Quick,
    Smoke,
}

impl Effort {
    pub(crate) fn plan(self) -> Plan {
        match self {
            Self::Full => Plan::FULL,
            Self::Quick => Plan::QUICK,
            Self::Smoke => Plan::SMOKE,
        }
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["--help" | "-h"] => println!("{HELP}"),
        // What the parts start as processes of their own.
        ["once", subject, workload, times] => {
            let (subject, workload) = named(subject, workload);
            subject.start().run(workload, times.parse().expect("times is a number"));
        }
        ["serve", subject, workers, redis] => part::server::serve(subject, workers, redis),
        ["profile", subject, workload] => {
            let (subject, workload) = named(subject, workload);
            part::instructions::profile(subject, workload);
        }
        // Called by `benches/run --libc` and `--aes`.
        ["--variant", name] => {
            let path = results_path(Effort::Full);
            let mut results = Results::load(&path).expect("the figures can be read");
            part::time::measure_variant(&mut results, name);
            results.store(&path).expect("the figures can be kept");
        }
        _ => return run(&words),
    }
    ExitCode::SUCCESS
}

fn named(subject: &str, workload: &str) -> (Subject, Workload) {
    (
        Subject::of_name(subject).expect("the subject is one of those of `Subject::name`"),
        Workload::of_code(workload).expect("the workload is W0 to W4, W5r or W5w"),
    )
}

fn run(words: &[&str]) -> ExitCode {
    const PARTS: [&str; 6] = ["allocations", "time", "instructions", "server", "curves", "page"];
    let mut effort = Effort::Full;
    let mut parts = Vec::new();
    for word in words {
        match *word {
            "--quick" => effort = Effort::Quick,
            "--smoke" => effort = Effort::Smoke,
            part if PARTS.contains(&part) => parts.push(part),
            other => {
                eprintln!("benches/run: unknown argument {other}; see benches/run --help");
                return ExitCode::from(2);
            }
        }
    }
    let all = parts.is_empty();
    let path = results_path(effort);
    let mut results = Results::load(&path).expect("the figures can be read");
    // The page is written when it is asked for, or when everything was measured with care.
    let is_asked =
        |part| parts.contains(&part) || all && (part != "page" || effort == Effort::Full);
    for part in PARTS.into_iter().filter(|part| is_asked(part)) {
        match part {
            "allocations" => part::allocations::measure(&mut results),
            "time" => part::time::measure(&mut results, effort),
            "instructions" => part::instructions::measure(&mut results, effort),
            "server" => part::server::measure(&mut results, effort),
            "curves" => part::curves::measure(&mut results, effort),
            _ => part::page::write(&results),
        }
        results.store(&path).expect("the figures can be kept");
    }
    ExitCode::SUCCESS
}

/// A quick look does not spoil the figures of a full run.
fn results_path(effort: Effort) -> PathBuf {
    let name = match effort {
        Effort::Full => "results.json",
        Effort::Quick => "quick.json",
        Effort::Smoke => "smoke.json",
    };
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/benches").join(name)
}
