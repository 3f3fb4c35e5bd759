//! The cases of the checks: one test per entry of `tests/checks/<CODE>-<name>.yaml`.
//!
//! Each entry patches the healthy base evidence and gives the expected outcome and the expected messages.
//! Every check needs at least one case that ends as found, one as passed and one as unknown.

mod support;

use std::collections::BTreeSet;

use apigee_tls::checks::{self, Check, Outcome};
use apigee_tls::evidence::{Evidence, Reason, Source};
use libtest_mimic::{Arguments, Failed, Trial};
use serde::Deserialize;
use support::{Setting, sources};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Case {
    name: String,
    outcome: String,
    /// All expected messages, in order.
    #[serde(default)]
    findings: Vec<String>,
    #[serde(flatten)]
    setting: Setting,
}

fn main() {
    let arguments = Arguments::from_args();
    let mut trials = vec![
        Trial::test("the base is healthy", || only_passes(&base()?, "the base")),
        Trial::test("missing data never counts as passed", missing_data_never_passes),
        Trial::test("every case file belongs to a check", every_file_belongs_to_a_check),
    ];
    for (_, check) in checks::all() {
        let file = format!("tests/checks/{}-{}.yaml", check.code, check.name);
        let cases: Result<Vec<Case>, String> = support::read(&support::root().join(file));
        match cases {
            Err(why) => trials.push(Trial::test(format!("{}: cases", check.code), move || Err(why.into()))),
            Ok(cases) => {
                let outcomes: BTreeSet<String> = cases.iter().map(|case| case.outcome.clone()).collect();
                let name = format!("{}: found, passed and unknown have cases", check.code);
                trials.push(Trial::test(name, move || covers_all_outcomes(&outcomes)));
                for case in cases {
                    let name = format!("{}: {}", check.code, case.name);
                    trials.push(Trial::test(name, move || runs(check, &case)));
                }
            }
        }
    }
    libtest_mimic::run(&arguments, trials).exit();
}

fn runs(check: &Check, case: &Case) -> Result<(), Failed> {
    let judgement = (check.judge)(&case.setting.evidence()?);
    let outcome = outcome_name(&judgement);
    if outcome != case.outcome {
        return Err(format!("expected {}, got {outcome}: {judgement:?}", case.outcome).into());
    }
    let messages: Vec<&str> = match &judgement {
        Ok(Outcome::Found(findings)) => findings.iter().map(|finding| finding.message.as_str()).collect(),
        _ => Vec::new(),
    };
    if messages != case.findings {
        return Err(format!("expected {:#?}\ngot {messages:#?}", case.findings).into());
    }
    Ok(())
}

fn covers_all_outcomes(outcomes: &BTreeSet<String>) -> Result<(), Failed> {
    let missing: Vec<&str> =
        ["found", "passed", "unknown"].into_iter().filter(|outcome| !outcomes.contains(*outcome)).collect();
    if missing.is_empty() { Ok(()) } else { Err(format!("no case ends as {}", missing.join(", ")).into()) }
}

fn every_file_belongs_to_a_check() -> Result<(), Failed> {
    let known: BTreeSet<String> = checks::all().map(|(_, check)| format!("{}-{}", check.code, check.name)).collect();
    for file in support::yaml_files("tests/checks") {
        let stem = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if stem.starts_with("AT") && !known.contains(&stem) {
            return Err(format!("{stem}.yaml belongs to no check").into());
        }
    }
    Ok(())
}

fn only_passes(evidence: &Evidence, what: &str) -> Result<(), Failed> {
    for result in checks::judge(evidence) {
        let outcome = outcome_name(&result.judgement);
        if !matches!(outcome, "passed" | "notApplicable") {
            return Err(format!("{what}: {} is {outcome}: {:?}", result.check.code, result.judgement).into());
        }
    }
    Ok(())
}

