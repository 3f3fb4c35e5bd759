//! `rbac`: prints the minimal Role for a run, and its binding, as YAML. Contacts no cluster.

use serde::Serialize;

use super::Error;
use crate::cli::{ProbePlace, RbacArgs, RbacFor};
use crate::plan::{self, CAPTURE, Item, Origin, PLAN, Right, Scope, Stage, WATCH};
use crate::report::formats::yaml;
use crate::terminal::Console;

/// What rights are for, and the rights.
type Need = (&'static str, Vec<Right>);

const VERSION: &str = "rbac.authorization.k8s.io/v1";

pub(super) fn run(args: &RbacArgs, console: &Console) -> Result<u8, Error> {
    if !is_object_name(&args.namespace) || args.namespace.contains('.') {
        return Err(Error::Argument {
            what: format!("--namespace {:?}", args.namespace),
            hint: "names of namespaces have lower-case letters, digits and hyphens".into(),
        });
    }
    let subjects = subjects(args)?;
    let name = args.name.clone().unwrap_or_else(|| format!("apigee-tls-{}", command(args)));
    let items: Vec<&Item> = PLAN.iter().filter(|item| is_wanted(args, item)).collect();
    let further: &[(&str, &[Right])] = match args.command {
        RbacFor::Capture => CAPTURE,
        RbacFor::Collect | RbacFor::Diagnose => &[],
        RbacFor::Watch => WATCH,
    };
    let of_items = items.iter().map(|item| (item.why, item.needs()));
    let further = further.iter().map(|(why, rights)| (*why, rights.to_vec()));
    let needs: Vec<Need> = of_items.chain(further).collect();
    let mut text = String::new();
    for scope in [Scope::Namespace, Scope::Cluster] {
        let rules = rules(&items, &needs, scope);
        if rules.is_empty() {
            continue;
        }
        text.push_str(&comment(args, &needs, scope));
        text.push_str(&document(&Role {
            api_version: VERSION,
            kind: role_kind(scope),
            metadata: metadata(&name, args, scope),
            rules,
        })?);
        for subject in &subjects {
            text.push_str("---\n");
            text.push_str(&document(&Binding {
                api_version: VERSION,
                kind: format!("{}Binding", role_kind(scope)),
                metadata: metadata(&binding_name(&name, subject), args, scope),
                role_ref: RoleRef { api_group: "rbac.authorization.k8s.io", kind: role_kind(scope), name: &name },
                subjects: [subject],
            })?);
        }
    }
    console.result(&text).map_err(Error::Output)?;
    Ok(0)
}

fn is_wanted(args: &RbacArgs, item: &Item) -> bool {
    match item.stage {
        _ if args.command == RbacFor::Capture => false,
        Stage::Diagnose => true,
        Stage::Probe => args.probe.contains(&ProbePlace::Pods),
        Stage::Collect => args.command == RbacFor::Collect,
    }
}

fn command(args: &RbacArgs) -> &'static str {
    match args.command {
        RbacFor::Capture => "capture",
        RbacFor::Collect => "collect",
        RbacFor::Diagnose => "diagnose",
        RbacFor::Watch => "watch",
    }
}

/// Returns the name of the binding of one subject: `kubectl apply` replaces objects of the same name, and a
/// second user would take the rights of the first. Names of bindings may have every character but `/` and
/// `%` (Kubernetes, "path segment names").
fn binding_name(role: &str, subject: &Subject) -> String {
    let namespace = subject.namespace.as_ref().map_or(String::new(), |namespace| format!("{namespace}:"));
    let kind = subject.kind.to_lowercase();
    format!("{role}:{kind}:{namespace}{}", subject.name).replace(['/', '%'], "-")
}

fn role_kind(scope: Scope) -> &'static str {
    match scope {
        Scope::Namespace => "Role",
        Scope::Cluster => "ClusterRole",
    }
}

