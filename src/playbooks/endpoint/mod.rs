//! The playbook of one TLS endpoint, as `probe` judges each target: by its handshakes alone, of all its
//! addresses.

mod advice;

pub(super) use self::advice::for_any_server;
use super::{Covers, Judges, Playbook, Step, StepKey, StepLines, StepSeen};
use crate::checks::{CheckResult, Finding, Level, codes};
use crate::evidence::Evidence;
use crate::evidence::handshake::{ClientHelloKind, Endpoint};
use crate::verdict::ranking::direct;
use crate::verdict::{Verdict, VerdictKind, is_unknown};

pub(super) static PLAYBOOK: Playbook = Playbook {
    name: "endpoint",
    title: "TLS handshakes with an endpoint fail",
    steps: &[Step {
        key: StepKey::new("probe"),
        title: "Handshake probe",
        covers: &[Covers::Family("handshake")],
        see,
        names_source: false,
    }],
    judges: Judges::Target(conclude),
};

/// Maximum number of faults that a verdict names.
const TOP: usize = 3;

/// Returns the faults that harm clients, or, if there are none, which clients are served. Of several faults,
/// the verdict has the summaries, and the findings have the details.
pub(super) fn conclude(evidence: &Evidence, judged: &[CheckResult]) -> Verdict {
    let mut harmful: Vec<&CheckResult> =
        judged.iter().filter(|result| !result.findings().is_empty() && result.check.level >= Level::Warning).collect();
    // A stable sort: the gravest first, then in the order of the catalogue.
    harmful.sort_by_key(|result| std::cmp::Reverse(result.check.level));
    let requires_sni =
        judged.iter().any(|result| result.check.code == codes::SERVER_NAME_REQUIRED && !result.findings().is_empty());
    let kind = match harmful.first().map(|result| result.check.level) {
        Some(Level::Error) => VerdictKind::Cause,
        Some(_) => VerdictKind::AtRisk,
        None if judged.iter().any(is_unknown) => VerdictKind::Unknown,
        None if requires_sni => VerdictKind::SniOnly,
        None => VerdictKind::Healthy,
    };
    let faults: Vec<String> = harmful.iter().flat_map(|result| result.findings()).map(without_object).collect();
    let headline = match faults.as_slice() {
        [] => served(evidence),
        [one] => one.clone(),
        several => {
            let named: Vec<String> = harmful
                .iter()
                .take(TOP)
                .map(|result| format!("{} ({})", result.check.summary, result.check.code))
                .collect();
            let more = harmful.len().saturating_sub(TOP);
            let more = if more == 0 { String::new() } else { format!("; and {more} more") };
            format!("{} faults: {}{more}", several.len(), named.join("; "))
        }
    };
    Verdict { kind, headline, causes: harmful.into_iter().take(1).map(direct).collect(), next_measurement: None }
}

/// Returns the message of a finding without the endpoint, which the target names already.
fn without_object(finding: &Finding) -> String {
    let message = finding.message.as_str();
    let rest = message.strip_prefix(&finding.object()).and_then(|rest| rest.strip_prefix(": "));
    rest.unwrap_or(message).to_owned()
}

#[expect(clippy::unnecessary_wraps, reason = "steps have one shape")]
fn see(evidence: &Evidence) -> StepSeen {
    Ok(StepLines { seen: served(evidence), ..StepLines::default() })
}

