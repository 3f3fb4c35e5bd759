//! The order of several clusters by harm, their answer in one sentence, and failures that have one reason.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::Summary;
use crate::text::{at_most, count};
use crate::verdict::VerdictKind;

/// Number of contexts from which on those with the same reason are one group.
const MIN_GROUP: usize = 3;
/// Maximum number of contexts that the headline names.
const MAX_NAMED: usize = 3;

/// Contexts without a report that have the same reason; or one of them alone.
#[derive(Clone, Debug)]
pub struct FailedGroup<'a> {
    /// The whole message of a context alone; the reason of several.
    pub why: &'a str,
    pub hint: Option<&'a str>,
    /// In the order of the lines.
    pub contexts: Vec<&'a str>,
}

/// Returns whether clients fail now: a cause is known, likely, or one of several.
#[must_use]
pub fn is_failing(kind: VerdictKind) -> bool {
    matches!(kind, VerdictKind::Cause | VerdictKind::Likely | VerdictKind::Ambiguous)
}

/// Returns the key by which contexts are sorted: clients that fail now, those with most resets first; then
/// risks, then what is healthy, then what could not be seen.
#[must_use]
pub fn harm(line: &Summary) -> (u8, Reverse<u64>) {
    let Some(kind) = line.verdict else { return (7, Reverse(0)) };
    let resets = line.resets.filter(|_| is_failing(kind)).unwrap_or(0);
    let rank = match kind {
        VerdictKind::Cause => 0,
        VerdictKind::Likely => 1,
        VerdictKind::Ambiguous => 2,
        VerdictKind::AtRisk => 3,
        VerdictKind::Fixed | VerdictKind::Healthy | VerdictKind::Passed | VerdictKind::SniOnly => 4,
        VerdictKind::Unknown => 5,
        VerdictKind::NoAccess => 6,
    };
    (rank, Reverse(resets))
}

/// Groups the contexts without a report by their reason, in the order of the first context of each.
#[must_use]
pub fn failed_groups(lines: &[Summary]) -> Vec<FailedGroup<'_>> {
    let failed = || lines.iter().filter(|line| line.verdict.is_none());
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for line in failed() {
        *counts.entry(reason(line)).or_default() += 1;
    }
    let mut groups: Vec<FailedGroup<'_>> = Vec::new();
    let mut known: BTreeMap<&str, usize> = BTreeMap::new();
    for line in failed() {
        let reason = reason(line);
        let is_shared = counts.get(reason).is_some_and(|count| *count >= MIN_GROUP);
        match known.get(reason).and_then(|at| groups.get_mut(*at)) {
            Some(group) if is_shared => group.contexts.push(&line.context),
            _ => {
                known.insert(reason, groups.len());
                let why = if is_shared { reason } else { line.error.as_deref().unwrap_or(reason) };
                groups.push(FailedGroup { why, hint: line.hint.as_deref(), contexts: vec![&line.context] });
            }
        }
    }
    groups
}

/// Reports of older versions have the message alone.
fn reason(line: &Summary) -> &str {
    let given = line.reason.as_deref().filter(|reason| !reason.is_empty());
    given.or(line.error.as_deref()).unwrap_or_default()
}

/// Returns the answer for all contexts as one sentence without a full stop. `lines` are sorted by harm.
pub(super) fn headline(lines: &[Summary]) -> String {
    let failing: Vec<String> =
        lines.iter().filter(|line| line.verdict.is_some_and(is_failing)).map(with_resets).collect();
    let all = lines.len();
    let answer = match failing.len() {
        0 if lines.iter().all(|line| line.verdict.is_none()) => {
            format!("No cluster of {all} could be judged")
        }
        0 => format!("No failing clients were seen at {}", count(all as u64, "cluster")),
        failing_count => {
            let of = count(all as u64, "cluster");
            format!("Clients fail at {failing_count} of {of}: {}", at_most(&failing, MAX_NAMED))
        }
    };
    let number = |fits: &dyn Fn(&Summary) -> bool| lines.iter().filter(|line| fits(line)).count();
    let parts = [
        (number(&|line| line.verdict == Some(VerdictKind::AtRisk)), "at risk"),
        (number(&|line| line.verdict.is_some_and(VerdictKind::is_good)), "without a fault"),
        (number(&|line| matches!(line.verdict, Some(VerdictKind::Unknown | VerdictKind::NoAccess))), "not seen"),
        (number(&|line| line.verdict.is_none() && line.exit_code != 130), "not reached"),
        (number(&|line| line.verdict.is_none() && line.exit_code == 130), "interrupted"),
    ];
    let parts: Vec<String> =
        parts.iter().filter(|(number, _)| *number > 0).map(|(number, what)| format!("{number} {what}")).collect();
    if parts.is_empty() { answer } else { format!("{answer}; {}", parts.join(", ")) }
}

