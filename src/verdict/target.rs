//! The cluster and the namespace that printed commands act on, as words of command lines.
//!
//! A command that a report prints must reach the cluster that was diagnosed, in whatever terminal it is
//! pasted. All words are quoted so that POSIX shells, fish and PowerShell read them alike.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::shell::word;
use crate::evidence::{ClusterAccess, Evidence, Seen};

/// Label selector of the ingress pods that this program uses by default.
const USUAL_SELECTOR: &str = "app=apigee-ingressgateway";

/// Where printed commands have the token from that the run was given: a token is never printed.
const TOKEN: &str = "$TOKEN";

/// In place of the context of a cluster that is not known.
pub(crate) const UNKNOWN_CONTEXT: &str = "CONTEXT";

/// The cluster and the namespace that the commands of a report act on.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Target {
    /// Namespace of Apigee.
    pub namespace: String,
    /// The flags that the run used. The context is also here if it was the current one of the kubeconfig.
    pub access: ClusterAccess,
    /// Label selector of the ingress pods, if it is not the usual one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<String>,
}

impl Target {
    pub(crate) fn of(evidence: &Evidence) -> Self {
        let question = &evidence.question;
        let mut access = question.access().clone();
        if let Seen::Seen(connection) = &evidence.connection {
            access.context = connection.context.clone().or(access.context);
        }
        // Which cluster the files came from is not known: a command with a context that does not exist
        // reaches none, and one without would reach the current one.
        if question.is_offline() {
            access.context = Some(UNKNOWN_CONTEXT.to_owned());
        }
        let selector = Some(question.selector().to_owned());
        Self {
            namespace: question.namespace().to_owned(),
            access,
            selector: selector.filter(|selector| selector != USUAL_SELECTOR && !selector.is_empty()),
        }
    }

    /// Returns `context accept, namespace apigee`, for a heading.
    #[must_use]
    pub fn title(&self) -> String {
        let ClusterAccess { context, kubeconfig, server, as_user, .. } = &self.access;
        let named = [("context", context), ("server", server), ("kubeconfig", kubeconfig), ("as", as_user)];
        let mut parts: Vec<String> =
            named.into_iter().filter_map(|(what, name)| Some(format!("{what} {}", name.as_ref()?))).collect();
        if self.access.has_token {
            parts.push(format!("the token in {TOKEN}"));
        }
        parts.push(format!("namespace {}", self.namespace));
        parts.join(", ")
    }

    /// Returns the same cluster as somebody with more rights reaches it.
    pub(crate) fn of_administrator(&self) -> Self {
        let access = ClusterAccess {
            user: None,
            as_user: None,
            as_uid: None,
            as_groups: Vec::new(),
            client_certificate: None,
            client_key: None,
            has_token: false,
            ..self.access.clone()
        };
        Self { access, ..self.clone() }
    }

    /// Returns `kubectl --context … REST`, for what is in no namespace or names its own.
    pub(crate) fn kubectl(&self, rest: &str) -> String {
        join(["kubectl", &self.kubectl_flags(), rest])
    }

    /// Returns `kubectl --context … -n NAMESPACE REST`.
    pub(crate) fn kubectl_in_namespace(&self, rest: &str) -> String {
        join(["kubectl", &self.kubectl_flags(), "-n", &word(&self.namespace), rest])
    }

    /// Returns `helm COMMAND … --kube-context … --namespace NAMESPACE REST`. helm cannot name a cluster or a
    /// user of the kubeconfig, nor a client certificate.
    pub(crate) fn helm(&self, command: &str, rest: &str) -> String {
        let ClusterAccess {
            context,
            kubeconfig,
            server,
            tls_server_name,
            as_user,
            as_groups,
            certificate_authority,
            ..
        } = &self.access;
        let mut flags = flags(&[
            ("--kube-context", context),
            ("--kubeconfig", kubeconfig),
            ("--kube-apiserver", server),
            ("--kube-ca-file", certificate_authority),
            ("--kube-tls-server-name", tls_server_name),
            ("--kube-as-user", as_user),
        ]);
        flags.extend(as_groups.iter().map(|group| format!("--kube-as-group {}", word(group))));
        if self.access.insecure_skip_tls_verify {
            flags.push("--kube-insecure-skip-tls-verify".into());
        }
        if self.access.has_token {
            flags.push(format!("--kube-token \"{TOKEN}\""));
        }
        join(["helm", command, &flags.join(" "), "--namespace", &word(&self.namespace), rest])
    }

