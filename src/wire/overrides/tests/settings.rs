//! The settings of virtual hosts: what the chart accepts, and placeholders that stand for values.

use super::{fault_summaries, read, with_position};
use crate::evidence::overrides::{FaultKind, Position, Positioned};

#[test]
fn values_that_the_chart_accepts_are_no_faults() {
    for entry in [
        "connectTimeout: 60",
        "requestTimeout: \"120\"",
        "minTLSProtocolVersion: AUTO",
        "maxTLSProtocolVersion: \"1.0\"",
        "routingRules: [{env: test}]",
        "tlsMode: MUTUAL",
    ] {
        let overrides = read(format!("virtualhosts:\n- name: a\n  {entry}\n").as_bytes());
        assert_eq!(fault_summaries(&overrides), [""; 0], "{entry}");
    }
}

#[test]
fn an_organization_without_a_value_has_its_position() {
    for (file, expected) in
        [("org:\n", Some("1:1")), ("a: b\norg: ''\n", Some("2:1")), ("org: x\n", None), ("a: b\n", None)]
    {
        let overrides = read(file.as_bytes());
        assert_eq!(overrides.empty_org.map(|place| place.to_string()).as_deref(), expected, "{file}");
        assert_eq!(overrides.org.is_some(), file.ends_with("x\n"), "{file}");
    }
}

#[test]
fn the_format_of_the_access_log_is_that_of_istiod() {
    let format =
        r#"{"status":"%RESPONSE_CODE%","name":"%REQUESTED_SERVER_NAME%","ip":"x %DOWNSTREAM_REMOTE_ADDRESS% y"}"#;
    for file in [
        format!("istiod:\n  accessLogFormat: '{format}'\norg: a\n"),
        format!("istiod:\n  accessLogFormat: |-\n    {format}\norg: a\n"),
        format!("istiod:\n  accessLogFormat: >-\n    {}\norg: a\n", format.replace(',', ",\n    ")),
        format!("istiod: {{accessLogFormat: {}}}\norg: a\n", serde_json::Value::from(format)),
    ] {
        let overrides = read(file.as_bytes());
        assert_eq!(fault_summaries(&overrides), [""; 0], "{file}");
        let log = overrides.access_log.unwrap_or_else(|| panic!("{file}"));
        let fields = log.fields.as_ref().unwrap_or_else(|| panic!("{file}: {log:?}"));
        assert_eq!(fields["name"], "%REQUESTED_SERVER_NAME%", "{file}");
        assert_eq!(fields["ip"], "x %DOWNSTREAM_REMOTE_ADDRESS% y", "{file}");
        assert!(log.is_json() && log.names_server(), "{file}");
        assert_eq!(overrides.org.as_ref().map(|org| org.value.as_str()), Some("a"));
    }
    for file in
        ["istiod:\n  accessLogFormat:\n", "istiod:\n  accessLogFormat: ${FORMAT}\n", "istiod: x\n", "istiod:\n  a: b\n"]
    {
        assert_eq!(read(file.as_bytes()).access_log, None, "{file}");
    }
    // A placeholder behind the format is still one.
    let overrides = read(b"istiod:\n  accessLogFormat: '%START_TIME%'\n  x: @X@\nvirtualhosts:\n- name: @GROUP@\n");
    assert_eq!(fault_summaries(&overrides), ["5:9 Placeholder virtualhosts[0].name"]);
}

#[test]
fn settings_are_kept_with_their_positions() {
    let overrides = read(
        b"virtualhosts:\n- name: a\n  selector: {app: gate}\n  tlsMode: MUTUAL\n  caCertPath: certs/ca.pem\n  \
          minTLSProtocolVersion: \"1.1\"\n  maxTLSProtocolVersion: AUTO\n  cipherSuites:\n  - AES128-SHA\n  hostAliases: []\n- name: b\n  selector:\n",
    );

    let settings = overrides.virtual_hosts[0].settings.as_ref().unwrap();
    let shown = |value: &Option<Positioned<String>>| value.as_ref().map(with_position).unwrap_or_default();
    assert!(settings.has_selector);
    assert_eq!(
        [&settings.app, &settings.tls_mode, &settings.ca_cert_path, &settings.min_version, &settings.max_version]
            .map(shown),
        ["gate@3:19", "MUTUAL@4:12", "certs/ca.pem@5:15", "1.1@6:26", "AUTO@7:26"]
    );
    assert_eq!(settings.cipher_suites.iter().map(with_position).collect::<Vec<_>>(), ["AES128-SHA@9:5"]);
    assert_eq!(settings.old_keys.iter().map(with_position).collect::<Vec<_>>(), ["hostAliases@10:3"]);
    assert!(!overrides.virtual_hosts[1].settings.as_ref().unwrap().has_selector);
}

