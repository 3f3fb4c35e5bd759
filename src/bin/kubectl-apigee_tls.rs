//! The same program under the name that `kubectl apigee-tls` looks for.

use std::process::ExitCode;

fn main() -> ExitCode {
    apigee_tls::commands::main()
}
