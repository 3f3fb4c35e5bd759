//! Runs over several kubeconfig contexts: selects them, and runs each one alone, all at the same time.
//!
//! Waiting costs little, so that dead and slow clusters do not hold up the others. What needs a processor or
//! much memory takes turns ([`Turns`]).

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::{Error, clean_message, message, sources};
use crate::cli::{ClusterArgs, EvidenceArgs};
use crate::gather::{self, ConnectionOptions, KubeconfigFiles};
use crate::judgement::contexts::Failure;
use crate::run::Stop;

/// Maximum number of clusters queried at the same time.
const MAX_PARALLEL: usize = 256;
/// Number of files and connections that the queries of one cluster may have open.
const OPEN_FILES: u64 = 16;

/// Maximum number of clusters that are reached at the same time, of those that answer within [`AT_ONCE`].
const MAX_REACHED: usize = 32;
const AT_ONCE: Duration = Duration::from_millis(500);

/// The contexts of a run.
pub(super) struct Chosen {
    /// In the order given.
    pub(super) names: Vec<String>,
    pub(super) files: KubeconfigFiles,
}

/// Limits how many contexts do the same work at the same time.
#[derive(Clone)]
pub(super) struct Turns(Arc<Semaphore>);

/// Returns whether the flags name several contexts, or all.
pub(super) fn are_several(args: &ClusterArgs) -> bool {
    args.all_contexts || !args.contexts.is_empty()
}

/// Returns the contexts to query, in the order given; `None` where the flags name none.
///
/// Rejects here whatever can be rejected without contacting a cluster.
pub(super) fn chosen(args: &EvidenceArgs) -> Result<Option<Chosen>, Error> {
    let cluster = &args.cluster;
    if !are_several(cluster) {
        return Ok(None);
    }
    if !args.overrides.is_empty() || !args.access_logs.is_empty() {
        return Err(Error::Usage {
            what: "-f and --access-log with --contexts or --all-contexts: these files belong to one cluster".into(),
            hint: "run them for their own cluster: --context NAME -f overrides.yaml".into(),
        });
    }
    sources::validate(args)?;
    let files = KubeconfigFiles::read(&sources::connection_options(cluster))?;
    let known = files.context_names()?;
    if cluster.all_contexts {
        let is_empty = known.is_empty();
        return if is_empty {
            Err(unusable("--all-contexts", &known))
        } else {
            Ok(Some(Chosen { names: known, files }))
        };
    }
    // A space after a comma is not part of a name.
    let names: Vec<String> = cluster.contexts.iter().map(|name| name.trim().to_owned()).collect();
    let mut given = HashSet::new();
    if let Some(twice) = names.iter().find(|name| !given.insert(*name)) {
        let hint = "name each context once".to_owned();
        return Err(Error::Argument { what: format!("--contexts: {twice:?} is given twice"), hint });
    }
    let missing: Vec<String> =
        names.iter().filter(|name| !known.contains(name)).map(|name| format!("{name:?}")).collect();
    if missing.is_empty() {
        return Ok(Some(Chosen { names, files }));
    }
    Err(unusable(&format!("--contexts {}", missing.join(", ")), &known))
}

fn unusable(flag: &str, known: &[String]) -> Error {
    if known.is_empty() {
        let hint = "give --cluster and --user, or another kubeconfig with --kubeconfig".into();
        return Error::Argument { what: format!("{flag}: the kubeconfig has no contexts"), hint };
    }
    let hint = format!("the contexts are: {}", known.join(", "));
    Error::Argument { what: format!("{flag}: the kubeconfig has no such context"), hint }
}

/// Returns the arguments of a run with only this context.
pub(super) fn with_context(args: &EvidenceArgs, context: &str) -> EvidenceArgs {
    let mut args = args.clone();
    args.cluster.context = Some(context.to_owned());
    args
}

impl Turns {
    /// Lets so many contexts work at the same time.
    pub(super) fn new(most: usize) -> Self {
        Self(Arc::new(Semaphore::new(most)))
    }

    /// Lets the first requests be sent to so many contexts at the same time as memory allows.
    pub(super) fn to_reach() -> Self {
        Self::new(MAX_REACHED)
    }

