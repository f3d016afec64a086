//! What a run leaves behind: one JSON file, from which the page is written.

use std::{collections::BTreeMap, fs, io, path::Path};

use serde::{Deserialize, Serialize};

/// All figures of a run. What a partial run does not measure stays as it was.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Results {
    /// By workload and subject: nanoseconds of each block for a request, framework included.
    pub time: BTreeMap<String, BTreeMap<String, Vec<f64>>>,
    /// By variant and subject: as `time`, of W4 with another version of a dependency.
    pub variants: BTreeMap<String, BTreeMap<String, Vec<f64>>>,
    /// By workload and subject: allocations for a request, framework included.
    pub allocations: BTreeMap<String, BTreeMap<String, f64>>,
    /// By workload and subject: instructions for a request, framework included.
    pub instructions: BTreeMap<String, BTreeMap<String, f64>>,
    /// By workload and subject: microseconds of the server's processor for a request over loopback.
    pub server: BTreeMap<String, BTreeMap<String, Vec<f64>>>,
    /// By workload and subject: requests to Redis for a request.
    pub redis: BTreeMap<String, BTreeMap<String, f64>>,
    /// By curve, subject and place: nanoseconds of each block, without the framework's.
    pub curves: BTreeMap<String, BTreeMap<String, BTreeMap<u64, Vec<f64>>>>,
    /// By the other sessions of the owner: nanoseconds of each block for a login and a logout, framework
    /// included.
    pub owners: BTreeMap<u64, Vec<f64>>,
    /// By subject and workers: microseconds of the server's processor for a request over loopback.
    pub workers: BTreeMap<String, BTreeMap<u64, Vec<f64>>>,
}

impl Results {
    /// Reads what former runs left; nothing when there is no such file.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or is not one of these.
    pub fn load(path: &Path) -> io::Result<Self> {
        match fs::read(path) {
            Ok(json) => serde_json::from_slice(&json).map_err(io::Error::other),
            Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(err) => Err(err),
        }
    }

    /// Writes the file.
    ///
    /// # Errors
    ///
    /// When that fails.
    pub fn store(&self, path: &Path) -> io::Result<()> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(path, serde_json::to_vec_pretty(self).map_err(io::Error::other)?)
    }

    /// Returns what a subject costs in a workload beside its framework, block by block.
    pub fn tax(&self, workload: &str, subject: &str, bare: Option<&str>) -> Option<Vec<f64>> {
        tax(self.time.get(workload)?, subject, bare)
    }
}

/// Returns what a subject costs beside its framework, block by block.
pub fn tax(
    subjects: &BTreeMap<String, Vec<f64>>,
    subject: &str,
    bare: Option<&str>,
) -> Option<Vec<f64>> {
    let with = subjects.get(subject)?;
    let Some(bare) = bare else { return Some(with.clone()) };
    Some(with.iter().zip(subjects.get(bare)?).map(|(with, without)| with - without).collect())
}
