//! Recognises placeholders that a deployment tool fills in before the text is used.
//!
//! Only the form counts: no value of a placeholder is known here.

/// Delimiters that enclose a placeholder: templates, shells and envsubst, Terraform, pipelines, sed, and what
/// SOPS decrypts.
const ENCLOSED: &[(&str, &str)] = &[
    ("{{", "}}"),
    ("{%", "%}"),
    ("${", "}"),
    ("$(", ")"),
    ("$[", "]"),
    ("#{", "}#"),
    ("#{", "}"),
    ("ENC[", "]"),
    ("((", "))"),
    ("[[", "]]"),
    ("<", ">"),
    ("@", "@"),
    ("%", "%"),
    ("__", "__"),
];

/// Beginnings of names that documents use for a value of the reader, and of references that vals resolves.
const STARTS: &[&str] = &["your_", "your-", "change_me", "changeme", "ref+", "replace_me", "replace_with", "replaceme"];

/// Beginnings of names of TLS versions and cipher suites, which are written like placeholders.
const PROTOCOL_NAMES: &[&str] = &["TLS_", "TLSV", "SSL_", "SSLV"];

/// Returns whether the text contains a placeholder, such as `${NAME}`, `<name>` or `YOUR_NAME`.
#[must_use]
pub fn has_placeholder(text: &str) -> bool {
    let lower = || text.to_ascii_lowercase();
    enclosed(text) || has_variable(text) || is_capitals(text) || STARTS.iter().any(|start| lower().starts_with(start))
}

/// Returns whether the text is one placeholder in delimiters and nothing else.
#[must_use]
pub fn is_placeholder_in_delimiters(text: &str) -> bool {
    let name = text.strip_prefix('$').unwrap_or(text);
    let is_variable = name.len() < text.len() && name.bytes().all(is_of_variable) && has_variable(text);
    is_variable
        || ENCLOSED.iter().any(|(open, close)| {
            let inner = text.strip_prefix(open).and_then(|rest| rest.strip_suffix(close));
            inner.is_some_and(|inner| begins_name(inner.trim_start_matches(delimiters)))
        })
}

fn enclosed(text: &str) -> bool {
    ENCLOSED.iter().any(|(open, close)| {
        let mut rest = text;
        while let Some((_, inner)) = rest.split_once(open) {
            if inner.split_once(close).is_some_and(|(name, _)| is_name(name, open)) {
                return true;
            }
            rest = inner;
        }
        false
    })
}

/// A name in single characters, such as `@NAME@`, has no spaces, and not the small letters of an address.
fn is_name(name: &str, open: &str) -> bool {
    match open {
        "@" | "%" | "__" => begins_name(name) && name.bytes().all(is_of_variable) && !name.bytes().any(is_small),
        "<" => begins_name(name.trim_start_matches(delimiters)),
        _ => true,
    }
}

fn delimiters(character: char) -> bool {
    "{<@%_[(#$.=-~! ".contains(character)
}

fn begins_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
}

fn is_small(byte: u8) -> bool {
    byte.is_ascii_lowercase()
}

fn is_of_variable(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// `$NAME`, as a shell reads it.
fn has_variable(text: &str) -> bool {
    text.split('$').skip(1).any(|name| name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_'))
}

/// A name in capitals with an underscore, such as `ENV_GROUP`: no object of Kubernetes can have it.
fn is_capitals(text: &str) -> bool {
    text.contains('_')
        && text.starts_with(|first: char| first.is_ascii_uppercase())
        && text.bytes().all(|byte| is_of_variable(byte) && !is_small(byte))
        && !PROTOCOL_NAMES.iter().any(|start| text.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recognises_the_placeholders_of_deployment_tools() {
        for text in [
            "${ORG}",
            "${org:-default}",
            "$(Org)",
            "$ORG",
            "{{ .Values.org }}",
            "{{org}}-tls",
            "<org>",
            "<YOUR-ORG>-tls",
            "<%= org %>",
            "@ORG@",
            "@@ORG@@",
            "%ORG%",
            "__ORG__",
            "#{ORG}#",
            "((org))",
            "[[ org ]]",
            "YOUR_ORG",
            "your-org-name",
            "ENV_GROUP_NAME",
            "CHANGEME",
            "$[variables.org]",
            "ENC[AES256_GCM,data:b3Jn,iv:eA==,tag:eQ==,type:str]",
            "ref+vault://apigee/org#/name",
            "certs/${GROUP}.pem",
        ] {
            assert!(has_placeholder(text), "{text}");
        }
    }

    #[test]
    fn names_paths_and_suites_are_no_placeholders() {
        for text in [
            "dev-grp",
            "myorg-hyb",
            "./certs/keystore_dev-grp.pem",
            "C:\\certs\\a.pem",
            "TLS_AES_256_GCM_SHA384",
            "ECDHE-RSA-AES128-GCM-SHA256",
            "TLSV1_2",
            "user@example.com",
            "a < b",
            "100%",
            "my__cert__file.pem",
            "AUTO",
            "",
        ] {
            assert!(!has_placeholder(text), "{text}");
        }
    }

    #[test]
    fn a_whole_line_is_one_placeholder() {
        for text in ["${VIRTUAL_HOSTS}", "$VHOSTS", "@@VHOSTS@@", "<virtual hosts>", "__HOSTS__", "#{HOSTS}", "%HOSTS%"]
        {
            assert!(is_placeholder_in_delimiters(text), "{text}");
        }
        for text in ["name: ${X}", "# comment", "---", "%YAML 1.2", "- ${X}", "a", ""] {
            assert!(!is_placeholder_in_delimiters(text), "{text}");
        }
    }
}
