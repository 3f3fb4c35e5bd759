//! `watch` for a person: the table that renews itself, a line for each change, and the summary.

use jiff::{SignedDuration, Timestamp};
use owo_colors::OwoColorize;

use crate::judgement::watch::{Change, FailingRow, Minute, StreamWord, Summary, VerdictNow, WatchCoverage, WatchEvent};
use crate::report::TextOptions;
use crate::report::formats::jsonl;
use crate::text::{columns, count, duration, pad, visible, visible_start, widest, wrap};

const GAP: &str = "   ";
/// Columns of the narrowest reason that is still shown beside the rest of a row.
const REASON: usize = 24;
/// Longest server name that a row shows whole.
const NAME: usize = 48;

/// What the table shows.
#[derive(Clone, Copy, Debug)]
pub struct Table<'a> {
    pub verdict: Option<&'a VerdictNow>,
    pub rows: &'a [FailingRow],
    pub coverage: &'a WatchCoverage,
    pub now: Timestamp,
    /// What the watch waits for, such as a first judgement.
    pub waits_for: Option<&'a str>,
    /// Lines that the terminal has room for.
    pub height: usize,
}

/// Returns the lines of the table, none wider than the terminal.
#[must_use]
pub fn table(table: &Table<'_>, options: TextOptions) -> Vec<String> {
    let styles = options.styles;
    let mut lines = match table.verdict {
        Some(verdict) => verdict_lines(verdict, options),
        None => vec!["no verdict yet".style(styles.dim).to_string()],
    };
    lines.truncate(4);
    lines.push(cut(&foot(table), options.width).style(styles.dim).to_string());
    lines.push(String::new());
    if table.rows.is_empty() {
        lines.push("no client failed".style(styles.good).to_string());
        return lines;
    }
    let room = table.height.saturating_sub(lines.len() + 2).max(1);
    let shown = table.rows.len().min(if table.rows.len() > room { room - 1 } else { room }.max(1));
    let head = ["CLIENT", "SERVER NAME", "PER MIN", "TOTAL", "LAST", "REASON"].map(str::to_owned);
    let rows = table.rows.iter().take(shown).map(|row| cells(row, table.now));
    let cells: Vec<[String; 6]> = std::iter::once(head).chain(rows).collect();
    let mut widths: [usize; 6] = std::array::from_fn(|column| widest(cells.iter().map(|row| row[column].as_str())));
    let before: usize = widths[..5].iter().map(|width| width + GAP.len()).sum();
    // A narrow terminal has the reason in the verdict above.
    let is_narrow = before + REASON > options.width;
    widths[5] = options.width.saturating_sub(before);
    for (index, row) in cells.iter().enumerate() {
        let shown = if is_narrow { &row[..5] } else { &row[..] };
        let line: Vec<String> = shown.iter().zip(widths).map(|(cell, width)| pad(cell, width.min(200))).collect();
        let line = cut(line.join(GAP).trim_end(), options.width);
        lines.push(if index == 0 { line.style(styles.heading).to_string() } else { line });
    }
    if table.rows.len() > shown {
        lines.push(format!("and {} more", count((table.rows.len() - shown) as u64, "client")));
    }
    lines
}

/// Returns a change as one line for a person.
#[must_use]
pub fn line(event: &WatchEvent) -> String {
    let text = match &event.change {
        Change::Client(row) => format!("{} fails: {}", who(row), reason(row)),
        Change::Quiet(row) => format!("{}: no failure for 5 min, {} in all", who(row), row.total),
        Change::Gap { pod, container, from, until, why } => {
            let at = |at: &Option<Timestamp>| at.map_or_else(|| "the beginning".to_owned(), time);
            let until = until.map_or_else(|| "its end".to_owned(), time);
            format!("{pod}/{container}: lines from {} to {until} may be missing: {why}", at(from))
        }
        Change::Minute(minute) => minute_text(minute),
        Change::Source { what, failed: Some(why) } => format!("{what} cannot be followed: {why}"),
        Change::Source { what, failed: None } => format!("{what} are followed again"),
        Change::Stream { pod, container, state, why } => {
            let why = why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
            let word = match state {
                StreamWord::Ended => "the log has ended",
                StreamWord::Followed => "the log is followed",
                StreamWord::Lost => "the log cannot be read",
            };
            format!("{pod}/{container}: {word}{why}")
        }
        Change::Summary(summary) => format!("end: {}", summary_text(summary)),
        Change::Verdict(verdict) => format!("{} {}", verdict.kind.word(), verdict_text(verdict)),
    };
    visible(&format!("{} {text}", event.at.strftime("%H:%M:%SZ")))
}

