//! Tests `probe` against real servers: an Envoy with every set-up of an ingress, OpenSSL, Java, and
//! misbehaving peers.
//!
//! ```text
//! certificates ─ servers ─▶ kubectl-apigee-tls probe ─▶ report in JSON ─ cases
//! ```
//!
//! The servers start once for all tests and end with them. If one does not start, all tests fail. With
//! `--serve`, the program keeps them for measurements: it prints their ports as JSON, and ends them at the
//! end of its standard input.

#![expect(unreachable_pub, reason = "a program of its own: `pub` is what its modules offer each other")]
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "it reports to a person or to a script, and has no other way"
)]

mod arguments;
mod cases;
mod certificates;
mod faults;
mod run;
mod servers;
#[path = "../cluster/setup.rs"]
#[expect(dead_code, reason = "the cluster's tests need more of it")]
mod setup;
#[path = "../cluster/shell.rs"]
#[expect(dead_code, reason = "the cluster's tests need more of it")]
mod shell;

use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::Arguments;
use serde_json::json;

use crate::certificates::Certificates;
use crate::run::Bench;
use crate::servers::Servers;

fn main() -> ExitCode {
    if std::env::args().any(|argument| argument == "--serve") {
        return serve();
    }
    let arguments = Arguments::from_args();
    let bench = if arguments.list { Ok(None) } else { start().map(|bench| Some(Arc::new(bench))) };
    let bench = match bench {
        Ok(bench) => bench,
        // Whatever the filter: without servers nothing was tested, which is not a success.
        Err(why) => {
            eprintln!("the servers do not start: {why}");
            return ExitCode::FAILURE;
        }
    };
    let mut trials = cases::trials(bench.as_ref());
    trials.extend(arguments::trials(bench.as_ref()));
    trials.extend(faults::trials(bench.as_ref()));
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn serve() -> ExitCode {
    let bench = match start() {
        Ok(bench) => bench,
        Err(why) => {
            eprintln!("{why}");
            return ExitCode::FAILURE;
        }
    };
    println!("{}", json!({ "certificates": bench.certificates.folder, "ports": bench.servers.ports }));
    // The starting process holds the other end.
    let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
    ExitCode::SUCCESS
}

/// Another process may take a free port before its server listens; then all servers are started again.
fn start() -> shell::Result<Bench> {
    let mut tries = 3;
    loop {
        tries -= 1;
        match start_once() {
            Err(_) if tries > 0 => {}
            ended => return ended,
        }
    }
}

fn start_once() -> shell::Result<Bench> {
    let folder = tempfile::tempdir().map_err(|error| format!("no temporary folder: {error}"))?;
    let certificates = Certificates::make(folder.path())?;
    let servers = Servers::start(folder.path(), &certificates, &setup::paths()?.envoy)?;
    Ok(Bench { certificates, servers, _folder: folder })
}
