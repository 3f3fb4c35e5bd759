//! Pseudonyms never change the judgement: judges all evidence of the repository with and without them.

#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

mod support;

use std::path::Path;
use std::sync::LazyLock;

use apigee_tls::bundle::source;
use apigee_tls::evidence::{Evidence, Seen};
use apigee_tls::judgement::{FailOn, Report, Selection, build};
use apigee_tls::redact::{Names, Pseudonyms, Redactions, Redactor};
use serde::Deserialize;
use support::Setting;

/// An entry of a file of `tests/checks`.
#[derive(Deserialize)]
struct Case {
    name: String,
    #[serde(flatten)]
    setting: Setting,
}

/// Returns all recorded evidence, with a name for each.
fn recorded() -> &'static [(String, Evidence)] {
    static RECORDED: LazyLock<Vec<(String, Evidence)>> = LazyLock::new(read_all);
    &RECORDED
}

fn read_all() -> Vec<(String, Evidence)> {
    let mut all = Vec::new();
    for path in support::yaml_files("tests/verdicts") {
        let setting: Setting = support::read(&path).expect("the case reads");
        all.push((stem(&path), setting.evidence().expect("the patch fits")));
    }
    for path in support::yaml_files("tests/checks").into_iter().filter(|path| stem(path).starts_with("AT")) {
        let cases: Vec<Case> = support::read(&path).expect("the cases read");
        for Case { name, setting } in cases {
            all.push((format!("{} {name}", stem(&path)), setting.evidence().expect("the patch fits")));
        }
    }
    for name in ["no-wildcard-route", "after-the-fix"] {
        let path = support::root().join(format!("examples/{name}.tar.gz"));
        let evidence = source::read(path.to_str().expect("a plain path")).expect("the example reads");
        all.push((name.to_owned(), evidence));
    }
    assert!(all.len() > 200, "{}", all.len());
    all
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// Returns a judgement without the texts that hold names.
fn judgement(report: &Report) -> impl PartialEq + std::fmt::Debug {
    let checks = report.checks.iter().map(|check| (check.code, check.outcome, check.findings.len()));
    let causes = report.verdict.causes.iter().map(|cause| (cause.symptom, cause.codes.clone(), cause.certainty));
    let steps = report.steps.iter().map(|step| step.state);
    (
        (report.verdict.kind, report.exit_code, report.verdict.next_measurement.is_some(), report.remedy.steps.len()),
        (checks.collect::<Vec<_>>(), causes.collect::<Vec<_>>(), steps.collect::<Vec<_>>(), report.not_seen.len()),
    )
}

#[test]
fn keeps_the_judgement() {
    let mut replaced = 0;
    for kinds in [Pseudonyms::Both, Pseudonyms::Hosts, Pseudonyms::Addresses] {
        let redactor = Redactor::new(kinds, Names::new([42; 32]));
        // Cases of checks differ in one thing each, so both kinds of pseudonyms together suffice.
        // both do not.
        let recorded = recorded().iter().filter(|(name, _)| kinds == Pseudonyms::Both || !name.starts_with("AT"));
        for (name, evidence) in recorded {
            let mut other = evidence.clone();
            let mut redactions = Redactions::default();
            redactor.evidence(&mut other, &mut redactions);
            replaced += redactions.total();
            let written = serde_json::to_string(&other).expect("evidence serialises");
            let read: Evidence = serde_json::from_str(&written).expect("evidence reads back");
            let (plain, report) = (judged(evidence), judged(&read));
            assert_eq!(judgement(&report), judgement(&plain), "{name} with {kinds:?}");
            assert!(
                written == serde_json::to_string(&read).expect("evidence serialises"),
                "{name} reads back as another"
            );
        }
    }
    assert!(replaced > 10_000, "{replaced}");
}

fn judged(evidence: &Evidence) -> Report {
    build(evidence, &Selection::default(), FailOn::default())
}

/// Hostnames and client addresses by type appear nowhere in the evidence, nor in the report.
#[test]
fn leaves_no_name() {
    let redactor = Redactor::new(Pseudonyms::Both, Names::new([42; 32]));
    for (name, evidence) in recorded() {
        let mut other = evidence.clone();
        redactor.evidence(&mut other, &mut Redactions::default());
        let report = judged(&other);
        let written = serde_json::to_string(&other).expect("evidence serialises")
            + &serde_json::to_string(&report).expect("a report serialises");
        // The address of Azure's health probes is the same everywhere, and tells nothing of a customer.
        for host in hosts(evidence).into_iter().filter(|host| host != "168.63.129.16") {
            assert!(!written.contains(&host), "{name}: {host}");
        }
    }
}

/// Returns hostnames of routes and certificates, clients, and endpoints of handshakes.
fn hosts(evidence: &Evidence) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    if let Seen::Seen(routes) = &evidence.routes {
        names.extend(routes.items.iter().flat_map(|route| route.hostnames.clone()));
    }
    if let Seen::Seen(probes) = &evidence.probes {
        for endpoint in &probes.endpoints {
            names.extend(endpoint.host.clone());
            names.extend(endpoint.address.map(|address| address.to_string()));
            let certificates = endpoint.handshakes.iter().flat_map(|handshake| &handshake.certificates);
            names.extend(certificates.flat_map(|certificate| certificate.dns_names.clone()));
        }
    }
    for stream in &evidence.access_logs {
        if let Seen::Seen(log) = &stream.log {
            for tally in [&log.reset_without_sni, &log.reset_with_sni, &log.served_without_sni] {
                names.extend(tally.clients.keys().chain(tally.server_names.keys()).cloned());
            }
        }
    }
    let stays = |name: &str| {
        let google = ["35.191.", "130.211.", "2600:2d00:1"].iter().any(|range| name.starts_with(range));
        google || !name.contains(['.', ':']) || name.ends_with(".invalid") || name.ends_with(".cluster.local")
    };
    names.retain(|name| !stays(name.trim_start_matches("*.")));
    names.iter().map(|name| name.trim_start_matches("*.").to_owned()).collect()
}
