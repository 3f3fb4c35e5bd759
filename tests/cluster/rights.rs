//! Rights of users, and the proof that the Role printed by `rbac` is minimal: with it, `collect` loses
//! nothing that an administrator gets; without any one of its rights, it loses exactly what the plan says.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use serde::Deserialize as _;
use serde_json::{Value, json};

use crate::expect::{program, run};
use crate::faults::item_of_file;
use crate::midway;
use crate::objects::{collection, text};
use crate::runs::{self, Bundle};
use crate::shell::{Result, last_lines, wait_until};
use crate::stage::Stage;
use crate::testbed::Testbed;

const RBAC: &str = "rbac.authorization.k8s.io/v1";
/// Time limit until the API server applies a new Role and its binding.
const LIMIT: Duration = Duration::from_secs(20);

/// One verb on one resource.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Right {
    group: String,
    resource: String,
    verb: String,
}

pub fn rule_by_rule(testbed: &Testbed) -> Result<()> {
    let _turn = testbed.turn.read().unwrap_or_else(PoisonError::into_inner);
    let scenario = runs::scenario("least-role-rules")?;
    let mut stage = Stage::set(testbed, &scenario)?;
    runs::furnish(&mut stage)?;
    let began = Instant::now();
    let webhooks = webhooks(&stage);
    let made: Result<Vec<_>> = webhooks.iter().map(|object| create(&stage, object)).collect();
    let outcome = made.and_then(|_| compare_all(&stage));
    webhooks
        .iter()
        .try_for_each(|object| remove(&stage, object))
        .and(outcome.as_ref().map(drop).map_err(Clone::clone))?;
    eprintln!("least_role_rule_by_rule: {} rights, {:?}", outcome?, began.elapsed());
    Ok(())
}

fn compare_all(stage: &Stage<'_>) -> Result<usize> {
    let granted = printed(stage)?;
    let costs = costs(stage)?;
    let all = collected(stage, "administrator", &stage.testbed.kubeconfig)?;
    let [of_namespace, of_cluster] = &granted;
    let rights: Vec<Right> = of_namespace.iter().chain(of_cluster).flat_map(rights).collect();
    // The first one has all rights; each of the others lacks one.
    runs::side_by_side(rights.len() + 1, |number, _| {
        let lacks = number.checked_sub(1).map(|index| &rights[index]);
        let name = format!("engineer-{number}");
        let [of_namespace, of_cluster] = [without(of_namespace, lacks), without(of_cluster, lacks)];
        grant(stage, &name, &of_namespace, &of_cluster)?;
        let outcome = account(stage, &name)
            .and_then(|kubeconfig| collected(stage, &name, &kubeconfig))
            .and_then(|bundle| compare(&all, &bundle, lacks, &costs));
        revoke(stage, &name)?;
        outcome.map_err(|why| format!("without {lacks:?}: {why}"))
    })?;
    Ok(rights.len())
}

/// Returns the rules that the program prints for `collect`: those of the Role, and those of the
/// `ClusterRole`.
fn printed(stage: &Stage<'_>) -> Result<[Vec<Value>; 2]> {
    let printed = run(program(&stage.folder).args(["rbac", "collect", "-n", &stage.namespace]))?;
    let mut rules = BTreeMap::new();
    for document in serde_yaml::Deserializer::from_slice(&printed.stdout) {
        let role = Value::deserialize(document).map_err(|error| format!("rbac prints no YAML: {error}"))?;
        rules.insert(text(&role["kind"]).to_owned(), role["rules"].as_array().cloned().unwrap_or_default());
    }
    match (rules.remove("Role"), rules.remove("ClusterRole"), rules.len()) {
        (Some(of_namespace), Some(of_cluster), 0) => Ok([of_namespace, of_cluster]),
        _ => Err(format!("rbac prints something else than a Role and a ClusterRole: {:?}", rules.keys())),
    }
}

/// Returns the items that need each right, such as `list pods`, from the output of `collect --list`.
fn costs(stage: &Stage<'_>) -> Result<BTreeMap<String, BTreeSet<String>>> {
    let listed = run(program(&stage.folder).args(["collect", "--list"]))?;
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    let mut costs: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut item = "";
    for line in listed.lines() {
        if !line.starts_with(' ') {
            item = line.split(' ').next().unwrap_or_default();
        }
        let Some(needs) = line.trim().strip_prefix("needs ") else { continue };
        for right in needs.split(", ") {
            costs.entry(right.to_owned()).or_default().insert(item.to_owned());
        }
    }
    Ok(costs)
}

