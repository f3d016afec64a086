//! Breaches of the contract.

use std::{error::Error, fmt, time::Duration};

use tokio::time::{Instant, timeout};

use crate::store::StoreError;

/// How long one check may take: a store that hangs fails instead of hanging the test.
const LIMIT: Duration = Duration::from_secs(60);

/// A sentence of the contract that a store breaks, and what was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    sentence: &'static str,
    found: String,
}

impl Breach {
    /// Returns the sentence of the contract.
    pub fn sentence(&self) -> &'static str {
        self.sentence
    }

    /// Returns what the store did instead.
    pub fn found(&self) -> &str {
        &self.found
    }
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.sentence, self.found)
    }
}

/// Whether a sentence of the contract holds.
pub(super) type Checked = Result<(), Found>;

/// What a check found instead.
pub(super) struct Found(pub(super) String);

impl From<StoreError> for Found {
    fn from(err: StoreError) -> Self {
        let mut text = format!("it answered with an error: {err}");
        let mut source = err.source();
        while let Some(cause) = source {
            text.push_str(": ");
            text.push_str(&cause.to_string());
            source = cause.source();
        }
        Self(text)
    }
}

/// Ends a check with what was found, unless the condition holds.
macro_rules! ensure {
    ($holds:expr, $($found:tt)+) => {
        if !$holds {
            return Err(crate::test::store::breach::Found(format!($($found)+)));
        }
    };
}
pub(super) use ensure;

/// The breaches that the checks found.
#[derive(Default)]
pub(super) struct Report {
    pub(super) breaches: Vec<Breach>,
    /// The store hangs: each further check would wait for it.
    hangs: bool,
}

impl Report {
    pub(super) async fn check(
        &mut self,
        sentence: &'static str,
        check: impl Future<Output = Checked>,
    ) {
        if self.hangs {
            return;
        }
        let start = Instant::now();
        self.note(sentence, outcome(check).await);
        self.hangs = start.elapsed() >= LIMIT;
    }

    pub(super) fn hangs(&self) -> bool {
        self.hangs
    }

    pub(super) fn note(&mut self, sentence: &'static str, checked: Checked) {
        if let Err(Found(found)) = checked {
            self.breaches.push(Breach { sentence, found });
        }
    }
}

/// Runs a check within the time it may take.
pub(super) async fn outcome(check: impl Future<Output = Checked>) -> Checked {
    timeout(LIMIT, check).await.unwrap_or_else(|_| {
        Err(Found(format!(
            "it did not finish within {LIMIT:?}; what comes after it is not checked"
        )))
    })
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::Report;

    #[tokio::test(start_paused = true)]
    async fn a_store_that_hangs_is_found_out_once() {
        let mut report = Report::default();
        report.check("it answers", ready(Ok(()))).await;
        report.check("it answers the second time", pending()).await;
        report.check("it answers the third time", pending()).await;
        let [breach] = &report.breaches[..] else { panic!("{:?}", report.breaches) };
        assert_eq!(
            breach.to_string(),
            "it answers the second time: it did not finish within 60s; what comes after it is not checked"
        );
    }
}
