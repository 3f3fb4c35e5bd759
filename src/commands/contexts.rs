//! Runs over several kubeconfig contexts: selects them, and runs each one alone, in parallel.

use std::collections::{BTreeMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::{Error, message, sources};
use crate::cli::{ClusterArgs, EvidenceArgs};
use crate::gather;
use crate::judgement::contexts::Failure;
use crate::run::Stop;

/// Maximum number of clusters queried at the same time. Each needs its own connections, and all logs are
/// scanned by the same processors.
const MAX_PARALLEL: usize = 4;

/// Returns whether the flags name several contexts, or all.
pub(super) fn are_several(args: &ClusterArgs) -> bool {
    args.all_contexts || !args.contexts.is_empty()
}

/// Returns the contexts to query, in the order given; `None` where the flags name none.
///
/// Rejects here whatever can be rejected without contacting a cluster.
pub(super) fn chosen(args: &EvidenceArgs) -> Result<Option<Vec<String>>, Error> {
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
    let known = gather::context_names(&sources::connection_options(cluster))?;
    if cluster.all_contexts {
        return if known.is_empty() { Err(unusable("--all-contexts", &known)) } else { Ok(Some(known)) };
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
        return Ok(Some(names));
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

/// Runs `work` for each context, up to [`MAX_PARALLEL`] at a time, and returns the outcomes in order.
///
/// A failure or a panic affects only its own context. Contexts not started before an interruption are skipped
/// with [`gather::Error::Interrupted`].
pub(super) fn each<T: Send>(
    contexts: &[String],
    stop: &Stop,
    work: impl Fn(&str) -> Result<T, Error> + Sync,
) -> Vec<Result<T, Error>> {
    let next = AtomicUsize::new(0);
    let outcomes = Mutex::new(BTreeMap::new());
    let take_turns = || {
        loop {
            let turn = next.fetch_add(1, Ordering::Relaxed);
            let Some(context) = contexts.get(turn) else { return };
            let outcome = match stop.reason() {
                Some(_) => Err(Error::Cluster(gather::Error::Interrupted)),
                None => catch_unwind(AssertUnwindSafe(|| work(context))).unwrap_or_else(|_| Err(Error::Internal)),
            };
            outcomes.lock().unwrap_or_else(PoisonError::into_inner).insert(turn, outcome);
        }
    };
    thread::scope(|scope| {
        // If a thread cannot be created, the remaining ones take over its work.
        for _ in 1..contexts.len().min(MAX_PARALLEL) {
            drop(thread::Builder::new().spawn_scoped(scope, take_turns));
        }
        take_turns();
    });
    outcomes.into_inner().unwrap_or_else(PoisonError::into_inner).into_values().collect()
}

/// Converts an error into the reason why a context has no report.
pub(super) fn failure(error: &Error) -> Failure {
    Failure { message: message(error), hint: error.hint(), exit_code: error.exit_code() }
}

#[cfg(test)]
mod tests {
    use super::*;

    use tokio::sync::watch;

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|number| number.to_string()).collect()
    }

    #[test]
    fn keeps_the_order_and_confines_a_panic_to_its_context() {
        let outcomes = each(&names(9), &Stop::never(), |context| match context {
            "3" => panic!("a fault"),
            "5" => Err(Error::Argument { what: "five".into(), hint: String::new() }),
            context => Ok(context.to_owned()),
        });
        let messages: Vec<String> =
            outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(|error| message(&error))).collect();
        assert_eq!(messages[..3], ["0", "1", "2"]);
        assert!(messages[3].contains("internal error"), "{messages:?}");
        assert_eq!(messages[4..], ["4", "could not use five", "6", "7", "8"]);
    }

    #[test]
    fn runs_at_most_max_parallel_contexts_at_a_time() {
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let outcomes = each(&names(12), &Stop::never(), |_| {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            thread::sleep(std::time::Duration::from_millis(20));
            now.fetch_sub(1, Ordering::SeqCst);
            Ok(())
        });
        assert_eq!((outcomes.len(), most.into_inner()), (12, MAX_PARALLEL));
    }

    #[test]
    fn starts_no_context_after_an_interruption() {
        let (interrupt, interrupted) = watch::channel(false);
        let stop = Stop::new(None, interrupted);
        let outcomes = each(&names(20), &stop, |_| {
            interrupt.send(true).unwrap();
            Ok(())
        });
        assert!(outcomes.iter().filter(|outcome| outcome.is_ok()).count() <= MAX_PARALLEL);
        let last = outcomes.last().unwrap().as_ref().unwrap_err();
        assert_eq!((last.exit_code(), message(last)), (130, "could not finish: interrupted".to_owned()));
    }
}
