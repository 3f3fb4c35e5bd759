//! Short forms for the screen: a pod by the end of its name, a time without the date of the run. Commands to
//! paste and `-o wide` have the whole form.

use crate::judgement::Report;
use crate::report::TextOptions;
use crate::text::{date, visible};

/// Replaces names and times of one report by their short forms.
pub(super) struct ShortForms {
    /// Whole names and their endings, the longest name first.
    pods: Vec<(String, String)>,
    /// `2025-05-19T`, the date of the run by the cluster's clock.
    today: String,
}

impl ShortForms {
    pub(super) fn of(report: &Report, options: TextOptions) -> Self {
        let pods = report.summary.pods.iter().flatten().filter(|_| !options.wide);
        let mut pods: Vec<(String, String)> = pods.map(|pod| (pod.name.clone(), pod.ending.clone())).collect();
        pods.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        let today = if options.wide { String::new() } else { format!("{}T", date(report.subject.now())) };
        Self { pods, today }
    }

    /// Returns the text in short forms, with control characters made visible.
    pub(super) fn text(&self, text: &str) -> String {
        let mut text = visible(text);
        for (name, ending) in &self.pods {
            text = replaced(&text, name, ending);
        }
        if self.today.is_empty() { text } else { without_date(&text, &self.today) }
    }
}

/// Replaces `name` where it is no part of a longer name.
fn replaced(text: &str, name: &str, by: &str) -> String {
    let in_name = |character: char| character.is_alphanumeric() || "-.".contains(character);
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(name) {
        let (before, from) = rest.split_at(at);
        let after = &from[name.len()..];
        // A full stop ends a sentence; inside a name it is followed by another character.
        let goes_on = after.starts_with(in_name) && !after.starts_with(". ") && after != ".";
        out += before;
        out += if before.ends_with(in_name) || goes_on { name } else { by };
        rest = after;
    }
    out + rest
}

/// Replaces `2025-05-19T04:46:20Z` by `04:46:20` where the date is that of the run.
fn without_date(text: &str, today: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(today) {
        let (before, from) = rest.split_at(at);
        let time = &from[today.len()..];
        out += before;
        match time.get(..9) {
            Some(moment) if moment.ends_with('Z') && is_time(&moment[..8]) => {
                out += &moment[..8];
                rest = &time[9..];
            }
            _ => {
                out += today;
                rest = time;
            }
        }
    }
    out + rest
}

/// `04:46:20`
fn is_time(text: &str) -> bool {
    text.bytes().enumerate().all(|(i, byte)| if i % 3 == 2 { byte == b':' } else { byte.is_ascii_digit() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_names_alone_are_replaced() {
        assert_eq!(replaced("gw-1 and gw-10, gw-1.", "gw-1", "…1"), "…1 and gw-10, …1.");
        assert_eq!(replaced("a-gw-1 gw-1/istio", "gw-1", "…1"), "a-gw-1 …1/istio");
        assert_eq!(replaced("gw-1.example", "gw-1", "…1"), "gw-1.example");
    }

    #[test]
    fn the_date_of_the_run_is_left_out() {
        let today = "2025-05-19T";
        assert_eq!(without_date("at 2025-05-19T04:46:20Z or earlier", today), "at 04:46:20 or earlier");
        assert_eq!(without_date("2025-05-18T04:46:20Z, 2025-05-19Tx", today), "2025-05-18T04:46:20Z, 2025-05-19Tx");
    }
}
