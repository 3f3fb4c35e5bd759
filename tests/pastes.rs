//! What a report prints to be pasted: every warning has a command, and every command is read alike by the
//! shells that people use.
//!
//! Commands come from the reports of all cases of the checks and of the verdicts. Each is parsed by sh, bash,
//! zsh and fish themselves. For PowerShell, which Debian does not have, the words are read by its rules.

#![expect(clippy::expect_used, clippy::panic, reason = "helpers of tests fail as tests do")]

mod support;

use std::collections::BTreeSet;
use std::process::Command;

use apigee_tls::checks::{self, Level};
use apigee_tls::judgement::{FailOn, Report, Selection, build, rehearse};
use apigee_tls::verdict::Purpose;
use serde::Deserialize;
use support::Setting;

#[derive(Deserialize)]
struct Case {
    name: Option<String>,
    outcome: Option<String>,
    #[serde(flatten)]
    setting: Setting,
}

impl Case {
    fn report(&self, what: &str) -> Report {
        let evidence = self.setting.evidence().unwrap_or_else(|error| panic!("{what}: {error}"));
        build(&evidence, &Selection::default(), FailOn::default())
    }
}

/// The cases of a check that end as found.
fn found_cases(code: &str, name: &str) -> Vec<Case> {
    let file = support::root().join(format!("tests/checks/{code}-{name}.yaml"));
    let cases: Vec<Case> = support::read(&file).expect("the cases read");
    cases.into_iter().filter(|case| case.outcome.as_deref() == Some("found")).collect()
}

fn verdicts() -> Vec<(String, Case)> {
    let files = support::yaml_files("tests/verdicts");
    let cases = files.iter().map(|path| {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        (stem, support::read(path).expect("the case reads"))
    });
    cases.collect()
}

#[test]
fn every_warning_has_a_command() {
    let mut bare = Vec::new();
    for (_, check) in checks::all().filter(|(_, check)| check.level >= Level::Warning) {
        for case in found_cases(check.code.as_str(), check.name) {
            let what = format!("{} {}", check.code, case.name.as_deref().unwrap_or_default());
            let report = case.report(&what);
            // Checks of another playbook have remedies of their own.
            if report.checks.iter().all(|known| known.code != check.code) {
                continue;
            }
            let steps = report.remedy.steps.iter().filter(|step| step.purpose != Purpose::Check);
            let without = steps.clone().filter(|step| step.paste.is_none());
            bare.extend(without.map(|step| format!("{what}: {}", step.title)));
            if steps.count() == 0 {
                bare.push(format!("{what}: no step"));
            }
        }
    }
    assert!(bare.is_empty(), "{}", bare.join("\n"));
}

/// What captures and logs alone show has a command each, which works with these files.
#[test]
fn each_cause_of_files_alone_has_a_command() {
    let ended = |name: &str, sni: &str| {
        format!(
            "{{signature: {{outcome: {{reset: {{by: server, stage: clientHello}}}}, name: {name}, chosen: null}}, \
             serverNames: {{api-test.mydomain.com: null, {sni}: 2}}}}"
        )
    };
    let old = "{signature: {outcome: {alert: {by: server, stage: clientHello, level: 2, number: 70}}, offered: TLSv1.0, \
               chosen: null}, flows: 7}";
    for (what, captured, code) in [
        ("a name and an old version", format!("[{}, {old}]", ended("sent", "a.example")), "AT602"),
        ("no name and an old version", format!("[{}, {old}]", ended("none", "''")), "AT601"),
    ] {
        let case = format!("{{from: offline, evidence: {{accessLogs: [], overrides: []}}, captured: {captured}}}");
        let case: Case = serde_yaml::from_str(&case).expect("the case reads");
        let remedy = case.report(what).remedy;
        let step = remedy.steps.iter().find(|step| step.title.ends_with(&format!("({code})")));
        let paste = step.and_then(|step| step.paste.as_ref()).unwrap_or_else(|| panic!("{what}: {remedy:#?}"));
        assert!(paste.ends_with("diagnose --offline -f - --pcap node.pcap"), "{what}: {paste}");
    }
    let case: Case = support::read(&support::root().join("tests/verdicts/offline-log.yaml")).expect("the case reads");
    let remedy = case.report("offline-log").remedy;
    let paste = remedy.steps.first().and_then(|step| step.paste.as_ref()).expect("there is a step");
    assert!(paste.ends_with("diagnose --offline -f - --access-log gateway.log"), "{paste}");
}

