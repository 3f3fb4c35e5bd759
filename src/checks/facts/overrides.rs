//! The overrides files, and which objects the charts render from them.

use crate::checks::codes;
use crate::evidence::overrides::{
    FaultKind, Overrides, OverridesFault, OverridesFile, Position, Positioned, VirtualHost,
};
use crate::evidence::{Evidence, Reason, Unavailable};
use crate::text::has_placeholder;

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

/// Returns the content of all overrides files, like [`readable_overrides`], if each was judged to its end.
///
/// # Errors
///
/// Also returns an error for a part of a file beyond a limit of this program: nothing can be concluded from
/// what seems absent.
pub(crate) fn whole_overrides(evidence: &Evidence) -> Result<Vec<(&OverridesFile, &Overrides)>, Unavailable> {
    let files = readable_overrides(evidence)?;
    for (file, content) in &files {
        if let Some(fault) = content.faults.iter().find(|fault| fault.kind == FaultKind::Unjudged) {
            let why =
                format!("{} from {} on: {}, a limit of this program", fault.observed, fault.place, fault.expected);
            return Err(Unavailable::new(file_name(file), Reason::Broken(format!("not judged: {why}"))));
        }
    }
    Ok(files)
}

/// Returns an error if a check that has found nothing has not seen all: some of a file was not judged.
pub(crate) fn require_all_judged<T>(evidence: &Evidence, found: &[T]) -> Result<(), Unavailable> {
    if found.is_empty() { whole_overrides(evidence).map(drop) } else { Ok(()) }
}

/// Returns the content of all overrides files, like [`overrides`], if it can be judged. Of a file beyond a
/// limit of this program, it is the part before that.
///
/// # Errors
///
/// Also returns an error for a syntax error in a file, and for a placeholder on a line of its own or in the
/// place of virtual hosts: the rest of the file was not read, or the placeholder may be anything.
pub(crate) fn readable_overrides(evidence: &Evidence) -> Result<Vec<(&OverridesFile, &Overrides)>, Unavailable> {
    let files = overrides(evidence)?;
    for (file, content) in &files {
        if let Some(fault) = content.faults.iter().find(|fault| fault.kind == FaultKind::Malformed) {
            let why = Reason::Broken(format!("malformed at {} ({})", fault.place, codes::OVERRIDES_MALFORMED));
            return Err(Unavailable::new(file_name(file), why));
        }
        if let Some(fault) = content.faults.iter().find(|fault| may_be_anything(fault)) {
            return Err(unfilled(file, fault.place, &fault.observed));
        }
    }
    Ok(files)
}

/// Returns the virtual hosts of all files that were judged. A check that finds no fault in them passes only
/// if they are all ([`require_all_judged`]); of no virtual host, that is known.
pub(crate) fn virtual_hosts(
    evidence: &Evidence,
) -> Result<Vec<(&OverridesFile, &Overrides, &VirtualHost)>, Unavailable> {
    let hosts: Vec<_> = readable_overrides(evidence)?
        .into_iter()
        .flat_map(|(file, content)| content.virtual_hosts.iter().map(move |host| (file, content, host)))
        .collect();
    require_all_judged(evidence, &hosts)?;
    Ok(hosts)
}

/// Returns the virtual hosts of all files, like [`virtual_hosts`], if their names and gateways can be
/// compared with the cluster.
///
/// # Errors
///
/// Also returns an error for a placeholder in one of these values.
pub(crate) fn comparable_hosts(
    evidence: &Evidence,
) -> Result<Vec<(&OverridesFile, &Overrides, &VirtualHost)>, Unavailable> {
    let hosts = virtual_hosts(evidence)?;
    for (file, _, host) in &hosts {
        let mut values = host.name.iter().chain(&host.additional_gateways.names);
        if let Some(value) = values.find(|value| !is_filled(value)) {
            return Err(unfilled(file, value.place, &value.value));
        }
    }
    Ok(hosts)
}

/// Returns whether the value is known: it contains no placeholder.
pub(crate) fn is_filled(value: &Positioned<String>) -> bool {
    !has_placeholder(&value.value)
}

/// The value at this place is a placeholder.
pub(crate) fn unfilled(file: &OverridesFile, at: Position, placeholder: &str) -> Unavailable {
    let why = format!("the placeholder {placeholder} is not filled ({})", codes::OVERRIDES_PLACEHOLDER);
    Unavailable::new(place(file, at), Reason::Broken(why))
}