#[test]
fn empty_values_are_absent_as_in_the_chart() {
    let overrides = read(
        b"org: \"\"\nvirtualhosts:\n- name: a\n  sslSecret: \"\"\n  sslCertPath: ''\n  caCertPath: \"\"\n  tlsMode: \"\"\n  \
          minTLSProtocolVersion: \"\"\n  requestTimeout: \"\"\n  cipherSuites: \"\"\n  selector: {}\n",
    );

    assert_eq!(fault_summaries(&overrides), [""; 0]);
    let host = &overrides.virtual_hosts[0];
    let settings = host.settings.as_ref().unwrap();
    assert_eq!((&overrides.org, &host.ssl_secret, &host.ssl_cert_path), (&None, &None, &None));
    assert_eq!((&settings.ca_cert_path, &settings.tls_mode, &settings.min_version), (&None, &None, &None));
    assert!(!settings.has_selector);
}

#[test]
fn empty_lists_are_recorded_where_they_are() {
    let at = |text: &str| {
        let overrides = read(text.as_bytes());
        (overrides.empty_virtual_hosts.is_some(), overrides.empty_ingress_gateways.is_some())
    };

    assert_eq!(at("org: a\n"), (false, false));
    assert_eq!(at("virtualhosts: []\ningressGateways:\n"), (true, true));
    assert_eq!(at("virtualhosts: ${HOSTS}\ningressGateways:\n- name: a\n"), (false, false));
}

#[test]
fn placeholders_in_the_place_of_lists_mappings_and_keys_are_kept_or_reported() {
    let overrides = read(
        b"virtualhosts:\n- name: a\n  selector: ${SELECTOR}\n  cipherSuites: ${SUITES}\n  additionalGateways: ${GATEWAYS}\n  \
          ${KEY}: 1\n- ${HOST}\n",
    );

    assert_eq!(
        fault_summaries(&overrides),
        [
            "3:13 Placeholder virtualhosts[0].selector",
            "4:17 Placeholder virtualhosts[0].cipherSuites",
            "5:23 Placeholder virtualhosts[0].additionalGateways",
            "6:3 Placeholder virtualhosts[0]",
            "7:3 Placeholder virtualhosts[1]",
        ]
    );
    let host = &overrides.virtual_hosts[0];
    let settings = host.settings.as_ref().unwrap();
    assert_eq!(settings.app.as_ref().map(with_position).as_deref(), Some("${SELECTOR}@3:13"));
    assert_eq!(settings.cipher_suites.iter().map(with_position).collect::<Vec<_>>(), ["${SUITES}@4:17"]);
    assert_eq!(host.additional_gateways.names.iter().map(with_position).collect::<Vec<_>>(), ["${GATEWAYS}@5:23"]);
}

#[test]
fn the_layout_of_hybrid_1_1_is_recognised() {
    let file = |text: &str| read(text.as_bytes()).environment_alias;

    assert_eq!(file("org: a\nenvs:\n- name: t\n  hostAlias: x\n"), Some(Position { line: 4, column: 3 }));
    assert_eq!(file("org: a\nenvs:\n- name: t\n  hostAliases: [x]\n"), Some(Position { line: 4, column: 3 }));
    assert_eq!(file("org: a\nenvs:\n- name: t\nother:\n- hostAlias: x\n"), None);
}

#[test]
fn placeholders_are_no_values() {
    let overrides = read(
        b"org: ${ORG}\nvirtualhosts:\n- name: @@GROUP@@\n  minTLSProtocolVersion: \"__MIN__\"\n  requestTimeout: $TIMEOUT\n  \
          sslSecret: <secret>-tls\n- name: @@GROUP@@\n  selector: ${SELECTOR}\ningressGateways: ${GATEWAYS}\n@MORE@\n",
    );

    assert_eq!(
        fault_summaries(&overrides),
        [
            "1:6 Placeholder org",
            "3:9 Placeholder virtualhosts[0].name",
            "4:26 Placeholder virtualhosts[0].minTLSProtocolVersion",
            "5:19 Placeholder virtualhosts[0].requestTimeout",
            "6:14 Placeholder virtualhosts[0].sslSecret",
            "7:9 Placeholder virtualhosts[1].name",
            "8:13 Placeholder virtualhosts[1].selector",
            "9:18 Placeholder ingressGateways",
            "10:1 Placeholder",
        ]
    );
    assert_eq!(overrides.virtual_hosts[0].name.as_ref().map(with_position).as_deref(), Some("@@GROUP@@@3:9"));
}

#[test]
fn a_placeholder_that_may_be_secret_is_not_shown() {
    let overrides = read(b"virtualhosts:\n- name: https://user:$word@proxy.example\n");

    assert_eq!(overrides.faults[0].kind, FaultKind::WrongType);
    assert!(!format!("{overrides:?}").contains("word"), "{overrides:?}");
}
