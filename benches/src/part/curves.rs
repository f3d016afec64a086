//! What the price depends on: the size of the session, how many other cookies a browser sends, how
//! many sessions a store in memory holds, and how many of them one owner has.

use sessions_benches::{
    measure::{Bench, Plan, blocks_of},
    results::Results,
    site::{Subject, owners::Owners},
    stats::mean,
    workload::Workload,
};

use crate::Effort;

const SUBJECTS: [Subject; 6] = [
    Subject::Actix,
    Subject::Signed,
    Subject::Memory,
    Subject::ActixSessionSigned,
    Subject::Axum,
    Subject::TowerMemory,
];
const IN_MEMORY: [Subject; 4] =
    [Subject::Actix, Subject::Memory, Subject::Axum, Subject::TowerMemory];
/// The largest session that the cookies of both hold, about.
const LARGEST_IN_COOKIE: usize = 2_900;

pub(crate) fn measure(results: &mut Results, effort: Effort) {
    results.curves.clear();
    let plan = Plan { blocks: effort.plan().blocks / 2, ..effort.plan() };
    by_size(results, plan);
    by_cookies(results, plan);
    by_stored_size(results, plan);
    by_sessions(results, plan, effort);
    by_owner(results, plan, effort);
}

fn by_size(results: &mut Results, plan: Plan) {
    for bytes in [100, 250, 500, 1_000, 2_000, LARGEST_IN_COOKIE, 4_000] {
        let subjects = if bytes > LARGEST_IN_COOKIE { &IN_MEMORY[..] } else { &SUBJECTS[..] };
        let mut bench = Bench::start(subjects);
        bench.sites().for_each(|(_, site)| site.fill(bytes));
        point(results, &bench, plan, "size-read", bytes, Workload::ReadLarge);
        point(results, &bench, plan, "size-write", bytes, Workload::WriteLarge);
    }
}

fn by_stored_size(results: &mut Results, plan: Plan) {
    let mut bench = Bench::start(&IN_MEMORY);
    for bytes in [100, 1_000, 4_000, 16_000, 64_000] {
        bench.sites().for_each(|(_, site)| site.fill(bytes));
        point(results, &bench, plan, "stored-read", bytes, Workload::ReadLarge);
        point(results, &bench, plan, "stored-write", bytes, Workload::WriteLarge);
    }
}

fn by_cookies(results: &mut Results, plan: Plan) {
    let mut bench = Bench::start(&SUBJECTS);
    for others in [0, 10, 20, 30, 40, 50] {
        bench.sites().for_each(|(_, site)| site.add_cookies(others));
        point(results, &bench, plan, "cookies-unused", others, Workload::Unused);
        point(results, &bench, plan, "cookies-read", others, Workload::Read);
    }
}

fn by_sessions(results: &mut Results, plan: Plan, effort: Effort) {
    let most = match effort {
        Effort::Full => 1_000_000,
        Effort::Quick => 100_000,
        Effort::Smoke => 1_000,
    };
    for sessions in [1_000, 10_000, 100_000, 1_000_000] {
        if sessions > most {
            break;
        }
        let mut bench = Bench::start(&IN_MEMORY);
        bench.sites().for_each(|(_, site)| site.crowd(sessions));
        point(results, &bench, plan, "sessions-read", sessions, Workload::Read);
        point(results, &bench, plan, "sessions-write", sessions, Workload::Write);
    }
}

fn by_owner(results: &mut Results, plan: Plan, effort: Effort) {
    /// Pairs of a login and a logout in a slice.
    const PAIRS: u32 = 20;
    let most = if effort == Effort::Smoke { 10 } else { 30_000 };
    results.owners.clear();
    let (owners, mut sessions) = (Owners::start(), 0);
    for others in [0, 10, 100, 1_000, 10_000, 30_000] {
        if others > most {
            break;
        }
        owners.log_in(others - sessions);
        sessions = others;
        owners.run(PAIRS);
        let blocks = blocks_of(plan, PAIRS, |times| owners.run(times));
        let cost = mean(&blocks);
        println!("owner {others:>7}:   login and logout {:.0} ± {:.0}", cost.mean, cost.half);
        results.owners.insert(others, blocks);
    }
}

fn point(
    results: &mut Results,
    bench: &Bench,
    plan: Plan,
    curve: &str,
    at: usize,
    workload: Workload,
) {
    let measured = bench.measure(workload, plan);
    let blocks_of = |wanted: Subject| {
        measured.iter().find(|(subject, _)| *subject == wanted).map(|(_, blocks)| blocks)
    };
    print!("{curve} {at:>7}:");
    for (subject, with) in &measured {
        let Some(without) = subject.bare().and_then(blocks_of) else { continue };
        let tax: Vec<f64> = with.iter().zip(without).map(|(with, bare)| with - bare).collect();
        let cost = mean(&tax);
        print!("   {} {:.0} ± {:.0}", subject.name(), cost.mean, cost.half);
        let curve = results.curves.entry(curve.to_owned()).or_default();
        let subject = curve.entry(subject.name().to_owned()).or_default();
        subject.insert(at as u64, tax);
    }
    println!();
}
