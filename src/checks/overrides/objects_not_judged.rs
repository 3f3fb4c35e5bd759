//! AT328: a file given with -f holds Kubernetes objects that are not judged.

use crate::checks::facts;
use crate::checks::{Check, Code, Explanation, Finding, Judgement, Kind, Level, Location, Object, Outcome};
use crate::evidence::hybrid::ManifestFile;
use crate::evidence::{Evidence, Reason, Unavailable};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT328"),
    name: "objects-not-judged",
    level: Level::Notice,
    summary: "A file given with -f holds Kubernetes objects that are not judged",
    explanation: Explanation {
        looks_for: "Files given with -f that hold Kubernetes objects. ApigeeRoutes, ApigeeRouteConfigs, TLS Secrets and \
            the mesh settings (ConfigMap apigee-istio-mesh-config) are judged as if the cluster had returned them, \
            unless the cluster was read. Other kinds are not judged, nor objects of another namespace.",
        matters: "These objects have no effect on the verdict.",
        fix: "Give the objects as kubectl get apigeeroutes,apigeerouteconfigs -n NAMESPACE -o yaml prints \
            them, with --offline; and the overrides file with another -f.",
    },
    reference: "Apigee hybrid playbook, \"must gather\"",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    if evidence.manifests.is_empty() {
        return Ok(Outcome::NotApplicable("no file with Kubernetes objects was given".into()));
    }
    let left_out: Vec<(&ManifestFile, &String)> =
        evidence.manifests.iter().filter_map(|file| Some((file, file.why.as_ref()?))).collect();
    let findings: Vec<Finding> = left_out
        .iter()
        .filter(|(file, _)| !file.not_judged.is_empty())
        .map(|(file, why)| {
            let kinds: Vec<&str> = file.not_judged.iter().map(String::as_str).collect();
            let observed = facts::some_of(&kinds);
            let message = format!("{} has objects that are not judged ({observed}): {why}", file.title());
            let object = Object::new(Kind::File, file.title());
            Finding::new(object, Location::Whole, message, observed, "ApigeeRoutes, ApigeeRouteConfigs or TLS Secrets")
        })
        .collect();
    // Where nothing else was given, nothing was judged, and that is no notice.
    let is_alone = evidence.question.is_offline() && evidence.overrides.is_empty() && evidence.access_logs.is_empty();
    let judged_none = is_alone && evidence.manifests.iter().all(|file| file.judged.is_empty());
    if let (true, Some((file, why))) = (findings.is_empty() || judged_none, left_out.first()) {
        return Err(Unavailable::new(file.title(), Reason::Broken((*why).clone())));
    }
    // A certificate is judged for the route that names its Secret.
    if let (true, true, Some(file)) = (is_alone, evidence.routes.seen().is_err(), evidence.manifests.first()) {
        let why = "no ApigeeRoute was given, so that nothing says what these objects are for".to_owned();
        return Err(Unavailable::new(file.title(), Reason::Broken(why)));
    }
    Ok(Outcome::of(findings, "the objects of the files are judged as those of the cluster"))
}
