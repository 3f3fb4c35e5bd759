//! The binary `kubectl-apigee-tls`.

use std::process::ExitCode;

fn main() -> ExitCode {
    apigee_tls::commands::main()
}
