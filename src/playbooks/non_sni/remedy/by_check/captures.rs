//! Steps for what only captures show, and for files that are judged without the routes.

use std::collections::BTreeSet;

use super::{Advice, HOSTNAMES};
use crate::checks::captured::judge;
use crate::checks::facts::captured;
use crate::checks::facts::versions::TooOld;
use crate::checks::{Kind, codes};
use crate::playbooks::non_sni::remedy::{Planned, proof};
use crate::text::some_of;
use crate::verdict::shell_word as word;

/// Maximum number of captures that a command names.
const MAX_FILES: usize = 3;

impl Advice<'_> {
    pub(super) fn capture(self) -> Planned {
        let key = match self.code {
            codes::CAPTURED_CLIENT_WITHOUT_SNI_REFUSED => return self.without_sni(),
            codes::CAPTURED_SERVER_NAME_REFUSED => return self.name_refused(),
            codes::CAPTURED_UNKNOWN_SERVER_NAME_REFUSED => return self.compare_names(),
            codes::CAPTURED_PROTOCOL_VERSION_REFUSED => &self.captured_versions(),
            codes::CAPTURED_CIPHER_SUITE_REFUSED => "cipherSuites",
            codes::CAPTURED_CLIENT_CERTIFICATE_MISSING => "tlsMode",
            codes::CAPTURED_CLIENT_CERTIFICATE_REJECTED => "caCertPath",
            _ => return self.captured_connections(),
        };
        let hosts = captured::names_of(self.evidence, self.code);
        self.setting(key, hosts).unwrap_or_else(|| self.captured_connections())
    }

    /// The properties that exclude the clients of the captures.
    fn captured_versions(self) -> String {
        let groups = self.evidence.captures.iter().flat_map(|capture| &capture.summary.groups);
        let of_check = groups.filter(|group| judge(&group.signature).code == Some(self.code));
        let sides: BTreeSet<TooOld> =
            of_check.filter_map(|group| group.signature.offered.as_deref().map(TooOld::by_highest)).collect();
        if sides.is_empty() {
            // The ClientHello was not captured whole, so that either side may be the older one.
            return format!("{} or {}", TooOld::Client.property(), TooOld::Server.property());
        }
        sides.into_iter().map(TooOld::property).collect::<Vec<_>>().join(" and ")
    }

    /// Shows each connection of the captures.
    fn captured_connections(self) -> Planned {
        let paste = format!("kubectl apigee-tls pcap {} --failed -o wide", self.capture_files().join(" "));
        let title = match self.code {
            codes::CAPTURED_PROTOCOL_VERSION_REFUSED => {
                format!("Set {} of the virtual host, or change the clients", self.captured_versions())
            }
            codes::CAPTURED_CIPHER_SUITE_REFUSED => {
                "Set cipherSuites of the virtual host, or change the clients".into()
            }
            codes::CAPTURED_SERVER_CERTIFICATE_REJECTED => {
                "Correct the certificates that are served, or the trusted CAs of the clients".into()
            }
            codes::CAPTURED_CLIENT_CERTIFICATE_MISSING => {
                "Give the clients a certificate, or change tlsMode of the virtual host".into()
            }
            codes::CAPTURED_CLIENT_CERTIFICATE_REJECTED => {
                "Add the issuer of the client certificates to caCertPath of the virtual host".into()
            }
            codes::CAPTURED_PROXY_HEADER_REFUSED => {
                "Let the load balancer and the server agree on the PROXY protocol".into()
            }
            codes::CAPTURED_CLIENT_NOT_TLS => "Let these clients speak TLS".into(),
            _ => format!("Find out why this happens: {}", self.result.check.summary),
        };
        self.look(title, paste)
    }

    fn capture_files(self) -> Vec<String> {
        let files = self.evidence.captures.iter().flat_map(|capture| &capture.files);
        files.take(MAX_FILES).map(|file| word(&file.name)).collect()
    }

    /// Judges the same files with the routes, which decide on the step. Clients were seen in a log or a
    /// capture.
    pub(super) fn without_sni(self) -> Planned {
        let title = "Serve clients without SNI by a wildcard route, or let these clients send SNI".to_owned();
        if self.evidence.question.is_offline() {
            return self.with_routes(title);
        }
        let files = self.capture_files().iter().map(|file| format!("--pcap {file}")).collect::<Vec<_>>().join(" ");
        let mut planned = self.look(title, self.target.tool("diagnose", &files));
        planned.step.note = Some("With the cluster, the report has the commands for the wildcard route.".into());
        planned
    }

    /// A route may have the name and not work, or none has it.
    fn name_refused(self) -> Planned {
        let names = self.names(Kind::ServerName);
        let title = format!("Find the route of {}, and what keeps it from the gateway", some_of(&names));
        if self.evidence.question.is_offline() && self.evidence.routes.seen().is_err() {
            return self.with_routes(title);
        }
        self.look(title, self.target.kubectl_in_namespace(HOSTNAMES))
    }

    /// Judges the files of this run again, with the routes of the cluster on standard input: every shell has
    /// pipes, and some write files in UTF-16.
    fn with_routes(self, title: String) -> Planned {
        let routes = self.target.kubectl_in_namespace("get 'apigeeroutes,apigeerouteconfigs' -o yaml");
        let inputs = proof::same_inputs(self.evidence);
        let mut planned = self.look(title, format!("{routes} | kubectl apigee-tls diagnose --offline -f - {inputs}"));
        planned.step.note = Some("With the routes, the report has the commands that change them.".into());
        planned.step.good = Some("the report names the route, or says that there is none".into());
        planned
    }

    /// Shows which names the routes have.
    pub(super) fn compare_names(self) -> Planned {
        let names = self.names(Kind::ServerName);
        let title = format!("Compare {} with the hostnames of the routes", some_of(&names));
        self.look(title, self.target.kubectl_in_namespace(HOSTNAMES))
    }
}
