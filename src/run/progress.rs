//! Reports the progress of gathering. The implementation decides whether and how to show it.

/// Receives the progress of gathering. Called concurrently from several tasks.
pub trait Progress: Send + Sync {
    /// A task began, such as `ApigeeRoutes`.
    fn started(&self, task: &str);
    /// A running task waits for this: `the line of this run's handshake`.
    fn waiting(&self, _task: &str, _what: &str) {}
    /// More bytes of logs were read.
    fn bytes(&self, count: u64);
    /// A task ended. The outcome follows the task's name: `3 routes`, `forbidden: …`.
    fn finished(&self, task: &str, outcome: &str);
}

/// Discards all progress.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn started(&self, _task: &str) {}
    fn bytes(&self, _count: u64) {}
    fn finished(&self, _task: &str, _outcome: &str) {}
}