/// Which clients the target serves, by its first address: `Served with SNI; refused without SNI (reset)`.
fn served(evidence: &Evidence) -> String {
    let endpoints: &[Endpoint] = evidence.probes.seen().map_or(&[], |probes| &probes.endpoints);
    let Some(first) = endpoints.first() else { return String::new() };
    let (mut served, mut refused, mut failed, mut undecided) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (kind, who) in [
        (ClientHelloKind::Named, "with SNI"),
        (ClientHelloKind::WithoutSni, "without SNI"),
        (ClientHelloKind::Unknown, "with an unknown name"),
    ] {
        let Some(handshake) = first.handshake(kind) else { continue };
        match &handshake.failure {
            None if handshake.undecided => undecided.push(who.to_owned()),
            None => served.push(who.to_owned()),
            Some(failure) if handshake.was_refused() => refused.push(format!("{who} ({})", failure.label())),
            Some(failure) => failed.push(format!("{who} ({})", failure.label())),
        }
    }
    let no_more = "not known, because the server requests a client certificate and sends no more:";
    let parts = [("served", served), ("refused", refused), ("failed", failed), (no_more, undecided)];
    let known = parts.iter().filter(|(_, who)| !who.is_empty()).map(|(what, who)| format!("{what} {}", listed(who)));
    let mut sentence = known.collect::<Vec<_>>().join("; ");
    if let Some(letter) = sentence.get(..1).map(str::to_uppercase) {
        sentence.replace_range(..1, &letter);
    }
    sentence
}

/// `a, b and c`
fn listed(names: &[String]) -> String {
    match names.split_last() {
        Some((last, before @ [_, ..])) => format!("{} and {last}", before.join(", ")),
        _ => names.join(""),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::checks;
    use crate::evidence::handshake::{EndpointOrigin, Failure, Handshake, How, Party, Probes, Scan, Stage};
    use crate::evidence::{HybridQuestion, Seen};

    /// An endpoint that refuses handshakes of these kinds by a reset.
    fn evidence(refuses: &[ClientHelloKind]) -> Evidence {
        let made = |kind, name: Option<&str>| {
            let name = name.map(str::to_owned);
            let begun = Handshake::begun(kind, name, kind == ClientHelloKind::Named, Timestamp::UNIX_EPOCH);
            let reset = || Failure { stage: Stage::ClientHello, by: Party::Server, how: How::Reset };
            Handshake { failure: refuses.contains(&kind).then(reset), ..begun }
        };
        let question = HybridQuestion { offline: true, ..HybridQuestion::default() };
        let mut evidence = Evidence::not_gathered(question, Timestamp::UNIX_EPOCH, "a test");
        let endpoint = Endpoint {
            place: EndpointOrigin::Given,
            host: Some("a.example".into()),
            port: 443,
            named_port: None,
            address: None,
            handshakes: vec![
                made(ClientHelloKind::Named, Some("a.example")),
                made(ClientHelloKind::WithoutSni, None),
                made(ClientHelloKind::Unknown, Some("x.apigee-tls.invalid")),
            ],
            scan: Seen::Seen(Scan::default()),
        };
        evidence.probes = Seen::Seen(Probes { endpoints: vec![endpoint], ..Probes::default() });
        evidence
    }

    fn concluded(refuses: &[ClientHelloKind]) -> (VerdictKind, String) {
        let evidence = evidence(refuses);
        let verdict = conclude(&evidence, &checks::judge_by(&evidence, |family, _| family.name == "handshake"));
        (verdict.kind, verdict.headline)
    }

    #[test]
    fn the_verdict_says_which_clients_are_served() {
        let (_, headline) = concluded(&[]);
        assert_eq!(headline, "Served with SNI, without SNI and with an unknown name");
        let (kind, headline) = concluded(&[ClientHelloKind::WithoutSni, ClientHelloKind::Unknown]);
        assert_eq!(kind, VerdictKind::SniOnly);
        assert_eq!(headline, "Served with SNI; refused without SNI (reset) and with an unknown name (reset)");
        let (kind, headline) = concluded(&[ClientHelloKind::Unknown]);
        assert_ne!(kind, VerdictKind::SniOnly);
        assert_eq!(headline, "Served with SNI and without SNI; refused with an unknown name (reset)");
        let (kind, headline) = concluded(&[ClientHelloKind::Named]);
        assert_eq!(kind, VerdictKind::Cause);
        assert!(!headline.starts_with("a.example:443"), "{headline}");
    }
}
