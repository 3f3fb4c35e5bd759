//! Evidence by its types: a field that is a hostname or an address is replaced whatever it looks like, and what is read back still has
//! its types. Every struct is taken apart by name, so that a field that is new does not compile until it was thought of here.
//!
//! What checks compare stays comparable: names keep what they end in, addresses their version, numbers of certificates whether they
//! are the same. Secrets were taken out before.

mod logs;

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::bundle::redact::pseudonyms::Table;
use crate::bundle::redact::rules::{Rule, Rules};
use crate::bundle::redact::{Redactions, string};
use crate::evidence::certificate::Certificate;
use crate::evidence::cluster::{
    ApigeeIssue, Connection, Container, IngressPod, MeshLogging, Port, Route, RouteConfig, RouteConfigs, RouteStatus,
    Routes, SecretNames, Service, ServicePort, Tls,
};
use crate::evidence::gateway::{Counters, FilterChain, Gateway, Listener, LoadedCertificate};
use crate::evidence::handshake::{
    ClientCertificate, Endpoint, Failure, Handshake, How, Place, ProbeQuestion, Probes, Scan, Session, Trust,
    Verification, VersionScan,
};
use crate::evidence::overrides::{
    Gateways, GatewaysForm, Overrides, OverridesFault, OverridesFile, Placed, VirtualHost,
};
use crate::evidence::stored::{ClientAuthorities, KeyFit, StoredCertificate, StoredContent, StoredIn};
use crate::evidence::{Evidence, Question, Reason, Seen, Unavailable};

/// Replaces in place.
pub(in crate::bundle::redact) fn redact(
    table: &Table,
    rules: Rules,
    evidence: &mut Evidence,
    redactions: &mut Redactions,
) {
    Walk { table, rules, redactions }.evidence(evidence);
}

struct Walk<'a> {
    table: &'a Table,
    rules: Rules,
    redactions: &'a mut Redactions,
}

/// The parts that anything is made of.
impl Walk<'_> {
    fn text(&mut self, text: &mut String) {
        if let Some(out) = self.table.replace(text.as_bytes(), self.rules, self.redactions) {
            *text = string(out);
        }
    }

    /// A name of Envoy's, which has the form of a hostname and may hold the address of a listener.
    fn counter(&mut self, name: &mut String) {
        if let Some(out) = self.table.replace_addresses(name.as_bytes(), self.rules, self.redactions) {
            *name = string(out);
        }
    }

    fn host(&mut self, name: &mut String) {
        // A URL, a path, a sentence: it is no name.
        if name.contains(['/', ' ', '=']) {
            return self.text(name);
        }
        if let Some((rule, other)) = self.table.host_or_address(name) {
            self.redactions.count(rule);
            *name = other;
        }
    }

    fn address(&mut self, address: &mut IpAddr) {
        if let Some(other) = self.table.evidence_address(*address) {
            self.redactions.count(Rule::Address);
            *address = other;
        }
    }

    fn number(&mut self, number: &mut String) {
        if self.table.kinds().hosts() {
            self.redactions.count(Rule::CertificateNumber);
            *number = self.table.number(number);
        }
    }

    /// A distinguished name. Its common name may be a hostname that only the list of names tells to be one.
    fn subject(&mut self, subject: &mut String, dns_names: &[String]) {
        let mut parts: Vec<String> = subject.split(", ").map(str::to_owned).collect();
        for part in &mut parts {
            match part.strip_prefix("CN=").map(str::to_owned) {
                Some(mut name) if dns_names.iter().any(|known| known.eq_ignore_ascii_case(&name)) => {
                    self.host(&mut name);
                    *part = format!("CN={name}");
                }
                _ => self.text(part),
            }
        }
        self.domain(&mut parts);
        *subject = parts.join(", ");
    }

    /// `DC=acme, DC=com`, or the other way round, as authorities of Active Directory are named (RFC 4519 §2.4): a hostname in parts.
    fn domain(&mut self, parts: &mut Vec<String>) {
        let is_label = |part: &String| part.starts_with("DC=");
        let Some(begin) = parts.iter().position(is_label) else { return };
        let end = begin + parts[begin..].iter().take_while(|part| is_label(part)).count();
        let mut labels: Vec<String> = parts[begin..end].iter().map(|part| part["DC=".len()..].to_owned()).collect();
        // `com` is shorter than what stands below it.
        let is_reversed = labels.first().map(String::len) <= labels.last().map(String::len);
        if is_reversed {
            labels.reverse();
        }
        let mut name = labels.join(".");
        self.host(&mut name);
        let mut labels: Vec<String> = name.split('.').map(|label| format!("DC={label}")).collect();
        if is_reversed {
            labels.reverse();
        }
        parts.splice(begin..end, labels);
    }

    fn texts<'t>(&mut self, texts: impl IntoIterator<Item = &'t mut String>) {
        texts.into_iter().for_each(|text| self.text(text));
    }

    fn hosts<'t>(&mut self, names: impl IntoIterator<Item = &'t mut String>) {
        names.into_iter().for_each(|name| self.host(name));
    }

    fn keys<T>(&mut self, map: &mut BTreeMap<String, T>, each: impl Fn(&mut Self, &mut String)) {
        let renamed = std::mem::take(map).into_iter().map(|(mut key, value)| {
            each(self, &mut key);
            (key, value)
        });
        *map = renamed.collect();
    }

    fn labels(&mut self, labels: &mut BTreeMap<String, String>) {
        self.keys(labels, Self::text);
        self.texts(labels.values_mut());
    }

    fn seen<T>(&mut self, seen: &mut Seen<T>, each: impl FnOnce(&mut Self, &mut T)) {
        match seen {
            Seen::Seen(data) => each(self, data),
            Seen::Unavailable(why) => self.unavailable(why),
        }
    }

    fn list<T>(&mut self, list: &mut [T], each: impl Fn(&mut Self, &mut T)) {
        for item in list {
            each(self, item);
        }
    }

    fn unavailable(&mut self, why: &mut Unavailable) {
        let Unavailable { what, reason } = why;
        self.text(what);
        match reason {
            Reason::Broken(text) | Reason::Missing(text) | Reason::NotRequested(text) | Reason::Unreachable(text) => {
                self.text(text);
            }
            Reason::Forbidden { verb: _, resource, group, namespace } => self.texts([resource, group, namespace]),
            Reason::Interrupted | Reason::TimedOut { milliseconds: _ } => {}
        }
    }

    fn unavailables<'t>(&mut self, all: impl IntoIterator<Item = &'t mut Unavailable>) {
        all.into_iter().for_each(|why| self.unavailable(why));
    }

    fn placed<'t>(&mut self, all: impl IntoIterator<Item = &'t mut Placed<String>>) {
        for Placed { value, place: _ } in all {
            self.text(value);
        }
    }
}

