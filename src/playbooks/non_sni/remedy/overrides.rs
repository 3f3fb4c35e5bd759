//! Steps that list the wildcard route in the overrides files, and bring these to the cluster.

use super::groups::{self, Group};
use super::{Planned, overrides_diff};
use crate::checks::facts;
use crate::evidence::Evidence;
use crate::evidence::overrides::OverridesFile;
use crate::playbooks::non_sni::relations::CURED_BY_OVERRIDES;
use crate::verdict::{Change, RemedyStep, Target};

/// Returns the steps that list the gateway and upgrade the groups; empty where nothing lacks it.
pub(super) fn attach(evidence: &Evidence, target: &Target, gateway: &str) -> Vec<Planned> {
    let mut steps = Vec::new();
    let lacking = groups::lacking(evidence, gateway);
    let defines = |file: &OverridesFile| lacking.iter().any(|group| group.is_defined_in(file));
    // Files of another installation define none of the groups that lack the gateway.
    let any_defines = evidence.overrides.iter().any(defines);
    for file in evidence.overrides.iter().filter(|file| !any_defines || defines(file)) {
        // A file that could not be read has a finding of its own.
        let Ok(change) = overrides_diff::add_gateway(file, gateway) else { continue };
        if !change.text.is_empty() {
            let listing = planned(patch_file(file, gateway, &change.text));
            steps.push(listing.changing(Change::ListInFiles(gateway.to_owned())));
        }
        for by_hand in change.by_hand {
            let place = by_hand.place;
            let step = planned(RemedyStep {
                title: format!("List {gateway} by hand at {}:{place}", groups::file_label(file)),
                paste: Some(format!("  additionalGateways: [\"{gateway}\"]")),
                note: Some(format!(
                    "additionalGateways of {} must contain \"{gateway}\", beside what it has.",
                    by_hand.virtual_host
                )),
                good: Some("the virtual host lists it".into()),
                ..RemedyStep::default()
            });
            steps.push(step.changing(Change::ListInFiles(gateway.to_owned())));
        }
    }
    // helm would remove the entry of a group if the file given did not have it.
    let (elsewhere, lacking): (Vec<Group>, Vec<Group>) =
        lacking.into_iter().partition(|group| !evidence.overrides.is_empty() && !group.is_in_files(evidence));
    if !elsewhere.is_empty() {
        let names = groups::names(&elsewhere);
        steps.push(planned(RemedyStep {
            title: format!("List {gateway} in the overrides file of {names}"),
            paste: Some(format!("  additionalGateways: [\"{gateway}\"]")),
            note: Some(format!(
                "No file given has the virtual host of {names}: give its file with -f too, to get the change and the helm \
                 line."
            )),
            good: Some("each of these virtual hosts has the line".into()),
            ..RemedyStep::default()
        }));
    }
    if !lacking.is_empty() {
        let mut upgrade = upgrade(evidence, target, &lacking);
        if evidence.overrides.is_empty() {
            list_by_hand(&mut upgrade, gateway, &lacking);
        }
        let step = planned(upgrade);
        let full_names = lacking.iter().map(|group| group.full_name.clone()).collect();
        steps.push(step.changing(Change::List { gateway: gateway.to_owned(), groups: full_names }));
    }
    steps
}

/// Makes listing the gateway the first half of the step, where no overrides file is given.
fn list_by_hand(upgrade: &mut RemedyStep, gateway: &str, groups: &[Group]) {
    let hosts = groups::names(groups);
    upgrade.title = format!(
        "List it in overrides.yaml, or requests get 404: additionalGateways: [\"{gateway}\"] at {hosts}; then helm upgrade"
    );
    let from = upgrade.note.take().unwrap_or_default();
    upgrade.note = Some(format!("{from} -f overrides.yaml adds the change as a diff."));
}

/// The step that runs helm for each of these groups.
pub(super) fn upgrade(evidence: &Evidence, target: &Target, groups: &[Group]) -> RemedyStep {
    let (lines, undo) = groups::upgrade(evidence, target, groups);
    let order = groups::order_note(evidence, groups).map(|note| format!(" {note}")).unwrap_or_default();
    RemedyStep {
        title: format!("Run helm upgrade for {}", groups::names(groups)),
        paste: Some(lines),
        note: Some(format!("From the folder of the Apigee charts.{order}")),
        undo: Some(undo),
        good: Some("STATUS: deployed".into()),
        ..RemedyStep::default()
    }
}

/// The step that changes a file by its diff. A diff with a single quote or a line end of Windows cannot be
/// quoted for every shell, so it is to be saved first.
fn patch_file(file: &OverridesFile, gateway: &str, diff: &str) -> RemedyStep {
    let path = groups::path(file);
    let is_quotable =
        diff.chars().all(|letter| letter == '\n' || (' '..='~').contains(&letter)) && !diff.contains(['\'', '\\']);
    let (paste, note) = if is_quotable {
        (format!("echo '\n{diff}' | patch -b {path}"), "patch keeps the file as it was, with .orig behind its name.")
    } else {
        (
            diff.to_owned(),
            "Save this beside the file as change.diff, and run patch with it; or change the lines by hand.",
        )
    };
    RemedyStep {
        title: format!("List {gateway} in {}", groups::file_label(file)),
        paste: Some(paste),
        note: Some(note.into()),
        undo: is_quotable.then(|| format!("mv {} {path}", groups::backup_path(file))),
        good: Some(format!("patching file {}", facts::file_name(file))),
        ..RemedyStep::default()
    }
}

fn planned(step: RemedyStep) -> Planned {
    Planned::new(step, CURED_BY_OVERRIDES.to_vec())
}
