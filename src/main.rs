//! The binary `kubectl-apigee-tls`; all work is in [`apigee_tls::commands`].

use std::process::ExitCode;

fn main() -> ExitCode {
    apigee_tls::commands::main()
}