/// Returns a change as one line of JSON.
///
/// # Errors
/// As for [`jsonl::of`].
pub fn record(event: &WatchEvent) -> Result<String, serde_json::Error> {
    jsonl::of([event])
}

/// Returns the summary as text.
#[must_use]
pub fn summary(summary: &Summary, now: Timestamp, options: TextOptions) -> String {
    let height = summary.clients.len() + 16;
    let shown = Table {
        verdict: summary.verdict.as_ref(),
        rows: &summary.clients,
        coverage: &summary.coverage,
        now,
        waits_for: None,
        height,
    };
    let mut text = table(&shown, options).join("\n");
    text += &format!("\n\n{}\n", visible(&summary_text(summary)));
    text
}

fn verdict_lines(verdict: &VerdictNow, options: TextOptions) -> Vec<String> {
    let word = verdict.kind.word();
    let text = visible(&verdict_text(verdict));
    let indent = columns(word) + 1;
    let wrapped = wrap(&text, options.width.saturating_sub(indent).max(20), 0);
    let style = options.styles.verdict(verdict.kind);
    let first = |line: &str| format!("{} {}", word.style(style), cut(line, options.width.saturating_sub(indent)));
    wrapped
        .lines()
        .enumerate()
        .map(
            |(index, line)| {
                if index == 0 { first(line) } else { cut(&format!("{}{line}", " ".repeat(indent)), options.width) }
            },
        )
        .collect()
}

fn verdict_text(verdict: &VerdictNow) -> String {
    let unknown = if verdict.exit_code == 3 { " (something could not be judged)" } else { "" };
    format!("{}{unknown}", verdict.headline)
}

/// `judged 12 s ago · 2 pods · 1,204 lines`
fn foot(table: &Table<'_>) -> String {
    let coverage = table.coverage;
    let mut parts = Vec::new();
    if let Some(verdict) = table.verdict {
        parts.push(format!("judged {}", ago(verdict.judged_at, table.now)));
    }
    parts.extend(table.waits_for.map(str::to_owned));
    parts.extend(coverage_parts(coverage));
    parts.join(" · ")
}

fn coverage_parts(coverage: &WatchCoverage) -> Vec<String> {
    let mut parts = vec![
        format!("{} followed", count(coverage.read.pods, "pod")),
        format!("{} read", count(coverage.read.lines, "line")),
    ];
    for (number, what) in [
        (coverage.read.lost, "log cannot be read"),
        (coverage.read.gaps, "gap"),
        (coverage.read.reconnects, "reconnect"),
        (coverage.read.cut, "line cut"),
        (coverage.failed_judgements, "judgement failed"),
    ] {
        if number > 0 {
            parts.push(format!("{number} × {what}"));
        }
    }
    parts
}

fn cells(row: &FailingRow, now: Timestamp) -> [String; 6] {
    let codes: Vec<&str> = row.codes.iter().map(|code| code.as_str()).collect();
    let codes = if codes.is_empty() { String::new() } else { format!(" ({})", codes.join(", ")) };
    [
        row.client.as_deref().map_or_else(|| "unknown".to_owned(), |client| visible_start(client, NAME)),
        row.server_name.as_deref().map_or_else(|| "none".to_owned(), |name| visible_start(name, NAME)),
        row.per_minute.to_string(),
        row.total.to_string(),
        row.last.map_or_else(|| "unknown".to_owned(), |last| ago(last, now)),
        visible(&format!("{}{codes}", row.reason)),
    ]
}

fn who(row: &FailingRow) -> String {
    let client = row.client.as_deref().unwrap_or("of unknown address");
    match &row.server_name {
        Some(name) => format!("client {client} with server name {name}"),
        None => format!("client {client} without SNI"),
    }
}

fn reason(row: &FailingRow) -> String {
    let codes: Vec<&str> = row.codes.iter().map(|code| code.as_str()).collect();
    if codes.is_empty() { row.reason.clone() } else { format!("{} ({})", row.reason, codes.join(", ")) }
}

fn minute_text(minute: &Minute) -> String {
    format!(
        "{} of {} in the minute from {}, {} in the one before",
        count(minute.failures, "failure"),
        count(minute.clients, "client"),
        minute.minute.strftime("%H:%M"),
        minute.before
    )
}

fn summary_text(summary: &Summary) -> String {
    let length = SignedDuration::from_secs(i64::try_from(summary.seconds).unwrap_or(i64::MAX));
    let clients = summary.clients.len() as u64 + summary.clients_not_listed;
    let mut text = format!(
        "watched for {}: {} of {}{}",
        duration(length),
        count(summary.failures, "failure"),
        count(clients, "client"),
        // A watch begins with the records of the window.
        if summary.failures > 0 { ", those of the window before included" } else { "" }
    );
    for part in coverage_parts(&summary.coverage).into_iter().skip(1) {
        text += &format!(", {part}");
    }
    text
}

