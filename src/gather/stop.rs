//! When a run has to end: its deadline, and the user's Ctrl-C.
//!
//! Every wait of gathering goes through [`Stop::bound`], so that a source that hangs ends with a reason, and the run
//! with a report.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::evidence::Reason;

/// The end of a run; cheap to clone.
#[derive(Clone, Debug)]
pub struct Stop {
    deadline: Option<(Instant, Duration)>,
    interrupted: watch::Receiver<bool>,
}

impl Stop {
    /// A run that ends after `timeout`, where given, or when `interrupted` turns true.
    ///
    /// A sender that is gone means that nobody will interrupt any more.
    #[must_use]
    pub fn new(timeout: Option<Duration>, interrupted: watch::Receiver<bool>) -> Self {
        // A deadline beyond what the clock can express is no deadline.
        let deadline = timeout.and_then(|timeout| Some((Instant::now().checked_add(timeout)?, timeout)));
        Self { deadline, interrupted }
    }

    /// A run that ends by itself only.
    #[must_use]
    pub fn never() -> Self {
        Self::new(None, watch::channel(false).1)
    }

    /// A run that ends after `timeout` or with Ctrl-C. A second Ctrl-C ends the process at once with exit code 130, and so does
    /// the first when gathering is over. The signal never goes back to the system, so the runtime that listens has to live
    /// until the report is written.
    #[must_use]
    pub fn on_ctrl_c(timeout: Option<Duration>) -> Self {
        let (interrupt, interrupted) = watch::channel(false);
        tokio::spawn(async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                // Without a receiver gathering is over, and nobody would take the request.
                let is_over = interrupt.send(true).is_err();
                if is_over || tokio::signal::ctrl_c().await.is_ok() {
                    #[expect(clippy::disallowed_methods, reason = "asked for twice, now means now")]
                    std::process::exit(130);
                }
            }
        });
        Self::new(timeout, interrupted)
    }

    /// A part of this run: interrupted with it, and with a time of its own from now on.
    #[must_use]
    pub fn part(&self, timeout: Option<Duration>) -> Self {
        Self::new(timeout, self.interrupted.clone())
    }

    /// The reason, where the run has to end now.
    #[must_use]
    pub fn reason(&self) -> Option<Reason> {
        if *self.interrupted.borrow() {
            return Some(Reason::Interrupted);
        }
        let (deadline, allowed) = self.deadline?;
        (Instant::now() >= deadline).then(|| timed_out(allowed))
    }

    /// What is left of the time allowed.
    #[must_use]
    pub fn remaining(&self) -> Option<Duration> {
        self.deadline.map(|(deadline, _)| deadline.saturating_duration_since(Instant::now()))
    }

    /// Waits for `work`, but not beyond the end of the run.
    ///
    /// # Errors
    /// The reason why the run has to end; `work` is dropped.
    pub async fn bound<F: Future>(&self, work: F) -> Result<F::Output, Reason> {
        tokio::select! {
            biased;
            reason = self.reached() => Err(reason),
            output = work => Ok(output),
        }
    }

    async fn reached(&self) -> Reason {
        let mut interrupted = self.interrupted.clone();
        let interruption = async {
            if interrupted.wait_for(|interrupted| *interrupted).await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        let Some((deadline, allowed)) = self.deadline else {
            interruption.await;
            return Reason::Interrupted;
        };
        tokio::select! {
            biased;
            () = interruption => Reason::Interrupted,
            () = tokio::time::sleep_until(deadline) => timed_out(allowed),
        }
    }
}

/// The reason for `allowed` having passed.
pub(crate) fn timed_out(allowed: Duration) -> Reason {
    Reason::TimedOut { milliseconds: u64::try_from(allowed.as_millis()).unwrap_or(u64::MAX) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn ends_at_the_deadline() {
        let stop = Stop::new(Some(Duration::from_millis(20)), watch::channel(false).1);
        assert_eq!(stop.reason(), None);
        assert_eq!(stop.bound(std::future::pending::<()>()).await, Err(Reason::TimedOut { milliseconds: 20 }));
        assert_eq!(stop.reason(), Some(Reason::TimedOut { milliseconds: 20 }));
        assert_eq!(stop.remaining(), Some(Duration::ZERO));
    }

    #[tokio::test]
    async fn ends_with_an_interruption() {
        let (interrupt, interrupted) = watch::channel(false);
        let stop = Stop::new(Some(Duration::MAX), interrupted);
        assert_eq!(stop.bound(async { 7 }).await, Ok(7));
        let waiting = stop.clone();
        let waiting = tokio::spawn(async move { waiting.bound(std::future::pending::<()>()).await });
        interrupt.send(true).unwrap();
        assert_eq!(waiting.await.unwrap(), Err(Reason::Interrupted));
        assert_eq!(stop.bound(async { 7 }).await, Err(Reason::Interrupted));
    }

    #[tokio::test]
    async fn parts_have_their_own_time_and_are_interrupted_together() {
        let (interrupt, interrupted) = watch::channel(false);
        let whole = Stop::new(None, interrupted);
        let (short, long) = (whole.part(Some(Duration::from_millis(5))), whole.part(None));
        assert_eq!(short.bound(std::future::pending::<()>()).await, Err(Reason::TimedOut { milliseconds: 5 }));
        assert_eq!((whole.reason(), long.reason()), (None, None));
        interrupt.send(true).unwrap();
        assert_eq!(long.reason(), Some(Reason::Interrupted));
    }

    #[tokio::test]
    async fn a_lost_sender_interrupts_nothing() {
        let stop = Stop::never();
        assert_eq!(stop.bound(tokio::time::sleep(Duration::from_millis(5))).await, Ok(()));
        assert_eq!(stop.reason(), None);
    }
}