/// Without a right, exactly the items that need it must be missing, each with that right, and every other
/// file present; with all rights, nothing may be missing.
fn compare(
    all: &Bundle,
    bundle: &Bundle,
    lacks: Option<&Right>,
    costs: &BTreeMap<String, BTreeSet<String>>,
) -> Result<()> {
    let needed_for = match lacks {
        None => BTreeSet::new(),
        Some(Right { resource, verb, .. }) => {
            let right = format!("{verb} {resource}");
            costs.get(&right).cloned().ok_or_else(|| format!("the plan names nothing that {right:?} is needed for"))?
        }
    };
    let known: BTreeSet<String> = all.skipped().map(Value::to_string).collect();
    let missing: Vec<&Value> = bundle.skipped().filter(|entry| !known.contains(&entry.to_string())).collect();
    let items: BTreeSet<String> = missing.iter().map(|entry| text(&entry["item"]).to_owned()).collect();
    if items != needed_for {
        return Err(format!("it costs {items:?}, and the plan says {needed_for:?}: {missing:?}"));
    }
    for (Right { resource, verb, .. }, entry) in
        lacks.into_iter().flat_map(|lacks| missing.iter().map(move |entry| (lacks, entry)))
    {
        let (verbs, named) = text(&entry["needs"]).rsplit_once(' ').unwrap_or_default();
        if named != resource || !verbs.split(", ").any(|named| named == verb) {
            return Err(format!("it does not name the right: {entry}"));
        }
    }
    let (before, after) = (all.paths(), bundle.paths());
    let lost: Vec<&&str> = before
        .difference(&after)
        .filter(|path| !item_of_file(path).is_some_and(|item| needed_for.contains(item)))
        .collect();
    let new: Vec<&&str> = after.difference(&before).collect();
    if lost.is_empty() && new.is_empty() { Ok(()) } else { Err(format!("lost: {lost:?}; new: {new:?}")) }
}

fn collected(stage: &Stage<'_>, name: &str, kubeconfig: &Path) -> Result<Bundle> {
    let folder = runs::folder(stage, name)?;
    let finished = run(&mut runs::collect(stage, &folder, kubeconfig, "pods"))?;
    let (bundles, _) = runs::left(&folder)?;
    match (finished.status.code(), bundles.as_slice()) {
        (Some(0), [bundle]) => Bundle::take(&folder, bundle),
        _ => Err(format!("{}, {bundles:?}\n{}", finished.status, last_lines(&finished.stderr, 20))),
    }
}

/// Creates the service account if it does not exist, and returns a kubeconfig for it.
pub fn account(stage: &Stage<'_>, name: &str) -> Result<PathBuf> {
    let accounts = format!("/api/v1/namespaces/{}/serviceaccounts", stage.namespace);
    let request = json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {} });
    let answer = stage.testbed.api.create(&format!("{accounts}/{name}/token"), &request)?;
    let user = json!({ "token": answer["status"]["token"] });
    midway::kubeconfig_with(stage, &format!("{name}.kubeconfig"), |config| config["users"][0]["user"] = user.clone())
}

