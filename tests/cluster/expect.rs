//! Runs the program as a user would, and compares its output with the expectation of the scenario.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::recorded::Logged;
use crate::report::{Report, counted_logs};
use crate::scenario::Expectation;
use crate::shell::{Finished, Result, finish, last_lines};

/// Path of the program under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_kubectl-apigee-tls");

const EVIDENCE: &str = "evidence.json";

/// Time limit: several times what the largest scenario takes.
const LIMIT: Duration = Duration::from_mins(2);

/// Returns a `diagnose` command with the report as JSON and the evidence written beside it.
pub fn diagnose(folder: &Path, kubeconfig: &Path, namespace: &str, further: &[String]) -> Command {
    // Evidence of an earlier run is not replaced.
    drop(std::fs::remove_file(folder.join(EVIDENCE)));
    let mut command = program(folder);
    command.args(["diagnose", "-n", namespace, "-o", "json", "--write-evidence", EVIDENCE, "--kubeconfig"]);
    command.arg(kubeconfig).args(further);
    if !further.iter().any(|argument| argument == "--probe") {
        // This machine's DNS must not affect the scenarios.
        command.args(["--probe", "pods,services"]);
    }
    command
}

/// Reads the evidence that [`diagnose`] wrote.
pub fn evidence(folder: &Path) -> Result<String> {
    std::fs::read_to_string(folder.join(EVIDENCE)).map_err(|error| format!("{EVIDENCE}: {error}"))
}

/// Returns the program without environment variables that change its output.
pub fn program(folder: &Path) -> Command {
    let mut command = Command::new(PROGRAM);
    for name in ["KUBECONFIG", "NO_COLOR", "CLICOLOR_FORCE", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        command.env_remove(name);
    }
    // The width of the report in a bundle.
    command.current_dir(folder).env("COLUMNS", "110");
    command
}

pub fn run(command: &mut Command) -> Result<Finished> {
    finish(command, b"", LIMIT)
}

/// Compares one run with the expectation, and reports every difference.
pub fn compare(finished: &Finished, expected: &Expectation) -> Result<()> {
    let mut differences = String::new();
    if finished.status.code() != Some(expected.exit) {
        let _ = writeln!(differences, "exit code: {}, expected {}", finished.status, expected.exit);
    }
    for part in &expected.stderr {
        if !finished.stderr.contains(part) {
            let _ = writeln!(differences, "stderr does not hold {part:?}");
        }
    }
    if let Some(verdict) = &expected.verdict {
        match Report::parse(&finished.stdout) {
            Err(reason) => differences.push_str(&reason),
            Ok(report) => {
                if report.verdict() != verdict {
                    let _ = writeln!(differences, "verdict: {}, expected {verdict}", report.verdict());
                }
                compare_codes(&mut differences, &report, "found", &expected.found, &[]);
                compare_codes(&mut differences, &report, "unknown", &expected.unknown, &expected.perhaps_unknown);
                let reasons = report.reasons();
                for part in expected.reasons.iter().filter(|part| !reasons.iter().any(|reason| reason.contains(*part)))
                {
                    let _ = writeln!(differences, "no check has the reason {part:?}, but {reasons:?}");
                }
            }
        }
    } else if !finished.stdout.is_empty() {
        let _ = writeln!(differences, "a report where none is expected");
    }
    if differences.is_empty() {
        return Ok(());
    }
    Err(format!("{differences}stderr:\n{}", last_lines(&finished.stderr, 20)))
}

/// The program must count exactly the resets that clients have seen, unless it reports that it could not.
pub fn compare_counts(folder: &Path, expected: &Expectation, logged: Logged) -> Result<()> {
    if expected.verdict.is_none() || expected.unknown.iter().any(|code| code.starts_with("AT10")) {
        return Ok(());
    }
    let logs = counted_logs(&evidence(folder)?)?;
    let without_name: u64 = logs.iter().map(|log| log.resets_without_name).sum();
    let with_name: u64 = logs.iter().map(|log| log.resets_with_name).sum();
    if (without_name, with_name) == (logged.without_name, logged.with_name) {
        return Ok(());
    }
    let mut told = format!("the evidence counts {without_name} resets without SNI and {with_name} with one, ");
    let _ = writeln!(told, "the clients saw {logged:?}; by log:");
    for log in &logs {
        let _ = writeln!(told, "    {log:?}");
    }
    Err(told)
}

/// The same evidence must give the same report, byte for byte, in every format.
pub fn compare_with_evidence(folder: &Path, live: &Finished, further: &[String]) -> Result<()> {
    let judged_again =
        run(program(folder).args(["diagnose", "--from", EVIDENCE, "-o", "json"]).args(judging(further)))?;
    if judged_again.stdout != live.stdout || judged_again.status.code() != live.status.code() {
        return Err(format!(
            "--from gives another report than the live run ({}, {}):\n{}\nfirst difference: {}",
            judged_again.status,
            live.status,
            last_lines(&judged_again.stderr, 20),
            first_difference(&live.stdout, &judged_again.stdout)
        ));
    }
    let text = run(program(folder).args(["diagnose", "--from", EVIDENCE]).args(judging(further)))?;
    if text.status.code() != live.status.code() || text.stdout.is_empty() {
        return Err(format!("the text report of --from: {}\n{}", text.status, last_lines(&text.stderr, 20)));
    }
    Ok(())
}

/// Returns the arguments that affect the judgement; the others affect gathering, and are in the evidence.
fn judging(arguments: &[String]) -> Vec<String> {
    const KEPT: [&str; 4] = ["--expect", "--fail-on", "--only", "--skip"];
    arguments.windows(2).filter(|pair| KEPT.contains(&pair[0].as_str())).flat_map(|pair| pair.iter().cloned()).collect()
}

fn compare_codes(differences: &mut String, report: &Report, outcome: &str, expected: &[String], perhaps: &[String]) {
    let actual = report.codes(outcome);
    let covers = |pattern: &String, code: &String| match pattern.strip_suffix('*') {
        Some(start) => code.starts_with(start),
        None => pattern == code,
    };
    for code in &actual {
        if !expected.iter().chain(perhaps).any(|pattern| covers(pattern, code)) {
            let _ = writeln!(differences, "{outcome}: {code}, not expected: {}", report.describe(code));
        }
    }
    for pattern in expected {
        if !actual.iter().any(|code| covers(pattern, code)) {
            let _ = writeln!(differences, "{outcome}: {pattern} is missing: {}", report.describe(pattern));
        }
    }
}

fn first_difference(left: &[u8], right: &[u8]) -> String {
    let (left, right) = (String::from_utf8_lossy(left), String::from_utf8_lossy(right));
    let pair = left.lines().zip(right.lines()).find(|(left, right)| left != right);
    pair.map_or_else(|| "one is shorter".into(), |(left, right)| format!("\n  live: {left}\n  from: {right}"))
}
