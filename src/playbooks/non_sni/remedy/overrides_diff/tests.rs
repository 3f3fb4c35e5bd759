//! Each diff is applied by the real tools, the result read again: then every virtual host has the gateway.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use super::*;
use crate::evidence::Seen;
use crate::wire::overrides::read;

/// Files and the gateway that is added, with the number of virtual hosts left to be changed by hand.
const FILES: &[(&str, &str, usize)] = &[
    (
        "the form of the playbook",
        "org: meadow\nvirtualhosts:\n- name: north\n  selector:\n    app: apigee-ingressgateway\n    ingress_name: gate\n  \
         sslCertPath: ./certs/north.pem\n  sslKeyPath: ./certs/north.key\n  additionalGateways: [\"old-route\"]\nenvs:\n- name: test\n",
        0,
    ),
    (
        "absent",
        "virtualhosts:\n  - name: north\n    sslSecret: north-tls\n    selector:\n      app: gate\n\n# end\nenvs: []\n",
        0,
    ),
    (
        "absent, then a block of text",
        "virtualhosts:\n- name: north\n  selector: {app: gate}\n  sslCertPath: |\n    two\n    lines\n\nenvs: []\n",
        0,
    ),
    (
        "several hosts of every form",
        "virtualhosts:\n- name: a\n  additionalGateways: []\n- name: b\n  additionalGateways:\n  - 'x'\n  - 'y' # why\n  sslSecret: s\n\
         - additionalGateways: [ x, y, ]\n  name: c\n- name: d\n- name: e\n  additionalGateways:\n- name: f\n  additionalGateways: ~\n\
         - name: g\n  additionalGateways: [wild-route]\n- name: h\n  additionalGateways: [ 'x' ]\n",
        0,
    ),
    (
        "CR LF",
        "virtualhosts:\r\n- name: a\r\n  additionalGateways: [x]\r\n- name: b\r\n  sslSecret: s\r\n- name: c\r\n  additionalGateways:\r\n  - x\r\n",
        0,
    ),
    ("no end of the last line, flow", "virtualhosts:\n- name: a\n  additionalGateways: [\"x\"]", 0),
    ("no end of the last line, block", "virtualhosts:\n- name: a\n  additionalGateways:\n    - x", 0),
    ("no end of the last line, absent", "virtualhosts:\n- name: a\n  sslSecret: s", 0),
    ("no end of the only line of an entry", "virtualhosts:\n- name: a", 1),
    (
        "one list for two hosts",
        "virtualhosts:\n- name: a\n  additionalGateways: &all [\"x\"]\n- name: b\n  additionalGateways: *all\n",
        2,
    ),
    (
        "a block list for two hosts",
        "virtualhosts:\n- name: a\n  additionalGateways: &all\n  - x\n- name: b\n  additionalGateways: *all\n",
        0,
    ),
    (
        "a merge key",
        "x-common: &common\n  additionalGateways: [x]\nvirtualhosts:\n- name: a\n  <<: *common\n- name: b\n  <<: *common\n",
        0,
    ),
    ("one line", "virtualhosts: [{name: a, additionalGateways: [x]}]\n", 1),
    ("a list of several lines", "virtualhosts:\n- name: a\n  additionalGateways: [\n    x,\n  ]\n", 1),
    ("a comment after the list", "virtualhosts:\n- name: a\n  additionalGateways: [x] # word\n", 1),
    ("a string", "virtualhosts:\n- name: a\n  additionalGateways: x\n- 5\n- name: b\n", 1),
];

#[test]
fn every_diff_is_applied_by_patch_and_by_git() {
    for (what, file, by_hand) in FILES {
        for tool in [apply_with_patch, apply_with_git] {
            let before = parsed("deploy/overrides.yaml", file.as_bytes());
            let diff = add_gateway(&before, "wild-route").expect("seen");
            assert_eq!(diff.by_hand.len(), *by_hand, "{what}: {diff:?}");

            let folder = tempfile::tempdir().expect("a temporary directory");
            let path = folder.path().join("deploy/overrides.yaml");
            fs::create_dir(folder.path().join("deploy")).expect("a folder");
            fs::write(&path, file).expect("written");
            if !diff.text.is_empty() {
                tool(folder.path(), &diff.text);
            }

            let changed = fs::read(&path).expect("readable");
            let after = parsed("deploy/overrides.yaml", &changed);
            let again = add_gateway(&after, "wild-route").expect("seen");
            assert_eq!(again.text, "", "{what}: {}", String::from_utf8_lossy(&changed));
            assert_eq!(again.by_hand.len(), *by_hand, "{what}");
            let (before, after) =
                (before.content.seen().expect("seen").clone(), after.content.seen().expect("seen").clone());
            let with = after
                .virtual_hosts
                .iter()
                .filter(|host| host.additional_gateways.names.iter().any(|name| name.value == "wild-route"));
            assert_eq!(with.count() + by_hand, after.virtual_hosts.len(), "{what}");
            for (old, new) in before.virtual_hosts.iter().zip(&after.virtual_hosts) {
                let names = |host: &VirtualHost| {
                    host.additional_gateways.names.iter().map(|name| name.value.clone()).collect::<Vec<_>>()
                };
                assert!(names(new).starts_with(&names(old)), "{what}");
            }
            assert_eq!(before.line_ends.crlf, after.line_ends.crlf, "{what}");
            assert_eq!(before.faults.len(), after.faults.len(), "{what}: {:?}", after.faults);
        }
    }
}

