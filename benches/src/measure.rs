//! Interleaved blocks: every subject gets a slice of each moment, so that what disturbs the machine
//! disturbs all alike.

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

use crate::{
    site::{Site, Subject},
    stats::median,
    workload::Workload,
};

/// How long, and how often.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// How many blocks: each gives one value.
    pub blocks: usize,
    /// How many slices of a block each subject gets. The block's value is the middle one.
    pub slices: usize,
    /// How long a slice takes, about.
    pub slice: Duration,
}

impl Plan {
    /// What the published figures are made with.
    pub const FULL: Self = Self { blocks: 60, slices: 7, slice: Duration::from_micros(1_500) };
    /// Half a minute for all workloads, with wider intervals.
    pub const QUICK: Self = Self { blocks: 30, slices: 5, slice: Duration::from_micros(500) };
    /// Whether it runs at all.
    pub const SMOKE: Self = Self { blocks: 3, slices: 1, slice: Duration::from_micros(50) };
}

/// Subjects that are measured together.
pub struct Bench {
    sites: Vec<(Subject, Box<dyn Site>)>,
}

impl Bench {
    /// Starts the subjects, and checks that each does what it is measured for.
    pub fn start(subjects: &[Subject]) -> Self {
        Self::of(subjects.iter().map(|subject| (*subject, subject.start())).collect())
    }

    /// Takes sites that were started, and checks that each does what it is measured for.
    pub fn of(sites: Vec<(Subject, Box<dyn Site>)>) -> Self {
        for (subject, site) in &sites {
            for workload in Workload::ALL {
                check(*subject, &**site, workload);
            }
        }
        Self { sites }
    }

    /// Returns the sites, to change what they hold.
    pub fn sites(&mut self) -> impl Iterator<Item = (Subject, &mut Box<dyn Site>)> {
        self.sites.iter_mut().map(|(subject, site)| (*subject, site))
    }

    /// Returns, for each subject, the nanoseconds that a request takes in each block: of the
    /// processor's time of this thread, so that a neighbour's turn does not count.
    pub fn measure(&self, workload: Workload, plan: Plan) -> Vec<(Subject, Vec<f64>)> {
        let times: Vec<u32> =
            self.sites.iter().map(|(_, site)| times(&**site, workload, plan.slice)).collect();
        let mut blocks = vec![Vec::with_capacity(plan.blocks); self.sites.len()];
        for block in 0..plan.blocks {
            let mut slices = vec![Vec::with_capacity(plan.slices); self.sites.len()];
            for slice in 0..plan.slices {
                for turn in 0..self.sites.len() {
                    let at = (turn + slice + block) % self.sites.len();
                    let (_, site) = &self.sites[at];
                    let taken = time(&**site, workload, times[at]);
                    slices[at].push(taken.as_nanos() as f64 / f64::from(times[at]));
                }
            }
            for (blocks, slices) in blocks.iter_mut().zip(slices) {
                blocks.push(median(slices));
            }
        }
        self.sites.iter().zip(blocks).map(|((subject, _), blocks)| (*subject, blocks)).collect()
    }
}

/// Returns the nanoseconds that one of many things takes in each block.
pub fn blocks_of(plan: Plan, times: u32, run: impl Fn(u32)) -> Vec<f64> {
    let slice = || {
        let start = thread_time();
        run(times);
        thread_time().saturating_sub(start).as_nanos() as f64 / f64::from(times)
    };
    (0..plan.blocks).map(|_| median((0..plan.slices).map(|_| slice()).collect())).collect()
}

/// A subject that fails would look fast.
fn check(subject: Subject, site: &dyn Site, workload: Workload) {
    let answer = site.answer(workload);
    assert_eq!(answer.status, 200, "{subject:?} {workload:?}");
    let has_sessions = subject.bare().is_some() || subject == Subject::Floor;
    let sets_cookie = match workload {
        Workload::Create => has_sessions,
        // The client has the token of a store already. Only tower-sessions sends it again.
        Workload::Write | Workload::WriteLarge => {
            has_sessions && !matches!(subject, Subject::Memory | Subject::LeastMemory)
        }
        _ => false,
    };
    assert_eq!(answer.cookie.is_some(), sets_cookie, "{subject:?} {workload:?}");
}

/// Nothing takes so little that more of it would fit into a slice.
const MOST: u32 = 1 << 24;

/// How many requests fill a slice. Warms up, too.
fn times(site: &dyn Site, workload: Workload, slice: Duration) -> u32 {
    let mut times = 1;
    loop {
        let taken = time(site, workload, times);
        if taken * 2 > slice || times >= MOST {
            let filling = u128::from(times) * slice.as_nanos() / taken.as_nanos().max(1);
            return u32::try_from(filling).unwrap_or(MOST).clamp(1, MOST);
        }
        times *= 2;
    }
}

fn time(site: &dyn Site, workload: Workload, times: u32) -> Duration {
    let start = thread_time();
    site.run(workload, times);
    thread_time().saturating_sub(start)
}

fn thread_time() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("this thread has a clock").into()
}
