//! Tests on a real Kubernetes cluster with real Envoys and real clients.
//!
//! ```text
//! scenarios/*.yaml ─ scenario ─▶ objects ─▶ API server ─▶ envoy (as Istio derives it) ─▶ ingress pods ◀─ traffic
//!                       └─ expect ◀─ report ◀─ kubectl-apigee-tls diagnose
//! ```
//!
//! The cluster starts once, in a sandbox of kernel namespaces (`sandbox`), and goes with it. `--up`, `--exec`
//! and `--down` keep one for working by hand; `APIGEE_TLS_TEST_KUBECONFIG` names another cluster to be used.
//! Without root or Linux, and without that, the tests fail and say what to do.

#![expect(unreachable_pub, reason = "a program of its own: `pub` is what its modules offer each other")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it reports to a person, and has no other way")]

mod api;
mod bundle;
mod cleanup;
mod cluster;
mod contexts;
mod envoy;
mod expect;
mod faults;
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

/// The program starts itself again in several roles; the first argument says which.
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
    // A run that chooses none of these tests, as `cargo test NAME` does for other targets, must not need a
    // cluster.
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
