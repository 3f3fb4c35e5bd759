//! Decides which names and values of the file may be shown, and truncates and escapes them.
//!
//! Key names come from the file, as values do. A key or a password may have been pasted in place of a name,
//! so only texts that look like a name are shown.

use super::{MAX_SHOWN, MAX_VALUE};
use crate::secrets;
use crate::text::visible_start;

/// Replacement for a key name that may not be shown.
pub(super) const WITHHELD: &str = "(not shown)";

/// Maximum length of a run of mixed capital letters, small letters and digits that can still be a name.
const LONGEST_MIXED_RUN: usize = 31;

/// Names that are shown within sections whose values are secret: any other name there may be a broken secret
/// value.
const KNOWN_BELOW_GUARDED: &[&str] = &[
    "admin", "ddl", "default", "dml", "host", "image", "jmx", "jolokia", "password", "port", "scheme", "secret",
    "username",
];

/// Which key names a path may show, derived from the keys above.
#[derive(Clone, Copy, Default)]
pub(super) struct NameDisclosure {
    guarded: bool,
    hidden: bool,
}

impl NameDisclosure {
    /// Returns the key name, or [`WITHHELD`] if it may not be shown here.
    pub(super) fn displayable_key(self, key: &str) -> &str {
        let unknown = self.guarded && !KNOWN_BELOW_GUARDED.contains(&key);
        if self.hidden || unknown { WITHHELD } else { displayable_key(key) }
    }

    /// Returns the rules below this key.
    pub(super) fn below(self, key: &str) -> Self {
        // A mapping below a secret key is a broken value, so its keys are parts of the secret.
        let holds_secret = secrets::in_overrides(key).is_secret() || secrets::is_user_name(key);
        let hidden = self.hidden || holds_secret || self.displayable_key(key) == WITHHELD;
        Self { guarded: self.guarded || secrets::section(key).is_some(), hidden }
    }
}

/// Returns the key name, or [`WITHHELD`] if it may not be shown.
pub(super) fn displayable_key(key: &str) -> &str {
    let named = key.len() <= MAX_SHOWN
        && key.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '_' || first == '<')
        && key.chars().all(|character| character.is_ascii_alphanumeric() || "_-./<".contains(character));
    if named && !looks_secret(key) { key } else { WITHHELD }
}

/// Returns the key name in quotes, or [`WITHHELD`].
pub(super) fn quoted_key(key: &str) -> String {
    quoted_displayable(displayable_key(key))
}

/// Formats the result of [`displayable_key`] for a text.
pub(super) fn quoted_displayable(name: &str) -> String {
    if name == WITHHELD { format!("a key {WITHHELD}") } else { format!("\"{name}\"") }
}

/// Returns a value that is not secret, in quotes, escaped and truncated.
pub(super) fn quoted_value(value: &str) -> String {
    format!("\"{}\"", visible_start(value, MAX_SHOWN))
}

/// Escapes and truncates a value for the evidence, so that it can be shown anywhere. Valid names and paths do
/// not change.
pub(super) fn evidence_value(value: &str) -> String {
    visible_start(value, MAX_VALUE)
}

/// Returns whether the text may contain a key, a token or a password: PEM, a web token, a URL with a user, or
/// a long run of hexadecimal or base64.
pub(super) fn looks_secret(text: &str) -> bool {
    let pem = ["-----BEGIN", "-----END", "PRIVATE KEY"].iter().any(|mark| text.contains(mark));
    let token = text.starts_with("eyJ") && text.contains('.');
    let user = text.split_once("://").is_some_and(|(_, rest)| rest.contains('@'));
    pem || token
        || user
        || text.split(|character: char| !character.is_ascii_alphanumeric() && character != '+').any(may_be_key_material)
}

/// Returns whether the value contains a template that was not rendered. `${{ … }}` of a pipeline is a
/// placeholder that YAML can read.
pub(super) fn has_template(text: &str) -> bool {
    text.match_indices("{{").any(|(at, _)| !text[..at].ends_with('$')) || text.contains("{%")
}

/// Returns the known name that the user probably meant.
pub(super) fn nearest<'k>(key: &str, known: &[&'k str]) -> Option<&'k str> {
    if key.len() > MAX_SHOWN {
        return None;
    }
    let key: String = key.to_lowercase().chars().filter(|character| !" -_.".contains(*character)).collect();
    known
        .iter()
        .map(|name| (strsim::damerau_levenshtein(&key, &name.to_lowercase()), *name))
        .filter(|(distance, name)| *distance <= (name.len() / 4).clamp(1, 3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

fn may_be_key_material(run: &str) -> bool {
    if run.len() <= LONGEST_MIXED_RUN {
        return false;
    }
    let has = |class: fn(&u8) -> bool| run.as_bytes().iter().any(class);
    let mixed = has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase) && has(u8::is_ascii_digit);
    mixed || run.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_shown_and_key_material_is_not() {
        for name in ["virtualhosts", "sslCertPath", "<<", "a.b/c-d_e", "minTLSProtocolVersion"] {
            assert_eq!(displayable_key(name), name);
        }
        for secret in [
            "two words",
            "",
            "naïve",
            "-----BEGIN PRIVATE KEY-----",
            "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSj",
            "0123456789abcdef0123456789abcdef",
            &"x".repeat(MAX_SHOWN + 1),
        ] {
            assert_eq!(displayable_key(secret), WITHHELD, "{secret}");
        }
    }

    #[test]
    fn paths_are_not_mistaken_for_secrets() {
        for path in ["./certs/keystore_dev-grp.pem", "/home/Admin1/certs/hybrid/production/North2/keystore.key"] {
            assert!(!looks_secret(path), "{path}");
        }
        assert!(looks_secret("https://user:word@proxy.example"));
    }

    #[test]
    fn values_are_escaped_and_truncated() {
        assert_eq!(quoted_value("a\u{1b}[31m\u{202e}"), "\"a\\u{1b}[31m\\u{202e}\"");
        assert_eq!(quoted_value(&"é".repeat(MAX_SHOWN + 5)).chars().count(), MAX_SHOWN + 3);
    }

    #[test]
    fn the_nearest_name_is_found_or_none() {
        let known = ["additionalGateways", "name", "sslCertPath"];

        assert_eq!(nearest("additionalGateway", &known), Some("additionalGateways"));
        assert_eq!(nearest("sslCertpath", &known), Some("sslCertPath"));
        assert_eq!(nearest("additional_gateways", &known), Some("additionalGateways"));
        assert_eq!(nearest("nmae", &known), Some("name"));
        assert_eq!(nearest("tolerations", &known), None);
    }
}