/// What was asked, and what the cluster said.
impl Walk<'_> {
    fn evidence(&mut self, evidence: &mut Evidence) {
        let Evidence {
            schema: _,
            tool_version: _,
            collected_at: _,
            question,
            connection,
            pods,
            access_logs,
            mesh_logging,
            routes,
            route_configs,
            secrets,
            services,
            issues,
            overrides,
            stored_certificates,
            gateways,
            probes,
            interrupted,
        } = evidence;
        let Question { namespace, selector, container, expect_non_sni: _, offline: _, log_limits: _ } = question;
        self.texts([namespace, selector]);
        self.texts(container);
        self.seen(connection, |walk, Connection { context, server_version: _ }| {
            if let Some(context) = context {
                match walk.table.context(context) {
                    Some(other) => *context = other,
                    None => walk.text(context),
                }
            }
        });
        self.seen(pods, |walk, pods| walk.list(pods, Self::pod));
        self.seen(mesh_logging, |walk, MeshLogging { file, encoding: _, fields, text_format: _, format }| {
            walk.texts(file);
            walk.texts(format);
            if let Some(fields) = fields {
                walk.labels(fields);
            }
        });
        self.seen(routes, |walk, Routes { api_version: _, served_versions: _, items }| walk.list(items, Self::route));
        self.seen(route_configs, |walk, RouteConfigs { api_version: _, items }| walk.list(items, Self::route_config));
        self.seen(secrets, |walk, SecretNames { names }| walk.texts(names));
        self.seen(services, |walk, services| walk.list(services, Self::service));
        self.seen(issues, |walk, issues| {
            walk.list(issues, |walk, ApigeeIssue { name, severity, reason, details, documentation }| {
                walk.text(name);
                walk.texts([severity, reason, details, documentation].into_iter().flatten());
            });
        });
        self.list(overrides, Self::overrides_file);
        self.seen(stored_certificates, |walk, stored| walk.list(stored, Self::stored));
        self.seen(gateways, |walk, gateways| walk.list(gateways, Self::gateway));
        self.seen(probes, Self::probes);
        self.list(access_logs, Self::log);
        self.unavailables(interrupted);
    }

    fn pod(&mut self, pod: &mut IngressPod) {
        let IngressPod { name, labels, phase, reason, node, started_at: _, ready: _, terminating: _, containers } = pod;
        self.texts([name, phase]);
        self.labels(labels);
        self.texts([reason, node].into_iter().flatten());
        self.list(containers, |walk, container| {
            let Container { name, image, ready: _, restarts: _, started_at: _, waiting, last_termination } = container;
            walk.texts([name, image]);
            walk.texts([waiting, last_termination].into_iter().flatten());
        });
    }

    fn route(&mut self, route: &mut Route) {
        let Route {
            name,
            labels,
            owner,
            created_at: _,
            generation: _,
            hostnames,
            selector,
            enable_non_sni_client: _,
            additional_gateways,
            ports,
            status,
        } = route;
        self.text(name);
        self.labels(labels);
        self.texts(owner);
        self.hosts(hostnames);
        self.labels(selector);
        self.texts(additional_gateways);
        self.list(ports, |walk, Port { number: _, protocol: _, tls }| {
            if let Some(tls) = tls {
                let Tls {
                    mode: _,
                    credential_name,
                    from_files: _,
                    min_protocol_version: _,
                    max_protocol_version: _,
                    cipher_suites: _,
                } = tls;
                walk.texts(credential_name);
            }
        });
        self.status(status);
    }

    fn status(&mut self, status: &mut RouteStatus) {
        let RouteStatus { state, last_applied_generation: _, errors } = status;
        self.texts(state);
        self.texts(errors);
    }

    fn route_config(&mut self, config: &mut RouteConfig) {
        let RouteConfig {
            name,
            labels,
            helm_release,
            generation: _,
            selector,
            enable_non_sni_client: _,
            additional_gateways,
            secret_name,
            status,
        } = config;
        self.text(name);
        self.labels(labels);
        self.labels(selector);
        self.texts(additional_gateways);
        self.texts([helm_release, secret_name].into_iter().flatten());
        self.status(status);
    }

    fn service(&mut self, service: &mut Service) {
        let Service { name, labels, kind: _, selector, ports, addresses } = service;
        self.text(name);
        self.labels(labels);
        self.labels(selector);
        self.list(ports, |walk, ServicePort { number: _, target }| walk.text(target));
        self.hosts(addresses);
    }
}

