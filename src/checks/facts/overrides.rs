//! The overrides files, and how the charts render what stands in them.

use crate::checks::codes;
use crate::evidence::overrides::{FaultKind, Overrides, OverridesFile, Place, VirtualHost};
use crate::evidence::{Evidence, Reason, Unavailable};

/// The overrides files that could be read, or that none was given.
pub(crate) fn overrides(evidence: &Evidence) -> Result<Vec<(&OverridesFile, &Overrides)>, Unavailable> {
    if evidence.overrides.is_empty() {
        let why = Reason::NotRequested("-f overrides.yaml gives it".into());
        return Err(Unavailable::new("overrides.yaml", why));
    }
    evidence.overrides.iter().map(|file| Ok((file, file.content.seen()?))).collect()
}

/// The overrides files, each understood to its end: what stands after a fault of syntax was not read, so nothing may be
/// concluded from its absence.
pub(crate) fn whole_overrides(evidence: &Evidence) -> Result<Vec<(&OverridesFile, &Overrides)>, Unavailable> {
    let files = overrides(evidence)?;
    for (file, content) in &files {
        if let Some(fault) = content.faults.iter().find(|fault| fault.kind == FaultKind::Malformed) {
            let why = Reason::Broken(format!("malformed at {} ({})", fault.place, codes::OVERRIDES_MALFORMED));
            return Err(Unavailable::new(file_name(file), why));
        }
    }
    Ok(files)
}

/// The virtual hosts of all files.
pub(crate) fn virtual_hosts(
    evidence: &Evidence,
) -> Result<Vec<(&OverridesFile, &Overrides, &VirtualHost)>, Unavailable> {
    Ok(whole_overrides(evidence)?
        .into_iter()
        .flat_map(|(file, content)| content.virtual_hosts.iter().map(move |host| (file, content, host)))
        .collect())
}

/// The ApigeeRouteConfig is the one that the virtual-host chart renders of this entry: `<org>-<name>`.
pub(crate) fn renders(content: &Overrides, host: &VirtualHost, config_name: &str) -> bool {
    let Some(name) = &host.name else { return false };
    match &content.org {
        Some(org) => config_name == format!("{}-{}", org.value, name.value),
        None => config_name.strip_suffix(name.value.as_str()).is_some_and(|org| org.ends_with('-')),
    }
}

/// `file:line:column`, with standard input by its name.
pub(crate) fn place(file: &OverridesFile, place: Place) -> String {
    format!("{}:{place}", file_name(file))
}

/// The file as a person would name it.
pub(crate) fn file_name(file: &OverridesFile) -> &str {
    file.title()
}

/// The environment group of a virtual host, as far as the file tells.
pub(crate) fn host_name(host: &VirtualHost) -> &str {
    host.name.as_ref().map_or("without a name", |name| &name.value)
}

/// What a virtual host lists in additionalGateways.
pub(crate) fn gateway_names(host: &VirtualHost) -> Vec<String> {
    host.additional_gateways.names.iter().map(|name| name.value.clone()).collect()
}
