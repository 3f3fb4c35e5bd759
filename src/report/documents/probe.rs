//! The report of `probe` for a person: one block per target, or one line each where there are many.

use jiff::Timestamp;
use owo_colors::{OwoColorize, Style};

use super::located;
use crate::evidence::certificate::{self, Certificate, MAX_CERTIFICATES};
use crate::evidence::handshake::{
    ClientCertificate, ClientHelloKind, Endpoint, Handshake, Scan, Session, Trust, VersionScan, alert_name,
    is_legacy_suite, is_legacy_version,
};
use crate::judgement::probe::{self as judgement, ProbeReport, TargetReport, TargetState};
use crate::judgement::{CheckReport, OutcomeWord};
use crate::report::{Document, Located, TextOptions};
use crate::text::{LabelledText, at_most, date, days, pad, visible, widest, wrap};

/// Column at which what was seen begins.
const COLUMN: usize = 22;
/// Column at which text beside a label at the margin begins.
const LABEL_COLUMN: usize = 10;
/// Maximum number of targets with a block each; more have one line each, unless the format is wide.
const FEW: usize = 3;
/// Maximum number of names or CAs that a line lists.
const TOP: usize = 6;

impl Document for ProbeReport {
    const SCHEMA: &'static str = judgement::SCHEMA;

    fn text(&self, options: TextOptions) -> String {
        let mut page = Page { out: String::new(), options, now: self.collected_at };
        if self.targets.len() > FEW && !options.wide {
            page.table(self);
        } else {
            for (i, target) in self.targets.iter().enumerate() {
                if i > 0 {
                    page.out.push('\n');
                }
                page.target(target, &self.question.trust);
            }
        }
        for missed in &self.unprobed {
            page.row("NOT PROBED", options.styles.warning, &format!("{}: {}", missed.what, missed.why));
        }
        page.out
    }

    fn findings(&self) -> Vec<Located<'_>> {
        self.targets.iter().flat_map(|target| located(&target.checks, Some(&target.name))).collect()
    }
}

struct Page {
    out: String,
    options: TextOptions,
    now: Timestamp,
}

impl Page {
    fn table(&mut self, report: &ProbeReport) {
        let width = widest(report.targets.iter().map(|target| target.name.as_str())).min(48);
        for target in &report.targets {
            let (word, style) = self.state(target.state);
            let name = visible(&target.name);
            let lead = format!("{} {}", pad(word, 7), pad(&name, width));
            let line = wrap(&format!("{lead}  {}", visible(&target.verdict)), self.options.width, width + 10);
            let rest = line.strip_prefix(word).unwrap_or(&line);
            self.push(&format!("{}{rest}", word.style(style)));
        }
        let failing = report.targets.iter().filter(|target| target.state != TargetState::Good).count();
        self.out.push('\n');
        self.push(&format!(
            "{} of {} targets are good; -o wide shows each",
            report.targets.len() - failing,
            report.targets.len()
        ));
    }

    fn target(&mut self, target: &TargetReport, trust: &Trust) {
        for (endpoint, commands) in target.endpoints.iter().zip(&target.commands) {
            let name = visible(&endpoint.name()).style(self.options.styles.heading).to_string();
            self.push(&name);
            for handshake in &endpoint.handshakes {
                self.handshake(handshake);
            }
            if let Some(asked) = endpoint.handshakes.iter().find(|handshake| !handshake.certificates.is_empty()) {
                self.certificates(endpoint, asked, trust);
            }
            if let Ok(scan) = endpoint.scan.seen() {
                self.scan(scan);
            }
            let wide = self.options.wide;
            for command in commands.iter().take(if wide { usize::MAX } else { 1 }) {
                let label = "repeat with";
                let pad = " ".repeat(COLUMN - 2 - label.len());
                let command = visible(command).style(self.options.styles.command).to_string();
                // A command to paste is not wrapped.
                self.push(&format!("  {label}{pad}{command}"));
            }
        }
        for check in &target.checks {
            self.check(check);
        }
        let (word, style) = self.state(target.state);
        self.row_at_margin(word, style, &format!("{}.", target.verdict.trim_end_matches('.')));
        for (i, check) in target.to_fix().enumerate() {
            let label = if i == 0 { "FIX" } else { "" };
            let (fix, code) = (check.explanation.fix, check.code);
            self.row_at_margin(label, self.options.styles.heading, &format!("{fix} (explain {code})"));
        }
    }

