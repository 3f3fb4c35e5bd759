//! The report of `pcap` for a person: the verdict, each kind of connection with its first packet and filter,
//! what could not be seen.

use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};

use owo_colors::{OwoColorize, Style};

use crate::checks::captured::Standing;
use crate::evidence::capture::{CaptureFile, ClientChain, Flow, HelloState, PacketPlace, ServerName};
use crate::judgement::capture::{self as judgement, CaptureReport, KindReport, counted};
use crate::report::html::{self, Content, FileLink};
use crate::report::{Document, Located, TextOptions};
use crate::text::{visible, widest, wrap};

/// Column at which the text of a row begins.
const COLUMN: usize = 12;
/// Clients, servers and names that a row lists.
const TOP: usize = 5;
/// Minutes that the wide form lists.
const TOP_MINUTES: usize = 60;

impl Document for CaptureReport {
    const SCHEMA: &'static str = judgement::SCHEMA;

    fn text(&self, options: TextOptions) -> String {
        text(self, options)
    }

    fn html(&self, _: &[FileLink]) -> Result<Content, askama::Error> {
        html::capture::content(self)
    }

    /// None: a line of this document is a connection, and formats that show findings only are not offered.
    fn findings(&self) -> Vec<Located<'_>> {
        Vec::new()
    }
}

fn text(report: &CaptureReport, options: TextOptions) -> String {
    let mut page = Page { out: String::new(), options, files: &report.capture.files };
    page.verdict(report);
    page.head(report);
    for kind in report.kinds.iter().filter(|kind| kind.kind.standing != Standing::Beside) {
        page.kind(kind);
    }
    page.beside(report);
    if options.wide {
        page.counts(report);
    }
    for missed in &report.not_seen {
        page.row("NOT SEEN", options.styles.warning, &format!("{}: {}", missed.what, missed.why));
    }
    if let Some((name, packets)) = &report.question.written {
        let written = match packets {
            0 => format!("nothing: there is no packet to write, and no file {name}"),
            packets => format!("{} to {name}", counted(*packets, "packet")),
        };
        page.row("WRITTEN", options.styles.heading, &written);
    }
    page.out
}

/// One connection in a line: number, time, client, server, SNI, versions, how it went.
#[must_use]
pub fn line(flow: &Flow) -> String {
    let mut line =
        format!("{} {} {} > {}", flow.number, flow.started_at.strftime("%H:%M:%S%.6f"), flow.client, flow.server);
    let mut add = |text: &str| {
        line.push_str("  ");
        line.push_str(&visible(text));
    };
    if let Some(preface) = flow.preface {
        add(preface.name());
    }
    if let Some(hello) = &flow.hello {
        add(&match (&hello.server_name, &hello.state) {
            (ServerName::Sent(name), _) => name.clone(),
            (ServerName::Address(address), _) => format!("{address} (an IP address)"),
            (ServerName::Encrypted, _) => "SNI encrypted".to_owned(),
            (ServerName::None, _) => "without SNI".to_owned(),
            (ServerName::Unknown, HelloState::Cut { read, length }) => {
                format!("SNI unknown: cut after {read} of {length} bytes")
            }
            (ServerName::Unknown, _) => "SNI unknown".to_owned(),
        });
        if let Some(offered) = flow.offered() {
            add(&format!("up to {offered}"));
        }
    }
    if let Some(answer) = &flow.answer {
        add(&format!("{} {}", answer.version, answer.suite));
    }
    if flow.resumed {
        add("resumed");
    }
    if let Some(leaf) = flow.certificates.first() {
        let name = leaf.certificate.as_ref().map_or("a certificate that cannot be read", |leaf| leaf.subject.as_str());
        add(name);
    }
    match (&flow.certificate_request, &flow.client_certificate) {
        (_, ClientChain::Empty) => add("no client certificate sent"),
        (_, ClientChain::Sent(_)) => add("client certificate sent"),
        (Some(_), ClientChain::NotSeen) => add("client certificate requested"),
        (None, ClientChain::NotSeen) => {}
    }
    add(&flow.outcome.to_string());
    line
}

struct Page<'a> {
    out: String,
    options: TextOptions,
    files: &'a [CaptureFile],
}

