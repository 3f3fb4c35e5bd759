//! Lines around the lists of gateways, as context for a diff.
//!
//! A line is kept only if it has no other text than keys of virtual hosts and values that are in the evidence
//! anyway. Any other line, even a comment, may be secret, so that the context ends there.

use std::collections::{BTreeMap, BTreeSet};

use super::source::Source;
use crate::evidence::overrides::{ContextLine, GatewaysForm, Overrides, Positioned};

/// Number of lines before and after a change, as in every unified diff.
const LINES: u32 = 3;

/// Keys that may be in a line of their own.
const SECTIONS: &[&str] = &["additionalGateways", "envs", "ingressGateways", "selector", "virtualhosts"];

/// The documented label of the ingress pods.
const USUAL_LABEL: &str = "app: apigee-ingressgateway";

/// Returns the number of lines of the file, and the lines that may be shown around each list of gateways.
/// Without the latter if line ends are not those of Unix, because a diff that was pasted would lose them.
pub(super) fn lines(source: &Source<'_>, overrides: &Overrides) -> (u32, Vec<ContextLine>) {
    let wanted = wanted(overrides);
    if wanted.is_empty() || !source.plain_lines || source.line_ends.crlf || source.cut {
        return (0, Vec::new());
    }
    let known = known(overrides);
    let mut count = 0;
    let mut lines = Vec::new();
    for (number, text) in (1_u32..).zip(source.text.lines()) {
        count = number;
        if wanted.contains(&number) && is_shown(text, known.get(&number).map_or(&[], Vec::as_slice)) {
            lines.push(ContextLine { line: number, text: text.to_owned() });
        }
    }
    (count, lines)
}

/// Numbers of the lines around each list.
fn wanted(overrides: &Overrides) -> BTreeSet<u32> {
    let lists = overrides.virtual_hosts.iter().filter_map(|host| match &host.additional_gateways.form {
        GatewaysForm::Absent { after: line, .. }
        | GatewaysForm::Block { line, .. }
        | GatewaysForm::Flow { line, .. } => Some(*line),
        GatewaysForm::Other { .. } => None,
    });
    lists.flat_map(|line| line.saturating_sub(LINES)..=line.saturating_add(LINES)).collect()
}

/// Keys and values of the evidence by line; an item of a list has an empty key.
fn known(overrides: &Overrides) -> BTreeMap<u32, Vec<(&'static str, &str)>> {
    let mut known: BTreeMap<u32, Vec<(&'static str, &str)>> = BTreeMap::new();
    let mut fields: Vec<(&'static str, Option<&Positioned<String>>)> =
        vec![("org", overrides.org.as_ref()), ("namespace", overrides.namespace.as_ref())];
    for host in &overrides.virtual_hosts {
        fields.extend([
            ("name", host.name.as_ref()),
            ("ingress_name", host.ingress_name.as_ref()),
            ("sslSecret", host.ssl_secret.as_ref()),
            ("sslCertPath", host.ssl_cert_path.as_ref()),
            ("sslKeyPath", host.ssl_key_path.as_ref()),
        ]);
        fields.extend(host.additional_gateways.names.iter().map(|name| ("", Some(name))));
    }
    fields.extend(overrides.ingress_gateways.iter().map(|name| ("name", Some(name))));
    for (key, value) in fields.into_iter().filter_map(|(key, value)| Some((key, value?))) {
        known.entry(value.place.line).or_default().push((key, &value.value));
    }
    known
}

fn is_shown(text: &str, known: &[(&str, &str)]) -> bool {
    let trimmed = text.trim();
    let body = trimmed.strip_prefix("- ").map_or(trimmed, str::trim_start);
    if body.is_empty() || body == USUAL_LABEL || body.strip_suffix(':').is_some_and(|key| SECTIONS.contains(&key)) {
        return true;
    }
    let is_item =
        trimmed.len() > body.len() && known.iter().any(|(key, value)| key.is_empty() && unquoted(body) == *value);
    let is_value = |(key, value): (&str, &str)| {
        !key.is_empty() && known.iter().any(|known| *known == (key, unquoted(value.trim())))
    };
    is_item || body.split_once(": ").is_some_and(is_value)
}

fn unquoted(text: &str) -> &str {
    let inner = |quote: char| text.strip_prefix(quote)?.strip_suffix(quote);
    inner('"').or_else(|| inner('\'')).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use crate::wire::overrides::read;

    #[test]
    fn shows_only_what_is_in_the_evidence_anyway() {
        let file = "org: meadow # of the field\n\
                    virtualhosts:\n\
                    - name: north\n\
                    \x20 selector:\n\
                    \x20   app: apigee-ingressgateway\n\
                    \x20   ingress_name: gate\n\
                    \x20 sslKeyPath: \"./north.key\"\n\
                    \x20 additionalGateways: [\"x\"]\n\
                    envs:\n\
                    - name: hunter2\n\
                    \x20 password: hunter2\n";
        let overrides = read(file.as_bytes());
        let shown: Vec<&str> = overrides.context.iter().map(|line| line.text.trim()).collect();
        assert_eq!(shown, ["app: apigee-ingressgateway", "ingress_name: gate", "sslKeyPath: \"./north.key\"", "envs:"]);
        assert_eq!(overrides.lines, 11);
        assert!(!serde_json::to_string(&overrides).unwrap().contains("hunter2"));
    }

    #[test]
    fn shows_no_line_of_a_block_of_text() {
        let file =
            "virtualhosts:\n- name: north\n  sslKeyPath: |\n    MIIEvQIBADAN\n    north\n  additionalGateways: []\n";
        let overrides = read(file.as_bytes());
        assert_eq!(overrides.context.iter().filter(|line| line.text.contains("MIIE")).count(), 0);
    }
}
