//! Decides when a run has to end: at its deadline, on Ctrl-C or on a signal.
//!
//! Every wait of gathering goes through [`Stop::bound`], so that a source that hangs yields a reason, and the
//! run yields a report.

use std::io;
use std::time::Duration;

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};
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
    /// Creates a run that ends after `timeout`, if given, or when `interrupted` becomes true.
    ///
    /// If the sender is dropped, the run can no longer be interrupted.
    #[must_use]
    pub fn new(timeout: Option<Duration>, interrupted: watch::Receiver<bool>) -> Self {
        // A deadline beyond the range of the clock is no deadline.
        let deadline = timeout.and_then(|timeout| Some((Instant::now().checked_add(timeout)?, timeout)));
        Self { deadline, interrupted }
    }

    /// Creates a run without a deadline and without signals.
    #[must_use]
    pub fn never() -> Self {
        Self::new(None, watch::channel(false).1)
    }

    /// Creates a run that ends after `timeout`, or on Ctrl-C, SIGTERM or SIGHUP.
    ///
    /// A second signal ends the process at once with exit code 130, after `clear` has removed incomplete
    /// files. The first signal does so too if no copy of this value is left to receive it. The system's
    /// default handlers are not restored, so the listening runtime has to live until everything is written.
    ///
    /// # Errors
    /// The signal handlers cannot be installed.
    pub fn on_signal(timeout: Option<Duration>, clear: impl FnOnce() + Send + 'static) -> io::Result<Self> {
        let mut signals = Signals::listen()?;
        let (interrupt, interrupted) = watch::channel(false);
        tokio::spawn(async move {
            signals.next().await;
            let is_over = interrupt.send(true).is_err();
            if !is_over {
                signals.next().await;
            }
            clear();
            #[expect(clippy::disallowed_methods, reason = "a second signal ends the process at once")]
            std::process::exit(130);
        });
        Ok(Self::new(timeout, interrupted))
    }

    /// Creates a part of this run: interrupted with it, and with a time limit of its own that starts now.
    #[must_use]
    pub fn part(&self, timeout: Option<Duration>) -> Self {
        Self::new(timeout, self.interrupted.clone())
    }

    /// Returns the reason, if the run has to end now.
    #[must_use]
    pub fn reason(&self) -> Option<Reason> {
        if *self.interrupted.borrow() {
            return Some(Reason::Interrupted);
        }
        let (deadline, allowed) = self.deadline?;
        (Instant::now() >= deadline).then(|| timed_out(allowed))
    }

    /// Returns the remaining time.
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

/// Signals that end a run, received from now on.
#[cfg(unix)]
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    /// Absent if the process was started to outlive its terminal.
    hang_up: Option<Signal>,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: if hang_up_ends() { Some(signal(SignalKind::hangup())?) } else { None },
        })
    }

    async fn next(&mut self) {
        let hang_up = async {
            match &mut self.hang_up {
                Some(signal) => signal.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = hang_up => {}
        }
    }
}

/// Whether SIGHUP would end this process. Under `nohup` it is ignored, and a handler would undo that. If the
/// system does not report it, the signal is left unchanged.
#[cfg(unix)]
fn hang_up_ends() -> bool {
    std::fs::read_to_string("/proc/self/status").is_ok_and(|status| !ignores(&status, SignalKind::hangup()))
}

/// Parses the format of `proc_pid_status(5)`: `SigIgn:` and a hexadecimal mask whose lowest bit is the first
/// signal.
#[cfg(unix)]
fn ignores(status: &str, signal: SignalKind) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal.as_raw_value() - 1) & 1 == 1)
}

/// Signals that end a run, received from now on.
#[cfg(windows)]
struct Signals(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl Signals {
    fn listen() -> io::Result<Self> {
        tokio::signal::windows::ctrl_c().map(Self)
    }

    async fn next(&mut self) {
        self.0.recv().await;
    }
}

/// Returns the reason for a run whose time limit `allowed` has passed.
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

    #[cfg(unix)]
    #[test]
    fn a_signal_ignored_by_nohup_stays_ignored() {
        let status = |mask: &str| format!("SigBlk:\t0000000000000000\nSigIgn:\t{mask}\nSigCgt:\t0000000000000001\n");
        assert!(ignores(&status("0000000000001001"), SignalKind::hangup()));
        assert!(!ignores(&status("0000000000001000"), SignalKind::hangup()));
        assert!(ignores(&status("0000000000004000"), SignalKind::terminate()));
        assert!(!ignores("", SignalKind::hangup()));
    }
}
