//! Processor time, in one process and one thread.

use std::collections::BTreeMap;

use sessions_benches::{
    measure::Bench,
    results::Results,
    site::Subject,
    stats::{mean, ratio},
    workload::Workload,
};

use crate::Effort;

pub(crate) fn measure(results: &mut Results, effort: Effort) {
    let bench = Bench::start(&Subject::ALL);
    for workload in Workload::ALL {
        let blocks = by_name(bench.measure(workload, effort.plan()));
        results.time.insert(workload.code().to_owned(), blocks);
        print(results, workload);
    }
}

/// Measures W4 with another version of a dependency, with which this program was built.
pub(crate) fn measure_variant(results: &mut Results, name: &str) {
    let bench = Bench::start(&Subject::ALL);
    let blocks = by_name(bench.measure(Workload::Create, Effort::Full.plan()));
    results.variants.insert(name.to_owned(), blocks);
}

fn by_name(measured: Vec<(Subject, Vec<f64>)>) -> BTreeMap<String, Vec<f64>> {
    measured.into_iter().map(|(subject, blocks)| (subject.name().to_owned(), blocks)).collect()
}

fn print(results: &Results, workload: Workload) {
    println!(
        "\n{} {}: nanoseconds of a request above the bare framework",
        workload.code(),
        workload.title()
    );
    let tax = |subject: Subject| {
        results.tax(workload.code(), subject.name(), subject.bare().map(Subject::name))
    };
    let [signed, memory] = [Subject::Signed, Subject::Memory].map(tax);
    for subject in Subject::ALL {
        let Some(blocks) = tax(subject) else { continue };
        let is_framework = matches!(subject, Subject::Actix | Subject::Axum);
        let cost = mean(&blocks);
        print!("  {:24}{:9.0} ± {:4.0}", subject.name(), cost.mean, cost.half);
        for (name, ours) in [("signed", &signed), ("memory", &memory)] {
            // No ratio to a subject that takes no time that can be measured.
            if !is_framework
                && cost.mean > 10.0
                && let Some(ours) = ours
            {
                let part = ratio(ours, &blocks);
                print!("   {name} / this = {:6.3} ± {:5.3}", part.mean, part.half);
            }
        }
        println!();
    }
}
