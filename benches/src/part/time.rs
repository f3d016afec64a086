//! Processor time, in one process and one thread.

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
        let measured = bench.measure(workload, effort.plan());
        let by_subject = measured.into_iter().map(|(s, blocks)| (s.name().to_owned(), blocks));
        results.time.insert(workload.code().to_owned(), by_subject.collect());
        print(results, workload);
    }
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
