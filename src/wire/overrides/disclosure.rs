//! What of the file may be shown, and how: names and a few harmless values, shortened and escaped.
//!
//! Key names come from the file like values do. Someone may have pasted a key or a password where a name
//! belongs, so only what looks like a name is shown.

use super::{MAX_SHOWN, MAX_VALUE};
use crate::secrets;
use crate::text::visible_start;

/// What stands in a path or a text for a key name that is not shown.
pub(super) const WITHHELD: &str = "(not shown)";

/// Longest run of letters and digits that may mix capitals, small letters and digits and still be a name.
const LONGEST_MIXED_RUN: usize = 31;

/// Names that are shown below the sections whose values are secret: a broken value there is a secret.
const KNOWN_BELOW_GUARDED: &[&str] = &[
    "admin", "ddl", "default", "dml", "host", "image", "jmx", "jolokia", "password", "port", "scheme", "secret",
    "username",
];

/// Which names a path may show, from the top of the file down.
#[derive(Clone, Copy, Default)]
pub(super) struct Discretion {
    guarded: bool,
    hidden: bool,
}

impl Discretion {
    /// A key name as it may be shown here.
    pub(super) fn shown_key(self, key: &str) -> &str {
        let unknown = self.guarded && !KNOWN_BELOW_GUARDED.contains(&key);
        if self.hidden || unknown { WITHHELD } else { shown_key(key) }
    }

    /// What holds below this key.
    pub(super) fn below(self, key: &str) -> Self {
        // A mapping below such a key is a broken value, and its keys are that value.
        let holds_secret = secrets::in_overrides(key).is_secret() || secrets::is_user_name(key);
        let hidden = self.hidden || holds_secret || self.shown_key(key) == WITHHELD;
        Self { guarded: self.guarded || secrets::section(key).is_some(), hidden }
    }
}

/// A key name as it may be shown in a path.
pub(super) fn shown_key(key: &str) -> &str {
    let named = key.len() <= MAX_SHOWN
        && key.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '_' || first == '<')
        && key.chars().all(|letter| letter.is_ascii_alphanumeric() || "_-./<".contains(letter));
    if named && !looks_secret(key) { key } else { WITHHELD }
}

/// A key name in a text: in quotes, or [`WITHHELD`].
pub(super) fn quoted_key(key: &str) -> String {
    quoted_shown(shown_key(key))
}

/// What may be shown of a key name, in a text.
pub(super) fn quoted_shown(shown: &str) -> String {
    if shown == WITHHELD { format!("a key {WITHHELD}") } else { format!("\"{shown}\"") }
}

/// A harmless value in a text: in quotes, escaped and shortened.
pub(super) fn quoted_value(value: &str) -> String {
    format!("\"{}\"", visible_start(value, MAX_SHOWN))
}

/// A value as it enters the evidence. Names and paths have no control characters and no such length: what has
/// is changed so that it can be shown anywhere.
pub(super) fn kept_value(value: &str) -> String {
    visible_start(value, MAX_VALUE)
}

/// Whether the text may hold a key, a token or a password: PEM, a web token, an address with a user, a long
/// run of hexadecimal or base64.
pub(super) fn looks_secret(text: &str) -> bool {
    let pem = ["-----BEGIN", "-----END", "PRIVATE KEY"].iter().any(|mark| text.contains(mark));
    let token = text.starts_with("eyJ") && text.contains('.');
    let user = text.split_once("://").is_some_and(|(_, rest)| rest.contains('@'));
    pem || token || user || text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '+').any(is_material)
}

/// A value that a template engine should have replaced.
pub(super) fn has_template(text: &str) -> bool {
    text.contains("{{") || text.contains("{%")
}

/// The known name that was probably meant.
pub(super) fn nearest<'k>(key: &str, known: &[&'k str]) -> Option<&'k str> {
    if key.len() > MAX_SHOWN {
        return None;
    }
    let key: String = key.to_lowercase().chars().filter(|letter| !" -_.".contains(*letter)).collect();
    known
        .iter()
        .map(|name| (strsim::damerau_levenshtein(&key, &name.to_lowercase()), *name))
        .filter(|(distance, name)| *distance <= (name.len() / 4).clamp(1, 3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

fn is_material(run: &str) -> bool {
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
    fn names_are_shown_and_material_is_not() {
        for name in ["virtualhosts", "sslCertPath", "<<", "a.b/c-d_e", "minTLSProtocolVersion"] {
            assert_eq!(shown_key(name), name);
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
            assert_eq!(shown_key(secret), WITHHELD, "{secret}");
        }
    }

    #[test]
    fn paths_are_not_taken_for_secrets() {
        for path in ["./certs/keystore_dev-grp.pem", "/home/Admin1/certs/hybrid/production/North2/keystore.key"] {
            assert!(!looks_secret(path), "{path}");
        }
        assert!(looks_secret("https://user:word@proxy.example"));
    }

    #[test]
    fn values_are_escaped_and_shortened() {
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
