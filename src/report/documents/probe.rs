//! The report of `probe` for a person: one block per target, or one line each where there are many.

use std::time::Duration;

use jiff::Timestamp;
use owo_colors::{OwoColorize, Style};

use super::{located, results};
use crate::checks::facts::scanned;
use crate::checks::{Level, codes};
use crate::evidence::certificate::{self, Certificate, MAX_CERTIFICATES};
use crate::evidence::handshake::{
    ClientCertificate, ClientHelloKind, Endpoint, Handshake, Scan, Session, Trust, VersionScan, alert_name,
    is_legacy_suite, is_legacy_version,
};
use crate::judgement::probe::{self as judgement, ProbeReport, TargetReport, TargetState};
use crate::judgement::{CheckReport, OutcomeWord};
use crate::report::formats::jsonl;
use crate::report::html::probe::{EndpointLines, Line};
use crate::report::html::{self, Content, FileLink};
use crate::report::styles::Styles;
use crate::report::{CheckResult, Document, Located, TextOptions};
use crate::text::{LabelledText, at_most, count, date, days, pad, seconds, visible, widest, wrap};

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
        let mut page = Page::new(self, options);
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

    /// One line for each target.
    fn lines(&self) -> Vec<String> {
        let line = |target: &TargetReport| format!("{} {}: {}", word(target.state), target.name, target.verdict);
        let missed = self.unprobed.iter().map(|missed| format!("NOT PROBED {}: {}", missed.what, missed.why));
        self.targets.iter().map(line).chain(missed).map(|line| visible(&line)).collect()
    }

    fn records(&self) -> Result<String, serde_json::Error> {
        jsonl::of(&self.targets)
    }

    fn html(&self, _: &[FileLink]) -> Result<Content, askama::Error> {
        let options = TextOptions { styles: Styles::default(), width: usize::MAX, wide: true };
        let lines = |target: &TargetReport| {
            let of_endpoint = |endpoint: &Endpoint| {
                let mut page = Page::new(self, options);
                page.endpoint(endpoint, &self.question.trust);
                EndpointLines { name: endpoint.name(), lines: page.rows }
            };
            target.endpoints.iter().map(of_endpoint).collect()
        };
        html::probe::content(self, word, lines)
    }

    fn results(&self) -> Vec<CheckResult<'_>> {
        self.targets.iter().flat_map(results_of).collect()
    }

    fn findings(&self) -> Vec<Located<'_>> {
        self.targets.iter().flat_map(|target| located(&target.checks, Some(&target.name))).collect()
    }
}

/// The checks that judged a target, in the order of the catalogue.
fn results_of(target: &TargetReport) -> Vec<CheckResult<'_>> {
    let subject = Some(target.name.as_str());
    let passed = target.passed.iter().map(|code| CheckResult {
        code: *code,
        subject,
        outcome: OutcomeWord::Passed,
        reason: None,
        findings: Vec::new(),
    });
    let mut all: Vec<CheckResult<'_>> = results(&target.checks, subject).chain(passed).collect();
    all.sort_by_key(|result| result.code);
    all
}

struct Page {
    out: String,
    /// The labelled lines of `out`, for the HTML page.
    rows: Vec<Line>,
    options: TextOptions,
    now: Timestamp,
    /// Whether the handshakes are those of a client of the user, at the security level of that client.
    of_client: bool,
}

impl Page {
    fn new(report: &ProbeReport, options: TextOptions) -> Self {
        // A modern client has no suites of its own, and those of this program are more than it accepts.
        let of_client = report.question.client.is_some() && report.question.ciphers.is_some();
        Self { out: String::new(), rows: Vec::new(), options, now: report.collected_at, of_client }
    }

    fn table(&mut self, report: &ProbeReport) {
        let width = widest(report.targets.iter().map(|target| target.name.as_str())).min(48);
        for target in &report.targets {
            let (word, style) = (word(target.state), self.paint(target.state));
            let name = visible(&target.name);
            let lead = format!("{} {}", pad(word, LABEL_COLUMN - 1), pad(&name, width));
            let line =
                wrap(&format!("{lead}  {}", visible(&target.verdict)), self.options.width, width + LABEL_COLUMN + 2);
            let rest = line.strip_prefix(word).unwrap_or(&line);
            self.push(&format!("{}{rest}", word.style(style)));
        }
        let counts = TargetState::ALL.iter().filter_map(|state| {
            let count = report.targets.iter().filter(|target| target.state == *state).count();
            (count > 0).then(|| format!("{count} {}", word(*state)))
        });
        let counts: Vec<String> = counts.collect();
        self.out.push('\n');
        self.push(&format!(
            "{} targets: {}; -o wide shows each, -o short one line each",
            report.targets.len(),
            counts.join(", ")
        ));
    }

    fn target(&mut self, target: &TargetReport, trust: &Trust) {
        let style = self.paint(target.state);
        let verdict = target.verdict.trim_end_matches('.');
        self.row_at_margin(word(target.state), style, &format!("{}: {verdict}.", target.name));
        if target.state == TargetState::SniOnly {
            self.row_at_margin("", style, "Gate with --no-sni: exit code 1 if clients without SNI are refused.");
        }
        for (endpoint, commands) in target.endpoints.iter().zip(&target.commands) {
            let name = visible(&endpoint.name()).style(self.options.styles.heading).to_string();
            self.push(&name);
            self.endpoint(endpoint, trust);
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
            self.check(check, target);
        }
        for (i, check) in target.to_fix().enumerate() {
            let label = if i == 0 { "FIX" } else { "" };
            let (fix, code) = (target.advice(check), check.code);
            self.row_at_margin(label, self.options.styles.heading, &format!("{fix} (explain {code})"));
        }
    }

