//! The values read from a file, with their positions.

use super::{fault_summaries, read, with_position};
use crate::evidence::overrides::{GatewaysForm, LineEnds, Position};

const PLAYBOOK: &[u8] = include_bytes!("../../../../fuzz/corpus/overrides/playbook.yaml");

#[test]
fn the_example_of_the_playbook_is_read() {
    let overrides = read(PLAYBOOK);

    assert_eq!(fault_summaries(&overrides), [""; 0]);
    let [host] = &overrides.virtual_hosts[..] else { panic!("one virtual host") };
    assert_eq!(host.place, Position { line: 2, column: 3 });
    assert_eq!(host.name.as_ref().map(with_position).as_deref(), Some("dev-grp@2:9"));
    assert_eq!(host.ingress_name.as_ref().map(with_position).as_deref(), Some("ext-ingress@5:19"));
    assert_eq!(host.ssl_cert_path.as_ref().map(with_position).as_deref(), Some("./certs/keystore_dev-grp.pem@6:16"));
    assert_eq!(host.ssl_key_path.as_ref().map(with_position).as_deref(), Some("./certs/keystore_dev-grp.key@7:15"));
    assert_eq!(host.ssl_secret, None);
    assert_eq!(host.additional_gateways.names.iter().map(with_position).collect::<Vec<_>>(), ["non-sni@8:24"]);
    let text = "  additionalGateways: [\"non-sni\"]".to_owned();
    assert_eq!(host.additional_gateways.form, GatewaysForm::Flow { line: 8, text });
}

#[test]
fn a_whole_file_is_read() {
    let file = b"%YAML 1.2\n---\ninstanceID: one\norg: \"meadow\"\nnamespace: 'apigee'\ngcp: {projectID: p, region: r}\n\
        virtualhosts:\n  - name: north # comment\n    sslSecret: north-tls\n    minTLSProtocolVersion: \"1.2\"\n    cipherSuites: [A]\n    \
        tlsMode: MUTUAL\n    caCertPath: ./ca.pem\n    requestTimeout: 60\n    hostAliases: []\n    additionalGateways:\n    - one\n    - 'two' # why\n  \
        - name: south\n    selector:\n      app: gate\n      ingress_name: gate\n      other: label\ningressGateways:\n- name: gate\n  replicaCountMin: 2\n  \
        svcAnnotations: {a: b}\n- {name: second}\n...\n";
    let overrides = read(file);

    assert_eq!(fault_summaries(&overrides), [""; 0]);
    assert_eq!(overrides.org.as_ref().map(with_position).as_deref(), Some("meadow@4:6"));
    assert_eq!(overrides.namespace.as_ref().map(with_position).as_deref(), Some("apigee@5:12"));
    assert_eq!(overrides.ingress_gateways.iter().map(with_position).collect::<Vec<_>>(), ["gate@25:9", "second@28:10"]);
    let forms: Vec<_> = overrides.virtual_hosts.iter().map(|host| host.additional_gateways.form.clone()).collect();
    assert_eq!(
        forms,
        [
            GatewaysForm::Block { line: 18, text: "    - 'two'".to_owned() },
            GatewaysForm::Absent { after: 23, indentation: 4 }
        ]
    );
}

#[test]
fn a_block_of_one_stripped_line_is_a_string() {
    let overrides = read(b"virtualhosts:\n- name: >-\n    north\n  sslCertPath: |\n    a.pem\n  sslSecret: s\n");

    assert_eq!(fault_summaries(&overrides), ["5:5 WrongType virtualhosts[0].sslCertPath"]);
    assert_eq!(overrides.virtual_hosts[0].name.as_ref().map(with_position).as_deref(), Some("north@3:5"));
}

#[test]
fn anchors_aliases_and_merge_keys_are_resolved() {
    let file = b"x-names: &name north\nx-tls: &tls\n  sslSecret: shared\n  additionalGateways: &list [one]\nx-more: &more {<<: *tls, sslKeyPath: k}\n\
        virtualhosts:\n- <<: *tls\n  name: *name\n- <<: [*more, {name: low, sslSecret: unused}]\n  name: south\n  sslSecret: own\n- name: east\n  additionalGateways: *list\n";
    let overrides = read(file);

    assert_eq!(fault_summaries(&overrides), [""; 0]);
    let seen: Vec<_> = overrides
        .virtual_hosts
        .iter()
        .map(|host| {
            (
                host.name.as_ref().map(with_position),
                host.ssl_secret.as_ref().map(with_position),
                host.ssl_key_path.as_ref().map(with_position),
            )
        })
        .collect();
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(
        seen,
        [
            (text("north@8:9"), text("shared@3:14"), None),
            (text("south@10:9"), text("own@11:14"), text("k@5:38")),
            (text("east@12:9"), None, None),
        ]
    );
    for host in &overrides.virtual_hosts {
        assert_eq!(host.additional_gateways.names.iter().map(with_position).collect::<Vec<_>>(), ["one@4:30"]);
    }
}

