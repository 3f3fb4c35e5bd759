//! Tests on a real Kubernetes cluster with real Envoys and real clients.
//!
//! ```text
//! scenarios/*.yaml ─ scenario ─▶ objects ─▶ API server ─▶ envoy (as Istio derives it) ─▶ ingress pods ◀─
//! traffic
//!                       └─ expect ◀─ report ◀─ kubectl-apigee-tls diagnose
//! ```
//!
//! Who calls whom: `main` picks the role of the process and starts `sandbox`, or uses a given cluster. Inside
//! it, `testbed` starts the cluster (`cluster`, `settings`, `images`, `pki`), and `tests` lists one test per
//! file of `scenario`, plus those that need several runs. A test sets a `stage`: it creates `objects`, pushes
//! what `envoy` derives, writes `recorded` lines and sends `traffic`, all through `api` and `shell`. The test
//! then runs the program and compares its output by `expect`, which reads it through `report`; `bundle`,
//! `plugin` and `contexts` check `collect`, the remedy and several contexts; `capturing` checks `capture`, `watching`
//! `watch`.
//! `midway` disturbs a run of `diagnose`. `interrupts`, `faults` and `rights` run `collect` many times through `runs`, with `faults`
//! placing `proxy` before the API server. `cleanup` tests the sandbox itself, and `manual` keeps a cluster
//! for working by hand.
//!
//! The cluster starts once, in a sandbox of kernel namespaces, and ends with it. `--up`, `--exec` and
//! `--down` keep one for working by hand; `APIGEE_TLS_TEST_KUBECONFIG` names another cluster to use. Without
//! root, Linux or such a cluster, the tests fail and say what to do.

#![expect(unreachable_pub, reason = "a program of its own: `pub` is what its modules offer each other")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it reports to a person, and has no other way")]

mod api;
mod bundle;
mod capturing;
mod cleanup;
mod cluster;
mod contexts;
mod envoy;
mod expect;
mod faults;
mod identity;
mod images;
mod interrupts;
mod load_balancer;
mod manual;
mod midway;
mod objects;
mod pki;
mod plugin;
mod proxy;
mod recorded;
mod report;
mod rights;
mod runs;
mod sandbox;
mod scenario;
mod settings;
mod setup;
mod shell;
mod stage;
mod testbed;
mod tests;
mod traffic;
mod watching;

use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::Arguments;

use crate::shell::Result;
use crate::testbed::{GIVEN_CLUSTER, Testbed};
use crate::tests::Source;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    play_role(&arguments).unwrap_or_else(|reason| {
        eprintln!("error: {reason}");
        ExitCode::FAILURE
    })
}

/// Runs the role given by the first argument: the program starts itself again in several roles.
fn play_role(arguments: &[String]) -> Result<ExitCode> {
    let rest = arguments.get(1..).unwrap_or_default();
    match arguments.first().map(String::as_str) {
        Some("--up") => manual::up(rest.first().map(String::as_str)),
        Some("--down") => manual::down(),
        Some("--exec") => manual::exec(rest),
        Some(manual::HOLD) => manual::hold(rest),
        Some(sandbox::SUPERVISE) => sandbox::supervise(rest),
        Some(sandbox::INSIDE) => inside(rest),
        _ => run_tests(arguments),
    }
}

fn inside(arguments: &[String]) -> Result<ExitCode> {
    match arguments {
        [role, rest @ ..] if role == manual::KEEP => manual::keep(rest),
        [role, mark] if role == cleanup::LIVE_AND_WAIT => cleanup::live_and_wait(mark),
        [role] if role == cleanup::NOTHING => Ok(ExitCode::SUCCESS),
        _ => {
            let source = Source::Ready(Arc::new(Testbed::start()?));
            Ok(tests::run(parse(arguments), &source)?.exit_code())
        }
    }
}

fn run_tests(arguments: &[String]) -> Result<ExitCode> {
    let parsed = parse(arguments);
    // A run that selects none of these tests, such as `cargo test NAME` for other targets, must not need a
    // cluster. cluster.
    if parsed.list || tests::none_chosen(&parsed)? {
        return Ok(tests::run(parsed, &Source::None)?.exit_code());
    }
    match std::env::var_os(GIVEN_CLUSTER) {
        Some(kubeconfig) => {
            let source = Source::Ready(Arc::new(Testbed::given(kubeconfig.as_ref())?));
            Ok(tests::run(parsed, &source)?.exit_code())
        }
        None => sandbox::run_to_end(arguments),
    }
}

fn parse(arguments: &[String]) -> Arguments {
    Arguments::from_iter(std::iter::once("cluster".to_owned()).chain(arguments.iter().cloned()))
}
