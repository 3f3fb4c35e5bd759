//! Every kind of fault, with its position.

use super::{fault_summaries, malformed, only_fault, read, with_position};
use crate::evidence::overrides::{FaultKind, GatewaysForm};
use crate::wire::overrides::text_of_utf16;

#[test]
fn tabs_are_reported_with_their_position() {
    for (file, place) in [
        ("a:\n\tb: c\n", "2:1"),
        ("virtualhosts:\n  - name: a\n\t  sslSecret: b\n", "3:1"),
        ("virtualhosts:\n  - name: a\n\n  \tsslSecret: b\n", "4:3"),
        ("virtualhosts:\r\n\t- name: a\r\n", "2:1"),
    ] {
        assert_eq!(malformed(file.as_bytes()), (place.to_owned(), format!("a tab at {place}")), "{file}");
    }
}

#[test]
fn invalid_text_is_reported_with_its_position() {
    let seen = |place: &str, observed: &str| (place.to_owned(), observed.to_owned());
    assert_eq!(malformed(b"org: a\nb: caf\xe9\n"), seen("2:7", "a byte that is not UTF-8 (byte 13 of the file)"));
    assert_eq!(malformed(b"org: a\nb: \0\n"), seen("2:4", "a NUL byte (byte 10 of the file)"));
    assert_eq!(malformed(b"org\0\0\0"), seen("1:4", "a NUL byte (byte 3 of the file)"));
    let wide = "text in UTF-32 (little endian) with a byte order mark, which is not read";
    assert_eq!(malformed(b"\xff\xfe\0\0"), seen("1:1", wide));
    let wide = "text in UTF-16 (little endian) without a byte order mark, which is not read";
    assert_eq!(malformed(b"o\0r\0g\0:\0"), seen("1:1", wide));
    assert_eq!(
        malformed(b"\xff\xfeo\0:\0 \0a\0\n\0\0"),
        seen("2:1", "bytes that are not UTF-16 (byte 12 of the file)")
    );
    assert_eq!(malformed(b"a: \x01\n"), seen("1:4", "not YAML: the control character U+0001"));
    assert_eq!(malformed(b"a: @b\n"), seen("1:4", "not YAML: a character that no value begins with"));
}

#[test]
fn a_file_in_utf_16_is_read_like_one_in_utf_8() {
    let text = "org: mëadow😀\r\nvirtualhosts:\r\n- name: north\r\n  tlsMode: BOTH\r\n";
    let expected = read(text.as_bytes());
    for to_bytes in [u16::to_le_bytes, u16::to_be_bytes] {
        let wide: Vec<u8> = format!("\u{feff}{text}").encode_utf16().flat_map(to_bytes).collect();
        let overrides = read(&wide);
        assert_eq!(overrides.org, expected.org);
        assert_eq!(overrides.faults, expected.faults);
        assert_eq!(overrides.faults[0].place.to_string(), "4:12");
        assert_eq!(overrides.virtual_hosts[0].name, expected.virtual_hosts[0].name);
        // No diff of UTF-8 fits the file.
        assert!(overrides.context.is_empty());
        let form = &overrides.virtual_hosts[0].additional_gateways.form;
        assert!(matches!(form, GatewaysForm::Other { .. }), "{form:?}");
        assert_eq!(text_of_utf16(&wide).as_deref(), Some(text));
        assert_eq!(text_of_utf16(&wide[..wide.len() - 1]), None);
    }
}

#[test]
fn values_before_a_syntax_error_are_kept() {
    for rest in [
        "  sslSecret: \"x\n",
        "  sslSecret: [x\nenvs:\n",
        "  sslSecret: x\n\ty: z\n",
        "  sslSecret: \0\n",
        "  sslSecret: \u{e9}: x: y\n",
        "  sslSecret: {% x %}\n",
    ] {
        let overrides = read(format!("org: meadow\nvirtualhosts:\n- name: north\n{rest}").as_bytes());

        assert_eq!(overrides.org.as_ref().map(with_position).as_deref(), Some("meadow@1:6"), "{rest}");
        assert_eq!(overrides.virtual_hosts[0].name.as_ref().map(with_position).as_deref(), Some("north@3:9"), "{rest}");
        assert_eq!(overrides.faults.len(), 1, "{rest}: {:?}", overrides.faults);
        assert_eq!(overrides.faults[0].kind, FaultKind::Malformed, "{rest}");
    }
}

#[test]
fn a_truncated_entry_has_no_fault_for_missing_keys() {
    let overrides = read(b"virtualhosts:\n- sslSecret: x\n  sslKeyPath: bar: x\n  name: a\n");

    assert_eq!(fault_summaries(&overrides), ["3:18 Malformed"]);
    assert_eq!(overrides.virtual_hosts.len(), 1);
}