impl Page<'_> {
    fn verdict(&mut self, report: &CaptureReport) {
        let styles = self.options.styles;
        let failing = report.kinds.iter().any(|kind| kind.kind.standing.is_failure());
        let style = match (failing, report.not_seen.is_empty()) {
            (true, _) => styles.error,
            (false, true) => styles.good,
            (false, false) => styles.notice,
        };
        self.row("VERDICT", style, &format!("{}.", report.verdict));
        self.out.push('\n');
    }

    fn head(&mut self, report: &CaptureReport) {
        for file in &report.capture.files {
            let mut text = format!("{} · {}", visible(&file.name), file.format);
            if file.compressed {
                text += ", gzip";
            }
            let _ = write!(text, " · {}", counted(file.packets, "packet"));
            if let (Some(first), Some(last)) = (file.first_at, file.last_at) {
                let format = "%Y-%m-%d %H:%M:%S";
                let _ = write!(text, " · {} to {} UTC", first.strftime(format), last.strftime(format));
            }
            let line = text.style(self.options.styles.heading).to_string();
            self.push(&line);
        }
        if !report.question.filters.is_empty() {
            let filters = report.question.filters.join(" ");
            self.row("filters", self.options.styles.dim, &filters);
        }
        self.out.push('\n');
    }

    fn kind(&mut self, report: &KindReport) {
        let KindReport { kind, tally } = report;
        let styles = self.options.styles;
        let (sign, style) = match kind.standing {
            Standing::Failed(level) => ("✗", styles.level(level)),
            Standing::Unknown => ("?", styles.notice),
            Standing::Good => ("✓", styles.good),
            Standing::Beside => ("-", styles.dim),
        };
        self.row(&format!("{sign} {}", tally.flows), style, &kind.sentence);
        let plain = Style::new();
        if kind.standing != Standing::Good {
            let first =
                format!("{} at {} UTC", self.place(tally.first), tally.first_at.strftime("%Y-%m-%d %H:%M:%S%.3f"));
            self.row("  first", plain, &format!("{first}; its connection in Wireshark:"));
            // A filter that is broken cannot be pasted.
            let filter = visible(&tally.filter).style(styles.command).to_string();
            self.push(&format!("{}{filter}", " ".repeat(COLUMN)));
            let clients = tally.clients.iter().map(|(client, span)| (client, span.count)).collect();
            self.list("  clients", &clients);
            self.list("  servers", &tally.servers);
        }
        let names: BTreeMap<&str, u64> = tally
            .server_names
            .iter()
            .map(|(name, count)| (if name.is_empty() { "none" } else { name.as_str() }, *count))
            .collect();
        self.list("  SNI", &names);
        if !tally.requested_authorities.is_empty() {
            let (shown, more) = tally.requested_authorities.split_at(tally.requested_authorities.len().min(TOP));
            let more = if more.is_empty() { String::new() } else { format!(" and {} more", more.len()) };
            self.row("  CAs", plain, &format!("requested: {}{more}", shown.join("; ")));
        }
        if let Some(sample) = tally.sample.as_ref().filter(|sample| !sample.is_empty()) {
            self.row("  bytes", plain, sample);
        }
        if tally.foreign_resets > 0 {
            let text = format!(
                "{} with another TTL than the server's other packets: a device on the way may have sent them",
                counted(tally.foreign_resets, "RST")
            );
            self.row("  TTL", plain, &text);
        }
        if let Some(code) = kind.code {
            self.row("  check", plain, &format!("{code}: kubectl apigee-tls explain {code}"));
        }
        for (i, cause) in kind.causes.iter().enumerate() {
            self.row(if i == 0 { "  causes" } else { "" }, plain, &format!("{}. {cause}", i + 1));
        }
    }

    fn beside(&mut self, report: &CaptureReport) {
        let style = self.options.styles.dim;
        for kind in report.kinds.iter().filter(|kind| kind.kind.standing == Standing::Beside) {
            self.row(&format!("- {}", kind.tally.flows), style, &kind.kind.sentence);
        }
        let traffic = &report.capture.traffic;
        for (count, what) in [
            (traffic.quic_flows, "QUIC connections, whose ClientHello is encrypted and not read"),
            (traffic.dtls_flows, "DTLS associations, not read"),
        ] {
            if count > 0 {
                self.row(&format!("- {count}"), style, what);
            }
        }
        self.out.push('\n');
    }

    fn counts(&mut self, report: &CaptureReport) {
        let summary = &report.capture.summary;
        let plain = Style::new();
        let minutes = summary.minutes.iter();
        for (i, (minute, count)) in minutes.take(TOP_MINUTES).enumerate() {
            let text = format!(
                "{} {}, {} completed",
                minute.strftime("%Y-%m-%d %H:%M"),
                counted(count.flows, "connection"),
                count.completed
            );
            self.row(if i == 0 { "by minute" } else { "" }, plain, &text);
        }
        let mut clients: Vec<_> = summary.clients.iter().collect();
        clients.sort_by_key(|(_, count)| std::cmp::Reverse(count.flows - count.completed.min(count.flows)));
        for (i, (client, count)) in clients.iter().take(4 * TOP).enumerate() {
            let text = format!("{client} {}, {} completed", counted(count.flows, "connection"), count.completed);
            self.row(if i == 0 { "by client" } else { "" }, plain, &text);
        }
        self.out.push('\n');
    }

    /// The most frequent of a map.
    fn list<K: Display + Ord>(&mut self, label: &str, map: &BTreeMap<K, u64>) {
        if map.is_empty() {
            return;
        }
        let mut sorted: Vec<(&K, &u64)> = map.iter().collect();
        sorted.sort_by(|one, other| other.1.cmp(one.1).then(one.0.cmp(other.0)));
        let shown: Vec<String> = sorted.iter().take(TOP).map(|(key, count)| format!("{key} ({count})")).collect();
        let more = if sorted.len() > TOP { " and more" } else { "" };
        self.row(label, Style::new(), &format!("{}{more}", shown.join(", ")));
    }

    /// `packet 17`, and of which file where there are several.
    fn place(&self, place: PacketPlace) -> String {
        match (self.files, usize::try_from(place.file).ok().and_then(|file| self.files.get(file))) {
            ([_, _, ..], Some(file)) => format!("packet {} of {}", place.number, file.name),
            _ => format!("packet {}", place.number),
        }
    }

    fn row(&mut self, label: &str, style: Style, text: &str) {
        let pad = " ".repeat(COLUMN.saturating_sub(widest([label])).max(1));
        let text = wrap(&visible(text), self.options.width.saturating_sub(COLUMN), 0);
        for (i, line) in text.lines().enumerate() {
            if i == 0 {
                self.push(&format!("{}{pad}{line}", label.style(style)));
            } else {
                self.push(&format!("{}{line}", " ".repeat(COLUMN)));
            }
        }
    }

    fn push(&mut self, line: &str) {
        self.out.push_str(line.trim_end());
        self.out.push('\n');
    }
}
