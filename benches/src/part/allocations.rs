//! Allocations of a request. Counted by a program of its own, since counting takes time.

use std::{env, process::Command};

use sessions_benches::{results::Results, site::Subject, workload::Workload};

pub(crate) fn measure(results: &mut Results) {
    let program = env::current_exe().expect("this program has a path");
    let output = Command::new(program.with_file_name("allocations")).output();
    let output = output.expect("the program allocations stands beside this one");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    results.allocations = serde_json::from_slice(&output.stdout).expect("it writes JSON");

    println!("\nallocations of a request above the bare framework");
    for subject in Subject::ALL {
        let Some(bare) = subject.bare() else { continue };
        print!("  {:24}", subject.name());
        for workload in Workload::ALL {
            let counted = &results.allocations[workload.code()];
            print!("{:>5} {:4.1}", workload.code(), counted[subject.name()] - counted[bare.name()]);
        }
        println!();
    }
}