fn ago(at: Timestamp, now: Timestamp) -> String {
    format!("{} ago", duration(now.duration_since(at)))
}

fn time(at: Timestamp) -> String {
    at.strftime("%H:%M:%SZ").to_string()
}

/// Cuts a text to the columns of the terminal.
fn cut(text: &str, width: usize) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    let mut kept = String::new();
    for character in text.chars() {
        if columns(&kept) + columns(character.encode_utf8(&mut [0; 4])) >= width {
            break;
        }
        kept.push(character);
    }
    kept + "…"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::access_log::ClientFailure;
    use crate::evidence::access_log::Coverage;
    use crate::report::styles::Styles;
    use crate::verdict::VerdictKind;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_750_000_000 + second).unwrap()
    }

    fn row(client: &str, name: Option<&str>) -> FailingRow {
        FailingRow {
            client: Some(client.to_owned()),
            server_name: name.map(str::to_owned),
            failure: ClientFailure::ResetWithoutSni,
            reason: "Clients without SNI are reset, because no ApigeeRoute accepts them".to_owned(),
            codes: Vec::new(),
            per_minute: 12,
            total: 340,
            first: Some(at(0)),
            last: Some(at(50)),
        }
    }

    fn verdict() -> VerdictNow {
        VerdictNow {
            kind: VerdictKind::Cause,
            headline: "Clients without SNI are reset, because no ApigeeRoute accepts them".to_owned(),
            findings: Vec::new(),
            not_seen: 0,
            judged_at: at(40),
            exit_code: 1,
        }
    }

    fn shown(rows: &[FailingRow], width: usize, height: usize) -> Vec<String> {
        let (verdict, coverage) = (
            verdict(),
            WatchCoverage { read: Coverage { pods: 2, lines: 1204, ..Coverage::default() }, failed_judgements: 0 },
        );
        let shown = Table { verdict: Some(&verdict), rows, coverage: &coverage, now: at(60), waits_for: None, height };
        table(&shown, TextOptions { styles: Styles::default(), width, wide: false })
    }

    #[test]
    fn a_table_has_the_verdict_above_its_rows() {
        let rows = [row("203.0.113.7", None), row("203.0.113.8", Some("old.example.com"))];
        assert_eq!(shown(&rows, 120, 20).join("\n"), "\
CAUSE Clients without SNI are reset, because no ApigeeRoute accepts them
judged 20 s ago · 2 pods followed · 1204 lines read

CLIENT        SERVER NAME       PER MIN   TOTAL   LAST       REASON
203.0.113.7   none              12        340     10 s ago   Clients without SNI are reset, because no ApigeeRoute acce…
203.0.113.8   old.example.com   12        340     10 s ago   Clients without SNI are reset, because no ApigeeRoute acce…");
    }

    #[test]
    fn a_table_is_never_wider_or_higher_than_the_terminal() {
        let rows: Vec<FailingRow> =
            (0..50).map(|number| row(&format!("203.0.113.{number}"), Some("a\u{1b}[2J漢字.example.com"))).collect();
        for width in [20, 40, 60, 80, 200] {
            for height in [1, 5, 10, 24] {
                let lines = shown(&rows, width, height);
                assert!(lines.iter().all(|line| columns(line) <= width), "{width}: {lines:#?}");
                assert!(lines.len() <= height.max(9), "{height}: {lines:#?}");
                assert!(!lines.join("").contains('\u{1b}'));
            }
        }
        assert_eq!(shown(&rows, 80, 10).last().map(String::as_str), Some("and 46 clients more"));
    }

    #[test]
    fn every_change_is_one_line() {
        let changes = [
            Change::Client(row("203.0.113.7", None)),
            Change::Client(row("203.0.113.7", Some("a\nb"))),
            Change::Quiet(row("203.0.113.7", None)),
            Change::Gap {
                pod: "gw".into(),
                container: "c".into(),
                from: None,
                until: Some(at(9)),
                why: "rotated".into(),
            },
            Change::Minute(Minute { minute: at(0), failures: 1, clients: 1, before: 0 }),
            Change::Source { what: "pods".into(), failed: Some("refused".into()) },
            Change::Stream { pod: "gw".into(), container: "c".into(), state: StreamWord::Lost, why: None },
            Change::Verdict(verdict()),
        ];
        for change in changes {
            let event = WatchEvent::new(at(0), change);
            let text = line(&event);
            assert!(text.starts_with("15:06:40Z ") && !text.contains('\n'), "{text}");
            let again: WatchEvent = serde_json::from_str(&record(&event).unwrap()).unwrap();
            assert_eq!(again, event);
        }
    }
}