    fn handshake(&mut self, handshake: &Handshake) {
        let label = match (handshake.kind, &handshake.server_name) {
            (ClientHelloKind::Named, _) => "with the name",
            (ClientHelloKind::WithoutSni, _) => "without a name",
            (ClientHelloKind::Unknown, _) => "with another name",
        };
        let styles = self.options.styles;
        let name = match (handshake.kind, &handshake.server_name) {
            (ClientHelloKind::Named, Some(name)) => format!(" ({name})"),
            _ => String::new(),
        };
        let (mut said, style) = match (&handshake.failure, &handshake.session) {
            (None, Some(session)) => {
                let mut parts = vec![session.protocol.clone(), session.cipher.clone()];
                parts.extend(session.group.clone());
                parts.extend(session.alpn.clone());
                (format!("ok, {}, {} ms{name}", parts.join(" "), handshake.milliseconds), styles.good)
            }
            (None, None) => (format!("ok, {} ms{name}", handshake.milliseconds), styles.good),
            (Some(failure), _) => {
                let style = if handshake.requested { styles.error } else { styles.dim };
                (format!("{}: {failure}{name}", failure.label()), style)
            }
        };
        if let Some(legacy) = handshake.session.as_ref().and_then(Session::legacy) {
            said += &format!("; {legacy} only because this program lowers its security level");
        }
        if let Some(number) = handshake.warning {
            said += &format!("; warning alert {} ({number})", alert_name(number));
        }
        self.row(label, style, &said);
    }

    fn certificates(&mut self, endpoint: &Endpoint, handshake: &Handshake, trust: &Trust) {
        let plain = Style::new();
        let list = &handshake.certificates;
        let Some(leaf) = list.first() else { return };
        // Rounded as the checks round it: otherwise one date would look like two.
        let left = leaf.not_after.duration_since(self.now);
        let left = match () {
            () if leaf.has_no_dates() => "its dates cannot be read".into(),
            () if left.is_negative() => format!("expired {} ago", days(-left)),
            () => format!("{} left", days(left)),
        };
        self.row(
            "certificate",
            plain,
            &format!(
                "{}, valid from {} to {} ({left}), {} {}, {}",
                leaf.subject,
                date(leaf.not_before),
                date(leaf.not_after),
                leaf.key.algorithm,
                leaf.key.bits,
                leaf.signature_algorithm
            ),
        );
        let addresses = leaf.ip_addresses.iter().map(ToString::to_string);
        let names: Vec<String> = leaf.dns_names.iter().cloned().chain(addresses).collect();
        let host = handshake.server_name.as_deref().or(endpoint.host.as_deref());
        let covered = match host {
            Some(host) if leaf.covers(host) => format!("; {host} is among them"),
            Some(host) => format!("; {host} is not among them"),
            None => String::new(),
        };
        self.row("  names", plain, &format!("{}{covered}", names_or_none(&names)));
        self.row("  SHA-256", plain, &leaf.fingerprint);
        for (i, certificate) in list.iter().enumerate() {
            let label = if i == 0 { "served list" } else { "" };
            let trusted = handshake.verification.as_ref().is_some_and(|verification| verification.code == 0);
            let signer = signed_by(list, i, certificate, trusted);
            self.row(label, plain, &format!("{i} {}  ← {signer}", certificate.subject));
        }
        if list.len() >= MAX_CERTIFICATES {
            self.row("", plain, &format!("no more than {MAX_CERTIFICATES} certificates of a list are described"));
        }
        if let Some(verification) = &handshake.verification {
            let whose = match trust {
                Trust::File(path) => format!("the authorities of {path}"),
                Trust::System => "the authorities of this machine".into(),
            };
            let said = if verification.code == 0 {
                format!("yes, by {whose}")
            } else {
                format!("no, by {whose}: {} (code {})", verification.message, verification.code)
            };
            self.row("trusted", plain, &said);
        }
        let asked = match &handshake.client_certificate {
            ClientCertificate::Unknown => return,
            ClientCertificate::NotRequested => "not requested".into(),
            ClientCertificate::Requested(None) => "requested; the CAs were not seen".into(),
            ClientCertificate::Requested(Some(names)) if names.is_empty() => "requested, of any CA".into(),
            ClientCertificate::Requested(Some(names)) => format!("requested, of {}", names_or_none(names)),
        };
        self.row("client certificate", plain, &asked);
    }

