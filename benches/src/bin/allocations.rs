//! Counts the allocations of a request, and prints them as JSON: by workload, by subject.

use std::collections::BTreeMap;

use sessions_benches::{site::Subject, workload::Workload};

fn main() {
    let mut counted: BTreeMap<&str, BTreeMap<&str, f64>> = BTreeMap::new();
    for subject in Subject::ALL {
        let site = subject.start();
        for workload in Workload::ALL {
            // Pools and tables that grow have grown.
            site.run(workload, 2_000);
            let count =
                |times| allocation_counter::measure(|| site.run(workload, times)).count_total;
            let allocations = (count(2_000) - count(1_000)) as f64 / 1_000.0;
            counted.entry(workload.code()).or_default().insert(subject.name(), allocations);
        }
    }
    println!("{}", serde_json::to_string(&counted).expect("numbers are JSON"));
}
