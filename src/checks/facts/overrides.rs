//! The overrides files, and which objects the charts render from them.

use crate::checks::codes;
use crate::evidence::overrides::{FaultKind, Overrides, OverridesFile, Position, VirtualHost};
use crate::evidence::{Evidence, Reason, Unavailable};

/// Returns the content of all overrides files.
///
/// # Errors
///
/// Returns an error if no file was given or if one could not be read.
pub(crate) fn overrides(evidence: &Evidence) -> Result<Vec<(&OverridesFile, &Overrides)>, Unavailable> {
    if evidence.overrides.is_empty() {
        let why = Reason::NotRequested("pass it with -f overrides.yaml".into());
        return Err(Unavailable::new("overrides.yaml", why));
    }
    evidence.overrides.iter().map(|file| Ok((file, file.content.seen()?))).collect()
}

/// Returns the content of all overrides files, like [`overrides`], if each was parsed to its end.
///
/// # Errors
///
/// Also returns an error for a syntax error in a file: the rest of the file was not read, so nothing can be
/// concluded from what seems absent.
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

/// Returns the virtual hosts of all files.
pub(crate) fn virtual_hosts(
    evidence: &Evidence,
) -> Result<Vec<(&OverridesFile, &Overrides, &VirtualHost)>, Unavailable> {
    Ok(whole_overrides(evidence)?
        .into_iter()
        .flat_map(|(file, content)| content.virtual_hosts.iter().map(move |host| (file, content, host)))
        .collect())
}

/// Returns whether the virtual-host chart renders this ApigeeRouteConfig, named `<org>-<name>`, from the
/// virtual host.
pub(crate) fn renders(content: &Overrides, host: &VirtualHost, config_name: &str) -> bool {
    let Some(name) = &host.name else { return false };
    match &content.org {
        Some(org) => config_name == format!("{}-{}", org.value, name.value),
        None => config_name.strip_suffix(name.value.as_str()).is_some_and(|org| org.ends_with('-')),
    }
}

/// `file:line:column`, with standard input by its name.
pub(crate) fn place(file: &OverridesFile, place: Position) -> String {
    format!("{}:{place}", file_name(file))
}

/// Returns the display name of the file.
pub(crate) fn file_name(file: &OverridesFile) -> &str {
    file.title()
}

/// Returns the environment group of a virtual host, or a placeholder if the entry has no name.
pub(crate) fn host_name(host: &VirtualHost) -> &str {
    host.name.as_ref().map_or("without a name", |name| &name.value)
}

/// Returns the entries of a virtual host's additionalGateways.
pub(crate) fn gateway_names(host: &VirtualHost) -> Vec<String> {
    host.additional_gateways.names.iter().map(|name| name.value.clone()).collect()
}
