//! Comparisons of two runs: a cure, a new fault, and no difference.

#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

#[expect(dead_code, reason = "the cases of checks need more of it")]
mod support;

use apigee_tls::evidence::{Evidence, Seen};
use apigee_tls::judgement::FailOn;
use apigee_tls::judgement::diff::{Difference, DifferenceOutcome, compare};
use apigee_tls::report::styles::Styles;
use apigee_tls::report::{Document, Format, TextOptions, render};
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
        ("reproduced-no-wildcard", "warnings-only"),
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

/// The first line has what matters: what was fixed, and the numbers.
#[test]
fn what_was_fixed_comes_first() {
    let cured = between("reproduced-no-wildcard", "base");
    assert_eq!(cured.outcome, DifferenceOutcome::Fixed);
    assert_eq!(cured.fixed, ["clients without SNI are served (312 resets before, none since 2026-11-22T09:13:58Z)"]);
    assert_eq!((cured.numbers[0].before, cured.numbers[0].after), (Some(312), Some(0)));
    let reversed = between("base", "reproduced-no-wildcard");
    assert_eq!((reversed.outcome, reversed.fixed.len()), (DifferenceOutcome::Worse, 0));
    assert_eq!(between("flag-off", "flag-off").outcome, DifferenceOutcome::Same);
}

/// Every format has the conclusion; lists of findings say of each what became of it.
#[test]
fn every_format_has_what_was_fixed() {
    let cured = between("reproduced-no-wildcard", "base");
    let options = TextOptions { styles: Styles::default(), width: 110, wide: false };
    let rendered = |format| render(&cured, format, options).expect("it renders");
    for format in [Format::Text, Format::Wide, Format::Markdown, Format::Github, Format::Junit, Format::Sarif] {
        let text = rendered(format);
        assert!(text.contains("FIXED") && text.contains("lients without SNI are served"), "{text}");
    }
    let short = rendered(Format::Short);
    assert!(short.lines().any(|line| line.starts_with("gone error AT101 ")), "{short}");
    let markdown = rendered(Format::Markdown);
    assert!(markdown.contains("312 before, 0 now") && markdown.contains("**Gone**"), "{markdown}");
    let reversed = between("base", "reproduced-no-wildcard");
    let short = render(&reversed, Format::Short, options).expect("it renders");
    assert!(short.lines().any(|line| line.starts_with("new error AT101 ")), "{short}");
}

/// One certificate that lacks hostnames is the price of serving clients without SNI, not a new fault, where
/// no stored certificate has more.
#[test]
fn a_certificate_without_a_better_one_is_not_worse() {
    let mut after = evidence("base");
    let Seen::Seen(routes) = &mut after.routes else { panic!("routes are seen") };
    let mut other = routes.items[0].clone();
    other.name = "myorg-hyb-other-grp-000-1111111".into();
    other.hostnames = vec!["api.elsewhere.com".into()];
    routes.items.push(other);
    let difference = compare(&evidence("reproduced-no-wildcard"), &after, FailOn::default());
    assert!(difference.new.iter().all(|told| told.code.as_str() != "AT416"), "{:?}", difference.new);
}

/// Where the runs are of two clusters or namespaces, nothing that is absent was fixed.
#[test]
fn runs_of_other_clusters_are_not_compared() {
    let before = evidence("reproduced-no-wildcard");
    let changed = |change: fn(&mut Evidence)| {
        let mut after = evidence("base");
        change(&mut after);
        after
    };
    let context = changed(|after| {
        let Seen::Seen(connection) = &mut after.connection else { panic!("the cluster is seen") };
        connection.context = Some("another".into());
    });
    let strangers = changed(|after| {
        let Seen::Seen(routes) = &mut after.routes else { panic!("routes are seen") };
        for (number, route) in routes.items.iter_mut().enumerate() {
            route.name = format!("other-{number}");
            route.hostnames = vec![format!("h{number}.other.test")];
        }
    });
    let written = serde_json::to_string(&evidence("base")).expect("it serialises");
    let namespace: Evidence =
        serde_json::from_str(&written.replace("\"namespace\":\"apigee\"", "\"namespace\":\"second\""))
            .expect("it reads");
    for (after, why) in
        [(context, "of two contexts, "), (strangers, "no route and no hostname"), (namespace, "of two namespaces, ")]
    {
        for (old, new) in [(&before, &after), (&after, &before)] {
            let difference = compare(old, new, FailOn::default());
            assert_eq!((difference.outcome, difference.exit_code), (DifferenceOutcome::Unknown, 3), "{why}");
            assert!(difference.headline.contains(why) && difference.fixed.is_empty(), "{}", difference.headline);
            assert!(difference.new.is_empty() && difference.gone.is_empty() && difference.still.is_empty());
            let options = TextOptions { styles: Styles::default(), width: 110, wide: false };
            let text = difference.text(options);
            assert!(text.starts_with("UNKNOWN") && text.ends_with("Whether anything changed is unknown.\n"), "{text}");
        }
    }
}

/// Addresses of Services, and the names that this program makes up, differ from run to run.
#[test]
fn another_address_is_the_same_finding() {
    let before = evidence("reproduced-no-wildcard");
    let written = serde_json::to_string(&before).expect("it serialises");
    let other =
        written.replace("203.0.113.7", "203.0.113.99").replace("q7f3.apigee-tls.invalid", "zz.apigee-tls.invalid");
    let after: Evidence = serde_json::from_str(&other).expect("it reads");
    let difference = compare(&before, &after, FailOn::default());
    assert!(difference.new.is_empty() && difference.gone.is_empty(), "{:?} {:?}", difference.new, difference.gone);
}

/// What the second run could not judge, or was not asked for, is not gone.
#[test]
fn what_was_not_seen_is_not_gone() {
    let before = evidence("reproduced-no-wildcard");
    let mut empty = before.clone();
    empty.access_logs.clear();
    let difference = compare(&before, &empty, FailOn::default());
    assert!(difference.gone.iter().all(|told| told.code.as_str() != "AT101"), "{:?}", difference.gone);
    assert!(difference.no_longer_told.iter().any(|code| code == "AT101"), "{:?}", difference.no_longer_told);
    assert_eq!((difference.outcome, difference.exit_code), (DifferenceOutcome::Unknown, 3));
}