/// Files of the user, and what is stored.
impl Walk<'_> {
    fn overrides_file(&mut self, file: &mut OverridesFile) {
        let OverridesFile { name, content } = file;
        self.text(name);
        self.seen(content, |walk, overrides| {
            let Overrides { org, namespace, virtual_hosts, ingress_gateways, faults, faults_left_out: _, line_ends: _ } =
                overrides;
            walk.placed([org, namespace].into_iter().flatten());
            walk.list(virtual_hosts, Self::virtual_host);
            walk.placed(ingress_gateways);
            walk.list(faults, |walk, OverridesFault { kind: _, place: _, path, observed, expected }| {
                walk.texts([path, observed, expected]);
            });
        });
    }

    fn virtual_host(&mut self, host: &mut VirtualHost) {
        let VirtualHost {
            place: _,
            name,
            ingress_name,
            additional_gateways: Gateways { names, form },
            ssl_secret,
            ssl_cert_path,
            ssl_key_path,
        } = host;
        self.placed([name, ingress_name, ssl_secret, ssl_cert_path, ssl_key_path].into_iter().flatten());
        self.placed(names);
        match form {
            GatewaysForm::Block { line: _, text } | GatewaysForm::Flow { line: _, text } => self.text(text),
            GatewaysForm::Absent { after: _, indentation: _ } | GatewaysForm::Other { place: _ } => {}
        }
    }

    fn stored(&mut self, stored: &mut StoredCertificate) {
        let StoredCertificate { origin, content } = stored;
        match origin {
            StoredIn::Secret { name } => self.text(name),
            StoredIn::File { path, named_at } => self.texts([path, named_at]),
        }
        self.seen(content, |walk, content| {
            let StoredContent {
                keys,
                certificate_entry,
                certificates,
                certificate_fault,
                key,
                trusted_here: _,
                client_authorities,
            } = content;
            walk.texts(keys);
            walk.texts([certificate_entry, certificate_fault].into_iter().flatten());
            walk.list(certificates, Self::certificate);
            match key {
                KeyFit::Unreadable(why) => walk.text(why),
                KeyFit::NotRead(why) => walk.unavailable(why),
                KeyFit::Absent | KeyFit::Fits | KeyFit::Differs | KeyFit::NotCompared => {}
            }
            if let Some(authorities) = client_authorities {
                walk.seen(authorities, |walk, ClientAuthorities { secret, entry, certificates, fault }| {
                    walk.text(secret);
                    walk.texts([entry, fault].into_iter().flatten());
                    walk.list(certificates, Self::certificate);
                });
            }
        });
    }

    fn certificate(&mut self, certificate: &mut Certificate) {
        let Certificate {
            subject,
            issuer,
            serial,
            dns_names,
            ip_addresses,
            names_cut: _,
            not_before: _,
            not_after: _,
            key: _,
            signature_algorithm: _,
            fingerprint,
            authority: _,
            server_use: _,
            client_use: _,
            issuer_urls,
            signer: _,
        } = certificate;
        self.subject(subject, dns_names);
        // It may have signed itself.
        self.subject(issuer, dns_names);
        self.hosts(dns_names);
        self.list(ip_addresses, Self::address);
        self.number(serial);
        self.number(fingerprint);
        self.texts(issuer_urls);
    }
}