#[test]
fn syntax_errors_have_a_position_and_advice() {
    for (file, place, expected) in [
        (
            "a: b: c\n",
            "1:5",
            "one \"key: value\" on a line, indented like adjacent lines; a value with \": \" in quotes",
        ),
        ("a:\n- b: c\n d: e\n", "3:2", "the same indentation as adjacent lines"),
        ("a: [b\n", "1:4", "a closing bracket"),
        ("a: \"b\nc: d\n", "2:1", "a closing quote"),
    ] {
        let fault = only_fault(file.as_bytes());
        assert_eq!((fault.place.to_string().as_str(), fault.expected.as_str()), (place, expected), "{file}: {fault:?}");
        assert!(fault.observed.starts_with("not YAML: "), "{fault:?}");
    }
}

#[test]
fn templates_are_reported() {
    let template = |place: &str| (place.to_owned(), "a template that was not rendered".to_owned());
    assert_eq!(malformed(b"virtualhosts:\n- name: {{ .Values.x }}\n  sslSecret: {{ y }}\n"), template("2:9"));
    assert_eq!(malformed(b"virtualhosts:\n- name: \"{{ x }}\"\n"), template("2:9"));
    assert_eq!(malformed(b"{{ x }}\n"), template("1:1"));
    assert_eq!(malformed(b"org: a\n{{- if .x }}\nb: c\n{{- end }}\n").1, template("").1);
}

#[test]
fn a_file_without_a_mapping_is_malformed() {
    let seen = |place: &str, observed: &str| (place.to_owned(), observed.to_owned());
    for empty in ["", " \n", "# words\n", "---\n", "---\n...\n", "\u{feff}"] {
        assert_eq!(malformed(empty.as_bytes()), seen("1:1", "only whitespace and comments"), "{empty}");
    }
    assert_eq!(malformed(b"- a\n"), seen("1:1", "a list at the top of the file"));
    assert_eq!(malformed(b"words\n"), seen("1:1", "a single value at the top of the file"));
}

#[test]
fn several_documents_are_reported_and_the_first_is_read() {
    let overrides = read(b"---\norg: one\n---\norg: two\n--- {org: three}\n");

    assert_eq!(fault_summaries(&overrides), ["3:1 SeveralDocuments"]);
    assert!(overrides.faults[0].observed.starts_with("3 documents"), "{:?}", overrides.faults[0]);
    assert_eq!(overrides.org.as_ref().map(with_position).as_deref(), Some("one@2:6"));
    for harmless in ["---\norg: one\n---\n", "---\n---\norg: one\n", "---\norg: one\n...\n"] {
        let overrides = read(harmless.as_bytes());
        assert_eq!((overrides.faults.len(), overrides.org.is_some()), (0, true), "{harmless}");
    }
}

#[test]
fn duplicate_keys_are_reported_anywhere_and_the_last_one_wins() {
    let overrides = read(b"virtualhosts:\n- name: a\nenvs:\n- name: e\n  components: {x: 1, \"x\": 2}\nvirtualhosts:\n- name: b\n  name: c\n");

    assert_eq!(
        fault_summaries(&overrides),
        [
            "5:22 DuplicateKey envs[0].components.x",
            "6:1 DuplicateKey virtualhosts",
            "8:3 DuplicateKey virtualhosts[0].name"
        ]
    );
    assert_eq!(overrides.faults[1].observed, "\"virtualhosts\" again, first at 1:1");
    let names: Vec<_> =
        overrides.virtual_hosts.iter().filter_map(|host| host.name.as_ref()).map(with_position).collect();
    assert_eq!(names, ["c@8:9"]);
}

#[test]
fn a_duplicate_key_is_found_among_many() {
    let mut file: String = (0..100).map(|number| format!("k{number}: v\n")).collect();
    file.push_str("k3: v\nk99: v\n");

    assert_eq!(fault_summaries(&read(file.as_bytes())), ["101:1 DuplicateKey k3", "102:1 DuplicateKey k99"]);
}

#[test]
fn a_duplicate_environment_group_is_reported() {
    let overrides = read(b"virtualhosts:\n- name: a\n- name: b\n- name: a\n");

    assert_eq!(fault_summaries(&overrides), ["4:9 DuplicateVirtualHost virtualhosts"]);
    assert_eq!(overrides.faults[0].observed, "\"a\" again, first at 2:9");
    assert_eq!(overrides.virtual_hosts.len(), 3);
}

#[test]
fn unknown_keys_are_reported_with_a_suggestion() {
    let overrides = read(
        b"virtualhosts:\n- name: a\n  additionalGateway: [x]\n  sslCertpath: y\n  enableNonSniClient: true\n  ingressGatewayName: z\n\
          ingressGateways:\n- name: g\n  replicaCountMaximum: 1\n  replicatCountMin: 1\nanything: else\n",
    );

    let seen: Vec<_> = overrides
        .faults
        .iter()
        .map(|fault| (fault.place.to_string(), fault.path.clone(), fault.expected.clone()))
        .collect();
    let has = |place: &str, path: &str, expected: &str| {
        assert!(
            seen.iter().any(|(p, q, e)| p == place && q == path && e.starts_with(expected)),
            "{place} {path} {expected}: {seen:#?}"
        );
    };
    has("3:3", "virtualhosts[0].additionalGateway", "the key \"additionalGateways\"");
    has("4:3", "virtualhosts[0].sslCertpath", "the key \"sslCertPath\"");
    has("5:3", "virtualhosts[0].enableNonSniClient", "no such key here: it belongs to the ApigeeRoute");
    has("6:3", "virtualhosts[0].ingressGatewayName", "one of additionalGateways, ");
    has("9:3", "ingressGateways[0].replicaCountMaximum", "one of ");
    has("10:3", "ingressGateways[0].replicatCountMin", "the key \"replicaCountMin\"");
    assert_eq!(seen.len(), 6);
}

