//! overrides.yaml: its structure, its virtual hosts, and differences from the cluster.

pub(super) mod certificate_path_ignored;
pub(super) mod certificate_path_outside_chart;
pub(super) mod cipher_suite_unknown;
pub(super) mod client_authorities_unnamed;
pub(super) mod client_certificates_not_requested;
pub(super) mod helm_upgrade_pending;
pub(super) mod ingress_name_too_long;
pub(super) mod ingress_name_unknown;
pub(super) mod object_name_malformed;
pub(super) mod objects_not_judged;
pub(super) mod old_tls_version_unserved;
pub(super) mod organization_missing;
pub(super) mod overrides_documents_several;
pub(super) mod overrides_key_duplicate;
pub(super) mod overrides_layout_old;
pub(super) mod overrides_malformed;
pub(super) mod overrides_outdated;
pub(super) mod overrides_placeholder;
pub(super) mod overrides_type_wrong;
pub(super) mod selector_of_other_gateway;
pub(super) mod selector_unset;
pub(super) mod tls_versions_unservable;
pub(super) mod virtual_host_duplicate;
pub(super) mod virtual_host_in_several_files;
pub(super) mod virtual_host_key_unknown;
pub(super) mod virtual_host_undeployed;
pub(super) mod virtual_host_unlisted;
pub(super) mod virtual_host_without_certificate;
pub(super) mod virtual_hosts_missing;
pub(super) mod wildcard_gateway_unlisted;

use super::{Family, Finding, Judgement, Location, Object, Outcome, facts};
use crate::evidence::overrides::{
    FaultKind, HostSettings, Overrides, OverridesFile, Position, Positioned, VirtualHost,
};
use crate::evidence::{Evidence, Reason, Unavailable};

pub(super) const FAMILY: Family = Family {
    name: "overrides",
    block: "AT3",
    judges: "overrides.yaml: structure, virtual hosts and their TLS settings, drift from the cluster",
    checks: &[
        overrides_malformed::CHECK,
        overrides_key_duplicate::CHECK,
        virtual_host_duplicate::CHECK,
        virtual_host_key_unknown::CHECK,
        overrides_type_wrong::CHECK,
        wildcard_gateway_unlisted::CHECK,
        helm_upgrade_pending::CHECK,
        overrides_outdated::CHECK,
        virtual_host_undeployed::CHECK,
        virtual_host_unlisted::CHECK,
        virtual_host_without_certificate::CHECK,
        ingress_name_unknown::CHECK,
        ingress_name_too_long::CHECK,
        overrides_documents_several::CHECK,
        virtual_hosts_missing::CHECK,
        overrides_placeholder::CHECK,
        certificate_path_ignored::CHECK,
        client_authorities_unnamed::CHECK,
        client_certificates_not_requested::CHECK,
        old_tls_version_unserved::CHECK,
        cipher_suite_unknown::CHECK,
        tls_versions_unservable::CHECK,
        selector_of_other_gateway::CHECK,
        selector_unset::CHECK,
        certificate_path_outside_chart::CHECK,
        overrides_layout_old::CHECK,
        object_name_malformed::CHECK,
        objects_not_judged::CHECK,
        virtual_host_in_several_files::CHECK,
        organization_missing::CHECK,
    ],
};

/// Returns the parse faults of one kind as findings, or passed with the text `seen` if there are none and
/// every file was read to its end. A file that cannot be read does not hide the faults of another.
fn faults(evidence: &Evidence, kind: FaultKind, seen: &str) -> Judgement {
    let findings: Vec<Finding> = evidence
        .overrides
        .iter()
        .filter_map(|file| Some((file, file.content.seen().ok()?)))
        .flat_map(|(file, content)| content.faults.iter().map(move |fault| (file, fault)))
        .filter(|(_, fault)| fault.kind == kind)
        .map(|(file, fault)| {
            let at = match fault.path.as_str() {
                "" if kind == FaultKind::Malformed => "the file is malformed: ".to_owned(),
                "" => String::new(),
                path => format!("{path}: "),
            };
            // A list of all known keys is in `expected` alone.
            let expected = if fault.expected.starts_with("one of ") {
                String::new()
            } else {
                format!(", expected {}", fault.expected)
            };
            let observed = match kind {
                FaultKind::UnknownKey if !fault.path.is_empty() => "unknown key, which helm ignores",
                _ => &fault.observed,
            };
            Finding::new(
                Object::overrides(file),
                Location::overrides(file, fault.place),
                format!("{at}{observed}{expected}"),
                fault.observed.clone(),
                fault.expected.clone(),
            )
        })
        .collect();
    if findings.is_empty() {
        facts::whole_overrides(evidence)?;
    }
    Ok(Outcome::of(findings, seen))
}

/// A virtual host whose settings were recorded.
struct Host<'a> {
    file: &'a OverridesFile,
    content: &'a Overrides,
    entry: &'a VirtualHost,
    settings: &'a HostSettings,
}

impl Host<'_> {
    fn name(&self) -> &str {
        facts::host_name(self.entry)
    }

    /// Returns an error if the value is a placeholder.
    fn filled<'v>(&self, value: &'v Positioned<String>) -> Result<&'v Positioned<String>, Unavailable> {
        if facts::is_filled(value) { Ok(value) } else { Err(facts::unfilled(self.file, value.place, &value.value)) }
    }

    fn all_filled(&self, values: &[Positioned<String>]) -> Result<(), Unavailable> {
        values.iter().try_for_each(|value| self.filled(value).map(drop))
    }

    fn finding(
        &self,
        place: Position,
        message: String,
        observed: impl Into<String>,
        expected: impl Into<String>,
    ) -> Finding {
        let location = Location::overrides(self.file, place);
        Finding::new(Object::overrides(self.file), location, message, observed, expected)
    }
}

/// Judges each virtual host; `right` is the text for passed. An error, such as a placeholder in a value that
/// decides, makes the check unknown unless another virtual host has a fault.
fn judge_hosts(
    evidence: &Evidence,
    right: &str,
    judge: impl Fn(&Host<'_>) -> Result<Option<Finding>, Unavailable>,
) -> Judgement {
    judge_all_hosts(evidence, right, |host| vec![judge(host).transpose()].into_iter().flatten().collect())
}

/// Like [`judge_hosts`], for checks that may find several faults of one virtual host.
fn judge_all_hosts(
    evidence: &Evidence,
    right: &str,
    judge: impl Fn(&Host<'_>) -> Vec<Result<Finding, Unavailable>>,
) -> Judgement {
    let hosts = facts::virtual_hosts(evidence)?;
    if hosts.is_empty() {
        return Ok(Outcome::NotApplicable("no file has a virtual host".into()));
    }
    let mut findings = Vec::new();
    let mut unknown = None;
    for (file, content, host) in hosts {
        let settings = host.settings.as_ref().ok_or_else(|| {
            let why = Reason::NotRequested("an older version wrote this evidence".into());
            Unavailable::new("the TLS settings of virtual hosts", why)
        })?;
        for judged in judge(&Host { file, content, entry: host, settings }) {
            match judged {
                Ok(finding) => findings.push(finding),
                Err(why) => {
                    unknown.get_or_insert(why);
                }
            }
        }
    }
    match unknown {
        Some(why) if findings.is_empty() => Err(why),
        _ => {
            facts::require_all_judged(evidence, &findings)?;
            Ok(Outcome::of(findings, right))
        }
    }
}
