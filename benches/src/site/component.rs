//! Components of a new session, each alone: no framework, no session.

use std::hint::black_box;

use hkdf::Hkdf;
use sha2::Sha256;

use super::{Answer, Site};
use crate::workload::Workload;

/// One component of a new session.
pub(super) struct Component {
    make: Box<dyn Fn() -> [u8; 32]>,
}

impl Component {
    /// Randomness from the operating system.
    pub(super) fn randomness() -> Self {
        let make = || {
            let mut bytes = [0; 32];
            getrandom::fill(&mut bytes).expect("the operating system has randomness");
            bytes
        };
        Self { make: Box::new(make) }
    }

    /// The key of an encrypted token, derived with HKDF.
    pub(super) fn key() -> Self {
        let keys = Hkdf::<Sha256>::new(None, &[7; 32]);
        let make = move || {
            let mut key = [0; 32];
            keys.expand(black_box(&[9; 32]), &mut key).expect("32 bytes are one block of SHA-256");
            key
        };
        Self { make: Box::new(make) }
    }
}

impl Site for Component {
    fn run(&self, workload: Workload, times: u32) {
        for _ in 0..times {
            if workload == Workload::Create {
                black_box((self.make)());
            }
        }
    }

    fn answer(&self, _workload: Workload) -> Answer {
        Answer { status: 200, cookie: None }
    }

    fn fill(&mut self, _bytes: usize) {}

    fn crowd(&mut self, _sessions: usize) {}

    fn add_cookies(&mut self, _others: usize) {}
}