#[test]
fn steps_are_in_order_and_say_what_good_looks_like() {
    for (stem, case) in verdicts() {
        let remedy = case.report(&stem).remedy;
        let purposes: Vec<Purpose> = remedy.steps.iter().map(|step| step.purpose).collect();
        assert!(purposes.is_sorted(), "{stem}: {purposes:?}");
        for step in &remedy.steps {
            assert!(step.good.is_some(), "{stem}: {}", step.title);
            assert!(step.choices.iter().filter(|choice| choice.chosen).count() <= 1, "{stem}: {}", step.title);
        }
    }
}

/// The base was taken from context `prod`.
#[test]
fn every_command_names_the_cluster_of_the_run() {
    let mut access = serde_json::json!({ "question": { "access": { "kubeconfig": "admin.conf" } } });
    access["connection"] = serde_json::json!({ "seen": { "context": "prod", "serverVersion": "v1.34.2" } });
    for (stem, mut case) in verdicts() {
        if case.setting.from.as_deref() == Some("offline") {
            continue;
        }
        merge(&mut case.setting.evidence, &access);
        for line in pastes(&case.report(&stem)).iter().flat_map(|paste| paste.lines()) {
            let (_, line) = line.rsplit_once("| ").unwrap_or(("", line));
            let needs_no_cluster =
                ["rbac", "pcap", "probe", "diagnose --offline"].map(|command| format!("kubectl apigee-tls {command}"));
            if needs_no_cluster.iter().any(|start| line.starts_with(start.as_str())) {
                continue;
            }
            if line.starts_with("kubectl ") {
                assert!(line.contains("--context prod --kubeconfig admin.conf"), "{stem}: {line}");
            }
            if line.starts_with("helm ") {
                assert!(line.contains("--kube-context prod --kubeconfig admin.conf"), "{stem}: {line}");
            }
        }
    }
}

#[test]
fn every_shell_reads_every_command() {
    let mut all = BTreeSet::new();
    for (_, check) in checks::all().filter(|(_, check)| check.level >= Level::Warning) {
        for case in found_cases(check.code.as_str(), check.name) {
            all.extend(pastes(&case.report(check.name)));
        }
    }
    for (stem, case) in verdicts() {
        all.extend(pastes(&case.report(&stem)));
    }
    assert!(all.len() > 50, "{all:#?}");
    for paste in &all {
        for (shell, flags) in [("sh", "-nc"), ("bash", "-nc"), ("zsh", "-fnc"), ("fish", "-nc")] {
            let checked = Command::new(shell).args([flags, paste]).output();
            let checked = checked.unwrap_or_else(|error| panic!("{shell}: {error}; tests/setup.sh installs it"));
            assert!(checked.status.success(), "{shell}: {paste}\n{}", String::from_utf8_lossy(&checked.stderr));
        }
        assert_eq!(fault_in_powershell(paste), None, "{paste}");
    }
}

/// What `sh` passes to the programs must be what `zsh` and `fish` pass.
#[test]
fn shells_pass_the_same_words() {
    let words = "'a b' 'spec: {enableNonSniClient: true}' '[{op: test, path: /spec/ports/0/number, value: 443}]' \"it's\" \
                 'C:\\Users' 'a,b' '@x' '=y' --set envgroup=shop";
    let command = format!("printf '%s|' {words}");
    let expected = "a b|spec: {enableNonSniClient: true}|[{op: test, path: /spec/ports/0/number, value: 443}]|it's|C:\\Users|\
                    a,b|@x|=y|--set|envgroup=shop|";
    for (shell, flags) in [("sh", "-c"), ("bash", "-c"), ("zsh", "-fc"), ("fish", "-c")] {
        let ran = Command::new(shell).args([flags, &command]).output().expect("the shell is installed");
        assert_eq!(String::from_utf8_lossy(&ran.stdout), expected, "{shell}");
    }
}