    /// Lets as many contexts work at the same time as there are processors.
    pub(super) fn of_processors() -> Self {
        Self::new(processors())
    }

    /// Waits for a turn, which ends when the returned value is dropped.
    ///
    /// # Errors
    /// The program ends.
    pub(super) async fn turn(&self) -> Result<SemaphorePermit<'_>, Error> {
        self.0.acquire().await.map_err(|_| Error::Internal)
    }

    /// Waits for a turn, and does work that blocks a thread.
    ///
    /// # Errors
    /// The work panicked.
    pub(super) async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
        let _turn = self.turn().await?;
        spawn_blocking(work).await.map_err(|_| Error::Internal)
    }
}

/// Returns the runtime of [`each`], whose threads do most of the work themselves: each further thread that
/// allocates adds an arena of its own, which holds on to what it had at most.
///
/// # Errors
/// The system has no thread or no descriptor left.
pub(super) fn runtime() -> io::Result<Runtime> {
    Builder::new_multi_thread().worker_threads(1).enable_all().build()
}

/// Runs `work` for each context, up to [`MAX_PARALLEL`] at a time, and returns the outcomes in order.
///
/// A failure or a panic affects only its own context. Contexts not started before an interruption are skipped
/// with [`gather::Error::Interrupted`]. The contexts are spread over as many threads as there are processors,
/// so that what comes in is parsed by all of them.
pub(super) fn each<T, W>(
    runtime: &Runtime,
    contexts: &[String],
    stop: &Stop,
    work: impl Fn(String) -> W + Sync,
) -> Vec<Result<T, Error>>
where
    T: Send,
    W: Future<Output = Result<T, Error>>,
{
    let affordable = usize::try_from(gather::allow_open_files() / OPEN_FILES).unwrap_or(MAX_PARALLEL);
    let turns = Semaphore::new(affordable.clamp(1, MAX_PARALLEL));
    let threads = processors().min(contexts.len());
    let outcomes = Mutex::new(BTreeMap::new());
    let run = async |context: &String| {
        let _turn = turns.acquire().await.map_err(|_| Error::Internal)?;
        match stop.reason() {
            Some(_) => Err(Error::Cluster(gather::Error::Interrupted)),
            None => work(context.clone()).await,
        }
    };
    let share = &|number: usize| {
        let mut share: FuturesUnordered<_> = contexts
            .iter()
            .enumerate()
            .skip(number)
            .step_by(threads)
            .map(|(at, context)| {
                let outcome = AssertUnwindSafe(run(context)).catch_unwind();
                outcome.map(move |outcome| (at, outcome.unwrap_or(Err(Error::Internal))))
            })
            .collect();
        runtime.block_on(async {
            while let Some((at, outcome)) = share.next().await {
                outcomes.lock().unwrap_or_else(PoisonError::into_inner).insert(at, outcome);
            }
        });
    };
    thread::scope(|scope| {
        for number in 1..threads {
            let spawned = thread::Builder::new().spawn_scoped(scope, move || share(number));
            if spawned.is_err() {
                share(number);
            }
        }
        share(0);
    });
    outcomes.into_inner().unwrap_or_else(PoisonError::into_inner).into_values().collect()
}

/// Sends the first requests to a cluster alone, within the time limit of a run: a cluster that does not
/// answer must not hold a turn to be queried.
///
/// A handshake in progress takes 200 KiB. So that not all begin at once, [`MAX_REACHED`] do; a cluster that
/// does not answer at once gives its turn to the next one and goes on.
pub(super) async fn reach(
    args: &EvidenceArgs,
    files: &KubeconfigFiles,
    stop: &Stop,
    reaching: &Turns,
) -> Result<(), Error> {
    let options = ConnectionOptions { files: Some(files.clone()), ..sources::connection_options(&args.cluster) };
    let turn = reaching.turn().await?;
    let part = stop.part(sources::timeout(args));
    let mut reached = Box::pin(gather::reach(&options, &args.cluster.namespace, part));
    if let Ok(reached) = timeout(AT_ONCE, &mut reached).await {
        return Ok(reached?);
    }
    drop(turn);
    Ok(reached.await?)
}

