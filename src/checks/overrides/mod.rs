//! overrides.yaml: its structure, its virtual hosts, and differences from the cluster.

pub(super) mod helm_upgrade_pending;
pub(super) mod ingress_name_too_long;
pub(super) mod ingress_name_unknown;
pub(super) mod overrides_documents_several;
pub(super) mod overrides_key_duplicate;
pub(super) mod overrides_malformed;
pub(super) mod overrides_outdated;
pub(super) mod overrides_type_wrong;
pub(super) mod virtual_host_duplicate;
pub(super) mod virtual_host_key_unknown;
pub(super) mod virtual_host_undeployed;
pub(super) mod virtual_host_unlisted;
pub(super) mod virtual_host_without_certificate;
pub(super) mod virtual_hosts_missing;
pub(super) mod wildcard_gateway_unlisted;

use super::{Family, Finding, Judgement, Location, Object, Outcome, facts};
use crate::evidence::Evidence;
use crate::evidence::overrides::FaultKind;

pub(super) const FAMILY: Family = Family {
    name: "overrides",
    block: "AT3",
    judges: "overrides.yaml: structure, virtual hosts, drift from the cluster",
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
            let at = if fault.path.is_empty() { String::new() } else { format!("{}: ", fault.path) };
            Finding::new(
                Object::overrides(file),
                Location::overrides(file, fault.place),
                format!("{at}{}", fault.observed),
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
