//! The cases of the checks: one test per entry of `tests/checks/<CODE>-<name>.yaml`.
//!
//! An entry patches the healthy base and states the outcome of the check and its messages. Every check needs
//! a case for found, passed and unknown.

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
    /// All messages, in order.
    #[serde(default)]
    findings: Vec<String>,
    #[serde(flatten)]
    setting: Setting,
}

fn main() {
    let arguments = Arguments::from_args();
    let mut trials = vec![
        Trial::test("the base is healthy", || only_passes(&base()?, "the base")),
        Trial::test("no data never reads as no problem", no_data_is_no_problem),
        Trial::test("every case file belongs to a check", every_file_belongs_to_a_check),
    ];
    for (_, check) in checks::all() {
        let file = format!("tests/checks/{}-{}.yaml", check.code, check.name);
        let cases: Result<Vec<Case>, String> = support::read(&support::root().join(file));
        match cases {
            Err(why) => trials.push(Trial::test(format!("{}: cases", check.code), move || Err(why.into()))),
            Ok(cases) => {
                let shown: BTreeSet<String> = cases.iter().map(|case| case.outcome.clone()).collect();
                let name = format!("{}: found, passed and unknown have cases", check.code);
                trials.push(Trial::test(name, move || shows_enough(&shown)));
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
    let said = word(&judgement);
    if said != case.outcome {
        return Err(format!("expected {}, got {said}: {judgement:?}", case.outcome).into());
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

fn shows_enough(shown: &BTreeSet<String>) -> Result<(), Failed> {
    let missing: Vec<&str> =
        ["found", "passed", "unknown"].into_iter().filter(|outcome| !shown.contains(*outcome)).collect();
    if missing.is_empty() { Ok(()) } else { Err(format!("no case ends as {}", missing.join(", ")).into()) }
}

fn every_file_belongs_to_a_check() -> Result<(), Failed> {
    let known: BTreeSet<String> = checks::all().map(|(_, check)| format!("{}-{}", check.code, check.name)).collect();
    for file in support::yaml_files("tests/checks") {
        let stem = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if stem.starts_with("AT") && !known.contains(&stem) {
            return Err(format!("{stem}.yaml is the case file of no check").into());
        }
    }
    Ok(())
}

fn only_passes(evidence: &Evidence, what: &str) -> Result<(), Failed> {
    for result in checks::judge(evidence) {
        let said = word(&result.judgement);
        if !matches!(said, "passed" | "notApplicable") {
            return Err(format!("{what}: {} is {said}: {:?}", result.check.code, result.judgement).into());
        }
    }
    Ok(())
}

/// Checks that may pass without a source, because what they pass on does not come from it.
const RESTS_ON: [(&str, &[&str]); 11] = [
    (
        "pods",
        &[
            "AT101", "AT102", "AT103", "AT104", "AT105", "AT106", "AT107", "AT109", "AT207", "AT214", "AT801", "AT802",
            "AT803", "AT804", "AT805", "AT526", "AT414",
        ],
    ),
    ("meshLogging", &["AT806"]),
    (
        "routes",
        &[
            "AT106", "AT108", "AT201", "AT202", "AT203", "AT204", "AT205", "AT206", "AT207", "AT208", "AT209", "AT210",
            "AT211", "AT212", "AT213", "AT214", "AT215", "AT306", "AT526", "AT527", "AT528", "AT809", "AT401", "AT402",
            "AT403", "AT404", "AT405", "AT406", "AT407", "AT408", "AT409", "AT410", "AT411", "AT412", "AT413", "AT414",
            "AT415", "AT416",
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
            "AT417", "AT418",
        ],
    ),
    ("gateways", &["AT526", "AT527"]),
    (
        "probes",
        &[
            "AT109", "AT501", "AT502", "AT503", "AT504", "AT505", "AT506", "AT507", "AT508", "AT509", "AT510", "AT511",
            "AT512", "AT513", "AT514", "AT515", "AT516", "AT517", "AT518", "AT519", "AT520", "AT521", "AT522", "AT523",
            "AT524", "AT525", "AT529", "AT530", "AT531",
        ],
    ),
    ("logs", &["AT101", "AT102", "AT103", "AT104", "AT105", "AT107", "AT109"]),
];

/// With each source in turn answering 403, a check that rests on it becomes unknown or not applicable, and
/// every other check keeps its outcome.
fn no_data_is_no_problem() -> Result<(), Failed> {
    let expecting = serde_json::json!({ "question": { "expectNonSni": true } });
    let whole = Setting { from: None, forbidden: Vec::new(), evidence: expecting.clone() }.evidence()?;
    let before = checks::judge(&whole);
    let sources: Vec<&str> = sources().into_iter().map(|part| part.name).chain([Source::Logs.name()]).collect();
    if let Some((unknown, _)) = RESTS_ON.iter().find(|(source, _)| !sources.contains(source)) {
        return Err(format!("{unknown} is no source").into());
    }
    for source in sources {
        let rests_on = RESTS_ON.iter().find(|(field, _)| *field == source).map_or(&[][..], |(_, codes)| codes);
        let lacking =
            Setting { from: None, forbidden: vec![source.to_owned()], evidence: expecting.clone() }.evidence()?;
        for (before, after) in before.iter().zip(checks::judge(&lacking)) {
            let code = after.check.code.as_str();
            let (was, is) = (word(&before.judgement), word(&after.judgement));
            // A check may need the source just to know that there is nothing to judge.
            let right = match (rests_on.contains(&code), was) {
                (true, "passed") => is == "unknown",
                (true, "notApplicable") => is == "unknown" || is == was,
                _ => is == was,
            };
            if !right {
                return Err(format!("without {source}, {code} was {was} and is {is}: {:?}", after.judgement).into());
            }
        }
    }
    Ok(())
}

fn base() -> Result<Evidence, String> {
    Setting { from: None, forbidden: Vec::new(), evidence: serde_json::Value::Null }.evidence()
}

/// Returns the outcome as the report words it: what was not requested is not applicable.
fn word(judgement: &checks::Judgement) -> &'static str {
    match judgement {
        Ok(Outcome::Found(_)) => "found",
        Ok(Outcome::NotApplicable(_)) => "notApplicable",
        Ok(Outcome::Passed(_)) => "passed",
        Err(why) if matches!(why.reason, Reason::NotRequested(_)) => "notApplicable",
        Err(_) => "unknown",
    }
}