#[test]
fn aliases_work_for_every_kind_of_value() {
    let overrides = read(b"x-all: &all\n  virtualhosts: &hosts\n  - &host {name: a}\n  - name: b\n<<: *all\nother: *hosts\nlast: *host\n");

    assert_eq!(fault_summaries(&overrides), [""; 0]);
    assert_eq!(overrides.virtual_hosts.len(), 2);
}

#[test]
fn an_empty_value_is_an_empty_list() {
    let overrides = read(
        b"virtualhosts:\n- name: a\n  additionalGateways:\n- name: b\n  additionalGateways: ~\ningressGateways:\n",
    );

    assert_eq!(fault_summaries(&overrides), [""; 0]);
    assert_eq!(read(b"virtualhosts:\n").faults, []);
    let forms: Vec<_> = overrides.virtual_hosts.iter().map(|host| host.additional_gateways.form.clone()).collect();
    let flow = |line, text: &str| GatewaysForm::Flow { line, text: text.to_owned() };
    assert_eq!(forms, [flow(3, "  additionalGateways:"), flow(5, "  additionalGateways: ~")]);
}

#[test]
fn lines_with_more_than_the_list_are_not_kept() {
    for entry in [
        "- {name: a, additionalGateways: [x]}",
        "- name: a\n  additionalGateways: [x] # comment",
        "- name: a\n  additionalGateways: # comment\n",
        "- name: a\n  additionalGateways: [x,\n    y]",
        "- name: a\n  additionalGateways: [*x]",
        "- name: a\n  additionalGateways: !t [x]",
        "- name: a\n  additionalGateways: x",
        "- name: a\n  ? additionalGateways\n  : [x]",
        "- name: a\n  additionalGateways:\n  - *x",
        "- name: a\n  additionalGateways:\n  - |\n    x",
        "- name: a\n  additionalGateways:\n  - x\n    y",
        "- name: a\n  additionalGateways:\r  - x",
    ] {
        let overrides = read(format!("x: &x y\nvirtualhosts:\n{entry}\n").as_bytes());
        let form = &overrides.virtual_hosts[0].additional_gateways.form;
        assert!(matches!(form, GatewaysForm::Other { .. }), "{entry}: {form:?}");
    }
}

#[test]
fn a_long_line_is_not_kept() {
    let names = vec!["gateway"; 100].join(", ");
    let overrides = read(format!("virtualhosts:\n- name: a\n  additionalGateways: [{names}]\n").as_bytes());

    let host = &overrides.virtual_hosts[0];
    assert_eq!(host.additional_gateways.names.len(), 100);
    assert_eq!(host.additional_gateways.form, GatewaysForm::Other { place: Position { line: 3, column: 23 } });
}

#[test]
fn line_ends_and_byte_order_marks_do_not_shift_positions() {
    let plain = read(PLAYBOOK);
    let text = String::from_utf8(PLAYBOOK.to_vec()).expect("UTF-8");

    let marked = read(format!("\u{feff}{text}").as_bytes());
    assert_eq!(marked, plain);

    let crlf = read(text.replace('\n', "\r\n").as_bytes());
    assert_eq!(crlf.line_ends, LineEnds { crlf: true, unterminated: None });
    assert_eq!(crlf.virtual_hosts, plain.virtual_hosts);

    let cut = read(text.trim_end().as_bytes());
    assert_eq!(cut.line_ends, LineEnds { crlf: false, unterminated: Some(8) });
    assert_eq!(cut.virtual_hosts, plain.virtual_hosts);
}

#[test]
fn overrides_are_equal_after_a_round_trip_through_json() {
    let overrides = read(PLAYBOOK);
    let json = serde_json::to_string(&overrides).expect("written");

    assert_eq!(serde_json::from_str::<crate::evidence::overrides::Overrides>(&json).expect("read"), overrides);
}

#[test]
fn columns_count_characters() {
    assert_eq!(read("{é: ü, org: a}\n".as_bytes()).org.as_ref().map(with_position).as_deref(), Some("a@1:13"));
}
