//! Java properties, and the TLS settings among those of a Router or Message Processor.
//!
//! An override of Apigee writes `conf_system_KEY=value` or `conf/system.properties+KEY=value`; the file that
//! the process reads has `KEY=value`. No other property leaves this file, because others may hold passwords.

use super::ciphers;
use crate::evidence::edge::{MessageProcessorSettings, RouterSettings};

const DISABLED: &str = "jdk.tls.disabledAlgorithms";
const ROUTER_PROTOCOLS: &str = "conf_load_balancing_load.balancing.driver.server.ssl.protocols";
const ROUTER_CIPHERS: &str = "conf_load_balancing_load.balancing.driver.server.ssl.ciphers";

/// Reads the properties of a Message Processor.
#[must_use]
pub fn message_processor(file: &str, text: &[u8], is_effective: bool) -> MessageProcessorSettings {
    let mut settings =
        MessageProcessorSettings { file: file.to_owned(), is_effective, ..MessageProcessorSettings::default() };
    for (key, value) in pairs(text) {
        let own = ["conf_system_", "conf/system.properties+", "conf_jvmsecurity_", "conf/jvmsecurity.properties+"]
            .into_iter()
            .find_map(|prefix| key.strip_prefix(prefix));
        match own.unwrap_or(&key) {
            "jsse.enableSNIExtension" => settings.sni = boolean(&value),
            "https.protocols" => settings.https_protocols = Some(value),
            DISABLED => settings.disabled_algorithms = Some(value),
            _ => {}
        }
    }
    settings
}

/// Reads the overrides of a Router.
#[must_use]
pub fn router(file: &str, text: &[u8]) -> RouterSettings {
    let mut settings = RouterSettings { file: file.to_owned(), ..RouterSettings::default() };
    for (key, value) in pairs(text) {
        match key.as_str() {
            // With a comma, nginx takes the whole list as one name.
            ROUTER_PROTOCOLS => settings.protocols = Some(value.split_whitespace().map(str::to_owned).collect()),
            ROUTER_CIPHERS => settings.ciphers = Some(ciphers::expand(&value)),
            _ => {}
        }
    }
    settings
}

/// Returns whether a text is a file of properties: it has a line `NAME=VALUE` or `NAME:VALUE` whose name is
/// of several words, as those of Apigee and Java are. To `java.util.Properties` any text is properties.
#[must_use]
pub fn holds_any(text: &[u8]) -> bool {
    let is_of_name = |character: char| character.is_ascii_alphanumeric() || "._-/+".contains(character);
    String::from_utf8_lossy(text).lines().any(|line| {
        let line = line.trim_start();
        let name = line.find(['=', ':']).map(|end| line[..end].trim_end());
        !line.starts_with(['#', '!'])
            && name.is_some_and(|name| name.contains(['.', '_']) && name.chars().all(is_of_name))
    })
}

/// Splits at spaces and commas.
pub(super) fn words(text: &str) -> Vec<String> {
    text.split([' ', ',', '\t']).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

fn boolean(value: &str) -> Option<bool> {
    match value.to_ascii_lowercase().as_str() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

/// Returns the pairs in order. A backslash at the end of a line continues it (`java.util.Properties`).
fn pairs(text: &[u8]) -> Vec<(String, String)> {
    let text = String::from_utf8_lossy(text);
    let mut pairs = Vec::new();
    let mut whole = String::new();
    for line in text.lines() {
        let line = line.trim_start();
        if whole.is_empty() && (line.starts_with('#') || line.starts_with('!')) {
            continue;
        }
        let slashes = line.bytes().rev().take_while(|byte| *byte == b'\\').count();
        if slashes % 2 == 1 {
            whole += &line[..line.len() - 1];
            continue;
        }
        whole += line;
        pairs.extend(pair(&std::mem::take(&mut whole)));
    }
    pairs.extend(pair(&whole));
    pairs
}

fn pair(line: &str) -> Option<(String, String)> {
    let line = line.trim();
    let end = line.find(['=', ':', ' ', '\t'])?;
    let (key, rest) = line.split_at(end);
    let rest = rest.trim_start();
    let value = rest.strip_prefix(['=', ':']).unwrap_or(rest).trim();
    (!key.is_empty()).then(|| (key.to_owned(), value.to_owned()))
}

/// Fuzzing entry: reads any bytes as properties.
pub fn fuzz_properties(bytes: &[u8]) {
    let _ = message_processor("fuzz", bytes, true);
    let _ = router("fuzz", bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_both_forms_of_an_override_and_the_effective_file() {
        let settings = message_processor(
            "mp",
            b"# jsse.enableSNIExtension=true\nconf_system_jsse.enableSNIExtension = False\n\
              conf/system.properties+https.protocols=TLSv1.2,\\\n  TLSv1.1\nconf_security_keystore.password=secret\n\
              conf_jvmsecurity_jdk.tls.disabledAlgorithms=SSLv3, TLSv1",
            false,
        );
        assert_eq!(settings.sni, Some(false));
        assert_eq!(settings.https_protocols.as_deref(), Some("TLSv1.2,TLSv1.1"));
        assert_eq!(settings.disabled_algorithms.as_deref(), Some("SSLv3, TLSv1"));
        assert!(!format!("{settings:?}").contains("secret"));
        assert_eq!(message_processor("x", b"jsse.enableSNIExtension: true", true).sni, Some(true));
        fuzz_properties(b"\\");
        fuzz_properties(b"=\n:\n\xff\xfe=\\\n");
    }

    #[test]
    fn tells_properties_from_other_text() {
        for text in ["jsse.enableSNIExtension=true", "# well\nconf_a = 1", "conf/system.properties+a: b"] {
            assert!(holds_any(text.as_bytes()), "{text}");
        }
        let texts =
            ["", "\n", "hello world", "# a.b=c", "a=b", "<a.b=c>", "ssl_protocols TLSv1.2;", "\0\u{1}.=", "a.b"];
        for text in texts {
            assert!(!holds_any(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn reads_protocols_of_a_router_separated_by_spaces() {
        let text = b"conf_load_balancing_load.balancing.driver.server.ssl.protocols=TLSv1 TLSv1.1";
        assert_eq!(router("r", text).protocols.unwrap(), ["TLSv1", "TLSv1.1"]);
        assert_eq!(router("r", b"other=1").protocols, None);
        let text = b"conf_load_balancing_load.balancing.driver.server.ssl.protocols=TLSv1.2,TLSv1.3";
        assert_eq!(router("r", text).protocols.unwrap(), ["TLSv1.2,TLSv1.3"]);
    }
}