/// Returns whether the reason is a placeholder that is not filled.
pub(crate) fn is_unfilled(evidence: &Evidence, why: &Unavailable) -> bool {
    evidence.overrides.iter().filter_map(|file| Some((file, file.content.seen().ok()?))).any(|(file, content)| {
        let mut faults = content.faults.iter().filter(|fault| fault.kind == FaultKind::Placeholder);
        faults.any(|fault| why.what == place(file, fault.place))
    })
}

/// Returns whether the fault is a placeholder on a line of its own, in the place of all virtual hosts, of an
/// entry, or of a key of an entry.
fn may_be_anything(fault: &OverridesFault) -> bool {
    let entry = fault.path.strip_prefix("virtualhosts");
    let is_whole = entry.is_some_and(|rest| rest.is_empty() || rest.ends_with(']') && !rest.contains('.'));
    fault.kind == FaultKind::Placeholder && (fault.path.is_empty() || is_whole)
}

/// Returns whether two files may be of one organization, so that helm may get both.
pub(crate) fn may_be_of_one_org(one: &Overrides, other: &Overrides) -> bool {
    match (&one.org, &other.org) {
        (Some(one), Some(other)) => one.value == other.value || !is_filled(one) || !is_filled(other),
        _ => true,
    }
}

/// Returns the ingress gateways that helm gets together with a file: of it and the files without virtual
/// hosts, the last list replaces the others. `None` if no file has one; an empty list has no gateway.
pub(crate) fn ingress_gateways<'a>(evidence: &'a Evidence, content: &'a Overrides) -> Option<&'a [Positioned<String>]> {
    let files = evidence.overrides.iter().rev().filter_map(|file| file.content.seen().ok());
    let mut of_upgrade = files.filter(|other| {
        std::ptr::eq(*other, content) || other.virtual_hosts.is_empty() && may_be_of_one_org(other, content)
    });
    let last = of_upgrade.find(|file| file.empty_ingress_gateways.is_some() || !file.ingress_gateways.is_empty())?;
    Some(&last.ingress_gateways)
}

/// Returns the files that helm needs for an ApigeeRouteConfig, in the order given: those that define its
/// virtual host, and those without virtual hosts. Others are left out, because the last list of virtual hosts
/// replaces the others. A file that was not read to its end may be needed.
pub(crate) fn helm_files<'a>(evidence: &'a Evidence, config_name: &str) -> Vec<&'a OverridesFile> {
    let is_needed = |file: &&OverridesFile| match file.content.seen() {
        Err(_) => true,
        Ok(content) if content.virtual_hosts.is_empty() => {
            content.org.as_ref().filter(|org| is_filled(org)).is_none_or(|org| {
                config_name.strip_prefix(org.value.as_str()).is_some_and(|rest| rest.starts_with('-'))
            })
        }
        Ok(content) => {
            let is_cut =
                content.faults.iter().any(|fault| matches!(fault.kind, FaultKind::Malformed | FaultKind::Unjudged));
            is_cut || content.virtual_hosts.iter().any(|host| renders(content, host, config_name))
        }
    };
    evidence.overrides.iter().filter(is_needed).collect()
}

/// Returns whether the virtual-host chart renders this ApigeeRouteConfig, named `<org>-<name>`, from the
/// virtual host.
pub(crate) fn renders(content: &Overrides, host: &VirtualHost, config_name: &str) -> bool {
    // Every virtual host is compared with every group, so the end of the name, which nearly always differs,
    // comes first.
    let org = host.name.as_ref().and_then(|name| config_name.strip_suffix(name.value.as_str())?.strip_suffix('-'));
    org.is_some_and(|org| content.org.as_ref().filter(|known| is_filled(known)).is_none_or(|known| known.value == org))
}

/// Returns the name of the ApigeeRouteConfig that the chart renders from the virtual host, if its org is
/// known.
pub(crate) fn rendered_name(content: &Overrides, host: &VirtualHost) -> Option<String> {
    let org = content.org.as_ref().filter(|org| is_filled(org))?;
    Some(format!("{}-{}", org.value, host.name.as_ref()?.value))
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
