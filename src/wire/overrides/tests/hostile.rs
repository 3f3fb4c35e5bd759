//! Hostile files: bounded memory, no panic, and a fault with the reason.

use std::fs;
use std::path::Path;

use super::{fault_summaries, malformed, only_fault, read};
use crate::evidence::overrides::{FaultKind, OverridesFault};
use crate::wire::overrides::{MAX_BYTES, MAX_VIRTUAL_HOSTS, fuzz_overrides};

/// Returns the only fault of a file, which must be a part that was not judged.
fn unjudged(file: &[u8]) -> OverridesFault {
    let fault = only_fault(file);
    assert_eq!(fault.kind, FaultKind::Unjudged, "{fault:?}");
    fault
}

#[test]
fn the_corpus_is_within_the_limits() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/overrides");
    let mut files = 0;
    for entry in fs::read_dir(folder).expect("the corpus") {
        let bytes = fs::read(entry.expect("an entry").path()).expect("readable");
        // Every prefix of a file is a truncated file.
        for end in 0..=bytes.len() {
            fuzz_overrides(&bytes[..end]);
        }
        files += 1;
    }
    assert!(files >= 10, "{files} files");
}

#[test]
fn a_billion_laughs_attack_is_refused() {
    let mut file = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n".to_owned();
    for level in 1..12 {
        let alias = vec![format!("*a{}", level - 1); 9].join(", ");
        file.push_str(&format!("a{level}: &a{level} [{alias}]\n"));
    }
    file.push_str("virtualhosts: *a11\n");

    let (place, observed) = malformed(file.as_bytes());
    assert_eq!(observed, "aliases (*) that expand to more than 1000000 values");
    assert!(place.starts_with("7:"), "{place}");
}

#[test]
fn aliases_of_virtual_hosts_are_followed_within_a_limit() {
    let names = vec!["x"; 1000].join(", ");
    let hosts = vec!["{name: a, additionalGateways: *all}"; 900].join(", ");
    let overrides = read(format!("x: &all [{names}]\nvirtualhosts: [{hosts}]\n").as_bytes());

    let kept: usize = overrides.virtual_hosts.iter().map(|host| host.additional_gateways.names.len()).sum();
    assert!((200_000..=250_000).contains(&kept), "{kept}");
    assert!(overrides.faults.iter().any(|fault| fault.kind == FaultKind::Unjudged), "{:?}", overrides.faults);
}

#[test]
fn a_chain_of_aliases_does_not_recurse() {
    let mut file = "- &a0 [x]\n".to_owned();
    for level in 1..40_000 {
        file.push_str(&format!("- &a{level} [*a{}]\n", level - 1));
    }
    let nested = format!("x:\n{file}virtualhosts: *a39999\n");

    fuzz_overrides(nested.as_bytes());
    let mut merges = "x0: &x0 {name: a}\n".to_owned();
    for level in 1..1_000 {
        merges.push_str(&format!("x{level}: &x{level} {{<<: *x{}}}\n", level - 1));
    }
    let overrides = read(format!("{merges}virtualhosts: [*x999]\n").as_bytes());
    assert_eq!(overrides.virtual_hosts[0].name.as_ref().expect("a name").value, "a");
}

#[test]
fn a_recursive_or_unresolved_alias_is_a_fault() {
    assert_eq!(malformed(b"a: &x [*x]\n"), ("1:8".to_owned(), "an alias (*) within its own anchor (&)".to_owned()));
    assert_eq!(malformed(b"virtualhosts: &v\n- name: a\n  <<: *v\n").0, "3:7");
    assert_eq!(malformed(b"virtualhosts: *v\n").0, "1:15");
}

#[test]
fn levels_beyond_the_limit_are_not_judged() {
    for open in ["[", "{a: ", "- ", "? "] {
        // Below a key, so that the nesting is the only fault.
        let fault = unjudged(format!("a:\n  {}\n", open.repeat(10_000)).as_bytes());
        assert_eq!(fault.expected, "at most 200 levels of nesting are read", "{open}");
    }
}

#[test]
fn a_file_above_the_limit_is_not_read() {
    let mut file = b"org: a\n".to_vec();
    file.resize(MAX_BYTES + 1, b'#');

    let overrides = read(&file);
    assert_eq!(fault_summaries(&overrides), ["1:1 Unjudged"]);
    assert_eq!(overrides.org, None);
    file.truncate(MAX_BYTES);
    file[6..].fill(b'\n');
    assert!(read(&file).org.is_some());
}

#[test]
fn exceeded_limits_are_reported() {
    let entries: String = (0..=MAX_VIRTUAL_HOSTS).map(|number| format!("- name: h{number}\n")).collect();
    let overrides = read(format!("virtualhosts:\n{entries}").as_bytes());
    assert_eq!(overrides.virtual_hosts.len(), MAX_VIRTUAL_HOSTS);
    assert_eq!(fault_summaries(&overrides), [format!("{}:3 Unjudged virtualhosts", MAX_VIRTUAL_HOSTS + 2)]);
    assert_eq!(overrides.faults[0].observed, "the last 1 of 2501 entries of virtualhosts");

    let overrides = read("a: b\n".repeat(1_000).as_bytes());
    assert_eq!((overrides.faults.len(), overrides.faults_left_out), (100, 899));

    let anchors: String = (0..=50_000).map(|number| format!("k{number}: &a{number} v\n")).collect();
    let fault = unjudged(anchors.as_bytes());
    assert_eq!((fault.place.to_string().as_str(), fault.observed.as_str()), ("50001:17", "the rest of the file"));

    let directives: String = (0..101).map(|number| format!("%TAG !t{number}! x\n")).collect();
    assert_eq!(malformed(format!("{directives}--- {{}}\n").as_bytes()).1, "more than 100 directives (%)");
}

#[test]
fn a_malformed_fault_is_kept_after_a_thousand_others() {
    let overrides = read(format!("{}b: [\n", "a: b\n".repeat(1_000)).as_bytes());

    assert_eq!(overrides.faults.last().expect("faults").kind, FaultKind::Malformed);
}

#[test]
fn lone_carriage_returns_and_unusual_lines_are_read() {
    for file in [
        "org: a\rvirtualhosts:\r- name: b\r",
        "org: a\r\r\n\n\r",
        "\u{85}org: a\u{2028}",
        "a: |\n\n\n  x\n\n\n",
        "? a\n: b\n? c\n",
    ] {
        fuzz_overrides(file.as_bytes());
    }
}