    /// Returns `kubectl apigee-tls COMMAND --context … -n NAMESPACE REST`.
    #[must_use]
    pub fn tool(&self, command: &str, rest: &str) -> String {
        let selector = flags(&[("-l", &self.selector)]).join(" ");
        let flags = self.kubectl_flags();
        join(["kubectl apigee-tls", command, &flags, "-n", &word(&self.namespace), &selector, rest])
    }

    fn kubectl_flags(&self) -> String {
        let ClusterAccess {
            context,
            kubeconfig,
            cluster,
            user,
            server,
            tls_server_name,
            insecure_skip_tls_verify,
            as_user,
            as_uid,
            as_groups,
            certificate_authority,
            client_certificate,
            client_key,
            has_token,
        } = &self.access;
        let mut flags = flags(&[
            ("--context", context),
            ("--kubeconfig", kubeconfig),
            ("--cluster", cluster),
            ("--user", user),
            ("-s", server),
            ("--certificate-authority", certificate_authority),
            ("--client-certificate", client_certificate),
            ("--client-key", client_key),
            ("--tls-server-name", tls_server_name),
            ("--as", as_user),
            ("--as-uid", as_uid),
        ]);
        flags.extend(as_groups.iter().map(|group| format!("--as-group {}", word(group))));
        if *insecure_skip_tls_verify {
            flags.push("--insecure-skip-tls-verify".into());
        }
        if *has_token {
            flags.push(format!("--token \"{TOKEN}\""));
        }
        flags.join(" ")
    }
}

fn flags(given: &[(&str, &Option<String>)]) -> Vec<String> {
    given.iter().filter_map(|(flag, value)| Some(format!("{flag} {}", word(value.as_ref()?)))).collect()
}

/// Joins the parts that have a text.
fn join<const PARTS: usize>(parts: [&str; PARTS]) -> String {
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_reach_the_cluster_of_the_run() {
        let target = Target {
            namespace: "apigee".into(),
            access: ClusterAccess {
                context: Some("east".into()),
                kubeconfig: Some("my config".into()),
                server: Some("https://10.0.0.1:6443".into()),
                as_user: Some("ann".into()),
                as_groups: vec!["a,b".into()],
                ..ClusterAccess::default()
            },
            selector: Some("app=gate,tier=edge".into()),
        };
        let kubectl = "--context east --kubeconfig 'my config' -s https://10.0.0.1:6443 --as ann --as-group 'a,b'";
        assert_eq!(target.kubectl("apply -f -"), format!("kubectl {kubectl} apply -f -"));
        assert_eq!(target.kubectl_in_namespace("get pods"), format!("kubectl {kubectl} -n apigee get pods"));
        assert_eq!(
            target.tool("diagnose", "--expect non-sni"),
            format!("kubectl apigee-tls diagnose {kubectl} -n apigee -l 'app=gate,tier=edge' --expect non-sni")
        );
        assert_eq!(
            target.helm("upgrade shop apigee-virtualhost/", "--atomic"),
            "helm upgrade shop apigee-virtualhost/ --kube-context east --kubeconfig 'my config' --kube-apiserver \
             https://10.0.0.1:6443 --kube-as-user ann --kube-as-group 'a,b' --namespace apigee --atomic"
        );
        assert_eq!(
            target.title(),
            "context east, server https://10.0.0.1:6443, kubeconfig my config, as ann, namespace apigee"
        );
    }

    #[test]
    fn identities_of_the_command_line_are_named_and_tokens_are_not_printed() {
        let access = ClusterAccess {
            certificate_authority: Some("ca.pem".into()),
            client_certificate: Some("me.pem".into()),
            client_key: Some("me.key".into()),
            has_token: true,
            ..ClusterAccess::default()
        };
        let target = Target { namespace: "apigee".into(), access, selector: None };
        assert_eq!(
            target.kubectl("version"),
            "kubectl --certificate-authority ca.pem --client-certificate me.pem --client-key me.key --token \"$TOKEN\" \
             version"
        );
        assert_eq!(
            target.helm("rollback shop", ""),
            "helm rollback shop --kube-ca-file ca.pem --kube-token \"$TOKEN\" --namespace apigee"
        );
        assert_eq!(target.title(), "the token in $TOKEN, namespace apigee");
        assert_eq!(target.of_administrator().kubectl("version"), "kubectl --certificate-authority ca.pem version");
    }

    #[test]
    fn nothing_is_printed_for_what_is_not_known() {
        let target = Target { namespace: "apigee".into(), ..Target::default() };
        assert_eq!(target.kubectl("version"), "kubectl version");
        assert_eq!(target.helm("rollback shop", ""), "helm rollback shop --namespace apigee");
    }
}