/// Returns the YAML comment above a document that says what each rule is for.
fn comment(args: &RbacArgs, needs: &[Need], scope: Scope) -> String {
    let command = command(args);
    let mut text = if scope == Scope::Cluster { "---\n".to_owned() } else { String::new() };
    let meaning = match args.command {
        RbacFor::Capture => "All are necessary",
        RbacFor::Collect | RbacFor::Diagnose | RbacFor::Watch => {
            "Without a right, the report lacks what is listed after it"
        }
    };
    text += &format!("# Rights for `kubectl apigee-tls {command}`. {meaning}:\n");
    for (why, rights) in needs.iter().filter(|(_, rights)| rights.iter().any(|right| right.scope == scope)) {
        let rights: Vec<String> = rights.iter().map(|right| format!("{} {}", right.verb, right.resource)).collect();
        text += &format!("#   {}: {why}\n", rights.join(", "));
    }
    text
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Role<'a> {
    api_version: &'a str,
    kind: &'a str,
    metadata: Metadata<'a>,
    rules: Vec<Rule>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Binding<'a> {
    api_version: &'a str,
    kind: String,
    metadata: Metadata<'a>,
    role_ref: RoleRef<'a>,
    subjects: [&'a Subject; 1],
}

#[derive(Serialize)]
struct Metadata<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    api_groups: Vec<&'static str>,
    resources: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    resource_names: Vec<&'static str>,
    verbs: Vec<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RoleRef<'a> {
    api_group: &'a str,
    kind: &'a str,
    name: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Subject {
    #[serde(skip_serializing_if = "Option::is_none")]
    api_group: Option<&'static str>,
    kind: &'static str,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
}

fn metadata<'a>(name: &'a str, args: &'a RbacArgs, scope: Scope) -> Metadata<'a> {
    let namespace = (scope == Scope::Namespace).then_some(args.namespace.as_str());
    Metadata { name, namespace }
}

/// Returns one rule per resource; where only a single object is read, the rule names it.
fn rules(items: &[&Item], needs: &[Need], scope: Scope) -> Vec<Rule> {
    plan::rights(needs.iter().flat_map(|(_, rights)| rights.iter().copied()))
        .into_iter()
        .filter(|((of, _, _), _)| *of == scope)
        .map(|((_, group, resource), verbs)| Rule {
            api_groups: vec![group],
            resources: vec![resource],
            resource_names: single_objects(items, group, resource),
            verbs: verbs.into_iter().collect(),
        })
        .collect()
}

fn single_objects(items: &[&Item], group: &str, resource: &str) -> Vec<&'static str> {
    items
        .iter()
        .filter_map(|item| match item.origin {
            Origin::Objects(objects) if (objects.group, objects.resource) == (group, resource) => objects.name,
            _ => None,
        })
        .collect()
}

fn subjects(args: &RbacArgs) -> Result<Vec<Subject>, Error> {
    const GROUP: Option<&str> = Some("rbac.authorization.k8s.io");
    let subject = |kind, name: &String| Subject { api_group: GROUP, kind, name: name.clone(), namespace: None };
    let mut subjects: Vec<Subject> = args.users.iter().map(|name| subject("User", name)).collect();
    subjects.extend(args.groups.iter().map(|name| subject("Group", name)));
    for account in &args.service_accounts {
        let Some((namespace, name)) =
            account.split_once(':').filter(|(namespace, name)| is_object_name(namespace) && is_object_name(name))
        else {
            return Err(Error::Argument {
                what: format!("--serviceaccount {account:?}"),
                hint: "expected NAMESPACE:NAME, as kubectl create rolebinding takes it".into(),
            });
        };
        subjects.push(Subject {
            api_group: None,
            kind: "ServiceAccount",
            name: name.to_owned(),
            namespace: Some(namespace.to_owned()),
        });
    }
    Ok(subjects)
}

/// Whether an object or a namespace can have this name (RFC 1123 §2.1, as Kubernetes reads it).
fn is_object_name(name: &str) -> bool {
    let is_part = |part: &str| {
        let ends_well = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
        let bytes = part.as_bytes();
        ends_well(bytes.first()) && ends_well(bytes.last())
    };
    let may_have = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
    name.len() <= 253 && name.bytes().all(may_have) && name.split('.').all(is_part)
}

fn document(object: &impl Serialize) -> Result<String, Error> {
    Ok(yaml::of(object)?)
}
