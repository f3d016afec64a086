//! This checkout and another commit, beside the peers: `benches/ab --help` says how.
//!
//! Both are linked into this program, and take turns in slices of a millisecond and a half, so that whatever
//! disturbs the machine disturbs both.

use std::{env, process::ExitCode};

use after::{
    measure::{Bench, Plan},
    site::{Answer, Site, Subject},
    stats::{Estimate, mean, ratio},
    workload::Workload,
};

/// What changes from commit to commit, and the peer that each is compared with.
const PAIRS: [(Subject, Subject); 3] = [
    (Subject::Signed, Subject::ActixSessionSigned),
    (Subject::Encrypted, Subject::ActixSessionPrivate),
    (Subject::Memory, Subject::TowerMemory),
];

fn main() -> ExitCode {
    let mut plan = Plan::FULL;
    let mut workloads = Vec::new();
    for word in env::args().skip(1) {
        match word.as_str() {
            "--quick" => plan = Plan::QUICK,
            "--smoke" => plan = Plan::SMOKE,
            code => match Workload::of_code(code) {
                Some(workload) => workloads.push(workload),
                None => {
                    eprintln!("benches/ab: unknown argument {code}; see benches/ab --help");
                    return ExitCode::from(2);
                }
            },
        }
    }
    if workloads.is_empty() {
        workloads.extend(Workload::ALL);
    }
    println!("nanoseconds of a request above the bare framework\n");
    println!("| | before | after | after / before | before / peer | after / peer | ahead |");
    println!("|---|---|---|---|---|---|---|");
    for workload in workloads {
        for (subject, peer) in PAIRS {
            println!("{}", row(workload, subject, peer, plan));
        }
    }
    ExitCode::SUCCESS
}

/// Measures one subject of both commits with its peer, and the frameworks of both.
fn row(workload: Workload, subject: Subject, peer: Subject, plan: Plan) -> String {
    let [framework, framework_of_peer] =
        [subject, peer].map(|it| it.bare().expect("a session costs more than none"));
    let sites = vec![
        (framework, framework.start()),
        (framework_of_peer, framework_of_peer.start()),
        (peer, peer.start()),
        (subject, subject.start()),
        (subject, Box::new(Former::start(subject)) as Box<dyn Site>),
    ];
    let measured = Bench::of(sites).measure(workload, plan);
    let blocks = |at: usize| measured[at].1.as_slice();
    let above = |with: &[f64], without: &[f64]| -> Vec<f64> {
        with.iter().zip(without).map(|(with, without)| with - without).collect()
    };
    let peer_costs = above(blocks(2), blocks(1));
    let (after, before) = (above(blocks(3), blocks(0)), above(blocks(4), blocks(0)));
    let with_peer = ratio(&after, &peer_costs);
    format!(
        "| {} {} | {} | {} | {} | {} | {} | {} |",
        workload.code(),
        subject.name(),
        shown(mean(&before), 0),
        shown(mean(&after), 0),
        shown(ratio(&after, &before), 3),
        shown(ratio(&before, &peer_costs), 3),
        shown(with_peer, 3),
        with_peer.ahead(),
    )
}

fn shown(estimate: Estimate, digits: usize) -> String {
    format!("{:.digits$} ± {:.digits$}", estimate.mean, estimate.half)
}

/// A site of the other commit.
struct Former(Box<dyn before::site::Site>);

impl Former {
    fn start(subject: Subject) -> Self {
        let former = before::site::Subject::of_name(subject.name());
        Self(former.expect("the other commit has this subject").start())
    }
}

impl Site for Former {
    fn run(&self, workload: Workload, times: u32) {
        self.0.run(former(workload), times);
    }

    fn answer(&self, workload: Workload) -> Answer {
        let before::site::Answer { status, cookie } = self.0.answer(former(workload));
        Answer { status, cookie }
    }

    fn fill(&mut self, bytes: usize) {
        self.0.fill(bytes);
    }

    fn crowd(&mut self, sessions: usize) {
        self.0.crowd(sessions);
    }

    fn add_cookies(&mut self, others: usize) {
        self.0.add_cookies(others);
    }
}

fn former(workload: Workload) -> before::workload::Workload {
    before::workload::Workload::of_code(workload.code())
        .expect("the other commit has this workload")
}
