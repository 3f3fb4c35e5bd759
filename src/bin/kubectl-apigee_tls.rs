//! The same program under the file name that kubectl resolves `kubectl apigee-tls` to.

use std::process::ExitCode;

fn main() -> ExitCode {
    apigee_tls::commands::main()
}
