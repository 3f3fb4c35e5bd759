//! Recognises placeholders that a deployment tool fills in before the text is used.
//!
//! Only the form counts: no value of a placeholder is known here.

/// Delimiters that enclose a placeholder: templates, shells and envsubst, Terraform, pipelines, sed, formats
/// of Python, CUE and Kapitan, and what SOPS decrypts.
const ENCLOSED: &[(&str, &str)] = &[
    ("{{", "}}"),
    ("{%", "%}"),
    ("%{", "}"),
    ("${", "}"),
    ("$(", ")"),
    ("$[", "]"),
    ("#{", "}#"),
    ("#{", "}"),
    ("ENC[", "]"),
    ("((", "))"),
    ("[[", "]]"),
    ("<", ">"),
    ("«", "»"),
    ("\\(", ")"),
    ("?{", "}"),
    ("%(", ")s"),
    ("%(", ")d"),
    ("@", "@"),
    ("%", "%"),
    ("__", "__"),
];

/// Beginnings of names that documents use for a value of the reader, and of references that vals, 1Password
/// and Vault's tools resolve.
const STARTS: &[&str] = &[
    "your_",
    "your-",
    "change_me",
    "changeme",
    "op://",
    "ref+",
    "replace_me",
    "replace_with",
    "replaceme",
    "secretref+",
    "vault:",
    "#@ ",
];

/// Whole values that a person left for later, if in capitals: a name of an object may be one of them.
const LEFT_FOR_LATER: &[&str] = &["fixme", "tbd", "todo"];
/// Characters of a value that is nothing else.
const FILLERS: &[char] = &['.', '?', 'X', '*', '…'];

/// Beginnings of names of TLS versions and cipher suites and of the TLS modes of Istio, which are written
/// like placeholders.
const PROTOCOL_NAMES: &[&str] = &[
    "TLS_",
    "TLS1",
    "TLSV",
    "SSL_",
    "SSLV",
    "AUTO_PASSTHROUGH",
    "ISTIO_MUTUAL",
    "MUTUAL_TLS",
    "OPTIONAL_MUTUAL",
    "PASS_THROUGH",
    "SIMPLE_TLS",
];

/// Parts of names of cipher suites: `ECDHE_RSA_WITH_AES_128_GCM_SHA256` is no placeholder.
const ALGORITHMS: &[&str] = &[
    "3DES", "AES", "AES128", "AES256", "CBC", "CHACHA20", "DES", "DHE", "ECDHE", "ECDSA", "GCM", "POLY1305", "RC4",
    "SHA", "SHA256", "SHA384",
];

/// Returns whether the text contains a placeholder, such as `${NAME}`, `<name>` or `YOUR_NAME`.
#[must_use]
pub fn has_placeholder(text: &str) -> bool {
    let lower = || text.to_ascii_lowercase();
    enclosed(text)
        || has_variable(text)
        || is_capitals(text)
        || is_left_for_later(text)
        || STARTS.iter().any(|start| lower().trim_start_matches('_').starts_with(start))
        || is_of_reader(text)
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
            let is_whole = || text.starts_with(open) && text.ends_with(close);
            if inner.split_once(close).is_some_and(|(name, _)| is_name(name, open, is_whole())) {
                return true;
            }
            rest = inner;
        }
        false
    })
}

/// A name in single characters, such as `@NAME@`, has no spaces. Small letters between `%` may be an encoded
/// character, and between `__` a word of a name.
fn is_name(name: &str, open: &str, is_whole: bool) -> bool {
    let is_encoded = || name.len() >= 2 && name.bytes().take(2).all(|byte| byte.is_ascii_hexdigit());
    let may_be_small = match open {
        "@" => true,
        "%" => is_whole || !is_encoded(),
        _ => is_whole,
    };
    match open {
        "@" | "%" | "__" => {
            begins_name(name) && name.bytes().all(is_of_variable) && (may_be_small || !name.bytes().any(is_small))
        }
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

/// A name in capitals with an underscore, such as `ENV_GROUP`, `_ENV_GROUP_` or `ORG_NAME-ENV_GROUP`: no
/// object of Kubernetes can have it.
fn is_capitals(text: &str) -> bool {
    let name = text.trim_matches('_');
    text.contains('_')
        && name.starts_with(|first: char| first.is_ascii_uppercase())
        && name.bytes().all(|byte| byte == b'-' || is_of_variable(byte) && !is_small(byte))
        && !PROTOCOL_NAMES.iter().any(|start| name.starts_with(start))
        && !name.split(['_', '-']).any(|part| ALGORITHMS.contains(&part))
}

/// Returns whether a part of the text is a value of the reader: `certs/_YOUR_CERT_.pem`, `acme-YOUR_GROUP`,
/// `certs/your-cert.pem`.
fn is_of_reader(text: &str) -> bool {
    let begins_word = |at: usize| !text[..at].ends_with(|before: char| before.is_ascii_alphanumeric());
    let in_capitals = ["YOUR_", "YOUR-"].iter().any(|word| text.match_indices(word).any(|(at, _)| begins_word(at)));
    in_capitals || text.split('/').skip(1).any(|part| ["your_", "your-"].iter().any(|word| part.starts_with(word)))
}

/// Returns whether a person left the value for later: `TBD`, `...`, `???`.
fn is_left_for_later(text: &str) -> bool {
    let is_filler = |filler: &char| text.chars().all(|character| character == *filler);
    let is_word = LEFT_FOR_LATER.iter().any(|word| word.to_ascii_uppercase() == text);
    is_word || text == "…" || text.len() >= 3 && FILLERS.iter().any(is_filler)
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
            "@org@",
            "@org@-tls",
            "%(org)s",
            "%(org)s-tls",
            "%org%",
            "__org__",
            "?{vaultkv:apigee/org}",
            "op://vault/item/field",
            "vault:secret/data/apigee#org",
            "\\(org)",
            "«ORG»",
            &"todo".to_uppercase(),
            "TBD",
            "...",
            "…",
            "???",
            &"X".repeat(3),
            "#@ data.values.org",
            "(( grab meta.org ))",
            "${{ secrets.ORG }}",
            "#{org}#",
            "%{ if prod }live%{ endif }",
            "_YOUR_APIGEE_ORG_",
            "./certs/_YOUR_SSL_CERT_.crt",
            "certs/YOUR_CERT.pem",
            "certs/your-cert.pem",
            "ORG_NAME-ENV_GROUP",
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
            "todo",
            "a...b",
            "..",
            "a?b",
            "X1",
            "certs%2Fa%2Fb",
            "%af%bd",
            "me@example.com",
            "certs/yours.pem",
            "four-your-group",
            "ECDHE-RSA-AES128-SHA",
            "ECDHE_RSA_WITH_AES_128_GCM_SHA256",
            "RSA_WITH_3DES_EDE_CBC_SHA",
            "TLS1_2",
            "MUTUAL_TLS",
            "_",
            "",
        ] {
            assert!(!has_placeholder(text), "{text}");
        }
    }

    #[test]
    fn a_whole_line_is_one_placeholder() {
        for text in [
            "${VIRTUAL_HOSTS}",
            "$VHOSTS",
            "@@VHOSTS@@",
            "<virtual hosts>",
            "__HOSTS__",
            "#{HOSTS}",
            "%HOSTS%",
            "%{ for group in groups ~}",
        ] {
            assert!(is_placeholder_in_delimiters(text), "{text}");
        }
        for text in ["name: ${X}", "# comment", "---", "%YAML 1.2", "- ${X}", "a", ""] {
            assert!(!is_placeholder_in_delimiters(text), "{text}");
        }
    }
}