/// For each source, the checks that depend on it: without the source they must not end as passed.
const DEPENDENT_CHECKS: [(&str, &[&str]); 11] = [
    (
        "pods",
        &[
            "AT101", "AT102", "AT103", "AT104", "AT105", "AT106", "AT107", "AT109", "AT110", "AT111", "AT120", "AT207",
            "AT214", "AT801", "AT802", "AT803", "AT804", "AT805", "AT526", "AT527", "AT414",
        ],
    ),
    ("meshLogging", &["AT806"]),
    (
        "routes",
        &[
            "AT106", "AT108", "AT201", "AT202", "AT203", "AT204", "AT205", "AT206", "AT207", "AT208", "AT209", "AT210",
            "AT211", "AT212", "AT213", "AT214", "AT215", "AT306", "AT526", "AT527", "AT528", "AT809", "AT401", "AT402",
            "AT403", "AT404", "AT405", "AT406", "AT407", "AT408", "AT409", "AT410", "AT411", "AT412", "AT413", "AT414",
            "AT415", "AT416", "AT419", "AT420", "AT421", "AT422", "AT216", "AT217", "AT218", "AT219", "AT220", "AT221",
            "AT222",
        ],
    ),
    (
        "routeConfigs",
        &["AT205", "AT211", "AT212", "AT213", "AT215", "AT306", "AT307", "AT308", "AT309", "AT310", "AT417"],
    ),
    ("secrets", &["AT106", "AT210"]),
    ("services", &["AT804", "AT805"]),
    ("issues", &["AT808"]),
    (
        "storedCertificates",
        &[
            "AT401", "AT402", "AT403", "AT404", "AT405", "AT406", "AT407", "AT408", "AT409", "AT414", "AT415", "AT416",
            "AT417", "AT418", "AT419", "AT420", "AT421", "AT422",
        ],
    ),
    ("gateways", &["AT526", "AT527"]),
    (
        "probes",
        &[
            "AT109", "AT501", "AT502", "AT503", "AT504", "AT505", "AT506", "AT507", "AT508", "AT509", "AT510", "AT511",
            "AT512", "AT513", "AT514", "AT515", "AT516", "AT517", "AT518", "AT519", "AT520", "AT521", "AT522", "AT523",
            "AT524", "AT525", "AT529", "AT530", "AT531", "AT532", "AT533", "AT534", "AT535", "AT536", "AT537",
        ],
    ),
    ("logs", &["AT101", "AT102", "AT103", "AT104", "AT105", "AT107", "AT109", "AT110", "AT111", "AT120"]),
];

/// Denies each source in turn with 403. A check that depends on it must become unknown or not applicable, and
/// every other check must keep its outcome.
fn missing_data_never_passes() -> Result<(), Failed> {
    let expecting = serde_json::json!({ "question": { "expectNonSni": true } });
    let whole = Setting { evidence: expecting.clone(), ..Setting::default() }.evidence()?;
    let before = checks::judge(&whole);
    let sources: Vec<&str> = sources().into_iter().map(|part| part.name).chain([Source::Logs.name()]).collect();
    if let Some((unknown, _)) = DEPENDENT_CHECKS.iter().find(|(source, _)| !sources.contains(source)) {
        return Err(format!("{unknown} is not a source").into());
    }
    for source in sources {
        let dependent = DEPENDENT_CHECKS.iter().find(|(field, _)| *field == source).map_or(&[][..], |(_, codes)| codes);
        let lacking = Setting { forbidden: vec![source.to_owned()], evidence: expecting.clone(), ..Setting::default() }
            .evidence()?;
        for (before, after) in before.iter().zip(checks::judge(&lacking)) {
            let code = after.check.code.as_str();
            let (was, is) = (outcome_name(&before.judgement), outcome_name(&after.judgement));
            // A check that is not applicable may depend on the source to know that.
            let is_expected = match (dependent.contains(&code), was) {
                (true, "passed") => is == "unknown",
                (true, "notApplicable") => is == "unknown" || is == was,
                _ => is == was,
            };
            if !is_expected {
                return Err(format!("without {source}, {code} was {was} and is {is}: {:?}", after.judgement).into());
            }
        }
    }
    Ok(())
}

fn base() -> Result<Evidence, String> {
    Setting::default().evidence()
}

/// Returns the name of the outcome in reports. A source that was not requested counts as not applicable.
fn outcome_name(judgement: &checks::Judgement) -> &'static str {
    match judgement {
        Ok(Outcome::Found(_)) => "found",
        Ok(Outcome::NotApplicable(_)) => "notApplicable",
        Ok(Outcome::Passed(_)) => "passed",
        Err(why) if matches!(why.reason, Reason::NotRequested(_)) => "notApplicable",
        Err(_) => "unknown",
    }
}
