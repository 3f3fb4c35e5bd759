//! What gathering tells about itself while it runs; who shows it, and whether, is not its business.

/// Someone who is told how gathering goes. Called from several tasks at once.
pub trait Progress: Send + Sync {
    /// A task began, as `reading ApigeeRoutes`.
    fn started(&self, task: &str);
    /// More bytes of logs were read.
    fn bytes(&self, count: u64);
    /// A task ended; the outcome reads after its name: `3 routes`, `forbidden: …`.
    fn finished(&self, task: &str, outcome: &str);
}

/// Nobody listens.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn started(&self, _task: &str) {}
    fn bytes(&self, _count: u64) {}
    fn finished(&self, _task: &str, _outcome: &str) {}
}