    /// What was seen of one address.
    fn endpoint(&mut self, endpoint: &Endpoint, trust: &Trust) {
        for handshake in &endpoint.handshakes {
            self.handshake(handshake);
        }
        if let Some(asked) = endpoint.handshakes.iter().find(|handshake| !handshake.certificates.is_empty()) {
            self.certificates(endpoint, asked, trust);
        }
        if let Ok(scan) = endpoint.scan.seen() {
            self.scan(scan);
        }
    }

    fn handshake(&mut self, handshake: &Handshake) {
        let label = match (handshake.kind, &handshake.server_name) {
            (ClientHelloKind::Named, _) => "with SNI",
            (ClientHelloKind::WithoutSni, _) => "without SNI",
            (ClientHelloKind::Unknown, _) => "with unknown name",
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
                (format!("{failure}{name}"), style)
            }
        };
        if !self.of_client
            && let Some(legacy) = handshake.session.as_ref().and_then(Session::legacy)
        {
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
            self.row(label, plain, &format!("{} {}  ← {signer}", i + 1, certificate.subject));
        }
        if list.len() >= MAX_CERTIFICATES {
            self.row("", plain, &format!("no more than {MAX_CERTIFICATES} certificates of a list are described"));
        }
        if let Some(verification) = &handshake.verification {
            let whose = match trust {
                Trust::File(path) => format!("the CAs of {path}"),
                Trust::System => "the CAs of this machine".into(),
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
        let styles = self.options.styles;
        for version in &scan.versions {
            let (label, style, note) = match () {
                () if scanned::is_outdated(version) => {
                    (format!("✗ {}", version.version), styles.warning, " (deprecated, RFC 8996)")
                }
                () if version.suites.is_empty() => (version.version.clone(), styles.dim, ""),
                () => (version.version.clone(), Style::new(), ""),
            };
            self.row(&label, style, &format!("{}{note}", offered(version)));
            for (lack, suites) in [
                ("no encryption", scanned::without_encryption(version)),
                ("no authentication", scanned::without_authentication(version)),
                ("no forward secrecy (RFC 9325)", scanned::without_forward_secrecy(version)),
            ] {
                if !suites.is_empty() {
                    self.row("✗", styles.warning, &format!("{lack}: {}", suites.join(" ")));
                }
            }
        }
        let took = match scan.milliseconds {
            0 => String::new(),
            milliseconds => format!(", {}", seconds(Duration::from_millis(milliseconds), 1)),
        };
        let connections = count(scan.connections.into(), "connection");
        self.row("scan", Style::new(), &format!("{connections}{took}"));
    }

    /// A finding that the verdict names already is not repeated.
    fn check(&mut self, check: &CheckReport, target: &TargetReport) {
        if check.outcome != OutcomeWord::Found {
            let why = check.reason.clone().unwrap_or_default();
            self.row(&format!("? {}", check.code), self.options.styles.notice, &format!("{}: {why}", check.name));
            return;
        }
        let is_verdict = target.state == TargetState::SniOnly && check.code == codes::SERVER_NAME_REQUIRED;
        for finding in &check.findings {
            let message = finding.message.strip_prefix(&finding.object).and_then(|rest| rest.strip_prefix(": "));
            let message = message.unwrap_or(&finding.message);
            if is_verdict || target.verdict.contains(message) {
                continue;
            }
            let sign = if check.level == Level::Notice { "•" } else { "✗" };
            let label = format!("{sign} {} {}", check.code, check.level.as_str());
            // The heading names the only address already.
            let shown = if target.endpoints.len() == 1 { message } else { &finding.message };
            self.row(&label, self.options.styles.level(check.level), shown);
        }
    }

    fn paint(&self, state: TargetState) -> Style {
        let styles = self.options.styles;
        match state {
            TargetState::Good | TargetState::Served => styles.good,
            TargetState::Fails => styles.error,
            TargetState::AtRisk | TargetState::SniOnly => styles.warning,
            TargetState::Unknown => styles.notice,
        }
    }

    /// A label two columns in, and wrapped text beside it; the style is that of the first word.
    fn row(&mut self, label: &str, style: Style, text: &str) {
        self.rows.push(Line { label: label.to_owned(), text: text.to_owned() });
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

fn word(state: TargetState) -> &'static str {
    match state {
        TargetState::AtRisk => "AT RISK",
        TargetState::Fails => "FAILS",
        TargetState::Good => "GOOD",
        TargetState::Served => "SERVED",
        TargetState::SniOnly => "SNI ONLY",
        TargetState::Unknown => "UNKNOWN",
    }
}

fn signed_by(list: &[Certificate], position: usize, certificate: &Certificate, trusted: bool) -> String {
    match certificate.signer {
        Some(signer) if signer == position => "signed by itself".into(),
        Some(signer) if certificate::path(list).contains(&position) => format!("signed by {}", signer + 1),
        Some(signer) => format!("signed by {}; leads from nowhere", signer + 1),
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
