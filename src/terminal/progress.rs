//! Progress of gathering. On a terminal, a line for each finished task, and below them a live line that says
//! what is waited for. Elsewhere nothing, and with `-v` the lines of finished tasks.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{HumanBytes, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

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
    running: Mutex<BTreeMap<String, Task>>,
}

/// A running task.
#[derive(Debug)]
struct Task {
    began: Instant,
    /// What the task itself waits for.
    waits_for: Option<String>,
}

impl Reporter {
    /// Returns a reporter with a live line and lines if standard error is a terminal, and with lines alone
    /// from `-v` on.
    #[must_use]
    pub fn new(streams: Streams, verbosity: u8) -> Self {
        let bar = streams.live_stderr.then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            // The template is constant; the fallback only avoids a panic.
            let style = ProgressStyle::with_template("{spinner} {wide_msg} {read} {elapsed:>4}")
                .unwrap_or_else(|_| ProgressStyle::default_spinner());
            bar.set_style(style.with_key("read", |state: &ProgressState, line: &mut dyn std::fmt::Write| {
                if state.pos() > 0 {
                    // Writing to the line cannot fail.
                    let _ = write!(line, "{}", HumanBytes(state.pos()));
                }
            }));
            bar.enable_steady_tick(TICK);
            bar
        });
        Self { lines: bar.is_some() || verbosity > 0, bar, running: Mutex::default() }
    }

    /// Returns a listener that puts `label` before the names of its tasks, for one of several runs in
    /// parallel.
    #[must_use]
    pub fn labelled(self: &Arc<Self>, label: &str) -> Labelled {
        Labelled { label: label.to_owned(), reporter: Arc::clone(self) }
    }

    /// Prints a line, whether or not standard error is a terminal.
    pub fn say(&self, line: &str) {
        self.line(line);
    }

    /// Removes the live line, as dropping does.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn show(&self, running: &BTreeMap<String, Task>) {
        if let Some(bar) = &self.bar {
            bar.set_message(summary(running));
        }
    }

    fn line(&self, line: &str) {
        let print = || write_lines(&mut Output::stderr(), &visible(line));
        match &self.bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    fn running(&self) -> MutexGuard<'_, BTreeMap<String, Task>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress for Reporter {
    fn started(&self, task: &str) {
        let mut running = self.running();
        running.insert(task.to_owned(), Task { began: Instant::now(), waits_for: None });
        self.show(&running);
    }

    fn waiting(&self, task: &str, what: &str) {
        let mut running = self.running();
        if let Some(task) = running.get_mut(task) {
            task.waits_for = Some(what.to_owned());
        }
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
            let took = began.map(|task| format!(" ({})", seconds(task.began.elapsed(), 2))).unwrap_or_default();
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

    fn waiting(&self, task: &str, what: &str) {
        self.reporter.waiting(&self.labelled_task(task), what);
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

/// Returns `waiting for ApigeeRoutes, Services and 4 more` without hidden characters: task names hold names
/// from the cluster, which must not control the terminal.
fn summary(running: &BTreeMap<String, Task>) -> String {
    let named = running.iter().map(|(name, task)| match &task.waits_for {
        Some(what) => format!("{what} in {name}"),
        None => name.clone(),
    });
    let named: Vec<String> = named.collect();
    if named.is_empty() { String::new() } else { visible(&format!("waiting for {}", at_most(&named, 2))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tasks(names: &[&str]) -> BTreeMap<String, Task> {
        let task = || Task { began: Instant::now(), waits_for: None };
        names.iter().map(|name| ((*name).to_owned(), task())).collect()
    }

    #[test]
    fn names_at_most_two_tasks_in_the_live_line() {
        assert_eq!(summary(&tasks(&[])), "");
        assert_eq!(summary(&tasks(&["a", "b"])), "waiting for a, b");
        let mut four = tasks(&["a", "b", "c", "d"]);
        assert_eq!(summary(&four), "waiting for a, b and 2 more");
        if let Some(task) = four.get_mut("a") {
            task.waits_for = Some("the line of this run's handshake".into());
        }
        assert_eq!(summary(&four), "waiting for the line of this run's handshake in a, b and 2 more");
    }

    #[test]
    fn escapes_control_characters_in_the_live_line() {
        let names = tasks(&["log of gw\u{1b}[2J\r\n", "pay\u{202e}ment"]);
        assert_eq!(summary(&names), "waiting for log of gw\\u{1b}[2J\\u{d}\\u{a}, pay\\u{202e}ment");
    }

    #[test]
    fn tracks_tasks_without_a_terminal() {
        let streams =
            Streams { color_stdout: false, color_stderr: false, live_stderr: false, live_stdout: false, width: None };
        let reporter = Reporter::new(streams, 0);
        reporter.started("x");
        reporter.bytes(7);
        assert_eq!(reporter.running().len(), 1);
        reporter.finished("x", "done");
        assert!(reporter.running().is_empty() && reporter.bar.is_none());
    }

    #[test]
    fn tells_equal_tasks_of_two_clusters_apart() {
        let streams =
            Streams { color_stdout: false, color_stderr: false, live_stderr: false, live_stdout: false, width: None };
        let reporter = Arc::new(Reporter::new(streams, 0));
        let (east, west) = (reporter.labelled("east"), reporter.labelled("west"));
        east.started("x");
        west.started("x");
        east.finished("x", "done");
        assert_eq!(reporter.running().keys().collect::<Vec<_>>(), ["west: x"]);
    }
}
