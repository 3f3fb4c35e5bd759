//! Measures how long each task of gathering takes, for the manifest: support asks which source was slow.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::run::Progress;

/// Forwards progress to `listener` and records durations.
pub(super) struct Timings {
    listener: Arc<dyn Progress>,
    tasks: Mutex<BTreeMap<String, Task>>,
}

struct Task {
    begun: Instant,
    took: Option<Duration>,
}

impl Timings {
    pub(super) fn new(listener: Arc<dyn Progress>) -> Self {
        Self { listener, tasks: Mutex::default() }
    }

    /// Returns milliseconds by task, without tasks that did not finish.
    pub(super) fn milliseconds(&self) -> BTreeMap<String, u64> {
        let tasks = self.tasks();
        let ended = tasks.iter().filter_map(|(name, task)| {
            let took = task.took?.as_millis();
            Some((name.clone(), u64::try_from(took).unwrap_or(u64::MAX)))
        });
        ended.collect()
    }

    fn tasks(&self) -> MutexGuard<'_, BTreeMap<String, Task>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress for Timings {
    fn started(&self, task: &str) {
        self.tasks().insert(task.to_owned(), Task { begun: Instant::now(), took: None });
        self.listener.started(task);
    }

    fn waiting(&self, task: &str, what: &str) {
        self.listener.waiting(task, what);
    }

    fn bytes(&self, count: u64) {
        self.listener.bytes(count);
    }

    fn finished(&self, task: &str, outcome: &str) {
        if let Some(task) = self.tasks().get_mut(task) {
            task.took = Some(task.begun.elapsed());
        }
        self.listener.finished(task, outcome);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Silent;

    #[test]
    fn times_only_tasks_that_finished() {
        let timings = Timings::new(Arc::new(Silent));
        timings.started("routes");
        timings.started("pods");
        std::thread::sleep(Duration::from_millis(2));
        timings.finished("pods", "2 found");
        timings.finished("never begun", "");
        let milliseconds = timings.milliseconds();
        assert_eq!(milliseconds.keys().collect::<Vec<_>>(), ["pods"]);
        assert!(milliseconds["pods"] >= 2);
    }
}
