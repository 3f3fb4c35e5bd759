//! Many runs of `collect` on one stage: set-up, random numbers, and reading back what a run has left.
//!
//! Each run draws from its own generator, so a failed one can be repeated by its seed, whatever ran beside
//! it.

use std::collections::BTreeSet;
use std::collections::hash_map::RandomState;
use std::fs;
use std::hash::{BuildHasher as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use crate::bundle;
use crate::expect::{program, run};
use crate::objects::text;
use crate::scenario::{self, Scenario};
use crate::shell::{Result, last_lines};
use crate::stage::Stage;

/// Number of runs at the same time. Most of a run is waiting.
pub const SIDE_BY_SIDE: usize = 6;

/// Environment variable with the seed of an earlier test, to repeat its runs.
const SEED: &str = "APIGEE_TLS_TEST_SEED";

/// Returns the scenario under another name.
pub fn scenario(name: &str) -> Result<Scenario> {
    let mut scenario = Scenario::read(&scenario::folder().with_file_name("collect.yaml"))?;
    name.clone_into(&mut scenario.name);
    Ok(scenario)
}

/// Sends clients, writes recorded lines, and waits until the logs hold both.
pub fn furnish(stage: &mut Stage<'_>) -> Result<()> {
    stage.send(&stage.scenario.traffic)?;
    stage.record()?;
    stage.wait_for_logs()
}

/// Returns a `collect` command that writes to `bundles` below a folder, with handshakes at these places.
pub fn collect(stage: &Stage<'_>, folder: &Path, kubeconfig: &Path, probe: &str) -> Command {
    let mut command = program(folder);
    command.args(["collect", "-n", &stage.namespace, "--to", "bundles/", "--probe", probe, "--kubeconfig"]);
    command.arg(kubeconfig);
    command
}

/// The folder of one worker's runs.
pub fn folder(stage: &Stage<'_>, name: &str) -> Result<PathBuf> {
    let folder = stage.folder.join(name);
    crate::sandbox::create_folder(&folder.join("bundles"))?;
    Ok(folder)
}

/// Returns the content of `bundles`: complete bundles by their name, and other files.
pub fn left(folder: &Path) -> Result<(Vec<PathBuf>, Vec<PathBuf>)> {
    let entries = fs::read_dir(folder.join("bundles")).map_err(|error| format!("bundles: {error}"))?;
    let paths = entries.flatten().map(|entry| entry.path());
    Ok(paths.partition(|path| path.to_string_lossy().ends_with(".tar.gz")))
}

/// A bundle that `diagnose --from` reads.
pub struct Bundle {
    pub manifest: Value,
    pub evidence: Value,
}

impl Bundle {
    /// Reads a bundle back, and removes it.
    pub fn take(folder: &Path, path: &Path) -> Result<Self> {
        let judged = run(program(folder).args(["diagnose", "-o", "json", "--from"]).arg(path))?;
        if !matches!(judged.status.code(), Some(0 | 1 | 3 | 130)) {
            return Err(format!("--from: {}\n{}", judged.status, last_lines(&judged.stderr, 20)));
        }
        let unpacked = bundle::unpack(folder, path)?;
        let read = |name: &str| -> Result<Value> {
            serde_json::from_slice(&bundle::read(&unpacked.join(name))?).map_err(|error| format!("{name}: {error}"))
        };
        let bundle = Self { manifest: read("manifest.json")?, evidence: read("evidence.json")? };
        let removed = fs::remove_dir_all(&unpacked).and_then(|()| fs::remove_file(path));
        removed.map_err(|error| format!("{}: {error}", path.display()))?;
        // Only the bundle of an interrupted run says so when it is judged.
        let is_interrupted = bundle.partial().is_some_and(|why| why.contains("interrupted"));
        let says_so = judged.status.code() == Some(130);
        if says_so && !is_interrupted {
            return Err(format!("--from: {}, but partial is {:?}", judged.status, bundle.partial()));
        }
        Ok(bundle)
    }

    pub fn partial(&self) -> Option<&str> {
        self.manifest["partial"].as_str()
    }

    pub fn paths(&self) -> BTreeSet<&str> {
        self.files().map(|file| text(&file["path"])).collect()
    }

    /// Returns files that are truncated, except for lines left out by the window.
    pub fn cut(&self) -> BTreeSet<&str> {
        let cut = self.files().filter(|file| file["truncated"]["kept"] == "beginning");
        cut.map(|file| text(&file["path"])).collect()
    }

    pub fn skipped(&self) -> impl Iterator<Item = &Value> {
        self.manifest["skipped"].as_array().into_iter().flatten()
    }

    fn files(&self) -> impl Iterator<Item = &Value> {
        self.manifest["files"].as_array().into_iter().flatten()
    }
}

/// A random number generator: equal numbers for equal seed and run.
pub struct Dice(u64);

impl Dice {
    pub fn of(seed: u64, run: usize) -> Self {
        let run = u64::try_from(run).unwrap_or_default() + 1;
        Self(seed ^ run.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub fn below(&mut self, end: usize) -> usize {
        // xorshift64*, whose upper bits are the better ones.
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from(self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33).unwrap_or_default() % end.max(1)
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

/// Returns the seed of this test, printed so that a failure can be repeated.
pub fn seed(test: &str) -> Result<u64> {
    let seed = match std::env::var(SEED) {
        Ok(given) => given.parse().map_err(|_| format!("{SEED}={given:?} is no number"))?,
        Err(_) => RandomState::new().build_hasher().finish(),
    };
    eprintln!("{test}: {SEED}={seed}");
    Ok(seed)
}

/// Runs all, several at a time, each with the number of its worker; the error lists every failed run.
pub fn side_by_side(runs: usize, each: impl Fn(usize, usize) -> Result<()> + Sync) -> Result<()> {
    let next = AtomicUsize::new(0);
    let failed = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for worker in 0..SIDE_BY_SIDE {
            let (next, failed, each) = (&next, &failed, &each);
            scope.spawn(move || {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= runs {
                        return;
                    }
                    if let Err(why) = each(number, worker) {
                        let mut failed = failed.lock().unwrap_or_else(PoisonError::into_inner);
                        failed.push(format!("run {number}: {why}"));
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
    if failed.is_empty() { Ok(()) } else { Err(format!("{} of {runs} runs\n{}", failed.len(), failed.join("\n"))) }
}