fn with_resets(line: &Summary) -> String {
    match line.resets {
        Some(resets) if resets > 0 => format!("{} ({})", line.context, count(resets, "reset")),
        _ => line.context.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(context: &str, verdict: Option<VerdictKind>, resets: Option<u64>) -> Summary {
        Summary {
            context: context.to_owned(),
            verdict,
            headline: None,
            resets,
            checks: None,
            error: verdict.is_none().then(|| format!("could not reach {context}: refused")),
            reason: verdict.is_none().then(|| "refused".to_owned()),
            hint: None,
            exit_code: 0,
        }
    }

    #[test]
    fn failing_clients_come_first_and_what_was_not_seen_last() {
        use VerdictKind::{Ambiguous, AtRisk, Cause, Healthy, Likely, NoAccess, Unknown};
        let mut lines = vec![
            line("dead", None, None),
            line("no-access", Some(NoAccess), None),
            line("unknown", Some(Unknown), None),
            line("was-bad", Some(Healthy), Some(900)),
            line("good", Some(Healthy), Some(0)),
            line("risk", Some(AtRisk), Some(1)),
            line("ambiguous", Some(Ambiguous), Some(70)),
            line("likely", Some(Likely), None),
            line("few", Some(Cause), Some(2)),
            line("many", Some(Cause), Some(312)),
            line("reproduced", Some(Cause), None),
        ];
        lines.sort_by_key(harm);
        let order: Vec<&str> = lines.iter().map(|line| line.context.as_str()).collect();
        let expected = [
            "many",
            "few",
            "reproduced",
            "likely",
            "ambiguous",
            "risk",
            "was-bad",
            "good",
            "unknown",
            "no-access",
            "dead",
        ];
        assert_eq!(order, expected);
        assert_eq!(
            headline(&lines),
            "Clients fail at 5 of 11 clusters: many (312 resets), few (2 resets), reproduced and 2 more; 1 at risk, \
             2 without a fault, 2 not seen, 1 not reached"
        );
    }

    #[test]
    fn the_headline_claims_no_health_where_nothing_was_seen() {
        let dead = [line("a", None, None), Summary { exit_code: 130, ..line("b", None, None) }];
        assert_eq!(headline(&dead), "No cluster of 2 could be judged; 1 not reached, 1 interrupted");
        let seen = [line("a", Some(VerdictKind::Healthy), Some(0))];
        assert_eq!(headline(&seen), "No failing clients were seen at 1 cluster; 1 without a fault");
    }

    #[test]
    fn many_with_one_reason_are_one_group_and_few_are_not() {
        let mut lines: Vec<Summary> = ["a", "b", "c", "d"].map(|name| line(name, None, None)).into();
        lines[1].reason = Some("no answer".into());
        lines.push(line("good", Some(VerdictKind::Healthy), None));
        let groups: Vec<(&str, Vec<&str>)> =
            failed_groups(&lines).into_iter().map(|group| (group.why, group.contexts)).collect();
        let alone = ("could not reach b: refused", vec!["b"]);
        assert_eq!(groups, [("refused", vec!["a", "c", "d"]), alone]);
        assert_eq!(failed_groups(&lines[..3]).len(), 3);
    }
}
