//! AT418: the next helm upgrade would deploy a certificate that cannot be served or that clients reject.

use crate::checks::facts;
use crate::checks::facts::chain::{self, Deviation};
use crate::checks::facts::loadable;
use crate::checks::facts::stored::{self, JudgementBuilder};
use crate::checks::{Check, Code, Explanation, Finding, Judgement, Kind, Level, Location, Object};
use crate::evidence::overrides::OverridesPlace;
use crate::evidence::stored::{KeyFit, StoredContent, StoredIn};
use crate::evidence::{Evidence, Reason, Seen};

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT418"),
    name: "certificate-file-unfit",
    level: Level::Warning,
    summary: "A certificate file of a virtual host cannot be served or would be rejected",
    explanation: Explanation {
        looks_for: "The files that sslCertPath and sslKeyPath of a virtual host name, if they are on this \
            machine. The certificate is not PEM or is damaged. The key cannot be parsed or belongs to \
            another certificate. Envoy cannot load the certificate (see AT419 and AT420). The leaf is not for \
            servers. The leaf or an intermediate has expired or is not valid yet. With tlsMode MUTUAL the file of caCertPath is \
            checked too: it is not PEM, or a CA in it has expired. Paths are read in the folder \
            apigee-virtualhost first, as the chart reads them. Nothing is checked beside sslSecret, with \
            which the chart reads no file.",
        matters: "Clients are not affected yet. The next helm upgrade of this virtual host writes the pair \
            to the Secret. From then on clients are reset or end the handshake themselves.",
        fix: "Correct the file, or name the right one, before the next helm upgrade. AT402 to AT406, AT419, \
            AT420 and AT422 explain each fault and its fix for the Secret.",
    },
    reference: "Apigee playbook \"API calls failing with TLS errors\"; RFC 5280 §4.1.2.5",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    // Without an overrides file there is nothing to judge, whatever is known about Secrets.
    if evidence.overrides.is_empty() {
        facts::overrides(evidence)?;
    }
    let mut builder = JudgementBuilder::default();
    for stored in evidence.stored_certificates.seen()? {
        if let StoredIn::File { path, named_at } = &stored.origin {
            match stored.content.seen() {
                Ok(content) => {
                    builder.add(Ok(Some(judge_file(evidence, path, named_at, content))));
                    if let KeyFit::NotRead(why) = &content.key
                        && !matches!(why.reason, Reason::NotRequested(_))
                    {
                        builder.add(Err(why.clone()));
                    }
                    if let Some(Seen::Unavailable(why)) = &content.client_cas {
                        builder.add(Err(why.clone()));
                    }
                    if let (KeyFit::NotCompared, Some(leaf)) = (&content.key, content.certificates.first()) {
                        builder.add(Err(stored::not_compared(path, leaf)));
                    }
                }
                Err(why) => builder.add(Err(why)),
            }
        }
    }
    if let Err(why) = facts::whole_overrides(evidence) {
        builder.add(Err(why));
    }
    let right = match read_files(evidence).as_slice() {
        [] => "the certificate files of the virtual hosts have no fault".into(),
        files => format!("the certificate files of the virtual hosts have no fault: {}", facts::some_of(files)),
    };
    builder.without_unrequested().judgement(&right, "no virtual host names a certificate file")
}

fn judge_file(evidence: &Evidence, path: &str, named_at: &OverridesPlace, content: &StoredContent) -> Vec<Finding> {
    let at = evidence.now();
    let malformed = content.certificate_fault.as_ref().map(|fault| Deviation {
        what: format!("the certificate file is malformed: {fault}"),
        observed: fault.clone(),
        expected: "certificates as PEM, the leaf first".into(),
    });
    let key = match &content.key {
        KeyFit::Differs => Some(Deviation {
            what: "the key that sslKeyPath names belongs to another certificate".into(),
            observed: "another public key".into(),
            expected: "the private key of the first certificate".into(),
        }),
        KeyFit::Unreadable(why) => Some(Deviation {
            what: format!("the key that sslKeyPath names cannot be read: {why}"),
            observed: why.clone(),
            expected: "a private key as PEM, without a passphrase".into(),
        }),
        // AT311 reports a missing sslKeyPath.
        KeyFit::Absent | KeyFit::Fits | KeyFit::NotCompared | KeyFit::NotRead(_) => None,
    };
    let leaf = content.certificates.first();
    let refused = leaf.and_then(|leaf| {
        loadable::unsupported_key(leaf, loadable::envoy(evidence)).or_else(|| loadable::staple_missing(leaf, content))
    });
    let dates = chain::dated(&content.certificates).filter_map(|(_, certificate)| {
        chain::expired(certificate, at).or_else(|| chain::not_yet_valid(certificate, at))
    });
    let use_of_leaf = leaf.and_then(chain::not_for_servers);
    let all = malformed.into_iter().chain(key).chain(refused).chain(use_of_leaf).chain(dates);
    let file = content.file.as_deref().unwrap_or(path);
    let of_leaf = all.map(|wrong| finding(file, named_at, wrong));
    let cas = content.client_cas.as_ref().and_then(|cas| cas.seen().ok());
    let of_cas = cas.into_iter().flat_map(|cas| {
        let malformed = cas.fault.as_ref().map(|fault| Deviation {
            what: format!("the CA certificates that verify clients are malformed: {fault}"),
            observed: fault.clone(),
            expected: "CA certificates as PEM".into(),
        });
        let expired = chain::without_successor(&cas.certificates, at).filter_map(move |ca| chain::expired(ca, at));
        malformed.into_iter().chain(expired).map(|wrong| finding(&cas.secret, named_at, wrong))
    });
    of_leaf.chain(of_cas).collect()
}

/// Returns the paths of the certificate files that were read.
fn read_files(evidence: &Evidence) -> Vec<&str> {
    let stored = evidence.stored_certificates.seen();
    stored
        .iter()
        .flat_map(|stored| stored.iter())
        .filter_map(|stored| stored.content.seen().ok()?.file.as_deref())
        .collect()
}

fn finding(file: &str, named_at: &OverridesPlace, wrong: Deviation) -> Finding {
    let message = format!("{file}: {}", wrong.what);
    Finding::new(Object::new(Kind::File, file), Location::place(named_at), message, wrong.observed, wrong.expected)
}