#[test]
fn a_rehearsal_says_what_the_fix_cures_and_brings() {
    let rehearsed = |stem: &str| {
        let path = support::root().join(format!("tests/verdicts/{stem}.yaml"));
        let case: Case = support::read(&path).expect("the case reads");
        rehearse(&case.setting.evidence().expect("the evidence fits"), &Selection::default())
    };
    let one = rehearsed("reproduced-no-wildcard").expect("the fix changes the cluster");
    let codes = |list: &[apigee_tls::judgement::Rehearsed]| -> Vec<String> {
        list.iter().map(|finding| finding.code.to_string()).collect()
    };
    assert!(codes(&one.cures).contains(&"AT201".to_owned()), "{one:#?}");
    assert!(one.brings.is_empty(), "{one:#?}");
    let two = rehearsed("two-groups-two-certificates").expect("the fix changes the cluster");
    assert_eq!(codes(&two.brings), ["AT421"], "{two:#?}");
    assert_eq!(rehearsed("healthy"), None);
}

/// After the printed fix, the next run must not call the gateway worse.
#[test]
fn no_fix_brings_a_warning() {
    let mut rehearsed = 0;
    for (stem, case) in verdicts() {
        let evidence = case.setting.evidence().unwrap_or_else(|error| panic!("{stem}: {error}"));
        let Some(rehearsal) = rehearse(&evidence, &Selection::default()) else { continue };
        rehearsed += 1;
        let worse: Vec<_> = rehearsal.brings.iter().filter(|finding| finding.level >= Level::Warning).collect();
        assert!(worse.is_empty(), "{stem}: {worse:#?}");
        assert!(!rehearsal.cures.is_empty(), "{stem}: {rehearsal:#?}");
    }
    assert!(rehearsed > 5, "only {rehearsed} fixes change the cluster");
}

/// Every text to paste, without diffs and lines for a file.
fn pastes(report: &Report) -> Vec<String> {
    let steps = report.remedy.steps.iter().flat_map(|step| [&step.paste, &step.undo]).flatten().cloned();
    let measured = report.not_seen.iter().filter_map(|item| item.measurement.as_ref());
    let measured = report.verdict.next_measurement.iter().chain(measured).map(|next| next.command.clone());
    steps.chain(measured).filter(|paste| !paste.starts_with("--- ") && !paste.starts_with("  ")).collect()
}

/// Reads a command by PowerShell's rules, and returns what it would read otherwise than POSIX shells.
fn fault_in_powershell(paste: &str) -> Option<String> {
    let mut outside = String::new();
    let mut quote = None;
    let mut is_input = paste.starts_with("echo '");
    for letter in paste.chars() {
        match (quote, letter) {
            (None, '\'' | '"') => quote = Some(letter),
            (Some(open), _) if open == letter => {
                quote = None;
                is_input = false;
            }
            // Windows PowerShell drops double quotes within the arguments of a program.
            (Some('\''), '"') if !is_input => return Some("a double quote within an argument".into()),
            (Some('"'), '$' | '`') => return Some("an expansion".into()),
            (Some(_), '\u{2018}'..='\u{201f}') => return Some("a curly quote".into()),
            (Some(_), _) => {}
            (None, _) => outside.push(letter),
        }
    }
    if quote.is_some() {
        return Some("an open quote".into());
    }
    let misread = ["<", "&&", "||", "$", "`", "\\", "(", "{", "@", ",", "#"];
    misread.into_iter().find(|word| outside.contains(word)).map(|word| format!("{word} outside quotes"))
}

fn merge(target: &mut serde_json::Value, patch: &serde_json::Value) {
    let serde_json::Value::Object(changes) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = serde_json::json!({});
    }
    for (key, change) in changes {
        merge(&mut target[key.as_str()], change);
    }
}
