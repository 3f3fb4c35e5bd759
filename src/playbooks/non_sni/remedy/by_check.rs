//! A step for each finding that no step of the wildcard route cures: what to do, and the command that does it
//! or shows what is needed for it, with the names of the finding.

mod captures;
mod certificate_files;

use super::Planned;
use super::groups::{self, Group};
use super::{certificates, overrides, patch, wildcard};
use crate::checks::facts::versions::TooOld;
use crate::checks::{CheckResult, Code, Finding, Kind, codes, facts};
use crate::evidence::handshake::{Endpoint, EndpointOrigin};
use crate::evidence::hybrid::{Port, Route};
use crate::evidence::{Evidence, stored::StoredIn};
use crate::text::{first_of, some_of};
use crate::verdict::{Change, RemedyStep, Target, shell_word as word};

/// Distributes configuration and certificates to the gateways. Source: label of the Helm chart, and of
/// Apigee's own collection of logs.
const MANAGER: &str = "app=apigee-ingressgateway-manager";

/// Time window of the run that checks a step.
const CHECKED: &str = "--since 2m";

/// Returns the step for a finding.
pub(super) fn step(evidence: &Evidence, target: &Target, result: &CheckResult) -> Planned {
    let advice = Advice { evidence, target, result, code: result.check.code };
    let mut planned = match result.family.name {
        "capture" => advice.capture(),
        "certificate" => advice.certificate(),
        "client" => advice.client(),
        "handshake" => advice.handshake(),
        "overrides" => advice.overrides(),
        "platform" => advice.platform(),
        _ => advice.route(),
    };
    let step = &mut planned.step;
    step.title = format!("{} ({})", step.title, advice.code);
    let fix = result.check.explanation.fix;
    step.note = Some(match step.note.take() {
        Some(note) => format!("{fix} {note}"),
        None => fix.to_owned(),
    });
    step.good.get_or_insert_with(|| format!("a run of diagnose does not report {} any more", advice.code));
    planned
}

#[derive(Clone, Copy)]
struct Advice<'a> {
    evidence: &'a Evidence,
    target: &'a Target,
    result: &'a CheckResult,
    code: Code,
}

impl<'a> Advice<'a> {
    fn planned(self, step: RemedyStep) -> Planned {
        Planned::new(step, vec![self.code])
    }

