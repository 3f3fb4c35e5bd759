//! Steps for certificate files of virtual hosts, before they are deployed: exactly the files at fault, and
//! the virtual hosts that name them.

use super::{Advice, groups, show_certificate};
use crate::checks::{Finding, Kind, Location, codes, facts};
use crate::evidence::overrides::{Overrides, OverridesFile, VirtualHost};
use crate::evidence::stored::{KeyFit, StoredContent, StoredIn};
use crate::playbooks::non_sni::remedy::Planned;
use crate::playbooks::non_sni::remedy::groups::Group;
use crate::text::some_of;
use crate::verdict::{RemedyStep, shell_word as word};

/// A virtual host with a finding about its files.
struct AtFault<'a> {
    file: &'a OverridesFile,
    content: &'a Overrides,
    host: &'a VirtualHost,
    findings: Vec<&'a Finding>,
}

impl Advice<'_> {
    pub(super) fn certificate_files(self) -> Planned {
        let Self { evidence, target, .. } = self;
        let hosts = self.hosts_at_fault();
        let mut lines: Vec<String> = Vec::new();
        let mut files: Vec<String> = Vec::new();
        let mut concerned: Vec<Group> = Vec::new();
        for at_fault in &hosts {
            for (path, shown) in self.files_at_fault(at_fault) {
                if !files.contains(&path) {
                    files.push(path);
                    lines.extend(shown);
                }
            }
            concerned.extend(Group::of_host(evidence, at_fault.content, at_fault.host));
        }
        concerned.sort();
        concerned.dedup();
        let names: Vec<&str> = hosts.iter().map(|at_fault| facts::host_name(at_fault.host)).collect();
        let of_hosts = match names.len() {
            0 => String::new(),
            1 => format!(" of virtual host {}", names[0]),
            _ => format!(" of virtual hosts {}", some_of(&names)),
        };
        let one_or_more = if files.len() == 1 { "file" } else { "files" };
        let title = match self.code {
            codes::CERTIFICATE_FILE_UNDEPLOYED => {
                format!("Compare certificate {one_or_more} {}{of_hosts}, then deploy the right one", some_of(&files))
            }
            _ => format!("Correct certificate {one_or_more} {}{of_hosts}", some_of(&files)),
        };
        let (upgrades, undo) = groups::upgrade(evidence, target, &concerned);
        lines.extend((!upgrades.is_empty()).then_some(upgrades));
        let undo = Some(undo).filter(|undo| !undo.is_empty());
        self.planned(RemedyStep { title, paste: Some(lines.join("\n")), undo, ..RemedyStep::default() })
    }

    /// The virtual hosts whose `sslCertPath` is where findings are.
    fn hosts_at_fault(&self) -> Vec<AtFault<'_>> {
        let findings = self.result.findings();
        let mut found = Vec::new();
        for (file, content) in facts::overrides(self.evidence).unwrap_or_default() {
            for host in &content.virtual_hosts {
                let Some(path) = &host.ssl_cert_path else { continue };
                let place = Location::overrides(file, path.place);
                let findings: Vec<&Finding> = findings.iter().filter(|finding| finding.location == place).collect();
                if !findings.is_empty() {
                    found.push(AtFault { file, content, host, findings });
                }
            }
        }
        found
    }

    /// The files of the findings at a virtual host, as they were read, with the commands that show them.
    fn files_at_fault(self, at_fault: &AtFault<'_>) -> Vec<(String, Vec<String>)> {
        let Some(named) = &at_fault.host.ssl_cert_path else { return Vec::new() };
        let place = Location::overrides(at_fault.file, named.place);
        let is_here = |origin: &StoredIn| match origin {
            StoredIn::File { named_at, .. } => Location::place(named_at) == place,
            StoredIn::Secret { .. } => false,
        };
        let stored = self.evidence.stored_certificates.seen().ok();
        let content = stored.and_then(|stored| stored.iter().find(|stored| is_here(&stored.origin)));
        let content = content.and_then(|stored| stored.content.seen().ok());
        let certificate = content.and_then(|content| content.file.as_deref()).unwrap_or(&named.value);
        let mut files: Vec<(String, Vec<String>)> = Vec::new();
        for object in at_fault.findings.iter().flat_map(|finding| &finding.objects) {
            // The Secret is compared with a finding at the overrides file.
            let is_overrides = object.name == facts::file_name(at_fault.file);
            let path = if object.kind == Kind::File && !is_overrides { object.name.as_str() } else { certificate };
            let mut shown = vec![show_certificate(path)];
            if path == certificate {
                let key = at_fault.host.ssl_key_path.as_ref().map(|key| key.value.as_str());
                shown.extend(
                    content.zip(key).and_then(|(content, key)| show_key(content, certificate, &named.value, key)),
                );
            }
            files.push((path.to_owned(), shown));
        }
        files
    }
}

/// Shows the public key of the private key, where it is not that of the certificate, or why it cannot be
/// read.
fn show_key(content: &StoredContent, certificate: &str, certificate_named: &str, key_named: &str) -> Option<String> {
    if !matches!(content.key, KeyFit::Differs | KeyFit::Unreadable(_)) {
        return None;
    }
    // Both are looked up in the same folders.
    let relative = |path: &str| path.strip_prefix("./").unwrap_or(path).to_owned();
    let folder = certificate.strip_suffix(&relative(certificate_named)).unwrap_or_default();
    let key =
        if key_named.starts_with('/') { key_named.to_owned() } else { format!("{folder}{}", relative(key_named)) };
    let (key, certificate) = (word(&key), word(certificate));
    Some(match content.key {
        KeyFit::Differs => {
            format!("openssl pkey -pubout -in {key}\nopenssl x509 -noout -pubkey -in {certificate}")
        }
        _ => format!("openssl pkey -noout -in {key}"),
    })
}