#[test]
fn a_misspelt_virtualhosts_is_reported() {
    for key in ["virtualHosts", "virtual_hosts", "virtual-hosts", "vhosts", "virtualhost", "VirtualHosts"] {
        let fault = only_fault(format!("org: a\n{key}:\n- name: b\n").as_bytes());
        assert_eq!(
            (fault.kind, fault.path.as_str(), fault.expected.as_str()),
            (FaultKind::UnknownKey, key, "the key \"virtualhosts\"")
        );
    }
}

#[test]
fn values_of_the_wrong_type_are_reported() {
    let type_of = |path: &str, observed: &str| (path.to_owned(), observed.to_owned());
    for (entry, path, observed) in [
        ("virtualhosts: {name: a}", "virtualhosts", "a mapping"),
        ("virtualhosts: a", "virtualhosts", "a string"),
        ("virtualhosts: [a]", "virtualhosts[0]", "a string"),
        ("virtualhosts: [{name: 123}]", "virtualhosts[0].name", "an integer"),
        ("virtualhosts: [{name: on}]", "virtualhosts[0].name", "a boolean"),
        ("virtualhosts: [{name: [a]}]", "virtualhosts[0].name", "a list"),
        ("virtualhosts: [{name: }]", "virtualhosts[0].name", "no name"),
        ("virtualhosts: [{sslSecret: s}]", "virtualhosts[0].name", "no name"),
        ("virtualhosts: [{name: a, additionalGateways: x}]", "virtualhosts[0].additionalGateways", "a string"),
        ("virtualhosts: [{name: a, additionalGateways: {x: }}]", "virtualhosts[0].additionalGateways", "a mapping"),
        (
            "virtualhosts: [{name: a, additionalGateways: [x, 1]}]",
            "virtualhosts[0].additionalGateways[1]",
            "an integer",
        ),
        ("virtualhosts: [{name: a, additionalGateways: [[x]]}]", "virtualhosts[0].additionalGateways[0]", "a list"),
        ("virtualhosts: [{name: a, selector: x}]", "virtualhosts[0].selector", "a string"),
        (
            "virtualhosts: [{name: a, selector: {ingress_name: 1}}]",
            "virtualhosts[0].selector.ingress_name",
            "an integer",
        ),
        (
            "virtualhosts: [{name: a, minTLSProtocolVersion: 1.2}]",
            "virtualhosts[0].minTLSProtocolVersion",
            "a decimal number",
        ),
        (
            "virtualhosts: [{name: a, maxTLSProtocolVersion: TLSv1.2}]",
            "virtualhosts[0].maxTLSProtocolVersion",
            "another string",
        ),
        ("virtualhosts: [{name: a, cipherSuites: A}]", "virtualhosts[0].cipherSuites", "a string"),
        ("virtualhosts: [{name: a, cipherSuites: [1]}]", "virtualhosts[0].cipherSuites[0]", "an integer"),
        (
            "virtualhosts: [{name: a, minTLSProtocolVersion: auto}]",
            "virtualhosts[0].minTLSProtocolVersion",
            "another string",
        ),
        ("virtualhosts: [{name: a, requestTimeout: 5s}]", "virtualhosts[0].requestTimeout", "a string"),
        ("virtualhosts: [{name: a, connectTimeout: 0}]", "virtualhosts[0].connectTimeout", "an integer"),
        ("virtualhosts: [{name: a, tlsMode: mutual}]", "virtualhosts[0].tlsMode", "another string"),
        ("virtualhosts: [{name: a, sslKeyPath: {}}]", "virtualhosts[0].sslKeyPath", "a mapping"),
        ("virtualhosts: [{name: a, [x]: y}]", "virtualhosts[0]", "a list or a mapping as a key"),
        ("virtualhosts: [{name: a, <<: x}]", "virtualhosts[0].<<", "a string"),
        ("ingressGateways: [{svcType: a}]", "ingressGateways[0].name", "no name"),
        ("org: [a]", "org", "a list"),
    ] {
        let fault = only_fault(format!("{entry}\n").as_bytes());
        assert_eq!(fault.kind, FaultKind::WrongType, "{entry}");
        assert_eq!((fault.path, fault.observed), type_of(path, observed), "{entry}");
        assert_eq!(fault.place.line, 1);
    }
}

#[test]
fn a_numeric_name_is_kept_as_written() {
    let overrides = read(b"virtualhosts:\n- name: 007\n");

    assert_eq!(overrides.virtual_hosts[0].name.as_ref().map(with_position).as_deref(), Some("007@2:9"));
}