    /// Names of the objects of this kind that the findings are about, each once.
    fn names(self, kind: Kind) -> Vec<&'a str> {
        let objects = self.result.findings().iter().flat_map(|finding| &finding.objects);
        let mut names: Vec<&str> = Vec::new();
        for object in objects.filter(|object| object.kind == kind) {
            if !names.contains(&object.name.as_str()) {
                names.push(&object.name);
            }
        }
        names
    }

    /// Pods that the findings concern.
    fn pods(self) -> Vec<&'a str> {
        let mut pods: Vec<&str> =
            self.result.findings().iter().flat_map(|finding| &finding.pods).map(String::as_str).collect();
        pods.sort_unstable();
        pods.dedup();
        pods
    }

    /// The places of the findings, for a title: a place in a file says where; elsewhere the object does.
    fn places(self) -> String {
        let place = |finding: &Finding| if finding.is_in_own_file() { finding.place() } else { finding.object() };
        some_of(&self.result.findings().iter().map(place).collect::<Vec<_>>())
    }

    fn objects(self) -> String {
        some_of(&self.result.findings().iter().map(Finding::object).collect::<Vec<_>>())
    }

    fn look(self, title: String, paste: String) -> Planned {
        self.planned(RemedyStep { title, paste: Some(paste), ..RemedyStep::default() })
    }

    fn certificate(self) -> Planned {
        let secrets = self.names(Kind::Secret);
        let Some(secret) = secrets.first().copied() else { return self.certificate_files() };
        match self.code {
            codes::STORED_CERTIFICATE_NOT_SERVED => self.reload(&format!("load Secret {}", first_of(&secrets))),
            codes::WILDCARD_CERTIFICATE_NAME_MISMATCH => {
                self.better_secret(secret).unwrap_or_else(|| self.replace("certificate", &secrets))
            }
            codes::PRIVATE_KEY_MISMATCH | codes::PRIVATE_KEY_UNREADABLE => {
                self.replace("certificate and the private key", &secrets)
            }
            codes::CLIENT_AUTHORITIES_ABSENT
            | codes::CLIENT_AUTHORITIES_MALFORMED
            | codes::CLIENT_AUTHORITY_EXPIRED
            | codes::CLIENT_AUTHORITY_EXPIRING => self.replace("CA certificates for clients", &secrets),
            _ => self.replace("certificate", &secrets),
        }
    }

    /// Writes new files for the virtual hosts of Secrets, and upgrades their groups. A Secret that no group
    /// has was made by hand.
    fn replace(self, what: &str, secrets: &[&str]) -> Planned {
        let Self { evidence, target, .. } = self;
        let title = format!("Replace the {what} in Secret {}", some_of(secrets));
        let mut lines = Vec::new();
        let mut undo = Vec::new();
        for secret in secrets {
            // The CAs of a Secret may be in one of their own, which is named after it.
            let owner = secret.strip_suffix("-cacert").unwrap_or(secret);
            let of_secret = groups::concerned(evidence, Some(owner), None);
            if of_secret.is_empty() {
                lines.push(self.written_by_hand(secret));
            }
            for group in of_secret {
                let host = group.virtual_host(evidence).map(|(_, host)| host);
                if let Some(path) = host.and_then(|host| host.ssl_cert_path.as_ref()) {
                    lines.push(show_certificate(&path.value));
                }
                lines.push(group.helm_upgrade(evidence, target));
                undo.push(group.helm_rollback(target));
            }
        }
        lines.dedup();
        undo.dedup();
        self.planned(RemedyStep {
            title,
            paste: Some(lines.join("\n")),
            undo: (!undo.is_empty()).then(|| undo.join("\n")),
            ..RemedyStep::default()
        })
    }

    fn written_by_hand(self, secret: &str) -> String {
        let entry = |stored: &&crate::evidence::stored::StoredCertificate| matches!(&stored.origin, StoredIn::Secret { name } if name == secret);
        let stored = self.evidence.stored_certificates.seen().ok().and_then(|stored| stored.iter().find(entry));
        let content = stored.and_then(|stored| stored.content.seen().ok());
        let entries = match content.and_then(|content| content.certificate_entry.as_deref()) {
            Some("tls.crt") => "--from-file=tls.crt=CERTIFICATE.pem --from-file=tls.key=KEY.pem",
            _ => "--from-file=cert=CERTIFICATE.pem --from-file=key=KEY.pem",
        };
        let made = format!("create secret generic {} {entries} --dry-run=client -o yaml", word(secret));
        format!("{} | {}", self.target.kubectl_in_namespace(&made), self.target.kubectl("apply -f -"))
    }

    /// Names the Secret with more hostnames in the wildcard route.
    fn better_secret(self, secret: &str) -> Option<Planned> {
        let Self { evidence, target, .. } = self;
        let uses = |route: &&Route| route.owner.is_none() && wildcard::secret_of(route) == Some(secret);
        let route = facts::wildcards(evidence).ok()?.into_iter().find(uses)?;
        let chosen = certificates::choose(evidence);
        let mut better = route.clone();
        let on_443 = |port: &&mut Port| port.number == Some(443);
        better.ports.iter_mut().find(on_443)?.tls.as_mut()?.credential_name = Some(chosen.secret.clone());
        let step = RemedyStep {
            title: format!("Name Secret {}, which has more hostnames, in wildcard route {}", chosen.secret, route.name),
            paste: Some(patch::between(target, route, &better)?),
            note: chosen.note,
            undo: patch::between(target, &better, route),
            choices: chosen.choices,
            ..RemedyStep::default()
        };
        Some(self.planned(step).changing(Change::Apply(Box::new(better))))
    }

    fn client(self) -> Planned {
        let Self { evidence, target, .. } = self;
        match self.code {
            codes::UNKNOWN_SERVER_NAME_RESET => self.compare_names(),
            codes::CONNECTION_WITHOUT_SERVER_NAME_RESET if evidence.question.is_offline() => self.without_sni(),
            codes::LOAD_BALANCER_RESET => self.look(
                "Check the health checks of the load balancer: nothing else has to be done if they are the reason"
                    .into(),
                "gcloud compute health-checks list".into(),
            ),
            codes::ACCESS_LOG_UNCONFIRMED => {
                let logs = self
                    .pods()
                    .iter()
                    .map(|pod| format!("logs {} --tail 20", word(pod)))
                    .map(|rest| target.kubectl_in_namespace(&rest))
                    .collect::<Vec<_>>();
                let paste = if logs.is_empty() {
                    target.kubectl_in_namespace("get configmap apigee-istio-mesh-config -o yaml")
                } else {
                    logs.join("\n")
                };
                self.look("Find out where the access log is written".into(), paste)
            }
            codes::HOST_WITHOUT_ROUTE_ON_CONNECTION => {
                let hosts = self.names(Kind::Host);
                self.look(
                    format!("Give {} a certificate of its own", some_of(&hosts)),
                    target.kubectl_in_namespace(HOSTNAMES),
                )
            }
            _ => self
                .look("Look for the reason in the log of apigee-ingressgateway-manager".into(), self.log_of_manager()),
        }
    }

    fn log_of_manager(self) -> String {
        self.target.kubectl_in_namespace(&format!("logs -l {MANAGER} --all-containers --since 1h --tail 200"))
    }

    fn handshake(self) -> Planned {
        let Self { evidence, target, .. } = self;
        match self.code {
            codes::PODS_DIFFER
            | codes::PODS_SERVE_DIFFERENT_CERTIFICATES
            | codes::ROUTE_NOT_IN_GATEWAY
            | codes::GATEWAY_CHAIN_WITHOUT_ROUTE => self.reload("load the configuration of the routes"),
            codes::SERVED_CERTIFICATE_EXPIRED
            | codes::SERVED_CERTIFICATE_NOT_YET_VALID
            | codes::SERVED_CERTIFICATE_EXPIRING
            | codes::SERVED_CERTIFICATE_NAME_MISMATCH
            | codes::SERVED_CHAIN_INCOMPLETE
            | codes::SERVED_CHAIN_MISORDERED
            | codes::SERVED_CHAIN_UNTRUSTED
            | codes::SERVED_CERTIFICATE_SELF_SIGNED
            | codes::SERVED_CERTIFICATE_WEAK
            | codes::SERVED_CERTIFICATE_NOT_FOR_SERVERS => self.served_certificate(),
            codes::PROTOCOL_VERSION_REFUSED => {
                let probes = self.evidence.probes.seen().ok();
                let too_old = probes.and_then(|probes| TooOld::by_question(&probes.question));
                self.setting_or_probe(too_old.map_or("the TLS versions", TooOld::property))
            }
            codes::CIPHER_SUITE_REFUSED => self.setting_or_probe("cipherSuites"),
            codes::CLIENT_CERTIFICATE_DEMANDED => self.setting_or_probe("tlsMode"),
            codes::PROTOCOL_LIMITS_UNMET => {
                let routes = self.names(Kind::ApigeeRoute);
                let concerned = self.groups_of_routes(&routes);
                if concerned.is_empty() {
                    return self.reload("load the limits of the routes");
                }
                let title = format!("Deploy the TLS versions and suites of {} again", groups::names(&concerned));
                self.planned(RemedyStep { title, ..overrides::upgrade(evidence, target, &concerned) })
            }
            _ => self.probe(),
        }
    }

    /// Replaces the certificate of the groups of an endpoint's host. Where no group has the host, what is
    /// served comes from elsewhere.
    fn served_certificate(self) -> Planned {
        let Self { evidence, .. } = self;
        let hosts = self.endpoints().into_iter().filter_map(|endpoint| endpoint.host.as_deref());
        let concerned: Vec<Group> = hosts.flat_map(|host| groups::concerned(evidence, None, Some(host))).collect();
        let mut routes = facts::group_routes(evidence).unwrap_or_default();
        routes.retain(|route| concerned.iter().any(|group| group.full_name == route.group()));
        let mut secrets: Vec<&str> = routes.into_iter().filter_map(wildcard::secret_of).collect();
        secrets.sort_unstable();
        secrets.dedup();
        if secrets.is_empty() { self.probe() } else { self.replace("certificate", &secrets) }
    }

    fn setting_or_probe(self, key: &str) -> Planned {
        let hosts = self.endpoints().into_iter().filter_map(|endpoint| endpoint.host.as_deref());
        self.setting(key, hosts).unwrap_or_else(|| self.probe())
    }

    /// Changes a key of the virtual hosts of these hostnames and upgrades their groups; `None` if no group
    /// has one of them.
    fn setting(self, key: &str, hosts: impl IntoIterator<Item = &'a str>) -> Option<Planned> {
        let Self { evidence, target, .. } = self;
        let of_hosts = hosts.into_iter().flat_map(|host| groups::concerned(evidence, None, Some(host)));
        let mut concerned: Vec<Group> = of_hosts.collect();
        concerned.sort();
        concerned.dedup();
        if concerned.is_empty() {
            return None;
        }
        let title = format!("Set {key} of the virtual host {}, or change the clients", groups::names(&concerned));
        Some(self.planned(RemedyStep { title, ..overrides::upgrade(evidence, target, &concerned) }))
    }

    /// Repeats the handshake alone, from here.
    fn probe(self) -> Planned {
        let places = self.places();
        let endpoints = self.endpoints();
        let mut lines: Vec<String> = endpoints
            .iter()
            .filter(|endpoint| !matches!(endpoint.place, EndpointOrigin::Pod { .. }))
            .filter_map(|endpoint| probe_line(endpoint))
            .collect();
        lines.dedup();
        lines.truncate(3);
        if lines.is_empty() {
            lines.push(self.target.tool("diagnose", &format!("--probe pods {CHECKED} -o wide")));
        }
        let title = format!("Repeat the handshake with {places}, and correct what it shows");
        self.look(title, lines.join("\n"))
    }

    fn endpoints(self) -> Vec<&'a Endpoint> {
        let Ok(probes) = self.evidence.probes.seen() else { return Vec::new() };
        let names = self.names(Kind::Endpoint);
        let hosts = self.names(Kind::Host);
        let is_meant = |endpoint: &&Endpoint| {
            names.contains(&endpoint.name().as_str())
                || endpoint.host.as_deref().is_some_and(|host| hosts.iter().any(|name| name.starts_with(host)))
        };
        probes.endpoints.iter().filter(is_meant).collect()
    }

    /// Lets pods load what they lack: those that alone are behind are recreated; where all are, the manager
    /// does not distribute it.
    fn reload(self, what: &str) -> Planned {
        let Self { evidence, target, .. } = self;
        let pods = self.pods();
        let running = facts::pods(evidence).map_or(0, |pods| pods.len());
        let log = self.log_of_manager();
        if pods.is_empty() || pods.len() >= running {
            let title = format!("Find out why the gateways do not {what}");
            return self.look(title, log);
        }
        let names: Vec<String> = pods.iter().map(|pod| word(pod)).collect();
        let step = RemedyStep {
            title: format!("Recreate {}, so that it can {what}", some_of(&pods)),
            paste: Some(target.kubectl_in_namespace(&format!("delete pod {}", names.join(" ")))),
            note: Some(format!("The log of the manager: {log}")),
            good: Some("the new pod responds as the others do".into()),
            ..RemedyStep::default()
        };
        self.planned(step)
    }

    fn overrides(self) -> Planned {
        let Self { evidence, target, .. } = self;
        let configs = self.names(Kind::ApigeeRouteConfig);
        if !configs.is_empty() {
            let groups: Vec<Group> = configs.iter().map(|name| Group::of_config(evidence, name)).collect();
            return self.planned(overrides::upgrade(evidence, target, &groups));
        }
        let files: Vec<String> = evidence.overrides.iter().map(groups::path).collect();
        let files = if files.is_empty() { "overrides.yaml".to_owned() } else { files.join(" -f ") };
        let title = match self.result.findings() {
            [only] => format!("Correct {}: {}", only.place(), only.message),
            _ => format!("Correct {}", self.places()),
        };
        let paste = format!("kubectl apigee-tls diagnose --offline -f {files}");
        let note = Some("The command judges the file again.".to_owned());
        self.planned(RemedyStep { title, paste: Some(paste), note, ..RemedyStep::default() })
    }

    fn platform(self) -> Planned {
        let Self { target, .. } = self;
        match self.code {
            codes::INGRESS_POD_NOT_RUNNING => {
                let pods = self.names(Kind::Pod);
                let describe = |pod: &&str| target.kubectl_in_namespace(&format!("describe pod {}", word(pod)));
                let lines: Vec<String> = pods.iter().take(3).map(describe).collect();
                self.look(format!("Find out why {} does not run", some_of(&pods)), lines.join("\n"))
            }
            codes::INGRESS_POD_MISSING => self.look(
                "Find out why no ingress pod runs".into(),
                target.kubectl_in_namespace("get 'apigeedeployments,replicasets,pods'"),
            ),
            codes::SERVICE_MISSING => self.look(
                "Create a Service for the ingress pods".into(),
                target.kubectl_in_namespace("get services -o wide"),
            ),
            codes::SERVICE_PORT_MISSING => self.service_port(),
            codes::APIGEE_ISSUE_OPEN => {
                let issues = self.names(Kind::ApigeeIssue);
                let describe =
                    |issue: &&str| target.kubectl_in_namespace(&format!("describe apigeeissue {}", word(issue)));
                let lines: Vec<String> = issues.iter().take(3).map(describe).collect();
                self.look(format!("Follow {}", some_of(&issues)), lines.join("\n"))
            }
            _ => self.look(
                "Check that this is the cluster of Apigee hybrid".into(),
                target.kubectl("api-resources --api-group apigee.cloud.google.com"),
            ),
        }
    }

    fn service_port(self) -> Planned {
        let names = self.names(Kind::Service);
        let patch = "[{op: add, path: /spec/ports/-, value: {name: https, port: 443, targetPort: 8443}}]";
        let line = |name: &&str| {
            self.target.kubectl_in_namespace(&format!("patch service {} --type json -p '{patch}'", word(name)))
        };
        // One of the Services of the ingress pods needs the port.
        let paste = names.first().map(line);
        let title = format!("Add port 443 to Service {}", first_of(&names));
        self.planned(RemedyStep { title, paste, ..RemedyStep::default() })
    }

    fn route(self) -> Planned {
        let Self { evidence, target, .. } = self;
        let routes = self.names(Kind::ApigeeRoute);
        let configs = self.names(Kind::ApigeeRouteConfig);
        let objects = routes.iter().map(|name| format!("apigeeroute/{}", word(name)));
        let objects = objects.chain(configs.iter().map(|name| format!("apigeerouteconfig/{}", word(name))));
        let objects: Vec<String> = objects.take(5).collect();
        let describe = target.kubectl_in_namespace(&format!("describe {}", objects.join(" ")));
        match self.code {
            codes::ROUTE_CONFIG_DRIFT | codes::ENVIRONMENT_GROUP_WITHOUT_ROUTE => {
                let bundle = target.tool("collect", "");
                let title = format!("Find out why apigee-watcher does not write the route of {}", self.places());
                let step = RemedyStep {
                    title,
                    paste: Some(format!("{describe}\n{bundle}")),
                    note: Some("The bundle has what apigee-watcher logged about it.".into()),
                    ..RemedyStep::default()
                };
                self.planned(step)
            }
            codes::HOSTNAMES_MISSING => self.look(
                format!("Find out why {} has no hostname", self.objects()),
                format!("{describe}\n{}", target.tool("collect", "")),
            ),
            codes::ROUTE_NOT_RUNNING | codes::ROUTE_ERROR => {
                self.look(format!("Read the status and the events of {}", self.places()), describe)
            }
            _ => {
                let concerned = self.groups_of_routes(&routes);
                if concerned.is_empty() {
                    return self.look(format!("Correct {}", self.places()), describe);
                }
                let title = format!("Correct the virtual host of {}, then run helm upgrade", groups::names(&concerned));
                self.planned(RemedyStep { title, ..overrides::upgrade(evidence, target, &concerned) })
            }
        }
    }

    /// The groups that own these routes.
    fn groups_of_routes(self, names: &[&str]) -> Vec<Group> {
        let routes = facts::group_routes(self.evidence).unwrap_or_default();
        let own = routes.iter().filter(|route| names.contains(&route.name.as_str()));
        let mut groups: Vec<Group> = own.map(|route| Group::of_config(self.evidence, route.group())).collect();
        groups.sort();
        groups.dedup();
        groups
    }
}

/// The columns that show which route has which hostname.
const HOSTNAMES: &str = "get apigeeroutes -o custom-columns='NAME:.metadata.name,HOSTNAMES:.spec.hostnames'";

fn show_certificate(path: &str) -> String {
    format!("openssl x509 -noout -subject -enddate -ext subjectAltName -in {}", word(path))
}

/// Returns the command that repeats the handshakes with an endpoint.
fn probe_line(endpoint: &Endpoint) -> Option<String> {
    let address = endpoint.address.map(|address| address.to_string());
    let host = endpoint.host.clone().or(address.clone())?;
    let port = if endpoint.port == 443 { String::new() } else { format!(":{}", endpoint.port) };
    let line = format!("kubectl apigee-tls probe {}", word(&format!("{host}{port}")));
    Some(match address.filter(|address| *address != host) {
        Some(address) => format!("{line} --connect-to {}", word(&address)),
        None => line,
    })
}