/// What Envoy says, and what handshakes showed.
impl Walk<'_> {
    fn gateway(&mut self, gateway: &mut Gateway) {
        let Gateway { pod, listeners, certificates, before, after } = gateway;
        self.text(pod);
        self.seen(listeners, |walk, listeners| {
            walk.list(listeners, |walk, Listener { name, address, port: _, chains }| {
                walk.texts([name, address]);
                walk.list(chains, Self::chain);
            });
        });
        self.seen(certificates, |walk, certificates| {
            walk.list(certificates, |walk, LoadedCertificate { serial, dns_names, not_before: _, not_after: _ }| {
                walk.number(serial);
                walk.hosts(dns_names);
            });
        });
        for counters in [before, after] {
            self.seen(counters, |walk, Counters { at: _, values }| walk.keys(values, Self::counter));
        }
    }

    fn chain(&mut self, chain: &mut FilterChain) {
        let FilterChain {
            name,
            server_names,
            conditional: _,
            tls: _,
            secrets,
            requires_client_certificate: _,
            min_version: _,
            max_version: _,
            cipher_suites: _,
        } = chain;
        self.texts(name);
        self.hosts(server_names);
        self.texts(secrets);
    }

    fn probes(&mut self, probes: &mut Probes) {
        let Probes { question, endpoints, unprobed } = probes;
        let ProbeQuestion {
            unknown_name,
            min_version: _,
            max_version: _,
            ciphers: _,
            alpn: _,
            trust,
            client_certificate,
            client_key,
            proxy_protocol: _,
            via_proxy,
            timeout_milliseconds: _,
        } = question;
        self.host(unknown_name);
        if let Trust::File(name) = trust {
            self.text(name);
        }
        self.texts([client_certificate, client_key, via_proxy].into_iter().flatten());
        self.list(endpoints, Self::endpoint);
        self.unavailables(unprobed);
    }

    fn endpoint(&mut self, endpoint: &mut Endpoint) {
        let Endpoint { place, host, port: _, named_port: _, address, handshakes, scan } = endpoint;
        match place {
            Place::Pod { pod: name } | Place::Service { service: name } => self.text(name),
            Place::Dns | Place::Given => {}
        }
        self.hosts(host);
        if let Some(address) = address {
            self.address(address);
        }
        self.list(handshakes, Self::handshake);
        self.seen(scan, |walk, Scan { versions, connections: _ }| {
            walk.list(versions, |walk, VersionScan { version: _, suites: _, refusal, cut }| {
                if let Some(failure) = refusal {
                    walk.failure(failure);
                }
                walk.unavailables(cut);
            });
        });
    }

    fn handshake(&mut self, handshake: &mut Handshake) {
        let Handshake {
            kind: _,
            server_name,
            asked: _,
            started_at: _,
            milliseconds: _,
            session,
            certificates,
            verification,
            client_certificate,
            undecided: _,
            failure,
        } = handshake;
        self.hosts(server_name);
        if let Some(Session { protocol: _, cipher: _, alpn, group: _, stapled: _ }) = session {
            self.texts(alpn);
        }
        self.list(certificates, Self::certificate);
        if let Some(Verification { code: _, message, depth: _ }) = verification {
            self.text(message);
        }
        if let ClientCertificate::Asked(Some(authorities)) = client_certificate {
            self.texts(authorities);
        }
        if let Some(failure) = failure {
            self.failure(failure);
        }
    }

    fn failure(&mut self, failure: &mut Failure) {
        let Failure { stage: _, by: _, how } = failure;
        match how {
            How::Local(text) | How::Malformed(text) | How::Other(text) | How::Unreachable(text) => self.text(text),
            How::NotTls { speaks: _, sample } => self.text(sample),
            How::ProxyRefused { status: _, reason } => self.text(reason),
            How::Alert { level: _, number: _ }
            | How::Closed
            | How::NoAddress
            | How::NoSuchName
            | How::Refused
            | How::Reset
            | How::TimedOut { milliseconds: _ } => {}
        }
    }
}