/// Grants a service account exactly these rules, in the namespace and in the cluster, and waits until they
/// apply.
pub fn grant(stage: &Stage<'_>, name: &str, of_namespace: &[Value], of_cluster: &[Value]) -> Result<()> {
    create(stage, &json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": { "name": name } }))?;
    for (kind, rules) in [("Role", of_namespace), ("ClusterRole", of_cluster)] {
        let Some(right) = rules.first().and_then(|rule| rights(rule).into_iter().next()) else { continue };
        let name_of_role = if kind == "Role" { name.to_owned() } else { cluster_role(stage, name) };
        let metadata = json!({ "name": name_of_role });
        create(stage, &json!({ "apiVersion": RBAC, "kind": kind, "metadata": metadata, "rules": rules }))?;
        create(
            stage,
            &json!({
                "apiVersion": RBAC, "kind": format!("{kind}Binding"), "metadata": metadata,
                "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name_of_role },
                "subjects": [{ "kind": "ServiceAccount", "name": name, "namespace": stage.namespace }],
            }),
        )?;
        let object = rules[0]["resourceNames"][0].as_str();
        wait_until("the rights are known", LIMIT, || may(stage, name, kind == "Role", &right, object))?;
    }
    Ok(())
}

/// Removes the objects outside the namespace.
fn revoke(stage: &Stage<'_>, name: &str) -> Result<()> {
    let metadata = json!({ "name": cluster_role(stage, name) });
    for kind in ["ClusterRoleBinding", "ClusterRole"] {
        remove(stage, &json!({ "apiVersion": RBAC, "kind": kind, "metadata": metadata }))?;
    }
    Ok(())
}

fn cluster_role(stage: &Stage<'_>, name: &str) -> String {
    format!("{}-{name}", stage.namespace)
}

fn may(stage: &Stage<'_>, name: &str, is_namespaced: bool, right: &Right, object: Option<&str>) -> Result<()> {
    let (resource, subresource) = right.resource.split_once('/').unwrap_or((&right.resource, ""));
    let mut attributes =
        json!({ "group": right.group, "resource": resource, "subresource": subresource, "verb": right.verb });
    if is_namespaced {
        attributes["namespace"] = json!(stage.namespace);
    }
    attributes["name"] = json!(object.unwrap_or_default());
    let user = format!("system:serviceaccount:{}:{name}", stage.namespace);
    let version = "authorization.k8s.io/v1";
    let review = json!({
        "apiVersion": version, "kind": "SubjectAccessReview",
        "spec": { "user": user, "resourceAttributes": attributes },
    });
    let answer = stage.testbed.api.create(&format!("/apis/{version}/subjectaccessreviews"), &review)?;
    if answer["status"]["allowed"] == true { Ok(()) } else { Err(format!("{right:?} is not granted")) }
}

/// Returns each group, resource and verb of a rule separately.
fn rights(rule: &Value) -> Vec<Right> {
    let texts = |key: &str| -> Vec<String> {
        rule[key].as_array().into_iter().flatten().map(|value| text(value).to_owned()).collect()
    };
    let mut rights = Vec::new();
    for group in texts("apiGroups") {
        for resource in texts("resources") {
            for verb in texts("verbs") {
                rights.push(Right { group: group.clone(), resource: resource.clone(), verb });
            }
        }
    }
    rights
}

/// Returns the rules without one right, and without empty rules.
fn without(rules: &[Value], lacks: Option<&Right>) -> Vec<Value> {
    let kept = |rule: &Value| {
        let names = &rule["resourceNames"];
        let kept: Vec<Right> = rights(rule).into_iter().filter(|right| Some(right) != lacks).collect();
        kept.into_iter()
            .map(|Right { group, resource, verb }| {
                let mut rule = json!({ "apiGroups": [group], "resources": [resource], "verbs": [verb] });
                if names.is_array() {
                    rule["resourceNames"] = names.clone();
                }
                rule
            })
            .collect::<Vec<_>>()
    };
    rules.iter().flat_map(kept).collect()
}

/// Returns webhooks that match no request.
fn webhooks(stage: &Stage<'_>) -> [Value; 2] {
    let webhook = |kind: &str| {
        json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": kind, "metadata": { "name": stage.namespace },
            "webhooks": [{
                "name": "nothing.apigee-tls.test", "admissionReviewVersions": ["v1"], "sideEffects": "None",
                "failurePolicy": "Ignore", "clientConfig": { "url": "https://127.0.0.1:1/" },
                "rules": [{
                    "apiGroups": ["apigee-tls.test"], "apiVersions": ["v1"], "operations": ["CREATE"],
                    "resources": ["nothings"],
                }],
            }],
        })
    };
    [webhook("ValidatingWebhookConfiguration"), webhook("MutatingWebhookConfiguration")]
}

fn create(stage: &Stage<'_>, object: &Value) -> Result<Value> {
    stage.testbed.api.create(&collection(object, &stage.namespace)?, object)
}

fn remove(stage: &Stage<'_>, object: &Value) -> Result<()> {
    let name = text(&object["metadata"]["name"]);
    stage.testbed.api.delete(&format!("{}/{name}", collection(object, &stage.namespace)?))
}
