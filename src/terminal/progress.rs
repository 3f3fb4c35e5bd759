//! What is shown while gathering: one moving line on a terminal, and with `-v` a line for each task that
//! ended.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::console::write_lines;
use super::streams::{Output, Streams};
use crate::run::Progress;
use crate::text::{at_most, seconds, visible};

/// How often the moving line is drawn, whatever happens.
const TICK: Duration = Duration::from_millis(120);

/// Shows progress on standard error, and only there.
#[derive(Debug)]
pub struct Reporter {
    bar: Option<ProgressBar>,
    lines: bool,
    running: Mutex<BTreeMap<String, Instant>>,
}

impl Reporter {
    /// A moving line where standard error is a terminal; lines from `-v` on.
    #[must_use]
    pub fn new(streams: Streams, verbosity: u8) -> Self {
        let bar = streams.live_stderr.then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            // The template is fixed; were it wrong, indicatif's own would do.
            let style = ProgressStyle::with_template("{spinner} {wide_msg} {bytes:>10} {elapsed:>4}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
            bar.enable_steady_tick(TICK);
            bar
        });
        Self { bar, lines: verbosity > 0, running: Mutex::default() }
    }

    /// For one of several that are told of at the same time: the label stands before each of its tasks.
    #[must_use]
    pub fn labelled(self: &Arc<Self>, label: &str) -> Labelled {
        Labelled { label: label.to_owned(), reporter: Arc::clone(self) }
    }

    /// Takes the moving line away. Dropping does the same.
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
        self.reporter.started(&self.named(task));
    }

    fn bytes(&self, count: u64) {
        self.reporter.bytes(count);
    }

    fn finished(&self, task: &str, outcome: &str) {
        self.reporter.finished(&self.named(task), outcome);
    }
}

impl Labelled {
    fn named(&self, task: &str) -> String {
        format!("{}: {task}", self.label)
    }
}

impl Drop for Reporter {
    fn drop(&mut self) {
        self.finish();
    }
}

/// `reading ApigeeRoutes, Services and 4 more`, in one line without hidden characters. Tasks have names of
/// the cluster in them, and no cluster may move the cursor.
fn summary<'a>(tasks: impl Iterator<Item = &'a String>) -> String {
    let tasks: Vec<&String> = tasks.collect();
    if tasks.is_empty() { String::new() } else { visible(&format!("reading {}", at_most(&tasks, 2))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_moving_line_names_a_few() {
        let names: Vec<String> = ["a", "b", "c", "d"].map(str::to_owned).to_vec();
        assert_eq!(summary(names[..0].iter()), "");
        assert_eq!(summary(names[..2].iter()), "reading a, b");
        assert_eq!(summary(names.iter()), "reading a, b and 2 more");
    }

    #[test]
    fn the_moving_line_shows_names_and_obeys_none() {
        let names = ["log of gw\u{1b}[2J\r\n".to_owned(), "pay\u{202e}ment".to_owned()];
        assert_eq!(summary(names.iter()), "reading log of gw\\u{1b}[2J\\u{d}\\u{a}, pay\\u{202e}ment");
    }

    #[test]
    fn without_a_terminal_it_only_keeps_count() {
        let streams = Streams { color_stdout: false, color_stderr: false, live_stderr: false, width: None };
        let reporter = Reporter::new(streams, 0);
        reporter.started("x");
        reporter.bytes(7);
        assert_eq!(reporter.running().len(), 1);
        reporter.finished("x", "done");
        assert!(reporter.running().is_empty() && reporter.bar.is_none());
    }

    #[test]
    fn the_same_task_of_two_clusters_is_two() {
        let streams = Streams { color_stdout: false, color_stderr: false, live_stderr: false, width: None };
        let reporter = Arc::new(Reporter::new(streams, 0));
        let (east, west) = (reporter.labelled("east"), reporter.labelled("west"));
        east.started("x");
        west.started("x");
        east.finished("x", "done");
        assert_eq!(reporter.running().keys().collect::<Vec<_>>(), ["west: x"]);
    }
}
