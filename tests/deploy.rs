//! The manifests under `deploy/`: the Role is the one that `rbac watch` prints, and pods have no right that they
//! do not need.

#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde::Deserialize as _;
use serde_json::{Value, json};

const ACCOUNT: &str = "apigee-tls-watch";

fn documents(text: &str) -> Vec<Value> {
    serde_yaml::Deserializer::from_str(text).map(|document| Value::deserialize(document).expect("it is YAML")).collect()
}

fn file(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(name)).expect("it is there")
}

/// `role.yaml` is the program's own output, with the account before it.
#[test]
fn the_role_is_the_one_that_rbac_prints() {
    let printed = Command::new(env!("CARGO_BIN_EXE_kubectl-apigee-tls"))
        .args(["rbac", "watch", "--name", ACCOUNT, "--serviceaccount", &format!("apigee:{ACCOUNT}")])
        .output()
        .expect("the program starts");
    let printed = String::from_utf8(printed.stdout).expect("it is text");
    let account =
        format!("apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: {ACCOUNT}\n  namespace: apigee\n---\n");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/role.yaml");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, account.clone() + &printed).expect("it can be written");
    }
    assert_eq!(file("role.yaml"), account + &printed, "UPDATE_DOCS=1 cargo test --test deploy writes it again");
    let pods = documents(&printed).into_iter().next().expect("a Role")["rules"]
        .as_array()
        .and_then(|rules| rules.iter().find(|rule| rule["resources"] == json!(["pods"])).cloned())
        .expect("a rule for pods");
    assert_eq!(pods["verbs"], json!(["list", "watch"]));
}

/// `kubectl apply` replaces objects of the same kind and name.
#[test]
fn what_rbac_prints_for_another_command_or_subject_replaces_nothing() {
    let name = |object: &Value| format!("{} {}", object["kind"], object["metadata"]["name"]);
    let printed = |arguments: &[&str]| -> Vec<Value> {
        let output = Command::new(env!("CARGO_BIN_EXE_kubectl-apigee-tls"))
            .arg("rbac")
            .args(arguments)
            .output()
            .expect("the program starts");
        documents(&String::from_utf8(output.stdout).expect("it is text"))
    };
    let is_binding = |object: &&Value| object["roleRef"].is_object();
    let several =
        printed(&["--user", "alice", "--user", "team/bob%", "--group", "alice", "--serviceaccount", "ci:alice"]);
    let names: Vec<String> = several.iter().filter(is_binding).map(name).collect();
    assert_eq!(names.len(), names.iter().collect::<BTreeSet<_>>().len(), "{names:?}");
    assert!(names.iter().all(|name| !name.contains(['/', '%'])), "{names:?}");
    let bound: Vec<&Value> =
        several.iter().filter(is_binding).filter_map(|binding| binding["subjects"].as_array()).flatten().collect();
    assert_eq!(bound.len(), names.len());
    // The same subject has the same binding when it is given alone.
    let alone: Vec<String> = printed(&["--user", "alice"]).iter().filter(is_binding).map(name).collect();
    assert!(!alone.is_empty() && alone.iter().all(|name| names.contains(name)), "{alone:?}, {names:?}");
    for command in ["capture", "collect", "watch"] {
        let others: Vec<String> = printed(&[command, "--user", "alice"]).iter().map(name).collect();
        let all: Vec<String> = several.iter().map(name).collect();
        assert!(others.len() > 1 && others.iter().all(|name| !all.contains(name)), "{command}: {others:?}");
    }
}

#[test]
fn pods_run_without_rights() {
    for (name, pod) in
        [("deployment.yaml", "/spec/template/spec"), ("cronjob.yaml", "/spec/jobTemplate/spec/template/spec")]
    {
        let object = documents(&file(name)).into_iter().next().expect("an object");
        let pod = object.pointer(pod).expect("a pod");
        assert_eq!(pod["securityContext"]["runAsNonRoot"], true, "{name}");
        assert_eq!(pod["serviceAccountName"], ACCOUNT, "{name}");
        let container = &pod["containers"][0];
        let context = &container["securityContext"];
        assert_eq!(context["readOnlyRootFilesystem"], true, "{name}");
        assert_eq!(context["allowPrivilegeEscalation"], false, "{name}");
        assert_eq!(context["capabilities"]["drop"], json!(["ALL"]), "{name}");
        assert!(container["resources"]["limits"]["memory"].is_string(), "{name}");
        assert!(pod["volumes"].is_null(), "{name} writes nothing");
    }
}