fn processors() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// Converts an error into the reason why a context has no report. Its texts are redacted: a server may repeat
/// what it rejects.
pub(super) fn failure(error: &Error) -> Failure {
    let message = clean_message(&message(error));
    let reason = match error {
        Error::Cluster(error) => error.reason().map(|reason| clean_message(&reason)),
        _ => None,
    };
    Failure {
        reason: reason.unwrap_or_else(|| message.clone()),
        message,
        hint: error.hint().map(|hint| clean_message(&hint)),
        exit_code: error.exit_code(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::{Duration, Instant};

    use tokio::sync::watch;

    #[test]
    fn a_failure_repeats_no_secret_of_a_server() {
        let error = gather::Error::Unauthorized {
            address: "https://10.0.0.1".into(),
            message: "Unauthorized token=hunter2secretABC123xyz".into(),
            plugin: None,
        };
        let failure = failure(&Error::Cluster(error));
        for text in [&failure.message, &failure.reason] {
            assert!(text.contains("token=<redacted>") && !text.contains("hunter2"), "{text}");
        }
    }

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|number| number.to_string()).collect()
    }

    #[test]
    fn keeps_the_order_and_confines_a_panic_to_its_context() {
        let runtime = Runtime::new().unwrap();
        let outcomes = each(&runtime, &names(9), &Stop::never(), |context| async move {
            match context.as_str() {
                "3" => panic!("a fault"),
                "5" => Err(Error::Argument { what: "five".into(), hint: String::new() }),
                _ => Ok(context),
            }
        });
        let messages: Vec<String> =
            outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(|error| message(&error))).collect();
        assert_eq!(messages[..3], ["0", "1", "2"]);
        assert!(messages[3].contains("internal error"), "{messages:?}");
        assert_eq!(messages[4..], ["4", "could not use five", "6", "7", "8"]);
    }

    #[test]
    fn waits_do_not_add_up() {
        let begun = Instant::now();
        let runtime = Runtime::new().unwrap();
        let outcomes = each(&runtime, &names(200), &Stop::never(), |_| async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Ok(())
        });
        assert_eq!(outcomes.len(), 200);
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    }

    #[test]
    fn work_that_blocks_takes_turns() {
        let counts = Arc::new((AtomicUsize::new(0), AtomicUsize::new(0)));
        let turns = Turns::new(3);
        let runtime = Runtime::new().unwrap();
        let outcomes = each(&runtime, &names(12), &Stop::never(), |_| {
            let (counts, turns) = (Arc::clone(&counts), turns.clone());
            async move {
                let (now, most) = (Arc::clone(&counts), counts);
                let work = move || {
                    most.1.fetch_max(now.0.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    thread::sleep(Duration::from_millis(20));
                    now.0.fetch_sub(1, Ordering::SeqCst);
                };
                turns.run(work).await
            }
        });
        assert!(outcomes.iter().all(Result::is_ok));
        assert_eq!(counts.1.load(Ordering::SeqCst), 3);
        let failed = runtime.block_on(turns.run(|| panic!("a fault")));
        assert!(matches!(failed, Err::<(), _>(Error::Internal)));
        assert!(runtime.block_on(turns.run(|| ())).is_ok());
    }

    #[test]
    fn starts_no_context_after_an_interruption() {
        let (interrupt, interrupted) = watch::channel(false);
        let stop = Stop::new(None, interrupted);
        let interrupt = Arc::new(interrupt);
        let runtime = Runtime::new().unwrap();
        let outcomes = each(&runtime, &names(MAX_PARALLEL + 20), &stop, |_| {
            let interrupt = Arc::clone(&interrupt);
            async move {
                interrupt.send_replace(true);
                Ok(())
            }
        });
        assert!(outcomes.iter().filter(|outcome| outcome.is_ok()).count() <= MAX_PARALLEL);
        let last = outcomes.last().unwrap().as_ref().unwrap_err();
        assert_eq!((last.exit_code(), message(last)), (130, "could not finish: interrupted".to_owned()));
    }
}
