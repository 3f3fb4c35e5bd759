//! The chain from the client to the overrides file as one line, with a mark under each link.

use owo_colors::OwoColorize;

use super::names::ShortForms;
use super::{LABEL_COLUMN, blank_line, push};
use crate::judgement::Report;
use crate::judgement::chain::{Chain, Link, LinkKey, LinkState};
use crate::report::TextOptions;
use crate::text::{LabelledText, columns};

/// Between two links.
const JOINT: &str = " ─ ";

/// Appends the picture, where something is wrong and a link is broken. A gateway that serves only clients
/// with SNI, as it is meant to, breaks the chain of others.
pub(super) fn write(report: &Report, short: &ShortForms, options: TextOptions, out: &mut String) {
    let is_good = report.verdict.kind.is_good();
    let Some(chain) = report.chain.as_ref().filter(|chain| chain.broken.is_some() && !is_good) else { return };
    blank_line(out);
    let links: Vec<&Link> = chain.links.iter().filter(|link| link.state != LinkState::NotApplicable).collect();
    let titles: Vec<&str> = links.iter().map(|link| short_title(link.link)).collect();
    let margin = " ".repeat(LABEL_COLUMN);
    let whole = titles.join(JOINT);
    if LABEL_COLUMN + columns(&whole) <= options.width {
        push(out, &format!("{margin}{whole}"));
        let mut marks = margin;
        for (i, link) in links.iter().enumerate() {
            let title = columns(short_title(link.link));
            let joint = if i + 1 < links.len() { columns(JOINT) } else { 0 };
            let left = title.saturating_sub(1) / 2;
            let (mark, style) = options.styles.link(link.state);
            marks += &format!("{}{}{}", " ".repeat(left), mark.style(style), " ".repeat(title - left - 1 + joint));
        }
        push(out, &marks);
    } else {
        let parts: Vec<String> = links
            .iter()
            .map(|link| format!("{} {}", options.styles.link(link.state).0, short_title(link.link)))
            .collect();
        *out += &column(options).lines("", "", &parts.join("  "), 0);
    }
    let broken: Vec<String> = links
        .iter()
        .filter(|link| link.state == LinkState::Broken && link.link != LinkKey::Client)
        .map(|link| short.text(&broken(chain, link)))
        .collect();
    let whole = broken.join("; ");
    let fits = LABEL_COLUMN + 2 + columns(&whole) <= options.width;
    for lines in if fits { vec![whole] } else { broken } {
        *out += &column(options).lines("", "", &format!("✗ {lines}"), 2);
    }
}

fn broken(chain: &Chain, link: &Link) -> String {
    let why = link.why.as_deref().unwrap_or_default();
    let here = if chain.broken == Some(link.link) { " (fix here)" } else { "" };
    format!("{}: {why}{here}", link.link.title())
}

fn column(options: TextOptions) -> LabelledText {
    LabelledText { margin: 0, column: LABEL_COLUMN, width: options.width }
}

/// Names that fit one line.
fn short_title(link: LinkKey) -> &'static str {
    match link {
        LinkKey::LoadBalancer => "LB",
        LinkKey::Group => "group",
        LinkKey::Overrides => "overrides",
        other => other.title(),
    }
}
