//! Skips the text in front of a record on its line: the date of a container runtime, the labels of Loki,
//! names of pods.

use memchr::{memchr, memchr2, memmem};

use super::json;
use crate::evidence::hybrid::INTERNAL_CHAINING;

/// Begins the control sequences of a terminal.
const ESCAPE: u8 = 0x1B;

/// A line of a container runtime (CRI): `2025-06-02T10:00:01.5Z stdout F text`.
#[derive(Debug, PartialEq)]
pub(super) struct Runtime<'a> {
    pub(super) is_stderr: bool,
    /// The text continues in the next line of its stream.
    pub(super) is_partial: bool,
    pub(super) text: &'a [u8],
}

/// Splits the line of a container runtime. Source: Kubernetes, `pkg/kubelet/kuberuntime/logs`.
pub(super) fn runtime(line: &[u8]) -> Option<Runtime<'_>> {
    if !is_dated(line) {
        return None;
    }
    let mut parts = line.splitn(4, |&byte| byte == b' ');
    let (_, stream, tags) = (parts.next()?, parts.next()?, parts.next()?);
    // Editors drop the blank in front of an empty text.
    let text = parts.next().unwrap_or_default();
    let is_stderr = match stream {
        b"stdout" => false,
        b"stderr" => true,
        _ => return None,
    };
    let is_partial = match tags.split(|&byte| byte == b':').next()? {
        b"P" => true,
        b"F" => false,
        _ => return None,
    };
    Some(Runtime { is_stderr, is_partial, text })
}

/// Returns whether the line begins with a date, as the own logs of Envoy (`[2025-05-19
/// 04:46:20.117][1][info]…`) and the istio agent (`2025-05-19T04:46:20.117Z info …`) do.
pub(super) fn is_dated(text: &[u8]) -> bool {
    let text = text.strip_prefix(b"[").unwrap_or(text);
    text.get(..10).is_some_and(|date| {
        date.iter().enumerate().all(|(i, byte)| if matches!(i, 4 | 7) { *byte == b'-' } else { byte.is_ascii_digit() })
    })
}

/// Returns whether the text beside a record names a pod of internal chaining, whose clients are proxies of
/// the same organization.
pub(super) fn is_of_chaining(text: &[u8]) -> bool {
    memmem::find(text, INTERNAL_CHAINING.as_bytes()).is_some()
}

/// Returns whether an entry names a pod of internal chaining, not counting its record, which may name one as
/// upstream.
pub(super) fn is_entry_of_chaining(entry: &[u8], record: &[u8]) -> bool {
    let mentions = |text| memmem::find_iter(text, INTERNAL_CHAINING).count();
    mentions(entry) > mentions(record)
}

/// Returns the start of the next object, if no quote precedes it: after a quote it is a part of something
/// whose beginning is missing. Quotes of `name="value"` are allowed: Loki's labels, which `logcli` writes
/// first, and the structured data of syslog (RFC 5424 §6.3).
pub(super) fn next_object(text: &[u8], mut from: usize) -> Option<usize> {
    // One step from bracket to bracket: searching for the quote first would read the rest of the line for
    // every object.
    loop {
        let at = from + memchr2(b'{', b'"', text.get(from..)?)?;
        if text.get(at) == Some(&b'"') {
            let is_value =
                matches!(text.get(..at), Some([.., name, b'=']) if name.is_ascii_alphanumeric() || *name == b'_');
            from = json::value(text, at).filter(|_| is_value)?;
            continue;
        }
        if matches!(text.get(json::blank(text, at + 1)), Some(b'"' | b'}')) {
            return Some(at);
        }
        from = at + 1;
    }
}

/// Returns a text without the colours of a terminal, such as those of `grep --color`; `None` if it has none.
pub(super) fn without_colours(line: &[u8]) -> Option<Vec<u8>> {
    memchr(ESCAPE, line)?;
    let mut plain = Vec::with_capacity(line.len());
    let mut parts = line.split(|&byte| byte == ESCAPE);
    plain.extend_from_slice(parts.next()?);
    for part in parts {
        // A control sequence (ECMA-48): parameters up to a letter.
        let behind = part.strip_prefix(b"[").map(|rest| {
            let end = rest.iter().take_while(|byte| matches!(byte, b'0'..=b'?')).count();
            rest.get(end + 1..).unwrap_or_default()
        });
        plain.extend_from_slice(behind.unwrap_or(part));
    }
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_container_runtimes_are_taken_apart() {
        let line =
            |is_stderr, is_partial, text: &'static str| Some(Runtime { is_stderr, is_partial, text: text.as_bytes() });
        for (text, expected) in [
            ("2025-06-02T10:00:01.5Z stdout F {} x", line(false, false, "{} x")),
            ("2025-06-02T10:00:01.5+02:00 stderr P ", line(true, true, "")),
            ("2025-06-02T10:00:01.5Z stdout P:x a", line(false, true, "a")),
            ("2025-06-02T10:00:01.5Z stdout F", line(false, false, "")),
            ("2025-06-02T10:00:01.5Z stdin F a", None),
            ("2025-06-02T10:00:01.5Z stdout X a", None),
            ("x stdout F a", None),
        ] {
            assert_eq!(runtime(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn pods_of_internal_chaining_are_known_beside_a_record() {
        let pod = "apigee-ingressgateway-internal-chaining-acme-0a1b2c3-x";
        assert!(is_of_chaining(format!("[pod/{pod}/apigee-ingressgateway] ").as_bytes()));
        let record = format!(r#"{{"upstream_cluster":"{pod}"}}"#);
        for (name, expected) in [(pod, true), ("apigee-ingressgateway-gw-one-acme-0a1b2c3-x", false)] {
            let entry = format!(r#"{{"labels":{{"pod_name":"{name}"}},"jsonPayload":{record}}}"#);
            assert_eq!(is_entry_of_chaining(entry.as_bytes(), record.as_bytes()), expected, "{name}");
        }
    }

    #[test]
    fn labels_stand_in_front_of_an_object() {
        for (text, expected) in [
            (r#"2025-06-02T10:00:01Z {app="a", pod="b\"}"} {"x":1}"#, Some(43)),
            (r#"{a="b"}{"x":1}"#, Some(7)),
            (r#"{a=1} {"x":1}"#, Some(6)),
            (r#"<14>1 2025-06-02T10:00:01Z n a - - [meta id="1"] {"x":1}"#, Some(49)),
            (r#"{a="b" x" {"x":1}"#, None),
            (r#"{a="b"#, None),
            (r#"="b" {"x":1}"#, None),
            (r#""{"x":1}"#, None),
            (r#"{ "x":1}"#, Some(0)),
        ] {
            assert_eq!(next_object(text.as_bytes(), 0), expected, "{text}");
        }
    }
}
