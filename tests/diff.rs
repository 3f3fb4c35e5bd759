//! Comparisons of two runs: a cure, a new fault, and no difference.

#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

#[expect(dead_code, reason = "the cases of checks need more of it")]
mod support;

use apigee_tls::evidence::Evidence;
use apigee_tls::judgement::FailOn;
use apigee_tls::judgement::diff::{Difference, compare};
use apigee_tls::report::styles::Styles;
use apigee_tls::report::{Document, TextOptions};
use support::Setting;

fn evidence(case: &str) -> Evidence {
    let setting: Setting = match case {
        "base" => serde_yaml::from_str("{}").expect("an empty patch"),
        case => support::read(&support::root().join(format!("tests/verdicts/{case}.yaml"))).expect("the case reads"),
    };
    setting.evidence().expect("the evidence fits")
}

fn between(before: &str, after: &str) -> Difference {
    compare(&evidence(before), &evidence(after), FailOn::default())
}

#[test]
fn differences_read_as_recorded() {
    let mut shown = String::new();
    for (before, after) in [
        ("reproduced-no-wildcard", "base"),
        ("base", "reproduced-no-wildcard"),
        ("base", "served-certificate-expired"),
        ("base", "logs-forbidden"),
        ("flag-off", "flag-off"),
    ] {
        let difference = between(before, after);
        let options = TextOptions { styles: Styles::default(), width: 110, wide: false };
        shown +=
            &format!("==== {before} → {after}, exit code {}\n{}\n", difference.exit_code, difference.text(options));
    }
    insta::with_settings!({ snapshot_path => "snapshots", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("diff", shown);
    });
}

#[test]
fn exit_codes_say_whether_it_got_worse() {
    for (before, after, exit) in [
        ("base", "base", 0),
        ("reproduced-no-wildcard", "base", 0),
        ("base", "reproduced-no-wildcard", 1),
        ("flag-off", "flag-off", 0),
        ("base", "port-forward-forbidden", 3),
    ] {
        assert_eq!(between(before, after).exit_code, exit, "{before} → {after}");
    }
}

#[test]
fn the_same_run_has_no_difference() {
    let same = between("flag-off", "flag-off");
    assert!(same.new.is_empty() && same.gone.is_empty() && same.changes.is_empty() && !same.still.is_empty());
}
