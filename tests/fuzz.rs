//! Runs every fuzz target briefly, on its corpus: whole, cut and mutated. A panic is a failure; `make fuzz`
//! runs them for long, guided by coverage.

#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use apigee_tls::bundle::fuzz_bundle;
use apigee_tls::redact::self_test::fuzz_redact;
use apigee_tls::wire::access_log::fuzz_access_log;
use apigee_tls::wire::capture::{fuzz_analysis, fuzz_capture, fuzz_layers, fuzz_stream};
use apigee_tls::wire::certificate::fuzz_certificate;
use apigee_tls::wire::edge::fuzz_edge;
use apigee_tls::wire::log_store::fuzz_log_store;
use apigee_tls::wire::overrides::fuzz_overrides;
use apigee_tls::wire::private_key::fuzz_private_key;
use apigee_tls::wire::tls::passive::fuzz_passive;
use apigee_tls::wire::tls::{fuzz_client_hello, fuzz_server_flight};

/// Name of the target, its function, and the number of mutated copies of each file.
type Target = (&'static str, fn(&[u8]), usize);

const TARGETS: [Target; 15] = [
    ("access_log", fuzz_access_log, 60),
    ("bundle", fuzz_bundle, 200),
    ("capture", fuzz_capture, 2000),
    ("capture_analysis", fuzz_analysis, 300),
    ("capture_layers", fuzz_layers, 1000),
    ("capture_stream", fuzz_stream, 500),
    ("certificate", fuzz_certificate, 300),
    ("client_hello", fuzz_client_hello, 500),
    ("edge", fuzz_edge, 100),
    ("log_store", fuzz_log_store, 500),
    ("overrides", fuzz_overrides, 200),
    ("private_key", fuzz_private_key, 100),
    ("redact", fuzz_redact, 40),
    ("tls_captured", fuzz_passive, 500),
    ("tls_flight", fuzz_server_flight, 300),
];

/// Number of evenly spaced places at which each file is cut; a shorter file is cut at each byte.
const CUTS: usize = 512;

fn fuzz(folder: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz").join(folder)
}

fn names(folder: &str) -> BTreeSet<String> {
    fs::read_dir(fuzz(folder))
        .expect("the folder is there")
        .map(|entry| entry.expect("it can be listed").path())
        .map(|path| path.file_stem().expect("it has a name").to_string_lossy().into_owned())
        .collect()
}

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let mut files: Vec<PathBuf> = fs::read_dir(fuzz("corpus").join(target))
        .expect("the corpus is there")
        .map(|entry| entry.expect("it can be listed").path())
        .collect();
    files.sort();
    files.iter().map(|file| fs::read(file).expect("it can be read")).collect()
}

/// Xorshift generator: the same numbers in each run.
struct Random(u32);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        usize::try_from(self.0).unwrap_or_default() % limit.max(1)
    }

    fn byte(&mut self) -> u8 {
        self.below(256).try_into().unwrap_or_default()
    }

    /// Applies a few mutations that damage files in practice and make parsers fail.
    fn change(&mut self, bytes: &mut Vec<u8>, files: &[Vec<u8>]) {
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len());
            match self.below(7) {
                0 => bytes.truncate(at),
                1 => bytes.insert(at, self.byte()),
                2 => drop(bytes.drain(at..(at + 1 + self.below(8)).min(bytes.len()))),
                3 => {
                    let part = bytes[at..bytes.len().min(at + 20)].to_vec();
                    let to = self.below(bytes.len());
                    bytes.splice(to..to, part);
                }
                4 => {
                    let other = &files[self.below(files.len())];
                    bytes.truncate(at);
                    bytes.extend(&other[self.below(other.len())..]);
                }
                _ => {
                    if let Some(byte) = bytes.get_mut(at) {
                        *byte ^= 1 << self.below(8);
                    }
                }
            }
        }
    }
}

#[test]
fn runs_every_target_with_a_corpus() {
    let targets: BTreeSet<String> = TARGETS.iter().map(|(name, ..)| (*name).to_owned()).collect();
    assert_eq!(names("fuzz_targets"), targets);
    assert_eq!(names("corpus"), targets);
    for (target, ..) in TARGETS {
        assert!(corpus(target).len() > 1, "{target}");
    }
}

#[test]
fn accepts_the_corpus_whole_cut_and_mutated() {
    std::thread::scope(|scope| {
        for (target, run, copies) in TARGETS {
            let hold = move || {
                let files = corpus(target);
                let mut random = Random(0x9E37_79B9);
                for file in &files {
                    run(file);
                    for end in (0..file.len()).step_by(file.len().div_ceil(CUTS).max(1)) {
                        run(&file[..end]);
                    }
                    for _ in 0..copies {
                        let mut changed = file.clone();
                        random.change(&mut changed, &files);
                        run(&changed);
                    }
                }
            };
            let thread = std::thread::Builder::new().name(target.to_owned());
            thread.spawn_scoped(scope, hold).expect("a thread starts");
        }
    });
}
