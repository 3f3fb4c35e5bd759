//! Progress of gathering: one live line on a terminal, and with `-v` a line for each finished task.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::streams::{Output, Streams, write_lines};
use crate::run::Progress;
use crate::text::{at_most, seconds, visible};

/// Interval at which the live line is redrawn.
const TICK: Duration = Duration::from_millis(120);

/// Shows progress on standard error, and only there.
#[derive(Debug)]
pub struct Reporter {
    bar: Option<ProgressBar>,
    lines: bool,
    running: Mutex<BTreeMap<String, Instant>>,
}

impl Reporter {
    /// Returns a reporter with a live line if standard error is a terminal, and with lines from `-v` on.
    #[must_use]
    pub fn new(streams: Streams, verbosity: u8) -> Self {
        let bar = streams.live_stderr.then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            // The template is constant; the fallback only avoids a panic.
            let style = ProgressStyle::with_template("{spinner} {wide_msg} {bytes:>10} {elapsed:>4}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
            bar.enable_steady_tick(TICK);
            bar
        });
        Self { bar, lines: verbosity > 0, running: Mutex::default() }
    }

    /// Returns a listener that puts `label` before the names of its tasks, for one of several runs in
    /// parallel.
    #[must_use]
    pub fn labelled(self: &Arc<Self>, label: &str) -> Labelled {
        Labelled { label: label.to_owned(), reporter: Arc::clone(self) }
    }

    /// Removes the live line, as dropping does.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn show(&self, running: &BTreeMap<String, Instant>) {
        if let Some(bar) = &self.bar {
            bar.set_message(summary(running.keys()));
        }
    }

    fn line(&self, line: &str) {
        let print = || write_lines(&mut Output::stderr(), &visible(line));
        match &self.bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    fn running(&self) -> MutexGuard<'_, BTreeMap<String, Instant>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress for Reporter {
    fn started(&self, task: &str) {
        let mut running = self.running();
        running.insert(task.to_owned(), Instant::now());
        self.show(&running);
    }

    fn bytes(&self, count: u64) {
        if let Some(bar) = &self.bar {
            bar.inc(count);
        }
    }

    fn finished(&self, task: &str, outcome: &str) {
        let mut running = self.running();
        let began = running.remove(task);
        self.show(&running);
        drop(running);
        if self.lines {
            let took = began.map(|began| format!(" ({})", seconds(began.elapsed(), 2))).unwrap_or_default();
            self.line(&format!("{task}: {outcome}{took}"));
        }
    }
}

/// The progress of one of several clusters.
#[derive(Debug)]
pub struct Labelled {
    label: String,
    reporter: Arc<Reporter>,
}

impl Progress for Labelled {
    fn started(&self, task: &str) {
        self.reporter.started(&self.labelled_task(task));
    }

    fn bytes(&self, count: u64) {
        self.reporter.bytes(count);
    }

    fn finished(&self, task: &str, outcome: &str) {
        self.reporter.finished(&self.labelled_task(task), outcome);
    }
}

impl Labelled {
    fn labelled_task(&self, task: &str) -> String {
        format!("{}: {task}", self.label)
    }
}

impl Drop for Reporter {
    fn drop(&mut self) {
        self.finish();
    }
}

/// Returns `reading ApigeeRoutes, Services and 4 more` without hidden characters: task names hold names from
/// the cluster, which must not control the terminal.
fn summary<'a>(tasks: impl Iterator<Item = &'a String>) -> String {
    let tasks: Vec<&String> = tasks.collect();
    if tasks.is_empty() { String::new() } else { visible(&format!("reading {}", at_most(&tasks, 2))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_at_most_two_tasks_in_the_live_line() {
        let names: Vec<String> = ["a", "b", "c", "d"].map(str::to_owned).to_vec();
        assert_eq!(summary(names[..0].iter()), "");
        assert_eq!(summary(names[..2].iter()), "reading a, b");
        assert_eq!(summary(names.iter()), "reading a, b and 2 more");
    }

    #[test]
    fn escapes_control_characters_in_the_live_line() {
        let names = ["log of gw\u{1b}[2J\r\n".to_owned(), "pay\u{202e}ment".to_owned()];
        assert_eq!(summary(names.iter()), "reading log of gw\\u{1b}[2J\\u{d}\\u{a}, pay\\u{202e}ment");
    }

    #[test]
    fn tracks_tasks_without_a_terminal() {
        let streams = Streams { color_stdout: false, color_stderr: false, live_stderr: false, width: None };
        let reporter = Reporter::new(streams, 0);
        reporter.started("x");
        reporter.bytes(7);
        assert_eq!(reporter.running().len(), 1);
        reporter.finished("x", "done");
        assert!(reporter.running().is_empty() && reporter.bar.is_none());
    }

    #[test]
    fn tells_equal_tasks_of_two_clusters_apart() {
        let streams = Streams { color_stdout: false, color_stderr: false, live_stderr: false, width: None };
        let reporter = Arc::new(Reporter::new(streams, 0));
        let (east, west) = (reporter.labelled("east"), reporter.labelled("west"));
        east.started("x");
        west.started("x");
        east.finished("x", "done");
        assert_eq!(reporter.running().keys().collect::<Vec<_>>(), ["west: x"]);
    }
}