    fn scan(&mut self, scan: &Scan) {
        for version in &scan.versions {
            let style = if version.suites.is_empty() { self.options.styles.dim } else { Style::new() };
            self.row(&version.version, style, &offered(version));
        }
        self.row("connections", Style::new(), &format!("{} for the scan", scan.connections));
    }

    fn check(&mut self, check: &CheckReport) {
        if check.outcome == OutcomeWord::Found {
            for finding in &check.findings {
                let style = self.options.styles.level(check.level);
                let label = format!("✗ {} {}", check.code, check.level.as_str());
                self.row(&label, style, &finding.message);
            }
        } else {
            let why = check.reason.clone().unwrap_or_default();
            self.row(&format!("? {}", check.code), self.options.styles.notice, &format!("{}: {why}", check.name));
        }
    }

    fn state(&self, state: TargetState) -> (&'static str, Style) {
        let styles = self.options.styles;
        match state {
            TargetState::Good => ("GOOD", styles.good),
            TargetState::Fails => ("FAILS", styles.error),
            TargetState::AtRisk => ("AT RISK", styles.warning),
            TargetState::Unknown => ("UNKNOWN", styles.notice),
        }
    }

    /// A label two columns in, and wrapped text beside it; the style is that of the first word.
    fn row(&mut self, label: &str, style: Style, text: &str) {
        let label = visible(label);
        let beside = LabelledText { margin: 2, column: COLUMN, width: self.options.width };
        self.out += &beside.lines(&label, &label.style(style).to_string(), &visible(text), 0);
    }

    fn row_at_margin(&mut self, label: &str, style: Style, text: &str) {
        let beside = LabelledText { margin: 0, column: LABEL_COLUMN, width: self.options.width };
        self.out += &beside.lines(label, &label.style(style).to_string(), &visible(text), 0);
    }

    fn push(&mut self, line: &str) {
        self.out.push_str(line.trim_end());
        self.out.push('\n');
    }
}

fn signed_by(list: &[Certificate], position: usize, certificate: &Certificate, trusted: bool) -> String {
    match certificate.signer {
        Some(signer) if signer == position => "signed by itself".into(),
        Some(signer) if certificate::path(list).contains(&position) => format!("signed by {signer}"),
        Some(signer) => format!("signed by {signer}; leads from nowhere"),
        None if trusted => format!("signed by {}", certificate.issuer),
        None => format!("signed by {}, which was not sent", certificate.issuer),
    }
}

fn offered(version: &VersionScan) -> String {
    let mut parts = Vec::new();
    if version.suites.is_empty() {
        parts.push("not offered".to_owned());
        parts.extend(version.refusal.as_ref().map(|refusal| format!("({})", refusal.label())));
    } else {
        parts.push(version.suites.join(" "));
        let legacy: Vec<&str> =
            version.suites.iter().map(String::as_str).filter(|suite| is_legacy_suite(suite)).collect();
        if is_legacy_version(&version.version) {
            parts.push("(current clients refuse this version)".into());
        } else if !legacy.is_empty() {
            parts.push(format!("(current clients do not offer {})", legacy.join(" ")));
        }
    }
    parts.extend(version.cut.as_ref().map(|cut| format!("(not complete: {})", cut.reason)));
    parts.join(" ")
}

fn names_or_none(names: &[String]) -> String {
    if names.is_empty() { "none".into() } else { at_most(names, TOP) }
}