#[test]
fn a_hunk_names_its_virtual_host_and_follows_the_quotes_of_its_neighbours() {
    let file = "virtualhosts:\n- oops\n- name: north\n  sslSecret: s\n- name: south\n  additionalGateways: ['x']\n";
    let diff = add_gateway(&parsed("-", file.as_bytes()), "wild").expect("seen");

    assert_eq!(
        diff.text,
        "--- a/overrides.yaml\n+++ b/overrides.yaml\n\
         @@ -3,4 +3,5 @@ virtualhosts[1] north, virtualhosts[2] south\n - name: north\n   sslSecret: s\n\
         +  additionalGateways: ['wild']\n - name: south\n\
         -  additionalGateways: ['x']\n+  additionalGateways: ['x', 'wild']\n"
    );
}

#[test]
fn context_ends_where_a_line_may_be_secret() {
    let file = "virtualhosts:\n- name: north\n  # password: hunter2\n  selector:\n    app: apigee-ingressgateway\n  \
                additionalGateways: []\nenvs:\n- name: hunter2\n";
    let diff = add_gateway(&parsed("a.yaml", file.as_bytes()), "wild").expect("seen");

    assert_eq!(
        diff.text,
        "--- a/a.yaml\n+++ b/a.yaml\n@@ -5,3 +5,3 @@ virtualhosts[0] north\n     app: apigee-ingressgateway\n\
         -  additionalGateways: []\n+  additionalGateways: [\"wild\"]\n envs:\n"
    );
}

#[test]
fn what_is_changed_by_hand_has_its_place() {
    let diff =
        add_gateway(&parsed("a.yaml", b"virtualhosts: [{name: a, additionalGateways: [x]}]\n"), "wild").expect("seen");

    let by_hand = ByHand { place: FilePosition { line: 1, column: 46 }, virtual_host: "virtualhosts[0] a".to_owned() };
    assert_eq!(diff, OverridesDiff { text: String::new(), by_hand: vec![by_hand] });
}

#[test]
fn a_name_that_is_not_a_plain_string_is_quoted() {
    for (name, written) in
        [("wild", "wild"), ("true", "\"true\""), ("1e3", "\"1e3\""), ("a b", "\"a b\""), ("a\"", "\"a\\\"\"")]
    {
        assert_eq!(Quote::Plain.around(name), written);
    }
}

#[test]
fn the_file_has_the_name_that_patch_finds() {
    for (given, name) in [
        ("overrides.yaml", "overrides.yaml"),
        ("./a/b.yaml", "a/b.yaml"),
        ("/srv/a/b.yaml", "b.yaml"),
        ("../b.yaml", "b.yaml"),
        ("-", "overrides.yaml"),
        ("a b.yaml", "overrides.yaml"),
    ] {
        assert_eq!(name_in_diff(given), name);
    }
}

fn parsed(name: &str, bytes: &[u8]) -> OverridesFile {
    OverridesFile { name: name.to_owned(), content: Seen::Seen(read(bytes)) }
}

fn apply_with_patch(folder: &Path, diff: &str) {
    run(Command::new("patch").args(["-p1", "--fuzz=0", "--binary", "--unified"]).current_dir(folder), diff);
}

fn apply_with_git(folder: &Path, diff: &str) {
    let above = folder.parent().expect("a folder above");
    run(
        Command::new("git")
            .args(["apply", "--unidiff-zero", "-p1", "--whitespace=nowarn"])
            .current_dir(folder)
            .env("GIT_CEILING_DIRECTORIES", above),
        diff,
    );
}

fn run(command: &mut Command, input: &str) {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the tool is installed");
    child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("written");
    let output = child.wait_with_output().expect("ended");
    assert!(output.status.success(), "{command:?}\n{input}\n{}", String::from_utf8_lossy(&output.stdout));
}
